"""Standing consents, the relying party's side: ask for one, watch it, ask under it."""

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from disclosure import ConsentLink, ExchangeLink, MalformedError, Reason, RefusedError, Request, VerifierName
from disclosure.composite import CompositeRequest
from disclosure.request import sign_request
from disclosure.standing import SignedTerms, StandingTerms, sign_terms
from verifier.client import tracing
from verifier.client.calls import patiently
from verifier.client.exchange import CompositeExchange, OpenExchange
from verifier.errors import AnswerError
from wire import convert
from wire.client import Endpoint, stream
from zkproto.v1 import consent_pb2, consent_pb2_grpc, presentation_pb2, presentation_pb2_grpc

_LOOK: Final = dt.timedelta(seconds=20)
_State = consent_pb2.WatchConsentResponse
_NO_TICKET: Final = "none"
"""An exchange under a consent has no ticket for its verifier: only the holder's vault is given one."""


class ConsentState(StrEnum):
    """How far a standing consent has come."""

    PENDING = "pending"
    GRANTED = "granted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


_STATES: Final = {
    _State.STATE_PENDING: ConsentState.PENDING,
    _State.STATE_GRANTED: ConsentState.GRANTED,
    _State.STATE_DECLINED: ConsentState.DECLINED,
    _State.STATE_WITHDRAWN: ConsentState.WITHDRAWN,
    _State.STATE_EXPIRED: ConsentState.EXPIRED,
}


@dataclass(frozen=True)
class AskedConsent:
    """A standing consent that was asked for.

    `link` is for the holder, as text or QR code; `result_token` is the verifier's secret to watch it with and
    to address exchanges to it.
    """

    consent: str
    link: ConsentLink
    result_token: str = field(repr=False)
    signed: SignedTerms
    expires: dt.datetime


@dataclass(frozen=True)
class ConsentStatus:
    """A consent's state, and how many exchanges were addressed to it."""

    state: ConsentState
    used: int


class VerifierConsents:
    """One relying party's standing consents at one service. A context manager: leaving it closes the channel.

    What is asked under a consent is waited for, and verified, with VerifierClient.wait.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        name: VerifierName,
        key: Ed25519PrivateKey,
        pause: Callable[[float], None],
    ) -> None:
        self._endpoint, self._name, self._key, self._pause = endpoint, name, key, pause
        self._channel = tracing.channel(endpoint)
        self._consents = consent_pb2_grpc.ConsentServiceStub(self._channel)
        self._presentations = presentation_pb2_grpc.PresentationServiceStub(self._channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.close()

    def ask(self, terms: StandingTerms) -> AskedConsent:
        """Sign terms and ask for a consent by them; sent again for a while under one request_id.

        Raises ServiceError, AnswerError; RefusedError REQUEST_MISMATCH for terms of another verifier.
        """
        self._check(terms.verifier)
        signed = sign_terms(terms, self._key)
        message = consent_pb2.CreateConsentRequest(
            signed_terms=consent_pb2.SignedTerms(payload=signed.payload, signature=signed.signature),
            request_id=str(uuid.uuid4()),
        )
        answer = patiently(self._consents.CreateConsent, message, self._pause)
        collection, _, identifier = answer.consent.partition("/")
        if collection != "consents" or not answer.result_token:
            raise AnswerError("the consent has no name or no token", field="consent")
        try:
            link = ConsentLink(self._endpoint.server, identifier, answer.ticket)
        except MalformedError as error:
            raise AnswerError(error.detail, field=error.field) from None
        return AskedConsent(answer.consent, link, answer.result_token, signed, terms.expires)

    def status(self, consent: str, result_token: str) -> ConsentStatus:
        """Return how a consent stands now; ServiceError, AnswerError."""
        message = consent_pb2.WatchConsentRequest(consent=consent, result_token=result_token)
        told = next(stream(self._consents.WatchConsent, message, timeout=_LOOK), None)
        state = None if told is None else _STATES.get(told.state)
        if told is None or state is None:
            raise AnswerError("the consent is in no known state", field="state")
        return ConsentStatus(state, told.used)

    def use(
        self, consent: str, result_token: str, request: Request | CompositeRequest
    ) -> OpenExchange | CompositeExchange:
        """Ask under a consent: its holder's vault finds the request and answers it within the terms.

        Raises ServiceError (CONSENT_EXHAUSTED, CONSENT_TOO_EARLY, CONSENT_EXPIRED, CONSENT_WITHDRAWN,
        CONSENT_NOT_GRANTED, CONSENT_MISMATCH among its reasons), AnswerError; RefusedError REQUEST_MISMATCH.
        """
        self._check(request.verifier)
        signed = sign_request(request, self._key)
        message = presentation_pb2.CreateExchangeRequest(
            signed_request=convert.signed_request_to(signed),
            request_id=str(uuid.uuid4()),
            consent=consent,
            consent_token=result_token,
        )
        answer = patiently(self._presentations.CreateExchange, message, self._pause)
        collection, _, identifier = answer.exchange.partition("/")
        if collection != "exchanges" or not answer.result_token or answer.ticket:
            raise AnswerError("the exchange has no name, no token, or a ticket", field="exchange")
        kind = CompositeExchange if isinstance(request, CompositeRequest) else OpenExchange
        link = ExchangeLink(self._endpoint.server, identifier, _NO_TICKET)
        return kind(answer.exchange, link, answer.result_token, signed, request.expires)

    def _check(self, verifier: VerifierName) -> None:
        if verifier != self._name:
            raise RefusedError(Reason.REQUEST_MISMATCH, "the request names another verifier")
