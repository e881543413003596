"""The newest anchored checkpoint of a log, and proofs in it that are made here from tiles of the tree.

Whoever asks for the proof of an entry tells which entry it means. Whoever reads tiles tells that it means one
of the 256 of a lowest tile: that one is asked for whole, as wide as the tree has it, with the tiles above it,
which follow from it. What comes is not believed: the leaf that the tile has is led to the anchored root.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

import grpc

import tlog
from tlog import Checkpoint, Cosignature, LogKeys, MalformedError, Policy, TileId, VerificationError
from tlog.errors import Reason
from tlog.merkle import HASH_OCTETS
from tlog.tiles import TILE_HEIGHT, node_reader, tile_width, tiles_for_inclusion
from wire.client import call
from zkproto.v1 import ledger_pb2, ledger_pb2_grpc

_LEAF: Final = 0
"""The level of a leaf, as a node."""


@dataclass(frozen=True)
class Anchored:
    """An anchored checkpoint: the note, what it says, and who has cosigned it."""

    note: bytes = field(repr=False)
    checkpoint: Checkpoint
    cosignatures: tuple[Cosignature, ...]

    @classmethod
    def of(cls, note: bytes, log: LogKeys, policy: Policy) -> "Anchored":
        """Verify a note; raises as `tlog.open_checkpoint` and `tlog.open_by_policy` do."""
        checkpoint = tlog.open_checkpoint(note, log)
        return cls(note, checkpoint, tlog.open_by_policy(note, policy)[1])


def newest(channel: grpc.Channel, log: LogKeys, policy: Policy) -> Anchored | None:
    """Read the newest anchored checkpoint; None while there is none.

    What the service calls anchored and the policy does not, since they name other witnesses, is none either.
    Raises ServiceError; tlog.TlogError for one that does not hold.
    """
    stub = ledger_pb2_grpc.LedgerServiceStub(channel)
    note = call(stub.GetCheckpoint, ledger_pb2.GetCheckpointRequest()).anchored
    if not note:
        return None
    try:
        return Anchored.of(note, log, policy)
    except VerificationError as error:
        if error.reason != Reason.QUORUM_MISSING:
            raise
        return None


def by_tile(indexes: Collection[int]) -> Iterator[list[int]]:
    """Give the entries that lie in one lowest tile together, in order."""
    for _, group in groupby(sorted(set(indexes)), lambda each: each >> TILE_HEIGHT):
        yield list(group)


@dataclass(frozen=True)
class Proven:
    """What an anchored tree has at an index: the leaf, and the hashes that lead from it to the root."""

    leaf: bytes
    hashes: tuple[bytes, ...] = field(repr=False)

    def check(self, index: int, leaf: bytes) -> None:
        """Check that the tree has this leaf; VerificationError INCLUSION_INVALID.

        Else whoever runs the log has signed a tree with the entry and shown its witnesses one without it.
        """
        if leaf != self.leaf:
            detail = f"the anchored tree has another entry at {index}: the log has signed two ledgers"
            raise VerificationError(Reason.INCLUSION_INVALID, detail)


def prove(channel: grpc.Channel, anchored: Anchored, group: Collection[int]) -> Mapping[int, Proven]:
    """Read the tiles for entries of one lowest tile (`by_tile`), by one call, and prove what they hold.

    Raises ServiceError; tlog.InputError OUT_OF_RANGE (the tree has no such entry); tlog.MalformedError
    TILE_MALFORMED if the tiles are not those of the anchored tree.
    """
    size = anchored.checkpoint.size
    ids = sorted(set[TileId]().union(*(tiles_for_inclusion(index, size) for index in group)))
    node = node_reader(dict(read_tiles(channel, ids, size)).__getitem__)
    found = dict[int, Proven]()
    for index in group:
        leaf = node(_LEAF, index)
        found[index] = Proven(leaf, tuple(tlog.inclusion_proof(index, size, node)))
        _check_tiles(anchored, index, found[index])
    return found


def anchored_now(channel: grpc.Channel, receipt: bytes, log: LogKeys, policy: Policy) -> bytes:
    """Return the anchored receipt of a pending one, for who accepts no other; what is returned was verified.

    Raises ServiceError; tlog.TlogError: QUORUM_MISSING while no anchored checkpoint covers the entry,
    TILE_MALFORMED, INCLUSION_INVALID (the log has shown its witnesses another ledger) and what `newest` does.
    """
    index, leaf = tlog.receipt_leaf(receipt)
    found = newest(channel, log, policy)
    if found is None or index >= found.checkpoint.size:
        raise VerificationError(Reason.QUORUM_MISSING, "no anchored checkpoint covers the entry yet")
    proven = prove(channel, found, [index])[index]
    proven.check(index, leaf)
    return tlog.anchored_receipt(receipt, proven.hashes, found.note, log, policy)


def read_tiles(channel: grpc.Channel, ids: list[TileId], size: int) -> Iterator[tuple[TileId, bytes]]:
    """Read tiles of a tree by one call, as wide as it has them; ServiceError, MalformedError."""
    asked = [
        ledger_pb2.Tile(level=each.level, index=each.index, width=tile_width(each, size)) for each in ids
    ]
    stub = ledger_pb2_grpc.LedgerServiceStub(channel)
    answer = call(stub.ReadTiles, ledger_pb2.ReadTilesRequest(tiles=asked, tree_size=size))
    widths = [tile_width(each, size) for each in ids]
    if [len(each) for each in answer.tiles] != [each * HASH_OCTETS for each in widths]:
        raise MalformedError(Reason.TILE_MALFORMED, "other tiles came than were asked for")
    return zip(ids, answer.tiles, strict=True)


def _check_tiles(anchored: Anchored, index: int, proven: Proven) -> None:
    size, root = anchored.checkpoint.size, anchored.checkpoint.root
    try:
        tlog.verify_inclusion(proven.leaf, index, size, proven.hashes, root)
    except VerificationError:
        detail = "the tiles that came are not those of the anchored tree"
        raise MalformedError(Reason.TILE_MALFORMED, detail) from None
