"""Records and pushes: exactly one offer that counts for each record, and what became of the ones before.

Whatever ends an offer happens in the transaction that keeps the new one: one that nobody has claimed is void,
and a credential that was claimed is left to be revoked (`due_revocation`), which no crash forgets.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Insert, Row, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from disclosure import SchemaName, civil_date
from zkservice.errors import ServiceError, ServiceReason
from zkservice.moments import from_ms, to_ms
from zkservice.storage import accounts, catalog, items, statistics, tables
from zkservice.storage.composite_offers import CompositeOffer
from zkservice.storage.ended_offers import end
from zkservice.storage.issuance import Offer
from zkservice.storage.many import insert_many, present
from zkservice.storage.record_grounds import check_unchanged
from zkservice.storage.statistics import Concerned, What

MAX_REJECTIONS: Final = 1000
_SWEPT_AT_ONCE: Final = 256
_NEW: Final = 0
_NEW_OFFER: Final = tables.offer.insert()
_OFFER_COLUMNS: Final = (
    "id", "department", "schema", "request_id", "request_digest", "state", "sealed", "created", "expires",
)  # fmt: skip
_NEW_COMPOSITE_OFFER: Final = tables.composite_offer.insert()
_COMPOSITE_COLUMNS: Final = ("offer", "terms", "request", "person")
_RECORD_COLUMNS: Final = ("department", "item", "mark", "digest", "offer", "renews", "ends", "seen")


class Came(StrEnum):
    """What came of a record; the values are names of columns of `push`."""

    ISSUED = "issued"
    UNCHANGED = "unchanged"
    REPLACED = "replaced"
    RENEWED = "renewed"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Item:
    """What records belong to: a department, by resource name, and one of its items."""

    department: str
    item: str


@dataclass(frozen=True)
class Rejection:
    """A record that was refused, by its place in the push; the field is a path in the record."""

    place: int
    reason: str
    field: str


@dataclass(frozen=True)
class Push:
    """A push as it is stored, with its counts by the names of `Came`."""

    number: int
    department: str
    id: str
    schema: str
    done: int
    counts: dict[str, int]
    not_revocable: int
    withdrawn: int
    finished: bool


@dataclass(frozen=True)
class Stored:
    """A record as it is stored, with its newest offer."""

    mark: bytes = field(repr=False)
    digest: bytes = field(repr=False)
    renews: str | None
    ends: dt.date
    offer: Offer

    def claimed(self) -> bool:
        """Tell whether a vault has the credential of the newest offer."""
        return self.offer.claim_request_id is not None

    def over(self, now: dt.datetime) -> bool:
        """Tell whether nobody has claimed the newest offer, and nobody can any more."""
        return not self.claimed() and (self.offer.state == "expired" or now >= self.offer.expires)


@dataclass(frozen=True)
class Made:
    """A new offer for a record: with the row beside it if it is of the composite form, and its account."""

    place: int
    came: Came
    mark: bytes = field(repr=False)
    offer: Offer
    composite: CompositeOffer | None
    account: str | None
    ends: dt.date
    before: Stored | None = None

    @property
    def renews(self) -> str | None:
        """The offer whose credential goes on until this one is claimed."""
        if self.came is not Came.RENEWED or self.before is None:
            return None
        return self.before.offer.id if self.before.claimed() else self.before.renews


@dataclass(frozen=True)
class Group:
    """What is to be kept of some records that follow each other, from the place `first` on."""

    first: int
    size: int
    made: Sequence[Made]
    seen: Sequence[bytes] = field(repr=False)
    """Marks of records that are there and not changed, or were refused."""
    rejected: Sequence[Rejection]
    key: str | None = None
    """The issuer key that has signed what was made, where that was signed already."""


def open_push(connection: Connection, department: str, push: str, schema: str, first: int) -> Push:
    """Return a push that goes on, or a new one, which `begin` keeps.

    Raises ServiceError REQUEST_ID_REUSED (the push is of another schema), PUSH_FINISHED, RANGE_INVALID.
    """
    found = find_push(connection, department, push)
    if found is None:
        found = Push(_NEW, department, push, schema, 0, dict.fromkeys(map(str, Came), 0), 0, 0, False)
    if found.schema != schema:
        detail = "the push is of another schema"
        raise ServiceError(ServiceReason.REQUEST_ID_REUSED, detail, field="start.push")
    if found.finished:
        raise ServiceError(ServiceReason.PUSH_FINISHED, "the push is finished", field="start.push")
    if not 0 <= first <= found.done:
        detail = f"{found.done} records of the push are done; it goes on there, or before"
        raise ServiceError(ServiceReason.RANGE_INVALID, detail, field="start.first")
    return found


def begin(connection: Connection, push: Push, now: dt.datetime) -> Push:
    """Keep a push that is new, with its first group or when it has ended without one: of a push that is
    refused nothing is kept."""
    if push.number != _NEW:
        return push
    values = {"department": push.department, "id": push.id, "schema": push.schema, "finished": False}
    counts = dict.fromkeys(("done", "not_revocable", "withdrawn", *Came), 0)
    connection.execute(tables.push.insert().values(**values, **counts, created=to_ms(now)))
    return get_push(connection, push.department, push.id)


def get_push(connection: Connection, department: str, push: str) -> Push:
    """Return a department's push; ServiceError NOT_FOUND."""
    found = find_push(connection, department, push)
    if found is None:
        raise ServiceError(ServiceReason.NOT_FOUND, "there is no such push", field="push")
    return found


def find_push(connection: Connection, department: str, push: str) -> Push | None:
    """Return a department's push, None if there is none."""
    table = tables.push
    query = select(table).where(table.c.department == department, table.c.id == push)
    row = connection.execute(query).one_or_none()
    return _push(row) if row is not None else None


def rejections(connection: Connection, push: Push) -> list[Rejection]:
    """Return the first of a push's records that were refused."""
    table = tables.push_rejection
    query = select(table).where(table.c.push == push.number).order_by(table.c.place).limit(MAX_REJECTIONS)
    return [Rejection(row.place, row.reason, row.field) for row in connection.execute(query)]


def stored(connection: Connection, item: Item, marks: Iterable[bytes]) -> dict[bytes, Stored]:
    """Return those of these records that there are, by their marks."""
    table, offers = tables.record, tables.offer
    where = {table.c.department: item.department, table.c.item: item.item}
    # Usually none is there yet, or all are: what is there is asked for first, in a way that costs less.
    there = present(connection, table.c.mark, where, list(marks))
    if not there:
        return {}
    columns = table.c.mark, table.c.digest, table.c.renews, table.c.ends
    query = (
        select(*columns, *(each for each in offers.c if each.name != "sealed"))
        .join(offers, offers.c.id == table.c.offer)
        .where(_of(item), table.c.mark.in_(there))
    )
    return {row.mark: _stored(row) for row in connection.execute(query)}


def keep(
    connection: Connection, push: Push, item: Item, group: Group, now: dt.datetime
) -> tuple[Push, list[int]]:
    """Keep a group, all of it; return the push as it is then, and the places of the records whose earlier
    credential cannot be revoked. Raises ServiceError INTERNAL if another has gone on with the push,
    ITEM_DEPRECATED, OVERLOADED: the key has been taken on meanwhile, and whoever goes on gets the next;
    PUSH_RUNNING: another server has changed these records meanwhile.
    """
    before = {each.mark: each.before.offer.id if each.before else None for each in group.made}
    check_unchanged(connection, item.department, item.item, before)
    if group.made:
        items.check_offered(connection, SchemaName.parse(push.schema), field="start.schema")
    if group.key is not None and not catalog.signs(connection, group.key):
        raise ServiceError(ServiceReason.OVERLOADED, "the department's issuer keys are being changed")
    push = begin(connection, push, now)
    ended = {
        offer: made.place
        for made in group.made
        if made.came is Came.REPLACED and made.before is not None
        for offer in (made.before.offer.id, made.before.renews)
        if offer is not None
    }
    left = sorted({ended[offer] for offer in end(connection, ended)})
    if group.made:
        _add(connection, item, push.number, group.made, now)
    if group.seen:
        table = tables.record
        older = _of(item) & table.c.mark.in_(list(group.seen)) & (table.c.seen < push.number)
        connection.execute(update(table).where(older).values(seen=push.number))
    room = MAX_REJECTIONS - push.counts[Came.REJECTED]
    if group.rejected and room > 0:
        rows = [
            {"push": push.number, "place": each.place, "reason": each.reason, "field": each.field[:200]}
            for each in group.rejected[:room]
        ]
        connection.execute(tables.push_rejection.insert(), rows)
    return _advanced(connection, push, group, len(left), now), left


def withdraw(connection: Connection, item: Item, marks: Sequence[bytes]) -> tuple[int, set[bytes]]:
    """Forget records and end their offers; return how many there were, and the marks of those whose
    credential cannot be revoked."""
    table = tables.record
    rows = connection.execute(select(table).where(_of(item), table.c.mark.in_(list(marks)))).all()
    offers = {offer: row.mark for row in rows for offer in (row.offer, row.renews) if offer is not None}
    left = {offers[each] for each in end(connection, offers)}
    connection.execute(delete(table).where(_of(item), table.c.mark.in_([row.mark for row in rows])))
    return len(rows), left


def withdraw_missing(connection: Connection, push: Push, item: Item) -> Push | None:
    """Withdraw some of the records that no push since this one began has had; None if there are no more."""
    table = tables.record
    query = select(table.c.mark).where(_of(item), table.c.seen < push.number).limit(_SWEPT_AT_ONCE)
    marks = list(connection.execute(query).scalars())
    if not marks:
        return None
    count, left = withdraw(connection, item, marks)
    table = tables.push
    added = {"withdrawn": table.c.withdrawn + count, "not_revocable": table.c.not_revocable + len(left)}
    connection.execute(update(table).where(table.c.number == push.number).values(**added))
    return get_push(connection, push.department, push.id)


def finish(connection: Connection, push: Push) -> Push:
    """Say that a push takes no more records."""
    table = tables.push
    connection.execute(update(table).where(table.c.number == push.number).values(finished=True))
    return get_push(connection, push.department, push.id)


def count(connection: Connection, item: Item, until: dt.date) -> tuple[int, int]:
    """Return how many records an item has, and of how many the credential ends by a day."""
    table = tables.record
    due = func.sum((table.c.ends <= until).cast(tables.push.c.done.type))
    row = connection.execute(select(func.count(), due).select_from(table).where(_of(item))).one()
    return row[0], int(row[1] or 0)


def _of(item: Item) -> ColumnElement[bool]:
    table = tables.record
    return (table.c.department == item.department) & (table.c.item == item.item)


def _add(connection: Connection, item: Item, number: int, made: Sequence[Made], now: dt.datetime) -> None:
    moment = cache(to_ms)  # a group's offers have few
    offers = [_offer_row(each.offer, moment) for each in made]
    insert_many(connection, _NEW_OFFER, _OFFER_COLUMNS, offers)
    composite = [_composite_row(each.composite) for each in made if each.composite is not None]
    insert_many(connection, _NEW_COMPOSITE_OFFER, _COMPOSITE_COLUMNS, composite)
    rows = [
        (
            item.department,
            item.item,
            each.mark,
            each.offer.request_digest,
            each.offer.id,
            each.renews,
            each.ends,
            number,
        )
        for each in made
    ]
    insert_many(connection, _upsert(connection.dialect.name), _RECORD_COLUMNS, rows)
    accounts.deliver_all(
        connection,
        [(each.offer.id, each.account, _taken(each)) for each in made if each.account is not None],
        now,
    )
    concerned = Concerned(departments=(item.department,))
    statistics.count_all(connection, civil_date(now), concerned, What.OFFERED, len(made))


def _taken(made: Made) -> str | None:
    """Return the offer whose credential an offer takes the place of, for the vault that has it."""
    if made.before is None:
        return None
    return made.before.offer.id if made.before.claimed() else made.before.renews


def _advanced(connection: Connection, push: Push, group: Group, not_revocable: int, now: dt.datetime) -> Push:
    came = dict.fromkeys(Came, 0)
    for made in group.made:
        came[made.came] += 1
    came[Came.REJECTED] = len(group.rejected)
    came[Came.UNCHANGED] = group.size - len(group.made) - len(group.rejected)
    counts = {each: push.counts[each] + n for each, n in came.items()}
    done, left = group.first + group.size, push.not_revocable + not_revocable
    table = tables.push
    still = (table.c.number == push.number) & (table.c.done == group.first)
    changed = update(table).where(still).values(done=done, not_revocable=left, changed=to_ms(now), **counts)
    if connection.execute(changed).rowcount != 1:
        raise ServiceError(ServiceReason.INTERNAL, "another stream has gone on with the push")
    return replace(push, done=done, counts={str(each): n for each, n in counts.items()}, not_revocable=left)


def _offer_row(offer: Offer, moment: Callable[[dt.datetime], int]) -> tuple[Any, ...]:
    return (
        offer.id,
        offer.department,
        offer.schema,
        offer.request_id,
        offer.request_digest,
        offer.state,
        offer.sealed,
        moment(offer.created),
        moment(offer.expires),
    )


def _composite_row(made: CompositeOffer) -> tuple[Any, ...]:
    return made.offer.id, made.terms, made.request, made.person


@cache
def _upsert(dialect: str) -> Insert:
    table = tables.record
    insert: Any = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(table)
    changed = {name: insert.excluded[name] for name in ("digest", "offer", "renews", "ends", "seen")}
    upsert: Insert = insert.on_conflict_do_update(index_elements=list(table.primary_key), set_=changed)
    return upsert


def _push(row: Row[Any]) -> Push:
    counts = {str(each): row._mapping[each] for each in Came}
    return Push(
        row.number,
        row.department,
        row.id,
        row.schema,
        row.done,
        counts,
        row.not_revocable,
        row.withdrawn,
        row.finished,
    )


def _stored(row: Row[Any]) -> Stored:
    offer = Offer(
        id=row.id,
        department=row.department,
        schema=row.schema,
        request_id=row.request_id,
        request_digest=row.request_digest,
        created=from_ms(row.created),
        expires=from_ms(row.expires),
        state=row.state,
        claim_request_id=row.claim_request_id,
    )
    return Stored(row.mark, row.digest, row.renews, row.ends, offer)
