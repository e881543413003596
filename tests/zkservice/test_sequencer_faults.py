"""A database that fails a server at any commit, fills up, goes away, or has another server on it already."""

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Final

import grpc
import pytest
import pytest_asyncio

from tests import postgres
from tests.recovering import Recovering
from tests.zkservice.bursts import Burst, prepared
from tests.zkservice.faults import How, Where
from tests.zkservice.server_process import launch, started
from tests.zkservice.stores import Store, replica
from tests.zkservice.support import City
from zkproto.v1 import catalog_pb2

ONE: Final = 1
"""A single submission, so that its commits are known."""


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["sqlite", "postgresql"])
async def ready(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Burst]:
    server = request.getfixturevalue("postgresql") if request.param == "postgresql" else None
    async with prepared(tmp_path_factory.mktemp("prepared"), Store.on(server), 4) as burst:
        yield burst


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Burst]:
    async with prepared(tmp_path_factory.mktemp("prepared"), Store(), 4) as burst:
        yield burst


@pytest.fixture
def burst(ready: Burst, tmp_path: Path) -> Burst:
    return copied(ready, tmp_path / "server")


def copied(burst: Burst, folder: Path) -> Burst:
    shutil.copytree(burst.folder, folder)
    return Burst(folder, burst.submissions, burst.store.copy())


async def test_a_submission_takes_these_commits(burst: Burst) -> None:
    """What the next test counts on: each of them is a fault point of its own."""
    alone = Burst(burst.folder, burst.submissions[:ONE], burst.store)
    async with started(burst.folder, **burst.settings) as process, process.city() as town:
        (burst.folder / "commits").unlink(missing_ok=True)
        await alone.send(town)
        assert (burst.folder / "commits").read_text().split() == list(Where)
    assert not alone.failures


@pytest.mark.parametrize("how", [How.FAILS, How.PERSISTS])
@pytest.mark.parametrize("where", Where)
async def test_a_commit_that_failed_loses_and_doubles_nothing(
    burst: Burst, where: Where, how: How, recovering: Recovering
) -> None:
    """The server tells whoever waits to send the same again, looks what is durable, and goes on by itself."""
    alone = Burst(burst.folder, burst.submissions[:ONE], burst.store)
    async with started(burst.folder, **burst.settings) as process, process.city() as town:
        (burst.folder / "fault").write_text(f"{where} {how}")
        with recovering(f"a commit failed ({where}, {how}), and what was to be kept is answered"):
            await alone.insist(town)
        assert (burst.folder / "reached").read_text() == f"{where} {how}", "the fault point was not reached"
        assert set(alone.failures.values()) == {grpc.StatusCode.UNAVAILABLE}
        await burst.insist(town)
        await burst.check_at(town)
        process.end(signal.SIGTERM)
        assert await process.ended() == 0
    assert alone.answers[0] == burst.answers[0]
    assert "Traceback" not in (burst.folder / "server.log").read_text()
    await burst.check()


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Give a folder on a disk of a few megabytes."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(folder)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("a small file system can be mounted by root only")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


async def test_a_full_disk_is_told_and_outlived(
    on_sqlite: Burst, tmp_path: Path, recovering: Recovering
) -> None:
    with small_disk(tmp_path / "disk") as disk:
        burst = copied(on_sqlite, disk / "server")
        async with started(burst.folder) as process, process.city() as town:
            filler = disk / "filler"
            _fill(filler)
            await burst.send(town)
            assert set(burst.failures.values()) == {grpc.StatusCode.UNAVAILABLE}, "the disk was not full"
            assert not burst.answers
            with recovering("SQLite's disk was full, and all is answered"):
                filler.unlink()
                await burst.insist(town)
            await burst.check_at(town)
            process.end(signal.SIGTERM)
            assert await process.ended() == 0
        await burst.check()


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    file.write(os.urandom(size))
            except OSError:
                pass


@pytest.mark.parametrize("mode", ["fast", "immediate"])
async def test_a_database_that_goes_away_for_seconds_is_waited_for(
    tmp_path: Path, mode: str, recovering: Recovering
) -> None:
    await away(tmp_path, mode, 3, recovering)


@pytest.mark.long
async def test_a_database_that_goes_away_for_half_a_minute_is_waited_for(
    tmp_path: Path, recovering: Recovering
) -> None:
    await away(tmp_path, "immediate", 30, recovering)


async def away(tmp_path: Path, mode: str, seconds: float, recovering: Recovering) -> None:
    """Stop a PostgreSQL under two servers while they are written to, and start it again after a while."""
    with postgres.running() as server:
        async with prepared(tmp_path / "first", Store.on(server)) as burst:
            second = replica(tmp_path / "second", burst.folder)
            async with (
                started(burst.folder, max_batch=2, **burst.settings) as one,
                started(second, max_batch=2, **burst.settings) as other,
                one.city() as town,
                other.city() as beside,
            ):
                await _some(burst, town)
                server.stop(mode)
                stopped = monotonic()
                while monotonic() - stopped < seconds:
                    begun = monotonic()
                    with pytest.raises(grpc.aio.AioRpcError) as caught:
                        await town.presentation.SubmitPresentation(burst.submissions[-1], timeout=10)
                    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
                    assert monotonic() - begun < 2, "whoever asks is told at once"
                    await asyncio.sleep(0.2)
                with recovering(f"PostgreSQL was away for {seconds} s ({mode}), and all is answered"):
                    server.start()
                    await burst.insist(town, beside)
                await burst.check_at(town)
                await burst.check_at(beside)
                for process in (one, other):
                    process.end(signal.SIGTERM)
                    assert await process.ended() == 0
            for folder in (burst.folder, second):
                assert "Traceback" not in (folder / "server.log").read_text()
            await burst.check()


async def _some(burst: Burst, town: City) -> None:
    """Have a few answered before, which must still be there."""
    few = Burst(burst.folder, burst.submissions[:3], burst.store)
    await few.insist(town)
    burst.answers |= few.answers


async def test_a_second_server_on_one_sqlite_file_is_refused(on_sqlite: Burst, tmp_path: Path) -> None:
    """Also from another folder, and by another name of the file; the first one is not disturbed."""
    burst = copied(on_sqlite, tmp_path / "server")
    other, link = replica(tmp_path / "other", burst.folder), tmp_path / "link.sqlite3"
    file = burst.folder / "service.sqlite3"
    link.symlink_to(file)
    async with started(burst.folder) as process, process.city() as town:
        for named in (file, link):
            second = await launch(other, database=f"sqlite:///{named}")
            assert await second.wait() == 9
            assert f"another server is running on {file}" in (other / "server.log").read_text()
            (other / "server.log").unlink()
        await burst.send(town)
        assert not burst.failures
        await town.catalog.ListVerifiers(catalog_pb2.ListVerifiersRequest())
    async with started(other, database=f"sqlite:///{link}") as process, process.city() as town:
        await burst.check_at(town)
