"""A rotation or a re-sealing in a process of its own, which ends itself by SIGKILL at a step.

    python -m tests.zkservice.keyring.rotation_process WORK FOLDER STEP N

Its settings come from the environment. It prints what it was told of progress, a line each.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.zkservice.server_process import ROOT
from zkservice.config import Settings
from zkservice.keyring import resealing, rotating
from zkservice.keyring.rotating import working


def run(
    work: str, folder: Path, step: str = "", times: int = 1, **settings: Any
) -> "subprocess.CompletedProcess[str]":
    """Run the process to its end; assert that it was killed at the step, if one is given."""
    command = [sys.executable, "-m", "tests.zkservice.keyring.rotation_process", work, str(folder), step]
    given = {f"ZK_{name.upper()}": str(value) for name, value in settings.items()}
    done = subprocess.run(
        [*command, str(times)], cwd=ROOT, env=os.environ | given, capture_output=True, text=True,
        check=False, timeout=200,
    )  # fmt: skip
    assert done.returncode == (-signal.SIGKILL if step else 0), done.stderr
    return done


def _ending(step: str, times: int) -> Callable[[Any], None]:
    left = times

    def after(reached: str) -> None:
        nonlocal left
        left -= reached == step
        if left == 0 and step:
            sys.stdout.flush()
            os.kill(os.getpid(), signal.SIGKILL)

    return after


def main(work: str, folder: Path, step: str, times: int) -> None:
    after = _ending(step, times)
    with working(Settings(data=folder)) as opened:
        if work == "rotate":
            rotating.rotate(opened, seconds=60, after=after)
        else:
            resealing.reseal(opened, settle=0, piece=3, progress=print, after=after)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
