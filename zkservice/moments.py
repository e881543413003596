"""Moments as they are stored and sent: milliseconds since 1970."""

import datetime as dt
from typing import Final

_EPOCH: Final = dt.datetime.fromtimestamp(0, dt.UTC)
_MILLISECOND: Final = dt.timedelta(milliseconds=1)


def to_ms(moment: dt.datetime) -> int:
    """Return a moment as milliseconds since 1970."""
    return (moment - _EPOCH) // _MILLISECOND


def from_ms(milliseconds: int) -> dt.datetime:
    """Return the moment of milliseconds since 1970."""
    return _EPOCH + milliseconds * _MILLISECOND


def whole_ms(moment: dt.datetime) -> dt.datetime:
    """Return a moment without what is finer than milliseconds."""
    return from_ms(to_ms(moment))
