"""Policies of verifiers. A version never changes, but it may be ended: then no request is opened by it."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select, update

from disclosure import PolicyName, Reason, RefusedError
from disclosure.policy import RegisteredPolicy
from zkservice.errors import ServiceError, ServiceReason
from zkservice.moments import from_ms, to_ms, whole_ms
from zkservice.storage import ledger, purposes, registered, tables
from zkservice.storage.rows import insert_new


@dataclass(frozen=True)
class StoredPolicy:
    """A policy with its state, and where its record stands in the outbox."""

    policy: RegisteredPolicy
    deprecated: bool
    outbox: int
    created: dt.datetime


def add(connection: Connection, policy: RegisteredPolicy, now: dt.datetime) -> StoredPolicy:
    """Register a policy and put its record into the log's outbox; the same again is returned as it is.

    Raises ServiceError NOT_FOUND (its verifier), ALREADY_EXISTS (another one has its name), PURPOSE_UNKNOWN,
    PURPOSE_MISMATCH.
    """
    registered.verifier(connection, str(policy.verifier), field="parent")
    existing = found(connection, [str(policy.name)]).get(str(policy.name))
    if existing is not None:
        if existing.policy != policy:
            detail = f"{policy.name} exists already, and says something else"
            raise ServiceError(ServiceReason.ALREADY_EXISTS, detail, field="policy_id")
        return existing
    purposes.check_named(connection, policy)
    outbox = ledger.enqueue(connection, policy.entry(), None)
    values = {
        "name": str(policy.name),
        "verifier": str(policy.verifier),
        "canonical": policy.canonical,
        "deprecated": False,
        "outbox": outbox,
        "created": to_ms(now),
    }
    insert_new(connection, tables.policy, values)
    return StoredPolicy(policy, False, outbox, whole_ms(now))


def get(connection: Connection, name: str) -> StoredPolicy:
    """Return a policy; ServiceError NOT_FOUND."""
    policy = found(connection, [name]).get(name)
    if policy is None:
        raise ServiceError(ServiceReason.NOT_FOUND, f"there is no {name}", field="name")
    return policy


def found(connection: Connection, names: Iterable[str]) -> dict[str, StoredPolicy]:
    """Return those of these policies that are registered, by name."""
    rows = connection.execute(select(tables.policy).where(tables.policy.c.name.in_(list(names))))
    return {row.name: _policy(row) for row in rows}


def canonicals(connection: Connection, names: Iterable[str]) -> dict[str, bytes]:
    """Return the canonical bytes of those of these policies that are registered, by name."""
    table = tables.policy
    query = select(table.c.name, table.c.canonical).where(table.c.name.in_(list(names)))
    return {row.name: row.canonical for row in connection.execute(query)}


def listed(connection: Connection, verifier: str | None, after: str, limit: int) -> list[StoredPolicy]:
    """Return policies of one verifier or all, after a name, in order of name."""
    table = tables.policy
    query = select(table).where(table.c.name > after).order_by(table.c.name).limit(limit)
    if verifier is not None:
        query = query.where(table.c.verifier == verifier)
    return [_policy(row) for row in connection.execute(query)]


def deprecate(connection: Connection, name: str) -> StoredPolicy:
    """End a policy, however often; ServiceError NOT_FOUND."""
    get(connection, name)
    connection.execute(update(tables.policy).where(tables.policy.c.name == name).values(deprecated=True))
    return get(connection, name)


def check_active(connection: Connection, name: PolicyName) -> None:
    """Raise RefusedError POLICY_DEPRECATED, POLICY_UNKNOWN unless requests may name a policy.

    In the transaction that opens an exchange: from the moment that a policy is ended none is opened by it.
    """
    table = tables.policy
    deprecated = connection.execute(select(table.c.deprecated).where(table.c.name == str(name))).scalar()
    if deprecated is None:
        raise unknown_policy(name)
    if deprecated:
        raise RefusedError(Reason.POLICY_DEPRECATED, f"{name} was ended", field="policy")


def unknown_policy(name: PolicyName) -> RefusedError:
    """Return the error of a policy that nobody has registered."""
    return RefusedError(Reason.POLICY_UNKNOWN, f"{name} is not registered", field="policy")


def _policy(row: Row[Any]) -> StoredPolicy:
    policy = RegisteredPolicy.from_bytes(row.canonical)
    return StoredPolicy(policy, row.deprecated, row.outbox, from_ms(row.created))
