"""The log's tables: outbox, staged block, lock and published checkpoint, entries, tiles, blocks.

An entry enters the outbox in the transaction of the state change that it records. The sequencer moves it on
(see zkservice.sequencer for the order); each function here is one step of it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, func, select, text, update

from tlog.block import BlockHeader
from tlog.builder import Batch
from tlog.tiles import TileId, Tiles
from zkservice.errors import StartError
from zkservice.storage import tables
from zkservice.storage.many import insert_many, update_many
from zkservice.storage.rows import insert_all_new, insert_new, put_all

_LOCK: Final = "lock"
_PUBLISHED: Final = "published"
_ID_OCTETS: Final = 8
_NEW_ROWS: Final = text(
    "INSERT INTO outbox (entry_index) "
    "WITH RECURSIVE new (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM new WHERE number < :count) "
    "SELECT CAST(NULL AS BIGINT) FROM new RETURNING id"
)
_INTO_CONTENT: Final = tables.outbox_content.insert()


@dataclass(frozen=True)
class State:
    """A size of the log with its signed checkpoint."""

    size: int
    checkpoint: bytes


@dataclass(frozen=True)
class Waiting:
    """A row of the outbox."""

    id: int
    entry: bytes
    holder_note: bytes | None


@dataclass(frozen=True)
class Block:
    """A block that stands: its header and the checkpoint that was signed over it."""

    header: BlockHeader
    checkpoint: bytes


@dataclass(frozen=True)
class New:
    """What is to be put on the log: an entry, and what is kept beside it for the holder alone."""

    entry: bytes
    holder_note: bytes | None


class LockLostError(Exception):
    """The lock row holds another checkpoint than the sequencer's own: somebody else sequences this log."""


def enqueue(connection: Connection, entry: bytes, holder_note: bytes | None) -> int:
    """Put an entry into the outbox; return the row's identifier."""
    (identifier,) = enqueue_all(connection, [New(entry, holder_note)])
    return identifier


def enqueue_all(connection: Connection, new: Sequence[New]) -> list[int]:
    """Put entries into the outbox, in this order; return the rows' identifiers."""
    ids = sorted(connection.execute(_NEW_ROWS, {"count": len(new)}).scalars())
    rows = [(row, each.entry, each.holder_note) for row, each in zip(ids, new, strict=True)]
    insert_many(connection, _INTO_CONTENT, ("outbox", "entry", "holder_note"), rows)
    return ids


def waiting(connection: Connection, limit: int) -> list[Waiting]:
    """Return the oldest rows of the outbox that are in no block."""
    table = tables.outbox_content
    query = select(table).order_by(table.c.outbox).limit(limit)
    return [Waiting(row, entry, note) for row, entry, note in connection.execute(query)]


def index_of(connection: Connection, outbox_id: int) -> int | None:
    """Return the index of an outbox row's entry once its block is published."""
    published = tables.ledger_state.c.size
    query = (
        select(tables.outbox.c.entry_index)
        .join(tables.ledger_state, tables.ledger_state.c.role == _PUBLISHED)
        .where(tables.outbox.c.id == outbox_id, tables.outbox.c.entry_index < published)
    )
    index: int | None = connection.execute(query).scalar()
    return index


def indexes_of(connection: Connection, outbox_ids: Sequence[int]) -> dict[int, int]:
    """Return the indexes of outbox rows' entries, of those whose blocks are published."""
    table, state = tables.outbox, tables.ledger_state
    query = (
        select(table.c.id, table.c.entry_index)
        .join(state, state.c.role == _PUBLISHED)
        .where(table.c.id.in_(outbox_ids), table.c.entry_index < state.c.size)
    )
    return {row.id: row.entry_index for row in connection.execute(query)} if outbox_ids else {}


def newest_integrated(connection: Connection) -> int:
    """Return an outbox row up to which all are in published blocks, the newest such; 0 if there is none.

    Rows that stand may be newer than one that waits: a log that was brought forward gives the entries that
    it knows from its mirror only rows of their own.
    """
    first: int | None = connection.execute(select(func.min(tables.outbox_content.c.outbox))).scalar()
    if first is not None:
        return first - 1
    newest: int | None = connection.execute(select(func.max(tables.outbox.c.id))).scalar()
    return newest or 0


def states(connection: Connection) -> tuple[State, State] | None:
    """Return lock and published state; None for a log that was never begun."""
    rows = {row.role: row for row in connection.execute(select(tables.ledger_state)).all()}
    if not rows:
        return None
    if set(rows) != {_LOCK, _PUBLISHED}:
        raise StartError("the log's state is incomplete: restore the database from a backup")
    return _state(rows[_LOCK]), _state(rows[_PUBLISHED])


def _state(row: Row[Any]) -> State:
    return State(row.size, row.checkpoint)


def published(connection: Connection) -> State:
    """Return the published state."""
    row = connection.execute(
        select(tables.ledger_state).where(tables.ledger_state.c.role == _PUBLISHED)
    ).one()
    return _state(row)


def begin(connection: Connection, empty: State) -> None:
    """Begin a log with the checkpoint of the empty tree."""
    for role in (_LOCK, _PUBLISHED):
        values = {"role": role, "size": empty.size, "checkpoint": empty.checkpoint}
        insert_new(connection, tables.ledger_state, values)


def stage(connection: Connection, size: int, header: bytes, outbox_ids: Sequence[int]) -> None:
    """Keep what finishing a block after a crash needs; what was staged before and never locked is dropped."""
    connection.execute(tables.ledger_staged.delete())
    packed = b"".join(each.to_bytes(_ID_OCTETS) for each in outbox_ids)
    values = {"size": size, "header": header, "outbox_ids": packed}
    connection.execute(tables.ledger_staged.insert().values(**values))


def staged(connection: Connection, size: int) -> tuple[bytes, list[Waiting]] | None:
    """Return header and outbox rows of the block that was staged for this size of the log."""
    table = tables.ledger_staged
    row = connection.execute(select(table).where(table.c.size == size)).one_or_none()
    if row is None:
        return None
    ids = [
        int.from_bytes(row.outbox_ids[at : at + _ID_OCTETS])
        for at in range(0, len(row.outbox_ids), _ID_OCTETS)
    ]
    content = tables.outbox_content
    found = {
        each.outbox: Waiting(each.outbox, each.entry, each.holder_note)
        for each in connection.execute(select(content).where(content.c.outbox.in_(ids)))
    }
    if set(found) != set(ids):
        raise StartError("a staged block has lost entries: restore the database from a backup")
    return row.header, [found[each] for each in ids]


def advance_lock(connection: Connection, old: State, new: State) -> None:
    """Swap the lock from one checkpoint to the next; LockLostError if it holds another."""
    table = tables.ledger_state
    held = (table.c.role == _LOCK) & (table.c.size == old.size) & (table.c.checkpoint == old.checkpoint)
    changed = connection.execute(
        update(table).where(held).values(size=new.size, checkpoint=new.checkpoint)
    ).rowcount
    if changed != 1:
        raise LockLostError("another sequencer has moved this log on")


def apply(connection: Connection, batch: Batch, rows: Sequence[Waiting], checkpoint: bytes) -> None:
    """Write a locked block: entries, tiles, block. Safe to repeat; the outbox still holds the entries."""
    notes: list[bytes | None] = [*(row.holder_note for row in rows), None]
    numbered = enumerate(zip(batch.entries, notes, strict=True), batch.first_index)
    insert_all_new(connection, tables.ledger_entry, [(index, *each) for index, each in numbered])
    tiles = [(tile.level, tile.index, hashes) for tile, hashes in batch.changed_tiles.items()]
    put_all(connection, tables.ledger_tile, tiles)
    block = {
        "height": batch.header.height,
        "first_index": batch.first_index,
        "size": batch.size,
        "header": batch.header.to_bytes(),
        "checkpoint": checkpoint,
    }
    insert_new(connection, tables.ledger_block, block)


def publish(connection: Connection, state: State, batch: Batch, rows: Sequence[Waiting]) -> None:
    """Make an applied block the published one; its outbox rows keep their index and give up their content."""
    table = tables.outbox
    places = [(index, row.id) for index, row in enumerate(rows, batch.first_index)]
    update_many(connection, table.c.entry_index, table.c.id, places)
    content = tables.outbox_content
    # The oldest are taken first, so all up to the newest of these are of published blocks.
    connection.execute(content.delete().where(content.c.outbox <= max(row.id for row in rows)))
    table = tables.ledger_state
    connection.execute(
        update(table).where(table.c.role == _PUBLISHED).values(size=state.size, checkpoint=state.checkpoint)
    )
    connection.execute(tables.ledger_staged.delete())


def read_tiles(connection: Connection, tiles: Iterable[TileId]) -> Tiles:
    """Read tiles at once; what is returned gives each of them, and nothing for one that does not exist."""
    table, wanted = tables.ledger_tile, set(tiles)
    found: dict[TileId, bytes] = {}
    for level in {each.level for each in wanted}:
        indexes = [each.index for each in wanted if each.level == level]
        place = table.c.index.label("place")
        query = select(table.c.level, place, table.c.hashes).where(
            table.c.level == level, table.c.index.in_(indexes)
        )
        found |= {TileId(row.level, row.place): row.hashes for row in connection.execute(query)}
    return lambda tile: found.get(tile, b"")


def entry(connection: Connection, index: int) -> tuple[bytes, bytes | None] | None:
    """Return an entry and the note beside it."""
    rows = entries(connection, index, 1)
    return (rows[0][1], rows[0][2]) if rows and rows[0][0] == index else None


def entries(connection: Connection, start: int, limit: int) -> list[tuple[int, bytes, bytes | None]]:
    """Return entries from an index on, with the notes beside them."""
    table = tables.ledger_entry
    query = select(table.c.index, table.c.entry, table.c.holder_note)
    rows = connection.execute(query.where(table.c.index >= start).order_by(table.c.index).limit(limit))
    return [(place, content, note) for place, content, note in rows]


def block_of(connection: Connection, index: int) -> Block:
    """Return the block that holds an entry."""
    table = tables.ledger_block
    query = select(table).where(table.c.first_index <= index).order_by(table.c.first_index.desc()).limit(1)
    row = connection.execute(query).one()
    return Block(BlockHeader.parse(row.header), row.checkpoint)


def blocks_of(connection: Connection, indexes: Sequence[int]) -> dict[int, Block]:
    """Return the blocks that hold some entries, by the entries' indexes, each block read once."""
    found: dict[int, Block] = {}
    block: Block | None = None
    for index in sorted(indexes):
        if block is None or index >= block.header.size:
            block = block_of(connection, index)
        found[index] = block
    return found


def last_block(connection: Connection, size: int) -> Block | None:
    """Return the block that ends a log of this size; None for the empty log."""
    table = tables.ledger_block
    row = connection.execute(select(table).where(table.c.size == size)).one_or_none()
    return Block(BlockHeader.parse(row.header), row.checkpoint) if row is not None else None


def backlog(connection: Connection) -> tuple[int, int, int]:
    """Return how many rows of the outbox are in no published block, the newest row, and the newest one up to
    which all are in published blocks; 0 for a row that there is not.
    """
    count = connection.execute(select(func.count()).select_from(tables.outbox_content)).scalar_one()
    newest: int | None = connection.execute(select(func.max(tables.outbox.c.id))).scalar()
    return count, newest or 0, newest_integrated(connection)


def anything_waits(connection: Connection) -> bool:
    """Tell whether a row of the outbox is in no block."""
    return connection.execute(select(tables.outbox_content.c.outbox).limit(1)).first() is not None
