"""What the use cases share: rows by their names, pages of them, inserting what may stand there already."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Insert, Row, Select, Table, select
from sqlalchemy.dialects import postgresql, sqlite

from zkservice.errors import ServiceError, ServiceReason
from zkservice.storage.many import insert_many


def insert_all_new(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert whole rows, passing over those whose keys stand there already."""
    insert = _insert_new(table, connection.dialect.name)
    insert_many(connection, insert, tuple(each.name for each in table.columns), rows)


def put_all(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert whole rows; one whose key stands there already takes the place of what is there."""
    put = _put(table, connection.dialect.name)
    insert_many(connection, put, tuple(each.name for each in table.columns), rows)


def insert_new(connection: Connection, table: Table, values: Mapping[str, Any]) -> bool:
    """Insert a row unless one of its keys stands there already; return whether it was inserted."""
    return connection.execute(_insert_new(table, connection.dialect.name), dict(values)).rowcount == 1


@cache
def _insert_new(table: Table, dialect: str) -> Insert:
    """Return the statement, built once: building it takes longer than running it."""
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    # SQLAlchemy keeps the count of updates and deletes only, unless it is told to.
    return insert(table).on_conflict_do_nothing().execution_options(preserve_rowcount=True)


@cache
def _put(table: Table, dialect: str) -> Insert:
    insert = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(table)
    values = {each.name: insert.excluded[each.name] for each in table.columns if not each.primary_key}
    return insert.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=values)


def missing(name: str, field: str) -> ServiceError:
    """Return what is said of a name that nothing has."""
    return ServiceError(ServiceReason.NOT_FOUND, f"there is no {name}", field=field)


def exists(name: str) -> ServiceError:
    """Return what is said of a name that is taken."""
    return ServiceError(ServiceReason.ALREADY_EXISTS, f"{name} exists already")


def row_of(connection: Connection, table: Table, name: str, field: str = "name") -> Row[Any]:
    """Return the row of a name; ServiceError NOT_FOUND, with the field that named it."""
    row = connection.execute(select(table).where(table.c.name == name)).one_or_none()
    if row is None:
        raise missing(name, field)
    return row


def page_of(
    connection: Connection, table: Table, parent: str | None, after: str, limit: int
) -> list[Row[Any]]:
    """Return the rows after a name, of one department or of all, in order of name."""
    return list(connection.execute(after_name(select(table), table, parent, after, limit)).all())


def after_name(query: Select[Any], table: Table, parent: str | None, after: str, limit: int) -> Select[Any]:
    """Let a query give so many rows after a name, of one department or of all, in order of name."""
    following = query.where(table.c.name > after).order_by(table.c.name).limit(limit)
    return following if parent is None else following.where(table.c.department == parent)


def check_etag(stored: str, said: str, *, field: str) -> None:
    """Raise ServiceError ETAG_MISMATCH unless what is changed is what the caller has read.

    There is one writer: nobody changes it between this check and the end of the transaction.
    """
    if stored != said:
        detail = "somebody else has changed it; read it again"
        raise ServiceError(ServiceReason.ETAG_MISMATCH, detail, field=field)
