"""PresentationService: a verifier asks, a holder answers, the receipt stands on the ledger.

A presentation is verified outside any transaction; one transaction then keeps the answer, what was seen in it
and the receipt's entry. Whoever sends the same again gets the same receipt, computed from what is stored: the
opening, the entry's index, and the checkpoint of its block.
"""

import asyncio
import datetime as dt
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Any, Final

from sqlalchemy import Connection

from disclosure import ReceiptBody, SignedRequest, VerifierName, check_request, open_request
from disclosure.composite import composite_digest, is_composite
from tlog.receipt import ReceiptOpening
from verifier.verify import schema_names
from wire.convert import moment_to, signed_request_of, signed_request_to, within
from zkproto.v1 import presentation_pb2 as pb
from zkproto.v1.presentation_pb2_grpc import PresentationServiceServicer
from zkservice.attempts import Attempts
from zkservice.composite_judging import OpenedRequest
from zkservice.context import Context
from zkservice.desk import Desk
from zkservice.errors import ServiceError, ServiceReason
from zkservice.fields import check_request_id, placed, required, resource_id
from zkservice.judging import Judgement
from zkservice.keys import presentation_label
from zkservice.moments import whole_ms
from zkservice.receipts import Place
from zkservice.services.answers import Submitted, verified_state
from zkservice.services.batch import Batch, judgement, request_judgement
from zkservice.storage import catalog, exchanges
from zkservice.storage.exchanges import Answer, Exchange

_POLL: Final = dt.timedelta(seconds=5)


class PresentationService(PresentationServiceServicer):
    """No holder is ever authenticated here; a ticket is good for one exchange."""

    def __init__(self, context: Context) -> None:
        self._context = context
        # Queues of their own: whoever verifies without state, or asks, does not hold up those who submit.
        self._submitted, self._stateless, self._asked = (
            Desk[Judgement](context.judges, context.directories.supplies, lambda job: job.proofs)
            for _ in range(3)
        )
        self._batch = Batch(context, self._stateless)
        self._attempts = Attempts()

    async def CreateExchange(self, request: pb.CreateExchangeRequest, context: Any) -> Any:
        """Open an exchange for a signed request; the same call sent again gets the same answer."""
        required(request.HasField("signed_request"), "signed_request")
        request_id = check_request_id(request.request_id)
        with within("signed_request"):
            signed = signed_request_of(request.signed_request)
        now = whole_ms(self._context.now())
        opened = await (self._open_composite if is_composite(signed) else self._open)(signed, now)
        exchange = Exchange(
            id=secrets.token_urlsafe(16),
            verifier=str(opened.verifier),
            request_id=request_id,
            request_digest=opened.digest,
            signed=signed,
            created=now,
            expires=opened.expires,
        )
        kept = await self._context.database.write(lambda connection: exchanges.add(connection, exchange))
        return pb.CreateExchangeResponse(
            exchange=f"exchanges/{kept.id}",
            ticket=self._context.keys.token("ticket", kept.id),
            result_token=self._context.keys.token("result", kept.id),
            expire_time=moment_to(kept.expires),
        )

    async def _open(self, signed: SignedRequest, now: dt.datetime) -> OpenedRequest:
        """Open a request of the plain form that can be answered; decoded and registered before any signature
        is checked."""
        with within("signed_request"):
            name = signed.request.verifier
            public_key = await self._public_key(name)
            request = open_request(signed, lambda _: public_key)
        request.check_time(now)
        with placed("signed_request"):
            check_request(request, await self._context.directories.load(schema_names(request)))
        return OpenedRequest(name, request.digest, request.expires)

    async def _public_key(self, name: VerifierName) -> bytes:
        try:
            row = await self._context.database.read(lambda each: catalog.verifier(each, str(name)))
        except ServiceError as error:
            if error.reason != ServiceReason.NOT_FOUND:
                raise
            detail = f"{name} is not registered"
            raise ServiceError(ServiceReason.VERIFIER_UNKNOWN, detail, field="signed_request") from None
        return row.public_key

    async def _open_composite(self, signed: SignedRequest, now: dt.datetime) -> OpenedRequest:
        """Open a request of the composite form that can be compiled: a large one takes a judge some time.

        One that was opened before takes none, whoever sends it again. Its signature counts all the same: the
        verifier that repeats its call is answered with the exchange's tokens.
        """
        digest = composite_digest(signed)
        earlier = await self._context.database.read(lambda each: exchanges.of_request(each, digest))
        if earlier is None:
            done = await self._asked.one(request_judgement(signed_request_to(signed), now))
            return OpenedRequest.from_bytes(done.octets)
        name = VerifierName.parse(earlier.verifier)
        public_key = await self._public_key(name)
        with within("signed_request"):
            signed.check(name, lambda _: public_key)
        earlier.check_time(now)
        return OpenedRequest(name, digest, earlier.expires)

    async def FetchRequest(self, request: pb.FetchRequestRequest, context: Any) -> Any:
        """Hand the signed request to whoever shows the exchange's ticket, until it is answered or ends."""
        exchange, answer = await self._exchange(request.exchange, request.ticket, "ticket")
        if answer is not None:
            raise ServiceError(ServiceReason.EXCHANGE_ANSWERED, "the exchange was answered")
        exchange.check_time(self._context.now())
        return pb.FetchRequestResponse(signed_request=signed_request_to(exchange.signed))

    async def SubmitPresentation(self, request: pb.SubmitPresentationRequest, context: Any) -> Any:
        """Verify a presentation; answered once its receipt stands on the ledger."""
        exchange, _ = await self._exchange(request.exchange, request.ticket, "ticket")
        request_id = check_request_id(request.request_id)
        submitted = Submitted.of(exchange.signed, request)
        digest = submitted.submission_digest(request.holder_note)
        answer = await self._context.database.read(
            lambda connection: _earlier(connection, exchange.id, request_id, digest, submitted.seen)
        )
        if answer is None:
            answer = await self._accept(exchange, submitted, request, digest)
        place, receipt = await self._receipt(answer)
        return pb.SubmitPresentationResponse(
            receipt=receipt, entry_index=place.index, block_height=place.block.header.height
        )

    async def _accept(
        self,
        exchange: Exchange,
        submitted: Submitted,
        request: pb.SubmitPresentationRequest,
        digest: bytes,
    ) -> Answer:
        submitted.check_note(request.holder_note)
        now, keys = whole_ms(self._context.now()), self._context.keys
        with self._attempts.one(exchange.id):
            await self._submitted.one(judgement(_judged(exchange, request), now, opened=True))
        opening = _opening(exchange, submitted, now)
        answer = Answer(
            exchange=exchange.id,
            request_id=request.request_id,
            submission_digest=digest,
            sealed_presentation=keys.seal(presentation_label(exchange.id), submitted.octets),
            sealed_opening=keys.seal(_opening_label(exchange.id), opening.to_bytes()),
            outbox=0,
            created=now,
        )
        entry, note = opening.entry().to_bytes(), bytes(request.holder_note)
        stored = await self._context.database.write(
            lambda connection: exchanges.accept(
                connection, exchange, answer, entry, note, submitted.seen, self._context.now()
            )
        )
        self._context.watching.ring(exchange.id)
        return stored

    async def WatchExchange(
        self, request: pb.WatchExchangeRequest, context: Any
    ) -> AsyncIterator[pb.WatchExchangeResponse]:
        """Stream the exchange's state: as it is, and when it has ended."""
        exchange, answer = await self._exchange(request.exchange, request.result_token, "result")
        with self._context.watching.stream("exchanges"):
            async for state in self._states(exchange, answer):
                yield state

    async def _states(
        self, exchange: Exchange, answer: Answer | None
    ) -> AsyncIterator[pb.WatchExchangeResponse]:
        if answer is None and self._context.now() < exchange.expires:
            yield pb.WatchExchangeResponse(state=pb.WatchExchangeResponse.STATE_PENDING)
            await self._wait(exchange)
        answer = answer or await self._last_look(exchange.id)
        if answer is None:
            yield pb.WatchExchangeResponse(state=pb.WatchExchangeResponse.STATE_EXPIRED)
            return
        _, receipt = await self._receipt(answer)
        octets = self._context.keys.open(presentation_label(exchange.id), answer.sealed_presentation)
        yield verified_state(exchange.signed, octets, receipt)

    async def _wait(self, exchange: Exchange) -> None:
        """Wait for the answer, or for the request's end; another process may write it, so look again."""
        with self._context.watching.bell(exchange.id) as bell:
            while (left := exchange.expires - self._context.now()) > dt.timedelta():
                bell.clear()
                if await self._context.database.read(lambda each: exchanges.answer_of(each, exchange.id)):
                    return
                self._context.watching.check()
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(_POLL, left).total_seconds()):
                        await bell.wait()

    async def _last_look(self, exchange_id: str) -> Answer | None:
        """Return the answer, if there is one, in the order of writes.

        What is accepted after a look past the request's end is refused as expired: a verifier that was told
        EXPIRED will not find an answer later.
        """
        return await self._context.database.write(lambda each: exchanges.answer_of(each, exchange_id))

    async def VerifyPresentation(self, request: pb.VerifyPresentationRequest, context: Any) -> Any:
        """Verify a presentation against a request and keep nothing."""
        done = await self._stateless.one(judgement(request, self._context.now()))
        return pb.VerifyPresentationResponse.FromString(done.octets)

    async def BatchVerifyPresentations(
        self, request: pb.BatchVerifyPresentationsRequest, context: Any
    ) -> Any:
        """Verify many presentations together and keep nothing."""
        return pb.BatchVerifyPresentationsResponse(verdicts=await self._batch.verify(request.requests))

    async def _exchange(self, name: str, token: str, kind: str) -> tuple[Exchange, Answer | None]:
        """Return an exchange and its answer to whoever has the token of that kind."""
        exchange_id = resource_id(name, "exchanges", field="exchange")
        if not self._context.keys.is_token(token, kind, exchange_id):
            raise exchanges.unknown_exchange()
        return await self._context.database.read(
            lambda connection: (
                exchanges.get(connection, exchange_id),
                exchanges.answer_of(connection, exchange_id),
            )
        )

    async def _receipt(self, answer: Answer) -> tuple[Place, bytes]:
        place = await self._context.sequencer.integrated(answer.outbox)
        opening = self._context.keys.open(_opening_label(answer.exchange), answer.sealed_opening)
        return place, place.receipt(ReceiptOpening.parse(opening))


def _opening_label(exchange: str) -> str:
    return f"receipt-opening/{exchange}"


def _judged(exchange: Exchange, request: pb.SubmitPresentationRequest) -> pb.VerifyPresentationRequest:
    """Return what the judges are asked: the exchange's own request, and whichever answer was sent."""
    message = pb.VerifyPresentationRequest(signed_request=signed_request_to(exchange.signed))
    if is_composite(exchange.signed):
        message.composite_presentation.CopyFrom(request.composite_presentation)
    else:
        message.presentation.CopyFrom(request.presentation)
    return message


def _earlier(
    connection: Connection, exchange: str, request_id: str, digest: bytes, seen: Sequence[bytes]
) -> Answer | None:
    """Return the answer to this same submission; refuse what was seen before.

    All of it as of one moment, or a copy that was accepted meanwhile would make this one look replayed.
    """
    answer = exchanges.earlier(connection, exchange, request_id, digest)
    if answer is None:
        exchanges.check_unseen(connection, seen)
    return answer


def _opening(exchange: Exchange, submitted: Submitted, moment: dt.datetime) -> ReceiptOpening:
    verifier = VerifierName.parse(exchange.verifier)
    body = ReceiptBody(verifier, exchange.request_digest, submitted.digest, moment)
    return ReceiptOpening(secrets.token_bytes(32), body.to_bytes(), submitted.note_hash)
