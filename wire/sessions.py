"""A session that a client keeps for its calls: opened when one is needed, and anew when it is none any more.

A service may refuse a session before the time that it gave it: its clock went back, so that the session ends
later than any may; its keys were replaced, or its database; or the client's own clock is behind. Whoever is
refused with a session that was kept from an earlier call opens another one, once, and makes the same call
again, which a refused session has not begun. Whoever is refused with one of this moment is told.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

from wire.client import Seconds, ServiceError, call, stream

_MARGIN: Final = dt.timedelta(minutes=1)
"""A session is opened anew so long before it ends: a call must have begun before it."""
_REFUSED: Final = "TOKEN_INVALID"

Answer = TypeVar("Answer")


class Session:
    """One party's session at one service; used by one thread at a time.

    `opened` opens one at a time and returns its token, and when it ends; it raises ServiceError. So does
    every method.
    """

    def __init__(
        self, opened: Callable[[dt.datetime], tuple[str, dt.datetime]], clock: Callable[[], dt.datetime]
    ) -> None:
        self._open, self._clock = opened, clock
        self._kept: tuple[str, dt.datetime] | None = None

    def call(self, method: Callable[..., Answer], request: Any) -> Answer:
        """Call a method of a stub."""
        token, is_fresh = self._token()
        try:
            return call(method, request, token=token)
        except ServiceError as error:
            if not self._forgotten(error) or is_fresh:
                raise
        return call(method, request, token=self._token()[0])

    def stream(
        self, method: Callable[..., Iterator[Answer]], request: Any, *, timeout: Seconds | None = None
    ) -> Iterator[Answer]:
        """Call a streaming method of a stub. A stream that has told something is not begun again: what it
        would tell once more is for its reader to know."""
        (token, is_fresh), told = self._token(), False
        try:
            for each in stream(method, request, token=token, timeout=timeout):
                told = True
                yield each
            return
        except ServiceError as error:
            if not self._forgotten(error) or is_fresh or told:
                raise
        yield from stream(method, request, token=self._token()[0], timeout=timeout)

    def _token(self) -> tuple[str, bool]:
        """Return the token of a session that should be good, and whether it was opened just now."""
        now = self._clock()
        if self._kept is not None and now <= self._kept[1] - _MARGIN:
            return self._kept[0], False
        self._kept = self._open(now)
        return self._kept[0], True

    def _forgotten(self, error: ServiceError) -> bool:
        """Tell whether an error says that the session is none, which is then opened anew by the next call."""
        if error.reason != _REFUSED:
            return False
        self._kept = None
        return True
