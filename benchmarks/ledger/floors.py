"""What the machine allows: the octets of a batch made durable by a file, by SQLite, by PostgreSQL, bare.

One insertion of each receipt and one commit a batch, nothing of a log around it: no outbox, tree, block or
signature. The log writes each receipt twice, since it is acknowledged in the transaction of what it records
and stands on the log later, and commits several times a block.
"""

import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from statistics import median
from time import monotonic
from typing import Any, Final, TypeVar

import psycopg

from benchmarks.ledger.durable import BATCH, new_receipt

_Batch = TypeVar("_Batch")
Rows = Sequence[tuple[int, bytes, bytes]]
_TABLE: Final = (
    "create table receipts (place bigint primary key, entry {octets} not null, note {octets} not null)"
)


def batches(count: int) -> list[Rows]:
    """Return so many batches of receipts with their places."""
    made = ((place, new_receipt()) for place in range(count * BATCH))
    rows = [(place, each.entry, each.holder_note or b"") for place, each in made]
    return [rows[at : at + BATCH] for at in range(0, len(rows), BATCH)]


def file(path: Path, given: Sequence[Rows]) -> float:
    """Append each batch to a file and wait for the disk; return receipts a second."""
    octets = [b"".join(entry + note for _, entry, note in each) for each in given]
    with path.open("wb", buffering=0) as out:

        def append(each: bytes) -> None:
            out.write(each)
            os.fsync(out.fileno())

        return _rate(append, octets)


def sqlite(path: Path, given: Sequence[Rows]) -> float:
    """Insert and commit each batch, with the log's own settings of SQLite; return receipts a second."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in ("journal_mode = WAL", "synchronous = FULL"):
            connection.execute(f"pragma {pragma}")
        connection.execute(_TABLE.format(octets="blob"))

        def insert(each: Rows) -> None:
            connection.execute("begin immediate")
            connection.executemany("insert into receipts values (?, ?, ?)", each)
            connection.execute("commit")

        return _rate(insert, given)


def postgresql(opened: psycopg.Connection[Any], given: Sequence[Rows]) -> float:
    """Insert and commit each batch, a statement for each; return receipts a second.

    The connection is to an empty database, each statement by itself. It is closed.
    """
    insert = "insert into receipts select * from unnest(%b::bigint[], %b::bytea[], %b::bytea[])"
    with opened as connection:
        connection.execute(_TABLE.format(octets="bytea").encode())
        return _rate(
            lambda each: connection.execute(insert, list(map(list, zip(*each, strict=True)))),
            given,
        )


def _rate(act: Callable[[_Batch], object], given: Sequence[_Batch]) -> float:
    """Return receipts a second by the median batch: one in which the disk did something else is not meant."""
    taken = []
    for each in given:
        begun = monotonic()
        act(each)
        taken.append(monotonic() - begun)
    return BATCH / median(taken)
