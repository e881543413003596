"""Days as policies write them, absolute or from the day of asking, and ages.

2019-09-01        that day
today             the day of asking, by the cities' clock
6 months ago      before it; also days, weeks, years
30 days from today
"""

import datetime as dt
import re
from dataclasses import dataclass
from typing import Final

from disclosure import MalformedError, Reason
from disclosure.composite import shifted_day

DAY_FORM: Final = "2019-09-01, today, 6 months ago or 30 days from today"
AGE_FORM: Final = "30 minutes, 12 hours or 2 days"
MAX_AGE: Final = dt.timedelta(days=366)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_SHIFT: Final = re.compile(r"([0-9]{1,5}) (day|week|month|year)s? (ago|from today)", re.ASCII)
_AGE: Final = re.compile(r"([0-9]{1,5}) (minute|hour|day)s?", re.ASCII)


@dataclass(frozen=True)
class Day:
    """A day: `absolute`, or so many years, months and days from the day of asking."""

    absolute: dt.date | None = None
    years: int = 0
    months: int = 0
    days: int = 0

    @classmethod
    def parse(cls, written: str) -> "Day":
        """Read a day; MalformedError VALUE_INVALID."""
        if written == "today":
            return cls()
        if shift := _SHIFT.fullmatch(written):
            count = int(shift[1]) * (-1 if shift[3] == "ago" else 1)
            unit = shift[2]
            if unit in {"day", "week"}:
                return cls(days=count * (7 if unit == "week" else 1))
            return cls(years=count) if unit == "year" else cls(months=count)
        if _DATE.fullmatch(written):
            try:
                return cls(dt.date.fromisoformat(written))
            except ValueError:
                pass
        raise MalformedError(Reason.VALUE_INVALID, f"a day is written like {DAY_FORM}")

    def on(self, today: dt.date) -> dt.date:
        """Return the day, where `today` is the day of asking; MalformedError BOUND_INVALID."""
        if self.absolute is not None:
            return self.absolute
        return shifted_day(today, years=self.years, months=self.months, days=self.days)

    @property
    def comes(self) -> bool:
        """Whether it is the day of asking, or one after it, whenever that is."""
        return self.absolute is None and min(self.years, self.months, self.days) >= 0


def parse_age(written: str) -> dt.timedelta:
    """Read an age, of more than nothing and at most MAX_AGE; MalformedError VALUE_INVALID."""
    if parts := _AGE.fullmatch(written):
        age = int(parts[1]) * dt.timedelta(**{f"{parts[2]}s": 1})
        if dt.timedelta(0) < age <= MAX_AGE:
            return age
    detail = f"an age is written like {AGE_FORM}, and is at most {MAX_AGE.days} days"
    raise MalformedError(Reason.VALUE_INVALID, detail)
