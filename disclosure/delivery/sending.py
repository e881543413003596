"""The receipt of something that was sent unasked, checked offline: by who receives it, then and for years.

It says that the ledger holds the sending. What was sent is proven by the presentation itself, whose keys and
epochs were read from the ledger when it came.
"""

import datetime as dt
import hmac
from dataclasses import dataclass

from disclosure.composite.presentation import CompositePresentation
from disclosure.delivery.question import UnaskedQuestion
from disclosure.errors import Reason, RefusedError
from disclosure.event import EventBody, EventKind
from tlog.checkpoint import LogKeys
from tlog.policy import Policy
from tlog.receipt import VerifiedReceipt, verify_receipt


@dataclass(frozen=True)
class Sending:
    """What a receipt shows: that the log holds the sending of a question, and when the service took it."""

    receipt: VerifiedReceipt
    time: dt.datetime

    @classmethod
    def of(
        cls,
        receipt: bytes,
        question: UnaskedQuestion,
        log: LogKeys,
        *,
        policy: Policy | None = None,
        accept_pending: bool = False,
    ) -> "Sending":
        """Verify that a receipt is of this question, sent to whom it names.

        Policy and errors are those of `tlog.verify_receipt`; RefusedError RECEIPT_MISMATCH; MalformedError.
        """
        verified = verify_receipt(receipt, log, policy=policy, accept_pending=accept_pending)
        body = EventBody.from_bytes(verified.opening.body)
        body.check(EventKind.SENT, question.recipient, question.digest)
        return cls(verified, body.time)

    def check_note(self, presentation: CompositePresentation) -> None:
        """Check that the receipt stands beside the note that a presentation commits to; RECEIPT_MISMATCH."""
        if not hmac.compare_digest(presentation.answer.note_hash, self.receipt.opening.note_hash):
            raise RefusedError(Reason.RECEIPT_MISMATCH, "the receipt stands beside another holder's note")


def check_sending(
    receipt: bytes,
    question: UnaskedQuestion,
    presentation: CompositePresentation,
    log: LogKeys,
    *,
    policy: Policy | None = None,
    accept_pending: bool = False,
) -> VerifiedReceipt:
    """Check the receipt of something received that was verified when it came, without any clock.

    Raises as `Sending.of` does; RefusedError REQUEST_EXPIRED, REQUEST_NOT_YET_VALID (taken outside the
    question's life), RECEIPT_MISMATCH (another note, or a presentation of another question).
    """
    sending = Sending.of(receipt, question, log, policy=policy, accept_pending=accept_pending)
    question.check_time(sending.time)
    sending.check_note(presentation)
    if not hmac.compare_digest(presentation.answer.request_digest, question.digest):
        raise RefusedError(Reason.RECEIPT_MISMATCH, "the presentation is of another question")
    return sending.receipt
