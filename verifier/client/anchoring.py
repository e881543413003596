"""Anchoring what is kept at the service: the newest anchored checkpoint, and proofs in it made from tiles.

The service knows the exchange that a record is of, or the delivery, so that this verifier reads some tiles
tells it nothing new; they are read as holders read theirs all the same.
"""

import grpc

import tlog
from verifier.anchoring import AKept, anchored_kept, leaves_of
from wire import anchored as anchors


def anchor_kept(channel: grpc.Channel, kept: AKept, log: tlog.Verifier, policy: tlog.Policy) -> AKept | None:
    """Return what is kept as it is anchored, verified; None while no anchored checkpoint covers all of it.

    Raises ServiceError; tlog.TlogError: TILE_MALFORMED, INCLUSION_INVALID (the log has shown its witnesses
    another ledger); what `recheck_kept` raises for what does not hold.
    """
    leaves = dict(leaves_of(kept))
    newest = anchors.newest(channel, log, policy)
    if newest is None or max(leaves) >= newest.checkpoint.size:
        return None
    proven = dict[int, anchors.Proven]()
    for group in anchors.by_tile(leaves):
        proven |= anchors.prove(channel, newest, group)
    for index, leaf in leaves.items():
        proven[index].check(index, leaf)

    def move(file: bytes, leaf: bytes) -> bytes:
        proof = tlog.ProofFile.parse(file)
        return proof.moved(leaf, proven[proof.index].hashes, newest.note, log, policy).to_bytes()

    return anchored_kept(kept, move, log, policy)
