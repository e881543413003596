"""Bulks: whoever brings many jobs gets an outcome for each, and takes no more than a share."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from zkservice import gathering as rules
from zkservice.errors import ServiceError
from zkservice.gathering import BULK_WEIGHT, MAX_BULK, Gathering


@dataclass(frozen=True)
class Job:
    """A job of some weight."""

    name: str
    weight: int = 1


@dataclass
class Rounds:
    """Does nothing, and writes down who was in which round. While held, a round waits until it is let go."""

    taken: list[list[str]] = field(default_factory=list)
    gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(10_000))

    async def run(self, jobs: list[Job]) -> list[str]:
        self.taken.append([each.name for each in jobs])
        await self.gate.acquire()
        await asyncio.sleep(0)
        return [each.name for each in jobs]

    def round_of(self, name: str) -> int:
        return next(at for at, names in enumerate(self.taken) if name in names)

    def gathering(self, runners: int = 1) -> Gathering[Job, str]:
        return Gathering(self.run, runners, lambda job: job.weight)

    def let_go(self, count: int) -> None:
        for _ in range(count):
            self.gate.release()


@pytest.fixture
def rounds() -> Rounds:
    return Rounds()


@pytest.fixture
def held(rounds: Rounds) -> Rounds:
    """Hold every round until the test lets it go."""
    rounds.gate = asyncio.Semaphore(0)
    return rounds


def many(prefix: str, count: int, weight: int = 1) -> list[Job]:
    return [Job(f"{prefix}{number}", weight) for number in range(count)]


async def started(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("runners", [1, 2, 3])
@pytest.mark.parametrize("size", [0, 1, 2, 33, 256])
async def test_each_member_gets_its_own_outcome(rounds: Rounds, runners: int, size: int) -> None:
    gathering = rounds.gathering(runners)
    async with asyncio.timeout(20):
        outcomes = await gathering.many(many("", size))
    assert outcomes == [f"{at}" for at in range(size)]
    assert sum(map(len, rounds.taken)) == size


async def test_a_round_takes_a_bounded_share_of_bulks(rounds: Rounds) -> None:
    gathering = rounds.gathering(2)
    async with asyncio.timeout(20):
        await asyncio.gather(*(gathering.many(many(f"{bulk}.", 200)) for bulk in range(4)))
    assert max(map(len, rounds.taken)) == BULK_WEIGHT


async def test_the_share_goes_by_weight(rounds: Rounds) -> None:
    gathering = rounds.gathering(1)
    await gathering.many(many("", 20, weight=16))
    assert max(map(len, rounds.taken)) == BULK_WEIGHT // 16


async def test_a_single_caller_is_in_the_next_round_however_much_the_bulks_have(held: Rounds) -> None:
    gathering = held.gathering(1)
    bulks = asyncio.gather(*(gathering.many(many(f"{bulk}.", 256)) for bulk in range(4)))
    await started(lambda: len(held.taken) == 1)
    single = asyncio.ensure_future(gathering.one(Job("single")))
    await asyncio.sleep(0.01)
    held.let_go(2)
    async with asyncio.timeout(10):
        assert str(await single) == "single"
    assert held.round_of("single") == 1
    assert not bulks.done()
    held.let_go(1000)
    await bulks


async def test_single_callers_without_end_do_not_starve_a_bulk(rounds: Rounds) -> None:
    gathering = rounds.gathering(1)
    over = False

    async def caller(number: int) -> None:
        while not over:
            await gathering.one(Job(f"single {number}"))

    callers = [asyncio.create_task(caller(number)) for number in range(200)]
    await asyncio.sleep(0.05)
    async with asyncio.timeout(20):
        await gathering.many(many("", 256))
    over = True
    await asyncio.gather(*callers)
    first, last = rounds.round_of("0"), rounds.round_of("255")
    assert last - first + 1 <= 256 // BULK_WEIGHT + 1, "each round took the bulk's whole share"
    assert max(map(len, rounds.taken)) <= rules.MAX_BATCH + BULK_WEIGHT


async def test_a_small_bulk_does_not_wait_for_large_ones_before_it(held: Rounds) -> None:
    gathering = held.gathering(1)
    large = [asyncio.create_task(gathering.many(many(f"{at}.", 256))) for at in range(3)]
    await started(lambda: len(held.taken) == 1)
    small = asyncio.create_task(gathering.many(many("small", 5)))
    await asyncio.sleep(0.01)
    held.let_go(1 + -(-5 * 4 // BULK_WEIGHT))  # each of the four bulks has a quarter of a round
    async with asyncio.timeout(10):
        assert await small == [f"small{at}" for at in range(5)]
    held.let_go(1000)
    await asyncio.gather(*large)


async def test_bulks_have_room_for_so_many_members_and_single_callers_have_their_own() -> None:
    gathering = Rounds().gathering()
    with gathering.room(MAX_BULK - 1):
        with gathering.room(1):
            pass
        with pytest.raises(ServiceError) as caught, gathering.room(2):
            pytest.fail("there was no room")
    assert caught.value.reason == "OVERLOADED"
    with gathering.room(MAX_BULK):
        pass


async def test_full_bulks_leave_the_single_callers_room(held: Rounds) -> None:
    gathering = held.gathering(1)
    with gathering.room(MAX_BULK):
        bulk = asyncio.create_task(gathering.many(many("", MAX_BULK)))
        await started(lambda: len(held.taken) == 1)
        singles = [asyncio.ensure_future(gathering.one(Job(f"s{at}"))) for at in range(500)]
        held.let_go(1000)
        async with asyncio.timeout(20):
            await asyncio.gather(bulk, *singles)


async def test_a_bulk_whose_caller_left_is_not_served(held: Rounds) -> None:
    gathering = held.gathering(1)
    leaving = asyncio.create_task(gathering.many(many("", 256)))
    await started(lambda: len(held.taken) == 1)
    leaving.cancel()
    other = asyncio.create_task(gathering.many(many("other", 3)))
    held.let_go(1000)
    async with asyncio.timeout(10):
        assert await other == ["other0", "other1", "other2"]
    assert sum(map(len, held.taken)) == BULK_WEIGHT + 3


async def test_a_fault_is_no_outcome() -> None:
    async def broken(_: list[Job]) -> list[str]:
        raise RuntimeError("broken")

    async with asyncio.timeout(10):
        with pytest.raises(RuntimeError, match="broken"):
            await Gathering(broken, 1).many(many("", 40))
