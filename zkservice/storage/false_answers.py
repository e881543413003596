"""How often something was answered with what does not hold: durable, so neither a restart nor another server
gives more attempts."""

import datetime as dt
from typing import Final

from sqlalchemy import Connection, delete, select, update

from zkservice.moments import to_ms
from zkservice.storage import tables
from zkservice.storage.rows import insert_new

_KEPT: Final = dt.timedelta(days=400)
"""After the last one: longer than an offer, an errand or an exchange can be answered (`offer_days`)."""
_FORGOTTEN_AT_ONCE: Final = 256


def times(connection: Connection, subject: str) -> int:
    """Return how often it happened."""
    table = tables.false_answer
    return connection.execute(select(table.c.times).where(table.c.subject == subject)).scalar() or 0


def count(connection: Connection, subject: str, now: dt.datetime) -> None:
    """Count one more."""
    table, expires = tables.false_answer, to_ms(now + _KEPT)
    if not insert_new(connection, table, {"subject": subject, "times": 1, "expires": expires}):
        more = update(table).where(table.c.subject == subject)
        connection.execute(more.values(times=table.c.times + 1, expires=expires))


def forget_over(connection: Connection, now: dt.datetime) -> int:
    """Forget those of what cannot be answered any more, some at a time; return how many."""
    table = tables.false_answer
    over = select(table.c.subject).where(table.c.expires <= to_ms(now)).limit(_FORGOTTEN_AT_ONCE)
    return connection.execute(delete(table).where(table.c.subject.in_(over))).rowcount
