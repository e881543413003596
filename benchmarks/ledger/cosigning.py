"""Checkpoints that one witness cosigns each second: judged, durable, signed, one after the other.

The requests are of one log that grows by a full block each time, with the consistency proof that a log sends.
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.ledger.durable import BATCH, ORIGIN
from benchmarks.results import Row
from consortium.witness import load_keys, make_keys, opened_store
from tlog.checkpoint import Checkpoint, sign_checkpoint
from tlog.keys import Signer
from tlog.merkle import HASH_OCTETS, consistency_proof, leaf_hash, tree_root
from tlog.tiles import append, node_reader
from tlog.witness import AddCheckpoint


def measure(folder: Path, times: int, tell: Callable[[int], object]) -> Row:
    """Measure so many checkpoints; RuntimeError if one is refused."""
    signer = Signer.generate(ORIGIN)
    requests = _requests(signer, times)
    with tempfile.TemporaryDirectory(dir=folder) as name:
        place = Path(name) / "witness"
        make_keys(place, "witness.example/measured")
        with opened_store(place, {ORIGIN: (signer.verifier,)}, load_keys(place)) as store:
            begun = time.monotonic()
            for done, each in enumerate(requests, 1):
                decision, _ = store.add(each, int(time.time()))
                if decision.status != 200:
                    raise RuntimeError(f"the witness answered {decision.status}")
                tell(done)
            seconds = time.monotonic() - begun
    return {"operation": "cosigned", "times": times, "per_second": times / seconds}


def _requests(signer: Signer, count: int) -> Sequence[bytes]:
    block = BATCH + 1
    leaves = [leaf_hash(index.to_bytes(HASH_OCTETS, "big")) for index in range(count * block)]
    node = node_reader(append(0, leaves, lambda _: b"").__getitem__)
    made = []
    for size in range(block, count * block + 1, block):
        note = sign_checkpoint(Checkpoint(signer.name, size, tree_root(size, node)), signer)
        proof = consistency_proof(size - block, size, node)
        made.append(AddCheckpoint(size - block, tuple(proof), note).to_bytes())
    return made
