"""A whole log of some size: its check, the sequencer that goes on with it, a mirror of it; time and memory.

The log is made in bulk (`making`), once: a file that is there is whole. What is measured runs in a process of
its own on it, or on a copy where it writes.
"""

import asyncio
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from time import monotonic
from typing import Final

from benchmarks.ledger import durable, making
from benchmarks.ledger.apart import apart
from benchmarks.results import Row
from consortium.folder import opened_folder
from consortium.mirror import Mirror
from tlog.keys import Signer
from tlog.policy import Policy
from zkservice.edge import DatabaseSource
from zkservice.storage import ledger, reading, schema_version
from zkservice.storage.database import Database, open_engine
from zkservice.upkeep import fsck

Tell = Callable[[int], object]
_SECRET: Final = bytes(32)
"""Of the key of nobody's log: one that was made before can be gone on with."""
_SIGNER: Final = Signer.from_secret(durable.ORIGIN, _SECRET)


def made(folder: Path, entries: int, tell: Tell = lambda _: None) -> Path:
    """Return the database of a log of so many receipts, made now unless it is there."""
    prefix = f"log-{schema_version.newest()}-"
    path = folder / f"{prefix}{entries}.sqlite3"
    if path.exists():
        return path
    for each in folder.glob("log-*"):
        if ".new" in each.name or not each.name.startswith(prefix):
            each.unlink()  # half made, or of another schema
    new = path.with_suffix(".new")
    making.make(f"sqlite:///{new}", entries, signer=_SIGNER, tell=tell)
    with closing(sqlite3.connect(new)) as written:
        written.execute("pragma wal_checkpoint(truncate)")
    new.replace(path)
    return path


def check(path: Path) -> Row:
    """Measure fsck of a log in a process of its own."""
    done = apart(_check, path)
    size, seconds = done.result
    return {
        "operation": "fsck",
        "size": size,
        "seconds": seconds,
        "per_second": size / seconds,
        "peak_octets": done.peak,
        "before_octets": done.before,
    }


def _check(path: Path) -> tuple[int, float]:
    begun = monotonic()
    with reading.read_only(f"sqlite:///{path}") as connection:
        report = fsck.check(connection, [_SIGNER.verifier])
    return report.size, monotonic() - begun


def sequence(path: Path, entries: int, receipts: int) -> Row:
    """Measure the sequencer that goes on with a copy of a log, in a process of its own."""
    with tempfile.TemporaryDirectory(dir=path.parent) as name:
        copy = Path(name) / path.name
        shutil.copyfile(path, copy)
        done = apart(durable.write, f"sqlite:///{copy}", receipts, secret=_SECRET, ahead=False)
    return {
        "operation": "sequencer",
        "size": entries,
        "receipts": done.result.receipts,
        "per_second": done.result.per_second,
        "peak_octets": done.peak,
        "before_octets": done.before,
    }


def mirror(path: Path) -> Row:
    """Measure a mirror that reads a whole log from its database and keeps it as files, each entry checked."""
    with tempfile.TemporaryDirectory(dir=path.parent) as name:
        done = apart(_mirror, path, Path(name) / "mirror")
    size, seconds = done.result
    return {
        "operation": "mirror",
        "size": size,
        "seconds": seconds,
        "per_second": size / seconds,
        "peak_octets": done.peak,
        "before_octets": done.before,
    }


def _mirror(path: Path, folder: Path) -> tuple[int, float]:
    return asyncio.run(_mirrored(path, folder))


async def _mirrored(path: Path, folder: Path) -> tuple[int, float]:
    database = Database(open_engine(f"sqlite:///{path}"))
    try:
        note = (await database.read(ledger.published)).checkpoint
        with opened_folder(folder) as opened:
            begun = monotonic()
            following = await Mirror.opened(opened, Policy.of_log(_SIGNER.verifier))
            await following.update(DatabaseSource(database, lambda: note))
            return following.held.size, monotonic() - begun
    finally:
        await asyncio.to_thread(database.close)
