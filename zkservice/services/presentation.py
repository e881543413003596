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
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from sqlalchemy import Connection

from disclosure import SignedRequest
from wire.convert import moment_to, signed_request_of, signed_request_to, within
from zkproto.v1 import presentation_pb2 as pb
from zkproto.v1.presentation_pb2_grpc import PresentationServiceServicer
from zkservice.attempts import StoredAttempts
from zkservice.composite_judging import OpenedRequest
from zkservice.context import Context
from zkservice.desk import Desk
from zkservice.errors import ServiceError, ServiceReason
from zkservice.fields import check_request_id, placed, required, resource_id
from zkservice.judging import Judgement, check_form
from zkservice.keys import presentation_label
from zkservice.moments import whole_ms
from zkservice.services.accepting import Acceptance, judged, receipt_of
from zkservice.services.answers import Submitted, verified_state
from zkservice.services.asking import Asking
from zkservice.services.batch import Batch, judgement
from zkservice.services.declining import declined
from zkservice.services.parties import verifier_proven
from zkservice.signatures import Signatures
from zkservice.storage import (
    consents,
    ended_exchanges,
    errand_parts,
    exchanges,
    pairings,
    policies,
    registered,
)
from zkservice.storage.consents import Use
from zkservice.storage.database import Joined
from zkservice.storage.ended_exchanges import Ending
from zkservice.storage.exchanges import Answer, Exchange
from zkservice.storage.registered import Named
from zkservice.storage.statistics import Concerned

_POLL: Final = dt.timedelta(seconds=5)
Ended: TypeAlias = "Answer | pb.WatchExchangeResponse.State.ValueType"
"""How an exchange has ended: with an answer, or in a state without one."""
_ENDINGS: Final = {
    Ending.DECLINED: pb.WatchExchangeResponse.STATE_DECLINED,
    Ending.WITHDRAWN: pb.WatchExchangeResponse.STATE_WITHDRAWN,
}


class PresentationService(PresentationServiceServicer):
    """No holder is ever authenticated here; a ticket is good for one exchange."""

    def __init__(self, context: Context) -> None:
        self._context = context
        # Queues of their own: whoever verifies without state, or asks, does not hold up those who submit.
        self._submitted, self._stateless, self._asked = (
            Desk[Judgement](context.judges, context.directories.supplies, lambda job: job.proofs)
            for _ in range(3)
        )
        self._asking = Asking(context, self._asked)
        self._signatures = Signatures(context.database, context.apart)
        self._batch = Batch(context, self._stateless, self._signatures)
        self._attempts = StoredAttempts(context.database, context.clock)

    async def CreateExchange(self, request: pb.CreateExchangeRequest, context: Any) -> Any:
        """Open an exchange for a signed request; the same call sent again gets the same answer."""
        required(request.HasField("signed_request"), "signed_request")
        request_id = check_request_id(request.request_id)
        with within("signed_request"):
            signed = signed_request_of(request.signed_request)
        now, consent = whole_ms(self._context.now()), self._consent(request)
        opened = await self._asking.opened(signed, now)
        exchange = Exchange(
            id=secrets.token_urlsafe(16),
            verifier=str(opened.verifier),
            request_id=request_id,
            request_digest=opened.digest,
            signed=signed,
            created=now,
            expires=opened.expires,
        )
        use = await self._use(consent, signed)
        kept, paired = await self._context.database.write(
            lambda connection: _opened(connection, exchange, opened, use, pairing=request.pairing)
        )
        return pb.CreateExchangeResponse(
            exchange=f"exchanges/{kept.id}",
            ticket="" if consent else self._context.keys.token("ticket", kept.id),
            result_token=self._context.keys.token("result", kept.id),
            expire_time=moment_to(kept.expires),
            pairing_code=self._context.keys.code("pairing", kept.id) if paired else "",
        )

    def _consent(self, request: pb.CreateExchangeRequest) -> str:
        """Return the consent that an exchange is addressed to by whoever has its token; "" for none."""
        if not request.consent:
            return ""
        if request.pairing:
            detail = "nobody types a code where a consent answers"
            raise ServiceError(ServiceReason.FIELD_INVALID, detail, field="pairing")
        consent_id = resource_id(request.consent, "consents", field="consent")
        if not self._context.keys.is_token(request.consent_token, "consent-result", consent_id):
            raise consents.unknown_consent()
        return consent_id

    async def _use(self, consent: str, signed: SignedRequest) -> Use | None:
        """Return what a request is to a consent, if it is addressed to one; ServiceError NOT_FOUND."""
        if not consent:
            return None
        stored = await self._context.database.read(lambda each: consents.get(each, consent))
        return await asyncio.to_thread(Use.of, stored, signed)

    async def FetchRequest(self, request: pb.FetchRequestRequest, context: Any) -> Any:
        """Hand the signed request to whoever shows the exchange's ticket, until it is answered or ends."""
        exchange_id = self._authorised(request.exchange, request.ticket, "ticket")
        asked = await self._context.database.read(lambda each: _asked(each, exchange_id, self._context.now()))
        if asked.is_paired:
            await self._check_pairing(exchange_id, request.pairing_code)
        return pb.FetchRequestResponse(
            signed_request=signed_request_to(asked.exchange.signed),
            verifier=await verifier_proven(self._context, asked.verifier),
            states=await self._context.states.needed(asked.exchange.signed, asked.exchange.request_digest),
        )

    async def _check_pairing(self, exchange: str, code: str) -> None:
        """Return if this is the exchange's pairing code. A wrong one is counted, then told.

        Raises ServiceError PAIRING_REQUIRED, PAIRING_WRONG, PAIRING_FAILED.
        """
        if not code:
            await self._context.database.read(lambda each: pairings.check_open(each, exchange))
            detail = "the request takes the code that the verifier's page shows"
            raise ServiceError(ServiceReason.PAIRING_REQUIRED, detail, field="pairing_code")
        right = self._context.keys.is_code(code, "pairing", exchange)
        try:
            await self._context.database.write(lambda each: pairings.tried(each, exchange, right))
        finally:
            self._context.watching.ring(exchange)
        if not right:
            detail = "this is not the code that the verifier's page shows"
            raise ServiceError(ServiceReason.PAIRING_WRONG, detail, field="pairing_code")

    async def SubmitPresentation(self, request: pb.SubmitPresentationRequest, context: Any) -> Any:
        """Verify a presentation; answered once its receipt stands on the ledger."""
        exchange_id = self._authorised(request.exchange, request.ticket, "ticket")
        request_id, submitted = check_request_id(request.request_id), Submitted.decoded(request)
        digest = submitted.submission_digest(request.holder_note)
        exchange, answer = await self._context.database.read(
            lambda connection: _earlier(connection, exchange_id, request_id, digest, submitted.seen)
        )
        check_form(exchange.signed, request.WhichOneof("answer"))
        if answer is None:
            answer = await self._accept(exchange, submitted, request)
        place, receipt = await receipt_of(self._context, answer)
        return pb.SubmitPresentationResponse(
            receipt=receipt, entry_index=place.index, block_height=place.block.header.height
        )

    async def _accept(
        self,
        exchange: Exchange,
        submitted: Submitted,
        request: pb.SubmitPresentationRequest,
    ) -> Answer:
        submitted.check_note(request.holder_note)
        now = whole_ms(self._context.now())
        async with self._attempts.one(exchange.id):
            await self._submitted.one(judgement(judged(exchange, request), now, opened=True))
        note = bytes(request.holder_note)
        made = Acceptance.of(self._context.keys, exchange, submitted, request.request_id, note, now)
        stored = await self._context.database.write(Joined(self._keep_all, made))
        self._context.watching.ring(exchange.id)
        return stored

    def _keep_all(self, connection: Connection, made: Sequence[Acceptance]) -> list[Answer]:
        return exchanges.accept_all(connection, made, self._context.now())

    async def DeclineExchange(self, request: pb.DeclineExchangeRequest, context: Any) -> Any:
        """Keep the holder's no; answered once its event stands on the ledger."""
        exchange, _ = await self._exchange(request.exchange, request.ticket, "ticket")
        return pb.DeclineExchangeResponse(receipt=await declined(self._context, exchange, request))

    async def WatchExchange(
        self, request: pb.WatchExchangeRequest, context: Any
    ) -> AsyncIterator[pb.WatchExchangeResponse]:
        """Stream the exchange's state: as it is, and when it has ended."""
        exchange, answer = await self._exchange(request.exchange, request.result_token, "result")
        with self._context.watching.stream("exchanges"):
            async for state in self._states(exchange, answer or await self._ended(exchange.id)):
                yield state

    async def _ended(self, exchange_id: str) -> "Ended | None":
        return await self._context.database.read(lambda each: _ended(each, exchange_id))

    async def _states(
        self, exchange: Exchange, ended: "Ended | None"
    ) -> AsyncIterator[pb.WatchExchangeResponse]:
        if ended is None and self._context.now() < exchange.expires:
            yield pb.WatchExchangeResponse(state=pb.WatchExchangeResponse.STATE_PENDING)
            await self._context.states.prepare(exchange.signed, exchange.request_digest)
            ended = await self._wait(exchange)
        answer = ended or await self._last_look(exchange.id)
        if not isinstance(answer, Answer):
            yield pb.WatchExchangeResponse(state=answer)
            return
        # While the receipt is on its way to the ledger, the rest is read.
        (_, receipt), states = await asyncio.gather(
            receipt_of(self._context, answer),
            self._context.states.needed(exchange.signed, exchange.request_digest),
        )
        octets = self._context.keys.open(presentation_label(exchange.id), answer.sealed_presentation)
        yield verified_state(exchange.signed, octets, receipt, states)

    async def _wait(self, exchange: Exchange) -> "Ended | None":
        """Wait until it has ended and return how, or for the request's end and return None; another process
        may write the answer, so look again.
        """
        with self._context.watching.bell(exchange.id) as bell:
            while (left := exchange.expires - self._context.now()) > dt.timedelta():
                bell.clear()
                if ended := await self._ended(exchange.id):
                    return ended
                self._context.watching.check()
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(_POLL, left).total_seconds()):
                        await bell.wait()
        return None

    async def _last_look(self, exchange_id: str) -> "Ended":
        """Return the answer, or how the exchange ended without one, in the order of writes.

        What is accepted after a look past the request's end is refused as expired, and so is all after the
        exchange was closed: a verifier that was told so will not find an answer later.
        """
        ended = await self._context.database.write(lambda each: _ended(each, exchange_id))
        return ended or pb.WatchExchangeResponse.STATE_EXPIRED

    async def VerifyPresentation(self, request: pb.VerifyPresentationRequest, context: Any) -> Any:
        """Verify a presentation against a request and keep nothing."""
        await self._signatures.check_asked(request)
        done = await self._stateless.one(judgement(request, self._context.now()))
        return pb.VerifyPresentationResponse.FromString(done.octets)

    async def BatchVerifyPresentations(
        self, request: pb.BatchVerifyPresentationsRequest, context: Any
    ) -> Any:
        """Verify many presentations together and keep nothing."""
        return pb.BatchVerifyPresentationsResponse(verdicts=await self._batch.verify(request.requests))

    def _authorised(self, name: str, token: str, kind: str) -> str:
        """Return the identifier of the exchange that a token of that kind is for; ServiceError NOT_FOUND."""
        exchange_id = resource_id(name, "exchanges", field="exchange")
        if not self._context.keys.is_token(token, kind, exchange_id):
            raise exchanges.unknown_exchange()
        return exchange_id

    async def _exchange(self, name: str, token: str, kind: str) -> tuple[Exchange, Answer | None]:
        """Return an exchange and its answer to whoever has the token of that kind."""
        exchange_id = self._authorised(name, token, kind)
        return await self._context.database.read(
            lambda connection: (
                exchanges.get(connection, exchange_id),
                exchanges.answer_of(connection, exchange_id),
            )
        )


def _ended(connection: Connection, exchange_id: str) -> "Ended | None":
    """Return the answer to an exchange, or the state that it ended in before its time; else None."""
    answer = exchanges.answer_of(connection, exchange_id)
    if answer is None and pairings.is_closed(connection, exchange_id):
        return pb.WatchExchangeResponse.STATE_PAIRING_FAILED
    ending = ended_exchanges.ending_of(connection, exchange_id) if answer is None else None
    return answer if ending is None else _ENDINGS[ending]


def _opened(
    connection: Connection, exchange: Exchange, opened: OpenedRequest, use: Use | None, *, pairing: bool
) -> tuple[Exchange, bool]:
    """Open an exchange, by a policy that is in use; return it, or the one that this call opened before.

    One that is addressed to a consent is counted for it here. Also returned is whether it takes a pairing
    code, as it was opened.
    """
    policy = "" if opened.policy is None else str(opened.policy)
    concerned = Concerned(exchange.verifier, policy, opened.departments)
    kept = exchanges.add(connection, exchange, concerned)
    if errand_parts.is_tied(connection, kept.id):  # nobody gets the ticket of what only an errand answers
        detail = "the request_id was used to ask for a part of an errand"
        raise ServiceError(ServiceReason.REQUEST_ID_REUSED, detail, field="request_id")
    if kept is exchange and opened.policy is not None:
        with placed("signed_request"):
            policies.check_active(connection, opened.policy)
    if kept is exchange and use is not None:
        consents.use(connection, use, exchange.id, exchange.created)
    if consents.consent_of(connection, kept.id) != (None if use is None else use.consent):
        detail = "the request_id was used for another consent"
        raise ServiceError(ServiceReason.REQUEST_ID_REUSED, detail, field="request_id")
    if kept is exchange and pairing:
        pairings.add(connection, exchange.id)
    return kept, pairings.is_paired(connection, kept.id)


@dataclass(frozen=True)
class _Asked:
    """An exchange that is open, with who asks in it, and whether it takes a pairing code."""

    exchange: Exchange
    verifier: Named
    is_paired: bool


def _asked(connection: Connection, exchange_id: str, now: dt.datetime) -> _Asked:
    """Return an exchange that can be answered, all as of one moment; raises what says why it cannot."""
    exchange = exchanges.get(connection, exchange_id)
    if exchanges.answer_of(connection, exchange_id) is not None:
        raise ServiceError(ServiceReason.EXCHANGE_ANSWERED, "the exchange was answered")
    exchange.check_time(now)
    pairings.check_open(connection, exchange_id)
    ended_exchanges.check_open(connection, exchange_id)
    verifier = registered.verifier(connection, exchange.verifier)
    return _Asked(exchange, verifier, pairings.is_paired(connection, exchange_id))


def _earlier(
    connection: Connection, exchange: str, request_id: str, digest: bytes, seen: Sequence[bytes]
) -> tuple[Exchange, Answer | None]:
    """Return the exchange, and the answer to this same submission; refuse what was seen before.

    All of it as of one moment, or a copy that was accepted meanwhile would make this one look replayed.
    """
    answer = exchanges.earlier(connection, exchange, request_id, digest)
    if answer is None:
        exchanges.check_unseen(connection, seen)
    return exchanges.get(connection, exchange), answer
