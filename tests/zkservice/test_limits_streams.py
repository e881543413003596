"""Streams that wait, and calls that say nothing: what one address has of the places, and what it leaves."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from contextvars import Context
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.reliability import flooding
from tests.zkservice.support import City, aio_error, city
from zkproto.v1 import ledger_pb2
from zkservice import limits
from zkservice.buckets import Allowance, Bucket
from zkservice.calls import MAX_WATCH_OCTETS
from zkservice.config import Settings
from zkservice.errors import ServiceError, ServiceReason
from zkservice.limits import Limits
from zkservice.tenants import Call, enter, site_of
from zkservice.watching import Watching

CHECKPOINT = ledger_pb2.GetCheckpointRequest()
WATCH = "/zkproto.v1.LedgerService/WatchCheckpoints"
LOOPBACK = "127.0.0.0/8, ::1/128"


def via(address: str) -> tuple[tuple[str, str], ...]:
    return (("x-forwarded-for", address),)


def padding(octets: int) -> bytes:
    """Return a message of so many octets, all of them an unknown field."""
    size = octets - 4
    return b"\xfa\x01" + bytes([size & 0x7F | 0x80, size >> 7]) + b"z" * size


@asynccontextmanager
async def connection(town: City) -> AsyncIterator[grpc.aio.Channel]:
    """Open a connection of its own."""
    credentials = grpc.ssl_channel_credentials((town.ready.data / "ca.pem").read_bytes())
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.secure_channel(town.ready.address, credentials, options=options) as channel:
        yield channel


def watches(channel: Any, count: int, message: bytes = b"", metadata: Any = ()) -> list[Any]:
    """Ask for checkpoints so many times; a connection has eight."""
    return [channel.unary_stream(WATCH)(message, metadata=metadata) for _ in range(count)]


async def opened(streams: list[Any]) -> tuple[int, set[str]]:
    """Read once of each stream; return how many answered, and what the others were refused with."""
    answered, reasons = 0, set[str]()
    for stream in streams:
        try:
            await asyncio.wait_for(stream.read(), 60)
            answered += 1
        except grpc.aio.AioRpcError as error:
            reasons.add(aio_error(error).reason)
    return answered, reasons


async def test_streams_that_wait_hold_no_octets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with city(tmp_path) as town, connection(town) as stranger:
        # An eighth is room for two such messages at a time.
        monkeypatch.setattr(limits, "MAX_OCTETS", 8 * 2 * MAX_WATCH_OCTETS)
        streams = []
        for _ in range(8):
            streams += watches(stranger, 1, padding(MAX_WATCH_OCTETS))
            assert await opened(streams[-1:]) == (1, set())
        assert await town.ledger.GetCheckpoint(CHECKPOINT)
        assert (await town.ask(town.request())).exchange
        for stream in streams:
            stream.cancel()


async def test_what_asks_for_a_stream_is_short(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        long = watches(town.channel, 1, padding(MAX_WATCH_OCTETS + 1))
        assert await opened(long) == (0, {"MESSAGE_TOO_LARGE"})
        longer: Any = town.channel.unary_unary("/zkproto.v1.LedgerService/GetCheckpoint")
        assert await longer(padding(MAX_WATCH_OCTETS + 1)), "others are as long as before"


def test_of_the_octets_that_are_served_a_tenant_has_an_eighth(tmp_path: Path) -> None:
    held = Limits(Settings(data=tmp_path))
    eighth = limits.MAX_OCTETS // 8
    first, *others = [Bucket(Allowance(1, 1, 1), 0.0) for _ in range(9)]
    held.take(first, eighth)
    with pytest.raises(ServiceError) as caught:
        held.take(first, 1)
    assert caught.value.reason == ServiceReason.OVERLOADED
    for other in others[:7]:
        held.take(other, eighth)
    with pytest.raises(ServiceError):
        held.take(others[7], 1)
    held.give_back(first, eighth)
    held.take(others[7], 1)


# Places for those who wait


async def test_one_address_leaves_most_places_for_watchers_to_others(tmp_path: Path) -> None:
    settings = {"max_concurrent_calls": 640, "trusted_proxies": LOOPBACK}
    async with AsyncExitStack() as stack:
        town = await stack.enter_async_context(city(tmp_path, **settings))
        greedy, streams = via("203.0.113.1"), []
        for _ in range(3):
            stranger = await stack.enter_async_context(connection(town))
            streams += watches(stranger, 8, metadata=greedy)
        assert await opened(streams) == (20, {"TOO_MANY_WATCHERS"}), "an eighth of a quarter"
        other = await stack.enter_async_context(connection(town))
        others = watches(other, 8, metadata=via("203.0.113.2"))
        assert await opened(others) == (8, set())
        for stream in streams:
            stream.cancel()
        async with asyncio.timeout(60):
            while await opened(again := watches(town.channel, 1, metadata=greedy)) != (1, set()):
                await asyncio.sleep(0.05)
        for stream in (*others, *again):
            stream.cancel()


def test_a_tenant_has_an_eighth_of_a_kind_and_of_all() -> None:
    watching = Watching(160)

    def taken(tenant: str, kinds: list[str]) -> int:
        """Take places until there is none; return how many there were."""
        return Context().run(_taken, stack, watching, tenant, kinds)

    with ExitStack() as stack:
        assert taken("address/203.0.113.1", ["a"]) == 20
        assert taken("address/203.0.113.1", ["b"]) == 20
        assert taken("address/203.0.113.1", ["c"]) == 0, "all kinds together"
        assert taken("verifiers/bar", ["a", "b", "c"]) == 40, "whoever has a name has no more"
        for number in range(6):
            assert taken(f"departments/{number}", ["a", "b", "c"]) == 40
        assert taken("departments/last", ["a", "b", "c"]) == 0
    with ExitStack() as stack:
        assert taken("address/203.0.113.1", ["a"]) == 20, "places come back"


def test_where_there_are_few_places_one_has_some_all_the_same() -> None:
    with ExitStack() as stack:
        assert Context().run(_taken, stack, Watching(20), "address/203.0.113.1", ["a"]) == 16


def test_what_the_service_watches_itself_has_no_share() -> None:
    with ExitStack() as stack:
        assert _taken(stack, Watching(12), "", ["a"]) == 12


def test_who_has_shown_that_it_watches_its_own_has_no_share() -> None:
    with ExitStack() as stack:
        watching = Watching(160)
        assert Context().run(_taken, stack, watching, "address/203.0.113.1", ["a"], anybodys=False) == 160


def _taken(
    stack: ExitStack, watching: Watching, tenant: str, kinds: list[str], *, anybodys: bool = True
) -> int:
    def nothing(_: Any) -> None:
        pass

    if tenant:
        enter(Call(tenant, "", False, math.inf, nothing, nothing, nothing))
    count = 0
    for kind in kinds:
        with suppress(ServiceError):
            while True:
                stack.enter_context(watching.stream(kind, anybodys=anybodys))
                count += 1
    return count


# Calls that say nothing


def silent(addresses: list[str]) -> bytes:
    """Return the openings of four calls of each address, which send nothing."""
    path = "/zkproto.v1.LedgerService/GetCheckpoint"
    froms = [address for address in addresses for _ in range(4)]
    return b"".join(
        flooding.opening(2 * number + 1, path, x_forwarded_for=address.encode())
        for number, address in enumerate(froms)
    )


async def reason_of(town: City, address: str) -> str:
    """Make a call of an address; return what it was refused with, if it was."""
    try:
        await town.ledger.GetCheckpoint(CHECKPOINT, metadata=via(address))
    except grpc.aio.AioRpcError as error:
        return aio_error(error).reason
    return ""


async def until(town: City, address: str, wanted: str) -> None:
    async with asyncio.timeout(30):  # gRPC closes the strangers' connection after a minute
        while await reason_of(town, address) != wanted:
            await asyncio.sleep(0.02)


async def test_calls_that_say_nothing_make_room_for_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zkservice.calls.FIRST_MESSAGE_SECONDS", 600)
    settings = {"max_concurrent_calls": 40, "trusted_proxies": LOOPBACK}
    async with city(tmp_path, **settings) as town, flooding.connected(town.ready.address) as (_, writer):
        writer.write(silent([f"203.0.113.{number}" for number in range(12)]))
        await writer.drain()
        await asyncio.sleep(0.2)  # before, they would have all places from here on
        # On a busy machine a call may come before the places that others were told to leave are free.
        await asyncio.gather(*(until(town, f"198.51.100.{number}", "") for number in range(1, 12)))
        assert (await town.ask(town.request())).exchange


async def test_of_ipv6_one_site_has_half_of_all_places(tmp_path: Path) -> None:
    settings = {"max_concurrent_calls": 40, "calls_anonymous": 8, "trusted_proxies": LOOPBACK}
    async with city(tmp_path, **settings) as town:
        async with flooding.connected(town.ready.address) as (_, writer):
            writer.write(silent([f"2001:db8:1:{number}::1" for number in range(10)]))
            await writer.drain()
            await until(town, "2001:db8:1:99::1", "TOO_MANY_CALLS")
            assert await reason_of(town, "2001:db8:2:1::1") == ""
            assert await reason_of(town, "203.0.113.1") == ""
        await until(town, "2001:db8:1:99::1", "")


@pytest.mark.parametrize(
    ("tenant", "site"),
    [
        ("address/2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("address/203.0.113.1", None),
        ("address/local", None),
        ("departments/police", None),
    ],
)
def test_the_site_of_an_address(tenant: str, site: str | None) -> None:
    assert site_of(tenant) == site
