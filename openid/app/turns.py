"""Turns at an edge's threads: so many of a kind at a time, and nobody waits for one beyond his time.

What asks a node of the consortium may take minutes. Who asks takes one of a few turns first, so that threads
are left to all others, and none of it stands in the threads' queue, from which it could not be taken back.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any


class Turns:
    """So many turns at a time, in the order in which they were asked for, until the edge `ends`."""

    def __init__(self, most: int, ends: asyncio.Event) -> None:
        self._free, self._ends = asyncio.Semaphore(most), ends

    @property
    def are_taken(self) -> bool:
        """Whether one would have to wait."""
        return self._free.locked()

    @asynccontextmanager
    async def turn(self, seconds: float) -> AsyncIterator[bool]:
        """Wait for a turn, so many seconds at most, and have it for the block; gives whether it came.

        None comes once the edge ends.
        """
        mine = asyncio.ensure_future(self._free.acquire())
        try:
            came = await done_before(mine, self._ends, seconds)
            yield came and not self._ends.is_set()
        finally:
            if not mine.cancel():
                self._free.release()


async def done_before(task: "asyncio.Future[Any]", ends: asyncio.Event, seconds: float) -> bool:
    """Wait for a task; False if so many seconds are over, or something ends, before it is done."""
    over = asyncio.ensure_future(ends.wait())
    try:
        await asyncio.wait({task, over}, timeout=max(0.0, seconds), return_when=asyncio.FIRST_COMPLETED)
    finally:
        over.cancel()
    return task.done()
