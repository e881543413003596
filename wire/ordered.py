"""What leads from a tree of a log to the one that the consortium has ordered, made here from tiles.

Whoever asks for the consistency proof of a size tells in which block its entry came. Whoever reads tiles
tells of one lowest tile, of 256 entries, that the size lies in it: as by `wire.anchored`.
"""

import grpc

from ordering.state import Ordered
from tlog import Checkpoint, MalformedError, consistency_proof, verify_consistency
from tlog.errors import Reason
from tlog.merkle import nodes_for_consistency
from tlog.tiles import node_reader, tiles_for_nodes
from wire.anchored import read_tiles


def path(channel: grpc.Channel, checkpoint: Checkpoint, ordered: Ordered) -> tuple[bytes, ...] | None:
    """Return the consistency proof from a tree to the ordered one; None if that does not hold it yet.

    Raises ServiceError; tlog.MalformedError TILE_MALFORMED if what came are not tiles of the ordered tree;
    tlog.VerificationError CONSISTENCY_INVALID if the tree is not the beginning of it: the log has signed two.
    """
    if checkpoint.size > ordered.size:
        return None
    if checkpoint.size in {0, ordered.size}:
        verify_consistency(checkpoint.size, ordered.size, (), checkpoint.root, ordered.root)
        return ()
    ids = sorted(tiles_for_nodes(nodes_for_consistency(checkpoint.size, ordered.size)))
    node = node_reader(dict(read_tiles(channel, ids, ordered.size)).__getitem__)
    try:
        made = tuple(consistency_proof(checkpoint.size, ordered.size, node))
    except KeyError:
        raise MalformedError(Reason.TILE_MALFORMED, "the tiles lack what the proof needs") from None
    verify_consistency(checkpoint.size, ordered.size, made, checkpoint.root, ordered.root)
    return made
