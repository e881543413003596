"""The program that was released before, out of the repository's history, as a tree of its own."""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
COMMIT = "2126e8481e3acd503ca5262ed08cd049fe54b84e"


def tree() -> Path:
    """Return the folder of the former program; skip the test where its commit is not in the clone.

    It is made once, under another name first, since several processes of tests may want it at once.
    """
    folder = ROOT / "build" / f"former-{COMMIT[:12]}"
    if folder.exists():
        return folder
    archive = subprocess.run(["git", "archive", COMMIT], cwd=ROOT, capture_output=True, check=False)
    if archive.returncode != 0:
        pytest.skip(f"the former program ({COMMIT[:7]}) is not in this clone's history")
    folder.parent.mkdir(exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=folder.parent, prefix="former-"))
    subprocess.run(["tar", "-x", "-C", str(made)], input=archive.stdout, check=True)
    try:
        made.rename(folder)
    except OSError:  # another one was there first
        shutil.rmtree(made)
    return folder


async def serve(program: Path, folder: Path, *options: str, **settings: object) -> asyncio.subprocess.Process:
    """Start `zk serve` of a program's tree; its log goes to `server.log` in the folder."""
    given = {f"ZK_{name.upper()}": str(value) for name, value in settings.items()}
    folder.mkdir(exist_ok=True, mode=0o700)
    with (folder / "server.log").open("ab") as log:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "zk.cli", "serve", "--dev", "--data", str(folder), "--port", "0", "--json",
            *options, cwd=program, stdout=asyncio.subprocess.PIPE, stderr=log,
            env=os.environ | {"ZK_PROCESSES": "0", "PYTHONPATH": str(program)} | given,
        )  # fmt: skip
