"""Who does the costly work: a few processes, or threads of this process, each with one batch at a time.

Python runs one thread at a time. What a job takes besides curve arithmetic (decoding, hashing, gRPC's own
part) is about half of it, and threads that pass the interpreter on and on cost as much again; processes do
not, and the event loop stays free for everybody else. Threads serve where memory counts more.

A process that dies, answers what is no answer, or takes too long is replaced. Its jobs are given again, each
alone: if one of them is to blame, it fails by itself, as a fault of ours. It is given so few times that it
takes few processes with it, and more than once, since processes are also lost for reasons that are no job's
(whoever kills several may come by twice). One that took too long alone is not given again, or it would take
as long from everybody else once more. What was lost with the process is nothing but time, since what it keeps
stands in the catalogue and a job changes nothing.
"""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Executor
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, Protocol

import structlog

from zkservice import frames
from zkservice.errors import ServiceError, ServiceReason, StartError
from zkservice.tasks import Fault, Job, Outcome, Supplies
from zkservice.timing import Timings
from zkservice.worker import KINDS, done

_SECONDS: Final = 60.0
"""How long a batch may take: many times what the largest one takes on a busy machine."""
_TIMES_ALONE: Final = 2
"""How often a job is given alone, after its batch has lost its process: with that, it takes one more."""
_LOST: Final = Fault("LostWorker", ())
_ENVIRONMENT: Final = re.compile("PATH|HOME|LANG|TZ|TMPDIR|VIRTUAL_ENV|(LC|LD|DYLD|MALLOC|PYTHON)_?[A-Z_]*")
"""What Python itself may need. Nothing else reaches a worker: an environment may hold a password."""

_LOSSES: Final = (OSError, EOFError, frames.FrameError)
"""What tells that a process is lost; a time that has run out is an OSError."""


class Worker(Protocol):
    """Does one batch at a time. `lost` counts how often its process was."""

    lost: int

    @property
    def alive(self) -> bool:
        """Whether it could begin at once."""
        ...

    async def mend(self) -> None:
        """Start again what was lost while nobody asked. Only for whoever has been lent this worker."""
        ...

    async def work(self, jobs: Sequence[Job], supplies: Supplies) -> list[Outcome]:
        """Return an outcome for each job."""
        ...


class Queue(Protocol):
    """What waits for workers, and how long each job of it has waited."""

    waits: Timings

    @property
    def waiting(self) -> int:
        """How many jobs wait."""
        ...


class Workers:
    """The workers of one kind, lent to one batch after the other. Belongs to the event loop.

    `jobs` counts what callers asked for, with their waiting; `batches` what workers did; `queues` are those
    of all desks before them.
    """

    def __init__(self, workers: Sequence[Worker], kind: str = "worker") -> None:
        self.count, self.kind = len(workers), kind
        self.jobs, self.batches = Timings(f"{kind} job"), Timings(f"{kind} batch")
        self.queues: list[Queue] = []
        self._all = tuple(workers)
        self._free: asyncio.LifoQueue[Worker] = asyncio.LifoQueue()
        for each in workers:
            self._free.put_nowait(each)

    @asynccontextmanager
    async def one(self) -> AsyncIterator[Worker]:
        """Lend a worker; whoever asks first gets the next one that is free."""
        worker = await self._free.get()
        try:
            yield worker
        finally:
            self._free.put_nowait(worker)

    @property
    def busy(self) -> int:
        """How many are lent."""
        return self.count - self._free.qsize()

    @property
    def alive(self) -> int:
        """How many could begin at once, or are at work."""
        return sum(each.alive for each in self._all)

    @property
    def lost(self) -> int:
        """How often one was lost and replaced."""
        return sum(each.lost for each in self._all)

    async def mend(self) -> None:
        """Start again those that have ended while nobody asked, so that the next caller need not wait for it.

        Raises StartError if one cannot be started; it is tried again with the next job.
        """
        free = [self._free.get_nowait() for _ in range(self._free.qsize())]
        ended = [each for each in free if not each.alive]
        for each in free:
            if each.alive:
                self._free.put_nowait(each)
        await asyncio.gather(*map(self._mended, ended))

    async def _mended(self, worker: Worker) -> None:
        try:
            await worker.mend()
        finally:
            self._free.put_nowait(worker)


@asynccontextmanager
async def working(kind: str, processes: int, executor: Executor, threads: int) -> AsyncIterator[Workers]:
    """Start so many processes of a kind, or use so many threads of the executor if there are to be none.

    Each process has answered once before the first job is given. Raises StartError.
    """
    started = [_Process(kind) for _ in range(processes)]
    try:
        begun = await asyncio.gather(*(each.begin() for each in started), return_exceptions=True)
        for error in filter(None, begun):
            raise error
        yield Workers(started or [_Thread(kind, executor) for _ in range(threads)], kind)
    finally:
        await asyncio.gather(*(each.close() for each in started))


class _Thread:
    """A worker in a thread of this process."""

    alive, lost = True, 0

    def __init__(self, kind: str, executor: Executor) -> None:
        make, _ = KINDS[kind]
        self._executor, self._worker = executor, make()

    async def work(self, jobs: Sequence[Job], supplies: Supplies) -> list[Outcome]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, done, self._worker, jobs, supplies)

    async def mend(self) -> None:
        """Do nothing: a thread ends with its process."""


class _Process:
    """A worker in a process of its own, started again when it is lost."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._process: asyncio.subprocess.Process | None = None
        self._closed = False
        self.lost = 0

    @property
    def alive(self) -> bool:
        """Whether it could begin at once."""
        return self._process is not None and not _pipes(self._process)[1].is_closing()

    async def mend(self) -> None:
        """Start it again if it has ended; StartError."""
        if not (self.alive or self._closed):
            await self.begin()

    async def begin(self) -> None:
        """Start it and have it answer once; StartError."""
        try:
            await self._ask((), Supplies())
        except _LOSSES as error:
            kind = type(error).__name__
            raise StartError(f"a {self._kind} process cannot be started ({kind})") from None

    async def work(self, jobs: Sequence[Job], supplies: Supplies) -> list[Outcome]:
        outcomes = await self._tried(jobs, supplies)
        if outcomes is not None:
            return outcomes
        return [await self._alone(job, supplies) for job in jobs]

    async def _alone(self, job: Job, supplies: Supplies) -> Outcome:
        """Give a job by itself, again if its process is lost for whatever reason, but not without end."""
        for _ in range(_TIMES_ALONE):
            outcomes = await self._tried([job], supplies)
            if outcomes is not None:
                return outcomes[0]
        return _LOST

    async def _tried(self, jobs: Sequence[Job], supplies: Supplies) -> list[Outcome] | None:
        """Return the outcomes, None if the process was lost over them and they may be tried again."""
        try:
            return await self._ask(jobs, supplies)
        except _LOSSES as error:
            await self._kill()
            if self._closed:
                return [ServiceError(ServiceReason.SHUTTING_DOWN, "the service is shutting down")] * len(jobs)
            self.lost += 1
            structlog.get_logger().error("worker lost", worker=self._kind, kind=type(error).__name__)
            return [_LOST] if len(jobs) == 1 and isinstance(error, TimeoutError) else None
        except BaseException:  # cancelled halfway: the pipe may hold half an answer
            await self._kill()
            raise

    async def _ask(self, jobs: Sequence[Job], supplies: Supplies) -> list[Outcome]:
        if self._closed:
            raise EOFError
        if self._process is not None and _pipes(self._process)[1].is_closing():
            # It has ended while nobody asked, so no job is to blame, and none has used up its first try.
            self.lost += 1
            structlog.get_logger().error("worker lost", worker=self._kind, kind="Idle")
            await self._kill()
        reading, writing = _pipes(self._process or await self._start())
        if writing.is_closing():  # it has ended while it started; writing would be a RuntimeError to uvloop
            raise EOFError
        async with asyncio.timeout(_SECONDS):
            writing.write(frames.frame(frames.batch_to(jobs, supplies)))
            await writing.drain()
            head = await reading.readexactly(frames.LENGTH_OCTETS)
            octets = await reading.readexactly(frames.frame_octets(head))
        return frames.outcomes_of(octets, len(jobs))

    async def _start(self) -> asyncio.subprocess.Process:
        # -P: what lies in the server's working directory is no module of ours.
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "zkservice.worker", self._kind,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            env={name: value for name, value in os.environ.items() if _ENVIRONMENT.fullmatch(name)},
        )  # fmt: skip
        if self._closed:  # meanwhile
            raise EOFError
        return self._process

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def close(self) -> None:
        """Let it end by itself, since its input has; it keeps nothing. Nothing is started any more."""
        self._closed = True
        if self._process is not None:
            _, writing = _pipes(self._process)
            writing.close()
            with suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._process.wait()
        await self._kill()


def _pipes(process: asyncio.subprocess.Process) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reading: Any = process.stdout
    writing: Any = process.stdin
    return reading, writing
