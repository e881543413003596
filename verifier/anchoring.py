"""What a relying party keeps brought from pending to anchored: records of answers, and what came unasked.

Every proof in one is led to a checkpoint that witnesses cosigned. Of a record of the composite form these are
the receipt and what the answer rests on: keys, schemas, policy, epochs. Else a log could anchor the receipt
and keep what it rests on in a ledger that only its reader saw. What came unasked is kept with its receipt
alone: that is anchored, and what it rests on was read from the ledger when it came.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeAlias, TypeVar

import tlog
from disclosure.delivery import check_sending
from verifier.audit import are_anchored
from verifier.composite.rechecking import CompositeRechecked, recheck_composite
from verifier.composite.record import CompositeRecord, proof_files
from verifier.delivery import KeptDelivery
from verifier.record import Rechecked, Record, recheck

AnyRecord: TypeAlias = Record | CompositeRecord
Kept: TypeAlias = AnyRecord | KeptDelivery
"""What a relying party keeps with proofs of the ledger."""
KeptRechecked: TypeAlias = Rechecked | CompositeRechecked | tlog.VerifiedReceipt
"""What holds of it: all have `index`, `checkpoint`, `state` and `cosignatures`."""
AKept = TypeVar("AKept", bound=Kept)
Move: TypeAlias = Callable[[bytes, bytes], bytes]
"""Given a proof file and the hash of the leaf that it proves, returns its proof in an anchored checkpoint."""


def leaves_of(kept: Kept) -> Iterator[tuple[int, bytes]]:
    """Give index and leaf of everything in what is kept that stands on the ledger, unverified."""
    for file, leaf in _proofs(kept):
        yield tlog.ProofFile.parse(file).index, leaf


def is_anchored(kept: Kept, policy: tlog.Policy) -> bool:
    """Tell whether all checkpoints in it are anchored; whether it holds, `recheck_kept` tells."""
    return are_anchored((file for file, _ in _proofs(kept)), policy)


def recheck_kept(
    kept: Kept, log: tlog.Verifier, policy: tlog.Policy | None = None, *, accept_pending: bool = False
) -> KeptRechecked:
    """Verify what is kept offline: a record as `recheck` and `recheck_composite` do, else its receipt.

    With a policy it has to be anchored, unless `accept_pending` says that its state is to be told. Raises
    what those do, and `disclosure.delivery.check_sending`.
    """
    if isinstance(kept, KeptDelivery):
        return check_sending(
            kept.receipt, kept.question, kept.presentation, log, policy=policy, accept_pending=accept_pending
        )
    if isinstance(kept, CompositeRecord):
        return recheck_composite(kept, log_verifier=log, policy=policy, accept_pending=accept_pending)
    return recheck(kept, log_verifier=log, policy=policy, accept_pending=accept_pending)


def anchored_kept(kept: AKept, move: Move, log: tlog.Verifier, policy: tlog.Policy) -> AKept:
    """Return what is kept with all its proofs moved, once everything in it holds under the policy.

    Raises what `move` and `recheck_kept` raise.
    """
    moved = _moved(kept, move)
    recheck_kept(moved, log, policy)
    return moved


def _proofs(kept: Kept) -> Iterator[tuple[bytes, bytes]]:
    """Give each proof file in it, with the hash of the leaf that it proves."""
    if isinstance(kept, CompositeRecord):
        yield from proof_files(kept)
    else:
        yield kept.receipt, tlog.receipt_leaf(kept.receipt)[1]


def _moved(kept: AKept, move: Move) -> AKept:
    changes: dict[str, Any] = {"receipt": move(kept.receipt, tlog.receipt_leaf(kept.receipt)[1])}
    if isinstance(kept, CompositeRecord):
        changes["proofs"] = {entry: move(file, tlog.leaf_hash(entry)) for entry, file in kept.proofs.items()}
        changes["counterparts"] = tuple(_moved(each, move) for each in kept.counterparts)
    return replace(kept, **changes)
