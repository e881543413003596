"""Tiles: how a tree is stored and served (c2sp.org/tlog-tiles).

The tile (level, index) holds the hashes of up to 256 consecutive complete subtrees of 256^level leaves each.
Only full tiles hash into the level above. A stored tile may be ahead of the size that a reader goes by, as it
is when tiles were written and the size was not yet: readers take the prefix that their size stands for and
never look at the rest, so a size that is committed last commits everything.

Paths have no leading slash: a server puts its prefix before them.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tlog.encoding import check_bytes, check_count, decoding, from_decimal
from tlog.errors import InputError, MalformedError, Reason
from tlog.merkle import HASH_OCTETS, Node, NodeReader, node_hash, nodes_for_inclusion, nodes_for_root

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
TILE_OCTETS = TILE_WIDTH * HASH_OCTETS
MAX_ENTRY_OCTETS = 0xFFFF

_PATH = re.compile(r"tile/([0-9]+|entries)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([0-9]+))?")


@dataclass(frozen=True, order=True)
class TileId:
    """A tile of hashes; the constructor raises InputError OUT_OF_RANGE."""

    level: int
    index: int

    def __post_init__(self) -> None:
        check_count(self.level, "the level", 0, 64)
        check_count(self.index, "the index of a tile")


Tiles = Callable[[TileId], bytes]
"""Returns what is stored of a tile: its hashes one after the other, as many as the size needs or more."""


def tile_path(level: int, index: int, width: int = TILE_WIDTH) -> str:
    """Return where the tile of hashes is served, partial if `width` is below 256; InputError OUT_OF_RANGE."""
    tile = TileId(level, index)
    return f"tile/{tile.level}/{_index_path(tile.index, width)}"


def entries_path(index: int, width: int = TILE_WIDTH) -> str:
    """Return where the bundle of entries beside the tile (0, index) is served; InputError OUT_OF_RANGE."""
    return f"tile/entries/{_index_path(index, width)}"


def parse_tile_path(path: str) -> tuple[TileId, int]:
    """Return the tile and the width that a path names; MalformedError TILE_MALFORMED."""
    level, index, width = _parse_path(path)
    with decoding(Reason.TILE_MALFORMED):
        tile = TileId(from_decimal(level, "the level"), index)
    return tile, width


def parse_entries_path(path: str) -> tuple[int, int]:
    """Return the index and the width of the bundle that a path names; MalformedError TILE_MALFORMED."""
    level, index, width = _parse_path(path)
    if level != "entries":
        raise MalformedError(Reason.TILE_MALFORMED, "the path of a tile of hashes, not of entries")
    return index, width


def tile_width(tile: TileId, size: int) -> int:
    """Return how many hashes a tile has in a tree of `size` leaves: 0 if it does not exist, at most 256."""
    count = check_count(size, "the size") >> (TILE_HEIGHT * tile.level)
    return min(max(count - tile.index * TILE_WIDTH, 0), TILE_WIDTH)


def parse_tile(content: bytes, width: int) -> tuple[bytes, ...]:
    """Return the hashes of a tile that was fetched by its width; MalformedError TILE_MALFORMED."""
    check_count(width, "the width", 1, TILE_WIDTH + 1)
    with decoding(Reason.TILE_MALFORMED):
        check_bytes(content, "the tile", width * HASH_OCTETS)
    return tuple(content[at : at + HASH_OCTETS] for at in range(0, len(content), HASH_OCTETS))


def entry_bundle(entries: Sequence[bytes]) -> bytes:
    """Encode up to 256 entries of at most 65535 octets; InputError INVALID_LENGTH, INVALID_TYPE."""
    if not 0 < len(entries) <= TILE_WIDTH or any(len(entry) > MAX_ENTRY_OCTETS for entry in entries):
        raise InputError(Reason.INVALID_LENGTH, "a bundle has 1 to 256 entries of at most 65535 octets")
    return b"".join(len(entry).to_bytes(2) + check_bytes(entry, "an entry") for entry in entries)


def parse_entry_bundle(content: bytes, width: int) -> tuple[bytes, ...]:
    """Return the entries of a bundle that was fetched by its width; MalformedError TILE_MALFORMED."""
    entries, at = [], 0
    for _ in range(check_count(width, "the width", 1, TILE_WIDTH + 1)):
        start = at + 2
        at = start + int.from_bytes(content[at:start])
        if start > len(content) or at > len(content):
            raise MalformedError(Reason.TILE_MALFORMED, f"a bundle of fewer than {width} entries")
        entries.append(content[start:at])
    if at != len(content):
        raise MalformedError(Reason.TILE_MALFORMED, f"a bundle of more than {width} entries")
    return tuple(entries)


def tiles_for_nodes(nodes: Iterable[Node]) -> set[TileId]:
    """Return the tiles that `node_reader` reads for these nodes."""
    return {_place(level, index)[0] for level, index in nodes}


def tiles_for_inclusion(index: int, size: int) -> set[TileId]:
    """Return the tiles from which the proof of an entry is made, and of any other in the same lowest tile.

    So whoever asks for them tells no more than that tile. Raises InputError OUT_OF_RANGE.
    """
    check_count(index, "the index", 0, check_count(size, "the size"))
    lowest = index >> TILE_HEIGHT
    within = range(lowest << TILE_HEIGHT, min(size, (lowest + 1) << TILE_HEIGHT))
    nodes = {node for each in within for node in nodes_for_inclusion(each, size)}
    return tiles_for_nodes(nodes) | {TileId(0, lowest)}


def tiles_for_append(size: int) -> set[TileId]:
    """Return the partial tiles on the right edge: what appending to `size` leaves reads, and its root too."""
    return tiles_for_nodes(nodes_for_root(size))


def node_reader(tiles: Tiles) -> NodeReader:
    """Return a reader of complete nodes that computes them from tiles.

    It raises MalformedError TILE_MALFORMED where a tile does not reach as far as the node.
    """

    def node(level: int, index: int) -> bytes:
        tile, first, count = _place(level, index)
        content = _stored(tiles, tile, first + count)
        return _subtree_root(content[first * HASH_OCTETS :])

    return node


def append(size: int, leaf_hashes: Sequence[bytes], tiles: Tiles) -> dict[TileId, bytes]:
    """Return the new content of every tile that changes when leaves are appended to a tree of `size` leaves.

    Reads only `tiles_for_append(size)`. Raises InputError INVALID_LENGTH, OUT_OF_RANGE; MalformedError
    TILE_MALFORMED.
    """
    check_count(check_count(size, "the size") + len(leaf_hashes), "the new size")
    changed: dict[TileId, bytes] = {}
    added, level = [check_bytes(value, "a leaf hash", HASH_OCTETS) for value in leaf_hashes], 0
    while added:
        added = _append_to_level(level, size >> (TILE_HEIGHT * level), added, tiles, changed)
        level += 1
    return changed


def _append_to_level(
    level: int, count: int, added: Sequence[bytes], tiles: Tiles, changed: dict[TileId, bytes]
) -> list[bytes]:
    """Append hashes to the `count` of a level; return the roots of the tiles that became full."""
    index, width = divmod(count, TILE_WIDTH)
    content = _stored(tiles, TileId(level, index), width) if width else b""
    content += b"".join(added)
    full = []
    for offset, at in enumerate(range(0, len(content), TILE_OCTETS)):
        tile = content[at : at + TILE_OCTETS]
        changed[TileId(level, index + offset)] = tile
        if len(tile) == TILE_OCTETS:
            full.append(_subtree_root(tile))
    return full


def _place(level: int, index: int) -> tuple[TileId, int, int]:
    """Return the tile that a node is computed from, with the first and the count of the hashes under it."""
    tile_level, within = divmod(check_count(level, "the level", 0, 64), TILE_HEIGHT)
    tile_index, first = divmod(check_count(index, "the index of a node") << within, TILE_WIDTH)
    return TileId(tile_level, tile_index), first, 1 << within


def _stored(tiles: Tiles, tile: TileId, width: int) -> bytes:
    content = tiles(tile)
    octets = width * HASH_OCTETS
    if not octets <= len(content) <= TILE_OCTETS or len(content) % HASH_OCTETS:
        raise MalformedError(
            Reason.TILE_MALFORMED,
            f"tile {tile.level}/{tile.index} has {len(content)} octets; {width} hashes were asked for",
        )
    return content[:octets]


def _subtree_root(content: bytes) -> bytes:
    hashes = [content[at : at + HASH_OCTETS] for at in range(0, len(content), HASH_OCTETS)]
    while len(hashes) > 1:
        hashes = [node_hash(*hashes[at : at + 2]) for at in range(0, len(hashes), 2)]
    return hashes[0]


def _index_path(index: int, width: int) -> str:
    digits = str(check_count(index, "the index of a tile"))
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    path = "".join(f"x{group}/" for group in groups[:-1]) + groups[-1]
    full = check_count(width, "the width", 1, TILE_WIDTH + 1) == TILE_WIDTH
    return path if full else f"{path}.p/{width}"


def _parse_path(path: str) -> tuple[str, int, int]:
    match = _PATH.fullmatch(path)
    if not match or len(path) > 64:
        raise MalformedError(Reason.TILE_MALFORMED, "not the path of a tile")
    level, groups, partial = match.groups()
    index = int(groups.replace("x", "").replace("/", ""))
    with decoding(Reason.TILE_MALFORMED):
        width = from_decimal(partial, "the width") if partial else TILE_WIDTH
        if f"tile/{level}/{_index_path(index, width)}" != path:
            raise InputError(Reason.INVALID_TEXT, "not the one path of its tile")
    return level, index, width
