"""Accumulators with their lists of revocations and epochs. All of it only grows; nothing is ever changed."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, Row, func, select

from bbs.accumulator import Epoch, Page
from disclosure import Accumulator, AccumulatorName, DepartmentName, civil_date, epoch_entry
from zkservice.errors import ServiceError, ServiceReason
from zkservice.moments import from_ms, to_ms, whole_ms
from zkservice.storage import ledger, statistics, tables
from zkservice.storage.statistics import Concerned, What

_HANDLE_OCTETS: Final = 32


@dataclass(frozen=True)
class StoredAccumulator:
    """An accumulator with its sealed secret, and where its record stands in the outbox."""

    accumulator: Accumulator
    sealed_secret: bytes = field(repr=False)
    outbox: int
    created: dt.datetime


@dataclass(frozen=True)
class StoredEpoch:
    """An epoch's canonical octets with what they say, and where its record stands in the outbox."""

    number: int
    count: int
    octets: bytes = field(repr=False)
    outbox: int


@dataclass(frozen=True)
class PublishedEpoch:
    """An epoch's canonical octets, with the department and the suite of its accumulator."""

    department: str
    suite: str
    octets: bytes = field(repr=False)


@dataclass(frozen=True)
class Call:
    """What tells a call from every other: its request_id, and a digest of what it asks."""

    request_id: str
    digest: bytes


def add(
    connection: Connection,
    made: Accumulator,
    sealed_secret: bytes,
    first: Epoch,
    call: Call,
    now: dt.datetime,
) -> StoredAccumulator:
    """Keep an accumulator with its first epoch, and put the records of both into the log's outbox.

    The accumulator that was made for the same request_id is returned as it is, if there is one; this one is
    dropped. Raises ServiceError REQUEST_ID_REUSED (for another suite).
    """
    department = f"departments/{made.name.department}"
    existing = of_request(connection, department, call.request_id, made.suite)
    if existing is not None:
        return existing
    outbox = ledger.enqueue(connection, made.entry(), None)
    values = {
        "name": str(made.name),
        "department": department,
        "suite": made.suite,
        "public_key": made.key.octets,
        "sealed_secret": sealed_secret,
        "request_id": call.request_id,
        "outbox": outbox,
        "created": to_ms(now),
    }
    connection.execute(tables.accumulator.insert().values(**values))
    add_epoch(connection, str(made.name), first, call, now)
    return StoredAccumulator(made, sealed_secret, outbox, whole_ms(now))


def of_request(
    connection: Connection, department: str, request_id: str, suite: str
) -> StoredAccumulator | None:
    """Return the accumulator that a department's request_id made; ServiceError REQUEST_ID_REUSED."""
    table = tables.accumulator
    query = select(table).where(table.c.department == department, table.c.request_id == request_id)
    row = connection.execute(query).one_or_none()
    if row is not None and row.suite != suite:
        detail = "the request_id made an accumulator of another suite"
        raise ServiceError(ServiceReason.REQUEST_ID_REUSED, detail, field="request_id")
    return _accumulator(row) if row is not None else None


def get(connection: Connection, name: str, field: str = "accumulator") -> StoredAccumulator:
    """Return an accumulator; ServiceError NOT_FOUND, with the field that named it."""
    row = connection.execute(
        select(tables.accumulator).where(tables.accumulator.c.name == name)
    ).one_or_none()
    if row is None:
        raise _missing(name, field)
    return _accumulator(row)


def newest(connection: Connection, department: str) -> StoredAccumulator:
    """Return the accumulator that a department's new credentials are issued with; ServiceError NOT_FOUND."""
    found = of_department(connection, department, 1)
    if not found:
        raise _missing(f"accumulator of {department}", "name")
    return found[0]


def of_department(
    connection: Connection, department: str, limit: int, *, before: int = 0, suite: str = ""
) -> list[StoredAccumulator]:
    """Return a department's accumulators, newest first: from before an outbox row on, of a suite, if said."""
    table = tables.accumulator
    query = select(table).where(table.c.department == department)
    if before:
        query = query.where(table.c.outbox < before)
    if suite:
        query = query.where(table.c.suite == suite)
    rows = connection.execute(query.order_by(table.c.outbox.desc()).limit(limit))
    return [_accumulator(row) for row in rows]


def of_keys(connection: Connection, public_keys: Iterable[bytes]) -> dict[bytes, StoredAccumulator]:
    """Return those of these accumulators that there are, by their public keys of 96 octets."""
    table = tables.accumulator
    rows = connection.execute(select(table).where(table.c.public_key.in_(list(public_keys))))
    return {row.public_key: _accumulator(row) for row in rows}


def epoch(connection: Connection, name: str, number: int | None = None) -> StoredEpoch | None:
    """Return an accumulator's epoch of a number, or its newest; None if there is none."""
    table = tables.epoch
    query = select(table).where(table.c.accumulator == name)
    if number is not None:
        query = query.where(table.c.number == number)
    row = connection.execute(query.order_by(table.c.number.desc()).limit(1)).one_or_none()
    return _epoch(row) if row is not None else None


def epochs_of(
    connection: Connection, wanted: Iterable[tuple[bytes, int]]
) -> dict[tuple[bytes, int], PublishedEpoch]:
    """Return those of these epochs that there are, by their accumulator's public key and their number."""
    numbers = defaultdict[bytes, list[int]](list)
    for public_key, number in wanted:
        numbers[public_key].append(number)
    made, epochs = tables.accumulator, tables.epoch
    columns = made.c.department, made.c.suite, epochs.c.number, epochs.c.octets
    joined = select(*columns).join(epochs, epochs.c.accumulator == made.c.name)
    return {
        (public_key, row.number): PublishedEpoch(row.department, row.suite, row.octets)
        for public_key, asked in numbers.items()
        for row in connection.execute(
            joined.where(made.c.public_key == public_key, epochs.c.number.in_(asked))
        )
    }


def newest_epochs(
    connection: Connection, public_keys: Iterable[bytes]
) -> dict[bytes, tuple[str, StoredEpoch]]:
    """Return name and newest epoch of those of these accumulators that there are, by their public keys."""
    made, epochs = tables.accumulator, tables.epoch
    rows = connection.execute(
        select(made.c.public_key, made.c.name).where(made.c.public_key.in_(list(public_keys)))
    )
    newest = select(epochs).order_by(epochs.c.number.desc()).limit(1)
    return {
        row.public_key: (
            row.name,
            _epoch(connection.execute(newest.where(epochs.c.accumulator == row.name)).one()),
        )
        for row in rows.all()
    }


def newest_epoch(connection: Connection, name: str) -> StoredEpoch:
    """Return an accumulator's newest epoch, which every accumulator has; ServiceError NOT_FOUND."""
    found = epoch(connection, name)
    if found is None:
        raise _missing(name, "accumulator")
    return found


def without_epoch_since(connection: Connection, moment: dt.datetime) -> list[AccumulatorName]:
    """Return the accumulators whose newest epoch was made before a moment."""
    table = tables.epoch
    query = select(table.c.accumulator).group_by(table.c.accumulator)
    rows = connection.execute(query.having(func.max(table.c.created) < to_ms(moment)))
    return [AccumulatorName.parse(row.accumulator) for row in rows]


def epoch_of_request(connection: Connection, name: str, call: Call) -> StoredEpoch | None:
    """Return the epoch that a call made; ServiceError REQUEST_ID_REUSED if its request_id was another's."""
    table = tables.epoch
    query = select(table).where(table.c.accumulator == name, table.c.request_id == call.request_id)
    row = connection.execute(query).one_or_none()
    if row is not None and row.request_digest != call.digest:
        detail = "the request_id was used for other handles"
        raise ServiceError(ServiceReason.REQUEST_ID_REUSED, detail, field="request_id")
    return _epoch(row) if row is not None else None


def revoked_of(connection: Connection, name: str, handles: Sequence[int]) -> set[int]:
    """Return those of these handles that are in an accumulator's list."""
    table, encoded = tables.revocation, [each.to_bytes(_HANDLE_OCTETS) for each in handles]
    query = select(table.c.handle).where(table.c.accumulator == name, table.c.handle.in_(encoded))
    return {int.from_bytes(row.handle) for row in connection.execute(query)}


def append(
    connection: Connection, name: AccumulatorName, page: Page, made: Epoch, call: Call, now: dt.datetime
) -> StoredEpoch:
    """Add a page to an accumulator's list with the epoch after it, and put its record into the log's outbox.

    The keys of the tables hold whatever the caller believed: one who did not know the list's newest state, or
    a handle that is in it, adds nothing, and is told STORAGE_UNAVAILABLE.
    """
    rows = [
        {
            "accumulator": str(name),
            "number": number,
            "handle": pair[:_HANDLE_OCTETS],
            "value": pair[_HANDLE_OCTETS:],
        }
        for number, pair in enumerate(page.pairs, page.first)
    ]
    connection.execute(tables.revocation.insert(), rows)
    concerned = Concerned(departments=(str(DepartmentName(name.department)),))
    statistics.count_all(connection, civil_date(now), concerned, What.REVOKED, len(rows))
    return add_epoch(connection, str(name), made, call, now)


def pairs(connection: Connection, name: str, first: int, limit: int) -> list[bytes]:
    """Return pairs of a handle and the value after it, in the order of the list, as a page holds them."""
    table = tables.revocation
    query = (
        select(table.c.handle, table.c.value)
        .where(table.c.accumulator == name, table.c.number >= first)
        .order_by(table.c.number)
        .limit(limit)
    )
    return [handle + value for handle, value in connection.execute(query)]


def add_epoch(connection: Connection, name: str, made: Epoch, call: Call, now: dt.datetime) -> StoredEpoch:
    """Add an epoch to those of an accumulator, and put its record into the log's outbox."""
    outbox = ledger.enqueue(connection, epoch_entry(made), None)
    values = {
        "accumulator": name,
        "number": made.number,
        "count": made.position.count,
        "octets": made.octets,
        "request_id": call.request_id,
        "request_digest": call.digest,
        "outbox": outbox,
        "created": to_ms(now),
    }
    connection.execute(tables.epoch.insert().values(**values))
    return StoredEpoch(made.number, made.position.count, made.octets, outbox)


def _missing(name: str, field: str) -> ServiceError:
    return ServiceError(ServiceReason.NOT_FOUND, f"there is no {name}", field=field)


def _accumulator(row: Row[Any]) -> StoredAccumulator:
    made = Accumulator.from_octets(AccumulatorName.parse(row.name), row.suite, row.public_key)
    return StoredAccumulator(made, row.sealed_secret, row.outbox, from_ms(row.created))


def _epoch(row: Row[Any]) -> StoredEpoch:
    return StoredEpoch(row.number, row._mapping["count"], row.octets, row.outbox)
