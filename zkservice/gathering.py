"""Gathers what arrives together into batches, which cost less than their members one by one.

Nobody waits for a batch to fill while there is no load: whoever comes while a runner is free is served at
once, alone. While all runners are busy, arrivals gather, and the next free runner takes them, so a batch is
as large as the load makes it. Who was just answered in a batch is likely to come back; a runner waits for
that a few milliseconds, or it would take the first to come and leave the others behind it.

Whoever brings many jobs at once (a bulk) waits apart: each round takes a bounded share of the bulks, one of
each in turn, beside the callers that come alone. So neither kind can starve the other, nor a large bulk a
small one.
"""

import asyncio
import contextvars
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from typing import Final, Generic, TypeVar

from zkservice.errors import ServiceError, ServiceReason
from zkservice.timing import Timings

MAX_BATCH: Final = 64
MAX_WEIGHT: Final = 256
"""What a round takes of single callers, by weight: a few that are costly, or many that are not."""
MAX_WAITING: Final = 512
MAX_BULK: Final = 1024
"""Members of all bulks that are served at the same time, apart from the single callers who wait."""
BULK_WEIGHT: Final = 16
"""What a round takes of the bulks, by weight: enough that its members combine well, and so little that a
single caller who comes meanwhile waits some tens of milliseconds."""

PAUSE_SECONDS: Final = 0.003
"""How long a runner waits after a batch for those who were in it; a batch of so many takes much longer."""

_Job = TypeVar("_Job")
_Outcome = TypeVar("_Outcome")


class Gathering(Generic[_Job, _Outcome]):
    """For one event loop; at most so many batches run at a time, and MAX_WAITING callers wait.

    `run` returns an outcome for each job of a batch; if it raises, everybody in the batch is told so.
    """

    def __init__(
        self,
        run: Callable[[list[_Job]], Awaitable[Sequence[_Outcome]]],
        runners: int,
        weight: Callable[[_Job], int] = lambda _: 1,
    ) -> None:
        self._run, self._runners, self._weight = run, runners, weight
        self._waiting: list[tuple[_Job, asyncio.Future[_Outcome], float]] = []
        self._bulks: deque[deque[tuple[_Job, asyncio.Future[_Outcome], float]]] = deque()
        self._bulk_members = 0
        self._running = self._serving = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self.waits = Timings("wait")

    @property
    def waiting(self) -> int:
        """How many jobs wait for a runner, those of bulks among them."""
        return len(self._waiting) + sum(map(len, self._bulks))

    async def one(self, job: _Job) -> _Outcome:
        """Return the outcome of a job; ServiceError OVERLOADED if too many wait already."""
        if len(self._waiting) >= MAX_WAITING:
            raise _overloaded()
        future: asyncio.Future[_Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((job, future, time.monotonic()))
        self._start()
        return await future

    @contextmanager
    def room(self, members: int) -> Iterator[None]:
        """Hold places for a bulk, from before its members are read until they are answered.

        Raises ServiceError OVERLOADED if it would have more than are left of MAX_BULK.
        """
        if self._bulk_members + members > MAX_BULK:
            raise _overloaded()
        self._bulk_members += members
        try:
            yield
        finally:
            self._bulk_members -= members

    async def many(self, jobs: Sequence[_Job]) -> list[_Outcome]:
        """Return the outcomes of a bulk; the caller holds `room` for it."""
        loop = asyncio.get_running_loop()
        now = time.monotonic()
        bulk: deque[tuple[_Job, asyncio.Future[_Outcome], float]] = deque(
            (job, loop.create_future(), now) for job in jobs
        )
        futures = [future for _, future, _ in bulk]
        if bulk:
            self._bulks.append(bulk)
        for _ in range(min(len(bulk), self._runners)):
            self._start()
        return await asyncio.gather(*futures)

    def _start(self) -> None:
        if self._running < self._runners:
            self._running += 1
            # In no call's context: it goes on for others, whose log lines and spans are not this call's.
            task = asyncio.create_task(self._work(), context=contextvars.Context())
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
                if len(self._waiting) < len(batch) - 1 and not self._bulks:
                    await asyncio.sleep(PAUSE_SECONDS)
        finally:
            self._running -= 1

    async def _serve(self, batch: "list[tuple[_Job, asyncio.Future[_Outcome], float]]") -> None:
        now = time.monotonic()
        for _, _, since in batch:
            self.waits.took(now - since)
        futures = [future for _, future, _ in batch]
        try:
            answers = list(zip(futures, await self._run([job for job, _, _ in batch]), strict=True))
        except Exception as error:  # each caller must be answered
            for future in futures:
                if not future.done():
                    future.set_exception(error)
            return
        for future, outcome in answers:
            if not future.done():
                future.set_result(outcome)

    def _take(self) -> "list[tuple[_Job, asyncio.Future[_Outcome], float]]":
        """Take this runner's share of those who still want an answer: what the free runners share."""
        self._waiting = [each for each in self._waiting if not each[1].done()]
        share = min(-(-len(self._waiting) // (self._runners - self._serving)), MAX_BATCH)
        weights = accumulate(self._weight(job) for job, _, _ in self._waiting[:share])
        light = sum(weight <= MAX_WEIGHT for weight in weights)
        share = min(share, max(light, 1))
        batch, self._waiting = self._waiting[:share], self._waiting[share:]
        return batch + self._take_of_bulks()

    def _take_of_bulks(self) -> "list[tuple[_Job, asyncio.Future[_Outcome], float]]":
        """Take this runner's share of the bulks' members, one of each bulk in turn."""
        share, weight = -(-sum(map(len, self._bulks)) // self._runners), 0
        taken: list[tuple[_Job, asyncio.Future[_Outcome], float]] = []
        while self._bulks and len(taken) < share and weight < BULK_WEIGHT:
            bulk = self._bulks.popleft()
            job, future, since = bulk.popleft()
            if not future.done():
                taken.append((job, future, since))
                weight += self._weight(job)
            if bulk:
                self._bulks.append(bulk)
        return taken


def _overloaded() -> ServiceError:
    return ServiceError(ServiceReason.OVERLOADED, "too many wait already; try again later")
