"""Checking a use again, offline: what the receipt says, and that it is for this very use.

No I/O and no clock. What it rests on is the log's key, which the caller brings from elsewhere.
"""

from collections.abc import Sequence

import tlog
from disclosure import Reason, ReceiptBody, RefusedError
from prover.errors import ContentError, VaultReason
from prover.records import Usage, UsageState
from tlog import VerifiedReceipt, note_hash


def check_usage(
    usage: Usage, log_verifier: tlog.Verifier, *, witnesses: Sequence[tlog.Verifier] = (), quorum: int = 0
) -> VerifiedReceipt:
    """Return the receipt of an answered use once everything about it holds.

    The log's signed checkpoint, cosigned by `quorum` of the witnesses, covers the entry; the entry commits to
    this verifier, this request and this presentation; the note beside it is the one that the vault sealed;
    the usage tag is the vault's. Raises ContentError NO_RECEIPT; tlog.TlogError as `tlog.verify_receipt`
    does; RefusedError RECEIPT_MISMATCH; MalformedError.
    """
    if usage.state is not UsageState.ANSWERED or usage.receipt is None:
        raise ContentError(VaultReason.NO_RECEIPT, f"the use was {usage.state.value} and has no receipt")
    return check_receipt(usage, usage.receipt, log_verifier, witnesses=witnesses, quorum=quorum)


def check_receipt(
    usage: Usage,
    receipt: bytes,
    log_verifier: tlog.Verifier,
    *,
    witnesses: Sequence[tlog.Verifier] = (),
    quorum: int = 0,
) -> VerifiedReceipt:
    """Check a receipt for a use, in whatever state that is; raises as `check_usage` does."""
    verified = tlog.verify_receipt(receipt, log_verifier, witnesses=witnesses, quorum=quorum)
    presentation, opening = usage.presentation, verified.opening
    body = ReceiptBody.from_bytes(opening.body)
    body.check(usage.request, presentation)
    usage.request.check_time(body.verified)
    if presentation.request_digest != usage.request.digest:
        raise _mismatch("the presentation answers another request")
    if not note_hash(usage.holder_note) == presentation.note_hash == opening.note_hash:
        raise _mismatch("the receipt is for another holder's note")
    if not usage.own_tag:
        raise _mismatch("the usage tag is not this vault's")
    return verified


def _mismatch(detail: str) -> RefusedError:
    return RefusedError(Reason.RECEIPT_MISMATCH, detail)
