"""Whole blocks written into the log's tables at once, of entries that were signed for before.

For a log that is brought forward, and for one that is made to be measured. In the caller's one transaction
entries, tiles, blocks and both states move together: there is no moment at which a part of a block stands.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, func, select, update

from tlog.block import BlockHeader
from tlog.tiles import TileId, tiles_for_append
from zkservice.storage import ledger, tables
from zkservice.storage.ledger import State, Waiting
from zkservice.storage.many import insert_many, update_many

_PAGE: Final = 512
_ENTRIES: Final = tables.ledger_entry.insert()
_TILES: Final = tables.ledger_tile.insert()
_BLOCKS: Final = tables.ledger_block.insert()
_OUTBOX: Final = tables.outbox.insert()


@dataclass(frozen=True)
class Blocks:
    """Blocks that follow one another and what they make of the log, up to the last one's end.

    `signed` are the headers with the signed checkpoint of each. `tiles` have their whole new content.
    """

    first_index: int
    entries: Sequence[bytes]
    notes: Sequence[bytes | None]
    signed: Sequence[tuple[BlockHeader, bytes]]
    tiles: Mapping[TileId, bytes]

    @property
    def state(self) -> State:
        """The state that the last block ends in."""
        header, checkpoint = self.signed[-1]
        return State(header.size, checkpoint)

    @property
    def placed(self) -> list[tuple[int, bytes]]:
        """The entries of which the outbox has a row each, with their indexes: all but the headers."""
        headers = {header.index for header, _ in self.signed}
        numbered = enumerate(self.entries, self.first_index)
        return [(index, entry) for index, entry in numbered if index not in headers]


def append(connection: Connection, before: State, blocks: Blocks) -> None:
    """Write blocks behind a state at which lock and published both stand; LockLostError if the lock does not.

    What was staged is dropped: its rows still wait. The rows of the outbox are the caller's to place.
    """
    after = blocks.state
    ledger.advance_lock(connection, before, after)
    states = tables.ledger_state
    connection.execute(update(states).values(size=after.size, checkpoint=after.checkpoint))
    connection.execute(tables.ledger_staged.delete())
    rows: list[tuple[Any, ...]] = [
        (index, *each)
        for index, each in enumerate(zip(blocks.entries, blocks.notes, strict=True), blocks.first_index)
    ]
    insert_many(connection, _ENTRIES, ("index", "entry", "holder_note"), rows)
    _write_tiles(connection, before.size, blocks.tiles)
    rows = [
        (header.height, header.first_index, header.size, header.to_bytes(), note)
        for header, note in blocks.signed
    ]
    insert_many(connection, _BLOCKS, ("height", "first_index", "size", "header", "checkpoint"), rows)


def _write_tiles(connection: Connection, size: int, tiles: Mapping[TileId, bytes]) -> None:
    """Write tiles; those that grow are at the right edge of the tree as it was."""
    table = tables.ledger_tile
    for each in tiles_for_append(size) & set(tiles):
        here = (table.c.level == each.level) & (table.c.index == each.index)
        connection.execute(table.delete().where(here))
    rows: list[tuple[Any, ...]] = [(each.level, each.index, octets) for each, octets in tiles.items()]
    insert_many(connection, _TILES, ("level", "index", "hashes"), rows)


def waiting(connection: Connection) -> Iterator[Waiting]:
    """Give all rows of the outbox that are in no block, the oldest first."""
    table, last = tables.outbox_content, -1
    while True:
        query = select(table).where(table.c.outbox > last).order_by(table.c.outbox).limit(_PAGE)
        rows = connection.execute(query).fetchall()
        for row in rows:
            yield Waiting(row.outbox, row.entry, row.holder_note)
        if len(rows) < _PAGE:
            return
        last = rows[-1].outbox


def place(connection: Connection, standing: Mapping[int, int | None]) -> None:
    """Give each of these entries, by its index, its row in the outbox.

    It is the row that waited to become it, which gives up its content, or for None a new one.
    """
    waited = [(index, row) for index, row in standing.items() if row is not None]
    update_many(connection, tables.outbox.c.entry_index, tables.outbox.c.id, waited)
    content, rows = tables.outbox_content, [row for _, row in waited]
    for at in range(0, len(rows), _PAGE):
        connection.execute(content.delete().where(content.c.outbox.in_(rows[at : at + _PAGE])))
    new = [(index,) for index, row in standing.items() if row is None]
    insert_many(connection, _OUTBOX, ("entry_index",), new)


def end_of_log(connection: Connection) -> int:
    """Return the number of entries that are stored, published or not."""
    query = select(func.max(tables.ledger_entry.c.index))
    last: int | None = connection.execute(query).scalar()
    return 0 if last is None else last + 1
