"""A folder that comes to be whole or not at all.

It is filled under another name beside the one that it gets, every file in it is made durable, and then it is
renamed. What a crash leaves under the other name is removed by the next attempt; one at a time fills it.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zkservice.upkeep.faults import UpkeepError, UpkeepReason


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """Give the folder that becomes `target` when the block ends, and is removed if it raises.

    `target` may be an empty folder. Raises UpkeepError TARGET_NOT_EMPTY, TARGET_BUSY; OSError.
    """
    target = target.absolute()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UpkeepError(UpkeepReason.TARGET_NOT_EMPTY, f"{target} is there and not an empty folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    filling = target.with_name(f".{target.name}.writing")
    filling.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(filling, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UpkeepError(UpkeepReason.TARGET_BUSY, f"another process writes {target}") from None
        try:
            _clear(filling)
            yield filling
            _settle(filling)
            filling.rename(target)
        except BaseException:
            shutil.rmtree(filling, ignore_errors=True)
            raise
        _sync(target.parent)
    finally:
        os.close(descriptor)


def _clear(folder: Path) -> None:
    for each in folder.iterdir():
        if each.is_dir() and not each.is_symlink():
            shutil.rmtree(each)
        else:
            each.unlink()


def _settle(folder: Path) -> None:
    for each in folder.iterdir():
        _sync(each)
    _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
