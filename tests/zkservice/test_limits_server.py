"""Limits over a real server: who is refused with what, and who is served meanwhile."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from structlog.testing import capture_logs

from tests.zkservice.half_open import half_open
from tests.zkservice.limiting import CHECKPOINT, FETCH, LOOPBACK, details, reason_of, spent, via
from tests.zkservice.seeing import lines
from tests.zkservice.server_process import started
from tests.zkservice.support import City, city, refusal, reopened
from zkproto.v1 import catalog_pb2, ledger_pb2_grpc, presentation_pb2, presentation_pb2_grpc
from zkservice import hosting
from zkservice.desk import Desk
from zkservice.judging import Judgement
from zkservice.tasks import Supplies
from zkservice.worker import done as judged


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


async def test_beyond_so_many_connections_new_ones_are_closed(tmp_path: Path) -> None:
    """Whoever is connected goes on, and a place that is left is anybody's."""
    async with city(tmp_path, max_connections=4) as town:
        assert await town.ledger.GetCheckpoint(CHECKPOINT)
        async with channels(town, 3) as held:
            for channel in held:
                await _answered(channel)
            async with channels(town, 1) as (channel,):
                stub: Any = ledger_pb2_grpc.LedgerServiceStub(channel)
                told = await refusal(stub.GetCheckpoint(CHECKPOINT, timeout=20))
                assert told.code is grpc.StatusCode.UNAVAILABLE
            assert await town.ledger.GetCheckpoint(CHECKPOINT)
            await held[0].close()
            async with channels(town, 1) as (channel,):
                await _answered(channel)


async def test_one_that_says_nothing_gives_its_place_back(tmp_path: Path) -> None:
    """When the time for its handshake is over."""
    async with city(tmp_path, max_connections=2) as town:
        await _answered(town.channel)
        host, _, port = town.ready.address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        assert await asyncio.wait_for(reader.read(1), 60) == b""
        writer.close()
        async with channels(town, 1) as (channel,):
            await _answered(channel)


async def _answered(channel: grpc.aio.Channel) -> None:
    stub: Any = ledger_pb2_grpc.LedgerServiceStub(channel)
    assert await stub.GetCheckpoint(CHECKPOINT, wait_for_ready=True, timeout=60)


async def test_what_connections_may_take_of_memory_is_told_at_the_start(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        pair = {"certificate": town.ready.data / "server.pem", "private_key": town.ready.data / "server.key"}
    many: dict[str, Any] = {"max_connections": 1_000_000, "log_level": "warning", "client_port": 0}
    many["client_ca"] = tmp_path / "ca.pem"
    for settings, told in ((many | {"dev": False} | pair, 1), (many, 0), (pair | {"max_connections": 1}, 0)):
        with capture_logs() as logged:
            async with reopened(tmp_path, **settings):
                pass
        (*found,) = (each for each in logged if each["event"] == "connections may take more than the memory")
        assert len(found) == told, "a server of `dev` is for no strangers"
        for each in found:
            assert each["connections"] == 2_000_000, "of both ports"
            assert 0 < each["would_fit"] < each["connections"]


@pytest.mark.parametrize(
    ("memory", "ports", "connections"),
    [(16 << 30, 1, 163), (16 << 30, 4, 40), (1 << 31, 1, 20), (1 << 30, 1, 16), (1 << 40, 1, 2048)],
)
def test_where_nothing_is_set_the_memory_says_how_many_connections(
    monkeypatch: pytest.MonkeyPatch, memory: int, ports: int, connections: int
) -> None:
    monkeypatch.setattr(hosting, "memory_octets", lambda: memory)
    assert hosting.connections_of(None, ports) == connections
    assert hosting.connections_of(7, ports) == 7


def test_a_control_group_has_the_memory_that_it_is_given(tmp_path: Path) -> None:
    machine, own = hosting.memory_octets(tmp_path), tmp_path / "own"
    (tmp_path / "memory.max").write_text("max\n")
    own.write_text("0::/\n")
    assert hosting.memory_octets(tmp_path, own) == machine
    (tmp_path / "memory.max").write_text(f"{512 << 20}\n")
    assert hosting.memory_octets(tmp_path, own) == 512 << 20


@pytest.mark.parametrize("where", ["memory", "memory/docker", "memory/docker/1234"])
def test_so_has_one_of_the_first_version(tmp_path: Path, where: str) -> None:
    own, group = tmp_path / "own", tmp_path / "memory" / "docker" / "1234"
    own.write_text("5:cpu,cpuacct:/docker/1234\n4:memory:/docker/1234\n0::/\n")
    machine = hosting.memory_octets(tmp_path, own)
    group.mkdir(parents=True)
    for each in (group, group.parent, group.parent.parent):
        (each / "memory.limit_in_bytes").write_text("9223372036854771712\n")
    assert hosting.memory_octets(tmp_path, own) == machine
    (tmp_path / where / "memory.limit_in_bytes").write_text(f"{512 << 20}\n")
    assert hosting.memory_octets(tmp_path, own) == 512 << 20


async def test_a_batch_is_charged_for_its_members(tmp_path: Path) -> None:
    async with city(tmp_path, rate_anonymous=0.001, burst_anonymous=1000) as town:
        asked = presentation_pb2.BatchVerifyPresentationsRequest(
            requests=[presentation_pb2.VerifyPresentationRequest()] * 200
        )
        told = await town.presentation.BatchVerifyPresentations(asked)
        assert len(told.verdicts) == 200
        assert (await refusal(town.presentation.BatchVerifyPresentations(asked))).reason == "RATE_LIMITED"
        assert await town.ledger.GetCheckpoint(CHECKPOINT), "what is cheap is still to be had"


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
