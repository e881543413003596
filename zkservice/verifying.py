"""Gathers presentations that arrive together into batches, whose pairings combine.

Nobody waits for a batch to fill: whoever comes while a thread is free is verified at once, alone. While all
threads are busy, arrivals gather; the next free thread takes its share of them, so a batch is as large as the
load makes it and nobody waits longer than for the batches before it, which are bounded.
"""

import asyncio
from concurrent.futures import Executor
from typing import Final

from disclosure import DisclosureError
from verifier.verify import Claim, VerifiedPresentation, verify_presentations

MAX_BATCH: Final = 64

_Waiting = tuple[Claim, "asyncio.Future[VerifiedPresentation]"]


class Verifying:
    """For one event loop; `threads` of the executor are used at most."""

    def __init__(self, executor: Executor, threads: int) -> None:
        self._executor, self._threads = executor, threads
        self._waiting: list[_Waiting] = []
        self._workers: set[asyncio.Task[None]] = set()

    async def verify(self, claim: Claim) -> VerifiedPresentation:
        """Return what a presentation shows; raises as `verify_presentation` does."""
        future: asyncio.Future[VerifiedPresentation] = asyncio.get_running_loop().create_future()
        self._waiting.append((claim, future))
        if len(self._workers) < self._threads:
            worker = asyncio.create_task(self._work())
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)
        return await future

    async def _work(self) -> None:
        while batch := self._take():
            claims = [claim for claim, _ in batch]
            try:
                verdicts = await asyncio.get_running_loop().run_in_executor(
                    self._executor, verify_presentations, claims
                )
            except Exception as error:  # a fault of ours: each caller must be answered
                for _, future in batch:
                    _refuse(future, error)
                continue
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
