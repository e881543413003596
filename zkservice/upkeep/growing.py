"""A log's entries on their way into its tables: checked, and gathered into blocks that can be written whole.

Entries come in any pieces. What ends in a header becomes blocks with the tiles and checkpoints that belong to
them, the rest waits for its header. Nothing here is durable, and nothing is signed before its header came.
"""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from tlog.block import BlockHeader
from tlog.checkpoint import Checkpoint
from tlog.follower import Covered, Follower
from tlog.merkle import Frontier
from tlog.tiles import TileId, append, node_reader, tiles_for_append
from zkservice.storage import ledger
from zkservice.storage.forwarding import Blocks

Sign = Callable[[Checkpoint], bytes]
"""Returns the note of a checkpoint, signed by the log."""


class Growing:
    """A log that grows by what is taken. An entry that is refused ends it."""

    def __init__(self, follower: Follower, edge: dict[TileId, bytes]) -> None:
        self.follower, self._edge = follower, edge
        self._entries = list[bytes]()
        self._notes = list[bytes | None]()
        self._leaves = list[bytes]()
        self._covered = list[Covered]()

    @classmethod
    def load(cls, connection: Connection, size: int) -> "Growing":
        """Return the stored log of a size that a block ends, to go on from there."""
        last = ledger.last_block(connection, size)
        tiles = ledger.read_tiles(connection, tiles_for_append(size))
        hashes = Frontier.load(size, node_reader(tiles)).hashes
        edge = {each: tiles(each) for each in tiles_for_append(size)}
        return cls(Follower(size, hashes, last.header if last else None), edge)

    def take(self, entries: Sequence[bytes], notes: Sequence[bytes | None]) -> None:
        """Check the next entries with the notes beside them; raises what `Follower.append` does."""
        taken = self.follower.extend(entries, notes)
        self._covered += taken.covered
        self._leaves += taken.leaves
        self._entries += entries
        self._notes += notes

    @property
    def whole(self) -> Covered | None:
        """The last header that was taken and not given out as a block yet."""
        return self._covered[-1] if self._covered else None

    def blocks(self, origin: str, sign: Sign) -> Blocks:
        """Give out the blocks that are whole, of which there is one at least, each with its checkpoint."""
        end = self._covered[-1].header.size
        first = self.follower.size - len(self._entries)
        count = end - first
        entries, notes = self._entries[:count], self._notes[:count]
        self._entries, self._notes = self._entries[count:], self._notes[count:]
        tiles = append(first, self._leaves[:count], lambda tile: self._edge.get(tile, b""))
        del self._leaves[:count]
        self._edge |= tiles
        self._edge = {each: self._edge[each] for each in tiles_for_append(end)}
        signed = [(each.header, sign(_checkpoint(origin, each.header, each.root))) for each in self._covered]
        self._covered.clear()
        return Blocks(first, entries, notes, signed, tiles)


def _checkpoint(origin: str, header: BlockHeader, root: bytes) -> Checkpoint:
    return Checkpoint(origin, header.size, root)
