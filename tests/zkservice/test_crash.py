"""A server killed in the middle of a burst: what it acknowledged is there, and nothing is there twice."""

import asyncio
import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
import pytest_asyncio

from tests.zkservice.bursts import Burst, prepared
from tests.zkservice.server_process import launch, started
from tests.zkservice.stores import Store
from zkservice.sequencer import Step


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["sqlite", "postgresql"])
async def ready(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Burst]:
    server = request.getfixturevalue("postgresql") if request.param == "postgresql" else None
    async with prepared(tmp_path_factory.mktemp("prepared"), Store.on(server)) as burst:
        yield burst


@pytest.fixture
def burst(ready: Burst, tmp_path: Path) -> Burst:
    folder = tmp_path / "server"
    shutil.copytree(ready.folder, folder)
    return Burst(folder, ready.submissions, ready.store.copy())


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("step", Step)
async def test_killed_at_each_step_of_the_log(burst: Burst, step: Step, times: int) -> None:
    async with (
        started(burst.folder, step, times, max_batch=2, **burst.settings) as process,
        process.city() as town,
    ):
        await burst.send(town)
        assert await process.ended() == -signal.SIGKILL
    assert (burst.folder / "reached").read_text() == step, "the fault point was not reached"
    assert burst.failures, "a killed server cannot have answered everybody"
    assert set(burst.failures.values()) == {grpc.StatusCode.UNAVAILABLE}
    await burst.check()


@pytest.mark.parametrize("step", [Step.APPLIED, Step.PUBLISHED])
async def test_killed_again_while_it_recovers(burst: Burst, step: Step) -> None:
    async with (
        started(burst.folder, Step.LOCKED, 1, max_batch=2, **burst.settings) as process,
        process.city() as town,
    ):
        await burst.send(town)
        assert await process.ended() == -signal.SIGKILL
    recovering = await launch(burst.folder, step, 1, **burst.settings)
    assert await recovering.wait() == -signal.SIGKILL
    assert (burst.folder / "reached").read_text() == step
    await burst.check()


@pytest.mark.parametrize("milliseconds", [5, 40, 80, 160])
async def test_killed_from_outside_at_any_moment(burst: Burst, milliseconds: int) -> None:
    async with started(burst.folder, max_batch=2, **burst.settings) as process, process.city() as town:
        sending = asyncio.ensure_future(burst.send(town))
        await asyncio.sleep(milliseconds / 1000)
        process.end(signal.SIGKILL)
        assert await process.ended() == -signal.SIGKILL
        await sending
    await burst.check()


async def test_a_clean_end_answers_what_is_in_flight(burst: Burst) -> None:
    async with started(burst.folder, max_batch=2, **burst.settings) as process, process.city() as town:
        sending = asyncio.ensure_future(burst.send(town))
        while not burst.answers:
            await asyncio.sleep(0.001)
        process.end(signal.SIGTERM)
        await sending
        assert await process.ended() == 0
    assert set(burst.failures.values()) <= {grpc.StatusCode.UNAVAILABLE}
    kept = {row[0] for row in burst.store.select(burst.folder, "select exchange from answer")}
    assert {burst.submissions[number].exchange[10:] for number in burst.answers} <= kept
    assert not burst.store.select(burst.folder, "select * from outbox where entry_index is null")
    assert "Traceback" not in (burst.folder / "server.log").read_text()
    await burst.check()


async def test_an_end_that_cannot_wait_cuts_off_what_is_in_flight(burst: Burst) -> None:
    """After `drain_seconds` gRPC resets the streams that are left, as CANCELLED or with the connection."""
    async with started(burst.folder, drain_seconds=0, **burst.settings) as process, process.city() as town:
        sending = asyncio.ensure_future(burst.send(town))
        await asyncio.sleep(0.02)
        process.end(signal.SIGTERM)
        await sending
        assert await process.ended() == 0
    assert set(burst.failures.values()) <= {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
    assert "Traceback" not in (burst.folder / "server.log").read_text()
    await burst.check()


async def test_a_second_server_on_the_folder_is_refused(burst: Burst) -> None:
    async with started(burst.folder, **burst.settings) as process, process.city() as town:
        second = await launch(burst.folder, **burst.settings)
        assert await second.wait() == 9
        assert f"another server is running on {burst.folder}" in (burst.folder / "server.log").read_text()
        await burst.send(town)
        assert not burst.failures
        process.end(signal.SIGINT)
        assert await process.ended() == 0
    await burst.check()
