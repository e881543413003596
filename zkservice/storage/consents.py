"""Standing consents: asked for, answered once, used so often, withdrawn; each step in one transaction.

State rules: "asked" becomes "granted" or "declined", "granted" becomes "withdrawn", and none goes back. A use
is counted in the transaction that opens its exchange; a withdrawal ends, in its own, what is open of it. So
no exchange is opened after a withdrawal, and none that was open then is answered after it.
"""

import datetime as dt
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, select, update

from disclosure import SignedRequest
from disclosure.standing import SignedTerms, StandingTerms, asked_by, template_of
from zkservice.errors import ServiceError, ServiceReason
from zkservice.moments import from_ms, to_ms
from zkservice.storage import ended_exchanges, tables
from zkservice.storage.ended_exchanges import Ending
from zkservice.storage.rows import insert_new

_LISTED = 100


class State(StrEnum):
    """How far a consent has come. The values are kept in databases."""

    ASKED = "asked"
    GRANTED = "granted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Consent:
    """A consent as it is stored; `signed` was opened when it was."""

    id: str
    verifier: str
    request_id: str
    digest: bytes
    signed: SignedTerms = field(repr=False)
    created: dt.datetime
    expires: dt.datetime
    until: dt.date
    state: State = State.ASKED
    public_key: bytes | None = None
    used: int = 0
    last_used: dt.datetime | None = None

    @property
    def name(self) -> str:
        """Its resource name."""
        return f"consents/{self.id}"

    @property
    def terms(self) -> StandingTerms:
        """Its terms."""
        return self.signed.terms


def add(connection: Connection, consent: Consent) -> Consent:
    """Keep a consent that is asked for; the same call sent again gets the one that it made.

    Raises ServiceError REPLAYED (these terms were asked for), REQUEST_ID_REUSED.
    """
    values = {
        "id": consent.id, "verifier": consent.verifier, "request_id": consent.request_id,
        "digest": consent.digest, "payload": consent.signed.payload, "signature": consent.signed.signature,
        "created": to_ms(consent.created), "expires": to_ms(consent.expires), "until": consent.until,
        "state": consent.state.value, "public_key": None, "used": 0, "last_used": None,
    }  # fmt: skip
    if insert_new(connection, tables.consent, values):
        return consent
    table = tables.consent
    mine = (table.c.verifier == consent.verifier) & (table.c.request_id == consent.request_id)
    row = connection.execute(select(table).where(mine)).one_or_none()
    if row is None:
        raise ServiceError(ServiceReason.REPLAYED, "these terms were asked for before")
    if row.digest != consent.digest:
        detail = "the request_id was used for other terms"
        raise ServiceError(ServiceReason.REQUEST_ID_REUSED, detail, field="request_id")
    return _consent(row)


def get(connection: Connection, consent_id: str, *, change: bool = False) -> Consent:
    """Return a consent; for a `change`, so that no other transaction changes it meanwhile.

    Raises ServiceError NOT_FOUND.
    """
    query = select(tables.consent).where(tables.consent.c.id == consent_id)
    row = connection.execute(query.with_for_update() if change else query).one_or_none()
    if row is None:
        raise unknown_consent()
    return _consent(row)


def unknown_consent() -> ServiceError:
    """Return what is said of a consent that does not exist, or to which the token does not belong."""
    return ServiceError(ServiceReason.NOT_FOUND, "there is no such consent, or the token is not its own")


def public_key(connection: Connection, consent_id: str) -> bytes | None:
    """Return the key that a consent was granted with, also after it was withdrawn; None if it was not."""
    table = tables.consent
    found: bytes | None = connection.execute(
        select(table.c.public_key).where(table.c.id == consent_id)
    ).scalar()
    return found


def answer(
    connection: Connection,
    consent_id: str,
    terms: StandingTerms,
    state: State,
    key: bytes | None,
    now: dt.datetime,
) -> None:
    """Grant a consent, with its key, or decline it; its terms were decoded before the transaction.

    Raises ServiceError CONSENT_ANSWERED; RefusedError REQUEST_EXPIRED.
    """
    stored = get(connection, consent_id, change=True)
    if stored.state is not State.ASKED:
        raise ServiceError(ServiceReason.CONSENT_ANSWERED, "the consent was answered before")
    terms.check_offered(now)
    _change(connection, consent_id, state=state.value, public_key=key)


@dataclass(frozen=True)
class Use:
    """A request that is about to be opened under a consent, as its terms would have it.

    Both are decoded before the transaction: that takes long, and everybody waits for the one that writes.
    """

    consent: str
    terms: StandingTerms
    template: bytes

    @classmethod
    def of(cls, consent: Consent, signed: SignedRequest) -> "Use":
        """Decode both."""
        return cls(consent.id, consent.terms, template_of(asked_by(signed)))


def use(connection: Connection, used: Use, exchange: str, now: dt.datetime) -> None:
    """Count an exchange that is opened under a consent, if its terms allow it now.

    Raises ServiceError CONSENT_MISMATCH, CONSENT_NOT_GRANTED, CONSENT_WITHDRAWN, CONSENT_EXPIRED,
    CONSENT_EXHAUSTED, CONSENT_TOO_EARLY.
    """
    consent = get(connection, used.consent, change=True)
    terms = used.terms
    if used.template != terms.template:
        detail = "the request does not ask what the consent was given for"
        raise ServiceError(ServiceReason.CONSENT_MISMATCH, detail, field="signed_request")
    if consent.state is State.WITHDRAWN:
        raise ServiceError(ServiceReason.CONSENT_WITHDRAWN, "the consent was withdrawn", field="consent")
    if consent.state is not State.GRANTED:
        raise ServiceError(ServiceReason.CONSENT_NOT_GRANTED, "the consent is not granted", field="consent")
    if terms.is_over(now):
        raise ServiceError(ServiceReason.CONSENT_EXPIRED, "its last day is over", field="consent")
    if consent.used >= terms.times:
        detail = f"the consent is for {terms.times} requests"
        raise ServiceError(ServiceReason.CONSENT_EXHAUSTED, detail, field="consent")
    if _is_too_early(consent, terms.interval, now):
        detail = f"between two requests lie {terms.interval_days} days"
        raise ServiceError(ServiceReason.CONSENT_TOO_EARLY, detail, field="consent")
    _change(connection, consent.id, used=consent.used + 1, last_used=to_ms(now))
    connection.execute(tables.consent_exchange.insert().values(exchange=exchange, consent=consent.id))


def _is_too_early(consent: Consent, interval: dt.timedelta, now: dt.datetime) -> bool:
    """Tell whether the last use is not long enough ago.

    Where no days have to lie between, calls that come at once are in any order by the clock.
    """
    last = consent.last_used
    return bool(interval) and last is not None and now < last + interval


def withdraw(connection: Connection, consent_id: str, now: dt.datetime) -> list[str]:
    """Withdraw a consent, and end what is open of it; return those exchanges. ServiceError CONSENT_WITHDRAWN,
    CONSENT_NOT_GRANTED."""
    state = get(connection, consent_id, change=True).state
    if state is State.WITHDRAWN:
        raise ServiceError(ServiceReason.CONSENT_WITHDRAWN, "the consent was withdrawn before")
    if state is not State.GRANTED:
        raise ServiceError(ServiceReason.CONSENT_NOT_GRANTED, "the consent is not granted")
    _change(connection, consent_id, state=State.WITHDRAWN.value)
    ended = open_exchanges(connection, consent_id, now)
    for each in ended:
        ended_exchanges.end(connection, each, Ending.WITHDRAWN, now)
    return ended


def open_exchanges(
    connection: Connection, consent_id: str, now: dt.datetime, limit: int | None = None
) -> list[str]:
    """Return the exchanges of a consent that can still be answered, oldest first."""
    exchange, link = tables.exchange, tables.consent_exchange
    query = (
        select(exchange.c.id)
        .join(link, link.c.exchange == exchange.c.id)
        .outerjoin(tables.answer, tables.answer.c.exchange == exchange.c.id)
        .outerjoin(tables.ended_exchange, tables.ended_exchange.c.exchange == exchange.c.id)
        .where(
            link.c.consent == consent_id,
            exchange.c.expires > to_ms(now),
            tables.answer.c.exchange.is_(None),
            tables.ended_exchange.c.exchange.is_(None),
        )
        .order_by(exchange.c.created, exchange.c.id)
        .limit(limit)
    )
    return [each for (each,) in connection.execute(query)]


def listed(connection: Connection, consent_id: str, now: dt.datetime) -> list[str]:
    """Return the first of the open exchanges, as many as are listed at once."""
    return open_exchanges(connection, consent_id, now, _LISTED)


def consent_of(connection: Connection, exchange: str) -> str | None:
    """Return the consent that an exchange is addressed to."""
    table = tables.consent_exchange
    found: str | None = connection.execute(
        select(table.c.consent).where(table.c.exchange == exchange)
    ).scalar()
    return found


def _change(connection: Connection, consent_id: str, **values: Any) -> None:
    connection.execute(update(tables.consent).where(tables.consent.c.id == consent_id).values(**values))


def _consent(row: Row[Any]) -> Consent:
    return Consent(
        id=row.id,
        verifier=row.verifier,
        request_id=row.request_id,
        digest=row.digest,
        signed=SignedTerms(row.payload, row.signature),
        created=from_ms(row.created),
        expires=from_ms(row.expires),
        until=row.until,
        state=State(row.state),
        public_key=row.public_key,
        used=row.used,
        last_used=None if row.last_used is None else from_ms(row.last_used),
    )
