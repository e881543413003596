"""Judging presentations of both forms from octets alone: decoding, the verifier's signature, the proofs.

The request's label, which its verifier signed, selects the form (`composite_judging` has the other one). What
a judge keeps of the catalogue is in `knowledge`.
"""

import datetime as dt
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from google.protobuf.message import DecodeError, Message

from disclosure import (
    Directory,
    DisclosureError,
    Presentation,
    Reason,
    RefusedError,
    Request,
    SignedRequest,
    check_request,
    open_request,
)
from disclosure.composite import CompositeClaim, CompositeVerdict, is_composite, verify_composite_batch
from verifier.verify import Claim, VerifiedPresentation, required_names, schema_names, verify_presentations
from wire.convert import date_to, moment_of, presentation_of, signed_request_of, values_to, within
from zkproto.v1 import presentation_pb2 as pb
from zkproto.v1 import publication_pb2
from zkservice import composite_judging
from zkservice.errors import ServiceError, ServiceReason
from zkservice.fields import placed, required
from zkservice.knowledge import Knowledge, Known
from zkservice.moments import from_ms, to_ms
from zkservice.tasks import Done, Missing, MissingError, Outcome, Supplies

_Message = TypeVar("_Message", bound=Message)


class Matter(StrEnum):
    """What is judged: the message that a judgement has says of each."""

    PRESENTATION = "presentation"
    """A VerifyPresentationRequest; done gives a VerifyPresentationResponse."""
    REQUEST = "request"
    """A SignedRequest of the composite form; done gives an `OpenedRequest`."""
    OPENING = "opening"
    """A RecordOpeningRequest with the receipt's body; done gives the record's entry on the ledger."""


@dataclass(frozen=True)
class Judgement:
    """A message in its octets, judged as of a moment unless it says another one itself.

    `opened` says that the request's signature was verified when it was stored. `proofs` is what it weighs, in
    proofs of the plain form, for those who share out the work.
    """

    message: bytes = field(repr=False)
    moment: dt.datetime
    opened: bool = False
    proofs: int = 1
    matter: Matter = Matter.PRESENTATION

    def items(self) -> list[Any]:
        """Return what travels to a process."""
        return [self.message, to_ms(self.moment), self.opened, self.matter.value]

    @classmethod
    def of(cls, message: bytes, moment_ms: int, opened: bool, matter: str) -> "Judgement":
        """Return what `items` gave."""
        return cls(message, from_ms(moment_ms), opened, matter=Matter(matter))


class Judge:
    """Belongs to one thread; keeps what it was told of the catalogue."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._knowledge = Knowledge(monotonic)

    def work(self, jobs: Sequence[Judgement], supplies: Supplies) -> list[Outcome]:
        """Return an outcome for each job; the proofs of all of one form are verified together."""
        known = self._knowledge.told(supplies)
        read = [_read(job, known) for job in jobs]
        plain = [each for each in read if isinstance(each, Claim)]
        composite = [each for each in read if isinstance(each, CompositeClaim)]
        plainly = iter(verify_presentations(plain) if plain else ())
        compositely = iter(verify_composite_batch(composite) if composite else ())
        return [_verified(each, plainly, compositely) for each in read]


def _verified(
    read: Outcome | Claim | CompositeClaim,
    plainly: Iterator[VerifiedPresentation | DisclosureError],
    compositely: Iterator[CompositeVerdict],
) -> Outcome:
    """Return the outcome of what was read; a claim's is the next verdict of its form."""
    match read:
        case Claim():
            return _outcome(read, next(plainly))
        case CompositeClaim():
            return _composite_outcome(read, next(compositely))
        case _:
            return read


def _read(job: Judgement, known: Known) -> Outcome | Claim | CompositeClaim:
    """Check all of a job that costs no proof's arithmetic; do at once what is no presentation."""
    try:
        match job.matter:
            case Matter.PRESENTATION:
                return _claim(job, known)
            case Matter.REQUEST:
                asked = _parsed(pb.SignedRequest, job.message)
                return Done(composite_judging.asked(asked, known, job.moment).to_bytes())
            case Matter.OPENING:
                opening = _parsed(publication_pb2.RecordOpeningRequest, job.message)
                return Done(composite_judging.opening_record(opening, known).entry())
    except MissingError as error:
        return Missing(error.names)
    except (DisclosureError, ServiceError) as error:
        return error


def _parsed(kind: type[_Message], octets: bytes) -> _Message:
    try:
        return kind.FromString(octets)
    except (DecodeError, ValueError):
        detail = f"the octets are no {kind.__name__}"
        raise ServiceError(ServiceReason.MESSAGE_MALFORMED, detail) from None


def _claim(job: Judgement, known: Known) -> Claim | CompositeClaim:
    message = _parsed(pb.VerifyPresentationRequest, job.message)
    required(message.HasField("signed_request"), "signed_request")
    with within("signed_request"):
        signed = signed_request_of(message.signed_request)
    check_form(signed, message.WhichOneof("answer"))
    moment = job.moment
    if message.HasField("verify_time"):
        moment = moment_of(message.verify_time, field="verify_time")
    if is_composite(signed):
        answer = message.composite_presentation
        return composite_judging.claim_of(signed, answer, known, moment, opened=job.opened)
    with within("signed_request"):
        request = _open(signed, job, known)
    # Whoever has a verifier's signature may have schemas looked up and decoded, nobody else.
    with placed("signed_request"):
        check_request(request, known.directory(schema_names(request)))
    with within("presentation"):
        presentation = presentation_of(message.presentation)
    return Claim(request, presentation, _directory(request, presentation, known), moment)


def check_form(signed: SignedRequest, answer: str | None) -> None:
    """Raise unless the field of the answer is that of the form that the request selects.

    ServiceError FIELD_MISSING (there is none); RefusedError REQUEST_MISMATCH (an answer of the other form).
    """
    wanted = "composite_presentation" if is_composite(signed) else "presentation"
    required(answer is not None, wanted)
    if answer != wanted:
        detail = "the request is answered in the other form"
        raise RefusedError(Reason.REQUEST_MISMATCH, detail, field=str(answer))


def _open(signed: SignedRequest, job: Judgement, known: Known) -> Request:
    """Return a request that its verifier signed; decoded and registered before any signature is checked."""
    if job.opened:
        return signed.request
    public_key = known.verifier(str(signed.request.verifier))
    return open_request(signed, lambda _: public_key)


def _directory(request: Request, presentation: Presentation, known: Known) -> Directory:
    with placed("presentation"):
        return known.directory(*required_names(request, presentation))


def _outcome(claim: Claim, verdict: VerifiedPresentation | DisclosureError) -> Outcome:
    if isinstance(verdict, DisclosureError):
        return _presentation_refused(verdict)
    return Done(_response(verdict, claim.directory).SerializeToString())


def _composite_outcome(claim: CompositeClaim, verdict: CompositeVerdict) -> Outcome:
    if isinstance(verdict, DisclosureError):
        return composite_judging.refused(verdict)
    return Done(composite_judging.response(verdict, claim).SerializeToString())


def _presentation_refused(error: DisclosureError) -> DisclosureError:
    try:
        with placed("presentation"):
            raise error
    except DisclosureError as told:
        return told


def _response(verified: VerifiedPresentation, directory: Directory) -> pb.VerifyPresentationResponse:
    return pb.VerifyPresentationResponse(
        credentials=[
            pb.VerifiedCredential(
                query=each.query,
                department=str(each.department),
                schema=str(each.schema),
                values=values_to(directory.schema(each.schema), each.values.items()),
                expiry=date_to(each.expiry) if each.expiry else None,
            )
            for each in verified.credentials
        ],
        presentation_digest=verified.presentation_digest,
    )
