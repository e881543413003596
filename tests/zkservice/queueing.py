"""Applications in a server's database as if they had come, and been decided, on days that are over."""

import datetime as dt
import secrets
from pathlib import Path

from disclosure import civil_date
from disclosure.credential import CIVIL_TIME
from tests.zkservice.stored import change
from tests.zkservice.support import PERMIT
from zkservice.moments import to_ms


def put(folder: Path, state: str, times: int, created: int, decided: int | None = None) -> None:
    """Put applications to the police that came so many days ago, and were decided so many days ago."""
    for _ in range(times):
        row = {
            "id": secrets.token_hex(16),
            "account": "accounts/somebody",
            "beneficiary": "accounts/somebody",
            "department": "departments/police",
            "schema": str(PERMIT.name),
            "request_id": secrets.token_hex(16),
            "place": 0,
            "state": state,
            "sealed": b"words" if state in {"open", "refused"} else None,
            "offer": "an offer" if state == "approved" else None,
            "created": _noon(created),
            "decided": None if decided is None else _noon(decided),
        }
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        change(folder, f"insert into application ({names}) values ({marks})", *row.values())


def _noon(ago: int) -> int:
    day = civil_date(dt.datetime.now(dt.UTC)) - dt.timedelta(days=ago)
    return to_ms(dt.datetime.combine(day, dt.time(12), CIVIL_TIME))
