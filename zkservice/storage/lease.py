"""Who sequences: one row that names the holder, its term, and how often it has said since that it lives.

A holder's every write to the log beats in the same transaction, so whoever has lost the lease writes nothing.
Whoever takes it over has watched for a while that nothing changed, by its own clock, and swaps what it saw:
a holder that has meanwhile beaten keeps it. No time is stored, so no clock that is set can tell wrong.
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, bindparam, select, update

from zkservice.storage import tables
from zkservice.storage.ledger import LockLostError
from zkservice.storage.rows import insert_new

_ROLE: Final = "sequencer"
_NOBODY: Final = b""
HOLDER_OCTETS: Final = 16


@dataclass(frozen=True)
class Lease:
    """The row as somebody saw it. Each taking is a term of its own."""

    holder: bytes
    term: int
    beat: int

    @property
    def vacant(self) -> bool:
        """Whether nobody holds it."""
        return self.holder == _NOBODY


_ROW: Final = tables.ledger_lease.c
_RAISE_BEAT: Final = (  # built once: it stands in each of the sequencer's transactions
    update(tables.ledger_lease)
    .where(_ROW.holder == bindparam("mine"), _ROW.term == bindparam("of_term"))
    .values(beat=_ROW.beat + 1)
)
_NEVER: Final = Lease(_NOBODY, 0, 0)


def read(connection: Connection) -> Lease:
    """Return the lease as it stands."""
    table = tables.ledger_lease
    row = connection.execute(select(table.c.holder, table.c.term, table.c.beat)).one_or_none()
    return Lease(row.holder, row.term, row.beat) if row is not None else _NEVER


def take(connection: Connection, seen: Lease, holder: bytes) -> Lease | None:
    """Take the lease over from how it was seen; None if it stands no more as it did."""
    if read(connection) != seen:
        return None
    taken, table = Lease(holder, seen.term + 1, 0), tables.ledger_lease
    row = {"holder": taken.holder, "term": taken.term, "beat": taken.beat}
    if not insert_new(connection, table, {"role": _ROLE, **row}):
        connection.execute(update(table).values(**row))
    return taken


def beat(connection: Connection, mine: Lease) -> None:
    """Say that the holder lives, in the transaction of what it writes; LockLostError if it lost the lease."""
    if connection.execute(_RAISE_BEAT, {"mine": mine.holder, "of_term": mine.term}).rowcount != 1:
        raise LockLostError("another server sequences this log now")


def give_up(connection: Connection, mine: Lease) -> None:
    """Leave the lease to whoever wants it; LockLostError if somebody has taken it already."""
    beat(connection, mine)
    connection.execute(update(tables.ledger_lease).values(holder=_NOBODY))
