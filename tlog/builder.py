"""Building a block: from new entries to a header, changed tiles, a size and a root, all before any is stored.

State rules: nothing here is durable. The caller stages a batch, signs its checkpoint, and publishes only if
the compare-and-swap of the log's state from the old size to the new succeeds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tlog.block import GENESIS_PREVIOUS, BlockHeader
from tlog.encoding import check_count
from tlog.entry import parse_entry
from tlog.errors import InputError, Reason
from tlog.merkle import Frontier, leaf_hash
from tlog.tiles import TileId, Tiles, append, node_reader


@dataclass(frozen=True)
class Batch:
    """A block that is not yet stored. `entries` ends with the header's own bytes."""

    header: BlockHeader
    entries: tuple[bytes, ...]
    leaf_hashes: tuple[bytes, ...]
    first_index: int
    changed_tiles: Mapping[TileId, bytes]
    size: int
    root: bytes


def build_batch(
    size: int, previous: BlockHeader | None, tiles: Tiles, entries: Sequence[bytes], time_ms: int
) -> Batch:
    """Build the block of new entries on a tree of `size` leaves whose last leaf is the header `previous`.

    Reads only `tiles_for_append(size)`. The block's time is not before the previous block's, whatever the
    clock says. Raises InputError STATE_MISMATCH (the header does not end a tree of this size), OUT_OF_RANGE
    (no entries), INVALID_TYPE (a header among the entries); MalformedError ENTRY_MALFORMED, BLOCK_MALFORMED,
    TILE_MALFORMED.
    """
    if check_count(size, "the size") != (previous.size if previous else 0):
        raise InputError(Reason.STATE_MISMATCH, f"the last header does not end a tree of {size} leaves")
    hashes = [leaf_hash(_check_entry(entry)) for entry in entries]
    frontier = Frontier.load(size, node_reader(tiles))
    frontier.extend(hashes)
    header = BlockHeader(
        height=previous.height + 1 if previous else 0,
        previous=previous.hash() if previous else GENESIS_PREVIOUS,
        first_index=size,
        count=len(entries),
        root=frontier.root(),
        time_ms=max(time_ms, previous.time_ms) if previous else time_ms,
    )
    hashes.append(leaf_hash(header.to_bytes()))
    frontier.append(hashes[-1])
    return Batch(
        header=header,
        entries=(*entries, header.to_bytes()),
        leaf_hashes=tuple(hashes),
        first_index=size,
        changed_tiles=append(size, hashes, tiles),
        size=frontier.size,
        root=frontier.root(),
    )


def _check_entry(entry: bytes) -> bytes:
    if isinstance(parse_entry(entry), BlockHeader):
        raise InputError(Reason.INVALID_TYPE, "a block header is no entry of a block")
    return entry
