"""What the use cases share: inserting what may stand there already."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import Connection, Insert, Table
from sqlalchemy.dialects import postgresql, sqlite


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
