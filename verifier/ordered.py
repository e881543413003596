"""What a relying party keeps, checked to be in the consortium's order: every tree that it is proven in.

As what is anchored (`verifier.anchoring`), a record of the composite form is ordered only if the receipt and
all that the answer rests on are; and so are the records that it counts.
"""

from collections.abc import Iterator
from pathlib import Path

import tlog
from ordering.light.receipt import Ordering
from ordering.light.verifying import Trusted
from verifier.anchoring import Kept
from verifier.composite.record import CompositeRecord, proof_files


def checkpoints_of(kept: Kept, log: tlog.LogKeys) -> tuple[tlog.Checkpoint, ...]:
    """Return the checkpoints that its proofs lead to, each once, signed by the log; raises tlog.TlogError."""
    opened = (tlog.open_checkpoint(tlog.ProofFile.parse(file).checkpoint, log) for file in _files(kept))
    return tuple(dict.fromkeys(opened))


def check_ordered(kept: Kept, ordering: Ordering, log: tlog.LogKeys, trusted: Trusted, now: int) -> None:
    """Check that all of what is kept, which was verified, is in the order.

    `now` is in seconds since 1970. Raises OrderError; tlog.TlogError as `checkpoints_of` does.
    """
    for each in checkpoints_of(kept, log):
        ordering.check(each, trusted, now)


def order_file(record: Path) -> Path:
    """Where lies what shows a record, or what came unasked, to be ordered: beside it."""
    return record.with_name(f"{record.name}.order")


def _files(kept: Kept) -> Iterator[bytes]:
    if isinstance(kept, CompositeRecord):
        yield from (file for file, _ in proof_files(kept))
    else:
        yield kept.receipt
