"""Exchanges that ended before their time and without an answer: the holder said no, or withdrew a consent."""

import datetime as dt
from enum import StrEnum

from sqlalchemy import Connection, select

from zkservice.errors import ServiceError, ServiceReason
from zkservice.moments import to_ms
from zkservice.storage import statistics, tables
from zkservice.storage.statistics import What


class Ending(StrEnum):
    """How it ended. The values are kept in databases."""

    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


def ending_of(connection: Connection, exchange: str) -> Ending | None:
    """Return how an exchange ended without an answer, None if it did not."""
    table = tables.ended_exchange
    how: str | None = connection.execute(select(table.c.how).where(table.c.exchange == exchange)).scalar()
    return None if how is None else Ending(how)


def check_open(connection: Connection, exchange: str) -> None:
    """Raise ServiceError EXCHANGE_DECLINED or CONSENT_WITHDRAWN if an exchange ended without an answer."""
    match ending_of(connection, exchange):
        case Ending.DECLINED:
            raise ServiceError(ServiceReason.EXCHANGE_DECLINED, "the holder has declined the exchange")
        case Ending.WITHDRAWN:
            raise ServiceError(ServiceReason.CONSENT_WITHDRAWN, "the holder has withdrawn the consent")


def end(connection: Connection, exchange: str, how: Ending, now: dt.datetime, *what: What) -> None:
    """End an exchange that is open, and count it; whoever calls has checked that it is.

    From the end of this transaction on no answer is accepted: accepting one checks in its own.
    """
    values = {"exchange": exchange, "how": how.value, "created": to_ms(now)}
    connection.execute(tables.ended_exchange.insert().values(**values))
    statistics.ended(connection, exchange, now, What.DECLINED, *what)
