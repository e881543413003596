"""A server whose workers are processes: the same answers as with threads, whatever happens to a process."""

import asyncio
import os
import signal
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import grpc
import pytest
import uvloop

from tests.recovering import Recovering
from tests.zkservice import processes
from tests.zkservice.batching import Crowd, Member, crowd, refused, told
from tests.zkservice.refusing import raw
from tests.zkservice.server_process import started
from tests.zkservice.stored import dump
from tests.zkservice.support import VALUES, City, aio_error, city, reopened
from zkservice import frames, workers
from zkservice.errors import StartError
from zkservice.keys import Keys, secret_label
from zkservice.tasks import Supplies

VERIFY: Final = "PresentationService/VerifyPresentation"


async def outcome(call: Any) -> Any:
    """Return the octets of an answer, or what the call is refused with."""
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        return refused(aio_error(error))


async def outcomes(town: City, members: Sequence[Member]) -> tuple[list[Any], list[Any]]:
    """Return what members get one by one, and what they get in one batch."""
    alone = [await outcome(raw(town, VERIFY)(each.SerializeToString())) for each in members]
    verdicts = await Crowd(town, []).batch(*members)
    return alone, [
        each.verified.SerializeToString() if each.HasField("verified") else told(each) for each in verdicts
    ]


async def test_the_same_octets_and_refusals_as_with_threads(tmp_path: Path) -> None:
    async with crowd(tmp_path, processes=0) as people:
        members = [people.good(number) for number in range(8)] + [each for _, each in people.bad()]
        members += people.cancelling(1)
        threads = await outcomes(people.city, members)
    assert sum(isinstance(each, bytes) for each in threads[0]) == 8
    async with reopened(tmp_path, processes=2) as town:
        assert await outcomes(town, members) == threads
        assert await outcomes(town, members) == threads, "with what is kept by now"
    assert not processes.workers()


async def flood(town: City, members: Sequence[Member], times: int) -> list[Any]:
    """Send members again and again, never more at a time than a connection has streams."""
    streams = asyncio.Semaphore(40)

    async def one(at: int) -> Any:
        async with streams:
            return await outcome(raw(town, VERIFY)(members[at % len(members)].SerializeToString()))

    return await asyncio.gather(*map(one, range(times)))


async def test_killed_judges_lose_no_call_and_leave_no_process(
    tmp_path: Path, recovering: Recovering
) -> None:
    async with crowd(tmp_path, processes=2) as people:
        members = [people.good(number) for number in range(4)]
        expected = [await outcome(raw(people.city, VERIFY)(each.SerializeToString())) for each in members]
        before = processes.workers("judge")
        flooding = asyncio.ensure_future(flood(people.city, members, 200))
        batch = asyncio.ensure_future(people.batch(*members * 8))
        await asyncio.sleep(0.1)
        with recovering("both judges were killed under 200 calls, and all are answered"):
            for pid in before:
                os.kill(pid, signal.SIGKILL)
            answers = await flooding
        assert answers == [expected[at % 4] for at in range(200)]
        assert [told(each)[0] for each in await batch] == ["OK"] * 32
        after = processes.workers("judge")
        assert len(after) == 2
        assert not after & before
        everybody = processes.workers()
    assert not processes.children() & (everybody | before), "something was left behind"


async def test_a_killed_signer_loses_no_call_and_leaves_no_process(
    tmp_path: Path, recovering: Recovering
) -> None:
    async with city(tmp_path, processes=1) as town:
        (before,) = processes.workers("signer")
        issuing = [asyncio.ensure_future(town.issue()) for _ in range(40)]
        await asyncio.sleep(0.02)
        with recovering("the signer was killed under 40 calls, and all are answered"):
            os.kill(before, signal.SIGKILL)
            offers = await asyncio.gather(*issuing)
        issued = await town.claim(offers[-1])
        assert issued.credential.values == VALUES
        await town.answered(issued)
        (after,) = processes.workers("signer")
        assert after != before
        assert len(dump(tmp_path)["offer"]) == 40, "signed twice is kept once"
    assert not processes.children() & {before, after}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_workers_end_with_their_server(tmp_path: Path, number: signal.Signals) -> None:
    async with started(tmp_path, processes=2) as process, process.city() as town:
        await town.furnish()
        issued = await town.claim(await town.issue())
        await town.answered(issued)
        pids = processes.workers(parent=process.handle.pid)
        assert len(pids) == 4
        calls = [asyncio.ensure_future(town.answered(issued)) for _ in range(20)]
        await asyncio.sleep(0.1)
        process.end(number)
        assert await process.ended() == (0 if number == signal.SIGTERM else -number)
        await processes.ended(*pids)
        for each in calls:
            each.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
    assert "Traceback" not in (tmp_path / "server.log").read_text()


async def test_a_signal_to_all_processes_ends_the_server_cleanly(tmp_path: Path) -> None:
    """As Ctrl-C and service managers do; calls in flight are still answered."""
    async with started(tmp_path, processes=2) as process, process.city() as town:
        await town.furnish()
        issued = await town.claim(await town.issue())
        pids = processes.workers(parent=process.handle.pid)
        calls = [asyncio.ensure_future(town.issue()) for _ in range(20)]
        await asyncio.sleep(0.05)
        for pid in (*pids, process.handle.pid):
            os.kill(pid, signal.SIGTERM)
        told = await asyncio.gather(*calls, return_exceptions=True)
        assert await process.ended() == 0
        await processes.ended(*pids)
    assert issued
    codes = {each.code().name for each in told if isinstance(each, grpc.aio.AioRpcError)}
    assert codes <= {"UNAVAILABLE", "CANCELLED"}, "what gRPC had not handed on yet"
    assert any(not isinstance(each, BaseException) for each in told)
    assert "worker lost" not in (tmp_path / "server.log").read_text()


async def test_killed_workers_of_a_server_process_lose_no_call(
    tmp_path: Path, recovering: Recovering
) -> None:
    """Over the event loop that servers have."""
    async with started(tmp_path, processes=2) as process, process.city() as town:
        await town.furnish()
        issued = await town.claim(await town.issue())
        for _ in range(2):
            calls = [asyncio.ensure_future(town.answered(issued)) for _ in range(20)]
            issuing = [asyncio.ensure_future(town.issue()) for _ in range(20)]
            await asyncio.sleep(0.15)
            with recovering("all workers were killed under 40 calls, and all are answered"):
                for pid in processes.workers(parent=process.handle.pid):
                    os.kill(pid, signal.SIGKILL)
                await asyncio.gather(*calls, *issuing)
        await asyncio.sleep(0.1)
        for pid in processes.workers(parent=process.handle.pid):
            os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(0.1)  # while nobody asks
        with recovering("all workers were killed while nobody asked, and two calls are answered"):
            await town.answered(issued)
            await town.issue()
    log = (tmp_path / "server.log").read_text()
    assert "worker lost" in log
    assert "Traceback" not in log


def test_a_worker_killed_while_it_starts_is_a_lost_one_and_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over the event loop that servers have, where a pipe is closed for good once its process ends."""
    spawn = asyncio.create_subprocess_exec
    doomed = 2

    async def spawned(*arguments: Any, **settings: Any) -> asyncio.subprocess.Process:
        nonlocal doomed
        process = await spawn(*arguments, **settings)
        if doomed:
            doomed -= 1
            process.kill()
            await process.wait()
        return process

    async def worked() -> None:
        worker = workers._Process("judge")
        with pytest.raises(StartError):
            await worker.begin()
        assert await worker.work((), Supplies()) == [], "the second try is lost too, the third is not"
        await worker.close()

    monkeypatch.setattr(asyncio, "create_subprocess_exec", spawned)
    uvloop.run(worked())
    assert not doomed


async def test_no_setting_and_no_secret_reaches_a_worker_but_by_its_jobs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZK_SOMETHING", "hunter1")
    monkeypatch.setenv("PGPASSWORD", "hunter2")
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:hunter3@h/x")
    async with city(tmp_path, processes=2) as town:
        await town.answered(await town.claim(await town.issue()))
        master = (tmp_path / "keys" / "master.key").read_bytes()
        for pid in processes.workers():
            environment = Path(f"/proc/{pid}/environ").read_bytes()
            assert b"PATH=" in environment
            for secret in (b"ZK_", b"hunter", town.admin.encode(), town.department_token.encode(), master):
                assert secret not in environment
            _, *arguments = processes.command(pid)
            assert arguments[:-1] == ["-P", "-m", "zkservice.worker"]
            assert arguments[-1] in {"judge", "signer"}
            files = {os.readlink(each) for each in Path(f"/proc/{pid}/fd").iterdir()}
            assert not any(str(tmp_path) in each or "socket:" in each for each in files - _own(pid)), files


def _own(pid: int) -> set[str]:
    """Return what a worker's standard input, output and error are."""
    return {os.readlink(f"/proc/{pid}/fd/{number}") for number in range(3)}


async def test_only_the_signer_is_told_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: dict[str, list[bytes]] = {"judge": [], "signer": []}
    ask = workers._Process._ask

    async def noting(self: Any, jobs: Any, supplies: Supplies) -> Any:
        sent[self._kind].append(frames.batch_to(jobs, supplies))
        return await ask(self, jobs, supplies)

    monkeypatch.setattr(workers._Process, "_ask", noting)
    async with city(tmp_path, processes=2) as town:
        await town.answered(await town.claim(await town.issue()))
        keys = Keys.load(tmp_path / "keys", make=False)
    (secret,) = _opened(tmp_path, keys)
    assert any(secret in each for each in sent["signer"])
    assert sent["judge"]
    assert not any(secret in each for each in sent["judge"])
    master = (tmp_path / "keys" / "master.key").read_bytes()
    assert not any(master in each for each in sent["judge"] + sent["signer"])


def _opened(folder: Path, keys: Keys) -> list[bytes]:
    """Return the secret halves of all issuer keys."""
    with closing(sqlite3.connect(folder / "service.sqlite3")) as connection:
        rows = connection.execute("select name, sealed_secret from issuer_key").fetchall()
    return [keys.open(secret_label(name), sealed) for name, sealed in rows]


async def test_a_server_whose_workers_cannot_start_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zkservice.workers.sys.executable", "/bin/false")
    with pytest.raises(StartError, match="cannot be started"):
        async with city(tmp_path, processes=2):
            pass
    assert not processes.workers()
