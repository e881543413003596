"""Which row it is that was changed, where a stored ledger and its entries do not agree.

An entry, the tile that has its hash, the header of its block, the block's row and its signed checkpoint say
the same in five places. A signature decides: where a block's checkpoint holds for the tree that the entries
give, the entries of the block are right and whatever differs from them is wrong. Where it does not, it is the
first entry that its tile contradicts; where none does, the block.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NoReturn

from sqlalchemy import Connection

from tlog.block import BlockHeader
from tlog.errors import Reason, TlogError
from tlog.follower import Covered, Follower
from tlog.merkle import HASH_OCTETS, leaf_hash
from tlog.note import open_note
from tlog.tiles import TILE_OCTETS, TILE_WIDTH, TileId, append, tiles_for_append
from zkservice.storage import reading
from zkservice.storage.reading import Raw
from zkservice.upkeep.faults import FaultError, FaultReason, Place
from zkservice.upkeep.keyring import Keyring

_OF_NOTES: Final = (Reason.HOLDER_NOTE_INVALID, Reason.HOLDER_NOTE_MALFORMED)


@dataclass(frozen=True)
class Standing:
    """Where everything was right so far. `edge` are the tiles that are not full here, as rebuilt."""

    size: int
    hashes: tuple[bytes, ...]
    header: BlockHeader | None
    edge: Mapping[TileId, bytes]


def block_fault(row: Raw, covered: Covered, keys: Keyring) -> FaultReason | None:
    """Return what is wrong with the row of a block, if anything is."""
    header = covered.header
    height, first_index, size, octets, note = row
    if height != header.height:
        later = type(height) is not int or height > header.height
        return FaultReason.BLOCK_MISSING if later else FaultReason.BLOCK_EXTRA
    if (first_index, size, octets) != (header.first_index, header.size, header.to_bytes()):
        return FaultReason.BLOCK_CHANGED
    return None if checkpoint_holds(note, header.size, covered.root, keys) else FaultReason.BLOCK_CHANGED


def checkpoint_holds(note: object, size: int, root: bytes, keys: Keyring) -> bool:
    """Tell whether a note is the log's checkpoint of a tree, signed by its keys and nobody else."""
    if type(note) is not bytes:
        return False
    try:
        opened = open_note(note, keys.all)
        checkpoint = keys.checkpoint_of(opened)
    except TlogError:
        return False
    own = all(any(map(line.is_by, keys.all)) for line in opened.lines)
    return own and (checkpoint.size, checkpoint.root) == (size, root)


def blame(connection: Connection, keys: Keyring, before: Standing, size: int) -> NoReturn:
    """Name what is wrong from here on; something has to be. Raises FaultError."""
    _Blaming(connection, keys, before, size).run()
    place = Place("ledger_entry", index=before.size)
    raise FaultError(FaultReason.ENTRY_CHANGED, place, "read twice, it was not the same")


class _Blaming:
    """The pass entry by entry."""

    def __init__(self, connection: Connection, keys: Keyring, before: Standing, size: int) -> None:
        self._connection, self._keys, self._size = connection, keys, size
        self._follower = Follower(before.size, before.hashes, before.header)
        self._suspect: tuple[int, bool] | None = None
        self._start = before.size
        self._unjudged = list[bytes]()
        self._edge = dict(before.edge)
        self._held: tuple[int, list[bytes]] = -1, []

    def run(self) -> None:
        """Go on until something is wrong."""
        for index, entry, note in self._rows():
            self._compare(index, leaf_hash(entry))
            try:
                parsed = self._follower.append(entry, note)
            except TlogError as error:
                self._refused(index, error)
            if isinstance(parsed, BlockHeader):
                self._judge(Covered(parsed, self._follower.root()))
                self._check_tiles()

    def _rows(self) -> Iterator[tuple[int, bytes, bytes | None]]:
        """Give the entries, as long as each is there and of octets."""
        while (first := self._follower.size) < self._size:
            rows = reading.entries(self._connection, first, min(TILE_WIDTH, self._size - first))
            for expected in range(first, first + min(TILE_WIDTH, self._size - first)):
                row = rows[expected - first] if expected - first < len(rows) else None
                place = Place("ledger_entry", index=expected)
                if row is None or row[0] != expected:
                    raise FaultError(FaultReason.ENTRY_MISSING, place, "the entry is not there")
                if type(row[1]) is not bytes:
                    raise FaultError(FaultReason.ENTRY_CHANGED, place, "the entry is no octets")
                if row[2] is not None and type(row[2]) is not bytes:
                    raise FaultError(FaultReason.NOTE_CHANGED, place, "the note is no octets")
                yield expected, row[1], row[2]

    def _compare(self, index: int, leaf: bytes) -> None:
        """Remember the first leaf of a block that its tile contradicts or does not have."""
        tile, offset = divmod(index, TILE_WIDTH)
        self._unjudged.append(leaf)
        stored = self._stored(tile)
        there = offset < len(stored)
        if (not there or stored[offset] != leaf) and self._suspect is None:
            self._suspect = index, there

    def _stored(self, index: int) -> list[bytes]:
        """Return the hashes of leaves that a tile has in the database, none if it is not there."""
        if self._held[0] != index:
            rows = reading.tiles(self._connection, 0, index, 1)
            octets = rows[0][1] if rows and rows[0][0] == index and type(rows[0][1]) is bytes else b""
            hashes = [octets[at : at + HASH_OCTETS] for at in range(0, len(octets), HASH_OCTETS)]
            self._held = index, hashes
        return self._held[1]

    def _refused(self, index: int, error: TlogError) -> NoReturn:
        """Name what it is that a follower refused."""
        contradicted = self._suspect is not None and self._suspect[1]
        at = self._suspect[0] if self._suspect is not None and contradicted else index
        if error.reason in _OF_NOTES and not contradicted:
            raise FaultError(FaultReason.NOTE_CHANGED, Place("ledger_entry", index=index), error.detail)
        height = self._height()
        raise FaultError(
            FaultReason.ENTRY_CHANGED, Place("ledger_entry", index=at, block=height), error.detail
        )

    def _judge(self, covered: Covered) -> None:
        """Let the block's checkpoint say whether its entries or what stands beside them were changed."""
        header = covered.header
        rows = reading.blocks(self._connection, header.height, 1)
        row = rows[0] if rows else None
        place = Place("ledger_block", block=header.height)
        if row is None:
            raise FaultError(FaultReason.BLOCK_MISSING, place, "the block's row is not there")
        fault = block_fault(row, covered, self._keys)
        if fault is None:
            return
        holds = checkpoint_holds(row[4], header.size, covered.root, self._keys)
        if (
            self._suspect is not None
            and self._suspect[1]
            and not holds
            and fault is FaultReason.BLOCK_CHANGED
        ):
            at = Place("ledger_entry", index=self._suspect[0], block=header.height)
            raise FaultError(
                FaultReason.ENTRY_CHANGED, at, "neither its tile nor its block's checkpoint has it"
            )
        raise FaultError(fault, place, "the row is not that of the header in the log")

    def _check_tiles(self) -> None:
        """Compare the tiles that a block which is right has changed and made full; then go on behind it."""
        if self._suspect is not None:
            index, there = self._suspect
            place = Place("ledger_tile", f"0/{index // TILE_WIDTH}", index=index)
            reason = FaultReason.TILE_CHANGED if there else FaultReason.TILE_MISSING
            raise FaultError(reason, place, "not the hash of the entry")
        leaves, self._unjudged = self._unjudged, []
        changed = append(self._start, leaves, lambda tile: self._edge.get(tile, b""))
        self._start = self._follower.size
        self._edge |= changed
        self._edge = {each: self._edge[each] for each in tiles_for_append(self._start)}
        for tile, octets in sorted(changed.items()):
            if len(octets) == TILE_OCTETS:
                self._same(tile, octets)

    def _same(self, tile: TileId, octets: bytes) -> None:
        rows = reading.tiles(self._connection, tile.level, tile.index, 1)
        place = Place("ledger_tile", f"{tile.level}/{tile.index}")
        if not rows or rows[0][0] != tile.index:
            raise FaultError(FaultReason.TILE_MISSING, place, "the tile is not there")
        if rows[0][1] != octets:
            raise FaultError(FaultReason.TILE_CHANGED, place, "not the hashes that the entries give")

    def _height(self) -> int:
        header = self._follower.header
        return header.height + 1 if header else 0
