"""Durable receipts a second on both databases, in turns with what the machine allows."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.ledger import durable, floors
from benchmarks.ledger.apart import apart
from benchmarks.results import Row
from tests.postgres import Server, running

TARGETS: Final = {"SQLite": 8_000, "PostgreSQL": 4_000}
_FLOOR_BATCHES: Final = 64


def sqlite(folder: Path, receipts: int, rounds: int, tell: Callable[[int], object]) -> Row:
    """Measure SQLite in a folder, each round in a new database."""
    rows = []
    for done in range(rounds):
        with tempfile.TemporaryDirectory(dir=folder) as name:
            new, given = Path(name), floors.batches(_FLOOR_BATCHES)
            written = apart(durable.write, f"sqlite:///{new / 'log.sqlite3'}", receipts)
            bare = floors.sqlite(new / "bare.sqlite3", given)
            rows.append(_round(written.result, bare, floors.file(new / "bare", given)))
        tell(done + 1)
    return _row("SQLite", receipts, rows)


def postgresql(receipts: int, rounds: int, tell: Callable[[int], object]) -> Row:
    """Measure a PostgreSQL of our own on a socket, which waits for the disk at each commit."""
    rows = []
    with running(durable=True) as server:
        for done in range(rounds):
            rows.append(_postgresql(server, done, receipts))
            tell(done + 1)
    return _row("PostgreSQL", receipts, rows)


def _postgresql(server: Server, number: int, receipts: int) -> Row:
    given, bare = floors.batches(_FLOOR_BATCHES), f"bare_{number}"
    written = apart(durable.write, server.create(f"log_{number}"), receipts)
    server.create(bare)
    inserted = floors.postgresql(server.connect(bare), given)
    with tempfile.TemporaryDirectory() as name:  # on the disk that the server's folder is on
        return _round(written.result, inserted, floors.file(Path(name) / "bare", given))


def _round(written: durable.Durable, bare: float, file: float) -> Row:
    return {
        "per_second": written.per_second,
        "cpu_seconds": written.cpu / written.receipts,
        "busy": written.cpu / written.seconds,
        "bare_per_second": bare,
        "file_per_second": file,
        "share": written.per_second / bare,
    }


def _row(database: str, receipts: int, rows: list[Row]) -> Row:
    """Return the medians; the share is that of each round by itself, since a disk has moods."""
    found: dict[str, Any] = {name: median(row[name] for row in rows) for name in rows[0]}
    rates = [row["per_second"] for row in rows]
    return {
        "operation": "durable receipts",
        "database": database,
        "batch": durable.BATCH,
        "receipts": receipts,
        "rounds": len(rows),
        "target": TARGETS[database],
        **found,
        "least": min(rates),
        "most": max(rates),
    }
