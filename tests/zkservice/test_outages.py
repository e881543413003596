"""What happens to several servers on one PostgreSQL: its disk is full, it restarts, a server is frozen."""

import asyncio
import os
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import grpc
import pytest

from tests import postgres
from tests.recovering import Recovering
from tests.zkservice.bursts import Burst, prepared
from tests.zkservice.server_process import started
from tests.zkservice.stores import Store, replica
from tests.zkservice.supervisor import supervised
from tests.zkservice.support import City

DISK = "160m"
"""What PostgreSQL needs empty, and some more."""


@contextmanager
def disk_of_its_own(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Have PostgreSQL made on a small file system; give its folder."""
    folder = Path(tempfile.mkdtemp(prefix="disk-"))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=755", "tmpfs", str(folder)]
    try:
        if subprocess.run(mount, check=False, capture_output=True).returncode:
            pytest.skip("a small file system can be mounted by root only")
        try:
            folder.chmod(0o755)
            monkeypatch.setattr(tempfile, "tempdir", str(folder))
            yield folder
        finally:
            monkeypatch.undo()
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
    finally:
        folder.rmdir()


@asynccontextmanager
async def two(burst: Burst) -> AsyncIterator[tuple[City, City]]:
    second = replica(burst.folder.with_name("second"), burst.folder)
    async with (
        started(burst.folder, max_batch=2, **burst.settings) as one,
        started(second, max_batch=2, **burst.settings) as other,
        one.city() as town,
        other.city() as beside,
    ):
        yield town, beside
        for process in (one, other):
            process.end(signal.SIGTERM)
            assert await process.ended() == 0


@pytest.mark.long
async def test_the_databases_disk_is_full_and_then_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recovering: Recovering
) -> None:
    """Nobody is told that something is kept which is not; once there is room all goes on."""
    with disk_of_its_own(monkeypatch) as disk, postgres.running(durable=True) as server:
        async with prepared(tmp_path / "first", Store.on(server), 12) as burst, two(burst) as (town, beside):
            few = Burst(burst.folder, burst.submissions[:3], burst.store)
            await few.insist(town, beside)
            burst.answers |= few.answers
            filler = disk / "filler"
            fill(filler)
            refused = 0
            async with asyncio.timeout(120):
                while not refused:  # what room PostgreSQL had taken before is used up first
                    for number in range(200):
                        try:
                            await town.add_verifier(f"v{number}-{os.urandom(4).hex()}")
                        except grpc.aio.AioRpcError as error:
                            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                                raise
                            refused += 1
                            break
                    fill(filler)
            with recovering("PostgreSQL's disk was full, and all is answered"):
                filler.unlink()
                if not (server.folder / "data" / "postmaster.pid").exists():
                    server.start()  # it gave up: the operator starts it again
                await burst.insist(town, beside, seconds=120)
            await burst.check_at(town)
            await burst.check_at(beside)
        for folder in (burst.folder, tmp_path / "second"):
            assert "Traceback" not in (folder / "server.log").read_text()


def fill(path: Path) -> None:
    """Write until nothing more can be written."""
    with path.open("ab", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                pass


@pytest.mark.long
async def test_the_database_restarts_under_members_and_each_goes_on(
    tmp_path: Path, recovering: Recovering
) -> None:
    with postgres.running() as server:
        async with prepared(tmp_path / "first", Store.on(server), 24) as burst:
            async with supervised(burst.folder, servers=2, max_batch=2, **burst.settings) as service:
                members = service.members()
                async with service.city() as one, service.city() as other:
                    for mode in ("fast", "immediate"):
                        sending = asyncio.create_task(burst.insist(one, other, seconds=120))
                        await asyncio.sleep(0.3)
                        server.stop(mode)
                        await asyncio.sleep(1)
                        with recovering(f"PostgreSQL was started again ({mode}), and all is answered"):
                            server.start()
                            await sending
                        await burst.check_at(one)
                        burst.answers.clear()
                assert service.members() == members, "nobody had to be started again"
                assert "a server process ended" not in service.log()
                service.end(signal.SIGTERM)
                assert await service.ended() == 0
            await burst.check()


@pytest.mark.long
async def test_a_server_that_is_frozen_holds_up_nobody_else(tmp_path: Path, recovering: Recovering) -> None:
    """Wherever it was just then: the other acknowledges all, and the frozen one goes on when woken."""
    with postgres.running() as server:
        async with prepared(tmp_path / "first", Store.on(server), 12) as burst:
            second = replica(tmp_path / "second", burst.folder)
            async with (
                started(burst.folder, max_batch=2, **burst.settings) as one,
                started(second, max_batch=2, **burst.settings) as other,
                one.city() as town,
                other.city() as beside,
            ):
                for frozen, away, awake in ((one, town, beside), (other, beside, town)):
                    pushing = asyncio.create_task(burst.insist(away, awake, seconds=240))
                    await asyncio.sleep(0.1)
                    frozen.end(signal.SIGSTOP)
                    for number in range(3):
                        with recovering(
                            f"a server was frozen, write {number + 1} at the other one is answered"
                        ):
                            async with asyncio.timeout(60):
                                await insisting(awake, f"while-{frozen.handle.pid}-{number}")
                    frozen.end(signal.SIGCONT)
                    await pushing
                    await burst.check_at(away)
                    await burst.check_at(awake)
                    burst.answers.clear()
                for process in (one, other):
                    process.end(signal.SIGTERM)
                    assert await process.ended() == 0
            await burst.check()


async def insisting(town: City, name: str) -> None:
    """Register a verifier; one that waits for the frozen one's place may be told to try again."""
    while True:
        try:
            await town.add_verifier(name)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.ALREADY_EXISTS:
                return
            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                raise
            await asyncio.sleep(0.1)
        else:
            return
