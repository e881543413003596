"""Events: one row for each, written in the transaction of what it tells of."""

import datetime as dt
import hmac
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from zkservice.errors import ServiceError, ServiceReason
from zkservice.moments import to_ms
from zkservice.storage import ledger, tables


@dataclass(frozen=True)
class Event:
    """An event as it is stored: its sealed opening, and the outbox row of its entry."""

    scope: str
    request_id: str
    digest: bytes
    sealed_opening: bytes = field(repr=False)
    outbox: int


def earlier(connection: Connection, scope: str, request_id: str, digest: bytes) -> Event | None:
    """Return the event of this same call, None if there is none; ServiceError REQUEST_ID_REUSED."""
    table = tables.event
    mine = (table.c.scope == scope) & (table.c.request_id == request_id)
    row = connection.execute(select(table).where(mine)).one_or_none()
    if row is None:
        return None
    if not hmac.compare_digest(row.digest, digest):
        detail = "the request_id was used for something else"
        raise ServiceError(ServiceReason.REQUEST_ID_REUSED, detail, field="request_id")
    return Event(row.scope, row.request_id, row.digest, row.sealed_opening, row.outbox)


def add(
    connection: Connection,
    scope: str,
    request_id: str,
    digest: bytes,
    sealed_opening: bytes,
    entry: bytes,
    note: bytes,
    now: dt.datetime,
) -> Event:
    """Keep an event and put its entry into the outbox; the same call sent again gets what the first one kept.

    Whoever writes what the event tells of does so in this transaction and calls `earlier` first. Raises
    ServiceError REQUEST_ID_REUSED.
    """
    existing = earlier(connection, scope, request_id, digest)
    if existing is not None:
        return existing
    outbox = ledger.enqueue(connection, entry, note)
    kept = Event(scope, request_id, digest, sealed_opening, outbox)
    values = {
        "scope": scope, "request_id": request_id, "digest": digest, "sealed_opening": sealed_opening,
        "outbox": outbox, "created": to_ms(now),
    }  # fmt: skip
    connection.execute(tables.event.insert().values(**values))
    return kept
