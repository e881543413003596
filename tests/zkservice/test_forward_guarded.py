"""What a log is not brought forward to, and who may not sign it meanwhile."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from consortium.source import FolderSource
from tests import postgres
from tests.zkservice.damaging import WITNESS, Made, enqueue, grow, log_keys, now, opened, settings_of
from tests.zkservice.stealing import rob
from tests.zkservice.test_forward import brought, mirrored, mirrored_from
from tlog import Policy, Signer, TlogError
from tlog.cosignature import cosign
from zkservice.beginning import begin
from zkservice.errors import StartError
from zkservice.log_keys import LogKeys
from zkservice.sequencer import Sequencer
from zkservice.storage import lease, ledger, schema_version
from zkservice.storage.database import Database, open_engine
from zkservice.upkeep import forward
from zkservice.upkeep.faults import UpkeepError


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> tuple[Made, Path]:
    """A log that somebody has put an older copy of back by hand, and a mirror of what it was."""
    work = tmp_path_factory.mktemp("older")
    whole = Made(work / "server", begin(settings_of(work / "server")))
    asyncio.run(grow(whole.folder, 60))
    older = whole.copy(work / "older")
    asyncio.run(grow(whole.folder, 60))
    asyncio.run(mirrored(whole, work / "mirror"))
    return older, work / "mirror"


@pytest.fixture
def older(base: tuple[Made, Path], tmp_path: Path) -> Made:
    return base[0].copy(tmp_path / "older")


@pytest.fixture
def mirror(base: tuple[Made, Path], tmp_path: Path) -> Path:
    return shutil.copytree(base[1], tmp_path / "mirror")


def test_a_retired_key_moves_the_log_nowhere(tmp_path: Path) -> None:
    """A thief's continuation of the true log, that a mirror which knows the old key only has followed."""
    robbed = rob(tmp_path / "server")
    forged = robbed.goes_on(tmp_path / "thief")
    asyncio.run(mirrored(forged, tmp_path / "mirror"))
    before = robbed.made.check()
    with pytest.raises(TlogError, match="NOTE_UNSIGNED"):
        brought(robbed.made, tmp_path / "mirror")
    after = robbed.made.check()
    assert (after.size, after.root) == (before.size, before.root)


def test_what_no_quorum_has_seen_needs_to_be_asked_for(older: Made, mirror: Path) -> None:
    before = older.check()
    with pytest.raises(TlogError, match="QUORUM_MISSING"):
        brought(older, mirror, policy=older.policy)
    assert older.check().size == before.size
    done = brought(older, mirror, policy=older.policy, unwitnessed=True)
    assert done.size > before.size
    assert (done.anchored, older.check(older.policy).anchors) == (False, 0)


def test_the_cosignatures_that_satisfy_the_policy_are_kept(older: Made, mirror: Path) -> None:
    path = mirror / "checkpoint"
    path.write_bytes(path.read_bytes() + cosign(path.read_bytes(), WITNESS, 1_800_000_000))
    done = brought(older, mirror, policy=older.policy)
    assert done.anchored
    assert older.check(older.policy).anchors == 1


def test_an_anchored_log_is_moved_by_its_policy_or_by_saying_so(older: Made, mirror: Path) -> None:
    """A policy that is only forgotten must not turn the quorum off."""
    path = mirror / "checkpoint"
    path.write_bytes(path.read_bytes() + cosign(path.read_bytes(), WITNESS, 1_800_000_000))
    brought(older, mirror, policy=older.policy)
    for policy in (None, Policy.of_log(older.key)):
        with pytest.raises(UpkeepError, match="POLICY_MISSING"):
            brought(older, mirror, policy=policy)
    assert brought(older, mirror, policy=older.policy).anchored
    assert not brought(older, mirror, unwitnessed=True).anchored


async def test_no_server_signs_afterwards_before_it_has_asked(older: Made, mirror: Path) -> None:
    """Whatever the mark was before, or if there was none."""
    assert older.check().marks == {}
    size = (await asyncio.to_thread(brought, older, mirror)).size
    assert older.check().marks.keys() == {"restored"}
    async with using(older) as (database, keys):
        sequencer = Sequencer(database, keys, now, max_batch=37)
        await sequencer.start()
        await database.write(lambda each: enqueue(each, 1))
        with pytest.raises(StartError, match="restored"):
            await asyncio.wait_for(sequencer.run(), 20)
    assert older.check().size == size


class Slow:
    """A source that does something before it gives its checkpoint."""

    def __init__(self, source: FolderSource, first: Callable[[], Awaitable[Any]]) -> None:
        self._source, self._first = source, first

    async def checkpoint(self) -> bytes:
        await self._first()
        return await self._source.checkpoint()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)


@asynccontextmanager
async def using(made: Made) -> AsyncIterator[tuple[Database, LogKeys]]:
    database = opened(made.folder)
    try:
        yield database, await log_keys(made.folder, database)
    finally:
        await asyncio.to_thread(database.close)


async def test_who_takes_the_lease_ends_it_at_once(older: Made, mirror: Path) -> None:
    before = older.check()
    async with using(older) as (database, keys):

        async def taken() -> None:
            await database.write(lambda each: lease.take(each, lease.read(each), b"x" * 16))
            await asyncio.sleep(60)

        begun = time.monotonic()
        with pytest.raises(UpkeepError, match="LOG_IN_USE"):
            await forward.forward(database, keys, Slow(FolderSource(mirror), taken), at_ms=1)
        assert time.monotonic() - begun < 20
        assert (await database.read(lease.read)).holder == b"x" * 16, "it is not given up for its holder"
    assert older.check().size == before.size


def test_no_server_takes_over_while_it_reads(tmp_path: Path) -> None:
    """On PostgreSQL no folder's lock helps: whoever waits there for a leader to fall silent, waits."""
    with postgres.running() as server:
        asyncio.run(_contended(server.create("contended"), tmp_path / "mirror"))


async def _contended(url: str, mirror: Path) -> None:
    engine, signer = open_engine(url), Signer.generate("zk-disclosure.example/log")
    schema_version.require_newest(engine)
    database, keys = Database(engine), LogKeys.of(signer)
    other = Database(open_engine(url))
    try:
        sequencer = Sequencer(database, keys, now, max_batch=37)
        await sequencer.start()
        running = asyncio.create_task(sequencer.run())
        for outbox in await database.write(lambda each: enqueue(each, 8)):
            await sequencer.integrated(outbox)
        sequencer.stop()
        await running
        size = sequencer.published.size
        await mirrored_from(database, signer.verifier, mirror)
        await database.write(lambda each: enqueue(each, 3))
        rival = Sequencer(other, keys, now, max_batch=37)
        rivals = list[asyncio.Task[None]]()

        async def contend() -> None:
            await rival.start()
            rivals.append(asyncio.create_task(rival.run()))
            for _ in range(30):
                assert not rival.leads
                await asyncio.sleep(0.2)

        done = await forward.forward(database, keys, Slow(FolderSource(mirror), contend), at_ms=1)
        assert (done.size, done.waiting) == (size, 3)
        with pytest.raises(StartError, match="restored"):
            await asyncio.wait_for(rivals[0], 20)
        assert (await database.read(ledger.published)).size == size
    finally:
        await asyncio.to_thread(database.close)
        await asyncio.to_thread(other.close)
