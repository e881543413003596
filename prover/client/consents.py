"""Standing consents, the holder's side: terms answered, requests within them attended to, withdrawal."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import tlog
from disclosure import ConsentLink, DisclosureError, ExchangeLink, LocalizedText, Reason, RefusedError
from disclosure.allowance import policy_of
from disclosure.composite import CompositeRequest
from disclosure.event import EventKind
from disclosure.request import MAX_LIFETIME
from disclosure.standing import SignedTerms, StandingTerms, check_standing
from prover.asker import Asker
from prover.client import HolderClient, answers, events, sessions, track_record_in
from prover.client.calls import Way, apart, checked, verifier_of
from prover.client.events import outgoing
from prover.composite.presenting import Prepared, present_plan
from prover.composite.telling import CompositeConsent, composite_consent_of
from prover.errors import PresentingError, VaultError, VaultReason
from prover.events import Call, Event, EventState
from prover.notes import EventNote
from prover.present import Consent, consent_of, plan, present
from prover.records import AnyRequest, FetchedRequest
from prover.standing import HeldConsent
from prover.usages import Usage
from prover.vault import Vault, utc_now
from wire import convert
from wire.client import Endpoint, ServiceError, call
from zkproto.v1 import consent_pb2, consent_pb2_grpc

_SERVICE: Final = "ConsentService"
_FAULTS: Final = (ServiceError, DisclosureError, VaultError, tlog.TlogError)
"""What one request, or one consent, may meet."""
_MOST: Final = 100
"""So many requests of one consent are looked at in one visit."""


@dataclass(frozen=True)
class FetchedTerms:
    """Terms that came by a link, signed by a verifier whose key stands on the ledger, within its policy."""

    link: ConsentLink
    signed: SignedTerms
    verifier_display_name: LocalizedText
    asker: Asker

    @property
    def terms(self) -> StandingTerms:
        """The terms."""
        return self.signed.terms


@dataclass(frozen=True)
class StandingConsent:
    """What a person has to know before granting: the terms, and what one answer would show as of today."""

    terms: StandingTerms
    each: Consent | CompositeConsent


@dataclass(frozen=True)
class Attended:
    """What became of a request under a consent: a use with its receipt, or why there is none."""

    consent: str
    exchange: str
    usage: Usage | None
    reason: str = ""


class ConsentClient:
    """A holder's standing consents at one service. Errors are those of HolderClient."""

    def __init__(self, endpoint: Endpoint, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._way, self._holder = Way(endpoint, clock), HolderClient(endpoint, clock=clock)

    def fetch(self, link: ConsentLink, log: tlog.Verifier) -> FetchedTerms:
        """Fetch terms. Raises RefusedError REQUEST_SIGNATURE_INVALID, POLICY_UNKNOWN, OVER_ASKING;
        tlog.TlogError."""
        self._way.check_server(link.server)
        with self._way.channel() as channel, checked():
            message = consent_pb2.FetchConsentRequest(consent=link.consent, ticket=link.ticket)
            answer = call(consent_pb2_grpc.ConsentServiceStub(channel).FetchConsent, message)
            signed = SignedTerms(answer.signed_terms.payload, answer.signed_terms.signature)
            verifier = verifier_of(channel, signed.terms.verifier, log)
            terms = signed.open(lambda _: verifier.public_key)
            policy = self._way.reader(channel, log).policy(policy_of(terms.asked))
            name = convert.text_of(verifier.display_name)
        check_standing(terms, policy)
        return FetchedTerms(link, signed, name, Asker(policy))

    def answer(
        self, link: ConsentLink, vault: Vault, log: tlog.Verifier, agrees: Callable[[StandingConsent], bool]
    ) -> Event:
        """Fetch terms, ask the person, store the answer, send it; `resume` sends what could not be sent.

        The person's no is an event too. Raises RefusedError REQUEST_EXPIRED, REQUEST_NOT_YET_VALID;
        REQUEST_MISMATCH (the vault holds other terms under this name); PresentingError NOTHING_FITS (an
        answer could not be given today); ServiceError if the service refuses for good, and the consent is not
        kept then.
        """
        fetched = self.fetch(link, log)
        fetched.terms.check_offered(self._way.clock())
        if not agrees(StandingConsent(fetched.terms, self._told(fetched, vault, log))):
            return self._declined(fetched, vault, log)

        def make(public_key: bytes, request_id: str, sealed: bytes) -> Call:
            message = consent_pb2.GrantConsentRequest(
                consent=link.consent,
                ticket=link.ticket,
                public_key=public_key,
                holder_note=sealed,
                request_id=request_id,
            )
            return outgoing(_SERVICE, "GrantConsent", message)

        held, event = vault.consents.grant(log, link, fetched.signed, fetched.verifier_display_name, make)
        event = events.tried(self._way, vault, event, log)
        if event.state is EventState.REFUSED:
            vault.consents.forget(held.id)
        return event

    def _told(self, fetched: FetchedTerms, vault: Vault, log: tlog.Verifier) -> Consent | CompositeConsent:
        """Return the consent screen of one request under the terms, as of now."""
        terms, name = fetched.terms, fetched.verifier_display_name
        now = self._way.clock().replace(microsecond=0)
        # What is shown as the request's end is until when the consent itself can be granted.
        request = terms.sample(now, min(terms.expires - now, MAX_LIFETIME))
        asker = replace(fetched.asker, record=track_record_in(vault, terms.verifier))
        if isinstance(request, CompositeRequest):
            return composite_consent_of(self._holder.plan(request, vault, log), name, asker)
        return consent_of(plan(request, vault.credentials(), now), name, asker)

    def _declined(self, fetched: FetchedTerms, vault: Vault, log: tlog.Verifier) -> Event:
        terms, link = fetched.terms, fetched.link
        note = EventNote(
            EventKind.CONSENT_DECLINED,
            str(terms.verifier),
            terms.asked.purpose,
            terms.digest,
            self._way.clock(),
        )

        def make(request_id: str, sealed: bytes) -> Call:
            message = consent_pb2.DeclineConsentRequest(
                consent=link.consent, ticket=link.ticket, holder_note=sealed, request_id=request_id
            )
            return outgoing(_SERVICE, "DeclineConsent", message)

        return events.tried(self._way, vault, vault.begin_event(link.server, note, make), log)

    def recovered(self, vault: Vault, log: tlog.Verifier) -> list[HeldConsent]:
        """Read the terms of consents that the ledger gave back, so that they can be listed and withdrawn.

        What cannot be read, or does not hold, is raised once the others are adopted: so is RefusedError
        REQUEST_MISMATCH for other terms than those that were granted.
        """
        found, failures = list[HeldConsent](), list[Exception]()
        for digest, link in _granted_before(vault, self._way.endpoint.server).items():
            with apart(failures):
                found.append(self._recovered(digest, link, vault, log))
        if failures:
            raise failures[0]
        return found

    def _recovered(self, digest: bytes, link: ConsentLink, vault: Vault, log: tlog.Verifier) -> HeldConsent:
        fetched = self.fetch(link, log)
        if fetched.terms.digest != digest:
            detail = "these are other terms than those that were granted"
            raise RefusedError(Reason.REQUEST_MISMATCH, detail, field="signed_terms")
        return vault.consents.adopt(link, fetched.signed, fetched.verifier_display_name)

    def withdraw(self, consent_id: str, vault: Vault, log: tlog.Verifier) -> Event:
        """Withdraw a consent: this vault answers nothing of it from now on, the service from when it is told.

        If the service cannot be reached, `resume` tells it. Raises ContentError CONSENT_NOT_FOUND.
        """
        name = vault.consents.find(consent_id).link.consent

        def make(request_id: str, sealed: bytes) -> Call:
            message = consent_pb2.WithdrawConsentRequest(
                consent=name, holder_note=sealed, request_id=request_id
            )
            return outgoing(_SERVICE, "WithdrawConsent", message, session=name)

        _, event = vault.consents.withdraw(vault.consents.find(consent_id).id, make)
        return events.tried(self._way, vault, event, log)

    def attend(self, vault: Vault, log: tlog.Verifier) -> list[Attended]:
        """Answer what waits and is within a consent, without asking; refuse and write down what is beyond.

        What cannot be answered now (a credential is missing, a receipt does not hold) is told and left, and
        holds up nothing else. Raises ServiceError if the service cannot be reached.
        """
        told = list[Attended]()
        for held in vault.consents.attended(self._way.endpoint.server):
            try:
                told += self._waiting(held, vault, log)
            except _FAULTS as error:
                told.append(_not_now(held, "", error))
        return told

    def _waiting(self, held: HeldConsent, vault: Vault, log: tlog.Verifier) -> Iterator[Attended]:
        with self._way.channel() as channel:
            token = sessions.opened(self._way, channel, vault, held.link.consent, log)
            asked = consent_pb2.ListConsentExchangesRequest(consent=held.link.consent)
            stub = consent_pb2_grpc.ConsentServiceStub(channel)
            waiting = call(stub.ListConsentExchanges, asked, token=token).exchanges
        sent = {each.link.id for each in vault.usages()}
        unanswered = [each for each in waiting if each.exchange.removeprefix("exchanges/") not in sent]
        for each in unanswered[:_MOST]:
            yield self._attend(each, held, vault, log)

    def _attend(
        self, told: consent_pb2.ConsentExchange, held: HeldConsent, vault: Vault, log: tlog.Verifier
    ) -> Attended:
        try:
            link = ExchangeLink(held.link.server, told.exchange.removeprefix("exchanges/"), told.ticket)
            fetched = answers.fetch(self._way, link, log, None)
            self._check(fetched, held.id, vault, log)
            prepared = self._prepared(fetched.request, vault, log)
            usage = vault.begin_usage(fetched, prepared, consent=held.id)
            return Attended(held.id, link.exchange, self._holder.submit(link, prepared, vault, usage, log))
        except _FAULTS as error:
            return _not_now(held, told.exchange, error)

    def _check(self, fetched: FetchedRequest, consent_id: str, vault: Vault, log: tlog.Verifier) -> None:
        """Refuse, and write down, what asks more than the policy, its limits, or the consent allow.

        What another verifier asks, or was answered before, is only refused: see `Consents.asked`.
        """
        held = vault.consents.asked(consent_id, fetched.request)
        try:
            answers.allowed(fetched)
            held.check(fetched.request, self._way.clock())
            check_standing(held.terms, fetched.policy)
        except (RefusedError, PresentingError):
            events.declined(self._way, vault, fetched, EventKind.OVER_ASKED, log)
            raise

    def _prepared(self, request: AnyRequest, vault: Vault, log: tlog.Verifier) -> Prepared:
        if not isinstance(request, CompositeRequest):
            planned = plan(request, vault.credentials(), self._way.clock())
            return present(planned, vault.keys, self._way.clock())
        found = self._holder.plan(request, vault, log)
        if not found.is_first:
            detail = "the first way cannot be answered; a later one is for the person to choose"
            raise PresentingError(VaultReason.BRANCH_UNDECIDED, detail)
        return present_plan(self._holder.ready(found, vault, log), vault.keys, self._way.clock())


def _not_now(
    held: HeldConsent, exchange: str, error: ServiceError | DisclosureError | VaultError | tlog.TlogError
) -> Attended:
    """Tell why nothing was answered; raise what is no word on this request, or on this consent."""
    if isinstance(error, ServiceError) and error.is_of_all:
        raise error
    return Attended(held.id, exchange, None, error.reason)


def _granted_before(vault: Vault, server: str) -> dict[bytes, ConsentLink]:
    """Return the links of consents that were granted and not withdrawn, by the digests of their terms, as the
    ledger's notes say."""
    notes = [each.note for each in vault.readings.found() if isinstance(each.note, EventNote)]
    ended = {each.digest for each in notes if each.kind is EventKind.CONSENT_WITHDRAWN}
    links = {
        each.digest: ConsentLink.parse(each.detail)
        for each in notes
        if each.kind is EventKind.CONSENT_GRANTED and each.detail and each.digest not in ended
    }
    return {digest: each for digest, each in links.items() if each.server == server}
