"""Openings that were recorded: one record on the ledger for one opening, however often it is sent."""

import datetime as dt

from sqlalchemy import Connection, select

from disclosure import canonical, civil_date
from disclosure.composite import OpeningRecord
from zkservice.storage import ledger, statistics, tables
from zkservice.storage.statistics import Concerned, What

_LABEL = "zk-disclosure/recorded-opening/v1"


def add(connection: Connection, record: OpeningRecord, concerned: Concerned, now: dt.datetime) -> int:
    """Put the entry of an opening or a part into the log's outbox, once; return its row there.

    An opening is counted; a part alone opens nothing.
    """
    entry = record.entry()
    digest, table = canonical.digest(_LABEL, entry), tables.opening
    existing: int | None = connection.execute(select(table.c.outbox).where(table.c.digest == digest)).scalar()
    if existing is not None:
        return existing
    outbox = ledger.enqueue(connection, entry, None)
    connection.execute(table.insert().values(digest=digest, outbox=outbox))
    if record.is_opened:
        statistics.count_all(connection, civil_date(now), concerned, What.OPENED)
    return outbox
