"""What requests name by digest: tables of digits, lists of codes, regulators' keys. All of it only grows."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, select

from disclosure import LocalizedText, canonical
from disclosure.composite import Published, PublishedCodeList, Regulator, RegulatorKey, table_entry
from disclosure.names import RegulatorName
from zkservice.errors import ServiceError, ServiceReason
from zkservice.moments import from_ms, to_ms, whole_ms
from zkservice.storage import ledger, tables
from zkservice.storage.rows import insert_new
from zkservice.storage.taken import check_unused

_CODES_LABEL: Final = "zk-disclosure/stored-codes/v1"
_SHARES_LABEL: Final = "zk-disclosure/stored-shares/v1"


@dataclass(frozen=True)
class StoredTable:
    """A published table, and where its record stands in the outbox.

    Its signatures were checked before it was kept. In lists `codes` and `octets` are not read, and empty.
    """

    digest: bytes
    owner: str
    code_system: str
    codes: tuple[str, ...]
    octets: bytes
    outbox: int
    created: dt.datetime


@dataclass(frozen=True)
class StoredRegulator:
    """A registered regulator, and where its record stands in the outbox."""

    regulator: Regulator
    outbox: int
    created: dt.datetime


def add_table(connection: Connection, published: Published, now: dt.datetime, most: int) -> StoredTable:
    """Keep a table and put its record into the log's outbox; one that its owner has published is returned.

    Raises as `table_before`, and ServiceError ALREADY_EXISTS: its key is that of another table, an issuer key
    or an accumulator, where a signature of one could stand for one of the other.
    """
    made = _made(published, now)
    before = table_before(connection, made.digest, (made.owner, made.code_system, made.codes), most)
    if before is not None:
        return before
    key = published.table.key
    if _is_taken(connection, key):
        raise _exists("the table's key is in use already", "table.octets")
    outbox = ledger.enqueue(connection, table_entry(published), None)
    values = {
        "digest": made.digest,
        "owner": made.owner,
        "suite": published.table.suite.identifier.decode(),
        "code_system": made.code_system,
        "codes": canonical.encode(_CODES_LABEL, *made.codes),
        "octets": made.octets,
        "public_key": key,
        "outbox": outbox,
        "created": to_ms(now),
    }
    connection.execute(tables.published_table.insert().values(**values))
    return replace(made, outbox=outbox)


def table_before(
    connection: Connection, digest: bytes, published_as: tuple[str, str, tuple[str, ...]], most: int
) -> StoredTable | None:
    """Return the table of a digest if it was published as this owner's, of this code system and these codes.

    None if it was not published, and its owner may publish one more. Raises ServiceError ALREADY_EXISTS (it
    was published as something else), TOO_MANY_TABLES.
    """
    existing = tables_of(connection, [digest]).get(digest)
    if existing is None:
        table, owner = tables.published_table, published_as[0]
        query = select(func.count()).select_from(table).where(table.c.owner == owner)
        if connection.execute(query).scalar_one() >= most:
            detail = f"{owner} has published {most} tables, the most that are kept of one owner"
            raise ServiceError(ServiceReason.TOO_MANY_TABLES, detail, field="table.owner")
    elif (existing.owner, existing.code_system, existing.codes) != published_as:
        raise _exists("the table was published before, and not as this one", "table.octets")
    return existing


def _made(published: Published, now: dt.datetime) -> StoredTable:
    table = published.table
    code_system, codes = "", tuple[str, ...]()
    if isinstance(published, PublishedCodeList):
        code_system, codes = published.code_system, published.codes
    return StoredTable(table.digest, published.owner, code_system, codes, table.octets, 0, whole_ms(now))


def _is_taken(connection: Connection, key: bytes) -> bool:
    columns = (
        tables.published_table.c.public_key,
        tables.issuer_key.c.public_key,
        tables.accumulator.c.public_key,
    )
    found = (connection.execute(select(each).where(each == key).limit(1)).first() for each in columns)
    return any(each is not None for each in found)


def tables_of(connection: Connection, digests: Iterable[bytes]) -> dict[bytes, StoredTable]:
    """Return those of these tables that are published, by digest."""
    table = tables.published_table
    rows = connection.execute(select(table).where(table.c.digest.in_(list(digests))))
    return {row.digest: _table(row) for row in rows}


def lengths_of(connection: Connection, digests: Iterable[bytes]) -> dict[bytes, int]:
    """Return how many octets those of these tables have that are published, by digest; none is read."""
    table = tables.published_table
    query = select(table.c.digest, func.length(table.c.octets).label("octets"))
    return {
        row.digest: row.octets for row in connection.execute(query.where(table.c.digest.in_(list(digests))))
    }


def newest_digits(connection: Connection, owner: str, suite: str = "") -> StoredTable | None:
    """Return an owner's newest table of digits, of a suite if one is given; None if it has none."""
    table = tables.published_table
    query = select(table).where(table.c.owner == owner, table.c.code_system == "")
    if suite:
        query = query.where(table.c.suite == suite)
    row = connection.execute(query.order_by(table.c.outbox.desc()).limit(1)).one_or_none()
    return _table(row) if row is not None else None


def tables_of_owner(connection: Connection, owner: str, before: int, limit: int) -> list[StoredTable]:
    """Return an owner's tables, newest first, from before an outbox row on (0: all)."""
    table = tables.published_table
    query = select(table.c.digest, table.c.code_system, table.c.outbox, table.c.created)
    query = query.where(table.c.owner == owner)
    if before:
        query = query.where(table.c.outbox < before)
    rows = connection.execute(query.order_by(table.c.outbox.desc()).limit(limit))
    return [
        StoredTable(row.digest, owner, row.code_system, (), b"", row.outbox, from_ms(row.created))
        for row in rows
    ]


def add_regulator(connection: Connection, regulator: Regulator, now: dt.datetime) -> StoredRegulator:
    """Keep a regulator and put its record into the log's outbox; the same again is returned as it is.

    Raises ServiceError ALREADY_EXISTS: its name, or its key, is that of another.
    """
    existing = _regulators(connection, tables.regulator.c.name, [str(regulator.name)])
    if existing and existing[0].regulator == regulator:
        return existing[0]
    if existing:
        raise _exists(f"{regulator.name} exists already", "regulator_id")
    outbox = ledger.enqueue(connection, regulator.entry(), None)
    values = {
        "name": str(regulator.name),
        "zh": regulator.display_name.zh,
        "en": regulator.display_name.en,
        "shares": canonical.encode(_SHARES_LABEL, regulator.key.items()),
        "digest": regulator.key.digest,
        "outbox": outbox,
        "created": to_ms(now),
    }
    if not insert_new(connection, tables.regulator, values):
        raise _exists("the key is another regulator's", "regulator.shares")
    return StoredRegulator(regulator, outbox, whole_ms(now))


def regulator(connection: Connection, name: str) -> StoredRegulator:
    """Return a regulator; ServiceError NOT_FOUND."""
    found = _regulators(connection, tables.regulator.c.name, [name])
    if not found:
        raise ServiceError(ServiceReason.NOT_FOUND, f"there is no {name}", field="name")
    return found[0]


def regulators_of(connection: Connection, digests: Iterable[bytes]) -> dict[bytes, StoredRegulator]:
    """Return those of these regulators that are registered, by their keys' digests."""
    found = _regulators(connection, tables.regulator.c.digest, list(digests))
    return {each.regulator.key.digest: each for each in found}


def regulators(connection: Connection, after: str, limit: int) -> list[StoredRegulator]:
    """Return regulators after a name, in order of name."""
    table = tables.regulator
    query = select(table).where(table.c.name > after).order_by(table.c.name).limit(limit)
    return [_regulator(row) for row in connection.execute(query)]


def give_access(connection: Connection, name: str, hashed: bytes) -> None:
    """Let a regulator read with the token of a hash, in the place of the one before; ServiceError NOT_FOUND,
    FIELD_INVALID (the token is somebody's)."""
    try:
        regulator(connection, name)
    except ServiceError as error:
        raise ServiceError(ServiceReason.NOT_FOUND, error.detail, field="regulator") from None
    table = tables.regulator_access
    if regulator_of_token(connection, hashed) == name:
        return
    check_unused(connection, hashed, field="access_token_hash")
    connection.execute(delete(table).where(table.c.regulator == name))
    connection.execute(table.insert().values(regulator=name, token_hash=hashed))


def regulator_of_token(connection: Connection, hashed: bytes) -> str | None:
    """Return the name of the regulator whose token has this hash."""
    table = tables.regulator_access
    name: str | None = connection.execute(
        select(table.c.regulator).where(table.c.token_hash == hashed)
    ).scalar()
    return name


def access_token_hash(connection: Connection, name: str) -> bytes | None:
    """Return what is stored of the token with which a regulator reads; None if it has none."""
    table = tables.regulator_access
    hashed: bytes | None = connection.execute(
        select(table.c.token_hash).where(table.c.regulator == name)
    ).scalar()
    return hashed


def _regulators(connection: Connection, column: Any, values: list[Any]) -> list[StoredRegulator]:
    rows = connection.execute(select(tables.regulator).where(column.in_(values)))
    return [_regulator(row) for row in rows]


def _regulator(row: Row[Any]) -> StoredRegulator:
    item: Any
    (item,) = canonical.decode(_SHARES_LABEL, row.shares)
    key = RegulatorKey.from_items(item)
    made = Regulator(RegulatorName.parse(row.name), LocalizedText(row.zh, row.en), key)
    return StoredRegulator(made, row.outbox, from_ms(row.created))


def _table(row: Row[Any]) -> StoredTable:
    codes: Any = canonical.decode(_CODES_LABEL, row.codes, most=len(row.codes), most_items=len(row.codes))
    return StoredTable(
        row.digest, row.owner, row.code_system, tuple(codes), row.octets, row.outbox, from_ms(row.created)
    )


def _exists(detail: str, field: str) -> ServiceError:
    return ServiceError(ServiceReason.ALREADY_EXISTS, detail, field=field)
