"""Statements that have opened a session: each opens one, at whichever server it arrives."""

import datetime as dt
from typing import Final

from sqlalchemy import Connection, delete, func, select

from zkservice.errors import ServiceError, ServiceReason
from zkservice.moments import to_ms
from zkservice.storage import tables
from zkservice.storage.rows import insert_new

MOST: Final = 10_000
"""So many statements of one party are remembered; more open no session until some are forgotten."""
_FORGOTTEN_AT_ONCE: Final = 256


def remember(
    connection: Connection, party: str, digest: bytes, expires: dt.datetime, now: dt.datetime
) -> None:
    """Keep a statement's digest until it counts no more; ServiceError REPLAYED, OVERLOADED.

    The bound is a party's own: whoever opens sessions without end keeps nobody else from opening one.
    """
    table = tables.session_statement
    counted = (table.c.party == party) & (table.c.expires > to_ms(now))
    held = connection.execute(select(func.count()).select_from(table).where(counted)).scalar_one()
    if held >= MOST:
        detail = "this party has opened too many sessions; try again later"
        raise ServiceError(ServiceReason.OVERLOADED, detail)
    if not insert_new(connection, table, {"digest": digest, "party": party, "expires": to_ms(expires)}):
        raise ServiceError(ServiceReason.REPLAYED, "this statement has opened a session")


def forget_over(connection: Connection, now: dt.datetime) -> int:
    """Forget statements that count no more, some at a time; return how many."""
    table = tables.session_statement
    over = select(table.c.digest).where(table.c.expires <= to_ms(now)).limit(_FORGOTTEN_AT_ONCE)
    return connection.execute(delete(table).where(table.c.digest.in_(over))).rowcount
