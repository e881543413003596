"""What the service computes for whoever has proven nothing yet, apart from its own work.

Such work is cheap to ask for: it has a thread of its own, so that however much of it waits, the event loop
and the threads that the service itself uses stay free. Tenants (`tenants`) take turns, one piece of work
each, and what nobody waits for any more is dropped (`gathering`).
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

from zkservice.gathering import MAX_WEIGHT, Gathering

_Result = TypeVar("_Result")
_Act = Callable[[], Any]


class Apart:
    """Belongs to the event loop. `close` ends its thread."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "apart")
        # Each piece weighs as much as a round takes, so that turns change after each.
        self._waiting: Gathering[_Act, Any] = Gathering(self._run, 1, lambda _: MAX_WEIGHT)

    async def run(self, act: Callable[[], _Result]) -> _Result:
        """Return what `act` returns, or raise what it raises; a piece of work takes milliseconds.

        Raises ServiceError OVERLOADED, CALL_TIMEOUT.
        """
        return cast(_Result, await self._waiting.one(act))

    async def _run(self, acts: list[_Act]) -> Sequence[Any]:
        loop = asyncio.get_running_loop()
        return [await loop.run_in_executor(self._thread, each) for each in acts]

    def close(self) -> None:
        """End the thread. What waits is not run."""
        self._thread.shutdown(cancel_futures=True)
