"""Streams that wait: few enough to leave room for other calls, woken one by one, ended with the service.

State rules: all of it is the event loop's own. Nothing here is durable, and a watcher that was not woken
looks again by itself.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from zkservice.errors import ServiceError, ServiceReason


class Watching:
    """Counts the streams of each kind, and wakes whoever waits for one thing and nobody else."""

    def __init__(self, most: int) -> None:
        self._most, self._ended = most, False
        self._streams: Counter[str] = Counter()
        self._bells: dict[str, set[asyncio.Event]] = {}

    @contextmanager
    def stream(self, kind: str) -> Iterator[None]:
        """Take one of the places for streams of a kind; ServiceError TOO_MANY_WATCHERS if all are taken."""
        if self._streams[kind] >= self._most:
            detail = f"more than {self._most} streams of this kind wait already; try again later"
            raise ServiceError(ServiceReason.TOO_MANY_WATCHERS, detail)
        self._streams[kind] += 1
        try:
            yield
        finally:
            self._streams[kind] -= 1

    @contextmanager
    def bell(self, key: str) -> Iterator[asyncio.Event]:
        """Give a bell that rings when something happens to `key`, and when the service ends."""
        bell = asyncio.Event()
        self._bells.setdefault(key, set()).add(bell)
        try:
            yield bell
        finally:
            self._bells[key].discard(bell)
            if not self._bells[key]:
                del self._bells[key]

    def ring(self, key: str) -> None:
        """Wake whoever waits for `key`."""
        for bell in self._bells.get(key, ()):
            bell.set()

    def end(self) -> None:
        """Wake everybody; whoever waits on is told that the service ends."""
        self._ended = True
        for key in self._bells:
            self.ring(key)

    def check(self) -> None:
        """Raise ServiceError SHUTTING_DOWN once the service ends."""
        if self._ended:
            raise ServiceError(ServiceReason.SHUTTING_DOWN, "the service is shutting down")
