"""What figures have in common: the range of days that they are of, and the steps in which they are told."""

import datetime as dt
from typing import Any, Final

from wire.convert import date_of
from zkservice.errors import ServiceError, ServiceReason
from zkservice.fields import required

LEAST_TOLD: Final = 5
"""Fewer than this are told to nobody but regulators: of one or two some would know who it was. More are told
in steps of so many: what is left out would else follow from what is told, since they add up."""


def stepped(n: int) -> int:
    """Return a count as it is told: a multiple of `LEAST_TOLD`, and 0 for fewer, which are not told."""
    return n - n % LEAST_TOLD


def asked_days(request: Any, most: int) -> tuple[dt.date, dt.date]:
    """Return `first` and `last` of a request, at most so many days apart.

    Raises ServiceError FIELD_MISSING, FIELD_INVALID; MalformedError VALUE_INVALID.
    """
    for name in ("first", "last"):
        required(request.HasField(name), name)
    first, last = date_of(request.first, field="first"), date_of(request.last, field="last")
    if not dt.timedelta() <= last - first <= dt.timedelta(days=most):
        detail = f"a range has at most {most} days after its first"
        raise ServiceError(ServiceReason.FIELD_INVALID, detail, field="last")
    return first, last
