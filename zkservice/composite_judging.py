"""Judging the composite form: requests before they are asked, presentations, openings of escrows."""

import datetime as dt
from dataclasses import dataclass, replace
from typing import Final

from bbs.gadgets.escrow import Opening
from disclosure import (
    DepartmentName,
    DisclosureError,
    MalformedError,
    Reason,
    ReceiptBody,
    RefusedError,
    SignedRequest,
    VerifierName,
    canonical,
)
from disclosure.composite import (
    CompositeClaim,
    CompositePresentation,
    CompositeRequest,
    Needed,
    OpeningRecord,
    VerifiedComposite,
    check_joint_request,
    verify_escrow_opening,
)
from disclosure.presentation import DIGEST_OCTETS
from disclosure.request import moment_of
from wire.composite import composite_presentation_of
from wire.convert import date_to, signed_request_of, values_to, within
from zkproto.v1 import presentation_pb2 as pb
from zkproto.v1 import publication_pb2
from zkservice.counterparts import counterparts, in_use
from zkservice.fields import placed
from zkservice.knowledge import Known

_ANSWER: Final = "composite_presentation"
_IN_THE_REQUEST: Final = ("branches[", "issuance")
_OF_OPENINGS: Final = {"escrow": "escrow", "reference": "reference", "opening": "decryption_proof"}
_OPENED_LABEL: Final = "zk-disclosure/opened-request/v1"


@dataclass(frozen=True)
class OpenedRequest:
    """What the service has to know of a request that it opens an exchange for."""

    verifier: VerifierName
    digest: bytes
    expires: dt.datetime

    def to_bytes(self) -> bytes:
        """Return its canonical bytes."""
        expires = int(self.expires.timestamp())
        return canonical.encode(_OPENED_LABEL, str(self.verifier), self.digest, expires)

    @classmethod
    def from_bytes(cls, octets: bytes) -> "OpenedRequest":
        """Decode canonical bytes; MalformedError."""
        match canonical.decode(_OPENED_LABEL, octets):
            case [str(verifier), bytes(digest), int(expires)] if len(digest) == DIGEST_OCTETS:
                return cls(VerifierName.parse(verifier), digest, moment_of(expires))
        raise MalformedError(Reason.MALFORMED, "the octets are no opened request")


def opened_request(signed: SignedRequest, known: Known, *, opened: bool) -> CompositeRequest:
    """Return a request that its verifier signed, or that was opened before.

    The members of joint scopes sign too: that is a rule of the branches, checked with all others. Raises
    MalformedError; RefusedError REQUEST_SIGNATURE_INVALID; ServiceError VERIFIER_UNKNOWN; MissingError.
    """

    def check(request: CompositeRequest) -> None:
        if not opened:
            public_key = known.verifier(str(request.verifier))
            signed.check(request.verifier, lambda _: public_key)

    return known.request(signed.payload, check)


def asked(message: pb.SignedRequest, known: Known, moment: dt.datetime) -> OpenedRequest:
    """Return what an exchange is opened for, unless a branch of the request cannot be proven.

    A number of another holder's is one that this service has accepted for the same verifier: else the request
    is refused as COMMITMENT_INVALID before anybody answers it in vain. Raises as `opened_request` does;
    RefusedError REQUEST_EXPIRED, REQUEST_NOT_YET_VALID; what `counterparts` and `check_joint_request` do,
    with the place in the request.
    """
    with within("signed_request"):
        request = opened_request(signed_request_of(message), known, opened=False)
    request.check_time(moment)
    with within("signed_request"):
        directory = known.composite_directory(Needed.of(request))
        others = counterparts(request, request.branches, known)
    with placed("signed_request"):
        check_joint_request(request, directory, others)
    return OpenedRequest(request.verifier, request.digest, request.expires)


def claim_of(
    signed: SignedRequest,
    message: pb.CompositePresentation,
    known: Known,
    moment: dt.datetime,
    *,
    opened: bool = False,
    answer: str = _ANSWER,
) -> CompositeClaim:
    """Return what is to be verified; `answer` is the field that holds the presentation.

    Whoever shows no signature of a verifier has nothing else looked up. Raises as `opened_request` does;
    RefusedError REQUEST_MISMATCH; MalformedError PRESENTATION_INVALID.
    """
    with within("signed_request"):
        request = opened_request(signed, known, opened=opened)
    with within(answer):
        presentation = composite_presentation_of(message)
        _check_binding(request, presentation, answer)
        _, branch = request.branch(presentation.answer.branch)
    proven = (each.epoch for each in presentation.answer.credentials if each.epoch is not None)
    epochs = [(each.accumulator, each.number) for each in proven]
    with within("signed_request"):
        directory = known.composite_directory(Needed.of(request, [branch]), epochs)
        others = counterparts(request, [branch], known)
    return CompositeClaim(request, presentation, directory, moment, others)


def _check_binding(request: CompositeRequest, presentation: CompositePresentation, answer: str) -> None:
    """Nothing is looked up for an answer to another request."""
    if presentation.answer.request_digest != request.digest:
        detail = "the presentation answers another request"
        raise RefusedError(Reason.REQUEST_MISMATCH, detail, field=f"{answer}.request_digest")


def refused(error: DisclosureError, answer: str = _ANSWER) -> DisclosureError:
    """Return what `verify_composite` or `verify_escrow_opening` refuses, with its place in the message."""
    return type(error)(Reason(error.reason), error.detail, field=_place(error.field, answer))


def _place(field: str, answer: str) -> str:
    if field.startswith(_IN_THE_REQUEST):
        return f"signed_request.{field}"
    return _OF_OPENINGS.get(field) or (f"{answer}.{field}" if field else "")


def response(verified: VerifiedComposite, claim: CompositeClaim) -> pb.VerifyPresentationResponse:
    """Return what a verified presentation says."""
    answer, (_, branch) = verified.answer, claim.request.branch(verified.answer.branch)
    return pb.VerifyPresentationResponse(
        credentials=[
            pb.VerifiedCredential(
                query=each.query,
                department=str(DepartmentName(each.schema.department)),
                schema=str(each.schema),
                values=values_to(claim.directory.schema(each.schema), each.values.items()),
                expiry=date_to(each.expiry) if each.expiry else None,
            )
            for each in (credential.shown for credential in answer.credentials)
        ],
        presentation_digest=verified.digest,
        branch=answer.branch,
        pseudonyms=[
            pb.VerifiedPseudonym(id=name, pseudonym=octets) for name, octets in verified.pseudonyms.items()
        ],
        escrows=[each.id for each in branch.escrows],
        commitment=verified.commitment.C if verified.commitment else b"",
        commitments=[
            pb.VerifiedCommitment(id=name, commitment=each.K) for name, each in verified.commitments.items()
        ],
    )


def opening_record(message: publication_pb2.RecordOpeningRequest, known: Known) -> OpeningRecord:
    """Return the record of an opening, once it is that of this presentation as of its receipt.

    `message` holds the receipt's body instead of the whole receipt: who asks has the log's key, and has found
    it on the log. The body says that the service accepted the presentation then: a key that was retired since
    was in use. Raises as `claim_of` does; RefusedError RECEIPT_MISMATCH; what `verify_escrow_opening` does.
    """
    with within("signed_request"):
        signed = signed_request_of(message.signed_request)
    body = ReceiptBody.from_bytes(message.receipt)
    claim = claim_of(signed, message.presentation, known, body.verified, answer="presentation")
    try:
        body.check(claim.request, claim.presentation)
    except RefusedError as error:
        raise RefusedError(Reason(error.reason), error.detail, field="receipt") from None
    claim = replace(claim, directory=in_use(claim.directory))
    opening = Opening(message.identity, message.decryption_proof)
    try:
        verify_escrow_opening(opening, claim, message.escrow, message.reference)
    except DisclosureError as error:
        raise refused(error, "presentation") from None
    regulator = _regulator(claim, message.escrow)
    digest = claim.presentation.digest
    return OpeningRecord.of(regulator, digest, message.escrow, message.reference, opening)


def _regulator(claim: CompositeClaim, escrow: str) -> bytes:
    """Return the digest of the key that an escrow of the answered branch is for."""
    _, branch = claim.request.branch(claim.presentation.answer.branch)
    return next(each.regulator for each in branch.escrows if each.id == escrow)
