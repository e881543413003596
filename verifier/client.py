"""The relying party's way to the service: ask, wait for the answer, verify it here.

What the service says of an answer is not believed. The presentation is verified against the request that was
asked, the receipt against the log's key that the caller brought. Schemas and the public halves of issuer keys
come from the service's catalogue; an issuer key's name follows from the key and stands in the result.

State rules: a client keeps a channel and nothing else. An exchange is held by OpenExchange alone, so another
process that has it can go on waiting. Used by one thread at a time.
"""

import datetime as dt
import itertools
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self, TypeAlias, TypeVar

import grpc
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import tlog
from disclosure import (
    DepartmentName,
    Directory,
    DisclosureError,
    ExchangeLink,
    IssuerKey,
    IssuerKeyName,
    MalformedError,
    Presentation,
    Reason,
    RefusedError,
    Request,
    Schema,
    SchemaName,
    SignedRequest,
    VerifierName,
    open_request,
    sign_request,
)
from disclosure.request import CLOCK_TOLERANCE
from verifier import keys
from verifier.audit import audit_receipt, receipt_body
from verifier.errors import AnswerError, ExpiredError, TimedOutError
from verifier.record import Record
from verifier.verify import VerifiedCredential, VerifiedPresentation, required_names, verify_presentation
from wire import convert
from wire.batch import portions
from wire.client import Endpoint, ServiceError, call, refusal, stream
from zkproto.v1 import catalog_pb2, catalog_pb2_grpc, presentation_pb2, presentation_pb2_grpc

ASK_PATIENCE: Final = dt.timedelta(seconds=30)
"""How long `ask` goes on while the service cannot be reached."""
_PAUSES: Final = (0.2, 0.5, 1.0, 2.0)
_BROKEN: Final = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
}
_TOO_LARGE: Final = {"MESSAGE_TOO_LARGE", grpc.StatusCode.RESOURCE_EXHAUSTED.name}
"""What the service says of a message that is too large, and gRPC of one that it does not even carry."""
_State = presentation_pb2.WatchExchangeResponse
_ToVerify: TypeAlias = presentation_pb2.VerifyPresentationRequest
_Verdict: TypeAlias = presentation_pb2.PresentationVerdict
_Answer = TypeVar("_Answer")


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True)
class OpenExchange:
    """A request that was asked and may be answered until `expires`.

    `link` is for the holder, as text or QR code; `result_token` is the verifier's secret to watch with.
    """

    exchange: str
    link: ExchangeLink
    result_token: str = field(repr=False)
    signed_request: SignedRequest
    expires: dt.datetime


@dataclass(frozen=True)
class Answered:
    """An answer that was verified here, and the record to keep of it."""

    verified: VerifiedPresentation
    record: Record


@dataclass(frozen=True)
class RemoteVerdict:
    """What the service says that a presentation shows: its word, and no evidence."""

    presentation_digest: bytes
    credentials: tuple[VerifiedCredential, ...]


RemoteRefusal: TypeAlias = ServiceError | DisclosureError
"""Why one of many presentations is refused: by the service, or here before it was sent."""
_REFUSALS: Final = (ServiceError, DisclosureError)


class VerifierClient:
    """One relying party at one service. A context manager: leaving it closes the channel.

    `key` is the registered request key, `log_verifier` the log's key, had from elsewhere than this service.
    `clock` gives times with a zone; `pause` sleeps for so many seconds.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        name: VerifierName,
        key: Ed25519PrivateKey,
        log_verifier: tlog.Verifier,
        *,
        clock: Callable[[], dt.datetime] = _now,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._endpoint, self._name, self._key = endpoint, name, key
        self._log, self._clock, self._pause = log_verifier, clock, pause
        self._channel = endpoint.channel()
        self._catalog = catalog_pb2_grpc.CatalogServiceStub(self._channel)
        self._presentations = presentation_pb2_grpc.PresentationServiceStub(self._channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()

    def ask(self, request: Request) -> OpenExchange:
        """Sign a request and open an exchange for it.

        While the service cannot be reached the same call is sent again for up to ASK_PATIENCE, under the same
        request_id, so that one exchange at most is opened. Raises ServiceError, AnswerError; RefusedError
        REQUEST_MISMATCH if the request names another verifier.
        """
        if request.verifier != self._name:
            raise RefusedError(Reason.REQUEST_MISMATCH, "the request names another verifier")
        signed = sign_request(request, self._key)
        message = presentation_pb2.CreateExchangeRequest(
            signed_request=convert.signed_request_to(signed), request_id=str(uuid.uuid4())
        )
        return self._opened(self._patiently(self._presentations.CreateExchange, message), signed)

    def wait(self, exchange: OpenExchange, timeout: dt.timedelta) -> Answered:
        """Wait until the exchange is answered, verify the answer, and return it with its record.

        A stream that breaks is opened anew until `timeout` is over. Raises ExpiredError (nobody answered),
        TimedOutError, ServiceError (refused), AnswerError; for an answer that does not hold here, what
        `verify_presentation` and `audit_receipt` raise.
        """
        message = presentation_pb2.WatchExchangeRequest(
            exchange=exchange.exchange, result_token=exchange.result_token
        )
        states = self._states(message, timeout)
        while True:
            state = next(states)
            if state.state == _State.STATE_EXPIRED:
                raise ExpiredError("nobody answered the request in time")
            if state.state == _State.STATE_VERIFIED:
                try:
                    return self._accept(exchange.signed_request, state)
                except ServiceError as error:  # the catalogue; the stream will tell the answer again
                    if error.code not in _BROKEN:
                        raise
            elif state.state != _State.STATE_PENDING:
                raise AnswerError("the exchange is in no known state", field="state")

    def directory_for(
        self, schemas: Iterable[SchemaName], issuer_keys: Iterable[IssuerKeyName] = ()
    ) -> Directory:
        """Fetch schemas and issuer keys; ServiceError (also for what is not registered), AnswerError."""
        try:
            return Directory(
                {each: self._schema(each) for each in schemas},
                {each: self._issuer_key(each) for each in issuer_keys},
            )
        except MalformedError as error:
            raise AnswerError(str(error), field=error.field) from None

    def verify_remote(
        self, signed_request: SignedRequest, presentation: Presentation, *, at: dt.datetime | None = None
    ) -> RemoteVerdict:
        """Let the service verify a presentation as of `at`, by default now, and return what it says.

        `verify_presentation` is what gives evidence. Raises ServiceError, AnswerError and what
        `required_names` raises.
        """
        names = required_names(signed_request.request, presentation)[0]
        message = _to_verify(signed_request, presentation, at, self.directory_for(names))
        return _said(call(self._presentations.VerifyPresentation, message), presentation)

    def verify_remote_batch(
        self, answers: Sequence[tuple[SignedRequest, Presentation]], *, at: dt.datetime | None = None
    ) -> tuple[RemoteVerdict | RemoteRefusal, ...]:
        """Let the service verify many presentations as `verify_remote` does one, in as few calls as it takes.

        Returns one verdict for each, in their order; who is refused fails no other. While the service cannot
        be reached or has too much to do, a call is sent again for up to ASK_PATIENCE. Raises ServiceError if
        a call is refused as a whole, AnswerError.
        """
        schemas: dict[SchemaName, Schema | ServiceError] = {}
        asked = [self._asked(*each, at, schemas) for each in answers]
        told = self._told([each for each in asked if not isinstance(each, _REFUSALS)])
        return tuple(
            message if isinstance(message, _REFUSALS) else _verdict(next(told), presentation)
            for message, (_, presentation) in zip(asked, answers, strict=True)
        )

    def _asked(
        self,
        signed: SignedRequest,
        presentation: Presentation,
        at: dt.datetime | None,
        schemas: dict[SchemaName, Schema | ServiceError],
    ) -> _ToVerify | RemoteRefusal:
        """Return a member's message, or why there is none; what is fetched for it is kept in `schemas`."""
        found: dict[SchemaName, Schema] = {}
        try:
            for name in required_names(signed.request, presentation)[0]:
                schema = schemas[name] = schemas.get(name) or self._schema_or_refusal(name)
                if isinstance(schema, ServiceError):
                    return schema
                found[name] = schema
            return _to_verify(signed, presentation, at, Directory(found, {}))
        except DisclosureError as error:
            return error

    def _schema_or_refusal(self, name: SchemaName) -> Schema | ServiceError:
        try:
            return self.directory_for([name]).schema(name)
        except ServiceError as error:
            if error.code is not grpc.StatusCode.NOT_FOUND:
                raise
            return error

    def _told(self, messages: Sequence[_ToVerify]) -> Iterator[_Verdict | ServiceError]:
        for run in portions([each.ByteSize() for each in messages]):
            yield from self._told_at_once(messages[run.start : run.stop])

    def _told_at_once(self, messages: Sequence[_ToVerify]) -> list[_Verdict | ServiceError]:
        """Make one call; if the service takes smaller messages than it usually does, two of half the size."""
        try:
            answer = self._patiently(
                self._presentations.BatchVerifyPresentations,
                presentation_pb2.BatchVerifyPresentationsRequest(requests=messages),
            )
        except ServiceError as error:
            middle = len(messages) // 2
            if not middle and error.reason in _TOO_LARGE:
                return [error]
            if not middle or error.reason != "MESSAGE_TOO_LARGE":
                raise
            return [*self._told_at_once(messages[:middle]), *self._told_at_once(messages[middle:])]
        if len(answer.verdicts) != len(messages):
            raise AnswerError("not one verdict for each presentation", field="verdicts")
        return list(answer.verdicts)

    def _patiently(self, method: Callable[..., _Answer], message: Any) -> _Answer:
        """Make a call, and the same again while the service cannot be reached or has too much to do."""
        deadline = time.monotonic() + ASK_PATIENCE.total_seconds()
        pauses = _pauses()
        while True:
            pause = next(pauses)
            try:
                return call(method, message)
            except ServiceError as error:
                passing = error.code is grpc.StatusCode.UNAVAILABLE or error.reason == "OVERLOADED"
                if not passing or time.monotonic() + pause > deadline:
                    raise
            self._pause(pause)

    def _opened(self, answer: presentation_pb2.CreateExchangeResponse, signed: SignedRequest) -> OpenExchange:
        collection, _, identifier = answer.exchange.partition("/")
        if collection != "exchanges" or not answer.result_token or not answer.HasField("expire_time"):
            raise AnswerError("the exchange has no name, no token or no end", field="exchange")
        try:
            link = ExchangeLink(self._endpoint.server, identifier, answer.ticket)
            expires = convert.moment_of(answer.expire_time, field="expire_time")
        except MalformedError as error:
            raise AnswerError(error.detail, field=error.field) from None
        return OpenExchange(answer.exchange, link, answer.result_token, signed, expires)

    def _states(
        self, message: presentation_pb2.WatchExchangeRequest, timeout: dt.timedelta
    ) -> Iterator[presentation_pb2.WatchExchangeResponse]:
        """Give the exchange's states without end, over as many streams as it takes, or raise."""
        deadline = time.monotonic() + timeout.total_seconds()
        detail = "nobody has answered yet"
        for pause in _pauses():
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimedOutError(detail)
            try:
                yield from stream(
                    self._presentations.WatchExchange, message, timeout=dt.timedelta(seconds=left)
                )
            except ServiceError as error:
                if error.code not in _BROKEN:
                    raise
                if error.code is grpc.StatusCode.UNAVAILABLE:
                    detail = f"the service could not be reached ({error.detail})"
            self._pause(max(0.0, min(pause, deadline - time.monotonic())))

    def _accept(self, signed: SignedRequest, state: presentation_pb2.WatchExchangeResponse) -> Answered:
        own_key = keys.public_key(self._key)
        request = open_request(signed, lambda _: own_key)
        presentation = convert.presentation_of(state.presentation)
        receipt = audit_receipt(state.receipt, request, presentation, self._log)
        moment, now = receipt_body(receipt).verified, self._clock()
        if moment > now + CLOCK_TOLERANCE:
            raise RefusedError(Reason.RECEIPT_MISMATCH, "the receipt is dated in the future")
        directory = self.directory_for(*required_names(request, presentation))
        verified = verify_presentation(request, presentation, directory, now, at=moment)
        record = Record.of(signed, presentation, state.receipt, directory, own_key, self._log)
        return Answered(verified, record)

    def _schema(self, name: SchemaName) -> Schema:
        return convert.schema_of(call(self._catalog.GetSchema, catalog_pb2.GetSchemaRequest(name=str(name))))

    def _issuer_key(self, name: IssuerKeyName) -> IssuerKey:
        message = catalog_pb2.GetIssuerKeyRequest(name=str(name))
        return convert.issuer_key_of(call(self._catalog.GetIssuerKey, message))


def _pauses() -> Iterator[float]:
    """Give seconds to wait between attempts: longer each time, then alike, without end."""
    return itertools.chain(_PAUSES, itertools.repeat(_PAUSES[-1]))


def _to_verify(
    signed: SignedRequest, presentation: Presentation, at: dt.datetime | None, directory: Directory
) -> _ToVerify:
    return presentation_pb2.VerifyPresentationRequest(
        signed_request=convert.signed_request_to(signed),
        presentation=convert.presentation_to(presentation, directory.schema),
        verify_time=convert.moment_to(at) if at else None,
    )


def _verdict(told: _Verdict | ServiceError, presentation: Presentation) -> RemoteVerdict | ServiceError:
    if isinstance(told, ServiceError):
        return told
    if told.HasField("verified"):
        return _said(told.verified, presentation)
    error = refusal(told.refused)
    if error.code is grpc.StatusCode.OK:  # also where neither is set
        raise AnswerError("a verdict neither holds nor is refused", field="verdicts")
    return error


def _said(answer: presentation_pb2.VerifyPresentationResponse, presentation: Presentation) -> RemoteVerdict:
    if answer.presentation_digest != presentation.digest:
        raise AnswerError("the service verified another presentation", field="presentation_digest")
    if len(answer.credentials) != len(presentation.credentials):
        raise AnswerError("not one result for each credential", field="credentials")
    try:
        credentials = tuple(
            VerifiedCredential(
                query=said.query,
                department=DepartmentName.parse(said.department, field="department"),
                schema=SchemaName.parse(said.schema, field="schema"),
                issuer_key=part.shown.issuer_key,
                values=convert.values_of(said.values),
                expiry=convert.date_of(said.expiry, field="expiry") if said.HasField("expiry") else None,
            )
            for said, part in zip(answer.credentials, presentation.credentials, strict=True)
        )
    except MalformedError as error:
        raise AnswerError(error.detail, field=error.field) from None
    return RemoteVerdict(presentation.digest, credentials)
