"""The prover in TypeScript as the tests of Python run it: with Node, where it was built."""

import asyncio
import json
import os
import shutil
from pathlib import Path
from typing import Any, Final

import pytest

PROVER: Final = Path(__file__).parents[2] / "web" / "prover"
BUILT: Final = PROVER / "dist" / "test"
needs_prover: Final = pytest.mark.skipif(
    not BUILT.exists(), reason="not built: scripts/web-prover.sh does it where Node is there"
)
_SECONDS: Final = 240


async def run(*arguments: str, given: Any = None) -> str:
    """Run Node with JSON on its input; return what it said, after it ended well."""
    node = shutil.which("node")
    assert node is not None
    running = await asyncio.create_subprocess_exec(
        node, *arguments, cwd=PROVER, env=os.environ | {"NODE_ENV": "test"},
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    async with asyncio.timeout(_SECONDS):
        out, _ = await running.communicate(json.dumps(given).encode())
    assert running.returncode == 0, out.decode()
    return out.decode()
