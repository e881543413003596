"""Many rows at once: what is inserted and found is what SQLAlchemy's own way gives, in both databases."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Date,
    LargeBinary,
    MetaData,
    String,
    Table,
    insert,
    select,
)
from sqlalchemy.exc import DataError, IntegrityError

from zkservice.storage.database import open_engine
from zkservice.storage.many import insert_many, present, update_many

KEPT = Table(
    "kept",
    MetaData(),
    Column("owner", String(10), primary_key=True),
    Column("mark", LargeBinary(32), primary_key=True),
    Column("day", Date, nullable=False),
    Column("done", Boolean, nullable=False),
    Column("number", BigInteger),
    Column("note", String(20)),
)
NAMES = ("owner", "mark", "day", "done", "number")
NEW = KEPT.insert()
DAY = dt.date(2031, 2, 28)
ROWS: list[tuple[Any, ...]] = [
    ("a", bytes([each]) * 32, DAY + dt.timedelta(each), each % 2 == 0, (1 << 60) + each if each else None)
    for each in range(9)
]


@pytest.fixture(params=["sqlite", "postgresql"])
def connection(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Connection]:
    if request.param == "sqlite":
        engine = open_engine(f"sqlite:///{tmp_path / 'many.sqlite3'}")
    else:
        engine = open_engine(request.getfixturevalue("postgresql").url)
    with engine.connect() as opened, opened.begin() as transaction:
        KEPT.create(opened)
        yield opened
        transaction.rollback()
    engine.dispose()


def rows(connection: Connection) -> list[tuple[Any, ...]]:
    columns = (*(KEPT.c[name] for name in NAMES), KEPT.c.note)
    return [tuple(row) for row in connection.execute(select(*columns).order_by(KEPT.c.mark))]


def test_rows_are_kept_as_they_would_be_one_by_one(connection: Connection) -> None:
    insert_many(connection, NEW, NAMES, [])
    assert rows(connection) == []
    insert_many(connection, NEW, NAMES, ROWS[:1])
    insert_many(connection, NEW, NAMES, ROWS[1:])
    kept = rows(connection)
    assert kept == [(*row, None) for row in ROWS]
    connection.execute(KEPT.delete())
    connection.execute(insert(KEPT), [dict(zip(NAMES, row, strict=True)) for row in ROWS])
    assert rows(connection) == kept


def test_of_rows_of_which_one_cannot_be_kept_none_is(connection: Connection) -> None:
    with pytest.raises(IntegrityError), connection.begin_nested():
        insert_many(connection, NEW, NAMES, [*ROWS, ("a", ROWS[3][1], DAY, False, 7)])
    assert rows(connection) == []


@pytest.mark.parametrize("names", [("mark", "owner"), ("owner", "shoe")])
def test_columns_are_named_in_the_order_of_the_table(connection: Connection, names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="in the table's order"):
        insert_many(connection, NEW, names, [("a", b"")])


def test_a_row_of_another_length_is_an_error(connection: Connection) -> None:
    with pytest.raises(ValueError, match="zip"):
        insert_many(connection, NEW, NAMES, [ROWS[0], ROWS[1][:-1]])


@pytest.mark.parametrize("count", [0, 1, 2, 3, 5, 8, 9])
def test_what_is_there_is_found_in_lists_of_any_size(connection: Connection, count: int) -> None:
    insert_many(connection, NEW, NAMES, ROWS[::2])
    insert_many(connection, NEW, NAMES, [("b", *row[1:]) for row in ROWS])
    wanted = [row[1] for row in ROWS[:count]]
    found = present(connection, KEPT.c.mark, {KEPT.c.owner: "a"}, wanted)
    assert sorted(found) == wanted[::2]
    assert present(connection, KEPT.c.mark, {KEPT.c.owner: "a", KEPT.c.day: DAY}, wanted) == wanted[:1]
    assert present(connection, KEPT.c.mark, {KEPT.c.owner: "c"}, wanted) == []


def test_a_column_is_set_in_the_rows_of_these_keys(connection: Connection) -> None:
    insert_many(connection, NEW, NAMES, ROWS)
    update_many(connection, KEPT.c.number, KEPT.c.mark, [])
    update_many(connection, KEPT.c.number, KEPT.c.mark, [(1 << 61, ROWS[2][1]), (None, ROWS[3][1])])
    numbers = [row[4] for row in rows(connection)]
    assert numbers == [*(row[4] for row in ROWS[:2]), 1 << 61, None, *(row[4] for row in ROWS[4:])]


def test_a_text_that_is_too_long_is_never_cut_off(connection: Connection) -> None:
    """PostgreSQL refuses it, SQLite keeps it: a cast to the column's type would keep a part of it."""
    long = [("a" * 11, *ROWS[0][1:])]
    if connection.dialect.name == "postgresql":
        with pytest.raises(DataError), connection.begin_nested():
            insert_many(connection, NEW, NAMES, long)
        assert rows(connection) == []
    else:
        insert_many(connection, NEW, NAMES, long)
        assert rows(connection)[0][0] == "a" * 11
