"""Checking again, offline: what a receipt says, that it is for this very use, event or delivery, and who
opened what was escrowed.

No I/O and no clock. What it rests on is the log's key, and whose cosignatures a policy demands, both of which
the caller brings from elsewhere.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import tlog
from bbs.gadgets.escrow_shares import OFFICERS
from disclosure import Reason, ReceiptBody, RefusedError
from disclosure.composite import OpeningRecord, opened_escrow
from disclosure.delivery import check_sending
from disclosure.event import EventBody
from prover.deliveries import ReceivedDelivery
from prover.errors import ContentError, VaultReason
from prover.events import Event
from prover.reading import Found
from prover.usages import Usage, UsageState
from tlog import LogKeys, Policy, ReceiptEntry, RecordEntry, VerifiedReceipt, note_hash, parse_entry
from tlog.errors import Reason as TlogReason


def check_usage(
    usage: Usage, log: LogKeys, *, policy: Policy | None = None, accept_pending: bool = False
) -> VerifiedReceipt:
    """Return the receipt of an answered use once everything about it holds.

    The log's signed checkpoint covers the entry, and with a policy its quorum has cosigned that, or with
    `accept_pending` has perhaps not yet; the entry commits to this verifier, this request and this
    presentation; the note beside it is the one that the vault sealed; the usage tag is the vault's. Raises
    ContentError NO_RECEIPT; tlog.TlogError as `tlog.verify_receipt` does; RefusedError RECEIPT_MISMATCH;
    MalformedError.
    """
    if usage.state is not UsageState.ANSWERED or usage.receipt is None:
        raise ContentError(VaultReason.NO_RECEIPT, f"the use was {usage.state.value} and has no receipt")
    return check_receipt(usage, usage.receipt, log, policy=policy, accept_pending=accept_pending)


def check_receipt(
    usage: Usage,
    receipt: bytes,
    log: LogKeys,
    *,
    policy: Policy | None = None,
    accept_pending: bool = False,
) -> VerifiedReceipt:
    """Check a receipt for a use, in whatever state that is; raises as `check_usage` does."""
    verified = tlog.verify_receipt(receipt, log, policy=policy, accept_pending=accept_pending)
    presentation, opening = usage.presentation, verified.opening
    body = ReceiptBody.from_bytes(opening.body)
    body.check(usage.request, presentation)
    usage.request.check_time(body.verified)
    if usage.answer.request_digest != usage.request.digest:
        raise _mismatch("the presentation answers another request")
    if not note_hash(usage.holder_note) == usage.answer.note_hash == opening.note_hash:
        raise _mismatch("the receipt is for another holder's note")
    if not usage.own_tag:
        raise _mismatch("the usage tag is not this vault's")
    return verified


def check_event(
    event: Event, log: LogKeys, *, policy: Policy | None = None, accept_pending: bool = False
) -> VerifiedReceipt:
    """Return the receipt of a recorded event once everything about it holds.

    The checkpoint covers the entry; the entry commits to this kind, party and matter; the note beside it is
    the one that the vault sealed. Policy and errors are as with `check_usage`.
    """
    if event.receipt is None:
        raise ContentError(VaultReason.NO_RECEIPT, f"the event was {event.state.value} and has no receipt")
    return check_event_receipt(event, event.receipt, log, policy=policy, accept_pending=accept_pending)


def check_event_receipt(
    event: Event,
    receipt: bytes,
    log: LogKeys,
    *,
    policy: Policy | None = None,
    accept_pending: bool = False,
) -> VerifiedReceipt:
    """Check a receipt for an event, in whatever state that is; raises as `check_usage` does."""
    verified = tlog.verify_receipt(receipt, log, policy=policy, accept_pending=accept_pending)
    body = EventBody.from_bytes(verified.opening.body)
    body.check(event.note.kind, event.note.party, event.note.digest)
    if note_hash(event.holder_note) != verified.opening.note_hash:
        raise _mismatch("the receipt is for another holder's note")
    return verified


def check_received(
    found: ReceivedDelivery, log: LogKeys, *, policy: Policy | None = None, accept_pending: bool = False
) -> VerifiedReceipt:
    """Return the receipt of something received once everything about it holds.

    The checkpoint covers the entry; the entry commits to the sending of this question to its recipient, and
    stands beside the note that the presentation commits to. Policy and errors are as with `check_usage`.
    """
    return check_sending(
        found.receipt, found.question, found.presentation, log, policy=policy, accept_pending=accept_pending
    )


def check_found(found: Found, proof: bytes, log_verifier: tlog.Verifier) -> None:
    """Check that a found entry stands in the log's tree, and that its note is the one beside it.

    The proof is the one that the vault has computed (`Readings.proof`). Raises tlog.TlogError.
    """
    tlog.ProofFile.parse(proof).verify_leaf(tlog.leaf_hash(found.entry), log_verifier)
    entry = parse_entry(found.entry)
    if not isinstance(entry, ReceiptEntry):
        raise tlog.VerificationError(TlogReason.ENTRY_MALFORMED, "the entry is no receipt's")
    entry.check_note(found.holder_note)


@dataclass(frozen=True)
class OpenedUse:
    """A regulator's officers have acted on an identity that a use escrowed: entry `index` says so.

    `usage` is the use's identifier, `escrow` the escrow's in the request, `regulator` the digest of the key.
    Of `officers` one has given its part, which tells nobody anything yet, or two have opened the identity.
    """

    usage: str
    escrow: str
    regulator: bytes
    index: int
    officers: int

    @property
    def is_opened(self) -> bool:
        """Whether both officers have acted, so that the identity is known."""
        return self.officers == OFFICERS


def opened_uses(usages: Iterable[Usage], entries: Iterable[tuple[int, bytes]]) -> Iterator[OpenedUse]:
    """Tell on which uses officers have acted, from entries of the ledger whose place was verified, by index.

    Nobody is asked for a use of one's own: the vault reads everything and recognises what is its. Raises
    tlog.MalformedError, MalformedError.
    """
    own = {
        opened_escrow(usage.presentation.digest, escrow.id): (usage.id, escrow)
        for usage in usages
        if usage.branch is not None
        for escrow in usage.branch.escrows
    }
    for index, octets in entries:
        entry = parse_entry(octets)
        record = OpeningRecord.of_entry(entry) if isinstance(entry, RecordEntry) else None
        if record is None or record.escrow not in own:
            continue
        usage, escrow = own[record.escrow]
        if record.regulator == escrow.regulator:
            yield OpenedUse(usage, escrow.id, record.regulator, index, record.officers)


def _mismatch(detail: str) -> RefusedError:
    return RefusedError(Reason.RECEIPT_MISMATCH, detail)
