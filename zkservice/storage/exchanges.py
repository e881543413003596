"""Exchanges: a signed request, and at most one verified answer with its place in the log's outbox.

The answer, what was seen in it, and the receipt's entry are written in one transaction: there is never one
without the others.
"""

import datetime as dt
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sqlalchemy import BindParameter, Connection, Row, bindparam, exists, literal, or_, select

from disclosure import SignedRequest
from disclosure.request import check_life
from zkservice.errors import ServiceError, ServiceReason
from zkservice.moments import from_ms, to_ms
from zkservice.storage import ended_exchanges, ledger, pairings, statistics, tables
from zkservice.storage.many import insert_many
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


@dataclass(frozen=True)
class NewAnswer:
    """A verified answer that is about to be kept: its exchange, its entry for the log, what was seen in it.

    `answer.outbox` is set when it is kept.
    """

    exchange: Exchange
    answer: Answer
    entry: bytes
    note: bytes = field(repr=False)
    seen: tuple[bytes, ...] = field(repr=False)


_EXCHANGES: Final[BindParameter[Sequence[str]]] = bindparam(
    "exchanges_", expanding=True, type_=tables.exchange.c.id.type
)
_DIGESTS: Final[BindParameter[Sequence[bytes]]] = bindparam(
    "digests_", expanding=True, type_=tables.seen.c.digest.type
)
_AGAINST: Final = select(literal(1)).where(
    or_(
        exists().where(tables.answer.c.exchange.in_(_EXCHANGES)),
        exists().where(tables.ended_exchange.c.exchange.in_(_EXCHANGES)),
        exists().where(pairings.closed(_EXCHANGES)),
        exists().where(tables.seen.c.digest.in_(_DIGESTS)),
    )
)
_ANSWER: Final = tuple(each.name for each in tables.answer.columns)
_INTO_ANSWER: Final = tables.answer.insert()
_INTO_SEEN: Final = tables.seen.insert()


class _SpokenAgainstError(Exception):
    """Something that is stored speaks against one of several answers: each has to be kept by itself."""


def accept_all(connection: Connection, new: Sequence[NewAnswer], now: dt.datetime) -> list[Answer]:
    """Keep verified answers, what was seen in them, and their entries for the log: all or nothing.

    `now` is the time of this transaction: whoever looked for the answer in a transaction after the request's
    end, and found none, can rely on it. Of one answer it returns the stored one if the same submission came
    first by another way, and raises ServiceError REPLAYED, PAIRING_FAILED, EXCHANGE_DECLINED,
    CONSENT_WITHDRAWN; RefusedError REQUEST_EXPIRED. Of several it raises whatever is against any of them.

    The statements are as many for several as for one: with each the writer gives up the interpreter, and has
    to get it back from a loop that may be busy refusing.
    """
    if not _is_clear(connection, new):
        if len(new) > 1:
            raise _SpokenAgainstError
        stored = _stored(connection, new[0], now)
        if stored is not None:
            return [stored]
    for each in new:
        each.exchange.check_time(now)
    rows = ledger.enqueue_all(connection, [ledger.New(each.entry, each.note) for each in new])
    kept = [replace(each.answer, outbox=row) for each, row in zip(new, rows, strict=True)]
    insert_many(connection, _INTO_ANSWER, _ANSWER, [_values(each) for each in kept])
    seen = [(digest, each.exchange.id) for each in new for digest in each.seen]
    insert_many(connection, _INTO_SEEN, ("digest", "exchange"), seen)
    statistics.all_ended(connection, [each.exchange.id for each in new], now, What.ANSWERED)
    return kept


def _is_clear(connection: Connection, new: Sequence[NewAnswer]) -> bool:
    """Tell by one statement whether nothing that is stored speaks against answers."""
    digests = [digest for each in new for digest in each.seen]
    given = {"exchanges_": [each.exchange.id for each in new], "digests_": digests}
    return connection.execute(_AGAINST, given).first() is None


def _stored(connection: Connection, new: NewAnswer, now: dt.datetime) -> Answer | None:
    """Return what is stored of this same submission, or say what speaks against it."""
    existing = earlier(connection, new.answer.exchange, new.answer.request_id, new.answer.submission_digest)
    if existing is None:
        new.exchange.check_time(now)
        pairings.check_open(connection, new.exchange.id)
        ended_exchanges.check_open(connection, new.exchange.id)
        check_unseen(connection, new.seen)
    return existing


def _values(answer: Answer) -> tuple[Any, ...]:
    return tuple(to_ms(answer.created) if each == "created" else getattr(answer, each) for each in _ANSWER)


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
