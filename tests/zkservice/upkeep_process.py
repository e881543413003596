"""A backup, a restore or a forwarding in a process of its own, which ends itself by SIGKILL at a step.

    python -m tests.zkservice.upkeep_process WORK FOLDER OTHER STEP N

It has left the file `reached` beside the folder when it ended itself.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from consortium.source import FolderSource
from tests.zkservice.damaging import log_keys, now, opened, settings_of
from zkservice.hosting import only_process
from zkservice.upkeep import backup, forward, fsck, restoring

ROOT = Path(__file__).parents[2]


def run(
    work: str, folder: Path, other: Path, step: str = "", times: int = 1
) -> "subprocess.CompletedProcess[str]":
    """Run the process to its end; assert that it reached the step and was killed there, if one is given."""
    reached = folder.with_name("reached")
    reached.unlink(missing_ok=True)
    command = [sys.executable, "-m", "tests.zkservice.upkeep_process", work, str(folder), str(other)]
    done = subprocess.run(
        [*command, step, str(times)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    if step:
        assert (done.returncode, reached.read_text()) == (-signal.SIGKILL, step), done
    else:
        assert done.returncode == 0, done.stderr
    return done


def _ending(folder: Path, step: str, times: int) -> Callable[[Any], None]:
    left = times

    def after(reached: str) -> None:
        nonlocal left
        left -= reached == step
        if left == 0 and step:
            folder.with_name("reached").write_text(step)
            os.kill(os.getpid(), signal.SIGKILL)

    return after


async def _forward(data: Path, mirror: Path, after: Callable[[Any], None]) -> None:
    forward._TOGETHER = 100  # type: ignore[misc] # several transactions of a small log
    with only_process(data):
        database = opened(data)
        try:
            keys = await log_keys(data, database)
            await forward.forward(database, keys, FolderSource(mirror), at_ms=1, after=after)
        finally:
            await asyncio.to_thread(database.close)


def main(work: str, folder: Path, other: Path, step: str, times: int) -> None:
    after = _ending(folder, step, times)
    match work:
        case "backup":
            key = fsck.read_keys(folder / "log.vkey")
            backup.back_up(settings_of(folder).database_url, key, other, now=now(), after=after)
        case "restore":
            restoring.restore(other, folder, after=after)
        case "forward":
            asyncio.run(_forward(folder, other, after))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4], int(sys.argv[5]))
