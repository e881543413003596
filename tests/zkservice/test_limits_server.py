"""Limits over a real server: who is refused with what, and who is served meanwhile."""

import asyncio
import sqlite3
import ssl
import struct
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_reflection.v1alpha import reflection_pb2
from grpc_status import rpc_status

from tests.zkservice.half_open import half_open
from tests.zkservice.seeing import lines
from tests.zkservice.server_process import started
from tests.zkservice.stored import selected
from tests.zkservice.support import City, aio_error, city, refusal
from zkproto.v1 import catalog_pb2, ledger_pb2, presentation_pb2, presentation_pb2_grpc
from zkservice import slow, tenants
from zkservice.desk import Desk
from zkservice.judging import Judgement
from zkservice.storage import database
from zkservice.tasks import Supplies
from zkservice.worker import done as judged

CHECKPOINT = ledger_pb2.GetCheckpointRequest()
FETCH = "/zkproto.v1.PresentationService/FetchRequest"
LOOPBACK = "127.0.0.0/8, ::1/128"


def via(address: str) -> tuple[tuple[str, str], ...]:
    return (("x-forwarded-for", address),)


async def details(call: Any) -> dict[str, Any]:
    """Await a call that must be refused; return its status's details by the name of their type."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    error: Any = caught.value
    told = SimpleNamespace(code=error.code, details=error.details, trailing_metadata=error.trailing_metadata)
    status = rpc_status.from_call(told)  # type: ignore[arg-type]
    assert status is not None
    found = {}
    for each in status.details:
        name = each.type_url.rpartition(".")[2]
        found[name] = getattr(error_details_pb2, name)()
        assert each.Unpack(found[name])
    return found


async def spent(town: City, metadata: Any = ()) -> int:
    """Call until a call is refused as too many; return how many were not."""
    for count in range(200):
        reason = await reason_of(town.ledger.GetCheckpoint(CHECKPOINT, metadata=metadata))
        if reason:
            assert reason == "RATE_LIMITED"
            return count
    raise AssertionError("nothing was refused")


async def reason_of(call: Any) -> str:
    """Await a call; return what it was refused with, if it was."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return aio_error(error).reason
    return ""


async def test_who_takes_more_than_its_rate_is_told_when_to_come_again(tmp_path: Path) -> None:
    async with city(tmp_path, rate_anonymous=0.5, burst_anonymous=60) as town:
        assert (await town.issue()).offer
        assert 10 <= await spent(town) <= 60
        said = await details(town.ledger.GetCheckpoint(CHECKPOINT))
        assert said["ErrorInfo"].reason == "RATE_LIMITED"
        assert 0 < said["RetryInfo"].retry_delay.ToMilliseconds() <= 2100
        assert said["QuotaFailure"].violations[0].subject == "an address"
        # Whoever makes a token up is charged as before, and is not even told that it is none.
        for number in range(3):
            made_up = town.bearer(f"made up {number}")
            asked = catalog_pb2.CreateDepartmentRequest()
            call = town.catalog.CreateDepartment(asked, metadata=made_up)
            assert (await refusal(call)).reason == "RATE_LIMITED"
        # Whoever has shown a token that held has a bucket of its own, from the same address.
        assert (await town.issue()).offer
        assert await town.add_department("another")


async def test_a_token_that_held_is_charged_to_its_name_wherever_it_comes_from(tmp_path: Path) -> None:
    async with city(tmp_path, rate_named=0.001, burst_named=200, trusted_proxies=LOOPBACK) as town:
        admin = town.bearer(town.admin)
        for number in range(200):
            call = town.catalog.GetDepartment(
                catalog_pb2.GetDepartmentRequest(name="departments/police"),
                metadata=(*admin, *via(f"203.0.113.{number}")),
            )
            assert await reason_of(call) in {"", "RATE_LIMITED"}
        last = town.catalog.GetDepartment(
            catalog_pb2.GetDepartmentRequest(name="departments/police"), metadata=admin
        )
        said = await details(last)
        assert said["QuotaFailure"].violations[0].subject == "a caller"
        assert await town.ledger.GetCheckpoint(CHECKPOINT), "anonymous calls have another bucket"
        assert (await town.issue()).offer, "and so has the department"


async def test_a_forged_header_buys_nothing(tmp_path: Path) -> None:
    async with city(tmp_path, rate_anonymous=0.01, burst_anonymous=60) as town:
        await spent(town)
        for address in ("203.0.113.1", "198.51.100.7", "2001:db8::1", "nonsense"):
            call = town.ledger.GetCheckpoint(CHECKPOINT, metadata=via(address))
            assert (await refusal(call)).reason == "RATE_LIMITED"


@pytest.mark.parametrize("trusted", ["", LOOPBACK])
async def test_a_header_that_counts_for_nothing_is_told_of_once(tmp_path: Path, trusted: str) -> None:
    async with started(tmp_path, trusted_proxies=trusted) as process, process.city() as town:
        await town.ledger.GetCheckpoint(CHECKPOINT)
        for number in range(5):
            await town.ledger.GetCheckpoint(CHECKPOINT, metadata=via(f"203.0.113.{number}"))
    written = (tmp_path / "server.log").read_text()
    said = [each for each in lines(tmp_path / "server.log") if "x-forwarded-for" in each["event"]]
    assert [each["level"] for each in said] == ([] if trusted else ["warning"])
    assert "203.0.113" not in written
    assert "127.0.0.1" not in written


async def test_behind_a_trusted_proxy_each_address_has_its_own(tmp_path: Path) -> None:
    settings = {"rate_anonymous": 0.01, "burst_anonymous": 60, "trusted_proxies": LOOPBACK}
    async with city(tmp_path, **settings) as town:
        assert await spent(town, via("203.0.113.1")) == 60
        assert await spent(town, via("203.0.113.2")) == 60
        forged = town.ledger.GetCheckpoint(CHECKPOINT, metadata=via("198.51.100.7, 203.0.113.1"))
        assert (await refusal(forged)).reason == "RATE_LIMITED"
        # Of IPv6 a customer has a whole network, and takes another address of it each time.
        assert await spent(town, via("2001:db8:1:2::1")) == 60
        for number in range(2, 6):
            call = town.ledger.GetCheckpoint(CHECKPOINT, metadata=via(f"2001:db8:1:2:{number}::1"))
            assert (await refusal(call)).reason == "RATE_LIMITED"
        assert await town.ledger.GetCheckpoint(CHECKPOINT, metadata=via("2001:db8:1:3::1"))


async def test_who_has_too_many_calls_is_refused_and_its_neighbours_are_not(tmp_path: Path) -> None:
    settings = {"calls_anonymous": 10, "trusted_proxies": LOOPBACK}
    async with city(tmp_path, **settings) as town:
        assert (await town.issue()).offer
        async with half_open(town.ready.address, FETCH, 30):
            await refused_with(town, "TOO_MANY_CALLS")
            said = await details(town.ledger.GetCheckpoint(CHECKPOINT))
            assert said["RetryInfo"].retry_delay.ToMilliseconds() == 1000
            assert said["QuotaFailure"].violations[0].subject == "an address"
            assert await town.ledger.GetCheckpoint(CHECKPOINT, metadata=via("203.0.113.1"))
            assert (await town.issue()).offer, "its token has held"


async def test_the_last_places_are_for_who_has_few_calls(tmp_path: Path) -> None:
    settings = {"max_concurrent_calls": 40, "trusted_proxies": LOOPBACK}
    async with city(tmp_path, **settings) as town, half_open(town.ready.address, FETCH, 60):
        await refused_with(town, "OVERLOADED")
        said = await details(town.ledger.GetCheckpoint(CHECKPOINT))
        assert said["RetryInfo"].retry_delay.ToMilliseconds() == 1000
        for number in range(4):
            assert await town.ledger.GetCheckpoint(CHECKPOINT, metadata=via(f"203.0.113.{number}"))


async def refused_with(town: City, reason: str) -> None:
    """Wait until calls are refused for a reason."""
    async with asyncio.timeout(60):
        while True:
            told = await reason_of(town.ledger.GetCheckpoint(CHECKPOINT))
            if told:
                assert told == reason
                return
            await asyncio.sleep(0.02)


async def test_a_batch_is_charged_for_its_members(tmp_path: Path) -> None:
    async with city(tmp_path, rate_anonymous=0.001, burst_anonymous=1000) as town:
        asked = presentation_pb2.BatchVerifyPresentationsRequest(
            requests=[presentation_pb2.VerifyPresentationRequest()] * 200
        )
        told = await town.presentation.BatchVerifyPresentations(asked)
        assert len(told.verdicts) == 200
        assert (await refusal(town.presentation.BatchVerifyPresentations(asked))).reason == "RATE_LIMITED"
        assert await town.ledger.GetCheckpoint(CHECKPOINT), "what is cheap is still to be had"


# Deadlines


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


# Fairness, with real work


@asynccontextmanager
async def channels(town: City, count: int) -> AsyncIterator[list[grpc.aio.Channel]]:
    """Open connections of their own: one carries few calls at a time."""
    credentials = grpc.ssl_channel_credentials((town.ready.data / "ca.pem").read_bytes())
    options = [("grpc.use_local_subchannel_pool", 1)]
    opened = [grpc.aio.secure_channel(town.ready.address, credentials, options=options) for _ in range(count)]
    try:
        yield opened
    finally:
        await asyncio.gather(*(each.close() for each in opened))


class Gate:
    """Lets no batch of judgements begin until it is opened, and keeps what each batch had."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.batches: list[list[bytes]] = []
        self.asked = 0
        self._open = threading.Event()
        one = Desk.one

        def done(worker: Any, jobs: Any, supplies: Any) -> Any:
            if any(isinstance(each, Judgement) for each in jobs):
                assert self._open.wait(60)
                if supplies == Supplies():  # else what it missed is given again
                    self.batches.append([each.message for each in jobs])
            return judged(worker, jobs, supplies)

        async def asked(desk: Any, job: Any) -> Any:
            self.asked += isinstance(job, Judgement)
            return await one(desk, job)

        monkeypatch.setattr("zkservice.workers.done", done)
        monkeypatch.setattr(Desk, "one", asked)

    async def reached(self, jobs: int) -> None:
        """Wait until so many jobs have been asked for."""
        async with asyncio.timeout(60):
            while self.asked < jobs:
                await asyncio.sleep(0.01)

    def open(self) -> None:
        self._open.set()


async def verification(town: City, issued: Any) -> presentation_pb2.VerifyPresentationRequest:
    """Make a presentation and what has it verified without state."""
    request = town.request()
    shown, _ = town.present(request, issued)
    ask = presentation_pb2.VerifyPresentationRequest(
        signed_request=town.create_exchange(request).signed_request
    )
    exchange = await town.ask(request)
    ask.presentation.CopyFrom(town.submission(exchange, shown, b"").presentation)
    return ask


async def test_a_flood_of_one_address_delays_another_by_little(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        city(tmp_path, crypto_threads=1, trusted_proxies=LOOPBACK) as town,
        channels(town, 10) as lines,
    ):
        stubs: list[Any] = [presentation_pb2_grpc.PresentationServiceStub(each) for each in lines]
        issued = await town.claim(await town.issue())
        floods, others = [await verification(town, issued) for _ in range(2)]
        gate = Gate(monkeypatch)
        flood = [
            asyncio.ensure_future(
                stubs[number % 10].VerifyPresentation(
                    floods, metadata=via("203.0.113.1"), wait_for_ready=True
                )
            )
            for number in range(480)
        ]
        await gate.reached(480)
        other = asyncio.ensure_future(
            town.presentation.VerifyPresentation(others, metadata=via("203.0.113.2"))
        )
        await gate.reached(481)
        gate.open()
        await asyncio.gather(other, *flood)
    tag = others.presentation.usage_tag
    assert sum(map(len, gate.batches)) == 481
    # In the order of coming it would be the last. The first batch had begun before it came.
    assert len(gate.batches) > 5
    assert any(tag in message for message in gate.batches[1]), "it waited for more than came before it"
