"""Gathers presentations that arrive together into batches, whose pairings combine.

Nobody waits for a batch to fill: whoever comes while a thread is free is verified at once, alone. While all
threads are busy, arrivals gather; the next free thread takes its share of them, so a batch is as large as the
load makes it and nobody waits longer than for the batches before it, which are bounded.
"""

import asyncio
from collections import OrderedDict
from concurrent.futures import Executor
from typing import Final

from disclosure import DisclosureError
from verifier.verify import Claim, VerifiedPresentation, verify_presentations
from zkservice.errors import ServiceError, ServiceReason

MAX_BATCH: Final = 64
MAX_WAITING: Final = 512

_Waiting = tuple[Claim, "asyncio.Future[VerifiedPresentation]"]


class Verifying:
    """For one event loop; `threads` of the executor are used at most, and MAX_WAITING callers wait."""

    def __init__(self, executor: Executor, threads: int) -> None:
        self._executor, self._threads = executor, threads
        self._waiting: list[_Waiting] = []
        self._working = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def verify(self, claim: Claim) -> VerifiedPresentation:
        """Return what a presentation shows.

        Raises as `verify_presentation` does; ServiceError OVERLOADED if too many wait already.
        """
        if len(self._waiting) >= MAX_WAITING:
            detail = "too many presentations wait to be verified; try again later"
            raise ServiceError(ServiceReason.OVERLOADED, detail)
        future: asyncio.Future[VerifiedPresentation] = asyncio.get_running_loop().create_future()
        self._waiting.append((claim, future))
        if self._working < self._threads:
            self._working += 1
            task = asyncio.create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await future

    async def _work(self) -> None:
        """Verify batches until nobody waits.

        Nothing is awaited between finding nobody and no longer counting as at work: whoever comes then starts
        a worker, and nobody waits for one that has gone.
        """
        try:
            while batch := self._take():
                await self._verify_batch(batch)
        finally:
            self._working -= 1

    async def _verify_batch(self, batch: list[_Waiting]) -> None:
        claims = [claim for claim, _ in batch]
        try:
            verdicts = await asyncio.get_running_loop().run_in_executor(
                self._executor, verify_presentations, claims
            )
        except Exception as error:  # a fault of ours: each caller must be answered
            for _, future in batch:
                _refuse(future, error)
            return
        for (_, future), verdict in zip(batch, verdicts, strict=True):
            if isinstance(verdict, DisclosureError):
                _refuse(future, verdict)
            elif not future.done():
                future.set_result(verdict)

    def _take(self) -> list[_Waiting]:
        """Take this worker's share of those who still want an answer."""
        self._waiting = [each for each in self._waiting if not each[1].done()]
        share = min(-(-len(self._waiting) // self._threads), MAX_BATCH)
        batch, self._waiting = self._waiting[:share], self._waiting[share:]
        return batch


def _refuse(future: "asyncio.Future[VerifiedPresentation]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error)


class Attempts:
    """Counts the false presentations of an exchange, so that no ticket buys verification without end.

    Kept in memory, for the exchanges that failed last: an exchange lives for days at most, and what an
    attacker gains by a restart is a few more attempts.
    """

    def __init__(self, most: int = 20, kept: int = 10_000) -> None:
        self._most, self._kept = most, kept
        self._failed: OrderedDict[str, int] = OrderedDict()

    def check(self, exchange: str) -> None:
        """Raise ServiceError TOO_MANY_ATTEMPTS for an exchange that had its share."""
        if self._failed.get(exchange, 0) >= self._most:
            detail = f"{self._most} presentations that did not hold were sent for this exchange"
            raise ServiceError(ServiceReason.TOO_MANY_ATTEMPTS, detail)

    def failed(self, exchange: str) -> None:
        """Count a presentation that did not hold."""
        self._failed[exchange] = self._failed.get(exchange, 0) + 1
        self._failed.move_to_end(exchange)
        if len(self._failed) > self._kept:
            self._failed.popitem(last=False)
