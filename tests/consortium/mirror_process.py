"""A mirror as a process of its own, which ends itself by SIGKILL after the step that a test names."""

import asyncio
import multiprocessing
import os
import signal
from multiprocessing.connection import Connection
from pathlib import Path

from consortium.fetching import Fetcher
from consortium.folder import Step, opened_folder
from consortium.mirror import Mirror
from consortium.source import HttpSource
from tlog import Policy

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload([__name__])


def run_until(folder: Path, url: str, policy: bytes, last: int, told: Connection) -> None:
    """Update the mirror once; the step number `last`, from 0, is told and is the process's last."""
    count = 0

    def after(step: Step, path: str) -> None:
        nonlocal count
        if count == last:
            told.send((step.value, path))
            os.kill(os.getpid(), signal.SIGKILL)
        count += 1

    async def update() -> None:
        with opened_folder(folder, after) as opened:
            async with Fetcher(connect=5, whole=30) as fetcher:
                mirror = await Mirror.opened(opened, Policy.parse(policy))
                await mirror.update(HttpSource(url, fetcher))

    asyncio.run(update())


def killed_at(folder: Path, url: str, policy: bytes, last: int) -> tuple[str, str] | None:
    """Run such a process; return the step at which it was killed, None if it had ended before."""
    here, there = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=run_until, args=(folder, url, policy, last, there))
    process.start()
    there.close()
    process.join(60)
    if process.exitcode == 0:
        return None
    assert process.exitcode == -signal.SIGKILL
    step: tuple[str, str] = here.recv()
    return step
