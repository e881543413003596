"""Times that others have signed, shown to people and scripts: they may be of no calendar.

A cosignature's time is any count of seconds that its witness likes, a block's any that its log likes. One
that no calendar has must not take away what it stands under: it is shown as the count that it is.
"""

import datetime as dt

from zk.messages import Language


def iso_moment(seconds: float, timespec: str = "seconds") -> str:
    """Return a POSIX time by ISO 8601; as its count of seconds where no calendar has it."""
    try:
        return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec=timespec)
    except (OverflowError, ValueError, OSError):
        return str(seconds)


def shown_moment(seconds: int, language: Language) -> str:
    """Return a POSIX time by the cities' clock; as its count of seconds where no calendar has it."""
    from prover.consent import show_moment  # noqa: PLC0415, scripts are not shown it

    try:
        return show_moment(dt.datetime.fromtimestamp(seconds, dt.UTC), language)
    except (OverflowError, ValueError, OSError):
        return str(seconds)
