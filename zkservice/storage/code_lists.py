"""Code lists: registered once, and linked to the newest signed table that their owners have published."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from disclosure import DepartmentName, LocalizedText
from disclosure.centre import CodeList
from disclosure.names import CodeListName
from zkservice.errors import ServiceError, ServiceReason
from zkservice.moments import from_ms, to_ms, whole_ms
from zkservice.storage import registered, tables
from zkservice.storage.rows import insert_new


@dataclass(frozen=True)
class StoredCodeList:
    """A code list, the digest of the newest signed table of it (empty: none), when it was registered."""

    code_list: CodeList
    table: bytes
    created: dt.datetime


def add(connection: Connection, made: CodeList, now: dt.datetime) -> StoredCodeList:
    """Register a list; the same again is returned as it is.

    Raises ServiceError NOT_FOUND (its owner), ALREADY_EXISTS: the name, or the owner's list of this system,
    is another one.
    """
    registered.department(connection, str(made.owner), field="code_list.owner")
    values = {
        "name": str(made.name),
        "owner": str(made.owner),
        "code_system": made.code_system,
        "zh": made.display_name.zh,
        "en": made.display_name.en,
        "codes": made.codes_to_bytes(),
        "created": to_ms(now),
    }
    if insert_new(connection, tables.code_list, values):
        return StoredCodeList(made, _newest_table(connection, made), whole_ms(now))
    existing = _first(connection, _all().where(tables.code_list.c.name == str(made.name)))
    if existing is None:
        detail = f"{made.owner} has a list of {made.code_system} already"
        raise ServiceError(ServiceReason.ALREADY_EXISTS, detail, field="code_list.code_system")
    if existing.code_list != made:
        detail = f"{made.name} exists already, and is another list"
        raise ServiceError(ServiceReason.ALREADY_EXISTS, detail, field="code_list_id")
    return existing


def get(connection: Connection, name: CodeListName) -> StoredCodeList:
    """Return a list; ServiceError NOT_FOUND."""
    found = _first(connection, _all().where(tables.code_list.c.name == str(name)))
    if found is None:
        raise ServiceError(ServiceReason.NOT_FOUND, f"there is no {name}", field="name")
    return found


def after(connection: Connection, name: str, limit: int) -> list[StoredCodeList]:
    """Return lists after a name, in order of name."""
    table = tables.code_list
    rows = connection.execute(_all().where(table.c.name > name).order_by(table.c.name).limit(limit)).all()
    return [_stored(connection, row) for row in rows]


def _all() -> Select[Any]:
    return select(tables.code_list)


def _first(connection: Connection, query: Select[Any]) -> StoredCodeList | None:
    row = connection.execute(query).one_or_none()
    return _stored(connection, row) if row is not None else None


def _stored(connection: Connection, row: Row[Any]) -> StoredCodeList:
    made = CodeList(
        CodeListName.parse(row.name),
        DepartmentName.parse(row.owner),
        row.code_system,
        LocalizedText(row.zh, row.en),
        CodeList.codes_of_bytes(row.codes),
    )
    return StoredCodeList(made, _newest_table(connection, made), from_ms(row.created))


def _newest_table(connection: Connection, made: CodeList) -> bytes:
    table = tables.published_table
    query = select(table.c.digest).where(
        table.c.owner == str(made.owner), table.c.code_system == made.code_system
    )
    digest: bytes | None = connection.execute(query.order_by(table.c.outbox.desc()).limit(1)).scalar()
    return digest or b""
