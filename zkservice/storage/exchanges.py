"""Exchanges: a signed request, and at most one verified answer with its place in the log's outbox.

The answer, what was seen in it, and the receipt's entry are written in one transaction: there is never one
without the others.
"""

import datetime as dt
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, Row, select

from disclosure import SignedRequest
from disclosure.request import check_life
from zkservice.errors import ServiceError, ServiceReason
from zkservice.moments import from_ms, to_ms
from zkservice.storage import ended_exchanges, ledger, pairings, statistics, tables
from zkservice.storage.rows import insert_new
from zkservice.storage.statistics import Concerned, What


@dataclass(frozen=True)
class Exchange:
    """An exchange as it is stored; `signed` is a request of either form, opened when it was stored."""

    id: str
    verifier: str
    request_id: str
    request_digest: bytes
    signed: SignedRequest
    created: dt.datetime
    expires: dt.datetime

    def check_time(self, now: dt.datetime) -> None:
        """Raise RefusedError REQUEST_EXPIRED once its request has ended; it had begun when it was opened."""
        check_life(self.created, self.expires, now)


@dataclass(frozen=True)
class Answer:
    """The answer to an exchange: sealed presentation and receipt opening, and the outbox row of its entry."""

    exchange: str
    request_id: str
    submission_digest: bytes
    sealed_presentation: bytes = field(repr=False)
    sealed_opening: bytes = field(repr=False)
    outbox: int
    created: dt.datetime

    def is_same(self, request_id: str, submission_digest: bytes) -> bool:
        """Tell whether a submission is this one, sent again."""
        same_id = hmac.compare_digest(self.request_id.encode(), request_id.encode())
        return same_id and hmac.compare_digest(self.submission_digest, submission_digest)


def add(connection: Connection, exchange: Exchange, concerned: Concerned) -> Exchange:
    """Open an exchange, and count it for whom it concerns; the same call sent again gets the one it opened.

    Raises ServiceError REPLAYED (the request has an exchange), REQUEST_ID_REUSED.
    """
    values = {
        "id": exchange.id,
        "verifier": exchange.verifier,
        "request_id": exchange.request_id,
        "request_digest": exchange.request_digest,
        "payload": exchange.signed.payload,
        "signature": exchange.signed.signature,
        "created": to_ms(exchange.created),
        "expires": to_ms(exchange.expires),
    }
    if insert_new(connection, tables.exchange, values):
        statistics.opened(connection, exchange.id, concerned, exchange.created, exchange.expires)
        return exchange
    table = tables.exchange
    mine = (table.c.verifier == exchange.verifier) & (table.c.request_id == exchange.request_id)
    row = connection.execute(select(table).where(mine)).one_or_none()
    if row is None:
        raise ServiceError(ServiceReason.REPLAYED, "this request was opened before")
    if row.request_digest != exchange.request_digest:
        detail = "the request_id was used for another request"
        raise ServiceError(ServiceReason.REQUEST_ID_REUSED, detail, field="request_id")
    return _exchange(row)


def get(connection: Connection, exchange_id: str) -> Exchange:
    """Return an exchange; ServiceError NOT_FOUND."""
    row = connection.execute(select(tables.exchange).where(tables.exchange.c.id == exchange_id)).one_or_none()
    if row is None:
        raise unknown_exchange()
    return _exchange(row)


def of_request(connection: Connection, digest: bytes) -> Exchange | None:
    """Return the exchange of the request of a digest, None if it was not opened."""
    wanted = tables.exchange.c.request_digest == digest
    row = connection.execute(select(tables.exchange).where(wanted)).one_or_none()
    return _exchange(row) if row is not None else None


def unknown_exchange() -> ServiceError:
    """Return what is said of an exchange that does not exist, or to which the token does not belong."""
    return ServiceError(ServiceReason.NOT_FOUND, "there is no such exchange, or the token is not its own")


def answer_of(connection: Connection, exchange_id: str) -> Answer | None:
    """Return the answer to an exchange, if it has one."""
    row = connection.execute(
        select(tables.answer).where(tables.answer.c.exchange == exchange_id)
    ).one_or_none()
    if row is None:
        return None
    return Answer(
        exchange=row.exchange,
        request_id=row.request_id,
        submission_digest=row.submission_digest,
        sealed_presentation=row.sealed_presentation,
        sealed_opening=row.sealed_opening,
        outbox=row.outbox,
        created=from_ms(row.created),
    )


def sessions(connection: Connection, digests: Iterable[bytes]) -> dict[bytes, tuple[Exchange, Answer]]:
    """Return the exchanges of requests of these digests, with their answers; the others are left out."""
    wanted = tables.exchange.c.request_digest.in_(list(digests))
    found = [_exchange(row) for row in connection.execute(select(tables.exchange).where(wanted))]
    answered = ((each, answer_of(connection, each.id)) for each in found)
    return {each.request_digest: (each, answer) for each, answer in answered if answer is not None}


def earlier(
    connection: Connection, exchange_id: str, request_id: str, submission_digest: bytes
) -> Answer | None:
    """Return the stored answer if this same submission came first; ServiceError REPLAYED if another did."""
    answer = answer_of(connection, exchange_id)
    if answer is not None and not answer.is_same(request_id, submission_digest):
        raise ServiceError(ServiceReason.REPLAYED, "the exchange was answered before")
    return answer


def check_unseen(connection: Connection, digests: Iterable[bytes]) -> None:
    """Raise ServiceError REPLAYED if any part of a presentation was accepted before, anywhere."""
    query = select(tables.seen.c.digest).where(tables.seen.c.digest.in_(list(digests))).limit(1)
    if connection.execute(query).first() is not None:
        detail = "this presentation, or a part of it, was accepted before"
        raise ServiceError(ServiceReason.REPLAYED, detail)


def accept(
    connection: Connection,
    exchange: Exchange,
    answer: Answer,
    entry: bytes,
    holder_note: bytes,
    digests: Sequence[bytes],
    now: dt.datetime,
) -> Answer:
    """Keep a verified answer, what was seen in it, and its entry for the log: all or nothing.

    `answer.outbox` is set here. `now` is the time of this transaction: whoever looked for the answer in a
    transaction after the request's end, and found none, can rely on it. Returns the stored answer if the same
    submission came first by another way. Raises ServiceError REPLAYED, PAIRING_FAILED, EXCHANGE_DECLINED,
    CONSENT_WITHDRAWN; RefusedError REQUEST_EXPIRED.
    """
    existing = earlier(connection, answer.exchange, answer.request_id, answer.submission_digest)
    if existing is not None:
        return existing
    exchange.check_time(now)
    pairings.check_open(connection, exchange.id)
    ended_exchanges.check_open(connection, exchange.id)
    check_unseen(connection, digests)
    outbox = ledger.enqueue(connection, entry, holder_note)
    values = {
        "exchange": answer.exchange,
        "request_id": answer.request_id,
        "submission_digest": answer.submission_digest,
        "sealed_presentation": answer.sealed_presentation,
        "sealed_opening": answer.sealed_opening,
        "outbox": outbox,
        "created": to_ms(answer.created),
    }
    connection.execute(tables.answer.insert().values(**values))
    connection.execute(
        tables.seen.insert(), [{"digest": each, "exchange": answer.exchange} for each in digests]
    )
    statistics.ended(connection, exchange.id, now, What.ANSWERED)
    return replace(answer, outbox=outbox)


def _exchange(row: Row[Any]) -> Exchange:
    return Exchange(
        id=row.id,
        verifier=row.verifier,
        request_id=row.request_id,
        request_digest=row.request_digest,
        signed=SignedRequest(row.payload, row.signature),
        created=from_ms(row.created),
        expires=from_ms(row.expires),
    )
