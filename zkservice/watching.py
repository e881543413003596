"""Streams that wait: few enough to leave room for other calls, woken one by one, ended with the service.

State rules: all of it is the event loop's own. Nothing here is durable, and a watcher that was not woken
looks again by itself.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from zkservice.errors import ServiceError, ServiceReason

_BELLS: Final = 4
"""Watchers of one thing: whoever may watch it needs one, and there may be some that broke and linger."""

_KINDS: Final = 2
"""So many kinds of streams may be full at once."""


class Watching:
    """Counts the streams of each kind, and wakes whoever waits for one thing and nobody else."""

    def __init__(self, most: int) -> None:
        self._most, self._open, self._ended = most, 0, False
        self._streams: Counter[str] = Counter()
        self._bells: dict[str, set[asyncio.Event]] = {}

    @contextmanager
    def stream(self, kind: str, most: int | None = None) -> Iterator[None]:
        """Take one of the places for streams of a kind; ServiceError TOO_MANY_WATCHERS if all are taken.

        A kind has the share of all calls that was set at the start, and all kinds together have twice that:
        several that are full leave room for other calls. A kind with `most` places of its own, of which there
        are few, is not counted among these.
        """
        places = self._most if most is None else min(most, self._most)
        if self._streams[kind] >= places:
            raise _too_many(f"{places} streams of this kind")
        counted = most is None
        if counted and self._open >= _KINDS * self._most:
            raise _too_many(f"{_KINDS * self._most} streams of all kinds")
        self._streams[kind] += 1
        self._open += counted
        try:
            yield
        finally:
            self._open -= counted
            self._streams[kind] -= 1
            if not self._streams[kind]:
                del self._streams[kind]

    @contextmanager
    def bell(self, key: str, most: int | None = _BELLS) -> Iterator[asyncio.Event]:
        """Give a bell that rings when something happens to `key`, and when the service ends.

        Raises ServiceError TOO_MANY_WATCHERS if four wait for `key` already, or so many as `most` says: None
        is for what is everybody's, where the places for streams are the limit.
        """
        bells = self._bells.setdefault(key, set())
        if most is not None and len(bells) >= most:
            raise _too_many(f"{most} streams for the same")
        bell = asyncio.Event()
        bells.add(bell)
        try:
            yield bell
        finally:
            bells.discard(bell)
            if not bells:
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


def _too_many(what: str) -> ServiceError:
    return ServiceError(ServiceReason.TOO_MANY_WATCHERS, f"{what} wait already; try again later")
