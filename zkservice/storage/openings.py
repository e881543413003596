"""Openings that were recorded: one record on the ledger for one opening, however often it is sent."""

from sqlalchemy import Connection, select

from disclosure import canonical
from zkservice.storage import ledger, tables

_LABEL = "zk-disclosure/recorded-opening/v1"


def add(connection: Connection, entry: bytes) -> int:
    """Put an opening's entry into the log's outbox, once; return its row there."""
    digest, table = canonical.digest(_LABEL, entry), tables.opening
    existing: int | None = connection.execute(select(table.c.outbox).where(table.c.digest == digest)).scalar()
    if existing is not None:
        return existing
    outbox = ledger.enqueue(connection, entry, None)
    connection.execute(table.insert().values(digest=digest, outbox=outbox))
    return outbox
