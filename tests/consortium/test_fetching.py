"""What another operator's server may send: bounded in octets and time, unpacked no further than asked for."""

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx
import pytest

from consortium.errors import SourceError
from consortium.fetching import Fetcher
from consortium.source import HttpSource
from consortium.tiles_app import tiles_app
from tests.consortium.making import MemoryLog, fetcher, served
from tlog.tiles import TILE_WIDTH, entry_bundle, parse_entry_bundle


@asynccontextmanager
async def raw_server(answer: bytes, *, asked: list[bytes] | None = None) -> AsyncIterator[str]:
    """A server that sends these octets to whoever asks, and closes."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if asked is not None:
            asked.append(head)
        writer.write(answer)
        with suppress(ConnectionError):
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x"


def response(body: bytes, *headers: bytes, length: int | None = None) -> bytes:
    count = len(body) if length is None else length
    return b"\r\n".join((b"HTTP/1.1 200 OK", b"Content-Length: %d" % count, *headers, b"", body))


async def refused(reason: str, answer: bytes, most: int = 1000) -> None:
    async with raw_server(answer) as url, fetcher(connect=1.0, whole=3.0) as asks:
        with pytest.raises(SourceError) as caught:
            await asks.get(url, most)
        assert caught.value.reason == reason, caught.value


GZIP = b"Content-Encoding: gzip"


async def test_a_compressed_answer_is_unpacked() -> None:
    body = b"octets " * 100
    async with raw_server(response(gzip.compress(body), GZIP)) as url, fetcher() as asks:
        assert await asks.get(url, len(body)) == body
    await refused("TOO_LARGE", response(gzip.compress(body), GZIP), len(body) - 1)


async def test_a_small_answer_does_not_unpack_into_a_huge_one() -> None:
    packing = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packing.compress(bytes(1 << 20)) for _ in range(200)) + packing.flush()
    assert len(bomb) < 250_000
    tracemalloc.start()
    try:
        await refused("TOO_LARGE", response(bomb, GZIP), 300_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20 << 20


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (response(b"x" * 1001), "TOO_LARGE"),
        (response(b"x" * 10, length=20), "UNREACHABLE"),
        (response(gzip.compress(b"octets")[:-9], GZIP), "ANSWER_MALFORMED"),
        (response(gzip.compress(b"octets") + b"more", GZIP), "ANSWER_MALFORMED"),
        (response(b"not gzip", GZIP), "ANSWER_MALFORMED"),
        (response(b"x", b"Content-Encoding: br"), "ANSWER_MALFORMED"),
        (response(b"x", b"Content-Encoding: gzip, gzip"), "ANSWER_MALFORMED"),
        (response(b"", b"X-Flood: " + b"a" * (1 << 20)), "UNREACHABLE"),
        (response(b"", *[b"X-%d: a" % n for n in range(100_000)]), "UNREACHABLE"),
        (b"HTTP/1.1 302 Found\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n", "STATUS_UNEXPECTED"),
        (b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", "NOT_FOUND"),
        (b"nonsense\r\n\r\n", "UNREACHABLE"),
        (b"", "UNREACHABLE"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)  # fmt: skip
async def test_an_answer_that_is_not_one(answer: bytes, reason: str) -> None:
    await refused(reason, answer)


async def test_a_server_that_drips_octets_is_given_up() -> None:
    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        try:
            while True:
                writer.write(b"a")
                await writer.drain()
                await asyncio.sleep(0.05)
        except ConnectionError:
            pass

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    async with server, fetcher(connect=0.5, whole=0.5) as asks:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        with pytest.raises(SourceError) as caught:
            await asks.get(url, 1000)
    assert caught.value.reason == "TIMED_OUT"


async def test_no_cookie_comes_back_and_no_proxy_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    asked = list[bytes]()
    answer = response(b"x", b"Set-Cookie: seen=1; Path=/", b"Connection: close")
    async with raw_server(answer, asked=asked) as url, fetcher() as asks:
        for _ in range(2):
            assert await asks.get(url, 10) == b"x"
    assert len(asked) == 2
    assert b"ookie" not in asked[1]


def test_a_root_that_is_no_certificate() -> None:
    for wrong in (
        b"",
        b"nothing",
        b"\xff",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ):
        with pytest.raises(SourceError) as caught:
            Fetcher(root=wrong)
        assert caught.value.reason == "ROOT_INVALID"


async def test_bundles_of_entries_are_compressed_for_whoever_takes_that() -> None:
    log = MemoryLog().grow(300)
    whole = await log.entries(0, TILE_WIDTH)
    async with served(tiles_app(log)) as url, httpx.AsyncClient() as client, fetcher() as asks:
        for accepted, packed in {
            "gzip": True, "br, GZIP;q=0.5": True, "gzip;q=1": True, "identity": False, "gzip;q=0": False,
            "gzip;q=0.000": False, "br": False, "": False, "*": False, "xgzip": False,
        }.items():  # fmt: skip
            headers = {"Accept-Encoding": accepted}
            async with client.stream("GET", f"{url}/tile/entries/000", headers=headers) as answer:
                raw = b"".join([piece async for piece in answer.aiter_raw()])
                assert ("content-encoding" in answer.headers) is packed, accepted
                assert answer.headers["vary"] == "Accept-Encoding"
                assert (gzip.decompress(raw) if packed else raw) == whole
                assert len(raw) < len(whole) if packed else raw == whole
            for path in ("tile/0/000", "notes/000", "checkpoint"):
                plain = await client.get(f"{url}/{path}", headers=headers)
                assert "content-encoding" not in plain.headers
        assert await HttpSource(url, asks).entries(0, TILE_WIDTH) == whole


class Wide(MemoryLog):
    """A log whose first bundle has the largest entries that there can be."""

    async def entries(self, index: int, width: int) -> bytes:
        return entry_bundle([bytes([n]) * 65535 for n in range(width)])


async def test_a_reader_that_takes_nothing_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consortium.serving.ANSWER_SECONDS", 0.5)
    log = Wide().grow(300)
    async with served(tiles_app(log)) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]), limit=1024)
        writer.write(b"GET /tile/entries/000 HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.sleep(2)  # and nothing is read meanwhile
        read = 0
        with suppress(ConnectionError):
            while piece := await reader.read(1 << 20):
                read += len(piece)
        assert read < 256 * 65535
        writer.close()
        async with fetcher(whole=20.0) as asks:
            bundle = await HttpSource(url, asks).entries(0, TILE_WIDTH)
        assert parse_entry_bundle(bundle, TILE_WIDTH)[255] == bytes([255]) * 65535
