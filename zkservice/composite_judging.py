"""Judging the composite form: requests before they are asked, presentations, openings of escrows."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from disclosure import (
    DepartmentName,
    DisclosureError,
    MalformedError,
    PolicyName,
    Reason,
    ReceiptBody,
    RefusedError,
    SchemaName,
    SignedRequest,
    VerifierName,
    canonical,
)
from disclosure.allowance import check_allowed, policy_of
from disclosure.composite import (
    CompositeClaim,
    CompositePresentation,
    CompositeRequest,
    Needed,
    OpeningRecord,
    VerifiedComposite,
    check_joint_request,
    combine_opening,
    verify_opening_part,
)
from disclosure.presentation import DIGEST_OCTETS
from disclosure.request import moment_of, policy_from, policy_item
from wire.composite import composite_presentation_of, part_of
from wire.convert import date_to, signed_request_of, values_to, within
from zkproto.v1 import presentation_pb2 as pb
from zkproto.v1 import publication_pb2
from zkservice.counterparts import counterparts, in_use
from zkservice.fields import placed
from zkservice.knowledge import Known

_ANSWER: Final = "composite_presentation"
_IN_THE_REQUEST: Final = ("branches[", "issuance")
_OF_OPENINGS: Final = ("escrow", "reference", "parts")
_OPENED_LABEL: Final = "zk-disclosure/opened-request/v1"


@dataclass(frozen=True)
class OpenedRequest:
    """What the service has to know of a request that it opens an exchange for."""

    verifier: VerifierName
    digest: bytes
    expires: dt.datetime
    departments: tuple[str, ...]
    """Names of those whose data are asked for, in any branch, in their order."""
    policy: PolicyName | None = None
    """The one that the request keeps to; None where that was found when it was opened before."""

    def to_bytes(self) -> bytes:
        """Return its canonical bytes."""
        return canonical.encode(
            _OPENED_LABEL, str(self.verifier), self.digest, int(self.expires.timestamp()),
            list(self.departments), policy_item(self.policy),
        )  # fmt: skip

    @classmethod
    def from_bytes(cls, octets: bytes) -> "OpenedRequest":
        """Decode canonical bytes; MalformedError."""
        match canonical.decode(_OPENED_LABEL, octets):
            case [
                str(verifier), bytes(digest), int(expires), list(departments), (str() | None) as policy,
            ] if len(digest) == DIGEST_OCTETS:  # fmt: skip
                asked = tuple(str(DepartmentName.parse(str(each))) for each in departments)
                name = VerifierName.parse(verifier)
                return cls(name, digest, moment_of(expires), asked, policy_from(policy))
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
    RefusedError REQUEST_EXPIRED, REQUEST_NOT_YET_VALID, POLICY_UNKNOWN, OVER_ASKING; what `counterparts` and
    `check_joint_request` do, with the place in the request.
    """
    with within("signed_request"):
        request = opened_request(signed_request_of(message), known, opened=False)
    request.check_time(moment)
    with within("signed_request"):
        directory = known.composite_directory(Needed.of(request))
        others = counterparts(request, request.branches, known)
    with placed("signed_request"):
        check_joint_request(request, directory, others)
        policy = policy_of(request)
        check_allowed(request, known.policy(policy))
    schemas = (each for branch in request.branches for query in branch.queries for each in query.schemas)
    departments = departments_of(schemas)
    return OpenedRequest(request.verifier, request.digest, request.expires, departments, policy)


def departments_of(schemas: Iterable[SchemaName]) -> tuple[str, ...]:
    """Return the names of the departments that schemas are of, each once, in their order."""
    return tuple(sorted({str(DepartmentName(each.department)) for each in schemas}))


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
    """Return what `verify_composite` or the check of an opening refuses, with its place in the message."""
    return type(error)(Reason(error.reason), error.detail, field=_place(error.field, answer))


def _place(field: str, answer: str) -> str:
    if field.startswith(_IN_THE_REQUEST):
        return f"signed_request.{field}"
    return field if field in _OF_OPENINGS or not field else f"{answer}.{field}"


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
    """Return the record of an opening, or of one officer's part, of this presentation as of its receipt.

    `message` holds the receipt's body instead of the whole receipt: who asks has the log's key, and has found
    it on the log. The body says that the service accepted the presentation then: a key that was retired since
    was in use. Raises as `claim_of` does; RefusedError RECEIPT_MISMATCH; what `combine_opening` does.
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
    parts = [part_of(each) for each in message.parts]
    try:
        if len(parts) == 1:
            verify_opening_part(parts[0], claim, message.escrow, message.reference)
        else:
            combine_opening(parts, claim, message.escrow, message.reference)
    except DisclosureError as error:
        raise refused(error, "presentation") from None
    regulator = _regulator(claim, message.escrow)
    digest = claim.presentation.digest
    return OpeningRecord.of(regulator, digest, message.escrow, message.reference, parts)


def _regulator(claim: CompositeClaim, escrow: str) -> bytes:
    """Return the digest of the key that an escrow of the answered branch is for."""
    _, branch = claim.request.branch(claim.presentation.answer.branch)
    return next(each.regulator for each in branch.escrows if each.id == escrow)
