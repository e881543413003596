"""Errands and their parts: reading them, and the steps of the holder. The counters' are in `errand_parts`.

A part waits for its counter, is asked, submitted, received, worked on, and done or rejected; a rejected one
waits again when its holder says so. Every change adds to the part's revision, by which watchers see it.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, select, update

from disclosure.errand import ErrandBundle
from disclosure.request import MAX_LIFETIME
from zkservice.errors import ServiceError, ServiceReason
from zkservice.moments import from_ms, to_ms
from zkservice.storage import ended_exchanges, errand_bundles, exchanges, tables
from zkservice.storage.ended_exchanges import Ending
from zkservice.storage.exchanges import Exchange
from zkservice.storage.rows import insert_new
from zkservice.storage.statistics import What


class PartState(StrEnum):
    """How far a part has come. The values are kept in databases."""

    WAITING = "waiting"
    ASKED = "asked"
    SUBMITTED = "submitted"
    RECEIVED = "received"
    IN_PROGRESS = "in-progress"
    DONE = "done"
    REJECTED = "rejected"


class ErrandState(StrEnum):
    """How far an errand has come; EXPIRED and DONE follow from the rest and are not kept."""

    OPEN = "open"
    SUBMITTED = "submitted"
    ABANDONED = "abandoned"
    EXPIRED = "expired"
    DONE = "done"


_UNSUBMITTED: Final = (ErrandState.OPEN.value, ErrandState.ABANDONED.value)
_KEPT: Final = MAX_LIFETIME + dt.timedelta(days=1)
"""So long after its end an errand is kept that was not submitted: longer than any request of it lives."""
_AT_ONCE: Final = 500
HANDED_IN: Final = (PartState.SUBMITTED, PartState.RECEIVED, PartState.IN_PROGRESS)
"""The states in which a part is its counter's to settle."""


@dataclass(frozen=True)
class Ask:
    """What a counter asked of a part: the exchange, and what ties it to the part."""

    exchange: Exchange
    form_key: bytes
    signature: bytes
    sealed_form: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Part:
    """One part of an errand. `state` is as of when it was read: WAITING again once what was asked ended."""

    id: str
    errand: str
    part: str
    verifier: str
    state: PartState
    ask: Ask | None
    revision: int

    @property
    def name(self) -> str:
        """Its resource name."""
        return f"errandParts/{self.id}"


@dataclass(frozen=True)
class Errand:
    """An errand with its parts, in the order of its bundle, as of when it was read."""

    id: str
    bundle: ErrandBundle
    state: ErrandState
    created: dt.datetime
    expires: dt.datetime
    parts: tuple[Part, ...]

    def is_ready(self, part: str) -> bool:
        """Tell whether everything that a part depends on is done."""
        done = {each.part for each in self.parts if each.state is PartState.DONE}
        return done.issuperset(self.bundle.counter(part).depends_on)

    def check_open(self) -> None:
        """Raise ServiceError ERRAND_ENDED once nothing can be submitted any more."""
        if self.state in (ErrandState.ABANDONED, ErrandState.EXPIRED, ErrandState.DONE):
            raise ServiceError(ServiceReason.ERRAND_ENDED, "the errand has ended")


@dataclass(frozen=True)
class Update:
    """What a counter told; `sealed` is opened with `zkservice.keys`."""

    number: int
    state: PartState
    sealed: bytes = field(repr=False)
    created: dt.datetime


def started(connection: Connection, mark: bytes, bundle: str, now: dt.datetime, most: int) -> Errand | None:
    """Return the errand that the same call began before, None if it may begin one; raises as `start` does."""
    errand_bundles.get(connection, bundle, field="bundle")
    table = tables.errand
    before = connection.execute(select(table.c.id, table.c.bundle).where(table.c.start_mark == mark)).first()
    if before is not None:
        if before.bundle != bundle:
            detail = "the request_id was used for another bundle"
            raise ServiceError(ServiceReason.REQUEST_ID_REUSED, detail, field="request_id")
        return get(connection, before.id, now)
    waiting = select(func.count()).where(
        table.c.bundle == bundle,
        table.c.state.in_(_UNSUBMITTED),
        table.c.expires > to_ms(now),
    )
    if connection.execute(waiting).scalar_one() >= most:
        raise ServiceError(ServiceReason.OVERLOADED, "too many errands of this kind wait; try again later")
    return None


def start(
    connection: Connection,
    errand_id: str,
    mark: bytes,
    bundle: str,
    part_id: Callable[[], str],
    now: dt.datetime,
    lifetime: dt.timedelta,
    most: int,
) -> Errand:
    """Begin an errand; the same call sent again gets the one that it began.

    Raises ServiceError NOT_FOUND (the bundle), REQUEST_ID_REUSED, OVERLOADED if `most` of its errands were
    begun within a lifetime and not submitted: one that was ended counts until its time would have been over,
    so that whoever begins and ends them leaves no more entries on the ledger than that.
    """
    before = started(connection, mark, bundle, now, most)
    if before is not None:
        return before
    found = errand_bundles.get(connection, bundle, field="bundle").bundle
    table = tables.errand
    values = {
        "id": errand_id,
        "start_mark": mark,
        "bundle": bundle,
        "state": ErrandState.OPEN.value,
        "created": to_ms(now),
        "expires": to_ms(now + lifetime),
    }
    insert_new(connection, table, values)
    rows = [
        {
            "id": part_id(),
            "errand": errand_id,
            "part": each.part,
            "verifier": str(each.verifier),
            "state": PartState.WAITING.value,
            "revision": 1,
        }
        for each in found.counters
    ]
    connection.execute(tables.errand_part.insert(), rows)
    return get(connection, errand_id, now)


def get(connection: Connection, errand_id: str, now: dt.datetime) -> Errand:
    """Return an errand; ServiceError NOT_FOUND."""
    table = tables.errand
    row = connection.execute(select(table).where(table.c.id == errand_id)).one_or_none()
    if row is None:
        raise unknown_errand()
    bundle = errand_bundles.get(connection, row.bundle).bundle
    read = {each.part: each for each in _parts(connection, errand_id, now)}
    parts = tuple(read[each.part] for each in bundle.counters)
    expires = from_ms(row.expires)
    state = ErrandState(row.state)
    if state is ErrandState.OPEN and now >= expires:
        state = ErrandState.EXPIRED
    elif all(each.state is PartState.DONE for each in parts):
        state = ErrandState.DONE
    return Errand(row.id, bundle, state, from_ms(row.created), expires, parts)


def unknown_errand() -> ServiceError:
    """Return what is said of an errand that does not exist, or to which the ticket does not belong."""
    return ServiceError(ServiceReason.NOT_FOUND, "there is no such errand, or the ticket is not its own")


def _parts(connection: Connection, errand_id: str, now: dt.datetime) -> list[Part]:
    table = tables.errand_part
    rows = connection.execute(select(table).where(table.c.errand == errand_id)).all()
    return [part_of(connection, row, now) for row in rows]


def part_of(connection: Connection, row: Row[Any], now: dt.datetime) -> Part:
    """Return the part of a row, with what its counter asked last."""
    ask = None if row.exchange is None else _ask(connection, row.exchange)
    state = PartState(row.state)
    if state is PartState.ASKED and ask is not None and now >= ask.exchange.expires:
        state = PartState.WAITING
    return Part(row.id, row.errand, row.part, row.verifier, state, ask, row.revision)


def _ask(connection: Connection, exchange: str) -> Ask:
    table = tables.errand_ask
    row = connection.execute(select(table).where(table.c.exchange == exchange)).one()
    return Ask(exchanges.get(connection, exchange), row.form_key, row.signature, row.sealed_form)


def updates(connection: Connection, part_id: str) -> list[Update]:
    """Return what a counter has told of a part, oldest first."""
    table = tables.errand_update
    rows = connection.execute(select(table).where(table.c.part == part_id).order_by(table.c.number))
    return [Update(row.number, PartState(row.state), row.sealed, from_ms(row.created)) for row in rows]


def change(connection: Connection, part: Part, **values: Any) -> None:
    """Write new values of a part, and that it has changed."""
    table = tables.errand_part
    changed = {**values, "revision": table.c.revision + 1}
    connection.execute(update(table).where(table.c.id == part.id).values(**changed))


def chosen(errand: Errand, names: Sequence[str]) -> tuple[Part, ...]:
    """Return the parts that a submission names, once it may be made: all of them the first time, afterwards
    such as were asked anew.

    Raises ServiceError ERRAND_ENDED, NOT_FOUND, FIELD_INVALID, ERRAND_INCOMPLETE, PART_STATE_INVALID.
    """
    errand.check_open()
    known = {each.name: each for each in errand.parts}
    for place, name in enumerate(names):
        at = f"answers[{place}].part"
        if name not in known:
            raise ServiceError(ServiceReason.NOT_FOUND, "the errand has no such part", field=at)
        if name in names[:place]:
            raise ServiceError(ServiceReason.FIELD_INVALID, "a part is submitted once", field=at)
    first = errand.state is ErrandState.OPEN
    if first and len(names) != len(known):
        detail = "the first time every part of the errand is submitted, in one call"
        raise ServiceError(ServiceReason.ERRAND_INCOMPLETE, detail, field="answers")
    for place, name in enumerate(names):
        if known[name].state is not PartState.ASKED:
            detail = "the part's counter does not ask for it now"
            reason = ServiceReason.ERRAND_INCOMPLETE if first else ServiceReason.PART_STATE_INVALID
            raise ServiceError(reason, detail, field=f"answers[{place}].part")
    return tuple(known[name] for name in names)


def hand_in(
    connection: Connection, errand: Errand, part: Part, sealed_form: bytes | None, now: dt.datetime
) -> None:
    """Give a part to its counter, in the transaction that accepts its answer."""
    if part.ask is None:  # `chosen` gave it, so it was asked
        raise ServiceError(ServiceReason.INTERNAL, "a part without an ask was submitted")
    days = errand.bundle.counter(part.part).settle_days
    due = to_ms(now + dt.timedelta(days=days)) if days else None
    change(connection, part, state=PartState.SUBMITTED.value, due=due)
    ask = tables.errand_ask
    connection.execute(
        update(ask).where(ask.c.exchange == part.ask.exchange.id).values(sealed_form=sealed_form)
    )
    _state(connection, errand.id, ErrandState.SUBMITTED)


def abandon(connection: Connection, errand: Errand) -> None:
    """End an errand that was not submitted; ServiceError ERRAND_ENDED."""
    if errand.state is not ErrandState.OPEN:
        detail = "the errand was submitted, or has ended"
        raise ServiceError(ServiceReason.ERRAND_ENDED, detail)
    _state(connection, errand.id, ErrandState.ABANDONED)
    for each in errand.parts:
        change(connection, each)


def forget_ended(connection: Connection, now: dt.datetime) -> int:
    """Forget errands that ended unsubmitted, some at a time; return how many they were.

    No request of theirs can be answered then any more: it is by its errand that one is known as an errand's.
    """
    errand, part, ask = tables.errand, tables.errand_part, tables.errand_ask
    ended = errand.c.state.in_(_UNSUBMITTED) & (errand.c.expires <= to_ms(now - _KEPT))
    gone = connection.execute(select(errand.c.id).where(ended).limit(_AT_ONCE)).scalars().all()
    parts = select(part.c.id).where(part.c.errand.in_(gone))
    connection.execute(delete(ask).where(ask.c.part.in_(parts)))
    connection.execute(delete(part).where(part.c.errand.in_(gone)))
    connection.execute(delete(errand).where(errand.c.id.in_(gone)))
    return len(gone)


def refuse(connection: Connection, errand: Errand, name: str, now: dt.datetime, *, over: bool) -> Ask:
    """Refuse what is asked for a part, counted as over-asking if it is `over`; return it. The errand ends
    with it.

    Where the errand was submitted before, and the part asked anew, the part alone is rejected. Raises
    ServiceError NOT_FOUND, ERRAND_ENDED, PART_STATE_INVALID.
    """
    part = named(errand, name)
    errand.check_open()
    if part.state is not PartState.ASKED or part.ask is None:
        detail = "the part's counter does not ask for it now"
        raise ServiceError(ServiceReason.PART_STATE_INVALID, detail, field="part")
    counted = [What.OVER_ASKED] if over else []
    ended_exchanges.end(connection, part.ask.exchange.id, Ending.DECLINED, now, *counted)
    if errand.state is ErrandState.OPEN:
        abandon(connection, errand)
    else:
        change(connection, part, state=PartState.REJECTED.value)
    return part.ask


def named(errand: Errand, name: str) -> Part:
    """Return the part of an errand that has a name; ServiceError NOT_FOUND."""
    for each in errand.parts:
        if each.name == name:
            return each
    raise ServiceError(ServiceReason.NOT_FOUND, "the errand has no such part", field="part")


def retry(connection: Connection, errand: Errand, name: str) -> None:
    """Open a rejected part again; one that was opened again and not yet submitted stays as it is.

    Raises ServiceError NOT_FOUND, ERRAND_ENDED, PART_STATE_INVALID.
    """
    part = named(errand, name)
    errand.check_open()
    if part.state in (PartState.WAITING, PartState.ASKED):
        return
    if part.state is not PartState.REJECTED:
        detail = "only what was rejected is submitted again"
        raise ServiceError(ServiceReason.PART_STATE_INVALID, detail, field="part")
    change(connection, part, state=PartState.WAITING.value)


def answered_by(connection: Connection, errand: Errand, names: Sequence[str], request_id: str) -> list[str]:
    """Return the exchanges that one submission answered, by its parts' names in their order."""
    ask, answer = tables.errand_ask, tables.answer
    query = (
        select(ask.c.part, ask.c.exchange)
        .join(answer, answer.c.exchange == ask.c.exchange)
        .where(ask.c.part.in_([each.id for each in errand.parts]), answer.c.request_id == request_id)
    )
    found = {f"errandParts/{row.part}": row.exchange for row in connection.execute(query)}
    return [found[name] for name in names]


def _state(connection: Connection, errand_id: str, state: ErrandState) -> None:
    table = tables.errand
    connection.execute(update(table).where(table.c.id == errand_id).values(state=state.value))
