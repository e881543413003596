"""The sequencer: blocks, failures at each of its writes, and a staged block that somebody has changed."""

import asyncio
import datetime as dt
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest
from sqlalchemy import Connection

from tests.zkservice.stored import change, dump
from tlog.archive import AuditReport, verify_archive, write
from tlog.entry import HOLDER_NOTE_OCTETS, ReceiptEntry, RecordEntry, note_hash
from tlog.merkle import EMPTY_ROOT
from tlog.note import Signer
from tlog.receipt import ReceiptOpening
from zkservice.errors import ServiceError, ServiceReason, StartError
from zkservice.log_keys import LogKeys
from zkservice.receipts import Place
from zkservice.sequencer import Sequencer, Step
from zkservice.storage import ledger, schema_version
from zkservice.storage.database import Database, open_engine
from zkservice.storage.ledger import LockLostError

ORIGIN: Final = "log.example/test"
SIGNER: Final = Signer.from_secret(ORIGIN, hashlib.sha256(b"log").digest())
ENTRIES: Final = [RecordEntry("test", bytes([number])).to_bytes() for number in range(5)]
_Result = TypeVar("_Result")


class Failing(Database):
    """A database whose n-th call fails once armed: before it was done, or after, when it persists."""

    fails, persists, calls = 0, False, 0
    armed = False

    async def write(self, act: Callable[[Connection], _Result]) -> _Result:
        return await self._perhaps(lambda: super(Failing, self).write(act))

    async def read(self, act: Callable[[Connection], _Result]) -> _Result:
        return await self._perhaps(lambda: super(Failing, self).read(act))

    async def _perhaps(self, call: Callable[[], Awaitable[_Result]]) -> _Result:
        self.calls += self.armed
        if not (self.armed and self.calls == self.fails):
            return await call()
        if self.persists:
            await call()
        raise ServiceError(ServiceReason.STORAGE_UNAVAILABLE, "as the test wants it")


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _nothing(_: Step) -> None:
    pass


def opened(folder: Path) -> Failing:
    engine = open_engine(f"sqlite:///{folder / 'service.sqlite3'}")
    schema_version.require_newest(engine)
    return Failing(engine)


def sequencer_of(
    database: Database, after: Callable[[Step], None] = _nothing, signer: Signer = SIGNER
) -> Sequencer:
    return Sequencer(database, LogKeys.of(signer), _now, max_batch=2, after=after)


@asynccontextmanager
async def running(database: Database, **options: Any) -> AsyncIterator[Sequencer]:
    """Start a sequencer and let it end by itself."""
    sequencer = sequencer_of(database, **options)
    await sequencer.start()
    task = asyncio.create_task(sequencer.run())
    try:
        yield sequencer
    finally:
        sequencer.stop()
        await task


async def enqueue(database: Database) -> list[int]:
    def enqueue_all(connection: Connection) -> list[int]:
        return [ledger.enqueue(connection, entry, None) for entry in ENTRIES]

    return await database.write(enqueue_all)


async def audit(database: Database) -> tuple[AuditReport, list[bytes]]:
    """Recompute the log from what is stored; return what it holds but for the headers."""
    state = await database.read(ledger.published)
    rows = await database.read(lambda connection: ledger.entries(connection, 0, 1000))
    assert [index for index, _, _ in rows] == list(range(state.size)), "entries beyond what is published"
    lines = b"".join(write(SIGNER.verifier, ((entry, note) for _, entry, note in rows), state.checkpoint))
    return verify_archive(lines.splitlines(True), SIGNER.verifier), [
        entry for _, entry, _ in rows if entry in ENTRIES
    ]


OPENING = ReceiptOpening(bytes(32), b"body", bytes(32))


async def test_entries_become_blocks_and_whoever_waits_is_told(tmp_path: Path) -> None:
    database = opened(tmp_path)
    ids = await enqueue(database)
    async with running(database) as sequencer:
        places = await asyncio.gather(*map(sequencer.integrated, ids))
        assert [each.index for each in places] == [0, 1, 3, 4, 6]
        for outbox, place in zip(ids, places, strict=True):
            stored = await sequencer.integrated(outbox)
            assert stored.receipt(OPENING) == place.receipt(OPENING), "memory and database differ"
    report, found = await audit(database)
    assert (report.blocks, report.size, found) == (3, 8, ENTRIES)
    database.close()


NOTES: Final = [bytes([number]) * HOLDER_NOTE_OCTETS for number in range(48)]
NOTED: Final = {
    note: ReceiptEntry(hashlib.sha256(note).digest(), note_hash(note)).to_bytes() for note in NOTES
}


async def enqueue_mixed(database: Database) -> dict[int, bytes]:
    """Put uses, which have a note, into the outbox, and after each third a record."""

    def enqueue_all(connection: Connection) -> dict[int, bytes]:
        made = dict[int, bytes]()
        for number, (note, entry) in enumerate(NOTED.items()):
            made[ledger.enqueue(connection, entry, note)] = entry
            if number % 12 == 11:
                record = ENTRIES[number // 12]
                made[ledger.enqueue(connection, record, None)] = record
        return made

    return await database.write(enqueue_all)


@pytest.mark.parametrize("step", [None, Step.LOCKED, Step.APPLIED])
async def test_uses_stand_in_no_order_within_a_block_and_records_in_theirs(
    tmp_path: Path, step: Step | None
) -> None:
    """Whose entries were written together is not told by where they stand, also after a crash."""

    class EndError(Exception):
        pass

    def end(reached: Step) -> None:
        if reached is step:
            raise EndError

    database = opened(tmp_path)
    made = await enqueue_mixed(database)
    if step is not None:
        ended = Sequencer(database, LogKeys.of(SIGNER), _now, max_batch=100, after=end)
        await ended.start()
        with pytest.raises(EndError):
            await ended.run()
    again = Sequencer(database, LogKeys.of(SIGNER), _now, max_batch=100)
    await again.start()
    task = asyncio.create_task(again.run())
    places = {each: (await again.integrated(each)).index for each in made}
    again.stop()
    await task
    rows = await database.read(lambda each: ledger.entries(each, 0, 1000))
    for each, entry in made.items():
        assert rows[places[each]][1] == entry, "whoever waits is told another's place"
    assert all(NOTED[note] == entry for _, entry, note in rows if note is not None)
    records = [place for each, place in places.items() if made[each] in ENTRIES]
    assert records == [12, 25, 38, 51]
    noted = [place for each, place in places.items() if made[each] not in ENTRIES]
    assert noted != sorted(noted)
    apart = [abs(one - other) for one, other in pairwise(noted)]
    assert sum(each == 1 for each in apart) < len(noted) // 2, "what was written together stands together"
    report, _ = await audit(database)
    assert report.blocks == 1
    assert dump(tmp_path)["outbox_content"] == []
    database.close()


BLOCKS: Final = 3
CALLS: Final = 4 + 3 * BLOCKS
"""What a sequencer asks of its database: whether it leads, whether the log is whole, what is published; to
stage a block; and three writes a block, of which the last stages the next one."""


async def settled(sequencer: Sequencer, ids: list[int]) -> list[Place]:
    """Wait for entries as a client does that is told to send the same again."""
    while True:
        told = await asyncio.gather(*map(sequencer.integrated, ids), return_exceptions=True)
        places = [each for each in told if isinstance(each, Place)]
        assert {each.reason for each in told if isinstance(each, ServiceError)} <= {"STORAGE_UNAVAILABLE"}
        if len(places) == len(told):
            return places


async def test_a_sequencer_asks_so_much_of_its_database(tmp_path: Path) -> None:
    """What the test after this one counts on: each of these calls is a fault point of its own."""
    database = opened(tmp_path)
    ids = await enqueue(database)
    sequencer = sequencer_of(database)
    await sequencer.start()
    database.armed = True
    task = asyncio.create_task(sequencer.run())
    await asyncio.gather(*map(sequencer.integrated, ids))
    assert database.calls == CALLS
    sequencer.stop()
    await task
    database.close()


@pytest.mark.parametrize("persists", [False, True], ids=["failed", "failed but persisted"])
@pytest.mark.parametrize("fails", range(1, CALLS + 1))
async def test_after_any_call_that_failed_the_log_goes_on(tmp_path: Path, fails: int, persists: bool) -> None:
    database = opened(tmp_path)
    ids = await enqueue(database)
    sequencer = sequencer_of(database)
    await sequencer.start()
    database.fails, database.persists, database.armed = fails, persists, True
    waiting = [asyncio.ensure_future(sequencer.integrated(each)) for each in ids]
    await asyncio.sleep(0)
    task = asyncio.create_task(sequencer.run())
    told = await asyncio.gather(*waiting, return_exceptions=True)
    assert database.calls >= fails, "the fault point was not reached"
    indexes = [each.index for each in told if isinstance(each, Place)]
    assert {each.reason for each in told if isinstance(each, ServiceError)} == {"STORAGE_UNAVAILABLE"}
    assert len(indexes) == 2 * (max(fails - 5, 0) // 3), "told what is not so, or not told what is"
    found_again = [each.index for each in await settled(sequencer, ids)]
    assert found_again[: len(indexes)] == indexes
    assert len(set(found_again)) == len(ids)
    sequencer.stop()
    await task
    report, found = await audit(database)
    assert found == ENTRIES, "an entry is lost, doubled or out of order"
    assert report.blocks == BLOCKS
    assert dump(tmp_path)["ledger_staged"] == []
    database.close()


async def test_a_database_that_is_away_for_a_while_is_waited_for(tmp_path: Path) -> None:
    """Whoever waits is told at once; the sequencer tries again with pauses that grow, and then goes on."""
    database = opened(tmp_path)
    ids = await enqueue(database)
    sequencer = sequencer_of(database)
    await sequencer.start()
    task = asyncio.create_task(sequencer.run())
    attempts = 0

    class Away(Failing):
        async def _perhaps(self, call: Callable[[], Awaitable[_Result]]) -> _Result:
            nonlocal attempts
            attempts += 1
            raise ServiceError(ServiceReason.STORAGE_UNAVAILABLE, "as the test wants it")

    database.__class__ = Away
    told = await asyncio.gather(*map(sequencer.integrated, ids), return_exceptions=True)
    assert {each.reason for each in told if isinstance(each, ServiceError)} == {"STORAGE_UNAVAILABLE"}
    await asyncio.sleep(1)
    assert 3 <= attempts <= 6, "pauses of 0.1, 0.2, 0.4 and 0.8 seconds"
    database.__class__ = Failing
    assert len({each.index for each in await settled(sequencer, ids)}) == len(ids)
    sequencer.stop()
    await task
    database.close()


BEGINNING: Final = 5
"""What a start asks of its database: to begin the log, who leads, whether the log is whole, what is
published, and to lead."""


@pytest.mark.parametrize("persists", [False, True], ids=["failed", "failed but persisted"])
@pytest.mark.parametrize("fails", range(1, BEGINNING + 1))
async def test_after_a_beginning_that_failed_the_log_begins(
    tmp_path: Path, fails: int, persists: bool
) -> None:
    database = opened(tmp_path)
    database.fails, database.persists, database.armed = fails, persists, True
    with pytest.raises(ServiceError):
        await sequencer_of(database).start()
    assert database.calls == fails
    database.armed = False
    async with running(database) as sequencer:
        assert sequencer.published.size == 0
        assert sequencer.leads
    assert (await audit(database))[0].root == EMPTY_ROOT
    database.close()


@pytest.mark.parametrize("step", Step)
async def test_after_an_end_at_each_step_the_log_goes_on(tmp_path: Path, step: Step) -> None:
    class EndError(Exception):
        pass

    def end(reached: Step) -> None:
        if reached is step:
            raise EndError

    database = opened(tmp_path)
    await enqueue(database)
    sequencer = sequencer_of(database, end)
    await sequencer.start()
    with pytest.raises(EndError):
        await sequencer.run()
    states = {row[0]: row[1] for row in dump(tmp_path)["ledger_state"]}
    ahead = step in {Step.LOCKED, Step.APPLIED}
    assert (states["lock"] > states["published"]) is ahead
    async with running(database):
        pass
    assert (await audit(database))[1] == ENTRIES
    database.close()


async def test_of_two_sequencers_the_one_that_lost_the_lock_publishes_nothing(tmp_path: Path) -> None:
    database = opened(tmp_path)
    frozen = sequencer_of(database)
    await frozen.start()
    ids = await enqueue(database)
    async with running(database) as sequencer:
        await asyncio.gather(*map(sequencer.integrated, ids))
    later = await database.write(lambda each: ledger.enqueue(each, ENTRIES[0], None))
    before = dump(tmp_path)
    with pytest.raises(LockLostError):
        await frozen.run()
    after = dump(tmp_path)
    for table in ("ledger_state", "ledger_entry", "ledger_block", "ledger_tile", "outbox"):
        assert after[table] == before[table]
    async with running(database) as sequencer:
        assert (await sequencer.integrated(later)).index == 8
    await audit(database)
    database.close()


@pytest.mark.parametrize(
    "statement",
    [
        "update ledger_staged set header = zeroblob(length(header))",
        "update ledger_staged set header = (select max(header) from ledger_block)",
        "update ledger_staged set header = cast('' as blob)",
        "update ledger_staged set outbox_ids = substr(outbox_ids, 9)",
        "update outbox_content set entry = (select entry from ledger_entry limit 1)",
        "update outbox_content set entry = zeroblob(99)",
        "delete from outbox_content",
        "update ledger_tile set hashes = zeroblob(length(hashes))",
    ],
)
async def test_refuses_a_staged_block_that_is_not_the_locked_one(tmp_path: Path, statement: str) -> None:
    def end(reached: Step) -> None:
        if reached is Step.LOCKED and len(blocks) == 2:
            raise KeyError
        blocks.extend([reached] * (reached is Step.PUBLISHED))

    blocks: list[Step] = []
    database = opened(tmp_path)
    await enqueue(database)
    sequencer = sequencer_of(database, end)
    await sequencer.start()
    with pytest.raises(KeyError):
        await sequencer.run()
    change(tmp_path, statement)
    before = dump(tmp_path)
    with pytest.raises(StartError):
        await sequencer_of(database).start()
    assert dump(tmp_path) == before
    database.close()


async def test_an_older_database_under_a_running_server_ends_it(tmp_path: Path) -> None:
    """What it has shown cannot be taken back: going on would sign a second history."""
    database = opened(tmp_path)
    ids = await enqueue(database)
    sequencer = sequencer_of(database)
    await sequencer.start()
    task = asyncio.create_task(sequencer.run())
    await settled(sequencer, ids)
    shown, published = sequencer.published, await database.read(ledger.published)
    assert shown == published
    change(
        tmp_path,
        "update ledger_state set size = ?, checkpoint = (select checkpoint from ledger_block where size = ?)",
        3,
        3,
    )
    later = await database.write(lambda each: ledger.enqueue(each, ENTRIES[0], None))
    waiting = asyncio.ensure_future(sequencer.integrated(later))
    database.fails, database.persists, database.calls, database.armed = 1, False, 0, True
    with pytest.raises(StartError, match="lost a part of the log"):
        await task
    assert sequencer.published == shown
    with pytest.raises(ServiceError):
        await waiting
    database.close()
