"""What the vault's page shows with, compiled for Node."""

import asyncio
from pathlib import Path
from typing import Any, Final

import pytest

from tests.web.node import run

PAGES: Final = Path(__file__).parents[2] / "web" / "pages"
_COMPILER: Final = PAGES.parent / "node_modules" / ".bin" / "tsc"
_PROGRAMS: Final = PAGES / "test" / "showing"
needs_pages: Final = pytest.mark.skipif(
    not _COMPILER.exists(), reason="not installed: scripts/web.sh does it where Node is there"
)


async def run_showing(folder: Path, program: str, given: Any) -> str:
    """Run one of the programs in web/pages/test/showing, over code that is compiled into a folder once.

    The folder is within web/pages, so that Node finds the packages.
    """
    if not folder.exists():
        compiling = await asyncio.create_subprocess_exec(
            _COMPILER, "--project", _PROGRAMS / "tsconfig.json", "--outDir", folder
        )
        assert await compiling.wait() == 0
        (folder / "package.json").write_text('{"type": "module"}')
    return await run(str(_PROGRAMS / program), str(folder), given=given)
