"""What the service says of presentations that it is asked to verify: its word, and no evidence.

And presentations that a holder's wallet gave to the verifier, handed in to the service.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import grpc

from disclosure import (
    DepartmentName,
    DisclosureError,
    ExchangeLink,
    MalformedError,
    Presentation,
    Reason,
    RefusedError,
    Schema,
    SchemaName,
    Shown,
    SignedRequest,
)
from disclosure.composite import CompositePresentation, CompositeRequest, is_composite
from verifier.client.calls import patiently
from verifier.errors import AnswerError
from verifier.verify import VerifiedCredential, required_names
from wire import convert
from wire.batch import portions
from wire.client import ServiceError, call, refusal
from wire.composite import composite_presentation_to
from zkproto.v1 import presentation_pb2, presentation_pb2_grpc

AnyPresentation: TypeAlias = Presentation | CompositePresentation
RemoteRefusal: TypeAlias = ServiceError | DisclosureError
"""Why one of many presentations is refused: by the service, or here before it was sent."""
_REFUSALS: Final = (ServiceError, DisclosureError)
_TOO_LARGE: Final = {"MESSAGE_TOO_LARGE", grpc.StatusCode.RESOURCE_EXHAUSTED.name}
"""What the service says of a message that is too large, and gRPC of one that it does not even carry."""
_ToVerify: TypeAlias = presentation_pb2.VerifyPresentationRequest
_Verdict: TypeAlias = presentation_pb2.PresentationVerdict


@dataclass(frozen=True)
class RemoteVerdict:
    """What the service says that a presentation shows: its word, and no evidence.

    Of the composite form also the branch, the pseudonyms of 48 octets by their identifiers, the identifiers
    of what is escrowed, and the commitments of 48 octets by theirs.
    """

    presentation_digest: bytes
    credentials: tuple[VerifiedCredential, ...]
    branch: str = ""
    pseudonyms: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    escrows: tuple[str, ...] = ()
    commitments: Mapping[str, bytes] = field(default_factory=dict, repr=False)


class Remote:
    """Lets the service verify; `find_schema` fetches a schema and raises ServiceError, AnswerError."""

    def __init__(
        self,
        presentations: presentation_pb2_grpc.PresentationServiceStub,
        find_schema: Callable[[SchemaName], Schema],
        pause: Callable[[float], None],
    ) -> None:
        self._presentations, self._find_schema, self._pause = presentations, find_schema, pause

    def verify(
        self, signed: SignedRequest, presentation: AnyPresentation, at: dt.datetime | None
    ) -> RemoteVerdict:
        """Return what the service says of one presentation."""
        schemas = {name: self._find_schema(name) for name in _schema_names(signed, presentation)}
        message = _to_verify(signed, presentation, at, schemas)
        return _said(call(self._presentations.VerifyPresentation, message), presentation)

    def relay(
        self, link: ExchangeLink, signed: SignedRequest, presentation: AnyPresentation, note: bytes, sent: str
    ) -> bytes:
        """Hand in what another made, with its note and request_id; return the receipt."""
        schemas = {name: self._find_schema(name) for name in _schema_names(signed, presentation)}
        message = presentation_pb2.SubmitPresentationRequest(
            exchange=link.exchange, ticket=link.ticket, holder_note=note, request_id=sent
        )
        _put(message, presentation, schemas)
        return call(self._presentations.SubmitPresentation, message).receipt

    def verify_batch(
        self, answers: Sequence[tuple[SignedRequest, AnyPresentation]], at: dt.datetime | None
    ) -> tuple[RemoteVerdict | RemoteRefusal, ...]:
        """Return what the service says of each of many presentations, in their order."""
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
        presentation: AnyPresentation,
        at: dt.datetime | None,
        schemas: dict[SchemaName, Schema | ServiceError],
    ) -> _ToVerify | RemoteRefusal:
        """Return a member's message, or why there is none; what is fetched for it is kept in `schemas`."""
        found: dict[SchemaName, Schema] = {}
        try:
            for name in _schema_names(signed, presentation):
                schema = schemas[name] = schemas.get(name) or self._schema_or_refusal(name)
                if isinstance(schema, ServiceError):
                    return schema
                found[name] = schema
            return _to_verify(signed, presentation, at, found)
        except DisclosureError as error:
            return error

    def _schema_or_refusal(self, name: SchemaName) -> Schema | ServiceError:
        try:
            return self._find_schema(name)
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
            answer = patiently(
                self._presentations.BatchVerifyPresentations,
                presentation_pb2.BatchVerifyPresentationsRequest(requests=messages),
                self._pause,
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


def _schema_names(signed: SignedRequest, presentation: AnyPresentation) -> tuple[SchemaName, ...]:
    """Return the schemas that a presentation is sent with: none that its request does not ask for.

    Raises MalformedError (the request), RefusedError REQUEST_MISMATCH, QUERY_MISMATCH.
    """
    if is_composite(signed) != isinstance(presentation, CompositePresentation):
        detail = "the presentation has another form than the request"
        raise RefusedError(Reason.REQUEST_MISMATCH, detail, field="presentation")
    if not isinstance(presentation, CompositePresentation):
        return required_names(signed.request, presentation)[0]
    request, answer = CompositeRequest.from_bytes(signed.payload), presentation.answer
    if answer.request_digest != request.digest:
        detail = "the presentation answers another request"
        raise RefusedError(Reason.REQUEST_MISMATCH, detail, field="request_digest")
    accepted = {name for query in request.branch(answer.branch)[1].queries for name in query.schemas}
    names = tuple(dict.fromkeys(each.shown.schema for each in answer.credentials))
    if not accepted.issuperset(names):
        detail = "not what was asked: one of the query's schemas"
        raise RefusedError(Reason.QUERY_MISMATCH, detail, field="credentials")
    return names


def _to_verify(
    signed: SignedRequest,
    presentation: AnyPresentation,
    at: dt.datetime | None,
    schemas: Mapping[SchemaName, Schema],
) -> _ToVerify:
    message = presentation_pb2.VerifyPresentationRequest(
        signed_request=convert.signed_request_to(signed),
        verify_time=convert.moment_to(at) if at else None,
    )
    _put(message, presentation, schemas)
    return message


def _put(
    message: "_ToVerify | presentation_pb2.SubmitPresentationRequest",
    presentation: AnyPresentation,
    schemas: Mapping[SchemaName, Schema],
) -> None:
    if isinstance(presentation, CompositePresentation):
        message.composite_presentation.CopyFrom(composite_presentation_to(presentation, schemas.__getitem__))
    else:
        message.presentation.CopyFrom(convert.presentation_to(presentation, schemas.__getitem__))


def _verdict(told: _Verdict | ServiceError, presentation: AnyPresentation) -> RemoteVerdict | ServiceError:
    if isinstance(told, ServiceError):
        return told
    if told.HasField("verified"):
        return _said(told.verified, presentation)
    error = refusal(told.refused)
    if error.code is grpc.StatusCode.OK:  # also where neither is set
        raise AnswerError("a verdict neither holds nor is refused", field="verdicts")
    return error


def _said(
    answer: presentation_pb2.VerifyPresentationResponse, presentation: AnyPresentation
) -> RemoteVerdict:
    shown, branch = _shown(presentation)
    if answer.presentation_digest != presentation.digest:
        raise AnswerError("the service verified another presentation", field="presentation_digest")
    if len(answer.credentials) != len(shown):
        raise AnswerError("not one result for each credential", field="credentials")
    if answer.branch != branch:
        raise AnswerError("the service verified another branch", field="branch")
    try:
        credentials = tuple(
            VerifiedCredential(
                query=said.query,
                department=DepartmentName.parse(said.department, field="department"),
                schema=SchemaName.parse(said.schema, field="schema"),
                issuer_key=part.issuer_key,
                values=convert.values_of(said.values),
                expiry=convert.date_of(said.expiry, field="expiry") if said.HasField("expiry") else None,
            )
            for said, part in zip(answer.credentials, shown, strict=True)
        )
    except MalformedError as error:
        raise AnswerError(error.detail, field=error.field) from None
    pseudonyms = {each.id: each.pseudonym for each in answer.pseudonyms}
    commitments = {each.id: each.commitment for each in answer.commitments}
    escrows = tuple(answer.escrows)
    return RemoteVerdict(presentation.digest, credentials, branch, pseudonyms, escrows, commitments)


def _shown(presentation: AnyPresentation) -> tuple[list[Shown], str]:
    """Return what is shown of each credential, and the branch, which the plain form has not."""
    if isinstance(presentation, CompositePresentation):
        return [each.shown for each in presentation.answer.credentials], presentation.answer.branch
    return [each.shown for each in presentation.credentials], ""
