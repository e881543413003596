"""Offers: what waits, sealed, for its holder's vault, and is forgotten once it is stored there.

Of the plain form a signed credential; of the composite form see `composite_offers`.
"""

import datetime as dt
import hmac
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, select, update

from disclosure import SchemaName, civil_date
from zkservice.errors import ServiceError, ServiceReason
from zkservice.moments import from_ms, to_ms
from zkservice.storage import ended_offers, items, statistics, tables
from zkservice.storage.rows import insert_new
from zkservice.storage.statistics import Concerned, What


@dataclass(frozen=True)
class Offer:
    """An offer as it is stored; `sealed` is the credential, until the vault has it or the offer ends."""

    id: str
    department: str
    schema: str
    request_id: str
    request_digest: bytes = field(repr=False)
    created: dt.datetime
    expires: dt.datetime
    sealed: bytes | None = field(default=None, repr=False)
    state: str = "offered"
    claim_request_id: str | None = None
    document_holder: bytes | None = field(default=None, repr=False)


def add(connection: Connection, offer: Offer) -> Offer:
    """Keep an offer; the one of the same request_id is returned as it is, if there is one.

    Raises ServiceError REQUEST_ID_REUSED, ITEM_DEPRECATED.
    """
    values = {
        "id": offer.id,
        "department": offer.department,
        "schema": offer.schema,
        "request_id": offer.request_id,
        "request_digest": offer.request_digest,
        "state": offer.state,
        "sealed": offer.sealed,
        "created": to_ms(offer.created),
        "expires": to_ms(offer.expires),
    }
    if insert_new(connection, tables.offer, values):
        items.check_offered(connection, SchemaName.parse(offer.schema))
        _count(connection, offer, offer.created, What.OFFERED)
        return offer
    existing = of_request(connection, offer.department, offer.request_id, offer.request_digest)
    if existing is None:
        raise ServiceError(ServiceReason.INTERNAL, "an offer's identifier came up twice")
    return existing


def of_request(
    connection: Connection, department: str, request_id: str, request_digest: bytes
) -> Offer | None:
    """Return the offer that a department's request_id made; ServiceError REQUEST_ID_REUSED."""
    table = tables.offer
    query = select(table).where(table.c.department == department, table.c.request_id == request_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    if row.request_digest != request_digest:
        detail = "the request_id was used for another credential"
        raise ServiceError(ServiceReason.REQUEST_ID_REUSED, detail, field="request_id")
    return _offer(row)


def claim(connection: Connection, offer_id: str, request_id: str, now: dt.datetime) -> Offer:
    """Bind an offer to the claim with this request_id; the same claim may be repeated until acknowledged.

    Raises ServiceError NOT_FOUND, OFFER_EXPIRED, OFFER_TAKEN.
    """
    offer = get(connection, offer_id)
    check_open(offer, now)
    if offer.state == "claimed" and is_claim(offer, request_id):
        return offer
    if offer.state != "offered":
        raise ServiceError(ServiceReason.OFFER_TAKEN, "the offer was claimed before")
    set_claimed(connection, offer, request_id, offer.sealed, now)
    return get(connection, offer_id)


def check_open(offer: Offer, now: dt.datetime) -> None:
    """Raise ServiceError OFFER_EXPIRED if nobody has stored the credential in time."""
    if offer.state == "expired" or (offer.state != "done" and now >= offer.expires):
        detail = "nobody stored the credential in time, or its department has withdrawn the offer"
        raise ServiceError(ServiceReason.OFFER_EXPIRED, detail)


def set_claimed(
    connection: Connection, offer: Offer, request_id: str, sealed: bytes | None, now: dt.datetime
) -> None:
    """Bind an open offer to a claim, with what its vault is handed; ServiceError OFFER_TAKEN.

    The row itself says once more that it is open, whatever its reader believed.
    """
    table = tables.offer
    values = {"state": "claimed", "claim_request_id": request_id, "sealed": sealed}
    still = (table.c.id == offer.id) & (table.c.state == "offered")
    if connection.execute(update(table).where(still).values(**values)).rowcount != 1:
        raise ServiceError(ServiceReason.OFFER_TAKEN, "the offer was claimed before")
    ended_offers.claimed(connection, offer.id)
    _count(connection, offer, now, What.CLAIMED)


def acknowledge(connection: Connection, offer_id: str, request_id: str) -> None:
    """Forget the credential that this claim has stored; repeating it changes nothing.

    Raises ServiceError NOT_FOUND, OFFER_TAKEN.
    """
    offer = get(connection, offer_id)
    if not is_claim(offer, request_id):
        raise ServiceError(ServiceReason.OFFER_TAKEN, "the offer was not claimed with this request_id")
    table = tables.offer
    connection.execute(update(table).where(table.c.id == offer_id).values(**_forgotten("done")))


def bind_document(connection: Connection, offer_id: str, request_id: str, holder: bytes) -> None:
    """Say whom the documents of a claim are bound to, by a hash: the first says it, the others are the same.

    Raises ServiceError NOT_FOUND, OFFER_TAKEN (it is acknowledged by now, or another's claim), OFFER_EXPIRED,
    REQUEST_ID_REUSED (the claim's document is bound to somebody else).
    """
    table = tables.offer
    still = (
        (table.c.id == offer_id)
        & (table.c.state == "claimed")
        & (table.c.claim_request_id == request_id)
        & table.c.document_holder.is_(None)
    )
    if connection.execute(update(table).where(still).values(document_holder=holder)).rowcount == 1:
        return
    offer = get(connection, offer_id)
    if offer.state == "expired":
        raise ServiceError(ServiceReason.OFFER_EXPIRED, "nobody stored the credential in time")
    if offer.state != "claimed" or not is_claim(offer, request_id):
        raise ServiceError(ServiceReason.OFFER_TAKEN, "the offer was claimed before")
    check_document_holder(offer, holder)


def check_document_holder(offer: Offer, holder: bytes) -> None:
    """Raise ServiceError REQUEST_ID_REUSED if a claim's documents are bound to somebody else."""
    bound = offer.document_holder
    if bound is not None and not hmac.compare_digest(bound, holder):
        detail = "the claim's document was bound by another commitment, or to nobody"
        raise ServiceError(ServiceReason.REQUEST_ID_REUSED, detail, field="commitment")


def forget_expired(connection: Connection, now: dt.datetime) -> int:
    """Forget the credentials that no vault stored in time, claimed or not; return how many."""
    table = tables.offer
    query = (
        update(table)
        .where(table.c.state.in_(("offered", "claimed")), table.c.expires <= to_ms(now))
        .values(**_forgotten("expired"))
    )
    return connection.execute(query).rowcount


def _forgotten(state: str) -> dict[str, Any]:
    return {"state": state, "sealed": None, "document_holder": None}


def is_claim(offer: Offer, request_id: str) -> bool:
    """Tell whether an offer was claimed with this request_id, which its vault keeps to itself."""
    claimed = offer.claim_request_id
    return claimed is not None and hmac.compare_digest(claimed.encode(), request_id.encode())


def get(connection: Connection, offer_id: str) -> Offer:
    """Return an offer; ServiceError NOT_FOUND."""
    row = connection.execute(select(tables.offer).where(tables.offer.c.id == offer_id)).one_or_none()
    if row is None:
        raise ServiceError(ServiceReason.NOT_FOUND, "there is no such offer, or the code is not its own")
    return _offer(row)


def _count(connection: Connection, offer: Offer, now: dt.datetime, what: What) -> None:
    statistics.count_all(connection, civil_date(now), Concerned(departments=(offer.department,)), what)


def _offer(row: Row[Any]) -> Offer:
    return Offer(
        id=row.id,
        department=row.department,
        schema=row.schema,
        request_id=row.request_id,
        request_digest=row.request_digest,
        created=from_ms(row.created),
        expires=from_ms(row.expires),
        sealed=row.sealed,
        state=row.state,
        claim_request_id=row.claim_request_id,
        document_holder=row.document_holder,
    )
