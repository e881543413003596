"""Who waits over a real server: work that nobody waits for any more, and clients that do not read."""

import asyncio
import sqlite3
import ssl
import struct
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path

import grpc
import pytest
from grpc_reflection.v1alpha import reflection_pb2

from tests.zkservice.half_open import half_open
from tests.zkservice.limiting import CHECKPOINT, FETCH, LOOPBACK, reason_of
from tests.zkservice.stored import selected
from tests.zkservice.support import city, refusal
from zkproto.v1 import presentation_pb2
from zkservice import slow, tenants
from zkservice.storage import database


@contextmanager
def writer_held(folder: Path) -> Iterator[None]:
    """Hold the database's one writing transaction, as a slow disk would."""
    with closing(sqlite3.connect(folder / "service.sqlite3", timeout=60, isolation_level=None)) as other:
        other.execute("begin immediate")
        try:
            yield
        finally:
            other.execute("rollback")


def exchanges(folder: Path) -> int:
    return int(selected(folder, "select count(*) from exchange")[0][0])


@contextmanager
def taken_by_the_writer(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Tell when the writer has taken a write of some tenant's into its group."""
    taken, is_wanted = threading.Event(), database._is_wanted

    def wanted(queued: database._Queued) -> bool:
        if queued.tenant != tenants.OWN:
            taken.set()
        return is_wanted(queued)

    with monkeypatch.context() as patch:
        patch.setattr(database, "_is_wanted", wanted)
        yield taken


async def until(event: threading.Event) -> None:
    async with asyncio.timeout(60):
        while not event.is_set():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("seconds", [None, 0.5])
async def test_work_that_nobody_waits_for_any_more_is_not_done(
    tmp_path: Path, seconds: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with city(tmp_path, call_seconds=3) as town:
        before = exchanges(tmp_path)
        with writer_held(tmp_path):
            with taken_by_the_writer(monkeypatch) as taken:
                first = asyncio.ensure_future(refusal(town.ask(town.request())))
                await until(taken)  # the writer waits for the database, and takes nothing else meanwhile
            asks = [town.create_exchange(town.request()) for _ in range(20)]
            called = [town.presentation.CreateExchange(each, timeout=seconds) for each in asks]
            told = await asyncio.gather(*(refusal(each) for each in called))
            assert {each.code for each in told} == {grpc.StatusCode.DEADLINE_EXCEEDED}
            if seconds is None:
                assert {each.reason for each in told} == {"CALL_TIMEOUT"}
            assert (await first).reason == "CALL_TIMEOUT"
        again = await town.presentation.CreateExchange(asks[0])
        assert again.exchange
        assert exchanges(tmp_path) - before <= 2, "the first may have been done, the others not"


async def test_streams_have_no_deadline_of_the_servers(tmp_path: Path) -> None:
    async with city(tmp_path, call_seconds=1) as town:
        exchange = await town.ask(town.request())
        stream = town.presentation.WatchExchange(
            presentation_pb2.WatchExchangeRequest(
                exchange=exchange.exchange, result_token=exchange.result_token
            )
        )
        assert (await stream.read()).state == presentation_pb2.WatchExchangeResponse.STATE_PENDING
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(asyncio.ensure_future(stream.read())), 1.5)
        assert not stream.done()
        stream.cancel()


# Who does not read


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + payload


@asynccontextmanager
async def deaf(
    address: str, path: str, message: bytes, calls: int, more: int = 0
) -> AsyncIterator[asyncio.StreamReader]:
    """Make calls over a connection that gives their answers no room (an initial window of nothing).

    Each sends its message, and so many times `more`.
    """
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    trusting.set_alpn_protocols(["h2"])
    host, port = address.rsplit(":", 1)
    reader, writer = await asyncio.open_connection(host, int(port), ssl=trusting)
    fields = {
        b":method": b"POST", b":scheme": b"https", b":path": path.encode(), b":authority": b"localhost",
        b"content-type": b"application/grpc", b"te": b"trailers",
    }  # fmt: skip
    block = b"".join(
        b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value for name, value in fields.items()
    )
    body = b"\0" + struct.pack(">I", len(message)) + message
    window = struct.pack(">HI", 4, 0)
    try:
        writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _frame(4, 0, 0, window))
        for number in range(calls):
            writer.write(_frame(1, 4, 2 * number + 1, block))
            writer.write(more * _frame(0, 0, 2 * number + 1, body) + _frame(0, 1, 2 * number + 1, body))
        await writer.drain()
        yield reader
    finally:
        writer.close()


async def test_who_does_not_read_its_answers_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow, "SEND_SECONDS", 0.5)
    path = "/zkproto.v1.LedgerService/GetCheckpoint"
    async with city(tmp_path, max_concurrent_calls=20) as town:
        async with deaf(town.ready.address, path, b"", 18) as reader, asyncio.timeout(60):
            while await reader.read(1 << 16):
                pass  # the server's settings and pings, and then the end
        async with asyncio.timeout(60):
            while await reason_of(town.ledger.GetCheckpoint(CHECKPOINT)):
                await asyncio.sleep(0.05)
        # All places are there again: so many calls that send nothing have places together.
        async with half_open(town.ready.address, FETCH, 17):
            await asyncio.sleep(0.2)
            assert await town.ledger.GetCheckpoint(CHECKPOINT)


async def test_a_stream_whose_client_does_not_read_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """gRPC itself keeps some 64 KiB for a stream, and only then the method waits."""
    monkeypatch.setattr(slow, "SEND_SECONDS", 0.5)
    asked = reflection_pb2.ServerReflectionRequest(file_containing_symbol="zkproto.v1.CatalogService")
    one = asked.SerializeToString()
    path = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
    async with city(tmp_path) as town, deaf(town.ready.address, path, one, 1, more=40) as reader:
        async with asyncio.timeout(60):
            while await reader.read(1 << 16):
                pass
        assert await town.ledger.GetCheckpoint(CHECKPOINT)


async def test_a_trusted_proxys_connection_is_not_cut_for_one_of_its_clients(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow, "SEND_SECONDS", 0.3)
    path = "/zkproto.v1.LedgerService/GetCheckpoint"
    settings = {"calls_anonymous": 8, "trusted_proxies": LOOPBACK}
    async with city(tmp_path, **settings) as town, deaf(town.ready.address, path, b"", 8) as reader:
        await asyncio.sleep(2)
        async with asyncio.timeout(60):
            while await reason_of(town.ledger.GetCheckpoint(CHECKPOINT)):
                await asyncio.sleep(0.05)  # their places come back
        await reader.read(1 << 16)  # what has come before
        assert not reader.at_eof()
