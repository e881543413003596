"""A folder that comes to be whole or not at all.

It is filled under another name beside the one that it gets, every file in it is made durable, and then it is
renamed. What a crash leaves under the other name is removed by the next attempt; one at a time fills it. What
somebody else has put there is left alone: behind a link, or in a folder that others can write to, they would
have us delete files, or read the database.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from zkservice.upkeep.faults import UpkeepError, UpkeepReason


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """Give the folder that becomes `target` when the block ends, and is removed if it raises.

    `target` may be an empty folder. Raises UpkeepError TARGET_NOT_EMPTY, TARGET_BUSY, TARGET_UNSAFE; OSError.
    """
    target = target.absolute()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UpkeepError(UpkeepReason.TARGET_NOT_EMPTY, f"{target} is there and not an empty folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    filling = target.with_name(f".{target.name}.writing")
    with suppress(FileExistsError):
        filling.mkdir(mode=0o700)
    descriptor = _own(filling)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UpkeepError(UpkeepReason.TARGET_BUSY, f"another process writes {target}") from None
        _check_still(filling, descriptor)
        try:
            _clear(filling)
            yield filling
            _settle(filling)
            _check_still(filling, descriptor)
            filling.rename(target)
        except BaseException:
            with suppress(UpkeepError):
                _check_still(filling, descriptor)
                shutil.rmtree(filling, ignore_errors=True)
            raise
        _sync(target.parent)
    finally:
        os.close(descriptor)


def _own(folder: Path) -> int:
    """Open a folder that is ours alone, and no link to one; UpkeepError TARGET_UNSAFE."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        raise _unsafe(folder) from None
    found = os.fstat(descriptor)
    if found.st_uid != os.geteuid() or found.st_mode & 0o077:
        os.close(descriptor)
        raise _unsafe(folder)
    return descriptor


def _check_still(folder: Path, descriptor: int) -> None:
    """See that the name leads to what was opened; UpkeepError TARGET_UNSAFE."""
    try:
        named, found = folder.lstat(), os.fstat(descriptor)
    except OSError:
        raise _unsafe(folder) from None
    if (named.st_dev, named.st_ino) != (found.st_dev, found.st_ino):
        raise _unsafe(folder)


def _unsafe(folder: Path) -> UpkeepError:
    detail = f"{folder} is a link, or not a folder that only you can use: remove it"
    return UpkeepError(UpkeepReason.TARGET_UNSAFE, detail)


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
