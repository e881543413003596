"""The checkpoints that reached the quorum of the witnesses, each with the cosignatures that are known of it.

Several replicas may have asked for one checkpoint: what they were given is put together.
"""

from collections.abc import Iterable

from sqlalchemy import Connection, select, update

from tlog.note import parse_unverified
from zkservice.storage import tables
from zkservice.storage.ledger import State


def add(connection: Connection, checkpoint: State, lines: Iterable[bytes], at: int) -> bytes:
    """Store a checkpoint's cosignatures beside those that are stored of it; return the note with all of them.

    `lines` are verified by now and reach the quorum. Of one key the line that came first stays. `at` is when
    the quorum was reached, in milliseconds.
    """
    table = tables.ledger_anchor
    here = table.c.size == checkpoint.size
    stored: bytes | None = connection.execute(select(table.c.checkpoint).where(here)).scalar()
    note = _joined(stored or checkpoint.checkpoint, lines)
    if stored is None:
        values = {"size": checkpoint.size, "checkpoint": note, "at": at}
        connection.execute(table.insert().values(values))
    else:
        connection.execute(update(table).where(here).values(checkpoint=note))
    return note


def _joined(note: bytes, lines: Iterable[bytes]) -> bytes:
    """Append the lines of keys that have none under the note."""
    known = {(line.name, line.key_id) for line in parse_unverified(note).lines}
    for each in lines:
        (line,) = parse_unverified(b"-\n\n" + each).lines
        if (line.name, line.key_id) not in known:
            known.add((line.name, line.key_id))
            note += each
    return note


def newest(connection: Connection) -> State | None:
    """Return the newest anchored checkpoint; None if nothing is anchored yet."""
    table = tables.ledger_anchor
    row = connection.execute(select(table).order_by(table.c.size.desc()).limit(1)).one_or_none()
    return State(row.size, row.checkpoint) if row is not None else None


def listed(connection: Connection, size: int, limit: int) -> list[State]:
    """Return anchored checkpoints from a size on, in order of their size.

    The first from `index + 1` on is the first that covers the entry at `index`.
    """
    table = tables.ledger_anchor
    query = select(table.c.size, table.c.checkpoint).where(table.c.size >= size).order_by(table.c.size)
    return [State(*row) for row in connection.execute(query.limit(limit))]
