"""Many rows at once: statements that are compiled once, and rows as tuples.

SQLAlchemy makes a dictionary of each row and goes through it several times, and through each value of a list,
which together takes as long as the database itself. Values are converted as SQLAlchemy converts them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, cast

from sqlalchemy import Column, Connection, Dialect, Insert, Table, bindparam, select
from sqlalchemy.sql.compiler import Compiled

_KEPT: Final = 64
"""Compiled statements: one for each way of inserting, and for each size of a list."""


@dataclass(frozen=True)
class _Prepared:
    """A statement in the words of a driver, its parameters in their order, and how each is converted."""

    text: str
    names: tuple[str, ...]
    converts: tuple[Callable[[Any], Any] | None, ...]
    positional: bool

    @classmethod
    def of(
        cls, compiled: Compiled, names: tuple[str, ...], columns: Iterable[Column[Any]], dialect: Dialect
    ) -> "_Prepared":
        """Prepare a statement whose parameters are values of these columns."""
        converts = tuple(each.type.dialect_impl(dialect).bind_processor(dialect) for each in columns)
        return cls(str(compiled), names, converts, dialect.positional)

    def parameters(self, rows: Iterable[tuple[Any, ...]]) -> list[Any]:
        """Return one row or more as the driver takes them."""
        columns: list[Iterable[Any]] = list(zip(*rows, strict=True))
        for place, convert in enumerate(self.converts):
            if convert is not None:
                columns[place] = map(convert, columns[place])
        ready = zip(*columns, strict=True)
        return list(ready) if self.positional else [dict(zip(self.names, row, strict=True)) for row in ready]


def insert_many(
    connection: Connection, insert: Insert, names: tuple[str, ...], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert rows of the columns of these names, in the table's order.

    Give the same statement every time: what is compiled is found by it.
    """
    if rows:
        prepared = _inserting(insert, names, connection.dialect)
        connection.exec_driver_sql(prepared.text, prepared.parameters(rows))


@lru_cache(_KEPT)
def _inserting(insert: Insert, names: tuple[str, ...], dialect: Dialect) -> _Prepared:
    columns = [each for each in cast(Table, insert.table).columns if each.name in names]
    if tuple(each.name for each in columns) != names:
        raise ValueError("columns are named in the table's order")
    return _Prepared.of(insert.compile(dialect=dialect, column_keys=list(names)), names, columns, dialect)


def present(
    connection: Connection, column: Column[Any], where: Mapping[Column[Any], Any], values: Sequence[Any]
) -> list[Any]:
    """Return those of some values, each given once, that a column has in the rows with these other values."""
    if not values:
        return []
    # Lists of few sizes, or there would be a statement for each; who is asked for twice comes back once.
    size = 1 << (len(values) - 1).bit_length()
    prepared = _asking(column, tuple(where), size, connection.dialect)
    row = (*where.values(), *values, *[values[0]] * (size - len(values)))
    (parameters,) = prepared.parameters([row])
    return list(connection.exec_driver_sql(prepared.text, parameters).scalars())


@lru_cache(_KEPT)
def _asking(column: Column[Any], where: tuple[Column[Any], ...], size: int, dialect: Dialect) -> _Prepared:
    names = tuple(f"value_{place}" for place in range(len(where) + size))
    given = [bindparam(name, type_=each.type) for name, each in zip(names, where, strict=False)]
    wanted = [bindparam(name, type_=column.type) for name in names[len(where) :]]
    equal = (each == value for each, value in zip(where, given, strict=True))
    query = select(column).where(*equal, column.in_(wanted))
    return _Prepared.of(query.compile(dialect=dialect), names, [*where, *[column] * size], dialect)
