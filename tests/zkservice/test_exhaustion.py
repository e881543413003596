"""Strangers who take what the service has: places, threads, memory. Others must be served all the same."""

import asyncio
import os
import stat
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from disclosure import AttributeDefinition, AttributeType, Code, Schema, SchemaName
from tests.zkservice import consenting
from tests.zkservice.errands import Errands
from tests.zkservice.half_open import half_open
from tests.zkservice.stored import change
from tests.zkservice.support import PERMIT, TEXT, City, aio_error, city, refusal, reopened
from wire.convert import schema_of, schema_to
from zkproto.v1 import (
    catalog_pb2,
    consent_pb2,
    errand_pb2,
    errand_pb2_grpc,
    ledger_pb2,
    presentation_pb2,
)
from zkservice import directory
from zkservice.errors import StartError
from zkservice.kept import Kept
from zkservice.keys import write_private

HEALTH_PLACES = 16
STREAMS_OF_A_CONNECTION = 64
PAGE_OCTETS = 2 << 20
INSERT = "insert into schema (name, department, canonical, created) values (?, ?, ?, ?)"


@asynccontextmanager
async def connection(town: City) -> AsyncIterator[grpc.aio.Channel]:
    """Open a connection of its own."""
    credentials = grpc.ssl_channel_credentials((town.ready.data / "ca.pem").read_bytes())
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.secure_channel(town.ready.address, credentials, options=options) as channel:
        yield channel


async def serves(town: City) -> None:
    """Make one call of each kind."""
    assert (await town.ledger.GetCheckpoint(ledger_pb2.GetCheckpointRequest(), timeout=5)).checkpoint
    assert (await town.ask(town.request())).exchange


async def opened(streams: list[Any]) -> tuple[int, set[str]]:
    """Read once of each stream; return how many answered, and what the others were refused with."""
    answered, reasons = 0, set[str]()
    for stream in streams:
        try:
            await asyncio.wait_for(stream.read(), 5)
            answered += 1
        except grpc.aio.AioRpcError as error:
            reasons.add(aio_error(error).reason)
    return answered, reasons


def health_watches(channel: Any, count: int) -> list[Any]:
    stub: Any = health_pb2_grpc.HealthStub(channel)
    return [stub.Watch(health_pb2.HealthCheckRequest(service="")) for _ in range(count)]


async def test_who_watches_health_leaves_room_for_others(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        town = await stack.enter_async_context(city(tmp_path, max_concurrent_calls=100))
        streams = []
        for _ in range(3):
            strangers = await stack.enter_async_context(connection(town))
            streams += health_watches(strangers, 40)
        assert await opened(streams) == (HEALTH_PLACES, {"TOO_MANY_WATCHERS"})
        await serves(town)
        health: Any = health_pb2_grpc.HealthStub(town.channel)
        checked = await health.Check(health_pb2.HealthCheckRequest(service=""))
        assert checked.status == health_pb2.HealthCheckResponse.SERVING
        for stream in streams:
            stream.cancel()
        await asyncio.sleep(0.2)
        again = health_watches(town.channel, 1)
        assert await opened(again) == (1, set()), "places come back"
        again[0].cancel()


async def test_who_asks_for_reflection_and_stays_leaves_room_for_others(tmp_path: Path) -> None:
    async with city(tmp_path, max_concurrent_calls=80) as town, connection(town) as opened_anew:
        strangers: Any = opened_anew
        stub: Any = reflection_pb2_grpc.ServerReflectionStub(strangers)
        streams = [stub.ServerReflectionInfo() for _ in range(40)]
        told = 0
        for stream in streams:
            try:
                await stream.write(reflection_pb2.ServerReflectionRequest(list_services=""))
                told += (await asyncio.wait_for(stream.read(), 5)) is not grpc.aio.EOF
            except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
                continue
        assert told == HEALTH_PLACES
        await serves(town)
        for stream in streams:
            stream.cancel()


async def test_a_connection_has_so_many_streams_and_no_more(tmp_path: Path) -> None:
    async with city(tmp_path, max_concurrent_calls=STREAMS_OF_A_CONNECTION + 8) as town:
        path = "/zkproto.v1.PresentationService/FetchRequest"
        async with half_open(town.ready.address, path, 200):
            await asyncio.sleep(0.3)
            await serves(town)


@pytest.mark.parametrize(
    "path",
    [
        "/zkproto.v1.PresentationService/FetchRequest",
        "/zkproto.v1.LedgerService/WatchCheckpoints",
        "/grpc.health.v1.Health/Check",
        "/grpc.health.v1.Health/Watch",
    ],
)
async def test_calls_that_send_nothing_end_by_themselves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr("zkservice.calls.FIRST_MESSAGE_SECONDS", 5)
    async with city(tmp_path, max_concurrent_calls=20) as town, half_open(town.ready.address, path, 60):
        if "Watch" not in path:
            await _until(town, refused=True)  # all places are taken
        await _until(town, refused=False)
        await serves(town)


async def _until(town: City, *, refused: bool) -> None:
    """Ask until the service has no place, or has one again."""
    async with asyncio.timeout(60):
        while await _is_refused(town) is not refused:
            await asyncio.sleep(0.05)


async def _is_refused(town: City) -> bool:
    try:
        await town.ledger.GetCheckpoint(ledger_pb2.GetCheckpointRequest(), timeout=30)
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED:
            raise
        return True
    return False


async def test_a_call_that_ends_without_a_message_is_refused(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        call: Any = town.channel.stream_unary("/zkproto.v1.LedgerService/GetCheckpoint")(iter(()))
        assert (await refusal(call)).reason == "MESSAGE_MALFORMED"
        assert (
            await refusal(_stream_of(town, "LedgerService/WatchCheckpoints"))
        ).reason == "MESSAGE_MALFORMED"


async def _stream_of(town: City, method: str) -> Any:
    call: Any = town.channel.stream_stream(f"/zkproto.v1.{method}")(iter(()))
    return await call.read()


async def test_a_connection_watches_checkpoints_eight_times_at_most(tmp_path: Path) -> None:
    async with city(tmp_path) as town, connection(town) as other:
        ask = ledger_pb2.WatchCheckpointsRequest()
        streams = [town.ledger.WatchCheckpoints(ask) for _ in range(10)]
        assert await opened(streams) == (8, {"TOO_MANY_WATCHERS"})
        another = replace(town, channel=other)
        late = another.ledger.WatchCheckpoints(ask)
        assert await opened([late]) == (1, set())
        for stream in (*streams, late):
            stream.cancel()
        await asyncio.sleep(0.2)
        stream = town.ledger.WatchCheckpoints(ask)
        assert await opened([stream]) == (1, set()), "places come back"
        stream.cancel()


async def test_several_kinds_of_streams_that_are_full_leave_room_for_calls(tmp_path: Path) -> None:
    async with city(tmp_path, max_concurrent_calls=16) as town:
        exchange, consent = await town.ask(town.request()), await consenting.asked(town)
        streams = [_watch(town, exchange) for _ in range(4)]
        streams += [town.ledger.WatchCheckpoints(ledger_pb2.WatchCheckpointsRequest()) for _ in range(4)]
        assert await opened(streams) == (8, set())
        watch = consent_pb2.WatchConsentRequest(
            consent=consent.answer.consent, result_token=consent.answer.result_token
        )
        others = [consenting.stub(town).WatchConsent(watch) for _ in range(4)]
        assert await opened(others) == (0, {"TOO_MANY_WATCHERS"})
        await serves(town)
        streams.pop().cancel()
        await asyncio.sleep(0.2)
        again = consenting.stub(town).WatchConsent(watch)
        assert await opened([again]) == (1, set()), "places come back"
        for stream in (*streams, again):
            stream.cancel()


async def test_a_connection_watches_eight_errands_at_most(tmp_path: Path) -> None:
    """Anybody may begin errands, and so has tickets as many as it likes."""
    async with city(tmp_path, max_concurrent_calls=100) as town, connection(town) as other:
        errands = await Errands.of(town, await town.claim(await town.issue()))
        begun = [await errands.start() for _ in range(10)]
        watches = [errand_pb2.WatchErrandRequest(**each.own) for each in begun]
        streams = [errands.stub.WatchErrand(each) for each in watches]
        assert await opened(streams) == (8, {"TOO_MANY_WATCHERS"})
        another: Any = errand_pb2_grpc.ErrandServiceStub(other)
        late = another.WatchErrand(watches[0])
        assert await opened([late]) == (1, set())
        for stream in (*streams, late):
            stream.cancel()


async def test_an_exchange_is_watched_four_times_at_most(tmp_path: Path) -> None:
    async with city(tmp_path, max_concurrent_calls=40) as town:
        exchange, other = await town.ask(town.request()), await town.ask(town.request("bank"))
        streams = [_watch(town, exchange) for _ in range(4)]
        assert await opened(streams) == (4, set())
        await asyncio.sleep(0.1)
        fifth = _watch(town, exchange)
        assert await _last_of(fifth) == "TOO_MANY_WATCHERS"
        bank = _watch(town, other)
        assert await opened([bank]) == (1, set())
        for stream in (*streams, bank):
            stream.cancel()
        await asyncio.sleep(0.2)
        again = _watch(town, exchange)
        assert await opened([again]) == (1, set())
        again.cancel()


def _watch(town: City, exchange: Any) -> Any:
    asked = {"exchange": exchange.exchange, "result_token": exchange.result_token}
    return town.presentation.WatchExchange(presentation_pb2.WatchExchangeRequest(**asked))


async def _last_of(stream: Any) -> str:
    """Read a stream to its end; return the reason it was refused with."""
    while True:
        try:
            if await asyncio.wait_for(stream.read(), 5) is grpc.aio.EOF:
                return "OK"
        except grpc.aio.AioRpcError as error:
            return aio_error(error).reason


def _large(version: int) -> Schema:
    codes = tuple(Code(f"{number:06d}", TEXT) for number in range(900))
    attributes = tuple(
        AttributeDefinition(name, TEXT, AttributeType.CODE, code_system="GB/T 2260", codes=codes)
        for name in ("a", "b", "c")
    )
    return replace(PERMIT, name=SchemaName("police", "large", version), attributes=attributes)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Collect what is decoded, and say how often."""
    seen: list[bytes] = []
    decode = Schema.from_bytes

    def counting(octets: bytes) -> Schema:
        seen.append(octets)
        return decode(octets)

    monkeypatch.setattr(Schema, "from_bytes", counting)
    return seen


async def test_of_large_schemas_a_page_costs_what_it_holds_and_that_once(
    tmp_path: Path, decoded: list[bytes]
) -> None:
    count = 60
    ask = catalog_pb2.ListSchemasRequest(parent="departments/police", page_size=500)
    async with city(tmp_path) as town:
        decoded.clear()
        octets = {}
        for version in range(1, count + 1):
            large = _large(version)
            octets[str(large.name)] = len(large.canonical)
            change(tmp_path, INSERT, str(large.name), "departments/police", large.canonical, 0)
        pages = await asyncio.gather(*(town.catalog.ListSchemas(ask) for _ in range(4)))
        first = pages[0]
        assert all(page == first for page in pages)
        assert first.next_page_token
        assert 10 < len(first.schemas) < count
        assert first.ByteSize() < PAGE_OCTETS + (1 << 16)
        assert len(decoded) <= len(first.schemas) + 1, "nothing is decoded that the page does not hold"
        before, started = len(decoded), time.process_time()
        for _ in range(20):
            assert await town.catalog.ListSchemas(ask) == first
        assert len(decoded) == before
        assert (time.process_time() - started) / 20 < 0.2, "seconds for a page that is kept"
        listed = list(first.schemas)
        while first.next_page_token:
            ask.page_token = first.next_page_token
            first = await town.catalog.ListSchemas(ask)
            listed += first.schemas
        assert [each.name for each in listed] == sorted([*octets, str(PERMIT.name)])
        large = _large(7)
        assert schema_of(next(each for each in listed if each.name == str(large.name))) == large


async def test_calls_that_are_given_up_do_not_add_up(tmp_path: Path, decoded: list[bytes]) -> None:
    async with city(tmp_path) as town:
        decoded.clear()
        for version in range(1, 11):
            large = _large(version)
            change(tmp_path, INSERT, str(large.name), "departments/police", large.canonical, 0)
        ask = catalog_pb2.ListSchemasRequest(parent="departments/-")
        for _ in range(30):
            call = town.catalog.ListSchemas(ask)
            await asyncio.sleep(0.01)
            call.cancel()
        assert len((await town.catalog.ListSchemas(ask)).schemas) == 11
        assert len(decoded) <= 11


async def test_other_calls_go_on_while_large_schemas_are_listed(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        for version in range(1, 31):
            large = _large(version)
            change(tmp_path, INSERT, str(large.name), "departments/police", large.canonical, 0)
        ask = catalog_pb2.ListSchemasRequest(parent="departments/-", page_size=500)
        listing = [asyncio.ensure_future(town.catalog.ListSchemas(ask)) for _ in range(8)]
        await asyncio.sleep(0.05)
        await serves(town)
        assert not any(each.done() for each in listing), "or this test would say nothing"
        await asyncio.gather(*listing)


async def test_what_is_kept_of_schemas_has_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "_KEPT_MESSAGES", 3 * schema_to(_large(1)).ByteSize())
    async with city(tmp_path) as town:
        for version in range(1, 6):
            added = await town.add_schema(_large(version))
            assert schema_of(added) == _large(version)
        for version in (5, 1, 4, 2, 3):
            got = await town.catalog.GetSchema(catalog_pb2.GetSchemaRequest(name=str(_large(version).name)))
            assert schema_of(got) == _large(version)
    kept: Any = Kept(100)
    for number in range(50):
        kept.keep(f"n{number % 7}", number, 30)
        assert sum(octets for _, octets in kept._things.values()) == kept._octets <= 100
    assert kept.of(["n0", "n9"]) == {"n0": 49}
    kept.keep("too large", 1, 101)
    assert kept.of(["too large", "n0"]) == {}
    assert kept._octets == 0


async def test_a_lost_master_key_is_not_replaced(tmp_path: Path) -> None:
    async with city(tmp_path):
        pass
    path = tmp_path / "keys" / "master.key"
    kept = path.read_bytes()
    path.unlink()
    with pytest.raises(StartError, match=r"master\.key is missing .* restore it from its backup"):
        async with reopened(tmp_path):
            pass
    assert not path.exists()
    write_private(path, kept)
    async with reopened(tmp_path) as town:
        assert town.ready.verifier_key


def test_the_name_of_a_private_file_is_durable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def recording(descriptor: int) -> None:
        folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        synced.append("folder" if folder else "file")
        if folder:
            assert (tmp_path / "secret").read_bytes() == b"x", "the name stands before its folder is synced"
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", recording)
    write_private(tmp_path / "secret", b"x")
    assert synced == ["file", "folder"]
