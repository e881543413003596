"""Challenges that have opened a session: each opens one, at whichever server of the database."""

import datetime as dt
from typing import Final

from sqlalchemy import Connection, delete, select

from zkservice.errors import ServiceError, ServiceReason
from zkservice.moments import to_ms
from zkservice.storage import tables
from zkservice.storage.rows import insert_new

KEPT: Final = dt.timedelta(minutes=10)
"""How long a used one is known: longer than it counts, by whichever server's clock."""
_AT_ONCE: Final = 1000


def spend(connection: Connection, nonce: bytes, now: dt.datetime) -> None:
    """Use a challenge up; ServiceError REPLAYED if it is."""
    if not insert_new(connection, tables.spent_challenge, {"nonce": nonce, "spent": to_ms(now)}):
        raise ServiceError(ServiceReason.REPLAYED, "this challenge has opened a session")


def forget_over(connection: Connection, now: dt.datetime) -> int:
    """Forget some that count no more; return how many."""
    table = tables.spent_challenge
    over = select(table.c.nonce).where(table.c.spent < to_ms(now - KEPT)).limit(_AT_ONCE)
    return connection.execute(delete(table).where(table.c.nonce.in_(over))).rowcount
