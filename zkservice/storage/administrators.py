"""Administrators: persons, each with the hash of a secret. A removed one's name is never given again."""

import datetime as dt
import hashlib
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, Row, select, update

from disclosure import LocalizedText, canonical
from zkservice.errors import ServiceError, ServiceReason
from zkservice.moments import from_ms, to_ms, whole_ms
from zkservice.storage import tables
from zkservice.storage.rows import check_etag, exists, insert_new, row_of
from zkservice.storage.taken import check_unused

ROOT: Final = "administrators/root"
"""The holder of admin.token, who has no row."""
_ETAG_LABEL: Final = "zk-disclosure/administrator-etag/v1"


class AdministratorState(StrEnum):
    """What an administrator may do."""

    ACTIVE = "active"
    REMOVED = "removed"


@dataclass(frozen=True)
class StoredAdministrator:
    """An administrator, by its resource name."""

    name: str
    display_name: LocalizedText
    state: AdministratorState
    created: dt.datetime

    @property
    def etag(self) -> str:
        """What changes with what a caller may change, and when an administrator is removed."""
        octets = canonical.encode(_ETAG_LABEL, self.name, self.display_name.items(), self.state.value)
        return hashlib.sha256(octets).hexdigest()[:32]


def add(
    connection: Connection, name: str, display_name: LocalizedText, secret_hash: bytes, now: dt.datetime
) -> StoredAdministrator:
    """Make an administrator; ServiceError ALREADY_EXISTS (the name), FIELD_INVALID (the secret)."""
    table = tables.administrator
    if connection.execute(select(table.c.name).where(table.c.name == name)).first() is not None:
        raise exists(name)
    check_unused(connection, secret_hash, field="secret_hash")
    values = {
        "name": name, "zh": display_name.zh, "en": display_name.en, "secret_hash": secret_hash,
        "state": AdministratorState.ACTIVE.value, "created": to_ms(now),
    }  # fmt: skip
    insert_new(connection, table, values)
    return StoredAdministrator(name, display_name, AdministratorState.ACTIVE, whole_ms(now))


def anybody(connection: Connection) -> bool:
    """Tell whether an administrator was ever made."""
    return connection.execute(select(tables.administrator.c.name).limit(1)).first() is not None


def is_active(connection: Connection, name: str) -> bool:
    """Tell whether somebody administers now: root always does."""
    table = tables.administrator
    query = select(table.c.state).where(table.c.name == name)
    return name == ROOT or connection.execute(query).scalar() == AdministratorState.ACTIVE


def of_secret(connection: Connection, hashed: bytes) -> str | None:
    """Return the name of the administrator whose secret has this hash."""
    table = tables.administrator
    active = (table.c.secret_hash == hashed) & (table.c.state == AdministratorState.ACTIVE.value)
    name: str | None = connection.execute(select(table.c.name).where(active)).scalar()
    return name


def secret_hash(connection: Connection, name: str) -> bytes | None:
    """Return the hash of the secret of an administrator, None for whoever is none any more."""
    table = tables.administrator
    active = (table.c.name == name) & (table.c.state == AdministratorState.ACTIVE.value)
    found = connection.execute(select(table.c.secret_hash).where(active)).scalar()
    return None if found is None else bytes(found)


def set_secret(connection: Connection, name: str, secret_hash: bytes) -> StoredAdministrator:
    """Replace a secret; ServiceError NOT_FOUND (also for whoever was removed), FIELD_INVALID.

    The secret that is there already stays, so that the same may be said again.
    """
    found, table = _active(connection, name), tables.administrator
    if of_secret(connection, secret_hash) != name:
        check_unused(connection, secret_hash, field="secret_hash")
        connection.execute(update(table).where(table.c.name == name).values(secret_hash=secret_hash))
    return found


def get(connection: Connection, name: str) -> StoredAdministrator:
    """Return an administrator, also one who was removed; ServiceError NOT_FOUND."""
    return _administrator(row_of(connection, tables.administrator, name))


def rename(connection: Connection, name: str, display_name: LocalizedText, etag: str) -> StoredAdministrator:
    """Change what an administrator is called; ServiceError NOT_FOUND, ETAG_MISMATCH."""
    found, table = _active(connection, name, "administrator.name"), tables.administrator
    check_etag(found.etag, etag, field="administrator.etag")
    values = {"zh": display_name.zh, "en": display_name.en}
    connection.execute(update(table).where(table.c.name == name).values(**values))
    return replace(found, display_name=display_name)


def remove(connection: Connection, name: str) -> StoredAdministrator:
    """End an administrator, however often it is said; ServiceError NOT_FOUND."""
    row_of(connection, tables.administrator, name)
    table = tables.administrator
    values = {"state": AdministratorState.REMOVED.value, "secret_hash": None}
    connection.execute(update(table).where(table.c.name == name).values(**values))
    return _administrator(row_of(connection, table, name))


def listed(connection: Connection, after: str, limit: int) -> list[StoredAdministrator]:
    """Return administrators after a name, in order of name."""
    table = tables.administrator
    query = select(table).where(table.c.name > after).order_by(table.c.name).limit(limit)
    return [_administrator(row) for row in connection.execute(query)]


def _active(connection: Connection, name: str, field: str = "name") -> StoredAdministrator:
    found = _administrator(row_of(connection, tables.administrator, name, field))
    if found.state is not AdministratorState.ACTIVE:
        raise ServiceError(ServiceReason.NOT_FOUND, f"{name} was removed", field=field)
    return found


def _administrator(row: Row[Any]) -> StoredAdministrator:
    named = row.name, LocalizedText(row.zh, row.en)
    return StoredAdministrator(*named, AdministratorState(row.state), from_ms(row.created))
