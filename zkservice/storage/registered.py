"""Departments and verifiers: what the administrator registers, and which of it changes."""

import datetime as dt
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import Connection, Row, Table, select, update

from disclosure import LocalizedText, VerifierName, canonical
from disclosure.centre import Subject
from disclosure.registry import verifier_entry
from zkservice.errors import ServiceError, ServiceReason
from zkservice.keys import token_hash
from zkservice.moments import from_ms, to_ms, whole_ms
from zkservice.storage import ledger, tables
from zkservice.storage.administrators import ROOT
from zkservice.storage.rows import check_etag, exists, insert_new, page_of, row_of
from zkservice.storage.taken import check_unused

_ETAG_LABEL: Final = "zk-disclosure/party-etag/v2"


@dataclass(frozen=True)
class Named:
    """A department or a verifier as it is stored.

    A verifier has a public key, and a row in the outbox; a department the kinds of subject it identifies.
    """

    name: str
    display_name: LocalizedText
    created: dt.datetime
    public_key: bytes = b""
    outbox: int = 0
    identifies: frozenset[Subject] = frozenset()

    @property
    def etag(self) -> str:
        """What changes with everything that a caller may change, and with nothing else."""
        octets = canonical.encode(
            _ETAG_LABEL, self.name, self.display_name.items(), _identifying(self.identifies)
        )
        return hashlib.sha256(octets).hexdigest()[:32]


def add_department(
    connection: Connection,
    name: str,
    display_name: LocalizedText,
    token: str | bytes,
    now: dt.datetime,
    identifies: frozenset[Subject] = frozenset(),
    given: str | None = None,
) -> Named:
    """Register a department by its token, or the hash of it, which was given to a person (`given`).

    Raises ServiceError ALREADY_EXISTS, FIELD_INVALID (the token is somebody's).
    """
    hashed = token_hash(token) if isinstance(token, str) else token
    values = {
        "name": name,
        "zh": display_name.zh,
        "en": display_name.en,
        "token_hash": hashed,
        "created": to_ms(now),
        "identifies": _identifying(identifies),
    }
    taken = select(tables.department.c.name).where(tables.department.c.name == name)
    if connection.execute(taken).first() is None:
        check_unused(connection, hashed, field="access_token_hash")
    if not insert_new(connection, tables.department, values):
        raise exists(name)
    if given is not None:
        insert_new(connection, tables.given_token, {"department": name, "person": given})
    return Named(name, display_name, whole_ms(now), identifies=identifies)


def department_of_token(connection: Connection, hashed: bytes) -> str | None:
    """Return the name of the department whose token has this hash."""
    query = select(tables.department.c.name).where(tables.department.c.token_hash == hashed)
    name: str | None = connection.execute(query).scalar()
    return name


def department_token_hash(connection: Connection, name: str) -> bytes | None:
    """Return what is stored of a department's token; None if there is no such department."""
    query = select(tables.department.c.token_hash).where(tables.department.c.name == name)
    hashed: bytes | None = connection.execute(query).scalar()
    return hashed


def given_to(connection: Connection, name: str) -> set[str]:
    """Return the persons who were given a token of a department: root where nothing is written down."""
    given = tables.given_token
    query = select(given.c.person).where(given.c.department == name)
    return set(connection.execute(query).scalars()) or {ROOT}


def replace_token(connection: Connection, name: str, hashed: bytes, given: str | None = None) -> None:
    """Give a department another token, by its hash, in the place of the one it has.

    `given` is the administrator who was given it or has said its hash, None where the department itself acts:
    then whoever was given one before may have acted in its name, and stays among them. Raises ServiceError
    NOT_FOUND, FIELD_INVALID (the token is somebody's already).
    """
    row_of(connection, tables.department, name, "name")
    stored = department_token_hash(connection, name)
    if stored is None or not hmac.compare_digest(stored, hashed):  # the same may be said again
        check_unused(connection, hashed, field="access_token_hash")
    table = tables.department
    connection.execute(update(table).where(table.c.name == name).values(token_hash=hashed))
    if given is not None:
        for person in given_to(connection, name) | {given}:
            insert_new(connection, tables.given_token, {"department": name, "person": person})


def department(connection: Connection, name: str, *, field: str = "name") -> Named:
    """Return a department; ServiceError NOT_FOUND, with the field that named it."""
    return _named(row_of(connection, tables.department, name, field))


def add_verifier(
    connection: Connection, name: str, display_name: LocalizedText, public_key: bytes, now: dt.datetime
) -> Named:
    """Register a verifier and put its record into the log's outbox; ServiceError ALREADY_EXISTS."""
    outbox = ledger.enqueue(connection, verifier_entry(VerifierName.parse(name), public_key), None)
    values = {
        "name": name,
        "zh": display_name.zh,
        "en": display_name.en,
        "public_key": public_key,
        "outbox": outbox,
        "created": to_ms(now),
    }
    if not insert_new(connection, tables.verifier, values):
        raise exists(name)
    return Named(name, display_name, whole_ms(now), public_key, outbox)


def verifier(connection: Connection, name: str, *, field: str = "name") -> Named:
    """Return a verifier; ServiceError NOT_FOUND, with the field that named it."""
    return _named(row_of(connection, tables.verifier, name, field))


def public_keys(connection: Connection, names: Iterable[str]) -> dict[str, bytes]:
    """Return the public keys of those of these verifiers that are registered, by name."""
    table = tables.verifier
    rows = connection.execute(select(table.c.name, table.c.public_key).where(table.c.name.in_(names)))
    return {row.name: row.public_key for row in rows}


def change_department(
    connection: Connection,
    name: str,
    display_name: LocalizedText,
    identifies: frozenset[Subject],
    etag: str,
    *,
    empowering: bool,
) -> Named:
    """Change what a department is called and, with `empowering`, whom it identifies.

    Raises ServiceError NOT_FOUND, ETAG_MISMATCH; TOKEN_INVALID where it would identify others than before and
    may not.
    """
    table = tables.department
    renamed = _renamed(connection, table, (name, display_name), etag, "department")
    if renamed.identifies == identifies:
        return renamed
    if not empowering:
        detail = "the administrator alone says whom a department identifies"
        raise ServiceError(ServiceReason.TOKEN_INVALID, detail, field="department.identifies")
    values = {"identifies": _identifying(identifies)}
    connection.execute(update(table).where(table.c.name == name).values(**values))
    return replace(renamed, identifies=identifies)


def _identifying(identifies: frozenset[Subject]) -> str:
    return " ".join(sorted(identifies))


def rename_verifier(connection: Connection, name: str, display_name: LocalizedText, etag: str) -> Named:
    """Change what a verifier is called; ServiceError NOT_FOUND, ETAG_MISMATCH."""
    return _renamed(connection, tables.verifier, (name, display_name), etag, "verifier")


def _renamed(
    connection: Connection, table: Table, called: tuple[str, LocalizedText], etag: str, field: str
) -> Named:
    name, display_name = called
    check_etag(_named(row_of(connection, table, name, f"{field}.name")).etag, etag, field=f"{field}.etag")
    values = {"zh": display_name.zh, "en": display_name.en}
    connection.execute(update(table).where(table.c.name == name).values(**values))
    return _named(row_of(connection, table, name))


def departments(connection: Connection, after: str, limit: int) -> list[Named]:
    """Return departments after a name, in order of name."""
    return [_named(row) for row in page_of(connection, tables.department, None, after, limit)]


def verifiers(connection: Connection, after: str, limit: int) -> list[Named]:
    """Return verifiers after a name, in order of name."""
    return [_named(row) for row in page_of(connection, tables.verifier, None, after, limit)]


def _named(row: Row[Any]) -> Named:
    named = row.name, LocalizedText(row.zh, row.en), from_ms(row.created)
    if "public_key" in row._fields:
        return Named(*named, row.public_key, row.outbox)
    return Named(*named, identifies=frozenset(map(Subject, row.identifies.split())))
