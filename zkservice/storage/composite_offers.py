"""Offers of the composite form: what waits to be signed, who has claimed what, which handle belongs to it.

A row of `composite_offer` stands beside an offer of the composite form and is never forgotten: its handle is
what the department revokes. Persons, pseudonyms and handles are kept as fingerprints under the master key,
which tell whether two are the same and nothing else.
"""

import datetime as dt
import hmac
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, delete, select, update

from disclosure import Reason, RefusedError
from disclosure.composite import IssuanceTerms
from zkservice.errors import ServiceError, ServiceReason
from zkservice.moments import to_ms
from zkservice.storage import catalog, issuance, tables
from zkservice.storage.issuance import Offer

_DUE_AT_ONCE: Final = 1024


@dataclass(frozen=True)
class CompositeOffer:
    """An offer of the composite form. `offer.sealed` is what it will say, and after the claim the answer.

    `request` is what the holder shows first, `person` the fingerprint of whom the department has identified:
    one of the two. `replaces` is the fingerprint of the pseudonym whose place the claim's may take.
    """

    offer: Offer
    terms: bytes
    request: bytes | None
    person: bytes | None = field(repr=False)
    replaces: bytes | None = field(default=None, repr=False)
    claim_digest: bytes | None = field(default=None, repr=False)
    sealed_handle: bytes | None = field(default=None, repr=False)
    accumulator: str | None = None


@dataclass(frozen=True)
class Claim:
    """A claim that was judged under `terms`, and what is kept of it; handle and pseudonym as fingerprints."""

    offer: str
    request_id: str
    digest: bytes = field(repr=False)
    terms: bytes
    pseudonym: bytes | None = field(repr=False)
    handle: bytes = field(repr=False)
    sealed_handle: bytes = field(repr=False)
    accumulator: str | None
    sealed: bytes = field(repr=False)


def add(connection: Connection, made: CompositeOffer, *, replace_holder: bool) -> Offer:
    """Keep an offer; the one of the same request_id is returned as it is, if there is one.

    `replace_holder` lets the claim take the place of the pseudonym that the person has now. Raises
    ServiceError REQUEST_ID_REUSED.
    """
    offer = issuance.add(connection, made.offer)
    if offer is not made.offer:
        return offer
    current = _current(connection, offer.department, made.person) if replace_holder else None
    values = {
        "offer": offer.id,
        "terms": made.terms,
        "request": made.request,
        "person": made.person,
        "replaces": current.pseudonym if current is not None else None,
    }
    connection.execute(tables.composite_offer.insert().values(**values))
    return offer


def get(connection: Connection, offer_id: str) -> CompositeOffer | Offer:
    """Return an offer of the composite form, or one of the plain form; ServiceError NOT_FOUND."""
    offer = issuance.get(connection, offer_id)
    table = tables.composite_offer
    row = connection.execute(select(table).where(table.c.offer == offer_id)).one_or_none()
    if row is None:
        return offer
    return CompositeOffer(
        offer,
        row.terms,
        row.request,
        row.person,
        row.replaces,
        row.claim_digest,
        row.sealed_handle,
        row.accumulator,
    )


def remake(
    connection: Connection, before: CompositeOffer, terms: bytes, request: bytes | None
) -> CompositeOffer:
    """Put new terms and request in the place of those before, unless somebody was faster; return the offer.

    What was claimed is left as it is, since its answer is given again under the terms that it was given for.
    """
    table, identifier = tables.composite_offer, before.offer.id
    still = (table.c.offer == identifier) & (table.c.terms == before.terms) & table.c.claim_digest.is_(None)
    connection.execute(update(table).where(still).values(terms=terms, request=request))
    return _composite(connection, identifier)


def earlier(stored: CompositeOffer, request_id: str, digest: bytes, now: dt.datetime) -> bool:
    """Tell whether this claim, of this answer, was accepted before; false if the offer is open.

    Raises ServiceError OFFER_EXPIRED, OFFER_TAKEN.
    """
    issuance.check_open(stored.offer, now)
    claimed = stored.claim_digest
    if claimed is None:
        return False
    same = hmac.compare_digest(claimed, digest)
    if stored.offer.state != "claimed" or not same or not issuance.is_claim(stored.offer, request_id):
        raise ServiceError(ServiceReason.OFFER_TAKEN, "the offer was claimed before")
    return True


def check_unstored(stored: CompositeOffer, now: dt.datetime) -> None:
    """Raise ServiceError OFFER_EXPIRED, OFFER_TAKEN unless its vault may still ask for an offer."""
    issuance.check_open(stored.offer, now)
    if stored.offer.state == "done":
        raise ServiceError(ServiceReason.OFFER_TAKEN, "the offer was claimed and stored before")


def claim(connection: Connection, claim: Claim, now: dt.datetime) -> CompositeOffer | None:
    """Keep a claim: its answer, its handle, whose pseudonym it is; all or nothing. Return the offer after it.

    If it takes the place of the person's pseudonym, the person's earlier base credentials are `due` to be
    revoked. If the same claim was faster, what it has kept is returned. None if the handle is another
    credential's, or revoked: it is to be drawn anew. Raises ServiceError OFFER_EXPIRED, OFFER_TAKEN,
    HOLDER_MISMATCH; RefusedError COMMITMENT_INVALID (there are new terms), ISSUER_KEY_RETIRED.
    """
    stored = _composite(connection, claim.offer)
    if earlier(stored, claim.request_id, claim.digest, now):
        return stored
    if stored.terms != claim.terms:
        detail = "the offer has new terms; get it again"
        raise RefusedError(Reason.COMMITMENT_INVALID, detail, field="offer")
    check_key(connection, claim.terms)
    table = tables.composite_offer
    if connection.execute(select(table.c.offer).where(table.c.handle == claim.handle)).first() is not None:
        return None
    if stored.person is not None and claim.pseudonym is not None:
        _keep_holder(connection, stored, stored.person, claim.pseudonym, now)
    changes = {
        "claim_digest": claim.digest,
        "handle": claim.handle,
        "sealed_handle": claim.sealed_handle,
        "accumulator": claim.accumulator,
    }
    still = (table.c.offer == claim.offer) & table.c.claim_digest.is_(None)
    if connection.execute(update(table).where(still).values(**changes)).rowcount != 1:
        raise ServiceError(ServiceReason.OFFER_TAKEN, "the offer was claimed before")
    issuance.set_claimed(connection, stored.offer, claim.request_id, claim.sealed, now)
    return _composite(connection, claim.offer)


def accumulators_of(connection: Connection, handles: Iterable[bytes]) -> dict[bytes, str | None]:
    """Return the accumulators that credentials were issued with, by their handles' fingerprints; None for one
    that was issued with none. Handles that this service has not drawn are left out."""
    table = tables.composite_offer
    query = select(table.c.handle, table.c.accumulator).where(table.c.handle.in_(list(handles)))
    return {row.handle: row.accumulator for row in connection.execute(query)}


def due(connection: Connection, after: str = "") -> dict[str, dict[str, bytes]]:
    """Return some of what is left to revoke, after an offer's identifier, in their order: by accumulator,
    offers with their sealed handles."""
    table, left = tables.composite_offer, tables.due_revocation
    query = (
        select(table.c.offer, table.c.accumulator, table.c.sealed_handle)
        .join(left)
        .where(left.c.offer > after)
        .order_by(left.c.offer)
        .limit(_DUE_AT_ONCE)
    )
    found = defaultdict[str, dict[str, bytes]](dict)
    for row in connection.execute(query):
        found[row.accumulator][row.offer] = row.sealed_handle
    return found


def forget_due(connection: Connection, offers: Iterable[str]) -> None:
    """Say that what these offers gave is revoked."""
    table = tables.due_revocation
    connection.execute(delete(table).where(table.c.offer.in_(list(offers))))


def check_key(connection: Connection, terms: bytes) -> None:
    """Raise RefusedError ISSUER_KEY_RETIRED unless the key of some terms still signs."""
    if not catalog.signs(connection, str(IssuanceTerms.from_bytes(terms).issuer_key)):
        detail = "the key of these terms signs no more; get the offer again"
        raise RefusedError(Reason.ISSUER_KEY_RETIRED, detail, field="offer")


def _composite(connection: Connection, offer_id: str) -> CompositeOffer:
    found = get(connection, offer_id)
    if not isinstance(found, CompositeOffer):
        raise ServiceError(ServiceReason.INTERNAL, "an offer has changed its form")
    return found


def _keep_holder(
    connection: Connection, stored: CompositeOffer, person: bytes, pseudonym: bytes, now: dt.datetime
) -> None:
    """Let a person have a pseudonym: one person, one holder's secret, and nobody else's.

    A pseudonym whose place another has taken stays that person's, and is accepted from nobody: who finds the
    lost vault must not become somebody else with it.
    """
    table, department = tables.holder, stored.offer.department
    this = (table.c.department == department) & (table.c.pseudonym == pseudonym)
    known = connection.execute(select(table).where(this)).one_or_none()
    if known is not None and known.person == person and known.replaced is None:
        return
    current = _current(connection, department, person)
    if known is not None or (current is not None and current.pseudonym != stored.replaces):
        detail = "the person has another holder's secret, or this one was somebody else's"
        raise ServiceError(ServiceReason.HOLDER_MISMATCH, detail)
    if current is not None:
        held = (table.c.department == department) & (table.c.pseudonym == current.pseudonym)
        connection.execute(update(table).where(held).values(replaced=to_ms(now)))
        _leave_due(connection, stored, person)
    values = {"department": department, "pseudonym": pseudonym, "person": person, "created": to_ms(now)}
    connection.execute(table.insert().values(**values))


def _leave_due(connection: Connection, stored: CompositeOffer, person: bytes) -> None:
    """Leave the person's earlier base credentials of this department to be revoked, as durable as the claim:
    the lost vault would go on with them elsewhere. One that was issued with no accumulator counts only where
    nobody asks whether it is revoked."""
    table, left, offers = tables.composite_offer, tables.due_revocation, tables.offer
    earlier = (
        select(table.c.offer)
        .join(offers, offers.c.id == table.c.offer)
        .where(
            offers.c.department == stored.offer.department,
            table.c.person == person,
            table.c.accumulator.is_not(None),
            table.c.offer.not_in(select(left.c.offer)),
        )
    )
    connection.execute(left.insert().from_select(["offer"], earlier))


def _current(connection: Connection, department: str, person: bytes | None) -> Row[Any] | None:
    table = tables.holder
    mine: ColumnElement[bool] = (table.c.department == department) & (table.c.person == person)
    return connection.execute(select(table).where(mine, table.c.replaced.is_(None))).one_or_none()
