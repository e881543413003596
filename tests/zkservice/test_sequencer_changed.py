"""A stored log that is not what the sequencer took it for: late commits, marks, other copies, newer rows."""

import asyncio
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import Connection
from sqlalchemy.engine import Engine

from tests import postgres
from tests.zkservice.stored import change
from tests.zkservice.test_sequencer import ENTRIES, audit, enqueue, opened, running, sequencer_of
from zkservice.behind import LogBehindError
from zkservice.errors import ServiceError, ServiceReason, StartError
from zkservice.sequencer import Step
from zkservice.storage import forwarding, ledger, marks, schema_version
from zkservice.storage.database import Database, open_engine
from zkservice.storage.marks import Mark

_Result = TypeVar("_Result")


class Late(Database):
    """A database of which one commit, when told, is told to have failed and becomes durable only later.

    As when a connection is lost whose backend still waits: for the disk, a standby, a proxy's buffer.
    """

    late = False

    def __init__(self, engine: Engine, other: Engine) -> None:
        super().__init__(engine)
        self._other, self.done = other, threading.Event()

    async def write(self, act: Callable[[Connection], _Result]) -> _Result:
        if not self.late:
            return await super().write(act)
        self.late, ran = False, threading.Event()
        threading.Thread(target=self._commit_late, args=(act, ran)).start()
        await asyncio.to_thread(ran.wait)
        raise ServiceError(ServiceReason.STORAGE_UNAVAILABLE, "the connection is lost")

    def _commit_late(self, act: Callable[[Connection], object], ran: threading.Event) -> None:
        with self._other.connect().execution_options(writing=True) as connection, connection.begin():
            act(connection)
            ran.set()
            threading.Event().wait(0.7)
        self.done.set()


@pytest.fixture(params=["sqlite", "postgresql"])
def late(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Late]:
    if request.param == "sqlite":
        yield from _late(f"sqlite:///{tmp_path / 'service.sqlite3'}")
    else:
        with postgres.running() as server:
            yield from _late(server.create("late"))


def _late(url: str) -> Iterator[Late]:
    engine, other = open_engine(url), open_engine(url)
    schema_version.require_newest(engine)
    database = Late(engine, other)
    yield database
    database.close()
    other.dispose()


@pytest.mark.parametrize("step", [Step.STAGED, Step.SIGNED, Step.LOCKED, Step.APPLIED])
async def test_a_commit_that_becomes_durable_after_it_was_given_up_forks_nothing(
    late: Late, step: Step
) -> None:
    """After each step it is the next commit that is late; after `signed` that of the lock."""
    reached: list[Step] = []

    def after(done: Step) -> None:
        if done is step and not reached:
            reached.append(done)
            late.late = step is not Step.STAGED

    async with running(late, after=after) as sequencer:
        ids = await enqueue(late)
        async with asyncio.timeout(30):
            while (await late.read(lambda each: ledger.indexes_of(each, ids))).keys() != set(ids):
                await asyncio.sleep(0.05)
        assert sequencer.leads
    assert reached
    assert step is Step.STAGED or late.done.is_set(), "the late commit was made"
    report, entries = await audit(late)
    assert sorted(entries) == sorted(ENTRIES)
    assert report.size == len(ENTRIES) + report.blocks
    async with running(late) as again:
        assert again.published.size == report.size


@pytest.mark.parametrize(
    ("mark", "raised"),
    [(Mark.BEHIND, LogBehindError), (Mark.RESTORED, StartError)],
    ids=str,
)
async def test_a_leader_stops_at_a_mark_that_comes_while_it_runs(
    tmp_path: Path, mark: Mark, raised: type[StartError]
) -> None:
    """A database restored under a process that runs, or was frozen: nothing is signed unasked."""
    database = opened(tmp_path)
    sequencer = sequencer_of(database)
    await sequencer.start()
    task = asyncio.create_task(sequencer.run())
    (first,) = await database.write(lambda each: [ledger.enqueue(each, ENTRIES[0], None)])
    await sequencer.integrated(first)
    shown = sequencer.published
    await database.write(lambda each: marks.write(each, mark, "as the test wants it"))
    waiting = await database.write(lambda each: ledger.enqueue(each, ENTRIES[1], None))
    with pytest.raises(ServiceError):
        await sequencer.integrated(waiting)
    with pytest.raises(raised):
        await task
    assert await database.read(ledger.states) == (shown, shown)
    assert await database.read(lambda each: ledger.staged(each, shown.size + 2)) is None
    database.close()


async def test_another_copy_of_the_same_size_under_a_running_server_ends_it(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    database = opened(one)
    async with running(database):
        pass
    database.close()
    shutil.copytree(one, two)
    shown = []
    for folder in (one, two):
        database = opened(folder)
        async with running(database) as sequencer:
            row = await database.write(lambda each: ledger.enqueue(each, ENTRIES[0], None))
            await sequencer.integrated(row)
            shown.append(sequencer.published)
        database.close()
    assert shown[0].size == shown[1].size
    database = opened(one)
    sequencer = sequencer_of(database)
    await sequencer.start()
    task = asyncio.create_task(sequencer.run())
    _take_log_of(two, one)
    await database.write(lambda each: ledger.enqueue(each, ENTRIES[1], None))
    with pytest.raises(StartError):
        await task
    assert sequencer.published == shown[0]
    assert await database.read(ledger.states) == (shown[1], shown[1]), "nothing was signed on it"
    database.close()


def _take_log_of(other: Path, folder: Path) -> None:
    """Put the log of one database in place of another's."""
    with closing(sqlite3.connect(folder / "service.sqlite3", timeout=10)) as connection:
        connection.execute("attach ? as other", (str(other / "service.sqlite3"),))
        with connection:
            for table in ("ledger_state", "ledger_block", "ledger_entry", "ledger_tile"):
                connection.execute(f"delete from main.{table}")
                connection.execute(f"insert into main.{table} select * from other.{table}")


async def test_rows_of_a_log_that_was_brought_forward_do_not_hide_one_that_waits(tmp_path: Path) -> None:
    """An entry that is known from a mirror only gets a newer row than one that waited before."""
    database = opened(tmp_path)
    async with running(database) as sequencer:
        row = await database.write(lambda each: ledger.enqueue(each, ENTRIES[0], None))
        await sequencer.integrated(row)
    waits = await database.write(lambda each: ledger.enqueue(each, ENTRIES[1], None))
    change(tmp_path, "delete from outbox where id = ?", row)
    await database.write(lambda each: forwarding.place(each, {0: None}))
    following = sequencer_of(database)
    await following.start()
    waiting = asyncio.ensure_future(following.integrated(waits))
    await asyncio.sleep(0)
    task = asyncio.create_task(following.run())
    place = await asyncio.wait_for(waiting, 10)
    assert place.index == following.published.size - 2
    following.stop()
    await task
    database.close()
