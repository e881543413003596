"""Log lines of calls that their callers gave up: the first of each method in a second, and how many more."""

import asyncio
from collections import Counter
from contextvars import Context
from typing import Final

import grpc
import structlog

_SECONDS: Final = 1.0


class GivenUp:
    """Belongs to the event loop: whoever opens and resets calls without end must not flood the log."""

    def __init__(self) -> None:
        self._more: Counter[str] = Counter()
        self._told: set[str] = set()

    def log(self, method: str, seconds: float) -> None:
        """Log a call that ended without an answer, which nobody further in does; or count it."""
        if method in self._told:
            self._more[method] += 1
            return
        self._told.add(method)
        code, milliseconds = grpc.StatusCode.CANCELLED.name, round(seconds * 1000, 1)
        structlog.get_logger().info("call", method=method, code=code, reason="", ms=milliseconds)
        # The line is of many calls, so it has no call's request id.
        asyncio.get_running_loop().call_later(_SECONDS, self._sum_up, method, context=Context())

    def _sum_up(self, method: str) -> None:
        self._told.discard(method)
        count = self._more.pop(method, 0)
        if count:
            structlog.get_logger().info("calls given up", method=method, count=count)
