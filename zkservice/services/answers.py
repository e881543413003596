"""Answers of both forms, as the service handles them: the field of the message, and what is kept of it."""

from dataclasses import dataclass, field
from typing import Final

from disclosure import SignedRequest, canonical
from disclosure.composite import is_composite
from tlog import entry as log_entry
from wire.composite import composite_presentation_of
from wire.convert import presentation_of, within
from zkproto.v1 import errand_pb2
from zkproto.v1 import presentation_pb2 as pb
from zkproto.v1.states_pb2 import States
from zkservice.errors import ServiceError, ServiceReason
from zkservice.fields import required
from zkservice.judging import check_form

_SUBMISSION_LABEL: Final = "zk-disclosure/submission/v1"
_SEEN_LABEL: Final = "zk-disclosure/seen/v1"


@dataclass(frozen=True)
class Submitted:
    """A decoded presentation of either form, by what the service needs of it: `octets` is its message."""

    octets: bytes = field(repr=False)
    digest: bytes = field(repr=False)
    note_hash: bytes = field(repr=False)
    seen: tuple[bytes, ...] = field(repr=False)
    """Digests of what must never be accepted twice: the presentation, its usage tag, each of its proofs."""

    @classmethod
    def of(
        cls, signed: SignedRequest, request: pb.SubmitPresentationRequest | errand_pb2.ErrandAnswer
    ) -> "Submitted":
        """Decode the answer to a signed request; not yet verified.

        Raises ServiceError FIELD_MISSING; RefusedError REQUEST_MISMATCH (of the other form); MalformedError.
        """
        check_form(signed, request.WhichOneof("answer"))
        return cls.decoded(request)

    @classmethod
    def decoded(cls, request: pb.SubmitPresentationRequest | errand_pb2.ErrandAnswer) -> "Submitted":
        """Decode an answer in the form that it has; `check_form` tells whether its request has that form.

        Raises ServiceError FIELD_MISSING; MalformedError.
        """
        form = request.WhichOneof("answer")
        required(form is not None, "presentation")
        if form == "composite_presentation":
            with within("composite_presentation"):
                composite = composite_presentation_of(request.composite_presentation)
            answer, octets = composite.answer, _octets(request.composite_presentation)
            seen = _seen(composite.canonical, answer.usage_tag, composite.proof)
            return cls(octets, composite.digest, answer.note_hash, seen)
        with within("presentation"):
            plain = presentation_of(request.presentation)
        seen = _seen(plain.canonical, plain.usage_tag, *(each.proof for each in plain.credentials))
        return cls(_octets(request.presentation), plain.digest, plain.note_hash, seen)

    def submission_digest(self, holder_note: bytes) -> bytes:
        """Return what tells one submission from another, whatever was sent as a note."""
        octets = canonical.encode(_SUBMISSION_LABEL, self.digest, note_digest(holder_note))
        return canonical.digest(_SUBMISSION_LABEL, octets)

    def check_note(self, holder_note: bytes) -> None:
        """Raise ServiceError NOTE_MISMATCH unless this is the note that the presentation commits to."""
        if len(holder_note) != log_entry.HOLDER_NOTE_OCTETS:
            detail = f"a holder's note has {log_entry.HOLDER_NOTE_OCTETS} octets"
            raise ServiceError(ServiceReason.NOTE_MISMATCH, detail, field="holder_note")
        if log_entry.note_hash(holder_note) != self.note_hash:
            detail = "the note is not the one that the presentation commits to"
            raise ServiceError(ServiceReason.NOTE_MISMATCH, detail, field="holder_note")


def presentation_digest(message: errand_pb2.ErrandAnswer) -> bytes:
    """Return the digest of the presentation in an answer; ServiceError FIELD_MISSING, MalformedError."""
    form = message.WhichOneof("answer")
    required(form is not None, "presentation")
    if form == "composite_presentation":
        with within("composite_presentation"):
            return composite_presentation_of(message.composite_presentation).digest
    with within("presentation"):
        return presentation_of(message.presentation).digest


def verified_state(
    signed: SignedRequest, octets: bytes, receipt: bytes, states: States | None = None
) -> pb.WatchExchangeResponse:
    """Return the last state of an exchange that was answered with these octets."""
    state = pb.WatchExchangeResponse(
        state=pb.WatchExchangeResponse.STATE_VERIFIED, receipt=receipt, states=states
    )
    answer = state.composite_presentation if is_composite(signed) else state.presentation
    answer.ParseFromString(octets)
    return state


def note_digest(holder_note: bytes) -> bytes:
    """Return a digest of whatever was sent as a note, of any length."""
    return canonical.digest("zk-disclosure/sent-note/v1", holder_note)


def _octets(message: pb.Presentation | pb.CompositePresentation) -> bytes:
    return message.SerializeToString(deterministic=True)


def _seen(*parts: bytes) -> tuple[bytes, ...]:
    return tuple(dict.fromkeys(canonical.digest(_SEEN_LABEL, part) for part in parts))
