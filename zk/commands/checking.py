"""What a check of `zk doctor` is: one line, ok, a warning or a fault, and its figures."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from prover.consent import show_moment
from zk.run import Run

OK, WARN, FAIL = "ok", "warn", "fail"


@dataclass(frozen=True)
class Check:
    """One line: what was looked at, how it is, and the message that says more."""

    name: str
    state: str
    detail: str
    figures: dict[str, Any]


def check(run: Run, name: str, state: str, key: str, /, **values: Any) -> Check:
    """Return a check; a moment is shown by the cities' clock, and is in UTC among the figures."""
    shown = {
        each: show_moment(value, run.lang) if isinstance(value, dt.datetime) else value
        for each, value in values.items()
    }
    return Check(
        name, state, run.text(key, **shown), {each: _figure(value) for each, value in values.items()}
    )


def _figure(value: object) -> int | float | str:
    if isinstance(value, dt.datetime):
        return value.isoformat(timespec="seconds")
    return value if isinstance(value, int | float) else str(value)
