"""A log that is read from an index on, with the tiles that what was read makes: all of it checked.

What is kept of the tree is its right edge, so the memory that it takes does not grow with the log.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from tlog import Follower, TileId
from tlog.tiles import TILE_OCTETS, append, tiles_for_append


class Growing:
    """A follower and the tiles at the right edge of its tree. An entry that is refused ends it."""

    def __init__(self, follower: Follower, edge: Mapping[TileId, bytes] = MappingProxyType({})) -> None:
        self.follower, self._edge = follower, dict(edge)

    @property
    def edge(self) -> Mapping[TileId, bytes]:
        """The tiles from which the same tree goes on."""
        return self._edge

    def take(self, entries: Sequence[bytes], notes: Sequence[bytes | None]) -> dict[TileId, bytes]:
        """Take in entries with the notes beside them; return the tiles that they make full.

        Raises what `Follower.append` does.
        """
        first = self.follower.size
        leaves = self.follower.extend(entries, notes).leaves
        changed = append(first, leaves, lambda tile: self._edge.get(tile, b""))
        self._edge |= changed
        self._edge = {each: self._edge[each] for each in tiles_for_append(self.follower.size)}
        return {tile: octets for tile, octets in changed.items() if len(octets) == TILE_OCTETS}

    def partial(self) -> dict[TileId, bytes]:
        """Return the tiles that are not full yet."""
        return {tile: octets for tile, octets in self._edge.items() if len(octets) < TILE_OCTETS}
