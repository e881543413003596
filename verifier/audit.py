"""Auditing a receipt offline: that the log holds it, and that it is for this presentation of this request."""

import hmac
from collections.abc import Iterable

from disclosure import Presentation, Reason, ReceiptBody, RefusedError, Request
from disclosure.composite import CompositePresentation, CompositeRequest
from tlog import (
    PENDING_REASONS,
    LogKeys,
    Policy,
    ProofFile,
    VerificationError,
    VerifiedReceipt,
    open_by_policy,
    verify_receipt,
)


def audit_receipt(
    receipt: bytes,
    request: Request | CompositeRequest,
    presentation: Presentation | CompositePresentation,
    log_verifier: LogKeys,
    *,
    policy: Policy | None = None,
    accept_pending: bool = False,
) -> VerifiedReceipt:
    """Return a receipt that the log's checkpoint covers and that is for this request and presentation.

    `receipt` is the file as the service handed it out, or the anchored one that was made of it. With a policy
    its quorum is demanded, or with `accept_pending` told of as the receipt's state. Raises
    tlog.MalformedError, tlog.VerificationError (the log); MalformedError (the body); RefusedError
    RECEIPT_MISMATCH (another presentation, or another holder's note than the presentation commits to),
    REQUEST_EXPIRED, REQUEST_NOT_YET_VALID (verified outside the request's life).
    """
    verified = verify_receipt(receipt, log_verifier, policy=policy, accept_pending=accept_pending)
    body = receipt_body(verified)
    body.check(request, presentation)
    if not hmac.compare_digest(verified.opening.note_hash, _note_hash(presentation)):
        raise RefusedError(Reason.RECEIPT_MISMATCH, "the receipt stands beside another holder's note")
    request.check_time(body.verified)
    return verified


def are_anchored(proofs: Iterable[bytes], policy: Policy) -> bool:
    """Tell whether the checkpoints of all these proof files are anchored; nothing else of them is verified.

    Raises tlog.TlogError for what is neither anchored nor pending.
    """
    try:
        for note in {ProofFile.parse(each).checkpoint for each in proofs}:
            open_by_policy(note, policy)
    except VerificationError as error:
        if error.reason not in PENDING_REASONS:
            raise
        return False
    return True


def receipt_body(verified: VerifiedReceipt) -> ReceiptBody:
    """Return what a verified receipt says; MalformedError."""
    return ReceiptBody.from_bytes(verified.opening.body)


def _note_hash(presentation: Presentation | CompositePresentation) -> bytes:
    if isinstance(presentation, CompositePresentation):
        return presentation.answer.note_hash
    return presentation.note_hash
