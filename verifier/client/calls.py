"""Calls that a service may not answer at once: sent again while it is not reached, or has too much to do."""

import datetime as dt
import itertools
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

from wire.client import call
from wire.repeating import Policy, insisting

ASK_PATIENCE: Final = dt.timedelta(seconds=30)
"""How long a call is sent again."""
_PATIENT: Final = Policy(attempts=None, unhinted=frozenset({"OVERLOADED"}))
_PAUSES: Final = (0.2, 0.5, 1.0, 2.0)
_Answer = TypeVar("_Answer")


def patiently(method: Callable[..., _Answer], message: Any, pause: Callable[[float], None]) -> _Answer:
    """Make a call, and the same again for up to ASK_PATIENCE; `pause` sleeps. Raises ServiceError."""
    with insisting(_PATIENT, pause):
        return call(method, message, timeout=ASK_PATIENCE)


def pauses() -> Iterator[float]:
    """Give seconds to wait between attempts: longer each time, then alike, without end."""
    return itertools.chain(_PAUSES, itertools.repeat(_PAUSES[-1]))
