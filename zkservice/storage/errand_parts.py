"""The counters' side of errands: finding their parts, asking, telling how far one has come."""

import datetime as dt
import hmac
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection, case, func, or_, select, tuple_, update

from disclosure import civil_date
from zkservice.errors import ServiceError, ServiceReason
from zkservice.moments import from_ms, to_ms
from zkservice.storage import errands, statistics, tables
from zkservice.storage.errands import HANDED_IN, Ask, Errand, ErrandState, Part, PartState
from zkservice.storage.statistics import Concerned, What

MAX_UPDATES: Final = 100
_AT_ONCE: Final = 500
_ORDER: Final = (PartState.SUBMITTED, PartState.RECEIVED, PartState.IN_PROGRESS, PartState.DONE)


@dataclass(frozen=True)
class Told:
    """What a counter tells of a part; `digest` says what the call asked for."""

    state: PartState
    request_id: str
    digest: bytes
    sealed: bytes = field(repr=False)


@dataclass(frozen=True)
class Active:
    """A part that its counter has to do something about; `ended` tells whether what was asked has ended
    meanwhile. After `place` the next ones are found."""

    id: str
    revision: int
    ended: bool
    place: tuple[int, int, str]


def active(
    connection: Connection,
    verifier: str,
    bundle: str,
    now: dt.datetime,
    after: tuple[int, int, str] | None = None,
) -> list[Active]:
    """Return some of the parts that a counter has to do something about, those after a place.

    What was handed in comes before what was not, each from the oldest errand on: anybody may begin errands,
    and so many as a stranger likes must not come before what a person has submitted.
    """
    part, errand, exchange = tables.errand_part, tables.errand, tables.exchange
    handed_in = part.c.state.in_([each.value for each in HANDED_IN])
    rank = case((handed_in, 0), else_=1)
    place = tuple_(rank, errand.c.created, part.c.id)
    waits = part.c.state.in_([PartState.WAITING.value, PartState.ASKED.value]) & or_(
        errand.c.state == ErrandState.SUBMITTED.value,
        (errand.c.state == ErrandState.OPEN.value) & (errand.c.expires > to_ms(now)),
    )
    query = (
        select(part.c.id, part.c.revision, exchange.c.expires, errand.c.created, rank.label("rank"))
        .join(errand, errand.c.id == part.c.errand)
        .join(exchange, exchange.c.id == part.c.exchange, isouter=True)
        .where(
            part.c.verifier == verifier,
            errand.c.bundle == bundle,
            or_(waits, handed_in),
        )
        .order_by(rank, errand.c.created, part.c.id)
        .limit(_AT_ONCE)
    )
    if after is not None:
        query = query.where(place > after)
    return [
        Active(
            row.id,
            row.revision,
            row.expires is not None and row.expires <= to_ms(now),
            (row.rank, row.created, row.id),
        )
        for row in connection.execute(query)
    ]


def is_tied(connection: Connection, exchange: str) -> bool:
    """Tell whether an exchange was opened for a part: only the part's errand answers it."""
    table = tables.errand_ask
    found = connection.execute(select(table.c.part).where(table.c.exchange == exchange))
    return found.first() is not None


def own(connection: Connection, verifier: str, part_id: str, now: dt.datetime) -> tuple[Errand, Part]:
    """Return a counter's own part with its errand.

    Raises ServiceError NOT_FOUND, also for another counter's: it does not learn that there is one.
    """
    table = tables.errand_part
    query = select(table.c.errand).where(table.c.id == part_id, table.c.verifier == verifier)
    found = connection.execute(query).scalar()
    if found is None:
        detail = "there is no such part, or it is another counter's"
        raise ServiceError(ServiceReason.NOT_FOUND, detail, field="part")
    errand = errands.get(connection, found, now)
    return errand, next(each for each in errand.parts if each.id == part_id)


def ask(connection: Connection, errand: Errand, part: Part, asked: Ask, *, fresh: bool) -> Ask:
    """Tie an exchange to a part; the same again changes nothing.

    `fresh` tells that the exchange was opened in this transaction: of one that was opened by itself before,
    somebody has the ticket, and could answer it in place of the errand. Raises ServiceError ERRAND_ENDED,
    PART_STATE_INVALID (it is asked already, or was submitted), REQUEST_ID_REUSED (for such an exchange, for
    another part, or with another form key).
    """
    table = tables.errand_ask
    before = connection.execute(select(table).where(table.c.exchange == asked.exchange.id)).one_or_none()
    if before is not None:
        if (before.part, before.form_key) != (part.id, asked.form_key):
            detail = "the request_id was used for another part, or with another form key"
            raise ServiceError(ServiceReason.REQUEST_ID_REUSED, detail, field="request_id")
        return asked
    if not fresh:
        detail = "the request_id was used to open an exchange by itself"
        raise ServiceError(ServiceReason.REQUEST_ID_REUSED, detail, field="request_id")
    errand.check_open()
    if part.state is not PartState.WAITING:
        detail = "the part was asked for already"
        raise ServiceError(ServiceReason.PART_STATE_INVALID, detail, field="part")
    values = {
        "exchange": asked.exchange.id,
        "part": part.id,
        "form_key": asked.form_key,
        "signature": asked.signature,
    }
    connection.execute(table.insert().values(**values))
    errands.change(connection, part, state=PartState.ASKED.value, exchange=asked.exchange.id)
    return asked


def tell(connection: Connection, errand: Errand, part: Part, told: Told, now: dt.datetime) -> tuple[str, ...]:
    """Keep what a counter tells; return the counters whose parts may now begin.

    The same call sent again changes nothing. Raises ServiceError PART_STATE_INVALID, PART_NOT_READY,
    REQUEST_ID_REUSED.
    """
    table = tables.errand_update
    mine = (table.c.part == part.id) & (table.c.request_id == told.request_id)
    before = connection.execute(select(table.c.digest).where(mine)).scalar()
    if before is not None:
        if not hmac.compare_digest(before, told.digest):
            detail = "the request_id was used to tell something else"
            raise ServiceError(ServiceReason.REQUEST_ID_REUSED, detail, field="request_id")
        return ()
    _check(errand, part, told.state)
    number = connection.execute(select(func.count()).where(table.c.part == part.id)).scalar_one()
    if number >= MAX_UPDATES:
        detail = f"of a part {MAX_UPDATES} things are told at most"
        raise ServiceError(ServiceReason.PART_STATE_INVALID, detail, field="part")
    values = {
        "part": part.id,
        "number": number,
        "request_id": told.request_id,
        "digest": told.digest,
        "state": told.state.value,
        "sealed": told.sealed,
        "created": to_ms(now),
    }
    connection.execute(table.insert().values(**values))
    settled = {} if told.state in HANDED_IN else {"due": None}
    errands.change(connection, part, state=told.state.value, **settled)
    if told.state is not PartState.DONE:
        return ()
    waiting = [each for each in errand.parts if part.part in errand.bundle.counter(each.part).depends_on]
    for each in waiting:
        errands.change(connection, each)
    return tuple(each.verifier for each in waiting)


def _check(errand: Errand, part: Part, state: PartState) -> None:
    """Raise unless a part may come to a state: forward, and not before what it depends on."""
    rejected = state is PartState.REJECTED
    if part.state not in HANDED_IN or not (rejected or _ORDER.index(part.state) <= _ORDER.index(state)):
        detail = f"the part is {part.state.value}"
        raise ServiceError(ServiceReason.PART_STATE_INVALID, detail, field="state")
    if state in (PartState.IN_PROGRESS, PartState.DONE) and not errand.is_ready(part.part):
        detail = "what the part depends on is not done"
        raise ServiceError(ServiceReason.PART_NOT_READY, detail, field="part")


def count_overdue(connection: Connection, now: dt.datetime) -> int:
    """Count the parts that their counters did not settle in time, some at a time; return how many.

    Each counts once, on the day that it was due.
    """
    table, errand = tables.errand_part, tables.errand
    query = (
        select(table.c.id, table.c.verifier, table.c.due, table.c.part, errand.c.id.label("errand"))
        .join(errand, errand.c.id == table.c.errand)
        .where(table.c.due <= to_ms(now))
        .limit(_AT_ONCE)
    )
    rows = connection.execute(query).all()
    for row in rows:
        policy = errands.get(connection, row.errand, now).bundle.counter(row.part).policy
        day = civil_date(from_ms(row.due))
        statistics.count_all(connection, day, Concerned(row.verifier, str(policy)), What.OVERDUE)
    gone = [row.id for row in rows]
    connection.execute(update(table).where(table.c.id.in_(gone)).values(due=None))
    return len(rows)
