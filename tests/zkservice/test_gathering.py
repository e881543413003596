"""Gathering: everybody is answered, alone or in a batch, however callers come and go."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from zkservice.gathering import Gathering

Run = Callable[[list[int]], Awaitable[list[int]]]


@pytest.fixture
def batches() -> list[int]:
    """The sizes of the batches that were run."""
    return []


@pytest.fixture
def run(batches: list[int]) -> Iterator[Run]:
    """Doubles its jobs, in a thread: what is tested is who is answered."""

    def double(jobs: list[int]) -> list[int]:
        batches.append(len(jobs))
        return [2 * each for each in jobs]

    with ThreadPoolExecutor(2) as executor:

        async def act(jobs: list[int]) -> list[int]:
            return await asyncio.get_running_loop().run_in_executor(executor, double, jobs)

        yield act


@pytest.mark.parametrize("runners", [1, 2])
@pytest.mark.parametrize("callers", [1, 2, 64])
async def test_a_caller_that_comes_back_at_once_is_answered(
    run: Run, batches: list[int], runners: int, callers: int
) -> None:
    """A runner that found nobody else is about to end when its last caller comes back."""
    gathering = Gathering(run, runners)

    async def caller(number: int) -> None:
        for turn in range(30):
            assert await gathering.one(number * 100 + turn) == 2 * (number * 100 + turn)

    async with asyncio.timeout(20):
        await asyncio.gather(*map(caller, range(callers)))
    assert sum(batches) == callers * 30
    assert callers < 64 or max(batches) > 1, "nothing was gathered"


async def test_each_gets_its_own_outcome(run: Run) -> None:
    gathering = Gathering(run, 1)
    async with asyncio.timeout(20):
        assert await asyncio.gather(*map(gathering.one, range(5))) == [0, 2, 4, 6, 8]


async def test_a_caller_that_left_holds_nobody_up(run: Run) -> None:
    gathering = Gathering(run, 1)
    leaving = [asyncio.ensure_future(gathering.one(1)) for _ in range(5)]
    await asyncio.sleep(0)
    for each in leaving:
        each.cancel()
    async with asyncio.timeout(20):
        assert await gathering.one(2) == 4


async def test_a_fault_is_told_to_all_of_its_batch() -> None:
    async def broken(_: list[int]) -> list[int]:
        raise RuntimeError("broken")

    gathering = Gathering(broken, 1)
    async with asyncio.timeout(20):
        told = await asyncio.gather(*(gathering.one(1) for _ in range(4)), return_exceptions=True)
    assert [str(each) for each in told] == ["broken"] * 4
