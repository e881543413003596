"""The part of a vault that brings its receipts from pending to anchored; `Vault.anchoring` gives it.

A receipt comes pending: the log alone has signed for it. Once witnesses have cosigned a checkpoint that
covers it, the anchored receipt takes its place, and only if everything about the use or event holds with it
and it is for the very same entry. The pending one is not lost by trying: it is what convicts a log that
showed its witnesses another ledger.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from disclosure import DisclosureError
from prover.errors import VaultReason
from prover.events import Event, event_of, events_in
from prover.history import check_event, check_usage
from prover.records import Kind
from prover.shelf import Records, Shelf
from prover.usages import Usage
from tlog import LogKeys, Policy, TlogError, VerifiedReceipt, check_same_receipt

Receipted: TypeAlias = Usage | Event
"""What keeps a receipt."""


class Anchoring:
    """The receipts of uses and events, and what they are under a policy."""

    def __init__(self, shelf: Shelf, usage_of: Callable[[str, bytes], Usage]) -> None:
        self._shelf, self._usage_of = shelf, usage_of

    def pending(self, log: LogKeys, policy: Policy) -> list[Receipted]:
        """Return what has a receipt of this log that holds and is pending.

        What does not hold, or is another log's, is not anchored either; the history tells of it.
        """
        with self._shelf.reading() as records:
            every: list[Receipted] = [*records.all(Kind.USAGE, self._usage_of), *events_in(records)]
        return [each for each in every if each.receipt is not None and _is_pending(each, log, policy)]

    def put(self, kept: Receipted, receipt: bytes, log: LogKeys, policy: Policy) -> None:
        """Put an anchored receipt in the place of the pending one; one that is anchored already stays.

        Durable on return. Raises ContentError USAGE_NOT_FOUND, EVENT_NOT_FOUND; what `check_usage` raises
        if it does not hold under the policy; tlog.VerificationError INCLUSION_INVALID if it is for another
        entry. What was kept stays then.
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
        return records.one(kept.id, Kind.EVENT, event_of, VaultReason.EVENT_NOT_FOUND)


def check_kept(
    kept: Receipted, log: LogKeys, policy: Policy | None, *, accept_pending: bool = False
) -> VerifiedReceipt:
    """Check the receipt of a use or an event; raises as `prover.history.check_usage` does."""
    if isinstance(kept, Usage):
        return check_usage(kept, log, policy=policy, accept_pending=accept_pending)
    return check_event(kept, log, policy=policy, accept_pending=accept_pending)


def _is_pending(kept: Receipted, log: LogKeys, policy: Policy) -> bool:
    try:
        return not check_kept(kept, log, policy, accept_pending=True).is_anchored
    except (TlogError, DisclosureError):
        return False
