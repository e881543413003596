"""Frames of HTTP/2 that cost their sender little and a careless server much.

Floods of pings, settings, resets, streams and large headers are in tests/reliability/test_floods.py. Here are
header blocks without an end, headers that unpack to far more than was sent, and frames that break the rules.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import grpc
import pytest
import pytest_asyncio

from tests.attack.http2 import answer_to
from tests.reliability.flooding import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PING,
    RESET,
    SETTINGS,
    Attack,
    connected,
    flood,
    frame,
    message,
    opening,
    resident,
    streams,
)
from tests.reliability.test_floods import GET, MOST_GROWTH, served, survives
from tests.zkservice.refusing import raw
from tests.zkservice.seeing import until
from tests.zkservice.server_process import Process
from tests.zkservice.stored import Rows
from tests.zkservice.support import City, city
from zkservice.observing import request_ids

in_module = pytest.mark.asyncio(loop_scope="module")
Served = tuple[Process, City, Rows]
PRIORITY, PUSH_PROMISE, WINDOW_UPDATE = 2, 5, 8
SECONDS: Final = 0.8
MOST_OF_A_CONNECTION: Final = 64 << 20
"""What gRPC keeps of header blocks that unpack to 16 MiB each, in all streams of a connection.

It does so before it ends their calls for having more than 16 KiB of metadata; the service looks no further.
"""
CONNECTIONS: Final = 8
MOST_AFTER: Final = 200 << 20
"""Of all that, what may be left some seconds after the attack: freed memory goes back to the system."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    folder: Path = tmp_path_factory.mktemp("floods")
    async with served(folder, log_level="error") as (process, honest):
        rows = Rows(folder)
        try:
            yield process, honest, rows
            assert process.handle.returncode is None
            assert (await honest.ask(honest.request())).exchange
        finally:
            rows.close()


async def unended_headers(address: str, seconds: float) -> int:
    """Go on with one header block for ever (CONTINUATION flood, VU#421644)."""
    part = b"".join(b"\0\1a" + bytes([100]) + b"b" * 100 for _ in range(150))

    def sent(turn: int) -> bytes:
        if turn == 0:
            return opening(1, GET)[:3] + bytes([HEADERS, 0]) + opening(1, GET)[5:]
        return frame(CONTINUATION, 0, 1, part) * 8

    return await flood(address, seconds, CONNECTIONS, sent)


async def empty_continuations(address: str, seconds: float) -> int:
    """The same with frames of no octets, of which each is nine."""

    def sent(turn: int) -> bytes:
        if turn == 0:
            return opening(1, GET)[:3] + bytes([HEADERS, 0]) + opening(1, GET)[5:]
        return frame(CONTINUATION, 0, 1) * 5000

    return await flood(address, seconds, CONNECTIONS, sent)


async def unpacked_headers(address: str, seconds: float) -> int:
    """Have one large header kept in the table of HPACK, and name it by one octet, thousands of times."""
    large = b"\x40\x01a" + b"\x7f" + bytes([(3900 - 127) % 128 + 128, (3900 - 127) // 128]) + b"b" * 3900

    def sent(turn: int) -> bytes:
        calls = []
        for each in streams(turn, 8):
            head = opening(each, GET)[9:] + (large if each == 1 else b"") + b"\xbe" * 8000
            calls.append(frame(HEADERS, END_HEADERS, each, head) + message(each, b""))
        return b"".join(calls)

    return await flood(address, seconds, CONNECTIONS, sent)


async def many_headers(address: str, seconds: float) -> int:
    """Thousands of headers of two octets."""
    small = b"\0\1a\1b" * 2500

    def sent(turn: int) -> bytes:
        return b"".join(
            frame(HEADERS, END_HEADERS, each, opening(each, GET)[9:] + small) + message(each, b"")
            for each in streams(turn, 8)
        )

    return await flood(address, seconds, CONNECTIONS, sent)


async def reset_by_mistakes(address: str, seconds: float) -> int:
    """Have the server take the calls back itself, by windows of nothing (MadeYouReset, CVE-2025-8671)."""

    def sent(turn: int) -> bytes:
        return b"".join(
            opening(each, GET) + frame(WINDOW_UPDATE, 0, each, bytes(4)) for each in streams(turn, 50)
        )

    return await flood(address, seconds, CONNECTIONS, sent)


async def empty_data(address: str, seconds: float) -> int:
    """Frames of data without data (CVE-2019-9518)."""

    def sent(turn: int) -> bytes:
        begins = opening(1, GET) if turn == 0 else b""
        return begins + frame(DATA, 0, 1) * 5000

    return await flood(address, seconds, CONNECTIONS, sent)


async def priorities(address: str, seconds: float) -> int:
    """Reorder streams that there are not (CVE-2019-9513)."""
    sent = b"".join(frame(PRIORITY, 0, each, bytes(3) + b"\1\x10") for each in streams(0, 2000))
    return await flood(address, seconds, CONNECTIONS, lambda _: sent)


FLOODS: Final = (
    unended_headers, empty_continuations, unpacked_headers, many_headers, reset_by_mistakes, empty_data,
    priorities,
)  # fmt: skip


@in_module
@pytest.mark.parametrize("attack", FLOODS, ids=lambda each: each.__name__)
async def test_a_flood_is_survived_within_memory(town: Served, attack: Attack) -> None:
    process, honest, _ = town
    first = resident(process.handle.pid)
    turns, growth, taken = await survives(process, honest, attack, SECONDS)
    assert turns
    assert taken
    unpacks = attack in (unended_headers, unpacked_headers, many_headers)
    most = MOST_GROWTH + unpacks * CONNECTIONS * MOST_OF_A_CONNECTION
    assert growth <= most, growth >> 20

    async def small_again() -> bool:
        return resident(process.handle.pid) - first <= (MOST_AFTER if unpacks else MOST_GROWTH)

    await until(small_again)


async def test_what_header_blocks_unpack_to_is_bounded_by_the_connections(tmp_path: Path) -> None:
    """Nothing else that gRPC has bounds it: of eight connections three are let in, beside the honest one."""
    async with served(tmp_path, log_level="error", max_connections=4) as (process, honest):
        assert (await honest.ask(honest.request())).exchange
        first = resident(process.handle.pid)
        for attack in (unpacked_headers, many_headers):
            flooding = asyncio.ensure_future(attack(process.address, SECONDS))
            while not flooding.done():
                assert resident(process.handle.pid) - first <= MOST_GROWTH + 3 * MOST_OF_A_CONNECTION
                await asyncio.sleep(0.02)
            flooding.result()
            assert (await honest.ask(honest.request())).exchange


BROKEN: Final[dict[str, bytes]] = {
    "a frame larger than allowed": frame(DATA, 0, 1, bytes(16_385)),
    "a length of 16 MiB": b"\xff\xff\xff" + frame(HEADERS, 0, 1)[3:],
    "headers on stream 0": frame(HEADERS, END_HEADERS, 0, opening(1, GET)[9:]),
    "headers on a stream of the server's": frame(HEADERS, END_HEADERS, 2, opening(1, GET)[9:]),
    "data on a stream that is not open": frame(DATA, END_STREAM, 7, b"x"),
    "a continuation of nothing": frame(CONTINUATION, END_HEADERS, 1, b"\0\1a\1b"),
    "settings of five octets": frame(SETTINGS, 0, 0, bytes(5)),
    "a window beyond all": frame(SETTINGS, 0, 0, b"\0\4\xff\xff\xff\xff"),
    "a ping of seven octets": frame(PING, 0, 0, bytes(7)),
    "a reset of nothing": frame(RESET, 0, 9, bytes(4)),
    "a promise": frame(PUSH_PROMISE, END_HEADERS, 1, bytes(4)),
    "a window opened twice": frame(WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff") * 2,
    "an index that the table has not": frame(HEADERS, END_HEADERS, 1, b"\xff\xff\xff\xff\x0f"),
    "a length longer than the block": frame(HEADERS, END_HEADERS, 1, b"\0\x7f\xff\xff\xff\x0f"),
    "a number without an end": frame(HEADERS, END_HEADERS, 1, b"\xff" * 4000),
    "padding longer than the frame": frame(HEADERS, END_HEADERS | 8, 1, b"\xff\0"),
    "HTTP/1.1": b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n",
}


@in_module
@pytest.mark.parametrize("name", BROKEN)
async def test_a_frame_that_breaks_the_rules_changes_nothing(town: Served, name: str) -> None:
    process, honest, rows = town
    before = rows()
    await answer_to(process.address, BROKEN[name])
    assert process.handle.returncode is None
    assert rows() == before
    assert (await honest.ask(honest.request())).exchange


@in_module
async def test_thousands_of_metadata_and_one_that_is_huge_are_refused(town: Served) -> None:
    _, honest, rows = town
    call = raw(honest, "LedgerService/GetCheckpoint")
    before = rows()
    for metadata in (
        tuple((f"x-{number}", "y") for number in range(5000)),
        (("x-huge", "y" * 200_000),),
        (("authorization", f"Bearer {'y' * 100_000}"),),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(b"", metadata=metadata, timeout=30)
        assert caught.value.code().name in {"RESOURCE_EXHAUSTED", "UNAVAILABLE"}
    assert rows() == before
    assert await call(b"", timeout=30)


@in_module
async def test_two_paths_and_two_lengths_do_not_smuggle_a_call(town: Served) -> None:
    """Whichever of two paths gRPC goes by, it is the one whose caller the guard looks at."""
    process, honest, rows = town
    rotate = "/zkproto.v1.TokenService/RotateTokenKeys"
    path = b"\0\x05:path" + bytes([len(rotate)]) + rotate.encode()
    before = rows()
    for octets in (
        _with(1, GET, path),
        _with(1, GET, path, b"Bearer " + honest.department_token.encode()),
        _with(1, rotate, b"\0\x05:path" + bytes([len(GET)]) + GET.encode()),
        _with(1, GET, b"\0\x0econtent-length\x019\0\x0econtent-length\x010"),
        _with(1, GET, b"\0\x11transfer-encoding\x07chunked"),
        _with(1, GET, b"\0\x0aconnection\x07upgrade"),
    ):
        await answer_to(process.address, octets + message(1, b"") + message(1, b""))
        assert rows() == before
    assert (await honest.ask(honest.request())).exchange


def _with(stream: int, path: str, more: bytes, bearer: bytes = b"") -> bytes:
    shown = {"authorization": bearer} if bearer else {}
    head = opening(stream, path, **shown)[9:] + more
    return frame(HEADERS, END_HEADERS, stream, head)


@in_module
async def test_metadata_that_unpack_to_much_are_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a few octets of HPACK unpack to is looked at once, by no one but the outermost interceptor."""
    looked: list[int] = []
    begin = request_ids.begin

    def noting(metadata: Any, *rest: Any) -> Any:
        looked.append(len(metadata))
        return begin(metadata, *rest)

    monkeypatch.setattr("zkservice.observing.request_ids.begin", noting)
    async with city(tmp_path) as here:
        await unpacked_headers(here.ready.address, 0.3)
        await many_headers(here.ready.address, 0.3)
        assert (await here.ask(here.request())).exchange
    assert looked
    assert max(looked) <= 512


@in_module
async def test_connections_that_never_say_a_whole_preface(town: Served) -> None:
    process, honest, _ = town
    async with connected(process.address) as (_, writer):
        with suppress(OSError):
            writer.write(b"\0")
            await writer.drain()
        assert (await honest.ask(honest.request())).exchange
