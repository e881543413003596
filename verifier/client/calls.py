"""Calls that a service may not answer at once: sent again while it is not reached, or has too much to do."""

import datetime as dt
import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

import grpc

from wire.client import ServiceError, call

ASK_PATIENCE: Final = dt.timedelta(seconds=30)
"""How long a call is sent again."""
_PAUSES: Final = (0.2, 0.5, 1.0, 2.0)
_Answer = TypeVar("_Answer")


def patiently(method: Callable[..., _Answer], message: Any, pause: Callable[[float], None]) -> _Answer:
    """Make a call, and the same again for up to ASK_PATIENCE; `pause` sleeps. Raises ServiceError."""
    deadline = time.monotonic() + ASK_PATIENCE.total_seconds()
    waits = pauses()
    while True:
        seconds = next(waits)
        try:
            return call(method, message)
        except ServiceError as error:
            passing = error.code is grpc.StatusCode.UNAVAILABLE or error.reason == "OVERLOADED"
            if not passing or time.monotonic() + seconds > deadline:
                raise
        pause(seconds)


def pauses() -> Iterator[float]:
    """Give seconds to wait between attempts: longer each time, then alike, without end."""
    return itertools.chain(_PAUSES, itertools.repeat(_PAUSES[-1]))
