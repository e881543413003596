"""Desk: what is looked up, in which portions, and who is told what. Workers are threads here."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from zkservice.desk import Desk, _few
from zkservice.errors import ServiceError, ServiceReason
from zkservice.gathering import Gathering
from zkservice.tasks import Done, Missing, Names, Outcome, Supplies
from zkservice.worker import KINDS
from zkservice.workers import Workers, working


class Task:
    """A job that is done when the verifiers that it names are known."""

    def __init__(self, *names: str) -> None:
        self.names = frozenset(names)

    def items(self) -> list[Any]:
        return sorted(self.names)


class Forgetful:
    """Knows nothing but what comes with its jobs."""

    def work(self, jobs: list[Task], supplies: Supplies) -> list[Outcome]:
        return [self._outcome(job, supplies) for job in jobs]

    def _outcome(self, job: Task, supplies: Supplies) -> Outcome:
        missing = job.names - supplies.verifiers.keys()
        if missing:
            return Missing(Names(verifiers=missing))
        return Done("".join(sorted(job.names)).encode())


@pytest.fixture
async def workers(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Workers]:
    monkeypatch.setitem(KINDS, "forgetful", (Forgetful, Task))
    with ThreadPoolExecutor(2) as executor:
        async with working("forgetful", 0, executor, 1) as lent:
            yield lent


class Catalogue:
    def __init__(self) -> None:
        self.asked: list[frozenset[str]] = []
        self.failing = frozenset[str]()

    async def __call__(self, names: Names) -> Supplies:
        self.asked.append(names.verifiers)
        if names.verifiers & self.failing:
            raise ServiceError(ServiceReason.STORAGE_UNAVAILABLE, "the storage failed")
        return Supplies(verifiers=dict.fromkeys(names.verifiers))


async def many(desk: Desk[Any], *jobs: Task) -> list[Any]:
    with desk.room(len(jobs)):
        return await desk.many(jobs)


async def test_names_are_looked_up_once_for_all_who_miss_them(workers: Workers) -> None:
    catalogue = Catalogue()
    told = await many(Desk[Task](workers, catalogue), Task("a"), Task(), Task("a", "b"))
    assert told == [Done(b"a"), Done(b""), Done(b"ab")]
    assert catalogue.asked == [frozenset("ab")]


async def test_a_round_looks_up_few_names(workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zkservice.desk._NAMES", 3)
    catalogue = Catalogue()
    tasks = Task("a", "b"), Task("c"), Task("d", "e", "f", "g"), Task("h")
    told = await many(Desk[Task](workers, catalogue), *tasks)
    assert told == [Done(b"ab"), Done(b"c"), Done(b"defg"), Done(b"h")]
    assert catalogue.asked == [frozenset("abc"), frozenset("defg"), frozenset("h")]


def test_the_first_that_misses_something_is_always_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zkservice.desk._NAMES", 1)
    names, other = Names(verifiers=frozenset("abc")), Names(verifiers=frozenset("d"))
    assert _few([Done(b""), Missing(names), Missing(other)], [Names()] * 3) == {1: names}
    assert _few([Done(b"")], [Names()]) == {}


async def test_a_storage_that_fails_is_told_to_those_who_wait_for_it_only(workers: Workers) -> None:
    catalogue = Catalogue()
    catalogue.failing = frozenset("b")
    one, two, three = await many(Desk[Task](workers, catalogue), Task(), Task("b"), Task())
    assert (one, three) == (Done(b""), Done(b""))
    assert two.reason == "STORAGE_UNAVAILABLE"


async def test_a_worker_that_answers_another_number_leaves_nobody_waiting(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Forgetful, "work", lambda *_: [Done(b"")])
    desk = Desk[Task](workers, Catalogue())
    async with asyncio.timeout(5):
        told = await asyncio.gather(*(desk.one(Task()) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(each, Exception) for each in told) >= 3


@pytest.mark.parametrize("count", [0, 1, 3])
async def test_a_batch_with_too_few_outcomes_is_told_to_all_of_it(count: int) -> None:
    async def short(_: list[int]) -> list[int]:
        return [0] * count

    gathering = Gathering(short, 1)
    for _ in range(2):  # the second time too: no runner was lost over the first
        with gathering.room(2):
            async with asyncio.timeout(5):
                with pytest.raises(ValueError, match="zip"):
                    await gathering.many([1, 2])
