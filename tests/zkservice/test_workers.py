"""Workers: whatever a process does, everybody is answered, and nothing is left behind."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest
import uvloop

from disclosure import MalformedError, Reason
from tests.recovering import Recovering
from tests.zkservice import lying_worker, processes
from tests.zkservice.lying_worker import ENDS, FRAMES, HANGS, MISSES
from tests.zkservice.support import Clock
from zkservice.desk import Desk
from zkservice.errors import ServiceError, StartError
from zkservice.judging import Judgement
from zkservice.tasks import Done, Fault, Names, Outcome, Supplies
from zkservice.worker import done
from zkservice.workers import Workers, working

LOOPS: Final[dict[str, Callable[[], asyncio.AbstractEventLoop]]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}
NOW: Final = Clock()()


def job(message: bytes) -> Judgement:
    return Judgement(message, NOW)


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest) -> Callable[[Coroutine[Any, Any, None]], None]:
    """Run a test on either event loop: the tests' own, and the one that the server has."""

    def on_loop(test: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=LOOPS[request.param]) as runner:
            runner.run(test)
        assert not processes.workers()

    return on_loop


@asynccontextmanager
async def started(count: int = 1, kind: str = "judge") -> AsyncIterator[Workers]:
    with ThreadPoolExecutor(1) as executor:
        async with working(kind, count, executor, 1) as workers:
            yield workers


@pytest.fixture
def lying(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Have a worker started that lies when a job tells it to."""
    program = tmp_path / "python"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{lying_worker.__file__}" "$@"\n')
    program.chmod(0o700)
    monkeypatch.setattr("zkservice.workers.sys.executable", str(program))


async def all_registered(names: Names) -> Supplies:
    return Supplies(
        dict.fromkeys(names.verifiers, bytes(32)),
        dict.fromkeys(names.schemas, b""),
        dict.fromkeys(names.issuer_keys, None),
    )


async def verdicts(workers: Workers, *messages: bytes) -> list[str | bytes]:
    """Have jobs done in one batch; return the octets or the reason that each gets."""
    desk = Desk[Judgement](workers, all_registered)
    with desk.room(len(messages)):
        told = await desk.many(list(map(job, messages)))
    return [each.octets if isinstance(each, Done) else each.reason for each in told]


@pytest.mark.usefixtures("lying")
@pytest.mark.parametrize("misdeed", [*FRAMES, *ENDS], ids=bytes.decode)
async def test_a_worker_that_writes_what_is_no_answer_is_replaced(misdeed: bytes) -> None:
    async with started() as workers:
        (before,) = processes.workers()
        assert await verdicts(workers, b"one", misdeed, b"two") == [b"one", "INTERNAL", b"two"]
        assert await verdicts(workers, b"three") == [b"three"]
        (after,) = processes.workers()
        assert after != before
        assert not processes.lives(before)
    assert not processes.workers()


@pytest.mark.usefixtures("lying")
@pytest.mark.parametrize("misdeed", HANGS, ids=bytes.decode)
async def test_a_worker_that_hangs_is_replaced(
    misdeed: bytes, monkeypatch: pytest.MonkeyPatch, recovering: Recovering
) -> None:
    async with started() as workers:
        monkeypatch.setattr("zkservice.workers._SECONDS", 4.0)
        with recovering("a worker hung, for which four seconds are waited, and its batch is answered"):
            told = await verdicts(workers, b"one", misdeed, b"two")
        assert told == [b"one", "INTERNAL", b"two"]
        assert len(processes.workers()) == 1


@pytest.mark.usefixtures("lying")
@pytest.mark.parametrize("misdeed", MISSES, ids=bytes.decode)
async def test_a_worker_that_asks_for_names_without_end_is_stopped(misdeed: bytes) -> None:
    asked = 0

    async def counting(names: Names) -> Supplies:
        nonlocal asked
        asked = max(asked, len(names))
        return await all_registered(names)

    async with started() as workers:
        desk = Desk[Judgement](workers, counting)
        told = await asyncio.gather(
            *(desk.one(job(each)) for each in (b"one", misdeed, b"asks once")), return_exceptions=True
        )
    one, bad, two = told
    assert one == Done(b"one")
    assert two == Done(b"asks once")
    assert isinstance(bad, ServiceError)
    assert bad.reason == "INTERNAL"
    assert asked <= 65


@pytest.mark.usefixtures("lying")
@pytest.mark.parametrize("error", [RuntimeError("secret"), MalformedError(Reason.MALFORMED, "a row")])
async def test_what_cannot_be_looked_up_concerns_only_those_who_wait_for_it(error: Exception) -> None:
    async def failing(_: Names) -> Supplies:
        raise error

    async with started() as workers:
        desk = Desk[Judgement](workers, failing)
        with desk.room(3):
            one, waits, two = await desk.many([job(b"one"), job(b"asks once"), job(b"two")])
    assert (one, two) == (Done(b"one"), Done(b"two"))
    assert isinstance(waits, ServiceError)
    assert waits.reason == "INTERNAL"
    assert "secret" not in str(waits)


async def killed_over_and_over(times: int) -> tuple[list[str | bytes], int]:
    """Kill the process over a slow job so many times, each once it has it; return what came of it."""
    async with started() as workers:
        call = asyncio.ensure_future(verdicts(workers, b"slow"))
        for number in range(times):
            async with asyncio.timeout(60):
                while workers.lost < number or not (alive := processes.workers()):
                    await asyncio.sleep(0.01)
            (pid,) = alive
            await asyncio.sleep(0.5)  # what is lost before it has the job is not lost over it
            os.kill(pid, signal.SIGKILL)
            async with asyncio.timeout(60):
                while workers.lost == number:
                    await asyncio.sleep(0.01)
        told = await call
        assert await verdicts(workers, b"next") == [b"next"]
        return told, workers.lost


@pytest.mark.usefixtures("lying")
async def test_a_job_survives_two_lost_processes_and_takes_no_more_than_three_with_it() -> None:
    assert await killed_over_and_over(2) == ([b"slow"], 2)
    assert await killed_over_and_over(3) == (["INTERNAL"], 3)


async def killed_while_idle(recovering: Recovering) -> None:
    async with started(2) as workers:
        before = processes.workers()
        assert len(before) == 2
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        await processes.ended(*before)
        await asyncio.sleep(0.1)
        with recovering("both workers were killed while idle, and four calls are answered"):
            told = [await verdicts(workers, b"") for _ in range(4)]
        assert told == [["FIELD_MISSING"]] * 4
        again = await asyncio.gather(*(verdicts(workers, b"", b"\xff") for _ in range(20)))
        assert again == [["FIELD_MISSING", "MESSAGE_MALFORMED"]] * 20
        assert len(processes.workers()) == 2
        assert not processes.workers() & before


def test_a_worker_that_was_killed_while_idle_is_replaced(
    run: Callable[..., None], recovering: Recovering
) -> None:
    run(killed_while_idle(recovering))


async def left_halfway() -> None:
    async with started() as workers:
        async with workers.one() as worker:
            work = asyncio.ensure_future(worker.work([job(b"slow")], Supplies()))
            await asyncio.sleep(0.2)
            work.cancel()
            with pytest.raises(asyncio.CancelledError):
                await work
        # Else this one would be given the answer to that one.
        assert await verdicts(workers, b"mine") == [b"mine"]


@pytest.mark.usefixtures("lying")
def test_work_that_was_left_halfway_is_nobody_elses_answer(run: Callable[..., None]) -> None:
    run(left_halfway())


async def ended_while_working(message: bytes, most: float) -> None:
    async with started() as workers:
        loop = asyncio.get_running_loop()
        call = asyncio.ensure_future(verdicts(workers, b"one", message))
        waiting = asyncio.ensure_future(verdicts(workers, b"later"))
        await asyncio.sleep(0.2)
        before = loop.time()
    assert loop.time() - before < most
    assert not processes.workers()
    async with asyncio.timeout(5):
        assert await call == ["SHUTTING_DOWN"] * 2
        assert await waiting == ["SHUTTING_DOWN"]
    assert not processes.workers(), "a process was started after the end"


@pytest.mark.usefixtures("lying")
@pytest.mark.parametrize("message", [b"slow", b"hangs"], ids=bytes.decode)
def test_an_end_in_the_middle_of_a_batch_leaves_no_process(run: Callable[..., None], message: bytes) -> None:
    run(ended_while_working(message, 4.0))


@pytest.mark.parametrize("program", ["/bin/false", "/nowhere/python"])
async def test_a_process_that_cannot_be_started_is_told_at_the_start(
    monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    monkeypatch.setattr("zkservice.workers.sys.executable", program)
    before = processes.children()
    with pytest.raises(StartError, match="a judge process cannot be started"):
        async with started(3):
            pass
    assert processes.children() <= before


async def test_a_start_that_is_given_up_leaves_no_process() -> None:
    before = processes.children()

    async def never() -> None:
        async with started(3):
            raise AssertionError

    starting = asyncio.ensure_future(never())
    await asyncio.sleep(0.05)
    assert len(processes.workers()) == 3
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert processes.children() <= before


async def test_only_the_servers_end_ends_a_worker() -> None:
    """Ctrl-C and service managers signal whole groups, while the server answers what is in flight."""
    async with started() as workers:
        (pid,) = processes.workers()
        for number in (signal.SIGINT, signal.SIGTERM):
            os.kill(pid, number)
        await asyncio.sleep(0.2)
        assert await verdicts(workers, b"") == ["FIELD_MISSING"]
        assert processes.workers() == {pid}


async def test_a_worker_gives_way_to_the_server() -> None:
    """Whose loop answers everybody, while a batch of proofs is verified."""
    async with started() as workers:
        assert await verdicts(workers, b"") == ["FIELD_MISSING"]
        (pid,) = processes.workers()
        assert os.getpriority(os.PRIO_PROCESS, pid) > os.getpriority(os.PRIO_PROCESS, 0)


async def test_what_lies_in_the_working_directory_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("cbor2", "zkservice", "bbs", "google"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'run')!r}, 'w')\nraise SystemExit(1)\n")
    monkeypatch.chdir(tmp_path)
    async with started(kind="signer"):
        assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("lying")
async def test_a_lost_worker_is_logged_and_says_nothing_of_its_jobs(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[dict[str, object]] = []

    class Log:
        def error(self, event: str, **told: object) -> None:
            lines.append({"event": event} | told)

    monkeypatch.setattr("structlog.get_logger", Log)
    async with started() as workers:
        assert await verdicts(workers, b"places that are none", b"\xe7\x8e\x8b") == [
            "INTERNAL",
            b"\xe7\x8e\x8b",
        ]
    lost = {"event": "worker lost", "worker": "judge", "kind": "FrameError"}
    assert lines == [lost, lost, lost, {"event": "fault", "kind": "LostWorker", "at": []}]
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize(
    "octets", [b"\0\0\0\x05hello", b"\xff" * 8, b"\0\0\0\x01\x80"], ids=["no CBOR", "too long", "no batch"]
)
async def test_a_worker_that_cannot_go_on_tells_where_and_not_what(octets: bytes) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "zkservice.worker", "signer",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, told = await process.communicate(octets)
    assert out == b""
    assert process.returncode == 1
    assert told.count(b"\n") == 1
    line = json.loads(told)
    assert (line["event"], line["level"], line["worker"]) == ("worker ended", "error", "signer")
    assert line["at"]
    assert b"hello" not in told


@pytest.mark.parametrize(
    "octets", [b"", b"\0\0", b"\0\0\0\x05hell"], ids=["at once", "in a head", "in a frame"]
)
async def test_a_server_that_ends_halfway_ends_its_worker_in_silence(octets: bytes) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "zkservice.worker", "judge",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert await process.communicate(octets) == (b"", b"")
    assert process.returncode == 0


class Skill:
    """Doubles what it is given, unless there is something among it that it cannot double."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    def work(self, jobs: Any, supplies: Supplies) -> list[Outcome]:
        self.batches.append(list(jobs))
        return [Done(2 * each) for each in jobs]


def test_jobs_that_fail_together_are_done_alone_and_one_is_to_blame() -> None:
    skill = Skill()
    one, bad, two = done(skill, [b"a", None, b"b"], Supplies())
    assert (one, two) == (Done(b"aa"), Done(b"bb"))
    assert isinstance(bad, Fault)
    assert bad.kind == "TypeError"
    assert any("test_workers" in each for each in bad.places)
    assert skill.batches == [[b"a", None, b"b"], [b"a"], [None], [b"b"]]


async def test_threads_do_the_same() -> None:
    async with started(0) as workers:
        assert workers.count == 1
        assert await verdicts(workers, b"", b"\xff") == ["FIELD_MISSING", "MESSAGE_MALFORMED"]
    assert not processes.workers()


def test_a_worker_loads_no_database_and_no_network() -> None:
    """What is not there takes no memory in each process, and is no way out for what a stranger wrote."""
    program = "import sys, zkservice.worker; print(*{'grpc', 'sqlalchemy', 'asyncio'} & set(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert loaded.stdout.split() == []
