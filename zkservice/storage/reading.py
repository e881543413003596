"""The ledger's tables read whole and as they are, page by page in the order of their keys, to be checked.

Columns come as the database gives them: one that was damaged may hold anything, and the check has to name it,
not to stumble over it. One connection is one transaction that sees one state, of a server that runs as well;
nothing is written.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Column, Connection, Select, Table, create_engine, event, func, select
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from zkservice.errors import StartError
from zkservice.storage import tables

_PAGE: Final = 1024
Raw = tuple[Any, ...]
"""The columns of a row, of whatever type they were found."""


@contextmanager
def read_only(url: str) -> Iterator[Connection]:
    """Give a connection that reads one state and can write nothing; StartError if there is no database."""
    try:
        engine = _engine(make_url(url))
    except (SQLAlchemyError, ImportError, ValueError):  # the text may hold a password
        raise StartError("this is no URL of a database that can be used here") from None
    try:
        try:
            connection = engine.connect()
        except SQLAlchemyError as error:
            raise StartError(f"the database cannot be opened ({type(error).__name__})") from None
        with connection:
            yield connection
            connection.rollback()
    finally:
        engine.dispose()


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "postgresql":
        engine = create_engine(url, poolclass=NullPool, hide_parameters=True)
        reading = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        return engine.execution_options(**reading)
    if not url.database:
        raise ValueError
    # Escaped: SQLite reads what stands after %, ? and # in such a name as something else.
    file = Path(url.database).absolute().as_uri()
    engine = create_engine(
        url.set(database=file, query={"mode": "ro", "uri": "true"}), poolclass=NullPool, hide_parameters=True
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _: object) -> None:
        connection.isolation_level = None
        # What is no text any more is to be seen as such, not to end the reading.
        connection.text_factory = lambda octets: octets.decode("utf-8", "backslashreplace")
        connection.execute("PRAGMA busy_timeout = 10000")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def everything(connection: Connection, table: Table, limit: int) -> list[Raw]:
    """Return all rows of a small table in the order of its key, not more than `limit` of them."""
    return _rows(connection, select(table).order_by(*table.primary_key.columns).limit(limit))


def pages(connection: Connection, table: Table, key: Column[Any], page: int = _PAGE) -> Iterator[list[Raw]]:
    """Give all rows of a table in the order of one column, which is unique, a page at a time.

    Rows that have nothing in this column are passed over. The column comes first in each row.
    """
    columns = [key, *(each for each in table.c if each is not key)]
    query = select(*columns).where(key.is_not(None)).order_by(key).limit(page)
    rows = _rows(connection, query)
    while rows:
        yield rows
        if len(rows) < page:
            return
        rows = _rows(connection, query.where(key > rows[-1][0]))


def entries(connection: Connection, first: int, limit: int) -> list[Raw]:
    """Return rows of index, entry and note from an index on."""
    table = tables.ledger_entry
    query = select(table.c.index, table.c.entry, table.c.holder_note)
    return _rows(connection, query.where(table.c.index >= first).order_by(table.c.index).limit(limit))


def least(connection: Connection, column: Column[Any]) -> Any:
    """Return the smallest value of a column; None if there is none."""
    ((found,),) = _rows(connection, select(func.min(column)))
    return found


def tiles(connection: Connection, level: int, first: int, limit: int) -> list[Raw]:
    """Return rows of index and hashes of one level's tiles from an index on."""
    table = tables.ledger_tile
    query = select(table.c.index, table.c.hashes).where(table.c.level == level)
    return _rows(connection, query.where(table.c.index >= first).order_by(table.c.index).limit(limit))


def tile_beyond(connection: Connection, level: int, first: int | None) -> Raw | None:
    """Return level and index of a level's tile at an index or after it, for None before 0; None if there is
    none.
    """
    table = tables.ledger_tile
    query = select(table.c.level, table.c.index).where(table.c.level == level)
    beyond = table.c.index < 0 if first is None else table.c.index >= first
    return _first(connection, query.where(beyond).order_by(table.c.index))


def strange_tile(connection: Connection, levels: int) -> Raw | None:
    """Return level and index of a tile of none of the levels from 0 on; None if there is none."""
    table = tables.ledger_tile
    query = select(table.c.level, table.c.index)
    strange = (table.c.level < 0) | (table.c.level >= levels)
    return _first(connection, query.where(strange).order_by(table.c.level, table.c.index))


def blocks(connection: Connection, height: int, limit: int) -> list[Raw]:
    """Return rows of blocks from a height on, all their columns."""
    table = tables.ledger_block
    query = select(table).where(table.c.height >= height).order_by(table.c.height)
    return _rows(connection, query.limit(limit))


def waiting(connection: Connection) -> Iterator[Raw]:
    """Give of each outbox row that is in no block: id, index, and of its content the id, entry and note.

    Either side may be missing, if something was damaged: a row without content waits for ever, content
    without a row, or beside one that has its index, is a rest.
    """
    row, content = tables.outbox, tables.outbox_content
    columns = (row.c.id, row.c.entry_index, content.c.outbox, content.c.entry, content.c.holder_note)
    rows = select(*columns).select_from(row.outerjoin(content, content.c.outbox == row.c.id))
    without_place = row.c.entry_index.is_(None)
    rests = select(*columns).select_from(content.outerjoin(row, content.c.outbox == row.c.id))
    without_row = row.c.id.is_(None) | row.c.entry_index.is_not(None)
    yield from _paged(connection, rests.where(without_row), content.c.outbox, 2)
    yield from _paged(connection, rows.where(without_place), row.c.id, 0)


def _paged(connection: Connection, query: Select[Any], key: Column[Any], place: int) -> Iterator[Raw]:
    query = query.order_by(key).limit(_PAGE)
    rows = _rows(connection, query)
    while rows:
        yield from rows
        rows = _rows(connection, query.where(key > rows[-1][place])) if len(rows) == _PAGE else []


def entry_of(connection: Connection, outbox: int) -> Any:
    """Return the entry of an outbox row, which stands on the log or waits; None if there is none."""
    row, content, placed = tables.outbox, tables.outbox_content, tables.ledger_entry
    joined = row.outerjoin(content, content.c.outbox == row.c.id).outerjoin(
        placed, placed.c.index == row.c.entry_index
    )
    query = select(placed.c.entry, content.c.entry).select_from(joined).where(row.c.id == outbox)
    found = _first(connection, query)
    return None if found is None else found[0] or found[1]


def index_of(connection: Connection, outbox: Any) -> Any:
    """Return the index of an outbox row's entry on the log; None if it waits, or there is no such row."""
    found = _first(connection, select(tables.outbox.c.entry_index).where(tables.outbox.c.id == outbox))
    return None if found is None else found[0]


def dangling(connection: Connection) -> Iterator[tuple[str, Any]]:
    """Give each table of which a row refers to an outbox row that is not there, and one such reference."""
    for table in tables.metadata.sorted_tables:
        for column in table.columns:
            if table is tables.outbox_content or not column.references(tables.outbox.c.id):
                continue
            joined = table.outerjoin(tables.outbox, tables.outbox.c.id == column)
            missing = column.is_not(None) & tables.outbox.c.id.is_(None)
            row = _first(connection, select(column).select_from(joined).where(missing))
            if row is not None:
                yield table.name, row[0]


def _rows(connection: Connection, query: Select[Any]) -> list[Raw]:
    """Return what the driver gives: no value is converted, which might fail, and no row made an object of."""
    result = connection.execute(query)
    try:
        return list(result.cursor.fetchall()) if result.cursor is not None else []
    except connection.dialect.loaded_dbapi.Error as error:
        raise DBAPIError(None, None, error) from error
    finally:
        result.close()


def _first(connection: Connection, query: Select[Any]) -> Raw | None:
    return next(iter(_rows(connection, query.limit(1))), None)
