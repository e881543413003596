"""What the use cases share: times, and inserting what may stand there already."""

import datetime as dt
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection, Insert, Table
from sqlalchemy.dialects import postgresql, sqlite

_EPOCH: Final = dt.datetime.fromtimestamp(0, dt.UTC)
_MILLISECOND: Final = dt.timedelta(milliseconds=1)


def to_ms(moment: dt.datetime) -> int:
    """Return a moment as milliseconds since 1970."""
    return (moment - _EPOCH) // _MILLISECOND


def from_ms(milliseconds: int) -> dt.datetime:
    """Return the moment of milliseconds since 1970."""
    return _EPOCH + milliseconds * _MILLISECOND


def whole_ms(moment: dt.datetime) -> dt.datetime:
    """Return a moment without what is finer than milliseconds."""
    return from_ms(to_ms(moment))


def insert_all_new(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert rows, passing over those whose keys stand there already."""
    connection.execute(_insert_new(table, connection.dialect.name), rows)


def insert_new(connection: Connection, table: Table, values: Mapping[str, Any]) -> bool:
    """Insert a row unless one of its keys stands there already; return whether it was inserted."""
    return connection.execute(_insert_new(table, connection.dialect.name), dict(values)).rowcount == 1


@cache
def _insert_new(table: Table, dialect: str) -> Insert:
    """Return the statement, built once: building it takes longer than running it."""
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return insert(table).on_conflict_do_nothing()
