"""The demo's output folder: emptied if it is one of the demo's own, and left alone if it is not."""

import shutil
from pathlib import Path
from typing import Final

from zk.exits import CommandError, Exit

_MARK: Final = ".zk-demo"


def fresh(output: Path) -> None:
    """Make the folder anew; CommandError OUTPUT_IN_USE for one that somebody else uses."""
    if output.exists() and any(output.iterdir()):
        if not (output / _MARK).exists():
            raise CommandError(Exit.USAGE, "OUTPUT_IN_USE", "error.output_in_use", path=output)
        shutil.rmtree(output)
    output.mkdir(parents=True, exist_ok=True, mode=0o700)
    (output / _MARK).touch()
