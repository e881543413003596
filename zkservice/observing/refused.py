"""Log lines of calls that were refused, and of faults: the first of each kind, and how many more.

Whoever calls without end, with whatever is refused, must not fill the disk of the log. Of each interval the
first lines of each reason are written, so that none hides another, and at its end one line with the counts of
those that were left out. Metrics count every call all the same.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextvars import Context
from typing import Final

import structlog

SECONDS: Final = 10.0
"""An interval begins with the first line after the one before."""
OF_A_REASON: Final = 5
"""Lines of a reason, and of a place where faults arise, in an interval."""
OF_ALL: Final = 50
"""After so many lines in an interval only the first of each reason is written."""


class Refused:
    """Belongs to the event loop. Remembers no more than the reasons and the places of faults there are."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._calls, self._faults = _Lines(), _Lines()
        self._ends: asyncio.TimerHandle | None = None

    def call(self, method: str, code: str, reason: str, milliseconds: float) -> None:
        """Log a call that was refused, or count it."""
        if self._calls.take(reason):
            structlog.get_logger().info("call", method=method, code=code, reason=reason, ms=milliseconds)
        self._begin()

    def fault(self, method: str, kind: str, places: Sequence[str]) -> None:
        """Log the kind of a fault and where it arose, or count it; never its text."""
        if self._faults.take(" ".join((kind, *places[-1:]))):
            structlog.get_logger().error("fault", method=method, kind=kind, at=list(places))
        self._begin()

    def end(self) -> None:
        """End the interval: tell what was left out in it."""
        if self._ends is not None:
            self._ends.cancel()
            self._ends = None
        log = structlog.get_logger()
        if refused := self._calls.end():
            log.warning("refusals left out", count=sum(refused.values()), counts=refused)
        if faults := self._faults.end():
            log.warning("faults left out", count=sum(faults.values()), counts=faults)

    def _begin(self) -> None:
        if self._ends is None:
            # What is told at the end is of many calls, so it has no call's request id.
            loop = asyncio.get_running_loop()
            self._ends = loop.call_later(self._seconds, self.end, context=Context())


class _Lines:
    """Lines of one event in an interval, by what they have in common."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()
        self._left_out: Counter[str] = Counter()

    def take(self, kind: str) -> bool:
        """Tell whether one more line is written; count it as left out otherwise."""
        most = OF_A_REASON if self._seen.total() < OF_ALL else 1
        if self._seen[kind] >= most:
            self._left_out[kind] += 1
            return False
        self._seen[kind] += 1
        return True

    def end(self) -> dict[str, int]:
        """Begin anew; return how many were left out, by what they have in common."""
        left_out = dict(self._left_out)
        self._seen.clear()
        self._left_out.clear()
        return left_out
