"""A restored log and real witnesses that know more: it stops, is brought forward, and goes on."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from consortium.source import FolderSource
from tests.zkservice.damaging import Made, log_keys, now, opened, settings_of
from tests.zkservice.support import reopened
from tests.zkservice.test_forward import mirrored, same_log
from tests.zkservice.witnessing import Consortium, anchored, consortium, grow
from tlog import TlogError
from zkservice.behind import LogBehindError
from zkservice.errors import StartError
from zkservice.upkeep.backup import back_up
from zkservice.upkeep.forward import forward
from zkservice.upkeep.restoring import restore


@pytest.fixture
async def others(tmp_path: Path) -> AsyncIterator[Consortium]:
    async with consortium(tmp_path, tmp_path / "server") as gathered:
        yield gathered


async def test_a_restored_log_stops_is_brought_forward_and_goes_on(
    others: Consortium, tmp_path: Path
) -> None:
    whole, again = Made(tmp_path / "server", others.log), Made(tmp_path / "again", others.log)
    async with reopened(whole.folder, **others.settings) as town:
        await anchored(town, await grow(town, "police"))
        back_up(settings_of(whole.folder).database_url, others.log, tmp_path / "backup", now=now())
        for name in ("health", "school", "tax"):
            size = await grow(town, name)
        note = await anchored(town, size)
    await mirrored(whole, tmp_path / "mirror")
    restore(tmp_path / "backup", again.folder)
    shutil.copytree(whole.folder / "keys", again.folder / "keys")
    before = again.check()

    await others.end()
    with pytest.raises(StartError, match="of the witnesses"):
        async with reopened(again.folder, **others.settings):
            pass
    await others.start()
    with pytest.raises(LogBehindError, match="zk ledger forward"):
        async with reopened(again.folder, **others.settings):
            pass
    behind = again.check()
    assert (behind.size, behind.root) == (before.size, before.root), "nothing was signed"
    assert "behind" in behind.marks

    database = opened(again.folder)
    try:
        keys, mirror = await log_keys(again.folder, database), FolderSource(tmp_path / "mirror")
        with pytest.raises(TlogError, match="QUORUM_MISSING"):
            await forward(database, keys, mirror, at_ms=1, policy=others.policy)
        (tmp_path / "mirror" / "checkpoint").write_bytes(note)
        done = await forward(database, keys, mirror, at_ms=1, policy=others.policy)
    finally:
        database.close()
    assert (done.size, done.anchored) == (size, True)
    same_log(again, whole)
    async with reopened(again.folder, **others.settings) as town:
        await anchored(town, await grow(town, "customs"))
    assert again.check(others.policy).marks == {}
