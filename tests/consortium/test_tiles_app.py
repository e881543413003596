"""A log's resources over real HTTP: what the specification names is there, and nothing else is."""

import asyncio
import datetime as dt
import gzip
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from consortium.errors import SourceError
from consortium.fetching import Fetcher
from consortium.serving import listening
from consortium.source import FolderSource, HttpSource, fetch_consistency, fetch_inclusion, read_all
from consortium.tiles_app import tiles_app
from tests.consortium.making import LOG, MemoryLog, fetcher, served
from tests.tlog.making import flip
from tests.vectors import require_vectors
from tlog import (
    Checkpoint,
    Follower,
    TileId,
    TlogError,
    leaf_hash,
    open_checkpoint,
    verify_consistency,
    verify_inclusion,
)
from tlog.merkle import tree_root
from tlog.note import text_unverified
from tlog.tiles import node_reader, parse_entry_bundle, tiles_for_append


async def failing(reason: str, call: object) -> None:
    with pytest.raises(SourceError) as caught:
        await call  # type: ignore[misc]
    assert caught.value.reason == reason


async def test_a_whole_log_is_read_and_checked_over_http() -> None:
    log = MemoryLog().grow(3, 300, 1, 260)
    async with served(tiles_app(log)) as url, fetcher() as asks:
        source = HttpSource(url, asks)
        checkpoint = open_checkpoint(await source.checkpoint(), LOG.verifier)
        read = list[tuple[bytes, bytes | None]]()

        def taken(_: int, entries: Sequence[bytes], notes: Sequence[bytes | None]) -> None:
            read.extend(zip(entries, notes, strict=True))

        await read_all(source, Follower(), checkpoint, taken)
        assert read == log.pairs
        for index in (0, 255, 256, 511, log.size - 1):
            proof = await fetch_inclusion(source, index, log.size)
            verify_inclusion(leaf_hash(log.pairs[index][0]), index, log.size, proof, checkpoint.root)
        for size, note in log.notes_at.items():
            old = open_checkpoint(note, LOG.verifier)
            proof = await fetch_consistency(source, size, log.size)
            verify_consistency(size, log.size, proof, old.root, checkpoint.root)


async def test_each_path_of_the_specification_and_no_other() -> None:
    log = MemoryLog().grow(300)  # and a header: 301 leaves
    async with served(tiles_app(log)) as url, httpx.AsyncClient(base_url=url) as client:
        there = {
            "/checkpoint": log.note,
            "/tile/0/000": await log.tile(TileId(0, 0), 256),
            "/tile/0/001.p/45": await log.tile(TileId(0, 1), 45),
            "/tile/0/001.p/7": await log.tile(TileId(0, 1), 7),
            "/tile/1/000.p/1": await log.tile(TileId(1, 0), 1),
            "/tile/entries/000": await log.entries(0, 256),
            "/tile/entries/001.p/45": await log.entries(1, 45),
            "/notes/001.p/45": await log.notes(1, 45),
        }
        for path, octets in there.items():
            answer = await client.get(path)
            assert (answer.status_code, answer.content) == (200, octets), path
            assert answer.headers["x-content-type-options"] == "nosniff"
            if path == "/checkpoint":
                assert answer.headers["content-type"] == "text/plain; charset=utf-8"
                assert answer.headers["cache-control"] == "public, max-age=1"
            else:
                assert answer.headers["content-type"] == "application/octet-stream"
                assert "immutable" in answer.headers["cache-control"]
            head = await client.head(path)
            assert (head.status_code, head.content) == (200, b"")
            assert (await client.post(path)).status_code == 405
        for path in (
            "/", "/tile", "/tile/", "/tile/0", "/tile/0/1", "/tile/0/0000", "/tile/00/000", "/tile/-1/000",
            "/tile/65/000", "/tile/0/001", "/tile/0/001.p/46", "/tile/0/001.p/0", "/tile/0/001.p/045",
            "/tile/0/001.p/256", "/tile/0/002", "/tile/0/000.p/", "/tile/1/000", "/tile/2/000.p/1",
            "/tile/0/x000/000", "/tile/0/000/", "/tile/entries/001", "/tile/entries/002.p/1",
            "/notes", "/notes/", "/notes/001", "/notes/x",
            "/tile/0/%30%30%30%00", "/tile/0/" + "x999/" * 30 + "000", "/other", "/checkpoint/",
            "/tile/entries/\u0661\u0661\u0661",
        ):  # fmt: skip
            answer = await client.get(path, follow_redirects=False)
            assert answer.status_code in (404, 307), path
            assert "immutable" not in answer.headers.get("cache-control", "")


async def test_only_what_the_checkpoint_covers_is_published() -> None:
    log = MemoryLog().grow(5)
    note = log.note
    log.grow(20)
    log.note = note
    async with served(tiles_app(log)) as url, fetcher() as asks:
        source = HttpSource(url, asks)
        assert parse_entry_bundle(await source.entries(0, 6), 6)
        await failing("NOT_FOUND", source.entries(0, 7))
        await failing("NOT_FOUND", source.tile(TileId(0, 0), 7))
        await failing("NOT_FOUND", source.notes(0, 7))


async def test_official_tiles_are_served_and_give_the_official_root() -> None:
    folder = require_vectors("log", "tiles")
    text = (folder / "checkpoint").read_bytes()
    checkpoint = Checkpoint.parse(text_unverified(text))

    async with served(tiles_app(FolderSource(folder))) as url, fetcher() as asks:
        source = HttpSource(url, asks)
        assert await source.checkpoint() == text
        widths = {TileId(0, 1): 44, TileId(1, 0): 1}
        found = {each: await source.tile(each, widths[each]) for each in tiles_for_append(checkpoint.size)}
        assert tree_root(checkpoint.size, node_reader(found.__getitem__)) == checkpoint.root
        assert len(await source.tile(TileId(0, 0), 256)) == 8192
        await failing("NOT_FOUND", source.tile(TileId(0, 1), 45))


async def test_what_a_source_says_falsely_is_refused() -> None:
    honest = MemoryLog().grow(4, 4)
    checkpoint = open_checkpoint(honest.note, LOG.verifier)

    async def reading(log: MemoryLog) -> str:
        try:
            await read_all(log, Follower(), checkpoint)
        except SourceError as error:
            return error.reason
        except TlogError as error:
            return error.reason
        return "read"

    assert await reading(honest) == "read"
    assert await reading(MemoryLog(seed=50).grow(4, 4)) == "CONSISTENCY_INVALID"
    assert await reading(MemoryLog().grow(4)) == "NOT_FOUND"
    for place, reason in ((0, "BLOCK_INVALID"), (4, "BLOCK_INVALID"), (9, "BLOCK_INVALID")):
        changed = honest.fork(0)
        changed.pairs[place] = (flip(changed.pairs[place][0], -1), changed.pairs[place][1])
        assert await reading(changed) in (reason, "BLOCK_MALFORMED", "HOLDER_NOTE_INVALID", "ENTRY_MALFORMED")
    without = honest.fork(0)
    without.pairs[1] = (without.pairs[1][0], None)
    assert await reading(without) == "HOLDER_NOTE_MALFORMED"


def hostile() -> Starlette:
    """A server that answers as nobody should."""

    async def endless(_: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            while True:
                yield bytes(65536)
                await asyncio.sleep(0.001)

        return StreamingResponse(pieces())

    async def slow(_: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"a"
            await asyncio.sleep(30)

        return StreamingResponse(pieces())

    packed = gzip.compress(bytes(64 << 20), 1)

    async def squeezed(_: Request) -> Response:
        return Response(packed, headers={"Content-Encoding": "gzip"})

    async def failing_(_: Request) -> Response:
        return Response(status_code=500)

    async def elsewhere(_: Request) -> Response:
        return RedirectResponse("/checkpoint-elsewhere")

    routes = {
        "endless": endless,
        "slow": slow,
        "squeezed": squeezed,
        "failing": failing_,
        "elsewhere": elsewhere,
    }
    return Starlette(routes=[Route(f"/{name}", each) for name, each in routes.items()])


async def test_a_hostile_server_costs_little_and_is_named() -> None:
    async with served(hostile()) as url, fetcher(connect=0.5, whole=1.0) as asks:
        await failing("TOO_LARGE", asks.get(f"{url}/endless", 100_000))
        await failing("TIMED_OUT", asks.get(f"{url}/slow", 100))
        await failing("TOO_LARGE", asks.get(f"{url}/squeezed", 2 << 20))
        await failing("STATUS_UNEXPECTED", asks.get(f"{url}/failing", 100))
        await failing("STATUS_UNEXPECTED", asks.get(f"{url}/elsewhere", 100))
        await failing("NOT_FOUND", asks.get(f"{url}/nothing", 100))
    async with fetcher(connect=0.5, whole=1.0) as asks:
        await failing("UNREACHABLE", asks.get("http://127.0.0.1:1/checkpoint", 100))
        for wrong in (
            "ftp://example/x",
            "nonsense",
            "http://[::1",
            "http:///x",
            "",
            "http://name:secret@127.0.0.1:1/x",
        ):
            await failing("URL_INVALID", asks.get(wrong, 10))


@asynccontextmanager
async def raw(url: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    try:
        yield reader, writer
    finally:
        writer.close()


async def test_connections_that_say_nothing_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consortium.serving.HEAD_SECONDS", 0.3)
    async with served(tiles_app(MemoryLog().grow(2))) as url:
        for said in (b"", b"GET /checkpoint HTTP/1.1\r\nHost: x\r\n"):
            async with raw(url) as (reader, writer):
                writer.write(said)
                async with asyncio.timeout(5):
                    assert await reader.read() == b""


async def test_a_flood_of_headers_is_refused() -> None:
    async with served(tiles_app(MemoryLog().grow(2))) as url:
        async with raw(url) as (reader, writer):
            writer.write(b"GET /checkpoint HTTP/1.1\r\n" + b"X: " + b"a" * 100_000)
            async with asyncio.timeout(5):
                assert b"400" in (await reader.read(100))
        async with fetcher() as asks:
            assert await HttpSource(url, asks).checkpoint()


async def test_tls_with_a_pinned_root(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "log")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + dt.timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(True, None), True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    (tmp_path / "c.pem").write_bytes(pem)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "k.pem").write_bytes(private)
    log = MemoryLog().grow(2)
    app = tiles_app(log)
    async with listening(
        app, "127.0.0.1", 0, certificate=tmp_path / "c.pem", private_key=tmp_path / "k.pem"
    ) as port:
        url = f"https://127.0.0.1:{port}"
        async with Fetcher(root=pem) as asks:
            assert await HttpSource(url, asks).checkpoint() == log.note
        async with fetcher() as asks:
            await failing("UNREACHABLE", HttpSource(url, asks).checkpoint())


async def test_large_bundles_of_slow_readers_are_bounded_and_others_are_served(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("consortium.tiles_app._LARGE_AT_ONCE", 2)
    monkeypatch.setattr("consortium.tiles_app._LARGE_OCTETS", 1000)
    monkeypatch.setattr("consortium.serving.ANSWER_SECONDS", 4.0)
    log = MemoryLog().grow(300)
    log.pairs[0] = (bytes(30 << 20), None)  # more than the sockets between the two take

    async def many(*_: object) -> bytes:
        return log.pairs[0][0]

    monkeypatch.setattr(log, "entries", many)
    async with served(tiles_app(log)) as url, AsyncExitStack() as stack:
        for _ in range(2):
            _, writer = await stack.enter_async_context(raw(url))
            writer.write(b"GET /tile/entries/000 HTTP/1.1\r\nHost: x\r\n\r\n")
        async with httpx.AsyncClient(base_url=url) as client, asyncio.timeout(30):
            while (refused := await client.get("/tile/entries/000")).status_code == 200:
                pass
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
            assert (await client.get("/tile/0/000")).status_code == 200
            while (await client.get("/tile/entries/000")).status_code != 200:
                await asyncio.sleep(0.1)  # who does not take its answer has been dropped
