"""DeliveryService: recipients publish where they receive, anybody sends, recipients fetch what waits.

Who sends is not asked, and the service could not check what is sent: it is sealed. So nothing that a sender
says is believed by anybody for the service's sake; what the service adds is the receipt, which says when.
"""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, Final

from sqlalchemy import Connection

from disclosure import RefusedError
from disclosure.delivery import DELIVERY_LIFE, QUESTION_LIFE, SignedCard
from disclosure.delivery.card import check_recipient
from disclosure.delivery.sealing import check_sealed
from disclosure.errors import Reason
from disclosure.event import EventKind
from disclosure.presentation import DIGEST_OCTETS
from disclosure.request import CLOCK_TOLERANCE
from wire.convert import moment_of, moment_to, text_to
from zkproto.v1 import delivery_pb2 as pb
from zkproto.v1.delivery_pb2_grpc import DeliveryServiceServicer
from zkservice.context import Context
from zkservice.errors import ServiceError, ServiceReason
from zkservice.events import Happening, receipt
from zkservice.fields import check_request_id, fresh_id, placed, required, resource_id
from zkservice.listing import listed
from zkservice.moments import whole_ms
from zkservice.storage import deliveries, parties
from zkservice.storage.deliveries import Delivery, Limits, Recipient
from zkservice.storage.events import Event

MAX_QUERY_OCTETS: Final = 200
_POLL: Final = dt.timedelta(seconds=5)
_PARTIES: Final = ("verifiers", "accounts")


class DeliveryService(DeliveryServiceServicer):
    """Sending unasked."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def PublishReceivingCard(self, request: pb.PublishReceivingCardRequest, context: Any) -> Any:
        """Keep a card that the session's party has signed with its registered key."""
        party = await self._party(context)
        required(request.HasField("card"), "card")
        signed, now = SignedCard(request.card.payload, request.card.signature), self._context.now()

        def keep(connection: Connection) -> None:
            public_key = parties.public_key(connection, party) or b""
            with placed("card"):
                signed.open(party, public_key)
            deliveries.publish(connection, party, signed, public_key, now)

        await self._context.database.write(keep)
        return pb.PublishReceivingCardResponse()

    async def CloseReceiving(self, request: pb.CloseReceivingRequest, context: Any) -> Any:
        """Receive nothing more; what waits can be fetched as before."""
        party, now = await self._party(context), self._context.now()
        await self._context.database.write(lambda each: deliveries.close(each, party, now))
        return pb.CloseReceivingResponse()

    async def GetReceivingCard(self, request: pb.GetReceivingCardRequest, context: Any) -> Any:
        """Hand out a card as it was signed."""
        recipient = _recipient(request.recipient)
        signed = await self._context.database.read(lambda each: deliveries.card(each, recipient))
        card = pb.SignedCard(payload=signed.payload, signature=signed.signature)
        return pb.GetReceivingCardResponse(card=card)

    async def ListRecipients(self, request: pb.ListRecipientsRequest, context: Any) -> Any:
        """A page of the verifiers that receive."""
        query = request.query
        if len(query.encode()) > MAX_QUERY_OCTETS:
            detail = f"a query has at most {MAX_QUERY_OCTETS} octets"
            raise ServiceError(ServiceReason.FIELD_INVALID, detail, field="query")
        page, token = await listed(
            self._context,
            request,
            f"recipients of {query}",
            lambda each, after, limit: deliveries.recipients(each, query, after, limit),
            _recipient_to,
        )
        return pb.ListRecipientsResponse(recipients=page, next_page_token=token)

    async def SendDelivery(self, request: pb.SendDeliveryRequest, context: Any) -> Any:
        """Keep what is sent for its recipient; durable, and on the ledger, when answered."""
        recipient, sealed = _recipient(request.recipient), check_sealed(bytes(request.sealed))
        if len(request.digest) != DIGEST_OCTETS:
            detail = f"a digest has {DIGEST_OCTETS} octets"
            raise ServiceError(ServiceReason.FIELD_INVALID, detail, field="digest")
        required(request.HasField("expire_time"), "expire_time")
        ends = moment_of(request.expire_time, field="expire_time")
        happening = Happening.of(
            self._context,
            EventKind.SENT,
            recipient,
            bytes(request.digest),
            f"sent/{recipient}",
            check_request_id(request.request_id),
            request.holder_note,
        )
        # Senders are nobody, so what a read can tell must not cost a write: a write that is refused undoes
        # the group that it was in, and all of that runs again.
        kept = await self._context.database.read(lambda each: self._earlier(each, happening, ends))
        if kept is None:
            kept = await self._context.database.write(lambda each: self._sent(each, happening, sealed, ends))
            self._context.watching.ring(_bell(recipient))
        _, file = await receipt(self._context, kept)
        return pb.SendDeliveryResponse(receipt=file)

    def _earlier(
        self, connection: Connection, happening: Happening, ends: dt.datetime, *, change: bool = False
    ) -> Event | None:
        """Return what this same call kept before; raise unless it can be kept now."""
        earlier = happening.earlier(connection)
        if earlier is not None:
            return earlier
        body, settings = happening.body, self._context.settings
        _check_end(ends, body.time)
        limits = Limits(settings.max_deliveries, settings.max_deliveries_a_minute)
        deliveries.check_room(connection, body.party, limits, body.time, change=change)
        deliveries.check_new(connection, body.digest)
        return None

    def _sent(self, connection: Connection, happening: Happening, sealed: bytes, ends: dt.datetime) -> Event:
        earlier = self._earlier(connection, happening, ends, change=True)
        if earlier is not None:
            return earlier
        body = happening.body
        event = happening.keep(connection, self._context)
        made = Delivery(
            fresh_id(),
            body.party,
            body.digest,
            len(sealed),
            body.time,
            body.time + DELIVERY_LIFE,
            sealed,
        )
        deliveries.add(connection, made, event)
        return event

    async def ListDeliveries(self, request: pb.ListDeliveriesRequest, context: Any) -> Any:
        """A page of what waits for the session's party."""
        party, now = await self._party(context), self._context.now()
        page, token = await listed(
            self._context,
            request,
            f"deliveries of {party}",
            lambda each, after, limit: deliveries.waiting(
                each, party, after.removeprefix("deliveries/"), limit, now
            ),
            _delivery_to,
        )
        return pb.ListDeliveriesResponse(deliveries=page, next_page_token=token)

    async def FetchDelivery(self, request: pb.FetchDeliveryRequest, context: Any) -> Any:
        """Hand out what was sent, with the receipt of its sending."""
        found = await self._own(request.delivery, context)
        if found.sealed is None:
            raise deliveries.unknown_delivery()
        event = await self._context.database.read(lambda each: deliveries.event_of(each, found.id))
        _, file = await receipt(self._context, event)
        return pb.FetchDeliveryResponse(sealed=found.sealed, receipt=file)

    async def AcknowledgeDelivery(self, request: pb.AcknowledgeDeliveryRequest, context: Any) -> Any:
        """Forget what is sealed; with a note, keep that it was received as an event of the recipient's.

        One delivery is one event, whatever the request_id: entries of the ledger are for good.
        """
        found = await self._own(request.delivery, context)
        if not request.holder_note:
            await self._context.database.write(lambda each: deliveries.acknowledge(each, found.id))
            self._context.watching.ring(_bell(found.recipient))
            return pb.AcknowledgeDeliveryResponse()
        happening = Happening.of(
            self._context,
            EventKind.RECEIVED,
            found.name,
            found.digest,
            found.name,
            check_request_id(request.request_id),
            request.holder_note,
        )

        def keep(connection: Connection) -> Event:
            earlier = happening.earlier(connection)
            if earlier is not None:
                return earlier
            if not deliveries.acknowledge(connection, found.id):
                raise deliveries.unknown_delivery()
            return happening.keep(connection, self._context)

        kept = await self._context.database.write(keep)
        self._context.watching.ring(_bell(found.recipient))
        _, file = await receipt(self._context, kept)
        return pb.AcknowledgeDeliveryResponse(receipt=file)

    async def WatchDeliveries(
        self, request: pb.WatchDeliveriesRequest, context: Any
    ) -> AsyncIterator[pb.WatchDeliveriesResponse]:
        """Stream how many wait; the session is looked up each time, so the stream ends with its token."""
        party, watching, last = await self._party(context), self._context.watching, -1
        with watching.stream("deliveries"), watching.bell(_bell(party)) as rung:
            while True:
                rung.clear()
                await self._party(context)
                now = self._context.now()
                count = await self._context.database.read(
                    lambda each, now=now: deliveries.count_waiting(each, party, now)  # type: ignore[misc]
                )
                if count != last:
                    yield pb.WatchDeliveriesResponse(waiting=count)
                    last = count
                watching.check()
                with suppress(TimeoutError):
                    async with asyncio.timeout(_POLL.total_seconds()):
                        await rung.wait()

    async def _party(self, context: Any) -> str:
        return await self._context.access.party(context, *_PARTIES)

    async def _own(self, name: str, context: Any) -> Delivery:
        """Return a delivery to the session's party that it was sent to."""
        delivery_id = resource_id(name, "deliveries", field="delivery")
        party, now = await self._party(context), self._context.now()
        return await self._context.database.read(lambda each: deliveries.get(each, delivery_id, party, now))


def _check_end(ends: dt.datetime, now: dt.datetime) -> None:
    """Refuse a question whose life is over, before its sender believes that it arrived."""
    if now >= ends:
        raise RefusedError(Reason.REQUEST_EXPIRED, "it was made too long ago", field="expire_time")
    if ends > now + QUESTION_LIFE + CLOCK_TOLERANCE:
        raise RefusedError(Reason.REQUEST_NOT_YET_VALID, "it is dated ahead", field="expire_time")


def _bell(party: str) -> str:
    return f"deliveries of {party}"


def _recipient(name: str) -> str:
    required(bool(name), "recipient")
    return check_recipient(name)


def _recipient_to(each: Recipient) -> pb.Recipient:
    return pb.Recipient(name=each.name, display_name=text_to(each.display_name))


def _delivery_to(each: Delivery) -> pb.Delivery:
    return pb.Delivery(
        name=each.name,
        size=each.size,
        receive_time=moment_to(whole_ms(each.created)),
        expire_time=moment_to(each.expires),
    )
