"""Rows as a server left them, copied into real tables as often as the scale has them: how large that gets.

A copy has its own keys, of the same kinds and lengths: what was random comes at random places of the indexes
again, what counted goes on counting, and what names another row of the same copy still names that.
"""

import hashlib
import sqlite3
import tempfile
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Column

from benchmarks.scale import sizes
from zkservice.storage import schema_version, tables
from zkservice.storage.database import open_engine

_STRIDE: Final = 1 << 20
"""More than a measurement has rows: what counts goes on so far away in the next copy."""


@dataclass(frozen=True)
class Rows:
    """The rows of so many things, by table."""

    things: int
    tables: Mapping[str, list[tuple[Any, ...]]]


def ends(database: Path) -> dict[str, int]:
    """Return the last row of each table, of a server's database that may be open."""
    with closing(_reading(database)) as connection:
        return {name: _one(connection, f'select coalesce(max(rowid), 0) from "{name}"') for name in _names()}


def rows_after(database: Path, ends: Mapping[str, int], things: int) -> Rows:
    """Return what has come into each table since."""
    with closing(_reading(database)) as connection:
        found = {
            name: connection.execute(f'select * from "{name}" where rowid > ?', (end,)).fetchall()
            for name, end in ends.items()
        }
    return Rows(things, {name: rows for name, rows in found.items() if rows})


def copied_octets(rows: Rows, things: int, tell: Callable[[int], object] = lambda _: None) -> float:
    """Return what one takes of so many, in tables of their own that the service's migrations made."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "copies.sqlite3"
        engine = open_engine(f"sqlite:///{path}")
        schema_version.upgrade(engine)
        engine.dispose()
        before = sizes.by_table(path)
        copies = -(-things // rows.things)
        with closing(sqlite3.connect(path)) as connection:
            for pragma in ("journal_mode = off", "synchronous = off", "cache_size = -262144"):
                connection.execute(f"pragma {pragma}")
            for copy in range(copies):
                for table, found in rows.tables.items():
                    _insert(connection, rows, table, found, copy)
                connection.commit()
                tell((copy + 1) * rows.things)
        grown = sizes.grown(before, sizes.by_table(path))
        return sum(grown.values()) / (copies * rows.things)


def _insert(connection: sqlite3.Connection, rows: Rows, table: str, found: list[Any], copy: int) -> None:
    keys = [_is_key(column, rows) for column in tables.metadata.tables[table].columns]
    places = ", ".join("?" * len(keys))
    made = (
        [_again(value, copy) if key else value for value, key in zip(row, keys, strict=True)] for row in found
    )
    connection.executemany(f'insert into "{table}" values ({places})', made)


def _is_key(column: "Column[Any]", rows: Rows) -> bool:
    """Tell whether each row has its own value here; names of what all of them share stay as they are."""
    if column.foreign_keys:
        return any(each.column.table.name in rows.tables for each in column.foreign_keys)
    constraints = (each.columns for each in column.table.constraints if hasattr(each, "columns"))
    indexes = (each.columns for each in column.table.indexes)
    return any(column.name in columns for columns in (*constraints, *indexes))


def _again(value: Any, copy: int) -> Any:
    """Return a key's value in a copy; the first is the original."""
    if copy == 0 or value is None:
        return value
    if isinstance(value, int):
        return value + copy * _STRIDE
    octets = value if isinstance(value, bytes) else value.encode()
    made = hashlib.shake_256(copy.to_bytes(8, "big") + octets)
    return made.digest(len(value)) if isinstance(value, bytes) else made.hexdigest(len(value))[: len(value)]


def _names() -> list[str]:
    return [name for name in tables.metadata.tables if name not in sizes.LOG_TABLES]


def _reading(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{database}?mode=ro", uri=True)


def _one(connection: sqlite3.Connection, query: str) -> int:
    ((found,),) = connection.execute(query)
    return int(found)
