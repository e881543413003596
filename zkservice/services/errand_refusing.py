"""Refusing what a counter asks of a part: an event of the holder's, and a no to the counter.

Whether it is an over-asking of the counter's in the regulator's figures the service sees for itself.

It is what declining an exchange is by itself (`declining`): an errand's exchange has no ticket, so it is the
errand's own with which its holder says so.
"""

import hmac

from sqlalchemy import Connection

from disclosure.event import EventKind
from zkproto.v1 import errand_pb2 as pb
from zkservice.context import Context
from zkservice.errors import ServiceError, ServiceReason
from zkservice.events import Happening, receipt
from zkservice.fields import check_request_id, required
from zkservice.services.asking import asks_too_much
from zkservice.storage import errands
from zkservice.storage.errands import Errand
from zkservice.storage.events import Event


async def refused(
    context: Context, errand_id: str, request: pb.RefuseErrandPartRequest
) -> tuple[bytes, Errand]:
    """Keep that a part's ask was refused; return the event's receipt, and the errand as it was before.

    The same call sent again gets the same receipt, whatever was asked since. Raises ServiceError NOT_FOUND,
    FIELD_MISSING, ERRAND_ENDED, PART_STATE_INVALID, REQUEST_ID_REUSED, NOTE_MISMATCH; MalformedError.
    """
    request_id, note = check_request_id(request.request_id), bytes(request.holder_note)
    digest = bytes(request.request_digest)
    required(bool(digest), "request_digest")
    before = await context.database.read(lambda each: errands.get(each, errand_id, context.now()))
    part = errands.named(before, request.part)
    happening = Happening.of(
        context, EventKind.OVER_ASKED, part.verifier, digest, part.name, request_id, note
    )

    asked = None if part.ask is None else part.ask.exchange
    over = (
        asked is not None
        and hmac.compare_digest(asked.request_digest, digest)
        and await asks_too_much(context, asked.signed)
    )

    def keep(connection: Connection) -> tuple[Event, str]:
        earlier = happening.earlier(connection)
        if earlier is not None:
            return earlier, ""
        now = context.now()
        exchange = errands.refuse(
            connection, errands.get(connection, errand_id, now), part.name, now, over=over
        ).exchange
        if not hmac.compare_digest(exchange.request_digest, digest):
            detail = "the part's counter asks something else"
            raise ServiceError(ServiceReason.PART_STATE_INVALID, detail, field="request_digest")
        return happening.keep(connection, context), exchange.id

    event, exchange = await context.database.write(keep)
    context.watching.ring(exchange)
    _, octets = await receipt(context, event)
    return octets, before
