"""What a server depends on: lost, told of by every way that there is, and back again without a restart."""

import asyncio
import datetime as dt
import os
import shutil
import signal
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests import postgres
from tests.zkservice import processes
from tests.zkservice.seeing import metrics, readiness, until, value
from tests.zkservice.support import City, city, refusal, reopened
from tests.zkservice.witnessing import CITIES, Consortium, anchored, consortium, grow
from zkservice import tls
from zkservice.config import Settings
from zkservice.observing.dependencies import Lag

ROOT: Final = Path(__file__).parents[2]
SERVING: Final = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING: Final = health_pb2.HealthCheckResponse.NOT_SERVING
NAMES: Final = ("database", "sequencer", "workers", "certificate")


@pytest.fixture(scope="module")
def own_postgresql() -> Iterator[postgres.Server]:
    """A server that this module's tests may stop."""
    with postgres.running() as server:
        yield server


async def control(server: postgres.Server, *act: str) -> None:
    """Have another process stop or start a server: it forks to be another user, which gRPC stands in none."""
    program = (
        "import sys; from pathlib import Path; from tests.postgres import Server\n"
        "getattr(Server(Path(sys.argv[1]), sys.argv[2]), sys.argv[3])(*sys.argv[4:])"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(server.folder), server.options, *act, cwd=ROOT
    )
    assert await process.wait() == 0


async def health(town: City, name: str = "") -> int:
    stub: Any = health_pb2_grpc.HealthStub(town.channel)
    status: int = (await stub.Check(health_pb2.HealthCheckRequest(service=name))).status
    return status


async def ready(town: City, *missing: str) -> None:
    """Wait until a server tells that just these are missing."""

    async def look() -> bool:
        status, told = await readiness(town.ready)
        assert (status == 200) == told["ready"]
        return set(told["missing"]) == set(missing)

    await until(look)


# how far work is behind


def test_it_is_behind_for_as_long_as_the_newest_row_of_a_moment_waits() -> None:
    lag = Lag()
    lag.look(10, 10, 0)
    lag.look(12, 10, 1)
    assert lag.seconds == 0
    lag.look(50, 11, 7)
    assert lag.seconds == 6
    lag.look(60, 12, 8)
    assert lag.seconds == 0, "what waited is done, what came since has not waited long"
    lag.look(60, 60, 9)
    assert lag.seconds == 0


def test_a_log_that_grows_all_the_time_is_not_behind() -> None:
    lag = Lag()
    for second in range(100):
        lag.look(10 * second + 10, 10 * second, second)
        assert lag.seconds <= 1


# lost and back


async def test_all_is_there_when_a_server_says_that_it_is(tmp_path: Path) -> None:
    async with city(tmp_path, metrics_port=0) as town:
        status, told = await readiness(town.ready)
        assert (status, told["ready"], told["missing"], told["stopping"]) == (200, True, [], False)
        assert told["dependencies"] == dict.fromkeys(NAMES, True)
        away = abs(dt.datetime.fromisoformat(told["time"]) - town.clock())
        assert away < dt.timedelta(minutes=1)
        assert [await health(town, each) for each in ("", *NAMES)] == [SERVING] * 5
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await health(town, "witnesses")
        assert refused.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_database_that_is_stopped_and_started_again(
    tmp_path: Path, own_postgresql: postgres.Server
) -> None:
    url = own_postgresql.create(f"db-{uuid.uuid4()}")
    async with city(tmp_path, database=url, metrics_port=0) as town:
        stub: Any = health_pb2_grpc.HealthStub(town.channel)
        watched = stub.Watch(health_pb2.HealthCheckRequest(service="database"))
        seen = [(await watched.read()).status]
        await control(own_postgresql, "stop", "immediate")
        try:
            await ready(town, "database", "sequencer")
            seen.append((await asyncio.wait_for(watched.read(), 60)).status)
            found = await metrics(town.ready)
            assert value(found, "zk_dependency_up", dependency="database") == 0
            assert value(found, "zk_dependency_up", dependency="workers") == 1
            assert value(found, "zk_ready") == 0
            assert value(found, "zk_outbox_pending") is None, "nobody knows"
            assert (value(found, "zk_database_failures_total", kind="read") or 0) > 0
            assert await health(town, "sequencer") == NOT_SERVING
            assert await health(town) == SERVING
            lost = await refusal(
                town.issuance.IssueCredential(town.issuing(), metadata=town.bearer(town.department_token))
            )
            assert lost.reason == "STORAGE_UNAVAILABLE"
        finally:
            await control(own_postgresql, "start")
        await ready(town)
        seen.append((await asyncio.wait_for(watched.read(), 60)).status)
        watched.cancel()
        assert seen == [SERVING, NOT_SERVING, SERVING]
        await town.issue()
        found = await metrics(town.ready)
        assert value(found, "zk_ready") == 1
        assert value(found, "zk_outbox_pending") == 0


@pytest.mark.parametrize("kind", ["judge", "signer"])
async def test_a_worker_that_is_killed_is_replaced_before_anybody_asks(tmp_path: Path, kind: str) -> None:
    async with city(tmp_path, metrics_port=0, processes=1) as town:
        stub: Any = health_pb2_grpc.HealthStub(town.channel)
        watched = stub.Watch(health_pb2.HealthCheckRequest(service="workers"))
        seen = [(await watched.read()).status]
        (before,) = processes.workers(kind)
        os.kill(before, signal.SIGKILL)
        for _ in range(2):
            seen.append((await asyncio.wait_for(watched.read(), 60)).status)
        watched.cancel()
        assert seen == [SERVING, NOT_SERVING, SERVING]
        (after,) = processes.workers(kind)
        assert after != before
        await ready(town)
        found = await metrics(town.ready)
        assert value(found, "zk_worker_restarts_total", kind=kind) == 1
        assert value(found, "zk_workers_alive", kind=kind) == 1
        await town.answered(await town.claim(await town.issue()))


async def test_one_of_several_workers_is_no_matter_of_readiness(tmp_path: Path) -> None:
    async with city(tmp_path, metrics_port=0, processes=2) as town:
        os.kill(min(processes.workers("judge")), signal.SIGKILL)

        async def replaced() -> bool:
            status, _ = await readiness(town.ready)
            assert status == 200
            return value(await metrics(town.ready), "zk_worker_restarts_total", kind="judge") == 1

        await until(replaced)


async def test_a_certificate_that_has_ended_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that an operator has laid there: those that a server makes for itself it makes anew in time."""
    making, data = tmp_path / "making", tmp_path / "server"
    making.mkdir()
    data.mkdir()
    tls.server_credentials(Settings(data=making, dev=True), dt.datetime.now(dt.UTC))
    shutil.copy(making / "ca.pem", data / "ca.pem")
    given: dict[str, Any] = {"certificate": making / "server.pem", "private_key": making / "server.key"}
    ahead = dt.timedelta()
    monkeypatch.setattr("zkservice.server._now", lambda: dt.datetime.now(dt.UTC) + ahead)
    async with reopened(data, dev=False, metrics_port=0, **given) as town:
        town.clock.ahead = ahead = dt.timedelta(days=400)
        await ready(town, "certificate")

        async def told() -> bool:
            return await health(town, "certificate") == NOT_SERVING

        await until(told)
        town.clock.ahead = ahead = dt.timedelta()
        await ready(town)


# witnesses


@pytest.fixture
async def others(tmp_path: Path) -> AsyncIterator[Consortium]:
    async with consortium(tmp_path, tmp_path / "server") as gathered:
        yield gathered


async def test_a_missing_quorum_is_told_of_and_keeps_nobody_from_being_served(others: Consortium) -> None:
    hasty: dict[str, Any] = {"checkpoint_ms": 100, "witness_seconds": 1.0, "metrics_port": 0}
    async with reopened(others.folder / "server", **others.settings | hasty) as town:
        await anchored(town, await grow(town, "police"))
        found = await metrics(town.ready)
        assert value(found, "zk_dependency_up", dependency="witnesses") == 1
        assert {value(found, "zk_witness_up", witness=each) for each in CITIES} == {1}
        await others.end(*CITIES[:4])
        await grow(town, "health")
        await ready(town, "witnesses")
        status, told = await readiness(town.ready)
        assert (status, told["ready"]) == (200, True)
        found = await metrics(town.ready)
        assert value(found, "zk_anchoring_late") == 1
        assert (value(found, "zk_anchored_lag_entries") or 0) > 0
        down = {each for each in CITIES if value(found, "zk_witness_up", witness=each) == 0}
        assert down == set(CITIES[:4])
        assert value(found, "zk_witness_fault", witness=CITIES[0], fault="unreachable") == 1
        await others.start(*CITIES[:4])
        await ready(town)
