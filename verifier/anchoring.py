"""Records brought from pending to anchored: every proof in one led to a checkpoint that witnesses cosigned.

Of a record of the composite form these are the receipt and what the answer rests on: keys, schemas, policy,
epochs. Else a log could anchor the receipt and keep what it rests on in a ledger that only its reader saw.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeAlias

import tlog
from verifier.composite.rechecking import recheck_composite
from verifier.composite.record import CompositeRecord, proof_files
from verifier.record import Record, recheck

AnyRecord: TypeAlias = Record | CompositeRecord
Move: TypeAlias = Callable[[bytes, bytes], bytes]
"""Given a proof file and the hash of the leaf that it proves, returns its proof in an anchored checkpoint."""


def leaves_of(record: AnyRecord) -> Iterator[tuple[int, bytes]]:
    """Give index and leaf of everything in a record that stands on the ledger, unverified."""
    if isinstance(record, Record):
        yield tlog.receipt_leaf(record.receipt)
        return
    for file, leaf in proof_files(record):
        yield tlog.ProofFile.parse(file).index, leaf


def anchored_record(record: AnyRecord, move: Move, log: tlog.Verifier, policy: tlog.Policy) -> AnyRecord:
    """Return a record with all its proofs moved, once everything in it holds under the policy.

    Raises what `move`, `recheck` and `recheck_composite` raise.
    """
    moved = _moved(record, move)
    if isinstance(moved, Record):
        recheck(moved, log_verifier=log, policy=policy)
    else:
        recheck_composite(moved, log_verifier=log, policy=policy)
    return moved


def _moved(record: AnyRecord, move: Move) -> AnyRecord:
    if isinstance(record, CompositeRecord):
        return _moved_composite(record, move)
    return replace(record, receipt=move(record.receipt, tlog.receipt_leaf(record.receipt)[1]))


def _moved_composite(record: CompositeRecord, move: Move) -> CompositeRecord:
    return replace(
        record,
        receipt=move(record.receipt, tlog.receipt_leaf(record.receipt)[1]),
        proofs={entry: move(proof, tlog.leaf_hash(entry)) for entry, proof in record.proofs.items()},
        counterparts=tuple(_moved_composite(each, move) for each in record.counterparts),
    )
