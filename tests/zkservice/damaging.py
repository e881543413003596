"""A ledger with something in every one of its tables, made by a real sequencer; and ways to damage a copy."""

import asyncio
import datetime as dt
import hashlib
import secrets
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection

from tlog import CosignatureSigner, Policy, Verifier
from tlog.cosignature import cosign
from tlog.entry import HOLDER_NOTE_OCTETS, ReceiptEntry, RecordEntry, note_hash
from tlog.policy import LogLine, WitnessLine
from zkservice import blocks, key_change
from zkservice.beginning import begin
from zkservice.config import Settings
from zkservice.keys import Keys
from zkservice.log_keys import LogKeys
from zkservice.sequencer import Sequencer
from zkservice.storage import anchors, ledger, marks, reading
from zkservice.storage.database import Database, open_engine
from zkservice.storage.marks import Mark
from zkservice.upkeep import fsck
from zkservice.upkeep.faults import FaultError, FaultReason
from zkservice.upkeep.fsck import Report

BATCH: Final = 37
ENTRIES: Final = 600
WAITING: Final = 5
ANCHORS: Final = 4
NAME: Final = "service.sqlite3"
WITNESS: Final = CosignatureSigner.from_secret("w.example/witness", hashlib.sha256(b"witness").digest())


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def receipt(seed: bytes) -> tuple[bytes, bytes]:
    """Return a receipt's entry and its note, always the same for the same seed."""
    note = hashlib.shake_256(seed).digest(HOLDER_NOTE_OCTETS)
    return ReceiptEntry(hashlib.sha256(seed).digest(), note_hash(note)).to_bytes(), note


def enqueue(connection: Connection, count: int) -> list[int]:
    """Put uses into the outbox, and a record after each fourth."""
    made = list[int]()
    for number in range(count):
        made.append(ledger.enqueue(connection, *receipt(secrets.token_bytes(8))))
        if number % 4 == 3:
            record = RecordEntry("test", secrets.token_bytes(number % 50)).to_bytes()
            made.append(ledger.enqueue(connection, record, None))
    return made


def settings_of(folder: Path) -> Settings:
    return Settings(data=folder)


def opened(folder: Path) -> Database:
    return Database(open_engine(settings_of(folder).database_url))


async def log_keys(folder: Path, database: Database) -> LogKeys:
    keys = Keys.load(folder / "keys", make=False)
    return await database.write(lambda each: LogKeys.load(each, keys, settings_of(folder).log_origin))


async def grow(folder: Path, count: int, batch: int = BATCH) -> None:
    """Integrate so many uses, and the records between them."""
    database = opened(folder)
    try:
        sequencer = Sequencer(database, await log_keys(folder, database), now, max_batch=batch)
        await sequencer.start()
        running = asyncio.create_task(sequencer.run())
        for outbox in await database.write(lambda each: enqueue(each, count)):
            await sequencer.integrated(outbox)
        sequencer.stop()
        await running
    finally:
        await asyncio.to_thread(database.close)


@dataclass(frozen=True)
class Made:
    """A folder of a stopped server."""

    folder: Path
    key: Verifier

    @property
    def policy(self) -> Policy:
        line = WitnessLine("w", WITNESS.verifier, None)
        return Policy((LogLine(self.key),), (line,), (), "w")

    def copy(self, folder: Path) -> "Made":
        shutil.copytree(self.folder, folder)
        return Made(folder, self.key)

    def change(self, statement: str, *values: Any) -> int:
        """Change the database behind everybody's back; return how many rows were changed."""
        with closing(sqlite3.connect(self.folder / NAME)) as connection, connection:
            connection.execute("PRAGMA ignore_check_constraints = ON")
            return connection.execute(statement, values).rowcount

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.folder / NAME)) as connection:
            return connection.execute(statement, values).fetchall()

    def flip(self, table: str, column: str, where: str, at: int) -> None:
        """Change one bit of one octet in a column of one row."""
        ((octets,),) = self.rows(f"SELECT {column} FROM {table} WHERE {where}")
        changed = bytearray(octets)
        changed[at] ^= 1
        assert self.change(f"UPDATE {table} SET {column} = ? WHERE {where}", bytes(changed)) == 1

    def check(self, policy: Policy | None = None) -> Report:
        with reading.read_only(settings_of(self.folder).database_url) as connection:
            return fsck.check(connection, [self.key], policy)

    def fault(self, policy: Policy | None = None) -> FaultError:
        """Return the fault, of which there has to be one."""
        try:
            report = self.check(policy)
        except FaultError as fault:
            return fault
        raise AssertionError(f"no fault was found: {report}")


def first_of(made: Made, *, note: bool, after: int) -> int:
    """Return an entry of the second block that is a receipt, or a record."""
    rows = made.rows('SELECT "index", holder_note, entry FROM ledger_entry WHERE "index" > ?', after)
    found: int = next(
        index
        for index, held, entry in rows
        if (held is not None) == note and not entry.startswith(b"zk-disclosure/block")
    )
    return found


@dataclass(frozen=True)
class Case:
    """A damage, and what has to be said of it."""

    name: str
    damage: Callable[[Made], object]
    reason: FaultReason
    table: str
    index: int | None = None
    block: int | None = None


def sql(statement: str, *values: object) -> Callable[[Made], object]:
    def damage(made: Made) -> None:
        assert made.change(statement, *values) > 0, "nothing was damaged"

    return damage


def flip(table: str, column: str, where: str, at: int) -> Callable[[Made], object]:
    return lambda made: made.flip(table, column, where, at)


def make(folder: Path) -> Made:
    """Make a log of some blocks, with rows that wait, one staged block, an anchor, a mark and a lease."""
    made = Made(folder, begin(settings_of(folder)))
    asyncio.run(grow(folder, ENTRIES // 2))
    key_change.begin(settings_of(folder))
    asyncio.run(grow(folder, ENTRIES // 2))
    asyncio.run(_furnish(made))
    with closing(sqlite3.connect(folder / NAME)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    return made


async def _furnish(made: Made) -> None:
    database = opened(made.folder)
    try:
        keys = await log_keys(made.folder, database)
        await database.write(lambda each: _beside(each, keys))
    finally:
        await asyncio.to_thread(database.close)


def _beside(connection: Connection, keys: LogKeys) -> None:
    for row in reading.blocks(connection, 2, ANCHORS):
        _, _, size, _, checkpoint = row
        line = cosign(checkpoint, WITNESS, 1_800_000_000)
        anchors.add(connection, ledger.State(size, checkpoint), [line], 1_800_000_000_000)
    enqueue(connection, WAITING)
    assert blocks.stage(connection, keys, ledger.published(connection), 3, 1_900_000_000_000)
    marks.write(connection, Mark.RESTORED, "as the test wants it")
