"""Declining an exchange: the holder's no, durable and on the ledger in one transaction."""

from typing import Final

from sqlalchemy import Connection

from disclosure.event import EventKind
from zkproto.v1 import presentation_pb2 as pb
from zkservice.context import Context
from zkservice.errors import ServiceError, ServiceReason
from zkservice.events import Happening
from zkservice.events import receipt as event_receipt
from zkservice.fields import check_request_id, required
from zkservice.services.asking import asks_too_much
from zkservice.storage import ended_exchanges, exchanges, pairings
from zkservice.storage.ended_exchanges import Ending
from zkservice.storage.events import Event
from zkservice.storage.exchanges import Exchange
from zkservice.storage.statistics import What

_KINDS: Final = {
    pb.DeclineExchangeRequest.WHY_DECLINED: EventKind.DECLINED,
    pb.DeclineExchangeRequest.WHY_OVER_ASKED: EventKind.OVER_ASKED,
}


async def declined(context: Context, exchange: Exchange, request: pb.DeclineExchangeRequest) -> bytes:
    """Keep that an exchange was declined, wake its verifier, and return the event's receipt.

    The same call sent again gets the same receipt. Raises ServiceError FIELD_MISSING, FIELD_INVALID,
    EXCHANGE_ANSWERED, EXCHANGE_DECLINED, CONSENT_WITHDRAWN, PAIRING_FAILED, REQUEST_ID_REUSED, NOTE_MISMATCH;
    RefusedError REQUEST_EXPIRED.
    """
    request_id = check_request_id(request.request_id)
    required(request.why != pb.DeclineExchangeRequest.WHY_UNSPECIFIED, "why")
    kind = _KINDS.get(request.why)
    if kind is None:
        raise ServiceError(ServiceReason.FIELD_INVALID, "why is one of those that there are", field="why")
    scope, note = f"exchanges/{exchange.id}", bytes(request.holder_note)
    happening = Happening.of(
        context, kind, exchange.verifier, exchange.request_digest, scope, request_id, note
    )
    over = kind is EventKind.OVER_ASKED and await asks_too_much(context, exchange.signed)
    event = await context.database.write(lambda each: _keep(each, context, exchange, happening, over=over))
    context.watching.ring(exchange.id)
    _, receipt = await event_receipt(context, event)
    return receipt


def _keep(
    connection: Connection, context: Context, exchange: Exchange, happening: Happening, *, over: bool
) -> Event:
    """Keep it, in one transaction; `over` tells that the request is indeed counted as asking too much."""
    earlier = happening.earlier(connection)
    if earlier is not None:
        return earlier
    if exchanges.answer_of(connection, exchange.id) is not None:
        raise ServiceError(ServiceReason.EXCHANGE_ANSWERED, "the exchange was answered")
    ended_exchanges.check_open(connection, exchange.id)
    now = context.now()
    exchange.check_time(now)
    pairings.check_open(connection, exchange.id)
    ended_exchanges.end(connection, exchange.id, Ending.DECLINED, now, *([What.OVER_ASKED] if over else []))
    return happening.keep(connection, context)
