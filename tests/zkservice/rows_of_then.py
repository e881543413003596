"""Rows for the tables that a database has, whatever program it was made for: found by looking at the tables.

Values follow from table, column and number, so that each is told from the others; where constraints stand
against a row others are tried, the same ones each time.
"""

import datetime as dt
import hashlib
import random
import re
from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Date,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    inspect,
    select,
)
from sqlalchemy.exc import IntegrityError

Stored = dict[str, list[dict[str, Any]]]
WANTED: Final = 4
_TRIES: Final = 150
_OURS: Final = "alembic_version"


def fill(connection: Connection) -> Stored:
    """Put rows into every table; return all that stand there then, by table."""
    metadata = MetaData()
    metadata.reflect(connection)
    for table in metadata.sorted_tables:
        if table.name != _OURS:
            _fill(connection, table)
    return read(connection)


def read(connection: Connection) -> Stored:
    """Return all rows of all tables."""
    metadata = MetaData()
    metadata.reflect(connection)
    return {
        table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
        for table in metadata.sorted_tables
        if table.name != _OURS
    }


def _fill(connection: Connection, table: Table) -> None:
    chance, domains, rows = random.Random(table.name), _domains(connection, table), 0
    for number in range(1, _TRIES + 1):
        row = {each.name: _value(connection, table, each, number, chance, domains) for each in table.columns}
        try:
            with connection.begin_nested():
                connection.execute(table.insert(), row)
        except IntegrityError:
            continue
        rows += 1
        if rows == WANTED:
            return


def _domains(connection: Connection, table: Table) -> dict[str, list[str]]:
    """Return the words that a column may hold, where a constraint on it alone lists them."""
    found = {}
    for check in inspect(connection).get_check_constraints(table.name):
        text = check["sqltext"]
        words = re.findall(r"'([^']*)'", text)
        said = set(re.findall(r"\w+", re.sub("'[^']*'", "", text)))
        columns = [each.name for each in table.columns if each.name in said]
        if len(columns) == 1 and words:
            found[columns[0]] = words
    return found


def _value(
    connection: Connection,
    table: Table,
    column: "Column[Any]",
    number: int,
    chance: random.Random,
    domains: dict[str, list[str]],
) -> Any:
    if column.nullable and chance.random() < 0.5:
        return None
    for key in column.foreign_keys:
        parent = key.column
        there = [row[0] for row in connection.execute(select(parent).order_by(parent))]
        return chance.choice(there) if there else None
    if column.name in domains:
        return chance.choice(domains[column.name])
    return _of_type(table, column, number)


def _of_type(table: Table, column: "Column[Any]", number: int) -> Any:
    name = f"{table.name}.{column.name}.{number}"
    if isinstance(column.type, LargeBinary):
        return hashlib.sha256(name.encode()).digest()
    if isinstance(column.type, Boolean):
        return number % 2 == 0
    if isinstance(column.type, Integer):
        return number
    if isinstance(column.type, Date):
        return dt.date(2020, 1, 1) + dt.timedelta(days=number)
    length = getattr(column.type, "length", None) or 200
    return f"{number}.{name}"[:length]


def projected(rows: list[dict[str, Any]], columns: set[str]) -> Iterator[str]:
    """Return rows as they are comparable: of these columns, in an order of their own."""
    yield from sorted(repr(sorted((name, row[name]) for name in columns)) for row in rows)
