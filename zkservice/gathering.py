"""Gathers what arrives together into batches, which cost less than their members one by one.

Nobody waits for a batch to fill while there is no load: whoever comes while a runner is free is served at
once, alone. While all runners are busy, arrivals gather, and the next free runner takes them, so a batch is
as large as the load makes it. Who was just answered in a batch is likely to come back; a runner waits for
that a few milliseconds, or it would take the first to come and leave the others behind it.

Whoever brings many jobs at once (a bulk) waits apart: each round takes a bounded share of the bulks, one of
each in turn, beside the callers that come alone. So neither kind can starve the other, nor a large bulk a
small one.

Tenants (`tenants`) take turns, in both kinds. When all places are taken, whoever comes with few jobs waiting
takes the place of the newest job of whoever has most. What nobody waits for any more, since its caller has
left or its time is over, is dropped before it costs anything.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import Context
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Generic, TypeVar

from zkservice import tenants
from zkservice.errors import ServiceError, ServiceReason
from zkservice.fairness import Turns
from zkservice.timing import Timings
from zkservice.waking import answer, wake

MAX_BATCH: Final = 64
MAX_WEIGHT: Final = 256
"""What a round takes of single callers, by weight: a few that are costly, or many that are not."""
MAX_WAITING: Final = 512
MAX_OCTETS: Final = 32 << 20
"""Octets of all that wait as single callers."""
MAX_BULK: Final = 1024
"""Members of all bulks of a tenant that are served at the same time, apart from single callers who wait."""
MAX_BULKS: Final = 4 * MAX_BULK
"""Members of all bulks of all tenants."""
BULK_WEIGHT: Final = 16
"""What a round takes of the bulks, by weight: enough that its members combine well, and so little that a
single caller who comes meanwhile waits some tens of milliseconds."""

PAUSE_SECONDS: Final = 0.003
"""How long a runner waits after a batch for those who were in it; a batch of so many takes much longer."""

_Job = TypeVar("_Job")
_Outcome = TypeVar("_Outcome")


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[_Job, _Outcome]):
    job: _Job
    future: "asyncio.Future[_Outcome]"
    ends: float
    octets: int
    since: float

    def is_wanted(self) -> bool:
        """Tell whether somebody still waits for it."""
        return not self.future.done() and time.monotonic() < self.ends


class Gathering(Generic[_Job, _Outcome]):
    """For one event loop; at most so many batches run at a time, and MAX_WAITING callers wait.

    `run` returns an outcome for each job of a batch; if it raises, everybody in the batch is told so.
    `octets` tells what a job that waits takes of the memory.
    """

    def __init__(
        self,
        run: Callable[[list[_Job]], Awaitable[Sequence[_Outcome]]],
        runners: int,
        weight: Callable[[_Job], int] = lambda _: 1,
        octets: Callable[[_Job], int] = lambda _: 0,
    ) -> None:
        self._run, self._runners, self._weight, self._size = run, runners, weight, octets
        self._waiting: Turns[_Waiting[_Job, _Outcome]] = Turns()
        self._octets = 0
        self._bulks: Turns[deque[_Waiting[_Job, _Outcome]]] = Turns()
        self._bulk_jobs = 0
        self._bulk_members: Counter[str] = Counter()
        self._running = self._serving = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self.waits = Timings("wait")

    @property
    def waiting(self) -> int:
        """How many jobs wait for a runner, those of bulks among them."""
        return len(self._waiting) + self._bulk_jobs

    async def one(self, job: _Job) -> _Outcome:
        """Return the outcome of a job; ServiceError OVERLOADED if too many wait already."""
        waiting: _Waiting[_Job, _Outcome] = self._entry(job)
        self._make_room(tenants.tenant(), waiting.octets)
        self._waiting.put(tenants.tenant(), waiting)
        self._octets += waiting.octets
        self._start()
        return await waiting.future

    def _entry(self, job: _Job) -> _Waiting[_Job, _Outcome]:
        future: asyncio.Future[_Outcome] = asyncio.get_running_loop().create_future()
        return _Waiting(job, future, tenants.ends(), self._size(job), time.monotonic())

    def _make_room(self, tenant: str, octets: int) -> None:
        """Have a place for one more job; ServiceError OVERLOADED if its tenant has its share of them."""
        if not self._is_full(octets):
            return
        self._drop_unwanted()
        while self._is_full(octets):
            displaced = self._waiting.displace(tenant)
            if displaced is None:
                raise _overloaded()
            self._octets -= displaced.octets
            if not displaced.future.done():
                displaced.future.set_exception(_overloaded())

    def _is_full(self, octets: int) -> bool:
        return len(self._waiting) >= MAX_WAITING or self._octets + octets > MAX_OCTETS

    def _drop_unwanted(self) -> None:
        self._waiting.keep(self._keeps)

    def _keeps(self, waiting: _Waiting[_Job, _Outcome]) -> bool:
        if waiting.is_wanted():
            return True
        self._octets -= waiting.octets
        _tell_late(waiting.future)
        return False

    @contextmanager
    def room(self, members: int) -> Iterator[None]:
        """Hold places for a bulk, from before its members are read until they are answered.

        Raises ServiceError OVERLOADED if it would have more than are left of its tenant's MAX_BULK, or of
        everybody's MAX_BULKS.
        """
        tenant = tenants.tenant()
        if (
            self._bulk_members[tenant] + members > MAX_BULK
            or self._bulk_members.total() + members > MAX_BULKS
        ):
            raise _overloaded()
        self._bulk_members[tenant] += members
        try:
            yield
        finally:
            self._bulk_members[tenant] -= members
            self._bulk_members += Counter()  # without those that have none

    async def many(self, jobs: Sequence[_Job]) -> list[_Outcome]:
        """Return the outcomes of a bulk; the caller holds `room` for it."""
        bulk = deque(map(self._entry, jobs))
        futures = [each.future for each in bulk]
        if bulk:
            self._bulks.put(tenants.tenant(), bulk)
            self._bulk_jobs += len(bulk)
        for _ in range(min(len(bulk), self._runners)):
            self._start()
        return await asyncio.gather(*futures)

    def _start(self) -> None:
        if self._running < self._runners:
            self._running += 1
            # Whoever's job starts it, it works for everybody.
            task = asyncio.create_task(self._work(), context=Context())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _work(self) -> None:
        """Run batches until nobody waits.

        Nothing is awaited between finding nobody and no longer counting as at work: whoever comes then starts
        a runner, and nobody waits for one that has gone.
        """
        try:
            while batch := self._take():
                self._serving += 1
                try:
                    await self._serve(batch)
                finally:
                    self._serving -= 1
                if len(self._waiting) < len(batch) - 1 and not self._bulk_jobs:
                    await asyncio.sleep(PAUSE_SECONDS)
        finally:
            self._running -= 1

    async def _serve(self, batch: list[_Waiting[_Job, _Outcome]]) -> None:
        now = time.monotonic()
        for each in batch:
            self.waits.took(now - each.since)
        futures = [each.future for each in batch]
        try:
            answers = list(zip(futures, await self._run([each.job for each in batch]), strict=True))
        except Exception as error:  # each caller must be answered
            for future in futures:
                if not future.done():
                    future.set_exception(error)
            return
        wake(asyncio.get_running_loop(), (partial(answer, *each) for each in answers))

    def _take(self) -> list[_Waiting[_Job, _Outcome]]:
        """Take this runner's share of those who still want an answer: what the free runners share."""
        self._drop_unwanted()
        share = min(-(-len(self._waiting) // (self._runners - self._serving)), MAX_BATCH)
        batch: list[_Waiting[_Job, _Outcome]] = []
        weight = 0
        while len(batch) < share:
            weight += self._weight(self._waiting.next().job)
            if batch and weight > MAX_WEIGHT:
                break
            _, taken = self._waiting.take()
            self._octets -= taken.octets
            batch.append(taken)
        return batch + self._take_of_bulks()

    def _take_of_bulks(self) -> list[_Waiting[_Job, _Outcome]]:
        """Take this runner's share of the bulks' members: of each tenant in turn, of its bulks in turn."""
        share, weight = -(-self._bulk_jobs // self._runners), 0
        taken: list[_Waiting[_Job, _Outcome]] = []
        while self._bulk_jobs and len(taken) < share and weight < BULK_WEIGHT:
            tenant, bulk = self._bulks.take()
            member = bulk.popleft()
            self._bulk_jobs -= 1
            if member.is_wanted():
                taken.append(member)
                weight += self._weight(member.job)
            else:
                _tell_late(member.future)
            if bulk:
                self._bulks.put(tenant, bulk)
        return taken


def _tell_late(future: "asyncio.Future[Any]") -> None:
    """Answer whoever still waits for what was dropped: its call ends in a moment, if it has not."""
    if not future.done():
        future.set_exception(tenants.out_of_time())


def _overloaded() -> ServiceError:
    return ServiceError(ServiceReason.OVERLOADED, "too many wait already; try again later")
