"""The pass over a stored ledger's entries: tree, tiles, chain and checkpoints made anew and compared.

Everything follows from the entries, a page at a time, in memory that does not grow with the log. Where a page
does not come out as it is stored, it is gone through again entry by entry (`zkservice.upkeep.blaming`), since
only then it is asked which of the two was changed.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from tlog.errors import TlogError
from tlog.follower import Covered, Follower
from tlog.tiles import TILE_OCTETS, TILE_WIDTH, TileId, append, tiles_for_append
from zkservice.storage import reading, tables
from zkservice.storage.reading import Raw
from zkservice.upkeep.blaming import Standing, blame, block_fault
from zkservice.upkeep.faults import FaultError, FaultReason, Place
from zkservice.upkeep.keyring import Keyring

PAGE: Final = 16 * TILE_WIDTH
LEVELS: Final = 8
"""A tree of less than 2^63 leaves has no more levels of tiles."""


@dataclass(frozen=True)
class Rebuilt:
    """What the entries give: where the pass ended, and what it counted."""

    follower: Follower
    receipts: int
    tiles: int

    @property
    def blocks(self) -> int:
        """The number of blocks."""
        return self.follower.header.height + 1 if self.follower.header else 0


class Rebuilding:
    """One pass. `watch` gets the headers of each page and the leaf hashes, with the first one's index."""

    def __init__(
        self,
        connection: Connection,
        keys: Keyring,
        watch: Callable[[int, Sequence[bytes], Sequence[Covered]], None],
    ) -> None:
        self._connection, self._keys, self._watch = connection, keys, watch
        self._follower = Follower()
        self._edge = dict[TileId, bytes]()
        self._blocks = _rows(connection)
        self._receipts = self._tiles = 0

    def run(self, size: int, progress: Callable[[int], None]) -> Rebuilt:
        """Go through the first `size` entries, which have to be all there are. Raises FaultError."""
        for column, reason in (
            (tables.ledger_entry.c.index, FaultReason.ENTRY_EXTRA),
            (tables.ledger_block.c.height, FaultReason.BLOCK_EXTRA),
        ):
            least = reading.least(self._connection, column)
            if least is not None and (type(least) is not int or least < 0):
                raise FaultError(reason, Place(column.table.name, str(least)), "a row before the first")
        while self._follower.size < size:
            self._page(size)
            progress(self._follower.size)
        self._end(size)
        return Rebuilt(self._follower, self._receipts, self._tiles)

    def _page(self, size: int) -> None:
        follower, first = self._follower, self._follower.size
        before = Standing(first, follower.hashes, follower.header, self._edge)
        rows = reading.entries(self._connection, first, min(PAGE, size - first))
        entries, notes = [row[1] for row in rows], [row[2] for row in rows]
        if not _sound(rows, first, min(PAGE, size - first)):
            self._blame(before, size)
        try:
            taken = follower.extend(entries, notes)
        except TlogError:
            self._blame(before, size)
        leaves, covered = taken.leaves, taken.covered
        if not self._same_tiles(first, leaves) or not self._same_blocks(covered):
            self._blame(before, size)
        self._receipts += sum(each is not None for each in notes)
        self._watch(first, leaves, covered)

    def _blame(self, before: Standing, size: int) -> None:
        blame(self._connection, self._keys, before, size)

    def _same_tiles(self, first: int, leaves: Sequence[bytes]) -> bool:
        """Compare the tiles that these leaves make full with the stored ones."""
        changed = append(first, leaves, lambda tile: self._edge.get(tile, b""))
        self._edge |= changed
        self._edge = {each: self._edge[each] for each in tiles_for_append(first + len(leaves))}
        return self._stored({tile: octets for tile, octets in changed.items() if len(octets) == TILE_OCTETS})

    def _stored(self, tiles: dict[TileId, bytes]) -> bool:
        self._tiles += len(tiles)
        for level in {each.level for each in tiles}:
            wanted = [(each.index, octets) for each, octets in sorted(tiles.items()) if each.level == level]
            rows = reading.tiles(self._connection, level, wanted[0][0], len(wanted))
            if list(map(tuple, rows)) != wanted:
                return False
        return True

    def _same_blocks(self, covered: Sequence[Covered]) -> bool:
        for each in covered:
            row = next(self._blocks, None)
            if row is None or block_fault(row, each, self._keys) is not None:
                return False
        return True

    def _end(self, size: int) -> None:
        """See that the tiles at the right edge are there, and that nothing stands beyond the log."""
        partial = {tile: octets for tile, octets in self._edge.items() if len(octets) < TILE_OCTETS}
        for tile, octets in sorted(partial.items()):
            if not self._stored({tile: octets}):
                place, found = tile_place(tile), reading.tiles(self._connection, tile.level, tile.index, 1)
                missing = not found or found[0][0] != tile.index
                reason = FaultReason.TILE_MISSING if missing else FaultReason.TILE_CHANGED
                raise FaultError(reason, place, "not the hashes that the entries give")
        for row in reading.entries(self._connection, size, 1):
            raise FaultError(
                FaultReason.ENTRY_EXTRA, Place("ledger_entry", index=_number(row[0])), "beyond the log's end"
            )
        for row in self._blocks:
            place = Place("ledger_block", block=_number(row[0]))
            raise FaultError(FaultReason.BLOCK_EXTRA, place, "a block that no header in the log ends")
        self._no_more_tiles(size)

    def _no_more_tiles(self, size: int) -> None:
        extra = reading.strange_tile(self._connection, LEVELS)
        for level in range(LEVELS) if extra is None else ():
            count = -(-(size >> (8 * level)) // TILE_WIDTH)
            for first in (count, None):
                found = reading.tile_beyond(self._connection, level, first)
                extra = extra or found
        if extra is not None:
            place = Place("ledger_tile", f"{extra[0]}/{extra[1]}")
            raise FaultError(FaultReason.TILE_EXTRA, place, "a tile that the log's tree has not")


def tile_place(tile: TileId) -> Place:
    """Return the place of a tile."""
    return Place("ledger_tile", f"{tile.level}/{tile.index}")


def _rows(connection: Connection) -> Iterator[Raw]:
    for page in reading.pages(connection, tables.ledger_block, tables.ledger_block.c.height):
        yield from page


def _sound(rows: Sequence[Raw], first: int, count: int) -> bool:
    """Tell whether the indexes follow one another and the columns are of their types."""
    return (
        [row[0] for row in rows] == list(range(first, first + count))
        and {type(row[1]) for row in rows} <= {bytes}
        and {type(row[2]) for row in rows} <= {bytes, type(None)}
    )


def _number(value: Any) -> int | None:
    return value if type(value) is int else None
