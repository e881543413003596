"""Purposes: what data may be asked for, each with its legal basis; policies name them. They never change."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from disclosure import LocalizedText
from disclosure.centre import Purpose
from disclosure.names import PurposeName
from disclosure.policy import RegisteredPolicy
from zkservice.errors import ServiceError, ServiceReason
from zkservice.moments import from_ms, to_ms, whole_ms
from zkservice.storage import tables
from zkservice.storage.rows import insert_new


@dataclass(frozen=True)
class StoredPurpose:
    """A purpose with the time of its registration."""

    purpose: Purpose
    created: dt.datetime


def add(connection: Connection, purpose: Purpose, now: dt.datetime) -> StoredPurpose:
    """Register a purpose; the same again is returned as it is. ServiceError ALREADY_EXISTS."""
    values = {
        "name": str(purpose.name),
        "zh": purpose.display_name.zh,
        "en": purpose.display_name.en,
        "basis_zh": purpose.legal_basis.zh,
        "basis_en": purpose.legal_basis.en,
        "created": to_ms(now),
    }
    if insert_new(connection, tables.purpose, values):
        return StoredPurpose(purpose, whole_ms(now))
    existing = get(connection, purpose.name)
    if existing.purpose != purpose:
        detail = f"{purpose.name} exists already, and is another purpose"
        raise ServiceError(ServiceReason.ALREADY_EXISTS, detail, field="purpose_id")
    return existing


def get(connection: Connection, name: PurposeName, *, field: str = "name") -> StoredPurpose:
    """Return a purpose; ServiceError NOT_FOUND, with the field that named it."""
    table = tables.purpose
    row = connection.execute(select(table).where(table.c.name == str(name))).one_or_none()
    if row is None:
        raise ServiceError(ServiceReason.NOT_FOUND, f"there is no {name}", field=field)
    return _purpose(row)


def check_named(connection: Connection, policy: RegisteredPolicy) -> None:
    """Raise ServiceError PURPOSE_UNKNOWN, PURPOSE_MISMATCH unless a policy says a purpose as it is known.

    A person is shown the policy's words: they are those that the purpose was registered with, so that nobody
    asks in the name of a purpose on another ground.
    """
    table = tables.purpose
    row = connection.execute(select(table).where(table.c.name == policy.purpose)).one_or_none()
    if row is None:
        detail = f"{policy.purpose} is not registered"
        raise ServiceError(ServiceReason.PURPOSE_UNKNOWN, detail, field="policy.purpose")
    known = _purpose(row).purpose
    for said, registered, field in (
        (policy.purpose_text, known.display_name, "purpose_text"),
        (policy.legal_basis, known.legal_basis, "legal_basis"),
    ):
        if said != registered:
            detail = f"{policy.purpose} is registered with other words"
            raise ServiceError(ServiceReason.PURPOSE_MISMATCH, detail, field=f"policy.{field}")


def after(connection: Connection, name: str, limit: int) -> list[StoredPurpose]:
    """Return purposes after a name, in order of name."""
    table = tables.purpose
    rows = connection.execute(select(table).where(table.c.name > name).order_by(table.c.name).limit(limit))
    return list(map(_purpose, rows))


def _purpose(row: Row[Any]) -> StoredPurpose:
    display_name, legal_basis = LocalizedText(row.zh, row.en), LocalizedText(row.basis_zh, row.basis_en)
    return StoredPurpose(
        Purpose(PurposeName.parse(row.name), display_name, legal_basis), from_ms(row.created)
    )
