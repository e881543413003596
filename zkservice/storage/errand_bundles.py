"""Bundles of errands. A version never changes."""

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Row, select

from disclosure import MalformedError
from disclosure.errand import ErrandBundle
from zkservice.errors import ServiceError, ServiceReason
from zkservice.fields import placed
from zkservice.moments import from_ms, to_ms, whole_ms
from zkservice.storage import ledger, policies, registered, tables


@dataclass(frozen=True)
class StoredBundle:
    """A registered bundle, and where its record stands in the outbox."""

    bundle: ErrandBundle
    outbox: int
    created: dt.datetime


def add(connection: Connection, bundle: ErrandBundle, now: dt.datetime) -> StoredBundle:
    """Register a bundle and put its record into the log's outbox; the same again is returned as it is.

    Raises ServiceError NOT_FOUND (a verifier), ALREADY_EXISTS (another one has its name); RefusedError
    POLICY_UNKNOWN, POLICY_DEPRECATED.
    """
    existing = find(connection, str(bundle.name))
    if existing is not None:
        if existing.bundle != bundle:
            detail = f"{bundle.name} exists already, and says something else"
            raise ServiceError(ServiceReason.ALREADY_EXISTS, detail, field="errand_bundle_id")
        return existing
    for place, each in enumerate(bundle.counters):
        at = f"errand_bundle.counters[{place}]"
        registered.verifier(connection, str(each.verifier), field=f"{at}.verifier")
        with placed(at):
            policies.check_active(connection, each.policy)
    outbox = ledger.enqueue(connection, bundle.entry(), None)
    values = {
        "name": str(bundle.name),
        "canonical": bundle.canonical,
        "outbox": outbox,
        "created": to_ms(now),
    }
    connection.execute(tables.errand_bundle.insert().values(**values))
    return StoredBundle(bundle, outbox, whole_ms(now))


def get(connection: Connection, name: str, *, field: str = "name") -> StoredBundle:
    """Return a bundle; ServiceError NOT_FOUND."""
    found = find(connection, name)
    if found is None:
        raise ServiceError(ServiceReason.NOT_FOUND, "there is no such bundle", field=field)
    return found


def find(connection: Connection, name: str) -> StoredBundle | None:
    """Return a bundle, None if there is none."""
    table = tables.errand_bundle
    row = connection.execute(select(table).where(table.c.name == name)).one_or_none()
    return _stored(row) if row is not None else None


def listed(connection: Connection, after: str, limit: int) -> list[StoredBundle]:
    """Return bundles after a name, in order of name."""
    table = tables.errand_bundle
    query = select(table).where(table.c.name > after).order_by(table.c.name).limit(limit)
    return [_stored(row) for row in connection.execute(query)]


def _stored(row: Row[Any]) -> StoredBundle:
    return StoredBundle(_bundle(row.canonical), row.outbox, from_ms(row.created))


@lru_cache(maxsize=256)
def _bundle(octets: bytes) -> ErrandBundle:
    """Decode a bundle, which never changes: each is read at every look at one of its errands."""
    try:
        return ErrandBundle.from_bytes(octets)
    except MalformedError as error:  # what is stored was one when it was stored
        raise ServiceError(ServiceReason.INTERNAL, "a stored bundle does not decode") from error
