"""Exchanges that take a pairing code, and how many wrong ones came: durable, so no restart gives more."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import BindParameter, ColumnElement, Connection, select, update

from zkservice.errors import ServiceError, ServiceReason
from zkservice.storage import tables

MOST_WRONG: Final = 5


def add(connection: Connection, exchange: str) -> None:
    """Have an exchange take a code, from when it is opened."""
    connection.execute(tables.pairing.insert().values(exchange=exchange, wrong=0))


def is_paired(connection: Connection, exchange: str) -> bool:
    """Tell whether an exchange takes a code."""
    return _wrong(connection, exchange) is not None


def is_closed(connection: Connection, exchange: str) -> bool:
    """Tell whether an exchange was closed by wrong codes."""
    return (_wrong(connection, exchange) or 0) >= MOST_WRONG


def closed(exchanges: BindParameter[Sequence[str]]) -> ColumnElement[bool]:
    """Return what is true of the rows of those exchanges that were closed by wrong codes."""
    return tables.pairing.c.exchange.in_(exchanges) & (tables.pairing.c.wrong >= MOST_WRONG)


def check_open(connection: Connection, exchange: str) -> None:
    """Raise ServiceError PAIRING_FAILED if an exchange was closed by wrong codes."""
    if is_closed(connection, exchange):
        raise _closed()


def tried(connection: Connection, exchange: str, right: bool) -> bool:
    """Count a code that was sent; return whether it was right. ServiceError PAIRING_FAILED once it is closed.

    A right one goes through the same update: of codes that are sent at once, none counts before those that
    stand before it, so nobody has more than so many guesses.
    """
    table = tables.pairing
    still = (table.c.exchange == exchange) & (table.c.wrong < MOST_WRONG)
    changed = connection.execute(update(table).where(still).values(wrong=table.c.wrong + (0 if right else 1)))
    if changed.rowcount != 1:
        raise _closed()
    return right


def _wrong(connection: Connection, exchange: str) -> int | None:
    table = tables.pairing
    wrong: int | None = connection.execute(select(table.c.wrong).where(table.c.exchange == exchange)).scalar()
    return wrong


def _closed() -> ServiceError:
    detail = f"{MOST_WRONG} wrong pairing codes were sent: the exchange is closed"
    return ServiceError(ServiceReason.PAIRING_FAILED, detail)
