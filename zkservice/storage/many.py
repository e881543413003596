"""Many rows at once: statements that are compiled once, and rows as tuples.

SQLAlchemy makes a dictionary of each row and goes through it several times, and through each value of a list,
which together takes as long as the database itself. Values are converted as SQLAlchemy converts them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final, cast

from sqlalchemy import Column, Connection, Dialect, Insert, LargeBinary, Table, bindparam, select, update
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
    at_once: bool = False
    """Whether the rows go as one array a column: on PostgreSQL each row that is sent costs as much as it does
    to write it."""

    @classmethod
    def of(
        cls, compiled: Compiled, names: tuple[str, ...], columns: Iterable[Column[Any]], dialect: Dialect
    ) -> "_Prepared":
        """Prepare a statement whose parameters are values of these columns."""
        converts = tuple(_conversion(each, dialect) for each in columns)
        at_once = dialect.name == "postgresql" and not compiled.statement.is_select  # type: ignore[union-attr]
        return cls(str(compiled), names, converts, dialect.positional, at_once)

    def run(self, connection: Connection, rows: Iterable[tuple[Any, ...]]) -> None:
        """Run the statement for rows, of which there is one at least."""
        if self.at_once:
            connection.exec_driver_sql(self.text, tuple(map(list, self._columns(rows))))
        else:
            connection.exec_driver_sql(self.text, self.parameters(rows))

    def _columns(self, rows: Iterable[tuple[Any, ...]]) -> list[Iterable[Any]]:
        """Return the values that the driver takes, column by column."""
        columns: list[Iterable[Any]] = list(zip(*rows, strict=True))
        for place, convert in enumerate(self.converts):
            if convert is not None:
                columns[place] = map(convert, columns[place])
        return columns

    def parameters(self, rows: Iterable[tuple[Any, ...]]) -> list[Any]:
        """Return one row or more as the driver takes them."""
        columns = self._columns(rows)
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
        prepared.run(connection, rows)


def update_many(
    connection: Connection, column: Column[Any], key: Column[Any], values: Sequence[tuple[Any, Any]]
) -> None:
    """Set a column, in each row that has a key, by pairs of what the column becomes and the key."""
    if values:
        prepared = _updating(column, key, connection.dialect)
        prepared.run(connection, values)


def _conversion(column: Column[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    """Return how values become what the driver takes. All of our drivers take octets as they are."""
    if isinstance(column.type, LargeBinary):
        return None
    return column.type.dialect_impl(dialect).bind_processor(dialect)


@lru_cache(_KEPT)
def _inserting(insert: Insert, names: tuple[str, ...], dialect: Dialect) -> _Prepared:
    columns = [each for each in cast(Table, insert.table).columns if each.name in names]
    if tuple(each.name for each in columns) != names:
        raise ValueError("columns are named in the table's order")
    prepared = _Prepared.of(insert.compile(dialect=dialect, column_keys=list(names)), names, columns, dialect)
    if not prepared.at_once:
        return prepared
    into, _, rest = prepared.text.partition(" VALUES ")
    _, conflict, how = rest.partition(" ON CONFLICT ")
    text = f"{into} SELECT * FROM {_arrays(columns, dialect)}{conflict}{how}"  # noqa: S608
    return replace(prepared, text=text)


@lru_cache(_KEPT)
def _updating(column: Column[Any], key: Column[Any], dialect: Dialect) -> _Prepared:
    names = ("new_", "key_")
    statement = update(column.table).where(key == bindparam("key_")).values({column: bindparam("new_")})
    prepared = _Prepared.of(statement.compile(dialect=dialect), names, [column, key], dialect)
    if not prepared.at_once:
        return prepared
    quote = dialect.identifier_preparer
    table, new, old = quote.format_table(column.table), quote.format_column(column), quote.format_column(key)
    given = f"{_arrays([column, key], dialect)} AS given (new_, key_)"
    return replace(prepared, text=f"UPDATE {table} SET {new} = new_ FROM {given} WHERE {table}.{old} = key_")  # noqa: S608


def _arrays(columns: Iterable[Column[Any]], dialect: Dialect) -> str:
    """Return PostgreSQL's rows of several arrays. A type's length is left out: a cast would cut off there."""
    types = (each.type.compile(dialect).partition("(")[0] for each in columns)
    return f"unnest({', '.join(f'%b::{each}[]' for each in types)})"


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
