"""Who does the costly work: a few processes, or threads of this process, each with one batch at a time.

Python runs one thread at a time. What a job takes besides curve arithmetic (decoding, hashing, gRPC's own
part) is about half of it, and threads that pass the interpreter on and on cost as much again; processes do
not, and the event loop stays free for everybody else. Threads serve where memory counts more.

A process that dies or takes too long is replaced. Its jobs are given again, each alone: if one of them is to
blame, it fails by itself, as a fault of ours.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Executor
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, Protocol

import structlog

from zkservice import frames
from zkservice.tasks import Fault, Job, Outcome, Supplies
from zkservice.worker import KINDS

_SECONDS: Final = 60.0
"""How long a batch may take: many times what the largest one takes on a busy machine."""
_LOST: Final = Fault("LostWorker", ())


class Worker(Protocol):
    """Does one batch at a time."""

    async def work(self, jobs: Sequence[Job], supplies: Supplies) -> list[Outcome]:
        """Return an outcome for each job."""
        ...

    async def close(self) -> None:
        """End it."""
        ...


class Workers:
    """The workers of one kind, lent to one batch after the other. Belongs to the event loop."""

    def __init__(self, workers: Sequence[Worker]) -> None:
        self.count = len(workers)
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


@asynccontextmanager
async def working(kind: str, processes: int, executor: Executor, threads: int) -> AsyncIterator[Workers]:
    """Start so many processes of a kind, or use so many threads of the executor if there are to be none."""
    started = [_Process(kind) for _ in range(processes)]
    try:
        await asyncio.gather(*(each.start() for each in started))
        yield Workers(started or [_Thread(kind, executor) for _ in range(threads)])
    finally:
        await asyncio.gather(*(each.close() for each in started))


class _Thread:
    """A worker in a thread of this process."""

    def __init__(self, kind: str, executor: Executor) -> None:
        make, _ = KINDS[kind]
        self._executor, self._worker = executor, make()

    async def work(self, jobs: Sequence[Job], supplies: Supplies) -> list[Outcome]:
        loop = asyncio.get_running_loop()
        outcomes: list[Outcome] = await loop.run_in_executor(
            self._executor, self._worker.work, jobs, supplies
        )
        return outcomes

    async def close(self) -> None:
        """Nothing is held."""


class _Process:
    """A worker in a process of its own, started again when it is lost."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> asyncio.subprocess.Process:
        """Return the running process."""
        if self._process is None:
            # No setting of the server reaches it: an environment may hold a password.
            environment = {name: value for name, value in os.environ.items() if not name.startswith("ZK_")}
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "zkservice.worker", self._kind,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=environment,
            )  # fmt: skip
        return self._process

    async def work(self, jobs: Sequence[Job], supplies: Supplies) -> list[Outcome]:
        try:
            return await self._ask(jobs, supplies)
        except (OSError, EOFError, TimeoutError, frames.FrameError) as error:
            structlog.get_logger().error("worker lost", worker=self._kind, kind=type(error).__name__)
            await self._kill()
        except BaseException:  # cancelled halfway: the pipe may hold half an answer
            await self._kill()
            raise
        if len(jobs) == 1:
            return [_LOST]
        return [outcome for job in jobs for outcome in await self.work([job], supplies)]

    async def _ask(self, jobs: Sequence[Job], supplies: Supplies) -> list[Outcome]:
        process = await self.start()
        reading, writing = _pipes(process)
        async with asyncio.timeout(_SECONDS):
            writing.write(frames.frame(frames.batch_to(jobs, supplies)))
            await writing.drain()
            head = await reading.readexactly(frames.LENGTH_OCTETS)
            octets = await reading.readexactly(frames.frame_octets(head))
        return frames.outcomes_of(octets, len(jobs))

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def close(self) -> None:
        """Let it end by itself, since its input has; it keeps nothing."""
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
