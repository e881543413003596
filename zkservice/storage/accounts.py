"""Accounts: whose they are by fingerprints, the codes that make them, and what is delivered to them."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, Row, case, delete, select, update

from zkservice.errors import ServiceError, ServiceReason
from zkservice.moments import from_ms, to_ms
from zkservice.storage import registered, tables

MOST_WRONG: Final = 5
"""So often a code may be sent with another subject than its own."""
_ARRIVALS_KEPT: Final = dt.timedelta(days=400)
"""So long a vault that was away is told what came meanwhile."""
_FORGOTTEN_AT_ONCE: Final = 256
_FORMER_TOLD: Final = 16


class ArrivalKind(StrEnum):
    """What can come to an account; the values stand in the database."""

    OFFER = "offer"
    APPLICATION = "application"
    APPOINTMENT = "appointment"
    CODE = "code"
    """A department made a code for the account's subject."""
    KEY = "key"
    """The account has another key."""


@dataclass(frozen=True)
class Registration:
    """A code that a department has given to whom it identified, by the code's hash."""

    code_hash: bytes = field(repr=False)
    department: str
    mark: bytes = field(repr=False)
    kind: str
    created: dt.datetime
    expires: dt.datetime
    state: str = "open"
    account: str | None = None


@dataclass(frozen=True)
class FormerKey:
    """A key that an account had, and by whose code another took its place, when."""

    public_key: bytes
    department: str
    replaced: dt.datetime


@dataclass(frozen=True)
class Delivered:
    """An open offer that waits for an account. `replaces` is the offer whose credential it replaces."""

    offer: str
    department: str
    schema: str
    expires: dt.datetime
    replaces: str | None


@dataclass(frozen=True)
class Arrival:
    """Something that has come: `about` is its resource name."""

    id: int
    kind: str
    about: str
    time: dt.datetime


def account_of(connection: Connection, mark: bytes) -> str | None:
    """Return the name of a subject's account; None if it has none."""
    table = tables.account
    return connection.execute(select(table.c.name).where(table.c.mark == mark)).scalar()


def accounts_of(connection: Connection, marks: Iterable[bytes]) -> dict[bytes, str]:
    """Return the names of those of these subjects' accounts that there are, by the subjects' marks."""
    table = tables.account
    query = select(table.c.mark, table.c.name).where(table.c.mark.in_(list(marks)))
    return {row.mark: row.name for row in connection.execute(query)}


def required_account_of(connection: Connection, mark: bytes, *, field: str) -> str:
    """Return the name of a subject's account; ServiceError HOLDER_UNKNOWN, at the field that named it."""
    found = account_of(connection, mark)
    if found is None:
        detail = "the subject has no account here; nothing was kept"
        raise ServiceError(ServiceReason.HOLDER_UNKNOWN, detail, field=field)
    return found


def public_key(connection: Connection, account: str) -> bytes | None:
    """Return an account's Ed25519 public key; None if there is no such account."""
    table = tables.account
    return connection.execute(select(table.c.public_key).where(table.c.name == account)).scalar()


def former_keys(connection: Connection, account: str) -> list[FormerKey]:
    """Return the last keys that an account had before its present one, the newest first."""
    table = tables.former_key
    query = select(table).where(table.c.account == account).order_by(table.c.id.desc()).limit(_FORMER_TOLD)
    return [
        FormerKey(row.public_key, row.department, from_ms(row.replaced)) for row in connection.execute(query)
    ]


def mark_of(connection: Connection, account: str) -> bytes:
    """Return the fingerprint of whose an account is; ServiceError NOT_FOUND."""
    table = tables.account
    found = connection.execute(select(table.c.mark).where(table.c.name == account)).scalar()
    if found is None:
        raise ServiceError(ServiceReason.NOT_FOUND, "there is no such account")
    return bytes(found)


def deliver(
    connection: Connection, offer_id: str, account: str, now: dt.datetime, *, replaces: str | None = None
) -> None:
    """Lay an offer into an account's inbox, in the transaction that keeps the offer.

    Afterwards `zkservice.inbox.ring` wakes whoever watches it.
    """
    values = {"offer": offer_id, "account": account, "replaces": replaces}
    connection.execute(tables.delivery.insert().values(**values))
    arrive(connection, account, ArrivalKind.OFFER, f"offers/{offer_id}", now)


def deliver_all(
    connection: Connection, offers: Sequence[tuple[str, str, str | None]], now: dt.datetime
) -> None:
    """Lay many offers into inboxes as `deliver` does: each an offer, its account, and what it replaces."""
    if not offers:
        return
    rows = [{"offer": offer, "account": account, "replaces": replaces} for offer, account, replaces in offers]
    connection.execute(tables.delivery.insert(), rows)
    arrived = [
        {
            "account": account,
            "kind": str(ArrivalKind.OFFER),
            "about": f"offers/{offer}",
            "created": to_ms(now),
        }
        for offer, account, _ in offers
    ]
    connection.execute(tables.arrival.insert(), arrived)


def arrive(connection: Connection, account: str, kind: str, about: str, now: dt.datetime) -> None:
    """Write down that something has come to an account, in the transaction of what has."""
    values = {"account": account, "kind": str(kind), "about": about, "created": to_ms(now)}
    connection.execute(tables.arrival.insert().values(**values))


def arrivals(connection: Connection, account: str, after: int, limit: int) -> list[Arrival]:
    """Return what has come to an account after the one of a number, in order."""
    table = tables.arrival
    query = (
        select(table).where(table.c.account == account, table.c.id > after).order_by(table.c.id).limit(limit)
    )
    rows = connection.execute(query)
    return [Arrival(row.id, row.kind, row.about, from_ms(row.created)) for row in rows]


def forget_arrivals(connection: Connection, now: dt.datetime) -> int:
    """Forget that things have come long ago, some at a time; what they are about stays. Return how many."""
    table = tables.arrival
    old = select(table.c.id).where(table.c.created < to_ms(now - _ARRIVALS_KEPT)).limit(_FORGOTTEN_AT_ONCE)
    return connection.execute(delete(table).where(table.c.id.in_(old))).rowcount


def delivered(
    connection: Connection, account: str, after: str, limit: int, now: dt.datetime
) -> Sequence[Delivered]:
    """Return the open offers that wait for an account, after an offer's identifier, in their order."""
    table, offers = tables.delivery, tables.offer
    query = (
        select(offers, table.c.replaces)
        .join(table, table.c.offer == offers.c.id)
        .where(
            table.c.account == account,
            table.c.offer > after,
            offers.c.state == "offered",
            offers.c.expires > to_ms(now),
        )
        .order_by(table.c.offer)
        .limit(limit)
    )
    return [
        Delivered(row.id, row.department, row.schema, from_ms(row.expires), row.replaces)
        for row in connection.execute(query)
    ]


def add_registration(connection: Connection, made: Registration) -> str | None:
    """Keep a new code; an older one of the same subject that is still open is void from now on.

    If the subject has an account it is told, before anybody can use the code, and its name returned. Raises
    ServiceError NOT_IDENTIFYING.
    """
    if not _identifies(connection, made):
        detail = f"{made.department} is not registered as identifying anybody of this kind"
        raise ServiceError(ServiceReason.NOT_IDENTIFYING, detail, field="subject.kind")
    table = tables.registration
    still = (table.c.mark == made.mark) & (table.c.state == "open")
    connection.execute(update(table).where(still).values(state="void"))
    values = {
        "code_hash": made.code_hash,
        "department": made.department,
        "mark": made.mark,
        "kind": made.kind,
        "state": made.state,
        "created": to_ms(made.created),
        "expires": to_ms(made.expires),
    }
    connection.execute(table.insert().values(**values))
    account = account_of(connection, made.mark)
    if account is not None:
        arrive(connection, account, ArrivalKind.CODE, made.department, made.created)
    return account


def _identifies(connection: Connection, made: Registration) -> bool:
    return made.kind in registered.department(connection, made.department).identifies


def registration(connection: Connection, code_hash: bytes, department: str) -> Registration:
    """Return what a department's code is for; ServiceError REGISTRATION_INVALID if it gave no such code, or
    it is void.
    """
    table = tables.registration
    row = connection.execute(select(table).where(table.c.code_hash == code_hash)).one_or_none()
    if row is None or row.department != department or row.state == "void":
        raise _no_such_code()
    return _registration(row)


def wrong_subject(connection: Connection, code_hash: bytes) -> None:
    """Count that somebody with an open code named another subject than its own; after some it is void.

    Whoever has found a code could else try numbers until one is right, and learn it.
    """
    table = tables.registration
    mine = (table.c.code_hash == code_hash) & (table.c.state == "open")
    state = case((table.c.wrong + 1 >= MOST_WRONG, "void"), else_=table.c.state)
    connection.execute(update(table).where(mine).values(wrong=table.c.wrong + 1, state=state))


def check_open(connection: Connection, made: Registration, now: dt.datetime) -> None:
    """Raise ServiceError REGISTRATION_INVALID, _USED, _EXPIRED unless a code counts.

    None counts of a department that identifies such subjects no more: what it gave before is no better.
    """
    if made.state == "void" or (made.state == "open" and not _identifies(connection, made)):
        raise _no_such_code()
    if made.state == "used":
        raise ServiceError(ServiceReason.REGISTRATION_USED, "the code was used before", field="code")
    if now >= made.expires:
        detail = "the code was not used in time; its department gives another one"
        raise ServiceError(ServiceReason.REGISTRATION_EXPIRED, detail, field="code")


def register(
    connection: Connection, made: Registration, account: str, public_key: bytes, now: dt.datetime
) -> str:
    """Bind a key to a code's subject; return its account's name, which is `account` if it has none yet.

    Raises as `check_open` does.
    """
    check_open(connection, made, now)
    existing = account_of(connection, made.mark)
    table = tables.account
    if existing is None:
        values = {
            "name": account,
            "mark": made.mark,
            "kind": made.kind,
            "public_key": public_key,
            "created": to_ms(now),
        }
        connection.execute(table.insert().values(**values))
    else:
        _replace_key(connection, existing, made.department, public_key, now)
    name = existing or account
    code = tables.registration
    used = {"state": "used", "account": name}
    connection.execute(update(code).where(code.c.code_hash == made.code_hash).values(**used))
    return name


def _replace_key(
    connection: Connection, account: str, department: str, new_key: bytes, now: dt.datetime
) -> None:
    """Give an account another key, and leave for whoever had the one before by whose word it happened."""
    table = tables.account
    before = {
        "account": account,
        "public_key": public_key(connection, account),
        "department": department,
        "replaced": to_ms(now),
    }
    connection.execute(tables.former_key.insert().values(**before))
    connection.execute(update(table).where(table.c.name == account).values(public_key=new_key))
    arrive(connection, account, ArrivalKind.KEY, department, now)


def _registration(row: Row[Any]) -> Registration:
    return Registration(
        row.code_hash,
        row.department,
        row.mark,
        row.kind,
        from_ms(row.created),
        from_ms(row.expires),
        row.state,
        row.account,
    )


def _no_such_code() -> ServiceError:
    detail = "there is no such code, or a newer one has taken its place"
    return ServiceError(ServiceReason.REGISTRATION_INVALID, detail, field="code")
