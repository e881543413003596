"""The part of a vault that brings its receipts from pending to anchored; `Vault.anchoring` gives it.

A receipt comes pending: the log alone has signed for it. Once witnesses have cosigned a checkpoint that
covers it, the anchored receipt takes its place, and only if everything about the use, the event or what was
received holds with it and it is for the very same entry. The pending one is not lost by trying: it is what
convicts a log that showed its witnesses another ledger.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from disclosure import DisclosureError
from prover.deliveries import ReceivedDelivery, received_delivery_of, received_in
from prover.errors import VaultReason
from prover.events import Event, event_of, events_in
from prover.history import check_event, check_received, check_usage
from prover.records import Kind
from prover.shelf import Records, Shelf
from prover.usages import Usage
from tlog import LogKeys, Policy, TlogError, VerifiedReceipt, check_same_receipt

Receipted: TypeAlias = Usage | Event | ReceivedDelivery
"""What keeps a receipt. That of something received is its sender's: one entry, of which both know."""


class Anchoring:
    """The receipts of uses, events and what was received, and what they are under a policy."""

    def __init__(self, shelf: Shelf, usage_of: Callable[[str, bytes], Usage]) -> None:
        self._shelf, self._usage_of = shelf, usage_of

    def all(self) -> list[Receipted]:
        """Return everything that keeps a receipt, or will: events and what was received by their time."""
        with self._shelf.reading() as records:
            return [*records.all(Kind.USAGE, self._usage_of), *events_in(records), *received_in(records)]

    def pending(self, log: LogKeys, policy: Policy) -> list[Receipted]:
        """Return what has a receipt of this log that holds and is pending.

        What does not hold, or is another log's, is not anchored either; the history tells of it.
        """
        return [each for each in self.all() if each.receipt is not None and _is_pending(each, log, policy)]

    def put(self, kept: Receipted, receipt: bytes, log: LogKeys, policy: Policy) -> None:
        """Put an anchored receipt in the place of the pending one; one that is anchored already stays.

        Durable on return. Raises ContentError USAGE_NOT_FOUND, EVENT_NOT_FOUND, DELIVERY_NOT_FOUND; what
        `check_kept` raises if it does not hold under the policy; tlog.VerificationError INCLUSION_INVALID if
        it is for another entry. What was kept stays then.
        """
        with self._shelf.writing() as records:
            stored = self._stored(records, kept)
            anchored = replace(stored, receipt=receipt)
            check_kept(anchored, log, policy)
            if stored.receipt is not None and _is_pending(stored, log, policy):
                check_same_receipt(stored.receipt, receipt)
                records.put(anchored)

    def _stored(self, records: Records, kept: Receipted) -> Receipted:
        if isinstance(kept, Usage):
            return records.one(kept.id, Kind.USAGE, self._usage_of, VaultReason.USAGE_NOT_FOUND)
        if isinstance(kept, ReceivedDelivery):
            missing = VaultReason.DELIVERY_NOT_FOUND
            return records.one(kept.id, Kind.RECEIVED_DELIVERY, received_delivery_of, missing)
        return records.one(kept.id, Kind.EVENT, event_of, VaultReason.EVENT_NOT_FOUND)


def check_kept(
    kept: Receipted, log: LogKeys, policy: Policy | None, *, accept_pending: bool = False
) -> VerifiedReceipt:
    """Check the receipt of each kind in its own way; raises as `prover.history.check_usage` does."""
    if isinstance(kept, Usage):
        return check_usage(kept, log, policy=policy, accept_pending=accept_pending)
    if isinstance(kept, ReceivedDelivery):
        return check_received(kept, log, policy=policy, accept_pending=accept_pending)
    return check_event(kept, log, policy=policy, accept_pending=accept_pending)


def _is_pending(kept: Receipted, log: LogKeys, policy: Policy) -> bool:
    try:
        return not check_kept(kept, log, policy, accept_pending=True).is_anchored
    except (TlogError, DisclosureError):
        return False
