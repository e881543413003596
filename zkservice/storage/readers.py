"""The threads that read the database: who has much to read holds nobody up, and least the service itself.

What the service reads for itself (its readiness, its sequencer) goes first, and has a thread to itself beside
those that all share, so that it does not even wait for a long read to end. Tenants (`tenants`) take turns.
What nobody waits for any more is not run.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, NamedTuple, TypeVar

from zkservice import tenants
from zkservice.errors import ServiceError, ServiceReason
from zkservice.fairness import Turns

_SHARED: Final = 4
THREADS: Final = _SHARED + 1
"""So many reads run at the same time at most, each with a connection."""
MAX_WAITING: Final = 1_024
"""Reads of one tenant that wait; a call has a few at most."""

_Result = TypeVar("_Result")


class _Waiting(NamedTuple):
    act: Callable[[], Any]
    future: "Future[Any]"
    ends: float

    def run(self) -> None:
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            result = self.act()
        except BaseException as error:  # whoever waits must be answered
            self.future.set_exception(error)
        else:
            self.future.set_result(result)


class Readers:
    """Each read that waits has one task at the shared threads, so whoever runs a task takes what is next."""

    def __init__(self) -> None:
        self._shared, self._alone = ThreadPoolExecutor(_SHARED, "db-read"), ThreadPoolExecutor(1, "db-own")
        self._lock = threading.Lock()
        self._own: deque[_Waiting] = deque()
        self._others: Turns[_Waiting] = Turns()

    async def run(self, act: Callable[[], _Result]) -> _Result:
        """Run a read in a thread when it is its turn, for whom this task works.

        Raises what `act` raises; ServiceError OVERLOADED, CALL_TIMEOUT.
        """
        waiting, tenant = _Waiting(act, Future(), tenants.ends()), tenants.tenant()
        with self._lock:
            if tenant == tenants.OWN:
                self._own.append(waiting)
            else:
                self._put(tenant, waiting)
        if tenant == tenants.OWN:
            self._alone.submit(self._next, own=True)
        self._shared.submit(self._next)
        result: _Result = await asyncio.wrap_future(waiting.future)
        return result

    def _put(self, tenant: str, waiting: _Waiting) -> None:
        if self._others.count(tenant) >= MAX_WAITING:
            self._others.keep(lambda each: not each.future.cancelled())
        if self._others.count(tenant) >= MAX_WAITING:
            raise ServiceError(ServiceReason.OVERLOADED, "too many reads wait already; try again later")
        self._others.put(tenant, waiting)

    def _next(self, *, own: bool = False) -> None:
        """Run what is next, if another thread has not run it before."""
        taken = self._take(own=own)
        if taken is not None:
            taken.run()

    def _take(self, *, own: bool) -> _Waiting | None:
        """Take the next that somebody waits for; one whose time is over is answered."""
        while True:
            with self._lock:
                if self._own:
                    taken = self._own.popleft()
                elif own or not self._others:
                    return None
                else:
                    _, taken = self._others.take()
            if taken.future.cancelled():
                continue
            if time.monotonic() < taken.ends:
                return taken
            if taken.future.set_running_or_notify_cancel():
                taken.future.set_exception(tenants.out_of_time())

    def close(self) -> None:
        """Run what waits, then end the threads."""
        self._shared.shutdown()
        self._alone.shutdown()
