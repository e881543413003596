"""Receiving cards, and what waits for who receives; each step in one transaction.

State rules: a delivery is kept in the transaction that keeps its sender's event. Its sealed octets go when
the recipient has acknowledged it, or with its row when it expires, and nothing brings them back.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, or_, select, update

from disclosure import LocalizedText
from disclosure.delivery import SignedCard
from zkservice.errors import ServiceError, ServiceReason
from zkservice.moments import from_ms, to_ms
from zkservice.storage import parties, tables
from zkservice.storage.events import Event
from zkservice.storage.rows import insert_new

_MINUTE: Final = dt.timedelta(minutes=1)
_FORGOTTEN_AT_ONCE: Final = 256


@dataclass(frozen=True)
class Limits:
    """How much may wait for one recipient, and how much may come to it in a minute.

    Senders are nobody, so nobody else can be held to a bound.
    """

    waiting: int
    a_minute: int


@dataclass(frozen=True)
class Recipient:
    """A verifier that receives."""

    name: str
    display_name: LocalizedText


@dataclass(frozen=True)
class Delivery:
    """Something that was sent; `sealed` is None once it was acknowledged."""

    id: str
    recipient: str
    digest: bytes
    size: int
    created: dt.datetime
    expires: dt.datetime
    sealed: bytes | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """Its resource name."""
        return f"deliveries/{self.id}"


def publish(
    connection: Connection, party: str, signed: SignedCard, public_key: bytes, now: dt.datetime
) -> None:
    """Keep a party's card, in the place of an older one, and receive by it."""
    values = {
        "payload": signed.payload, "signature": signed.signature, "public_key": public_key,
        "receiving": True, "updated": to_ms(now),
    }  # fmt: skip
    table = tables.receiving_card
    if not insert_new(connection, table, {"party": party, **values}):
        connection.execute(update(table).where(table.c.party == party).values(**values))


def close(connection: Connection, party: str, now: dt.datetime) -> None:
    """Receive nothing more; ServiceError NOT_FOUND for a party that never did."""
    table = tables.receiving_card
    closed = update(table).where(table.c.party == party).values(receiving=False, updated=to_ms(now))
    if not connection.execute(closed).rowcount:
        raise _no_card()


def card(connection: Connection, party: str, *, change: bool = False) -> SignedCard:
    """Return a card that counts; for a `change`, so that no other transaction sends to it meanwhile.

    Raises ServiceError NOT_FOUND; RECEIVING_CLOSED, also once the party is registered with another key.
    """
    table = tables.receiving_card
    query = select(table).where(table.c.party == party)
    row = connection.execute(query.with_for_update() if change else query).one_or_none()
    if row is None:
        raise _no_card()
    if not row.receiving or parties.public_key(connection, party) != row.public_key:
        detail = "the recipient receives nothing at present"
        raise ServiceError(ServiceReason.RECEIVING_CLOSED, detail, field="recipient")
    return SignedCard(row.payload, row.signature)


def recipients(connection: Connection, query: str, after: str, limit: int) -> Sequence[Recipient]:
    """Return the verifiers that receive and have a text in one of their names, after a name."""
    table, verifier = tables.receiving_card, tables.verifier
    wanted = select(verifier).join(table, table.c.party == verifier.c.name)
    wanted = wanted.where(
        table.c.receiving, table.c.public_key == verifier.c.public_key, verifier.c.name > after
    )
    if query:
        names = (verifier.c.name, verifier.c.zh, verifier.c.en)
        wanted = wanted.where(or_(*(each.icontains(query, autoescape=True) for each in names)))
    rows = connection.execute(wanted.order_by(verifier.c.name).limit(limit))
    return [Recipient(row.name, LocalizedText(row.zh, row.en)) for row in rows]


def check_room(
    connection: Connection, recipient: str, limits: Limits, now: dt.datetime, *, change: bool
) -> None:
    """Raise as `card` does; ServiceError DELIVERIES_FULL if too much waits, or came in the last minute."""
    card(connection, recipient, change=change)
    table = tables.unasked_delivery
    counted = select(func.count()).select_from(table).where(table.c.recipient == recipient)
    waiting = counted.where(table.c.sealed.is_not(None), table.c.expires > to_ms(now))
    lately = counted.where(table.c.created > to_ms(now - _MINUTE))
    for count, most in ((waiting, limits.waiting), (lately, limits.a_minute)):
        if connection.execute(count).scalar_one() >= most:
            detail = "too much waits for the recipient, or came to it just now"
            raise ServiceError(ServiceReason.DELIVERIES_FULL, detail, field="recipient")


def check_new(connection: Connection, digest: bytes) -> None:
    """Raise ServiceError REPLAYED for a question that was sent before; what is forgotten is not known."""
    table = tables.unasked_delivery
    if connection.execute(select(table.c.id).where(table.c.digest == digest)).first() is not None:
        raise _sent_before()


def add(connection: Connection, made: Delivery, event: Event) -> None:
    """Keep what was sent, in the transaction of its event; ServiceError REPLAYED for the same question."""
    values = {
        "id": made.id, "recipient": made.recipient, "digest": made.digest, "size": made.size,
        "sealed": made.sealed, "event_scope": event.scope, "request_id": event.request_id,
        "created": to_ms(made.created), "expires": to_ms(made.expires),
    }  # fmt: skip
    if not insert_new(connection, tables.unasked_delivery, values):
        raise _sent_before()


def waiting(
    connection: Connection, recipient: str, after: str, limit: int, now: dt.datetime
) -> Sequence[Delivery]:
    """Return what waits for a recipient, after an identifier, without what is sealed."""
    table = tables.unasked_delivery
    columns = [each for each in table.c if each.name != "sealed"]
    query = (
        select(*columns)
        .where(
            table.c.recipient == recipient,
            table.c.id > after,
            table.c.sealed.is_not(None),
            table.c.expires > to_ms(now),
        )
        .order_by(table.c.id)
        .limit(limit)
    )
    return [_delivery(row, None) for row in connection.execute(query)]


def count_waiting(connection: Connection, recipient: str, now: dt.datetime) -> int:
    """Return how many wait for a recipient."""
    table = tables.unasked_delivery
    query = (
        select(func.count())
        .select_from(table)
        .where(table.c.recipient == recipient, table.c.sealed.is_not(None), table.c.expires > to_ms(now))
    )
    return connection.execute(query).scalar_one()


def get(connection: Connection, delivery_id: str, recipient: str, now: dt.datetime) -> Delivery:
    """Return a recipient's delivery; ServiceError NOT_FOUND, also for another's, and for an expired one."""
    table = tables.unasked_delivery
    row = connection.execute(select(table).where(table.c.id == delivery_id)).one_or_none()
    if row is None or row.recipient != recipient or row.expires <= to_ms(now):
        raise unknown_delivery()
    return _delivery(row, row.sealed)


def event_of(connection: Connection, delivery_id: str) -> Event:
    """Return the sender's event of a delivery."""
    sent, event = tables.unasked_delivery, tables.event
    ours = (event.c.scope == sent.c.event_scope) & (event.c.request_id == sent.c.request_id)
    row = connection.execute(select(event).join(sent, ours).where(sent.c.id == delivery_id)).one()
    return Event(row.scope, row.request_id, row.digest, row.sealed_opening, row.outbox)


def acknowledge(connection: Connection, delivery_id: str) -> bool:
    """Forget what is sealed of a delivery; tell whether this call was the one that did."""
    table = tables.unasked_delivery
    waits = (table.c.id == delivery_id) & table.c.sealed.is_not(None)
    return connection.execute(update(table).where(waits).values(sealed=None)).rowcount == 1


def forget_over(connection: Connection, now: dt.datetime) -> int:
    """Forget deliveries that have expired, some at a time; return how many."""
    table = tables.unasked_delivery
    over = select(table.c.id).where(table.c.expires <= to_ms(now)).limit(_FORGOTTEN_AT_ONCE)
    return connection.execute(delete(table).where(table.c.id.in_(over))).rowcount


def unknown_delivery() -> ServiceError:
    """Return what is said of a delivery that does not exist, or is another's."""
    return ServiceError(ServiceReason.NOT_FOUND, "there is no such delivery, or it is another's")


def _sent_before() -> ServiceError:
    return ServiceError(ServiceReason.REPLAYED, "this question was sent before", field="digest")


def _no_card() -> ServiceError:
    return ServiceError(ServiceReason.NOT_FOUND, "nobody of this name receives", field="recipient")


def _delivery(row: Row[Any], sealed: bytes | None) -> Delivery:
    return Delivery(
        row.id, row.recipient, row.digest, row.size, from_ms(row.created), from_ms(row.expires), sealed
    )
