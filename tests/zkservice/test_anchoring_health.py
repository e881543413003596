"""What is told of the witnesses while they are away and when they are back: by health, by GetCheckpoint."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from starlette.requests import Request
from starlette.responses import Response

from consortium.faults import FaultKind
from tests.zkservice.support import City, city, reopened
from tests.zkservice.witnessing import (
    CITIES,
    REGULATOR,
    Consortium,
    anchored,
    answering,
    consortium,
    grow,
    head,
    size_of,
    until,
)
from zkproto.v1.ledger_pb2 import WitnessFault
from zkservice.health import ANCHORING
from zkservice.lateness import Lateness

FOUR: Final = CITIES[:4]
SERVING: Final = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING: Final = health_pb2.HealthCheckResponse.NOT_SERVING
HASTY: Final[dict[str, Any]] = {"checkpoint_ms": 100, "witness_seconds": 1.0}


@pytest.fixture
async def others(tmp_path: Path) -> AsyncIterator[Consortium]:
    async with consortium(tmp_path, tmp_path / "server") as gathered:
        yield gathered


async def health(town: City, name: str = "") -> int:
    stub: Any = health_pb2_grpc.HealthStub(town.channel)
    status: int = (await stub.Check(health_pb2.HealthCheckRequest(service=name))).status
    return status


async def told(town: City, seconds: float, wanted: int) -> None:
    """Wait until health tells of the anchoring what is wanted."""

    async def look() -> bool:
        return await health(town, ANCHORING) == wanted

    await until(look, seconds)


# how late it is


def test_it_is_late_when_what_was_published_is_not_anchored_in_time() -> None:
    lateness = Lateness(5)
    lateness.look(10, 10, 0)
    lateness.look(11, 10, 1)
    lateness.look(11, 10, 6)
    assert not lateness.late
    lateness.look(11, 10, 6.1)
    assert lateness.late
    lateness.look(12, 11, 7)
    assert not lateness.late


def test_a_log_that_grows_all_the_time_and_is_anchored_behind_its_end_is_not_late() -> None:
    lateness = Lateness(5)
    for second in range(100):
        lateness.look(10 * second + 10, 10 * second, second)
        assert not lateness.late


def test_a_log_that_grows_after_a_long_rest_is_not_late_at_once() -> None:
    lateness = Lateness(5)
    for second in range(100):
        lateness.look(10, 10, second)
    lateness.look(11, 10, 100)
    assert not lateness.late


def test_a_log_of_which_nothing_was_ever_anchored_becomes_late() -> None:
    lateness = Lateness(5)
    lateness.look(0, -1, 0)
    lateness.look(20, -1, 6)
    assert lateness.late


async def test_whoever_waits_for_a_change_gets_it() -> None:
    lateness = Lateness(5)
    waiting = asyncio.create_task(lateness.other_than(False))
    lateness.look(1, 0, 0)
    await asyncio.sleep(0)
    assert not waiting.done()
    lateness.look(1, 0, 6)
    assert await asyncio.wait_for(waiting, 1)
    assert await asyncio.wait_for(lateness.other_than(False), 1)


# what is told of it


async def test_health_tells_of_a_missing_quorum_and_of_nothing_else(others: Consortium) -> None:
    async with reopened(others.folder / "server", **others.settings | HASTY) as town:
        await anchored(town, 0)
        assert await health(town, ANCHORING) == SERVING
        stub: Any = health_pb2_grpc.HealthStub(town.channel)
        watched = stub.Watch(health_pb2.HealthCheckRequest(service=ANCHORING))
        seen = [(await watched.read()).status]
        await others.end(*FOUR)
        size = await grow(town, "police")
        seen.append((await asyncio.wait_for(watched.read(), 10)).status)
        assert await health(town, ANCHORING) == NOT_SERVING
        for name in ("", "zkproto.v1.LedgerService", "zkproto.v1.IssuanceService"):
            assert await health(town, name) == SERVING
        await grow(town, "health")
        assert size_of((await head(town)).anchored) < size
        await others.start(FOUR[0])
        await anchored(town, size)
        seen.append((await asyncio.wait_for(watched.read(), 10)).status)
        watched.cancel()
    assert seen == [SERVING, NOT_SERVING, SERVING]


async def test_a_few_witnesses_less_are_no_matter_of_health(others: Consortium) -> None:
    await others.end(*FOUR[:3], REGULATOR)
    async with reopened(others.folder / "server", **others.settings | HASTY) as town:
        for name in ("police", "health", "school"):
            await anchored(town, await grow(town, name))
        await asyncio.sleep(1)
        assert await health(town, ANCHORING) == SERVING
        assert not (await head(town)).witnessing.late


async def test_a_server_that_starts_without_the_quorum_becomes_late(others: Consortium) -> None:
    await others.end()
    async with reopened(others.folder / "server", **others.settings | HASTY) as town:
        assert await health(town, ANCHORING) == SERVING
        await told(town, 10, NOT_SERVING)
        await others.start(*CITIES)
        await told(town, 10, SERVING)


async def test_a_log_without_witnesses_tells_nothing_of_them(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        assert not (await head(town)).HasField("witnessing")
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await health(town, ANCHORING)
        assert refused.value.code() is grpc.StatusCode.NOT_FOUND


async def test_the_checkpoint_names_who_does_not_cosign_and_how(others: Consortium) -> None:
    slow, liar, away = CITIES[0], CITIES[1], CITIES[2:4]
    await others.witnesses[slow].start(answering(_asleep))
    await others.witnesses[liar].start(answering(_claims_more))
    await others.end(*away)
    kind = WitnessFault.Kind
    async with reopened(others.folder / "server", **others.settings | HASTY) as town:
        await grow(town, "police")

        async def late() -> Any:
            told = (await head(town)).witnessing
            return told if told.late else None

        now = await until(late)
        assert (now.asks, now.quorum_missing) == (True, True)
        assert [(each.witness, kind.Name(each.kind)) for each in now.faults] == [
            (slow, "KIND_SLOW"), (liar, "KIND_AHEAD"), *((name, "KIND_UNREACHABLE") for name in away),
        ]  # fmt: skip
        await others.start(away[0])

        async def back() -> Any:
            told = (await head(town)).witnessing
            return told if not (told.late or told.quorum_missing) else None

        now = await until(back)
        assert away[0] not in {each.witness for each in now.faults}


async def test_whoever_does_not_ask_says_so_and_tells_only_how_late_it_is(
    others: Consortium, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with reopened(others.folder / "server", **others.settings | HASTY) as town:
        await others.end(*FOUR)
        size = await grow(town, "police")

        async def named() -> bool:
            return len((await head(town)).witnessing.faults) == len(FOUR)

        await until(named)
        monkeypatch.setattr("zkservice.sequencer.Sequencer.leads", property(lambda _: False))
        await told(town, 10, NOT_SERVING)
        now = (await head(town)).witnessing
        assert (now.late, now.asks, now.quorum_missing, list(now.faults)) == (True, False, False, [])
        monkeypatch.undo()
        await others.start(*FOUR)
        await anchored(town, size)
        await told(town, 10, SERVING)


def test_every_fault_of_a_witness_can_be_told() -> None:
    assert {f"KIND_{each.name}" for each in FaultKind} == set(WitnessFault.Kind.keys()) - {"KIND_UNSPECIFIED"}


async def _asleep(_: Request) -> Response:
    await asyncio.sleep(30)
    return Response()


async def _claims_more(_: Request) -> Response:
    return Response(f"{10**9}\n", 409, media_type="text/x.tlog.size")
