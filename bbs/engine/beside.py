"""Two computations at the same time, where a second core is free for the other.

The native group lets go of the interpreter while it computes, so one thread beside the caller's halves the
time of a proof that is verified alone. There is one such thread in a process: who finds it busy, computes one
after the other, so that many callers do not wait for each other.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Lock

_free = Lock()


@cache
def _executor() -> ThreadPoolExecutor | None:
    return ThreadPoolExecutor(1, "beside") if (os.cpu_count() or 1) > 1 else None


def both(one: Callable[[], bool], other: Callable[[], bool], *, worth: bool = True) -> tuple[bool, bool]:
    """Tell of both whether they hold; each is computed, and what it raises is raised.

    What is not `worth` a second thread is computed one after the other.
    """
    executor = _executor() if worth else None
    if executor is None or not _free.acquire(blocking=False):
        return one(), other()
    try:
        beside = executor.submit(other)
        try:
            held = one()
        finally:
            also = beside.result()
        return held, also
    finally:
        _free.release()
