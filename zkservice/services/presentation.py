"""PresentationService: a verifier asks, a holder answers, the receipt stands on the ledger.

A presentation is verified outside any transaction; one transaction then keeps the answer, what was seen in it
and the receipt's entry. Whoever sends the same again gets the same receipt, computed from what is stored: the
opening, the entry's index, and the checkpoint of its block.
"""

import asyncio
import datetime as dt
import secrets
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, Final

from sqlalchemy import Connection

from disclosure import (
    Presentation,
    ReceiptBody,
    Request,
    SignedRequest,
    canonical,
    check_request,
    open_request,
)
from tlog import entry as log_entry
from tlog.receipt import ReceiptOpening
from verifier.verify import schema_names
from wire.convert import (
    moment_to,
    presentation_of,
    signed_request_of,
    signed_request_to,
    within,
)
from zkproto.v1 import presentation_pb2 as pb
from zkproto.v1.presentation_pb2_grpc import PresentationServiceServicer
from zkservice.attempts import Attempts
from zkservice.context import Context
from zkservice.desk import Desk
from zkservice.errors import ServiceError, ServiceReason
from zkservice.fields import check_request_id, placed, required, resource_id
from zkservice.judging import Judgement
from zkservice.moments import whole_ms
from zkservice.receipts import Place
from zkservice.services.batch import Batch, judgement
from zkservice.storage import catalog, exchanges
from zkservice.storage.exchanges import Answer, Exchange

_SUBMISSION_LABEL: Final = "zk-disclosure/submission/v1"
_SEEN_LABEL: Final = "zk-disclosure/seen/v1"
_POLL: Final = dt.timedelta(seconds=5)


class PresentationService(PresentationServiceServicer):
    """No holder is ever authenticated here; a ticket is good for one exchange."""

    def __init__(self, context: Context) -> None:
        self._context = context
        # Two queues: whoever verifies without state does not hold up those who submit.
        self._submitted, self._stateless = (
            Desk[Judgement](context.judges, context.directories.supplies, lambda job: job.proofs)
            for _ in range(2)
        )
        self._batch = Batch(context, self._stateless)
        self._attempts = Attempts()

    async def CreateExchange(self, request: pb.CreateExchangeRequest, context: Any) -> Any:
        """Open an exchange for a signed request; the same call sent again gets the same answer."""
        required(request.HasField("signed_request"), "signed_request")
        request_id = check_request_id(request.request_id)
        with within("signed_request"):
            signed = signed_request_of(request.signed_request)
            opened = await self._open(signed)
        now = whole_ms(self._context.now())
        opened.check_time(now)
        await self._check_answerable(opened)
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

    async def _open(self, signed: SignedRequest) -> Request:
        """Return a request that its verifier signed; decoded and registered before any signature is
        checked."""
        name = str(signed.request.verifier)
        try:
            row = await self._context.database.read(lambda connection: catalog.verifier(connection, name))
        except ServiceError as error:
            if error.reason != ServiceReason.NOT_FOUND:
                raise
            detail = f"{name} is not registered"
            raise ServiceError(ServiceReason.VERIFIER_UNKNOWN, detail, field="signed_request") from None
        return open_request(signed, lambda _: row.public_key)

    async def _check_answerable(self, request: Request) -> None:
        with placed("signed_request"):
            check_request(request, await self._context.directories.load(schema_names(request)))

    async def FetchRequest(self, request: pb.FetchRequestRequest, context: Any) -> Any:
        """Hand the signed request to whoever shows the exchange's ticket, until it is answered or ends."""
        exchange, answer = await self._exchange(request.exchange, request.ticket, "ticket")
        if answer is not None:
            raise ServiceError(ServiceReason.EXCHANGE_ANSWERED, "the exchange was answered")
        exchange.signed.request.check_time(self._context.now())
        return pb.FetchRequestResponse(signed_request=signed_request_to(exchange.signed))

    async def SubmitPresentation(self, request: pb.SubmitPresentationRequest, context: Any) -> Any:
        """Verify a presentation; answered once its receipt stands on the ledger."""
        exchange, _ = await self._exchange(request.exchange, request.ticket, "ticket")
        request_id = check_request_id(request.request_id)
        required(request.HasField("presentation"), "presentation")
        with within("presentation"):
            presentation = presentation_of(request.presentation)
        digest, seen = _submission_digest(presentation, request.holder_note), _seen_digests(presentation)
        answer = await self._context.database.read(
            lambda connection: _earlier(connection, exchange.id, request_id, digest, seen)
        )
        if answer is None:
            answer = await self._accept(exchange, presentation, request, request_id, digest, seen)
        place, receipt = await self._receipt(answer)
        return pb.SubmitPresentationResponse(
            receipt=receipt, entry_index=place.index, block_height=place.block.header.height
        )

    async def _accept(
        self,
        exchange: Exchange,
        presentation: Presentation,
        request: pb.SubmitPresentationRequest,
        request_id: str,
        digest: bytes,
        seen: list[bytes],
    ) -> Answer:
        _check_note(presentation, request.holder_note)
        asked, now = exchange.signed.request, whole_ms(self._context.now())
        message = pb.VerifyPresentationRequest(
            signed_request=signed_request_to(exchange.signed), presentation=request.presentation
        )
        with self._attempts.one(exchange.id):
            await self._submitted.one(judgement(message, now, opened=True))
        opening = _opening(asked, presentation, now)
        kept = message.presentation.SerializeToString(deterministic=True)
        answer = Answer(
            exchange=exchange.id,
            request_id=request_id,
            submission_digest=digest,
            sealed_presentation=self._context.keys.seal(_presentation_label(exchange.id), kept),
            sealed_opening=self._context.keys.seal(_opening_label(exchange.id), opening.to_bytes()),
            outbox=0,
            created=now,
        )
        entry, note = opening.entry().to_bytes(), bytes(request.holder_note)
        stored = await self._context.database.write(
            lambda connection: exchanges.accept(
                connection, asked, answer, entry, note, seen, self._context.now()
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
        octets = self._context.keys.open(_presentation_label(exchange.id), answer.sealed_presentation)
        yield pb.WatchExchangeResponse(
            state=pb.WatchExchangeResponse.STATE_VERIFIED,
            presentation=pb.Presentation.FromString(octets),
            receipt=receipt,
        )

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


def _presentation_label(exchange: str) -> str:
    return f"presentation/{exchange}"


def _opening_label(exchange: str) -> str:
    return f"receipt-opening/{exchange}"


def _submission_digest(presentation: Presentation, holder_note: bytes) -> bytes:
    octets = canonical.encode(_SUBMISSION_LABEL, presentation.digest, note_digest(holder_note))
    return canonical.digest(_SUBMISSION_LABEL, octets)


def note_digest(holder_note: bytes) -> bytes:
    """Return a digest of whatever was sent as a note, of any length."""
    return canonical.digest("zk-disclosure/sent-note/v1", holder_note)


def _seen_digests(presentation: Presentation) -> list[bytes]:
    """Return what must never be accepted twice: the presentation, its usage tag, each of its proofs."""
    proofs = [each.proof for each in presentation.credentials]
    parts = [presentation.canonical, presentation.usage_tag, *proofs]
    return list(dict.fromkeys(canonical.digest(_SEEN_LABEL, part) for part in parts))


def _earlier(
    connection: Connection, exchange: str, request_id: str, digest: bytes, seen: list[bytes]
) -> Answer | None:
    """Return the answer to this same submission; refuse what was seen before.

    All of it as of one moment, or a copy that was accepted meanwhile would make this one look replayed.
    """
    answer = exchanges.earlier(connection, exchange, request_id, digest)
    if answer is None:
        exchanges.check_unseen(connection, seen)
    return answer


def _check_note(presentation: Presentation, holder_note: bytes) -> None:
    if len(holder_note) != log_entry.HOLDER_NOTE_OCTETS:
        detail = f"a holder's note has {log_entry.HOLDER_NOTE_OCTETS} octets"
        raise ServiceError(ServiceReason.NOTE_MISMATCH, detail, field="holder_note")
    if log_entry.note_hash(holder_note) != presentation.note_hash:
        detail = "the note is not the one that the presentation commits to"
        raise ServiceError(ServiceReason.NOTE_MISMATCH, detail, field="holder_note")


def _opening(asked: Request, presentation: Presentation, moment: dt.datetime) -> ReceiptOpening:
    body = ReceiptBody(asked.verifier, asked.digest, presentation.digest, moment)
    return ReceiptOpening(secrets.token_bytes(32), body.to_bytes(), presentation.note_hash)
