"""ConsentService: a verifier asks to ask again, a holder grants, watches over and withdraws it.

No holder is authenticated: a ticket answers the terms, and what comes later is signed by a key that the vault
has made for this consent alone.
"""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection

from disclosure import Reason, RefusedError, Request, check_request, civil_date
from disclosure.allowance import policy_of
from disclosure.event import EventKind
from disclosure.standing import SignedTerms, StandingTerms, check_standing
from verifier.verify import schema_names
from wire.convert import moment_to, within
from zkproto.v1 import consent_pb2 as pb
from zkproto.v1.consent_pb2_grpc import ConsentServiceServicer
from zkservice.context import Context
from zkservice.errors import ServiceError, ServiceReason
from zkservice.events import Happening
from zkservice.events import receipt as event_receipt
from zkservice.fields import check_request_id, fresh_id, placed, required, resource_id
from zkservice.moments import whole_ms
from zkservice.services.asking import count_over_asking, public_key_of
from zkservice.storage import consents, policies
from zkservice.storage.consents import Consent, State
from zkservice.storage.events import Event

TICKET: Final = "consent-ticket"
RESULT: Final = "consent-result"
_POLL: Final = dt.timedelta(seconds=5)
_Told = pb.WatchConsentResponse
_STATES: Final = {
    State.ASKED: _Told.STATE_PENDING,
    State.GRANTED: _Told.STATE_GRANTED,
    State.DECLINED: _Told.STATE_DECLINED,
    State.WITHDRAWN: _Told.STATE_WITHDRAWN,
}
_GOING_ON: Final = {_Told.STATE_PENDING, _Told.STATE_GRANTED}


class ConsentService(ConsentServiceServicer):
    """Standing consents."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def CreateConsent(self, request: pb.CreateConsentRequest, context: Any) -> Any:
        """Keep terms that a verifier has signed; the same call sent again gets the same answer."""
        required(request.HasField("signed_terms"), "signed_terms")
        request_id = check_request_id(request.request_id)
        now = whole_ms(self._context.now())
        with within("signed_terms"):
            signed = SignedTerms(request.signed_terms.payload, request.signed_terms.signature)
            terms = await self._context.apart.run(lambda: signed.terms)  # anybody may send large ones
            public_key = await public_key_of(self._context, terms.verifier, "signed_terms")
            signed.open(lambda _: public_key)
        terms.check_offered(now)
        with placed("signed_terms"):
            await self._check(terms, now)
        consent = Consent(
            fresh_id(), str(terms.verifier), request_id, terms.digest, signed, now,
            terms.expires, terms.until,
        )  # fmt: skip
        kept = await self._context.database.write(lambda each: self._add(each, consent, terms))
        return pb.CreateConsentResponse(
            consent=kept.name,
            ticket=self._context.keys.token(TICKET, kept.id),
            result_token=self._context.keys.token(RESULT, kept.id),
            expire_time=moment_to(kept.expires),
        )

    async def _check(self, terms: StandingTerms, now: dt.datetime) -> None:
        """Refuse terms that go beyond their policy and its limits, counted as over-asking, once; each later
        request is checked in full."""
        if isinstance(terms.asked, Request):
            check_request(terms.asked, await self._context.directories.load(schema_names(terms.asked)))
        policy = await self._context.directories.policy(policy_of(terms.asked))
        try:
            await asyncio.to_thread(check_standing, terms, policy)
        except RefusedError as error:
            if error.reason == Reason.OVER_ASKING:
                await count_over_asking(self._context, terms.asked, terms.digest, terms.expires, now)
            raise

    @staticmethod
    def _add(connection: Connection, consent: Consent, terms: StandingTerms) -> Consent:
        kept = consents.add(connection, consent)
        if kept is consent:
            with placed("signed_terms"):
                policies.check_active(connection, policy_of(terms.asked))
        return kept

    async def FetchConsent(self, request: pb.FetchConsentRequest, context: Any) -> Any:
        """Hand the terms to whoever shows the ticket: a new phone reads them again after the grant."""
        signed = (await self._consent(request.consent, request.ticket, TICKET)).signed
        message = pb.SignedTerms(payload=signed.payload, signature=signed.signature)
        return pb.FetchConsentResponse(signed_terms=message)

    async def GrantConsent(self, request: pb.GrantConsentRequest, context: Any) -> Any:
        """Keep the holder's yes, with the consent's key."""
        consent = await self._consent(request.consent, request.ticket, TICKET)
        request_id, key = check_request_id(request.request_id), _checked_key(request.public_key)
        about = EventKind.CONSENT_GRANTED, request_id, request.holder_note
        receipt = await self._answered(consent, State.GRANTED, key, *about)
        return pb.GrantConsentResponse(receipt=receipt)

    async def DeclineConsent(self, request: pb.DeclineConsentRequest, context: Any) -> Any:
        """Keep the holder's no."""
        consent = await self._consent(request.consent, request.ticket, TICKET)
        about = EventKind.CONSENT_DECLINED, check_request_id(request.request_id), request.holder_note
        receipt = await self._answered(consent, State.DECLINED, None, *about)
        return pb.DeclineConsentResponse(receipt=receipt)

    async def _answered(
        self, consent: Consent, state: State, key: bytes | None, kind: EventKind, request_id: str, note: bytes
    ) -> bytes:
        happening = self._happening(consent, kind, request_id, note)
        terms = await asyncio.to_thread(lambda: consent.terms)

        def keep(connection: Connection) -> Event:
            earlier = happening.earlier(connection)
            if earlier is not None:
                self._check_same_key(connection, consent, key)
                return earlier
            consents.answer(connection, consent.id, terms, state, key, self._context.now())
            return happening.keep(connection, self._context)

        return await self._told(consent, await self._context.database.write(keep))

    @staticmethod
    def _check_same_key(connection: Connection, consent: Consent, key: bytes | None) -> None:
        """Refuse the same grant with another key: whoever has the ticket and a copy must not take it over."""
        if consents.get(connection, consent.id).public_key != key:
            detail = "the request_id was used for something else"
            raise ServiceError(ServiceReason.REQUEST_ID_REUSED, detail, field="request_id")

    async def WithdrawConsent(self, request: pb.WithdrawConsentRequest, context: Any) -> Any:
        """Withdraw a consent, end what is open of it, and wake who waits for that."""
        consent = await self._own(request.consent, context)
        request_id = check_request_id(request.request_id)
        happening = self._happening(
            consent, EventKind.CONSENT_WITHDRAWN, request_id, bytes(request.holder_note)
        )
        ended = list[str]()

        def keep(connection: Connection) -> Event:
            earlier = happening.earlier(connection)
            if earlier is not None:
                return earlier
            ended[:] = consents.withdraw(connection, consent.id, self._context.now())
            return happening.keep(connection, self._context)

        event = await self._context.database.write(keep)
        for each in ended:
            self._context.watching.ring(each)
        return pb.WithdrawConsentResponse(receipt=await self._told(consent, event))

    def _happening(self, consent: Consent, kind: EventKind, request_id: str, note: bytes) -> Happening:
        return Happening.of(
            self._context, kind, consent.verifier, consent.digest, consent.name, request_id, bytes(note)
        )

    async def _told(self, consent: Consent, event: Event) -> bytes:
        self._context.watching.ring(consent.name)
        _, receipt = await event_receipt(self._context, event)
        return receipt

    async def ListConsentExchanges(self, request: pb.ListConsentExchangesRequest, context: Any) -> Any:
        """List what waits for the vault, with the tickets that answer it."""
        consent = await self._own(request.consent, context)
        found = await self._context.database.read(
            lambda each: consents.listed(each, consent.id, self._context.now())
        )
        token = self._context.keys.token
        return pb.ListConsentExchangesResponse(
            exchanges=[
                pb.ConsentExchange(exchange=f"exchanges/{each}", ticket=token("ticket", each))
                for each in found
            ]
        )

    async def WatchConsent(
        self, request: pb.WatchConsentRequest, context: Any
    ) -> AsyncIterator[pb.WatchConsentResponse]:
        """Stream the consent's state: as it is, and at each change until it has ended."""
        consent = await self._consent(request.consent, request.result_token, RESULT)
        with self._context.watching.stream("consents"), self._context.watching.bell(consent.name) as bell:
            last: pb.WatchConsentResponse | None = None
            while True:
                bell.clear()
                told = self._state(
                    await self._context.database.read(lambda each: consents.get(each, consent.id))
                )
                if told != last:
                    yield told
                if told.state not in _GOING_ON:
                    return
                last = told
                self._context.watching.check()
                with suppress(TimeoutError):
                    async with asyncio.timeout(_POLL.total_seconds()):
                        await bell.wait()

    def _state(self, consent: Consent) -> pb.WatchConsentResponse:
        now, state = self._context.now(), _STATES[consent.state]
        late = consent.state is State.ASKED and now >= consent.expires
        if late or (consent.state is State.GRANTED and civil_date(now) > consent.until):
            state = _Told.STATE_EXPIRED
        return pb.WatchConsentResponse(state=state, used=consent.used)

    async def _consent(self, name: str, token: str, kind: str) -> Consent:
        """Return a consent to whoever has its token of a kind."""
        consent_id = resource_id(name, "consents", field="consent")
        if not self._context.keys.is_token(token, kind, consent_id):
            raise consents.unknown_consent()
        return await self._context.database.read(lambda each: consents.get(each, consent_id))

    async def _own(self, name: str, context: Any) -> Consent:
        """Return a consent to whoever has a session of its key."""
        consent_id = resource_id(name, "consents", field="consent")
        party = await self._context.access.party(context, "consents")
        if party != f"consents/{consent_id}":
            raise consents.unknown_consent()
        return await self._context.database.read(lambda each: consents.get(each, consent_id))


def _checked_key(octets: bytes) -> bytes:
    required(bool(octets), "public_key")
    try:
        return Ed25519PublicKey.from_public_bytes(octets).public_bytes_raw()
    except ValueError:
        detail = "an Ed25519 public key has 32 octets"
        raise ServiceError(ServiceReason.FIELD_INVALID, detail, field="public_key") from None
