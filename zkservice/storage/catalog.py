"""Schemas and issuer keys. Schemas never change; keys change their state only."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, func, select, update

from disclosure import (
    IssuerKey,
    IssuerKeyName,
    KeyState,
    Schema,
    VerifierName,
)
from disclosure.registry import issuer_key_entry, issuer_key_state_entry, schema_entry, verifier_entry
from zkservice.errors import ServiceError, ServiceReason
from zkservice.moments import from_ms, to_ms, whole_ms
from zkservice.storage import ledger, registered, tables
from zkservice.storage.rows import after_name, exists, insert_new, page_of, row_of

_STATES: Final = (KeyState.ACTIVE, KeyState.VERIFY_ONLY, KeyState.RETIRED)
"""In the order in which a key goes through them."""
_KEY_STATE: Final = select(tables.issuer_key.c.state).where(tables.issuer_key.c.name == bindparam("key"))
"""Built once: every offer asks, and building it takes longer than running it."""


@dataclass(frozen=True)
class StoredSchema:
    """A schema's canonical bytes with the time of its registration. A large one takes long to decode."""

    name: str
    canonical: bytes
    created: dt.datetime


@dataclass(frozen=True)
class StoredKey:
    """An issuer key with its sealed secret half, and where its record stands in the outbox.

    `state_outbox` is where the record of its state stands, if it is active no more.
    """

    key: IssuerKey
    sealed_secret: bytes = field(repr=False)
    outbox: int
    created: dt.datetime
    state_outbox: int | None = None


def add_schema(connection: Connection, schema: Schema, now: dt.datetime) -> None:
    """Register a schema version and put its record into the log's outbox.

    Raises ServiceError NOT_FOUND (its department), ALREADY_EXISTS.
    """
    parent = f"departments/{schema.name.department}"
    registered.department(connection, parent, field="parent")
    values = {
        "name": str(schema.name),
        "department": parent,
        "canonical": schema.canonical,
        "outbox": ledger.enqueue(connection, schema_entry(schema), None),
        "created": to_ms(now),
    }
    if not insert_new(connection, tables.schema, values):
        raise exists(str(schema.name))


def schema_outbox(connection: Connection, name: str) -> int:
    """Return where a schema version's record stands in the outbox; ServiceError NOT_FOUND."""
    outbox: int = row_of(connection, tables.schema, name).outbox
    return outbox


def record_missing(connection: Connection) -> None:
    """Put the records into the outbox that are missing because what they say is older than such records are:
    of schemas, of verifiers, of keys that sign no more."""
    schema, verifier, key = tables.schema, tables.verifier, tables.issuer_key
    silent = (key.c.state != KeyState.ACTIVE.value) & key.c.state_outbox.is_(None)
    for row in connection.execute(select(key.c.name, key.c.state).where(silent)).all():
        entry = issuer_key_state_entry(IssuerKeyName.parse(row.name), KeyState(row.state))
        outbox = ledger.enqueue(connection, entry, None)
        connection.execute(update(key).where(key.c.name == row.name).values(state_outbox=outbox))
    for row in connection.execute(select(schema).where(schema.c.outbox.is_(None))).all():
        outbox = ledger.enqueue(connection, schema_entry(Schema.from_bytes(row.canonical)), None)
        connection.execute(update(schema).where(schema.c.name == row.name).values(outbox=outbox))
    for row in connection.execute(select(verifier).where(verifier.c.outbox.is_(None))).all():
        outbox = ledger.enqueue(
            connection, verifier_entry(VerifierName.parse(row.name), row.public_key), None
        )
        connection.execute(update(verifier).where(verifier.c.name == row.name).values(outbox=outbox))


def schemas(connection: Connection, names: Iterable[str]) -> dict[str, StoredSchema]:
    """Return those of these schema versions that are registered, by name."""
    rows = connection.execute(select(tables.schema).where(tables.schema.c.name.in_(names)))
    return {row.name: StoredSchema(row.name, row.canonical, from_ms(row.created)) for row in rows}


def add_issuer_key(
    connection: Connection, key: IssuerKey, sealed_secret: bytes, request_id: str, now: dt.datetime
) -> StoredKey:
    """Register a key and put its record into the log's outbox.

    The key that was made for the same request_id is returned as it is, if there is one; this one is dropped.
    Raises ServiceError NOT_FOUND (the department), REQUEST_ID_REUSED (for another suite).
    """
    parent = f"departments/{key.name.department}"
    registered.department(connection, parent, field="parent")
    existing = issuer_key_of_request(connection, parent, request_id)
    if existing is not None:
        if existing.key.suite != key.suite:
            raise ServiceError(ServiceReason.REQUEST_ID_REUSED, "the request_id made a key of another suite")
        return existing
    outbox = ledger.enqueue(connection, issuer_key_entry(key), None)
    values = {
        "name": str(key.name),
        "department": parent,
        "suite": key.suite,
        "public_key": key.public_key,
        "sealed_secret": sealed_secret,
        "state": key.state.value,
        "request_id": request_id,
        "outbox": outbox,
        "created": to_ms(now),
    }
    connection.execute(tables.issuer_key.insert().values(**values))
    return StoredKey(key, sealed_secret, outbox, whole_ms(now))


def issuer_key_of_request(connection: Connection, parent: str, request_id: str) -> StoredKey | None:
    """Return the key that a department's request_id made."""
    table = tables.issuer_key
    query = select(table).where(table.c.department == parent, table.c.request_id == request_id)
    row = connection.execute(query).one_or_none()
    return _key(row) if row is not None else None


def issuer_key(connection: Connection, name: str) -> StoredKey:
    """Return an issuer key; ServiceError NOT_FOUND."""
    return _key(row_of(connection, tables.issuer_key, name))


def issuer_keys_named(connection: Connection, names: Iterable[str]) -> dict[str, StoredKey]:
    """Return those of these issuer keys that are registered, by name."""
    rows = connection.execute(select(tables.issuer_key).where(tables.issuer_key.c.name.in_(names)))
    return {row.name: _key(row) for row in rows}


def change_key_state(connection: Connection, name: str, expected: KeyState, wanted: KeyState) -> StoredKey:
    """Take a key on to a state, and put the record of it into the log's outbox.

    One that is in it already is returned as it is. Raises ServiceError NOT_FOUND, ETAG_MISMATCH (it is in
    another state than was expected), KEY_STATE_INVALID (back, which no key goes).
    """
    before = issuer_key(connection, name)
    if before.key.state is wanted and wanted is not KeyState.ACTIVE:
        return before
    if before.key.state is not expected:
        detail = f"the key is {before.key.state.value}"
        raise ServiceError(ServiceReason.ETAG_MISMATCH, detail, field="expected_state")
    if _STATES.index(wanted) <= _STATES.index(expected):
        detail = "a key goes from active to verify-only to retired, and never back"
        raise ServiceError(ServiceReason.KEY_STATE_INVALID, detail, field="state")
    table = tables.issuer_key
    values = {
        "state": wanted.value,
        "state_outbox": ledger.enqueue(connection, issuer_key_state_entry(before.key.name, wanted), None),
    }
    connection.execute(update(table).where(table.c.name == name).values(**values))
    return issuer_key(connection, name)


def signing_key(connection: Connection, parent: str) -> StoredKey:
    """Return a department's newest active key; ServiceError ISSUER_KEY_MISSING."""
    table = tables.issuer_key
    query = (
        select(table)
        .where(table.c.department == parent, table.c.state == KeyState.ACTIVE.value)
        .order_by(table.c.created.desc(), table.c.outbox.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        raise ServiceError(ServiceReason.ISSUER_KEY_MISSING, f"{parent} has no active issuer key")
    return _key(row)


def signs(connection: Connection, name: str) -> bool:
    """Tell whether an issuer key still signs."""
    return connection.execute(_KEY_STATE, {"key": name}).scalar() == KeyState.ACTIVE.value


def accepted_keys(connection: Connection, parent: str, suite: str) -> list[StoredKey]:
    """Return a department's keys of a suite whose credentials are accepted, newest first."""
    table = tables.issuer_key
    query = select(table).where(
        table.c.department == parent, table.c.suite == suite, table.c.state != KeyState.RETIRED.value
    )
    rows = connection.execute(query.order_by(table.c.created.desc(), table.c.outbox.desc()))
    return [_key(row) for row in rows]


def schema_sizes(connection: Connection, parent: str | None, after: str, limit: int) -> list[tuple[str, int]]:
    """Return names and octets of schemas of one department or all, after a name, in order of name."""
    table = tables.schema
    query = select(table.c.name, func.length(table.c.canonical))
    rows = connection.execute(after_name(query, table, parent, after, limit))
    return [(name, octets) for name, octets in rows]


def issuer_keys(connection: Connection, parent: str | None, after: str, limit: int) -> list[StoredKey]:
    """Return issuer keys of one department or all, after a name, in order of name."""
    return [_key(row) for row in page_of(connection, tables.issuer_key, parent, after, limit)]


def _key(row: Row[Any]) -> StoredKey:
    key = IssuerKey(IssuerKeyName.parse(row.name), row.suite, row.public_key, KeyState(row.state))
    return StoredKey(key, row.sealed_secret, row.outbox, from_ms(row.created), row.state_outbox)
