"""The next block, between storage and signature: built from the outbox, staged, built again after a crash.

Nothing here is held from one block to the next: what a block is built on is given, as it was published.
"""

import secrets
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from tlog.block import BlockHeader
from tlog.builder import Batch, build_batch
from tlog.checkpoint import Checkpoint
from tlog.errors import TlogError
from tlog.merkle import tree_root
from tlog.tiles import Tiles, node_reader, tiles_for_append
from zkservice.behind import LogBehindError
from zkservice.errors import StartError
from zkservice.log_keys import LogKeys
from zkservice.storage import ledger, marks
from zkservice.storage.ledger import State, Waiting
from zkservice.storage.marks import Mark

_CHANCE_OCTETS: Final = 16


@dataclass(frozen=True)
class Plan:
    """A block that is to be written, the outbox rows that it takes in, and the tiles that it was built on."""

    batch: Batch
    rows: list[Waiting]
    before: Tiles


class ChangedError(Exception):
    """The stored log is not what this process took it for: it has to look again."""


def stage(connection: Connection, keys: LogKeys, known: State, most: int, time_ms: int) -> Plan | None:
    """Build the next block of what waits, on what is `known` to be published, and stage it; None without any.

    What was seen before this transaction held the lock of all writes may have changed by now: a commit whose
    answer was lost can become durable long after its connection has ended. Raises ChangedError then;
    LogBehindError, StartError if the log is marked, with nothing staged.
    """
    if ledger.states(connection) != (known, known):
        raise ChangedError
    marked = marks.read_all(connection)
    if Mark.BEHIND in marked:
        raise LogBehindError(marked[Mark.BEHIND])
    if Mark.RESTORED in marked:
        raise StartError("the database was restored: start again, so that the witnesses are asked first")
    rows = _shuffled(ledger.waiting(connection, most))
    if not rows:
        return None
    keys.refresh(connection)
    plan = _build(connection, known.size, rows, time_ms)
    ledger.stage(connection, plan.batch.size, plan.batch.header.to_bytes(), [row.id for row in plan.rows])
    return plan


def staged(connection: Connection, keys: LogKeys, size: int, lock: State) -> Plan:
    """Build once more the block that was staged on a log of `size` and locked; StartError if it is not it."""
    found = ledger.staged(connection, lock.size)
    if found is None:
        raise StartError("the lock is ahead and its block is not staged: restore from a mirror")
    header, rows = found
    plan = _build(connection, size, rows, BlockHeader.parse(header).time_ms)
    root = keys.open(lock.checkpoint).root
    if plan.batch.header.to_bytes() != header or plan.batch.root != root:
        raise StartError("the staged block does not give the locked checkpoint: restore from a mirror")
    return plan


def sign(keys: LogKeys, size: int, root: bytes) -> State:
    """Return a size of the log with the checkpoint that its keys sign."""
    return State(size, keys.sign(Checkpoint(keys.origin, size, root)))


def check(keys: LogKeys, state: State) -> Checkpoint:
    """Verify a stored checkpoint; StartError if it is not the log's, or not of its row's size."""
    try:
        checkpoint = keys.open(state.checkpoint)
    except TlogError as error:
        raise StartError(f"a stored checkpoint does not hold under the log's key: {error}") from None
    if checkpoint.size != state.size:
        raise StartError("a stored checkpoint has another size than its row")
    return checkpoint


def check_tree(connection: Connection, keys: LogKeys, state: State) -> None:
    """Compare the tree's right edge with a published checkpoint; see that its last block is there."""
    size = state.size
    if size and ledger.last_block(connection, size) is None:
        raise StartError("the published log lacks its last block: restore from a backup")
    tiles = ledger.read_tiles(connection, tiles_for_append(size))
    if tree_root(size, node_reader(tiles)) != check(keys, state).root:
        raise StartError("the stored tree has not the published root: restore from a backup")


def _build(connection: Connection, size: int, rows: list[Waiting], time_ms: int) -> Plan:
    last = ledger.last_block(connection, size)
    tiles = ledger.read_tiles(connection, tiles_for_append(size))
    entries = [row.entry for row in rows]
    return Plan(build_batch(size, last.header if last else None, tiles, entries, time_ms), rows, tiles)


def _shuffled(rows: list[Waiting]) -> list[Waiting]:
    """Return the rows of a block with what has a holder's note in an order by chance, the rest as it was.

    The parts of one errand are written one after the other, and each counter is told the index of its own:
    in their order two counters would know by it which belong together. What has no note is a record, which
    stands after what it builds on. The order that is staged counts: after a crash it is that which is built.
    """
    chance = [row for row in rows if row.holder_note is not None]
    drawn = secrets.token_bytes(_CHANCE_OCTETS * len(chance))  # at once: a draw a row is a system call a row
    places = sorted(
        range(len(chance)), key=lambda each: drawn[_CHANCE_OCTETS * each : _CHANCE_OCTETS * (each + 1)]
    )
    others = iter([chance[each] for each in places])
    return [row if row.holder_note is None else next(others) for row in rows]
