"""A part of a year's receipts through the real sequencer into real tables: how large it gets, and how fast.

The entries are random, as receipts look to everybody, and so are the notes beside them.
"""

import asyncio
import datetime as dt
import secrets
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, Final

from sqlalchemy import Connection, event, func, select

from tlog import HOLDER_NOTE_OCTETS
from tlog.entry import ReceiptEntry, note_hash
from tlog.note import Signer
from zkservice.log_keys import LogKeys
from zkservice.sequencer import Sequencer
from zkservice.storage import schema_version, tables
from zkservice.storage.database import Database, open_engine

_GROUP: Final = 16_384
BATCH: Final = 256
"""What a server takes into a block at most, unless it is set otherwise."""


@dataclass(frozen=True)
class Written:
    """So many entries: octets that the database grows by until a half and all of them, and seconds."""

    entries: int
    half_octets: int
    octets: int
    seconds: float

    @property
    def entry_octets(self) -> float:
        """What an entry adds, once there are many: by the second half."""
        return (self.octets - self.half_octets) / (self.entries - self.entries // 2)


def write(
    entries: int,
    tell: Callable[[int], object] = lambda _: None,
    *,
    batch: int = BATCH,
    durable: bool = True,
) -> Written:
    """Write so many entries into a new log, in a temporary folder; `tell` hears how many there are.

    Where only its size counts it need not be `durable`: it then waits for no disk, and its seconds say
    nothing.
    """
    with tempfile.TemporaryDirectory() as name:
        return asyncio.run(_write(Path(name) / "log.sqlite3", entries, tell, batch, durable))


async def _write(
    path: Path, entries: int, tell: Callable[[int], object], batch: int, durable: bool
) -> Written:
    engine = open_engine(f"sqlite:///{path}")
    if not durable:

        @event.listens_for(engine, "connect")
        def _hurry(connection: Any, _: object) -> None:
            connection.execute("pragma synchronous = off")

    schema_version.upgrade(engine)
    database = Database(engine)
    try:
        signer = Signer.generate("zk-disclosure.example/scale")
        sequencer = Sequencer(database, LogKeys.of(signer), lambda: dt.datetime.now(dt.UTC), max_batch=batch)
        await sequencer.start()
        empty, sizes = _octets(path), {0: 0}
        begun, done = monotonic(), 0
        running = asyncio.create_task(sequencer.run())
        for count in _groups(entries):
            last = await database.write(partial(_enqueue, count))
            await sequencer.integrated(last)
            done += count
            sizes[done] = _octets(path) - empty
            tell(done)
        seconds = monotonic() - begun
        sequencer.stop()
        await running
    finally:
        await asyncio.to_thread(database.close)
    return Written(entries, sizes[entries // 2], sizes[entries], seconds)


def _groups(entries: int) -> Iterator[int]:
    """Split a number so that the half of it is the end of a group."""
    ends, at = sorted({*range(_GROUP, entries, _GROUP), entries // 2, entries} - {0}), 0
    for end in ends:
        yield end - at
        at = end


def _enqueue(count: int, connection: Connection) -> int:
    before = connection.execute(select(func.max(tables.outbox.c.id))).scalar() or 0
    rows = []
    for number in range(before + 1, before + count + 1):
        note = secrets.token_bytes(HOLDER_NOTE_OCTETS)
        entry = ReceiptEntry(secrets.token_bytes(32), note_hash(note)).to_bytes()
        rows.append({"outbox": number, "entry": entry, "holder_note": note})
    connection.execute(tables.outbox.insert(), [{"id": each["outbox"]} for each in rows])
    connection.execute(tables.outbox_content.insert(), rows)
    return before + count


def _octets(path: Path) -> int:
    """Return the size of the file once what waits beside it is in it."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
        (pages,), (page,), (free,) = (
            connection.execute(f"pragma {each}").fetchone()
            for each in ("page_count", "page_size", "freelist_count")
        )
    return int((pages - free) * page)
