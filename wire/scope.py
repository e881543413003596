"""A run of blocking calls that somebody else can end: what an asynchronous caller cancels.

State rules: a scope belongs to one run in one thread, and is found by the calls of that run through its
context. Ending it ends the call under way and every pause, and no other call begins. What ends the run is
asyncio.CancelledError, which no handler of errors takes for an answer of the service; what the run has stored
until then stays, as after a crash, and can be gone on with.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol


class Cancellable(Protocol):
    """A call under way."""

    def cancel(self) -> object:
        """End it."""


class Scope:
    """One run; `end` may come from any thread and at any time."""

    def __init__(self) -> None:
        self._lock, self._ended = threading.Lock(), threading.Event()
        self._under_way: list[Cancellable] = []

    def end(self) -> None:
        """End the calls under way and let no other begin."""
        with self._lock:
            self._ended.set()
            ending = list(self._under_way)
        for each in ending:
            each.cancel()

    def check(self) -> None:
        """Raise asyncio.CancelledError if the run was ended."""
        if self._ended.is_set():
            raise asyncio.CancelledError

    @contextmanager
    def holding(self, call: Cancellable) -> Iterator[None]:
        """Have a call ended with the run; asyncio.CancelledError if it was, whatever the call raises then."""
        with self._lock:
            self._under_way.append(call)
        try:
            if self._ended.is_set():
                call.cancel()
            yield
        except Exception:
            self.check()
            raise
        finally:
            with self._lock:
                self._under_way.remove(call)

    def sleep(self, seconds: float) -> None:
        """Pause; asyncio.CancelledError as soon as the run is ended."""
        self._ended.wait(seconds)
        self.check()


_SCOPE: ContextVar[Scope | None] = ContextVar("scope", default=None)


def current() -> Scope | None:
    """Return the scope of the run that this is in, if any."""
    return _SCOPE.get()


@contextmanager
def entered(scope: Scope) -> Iterator[None]:
    """Have the calls of a block belong to a scope."""
    mark = _SCOPE.set(scope)
    try:
        yield
    finally:
        _SCOPE.reset(mark)
