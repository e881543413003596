"""Files that are written whole or not at all, and that survive a crash once they are said to.

What is there keeps its octets until the new ones are durable beside it; then one renaming puts them in its
place. The renaming itself is durable when the folder was synced. Whoever writes many files may sync their
folders together, later: until then a crash leaves each of them as it was or as it is to be.
"""

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

PRIVATE: Final = 0o600
_PUBLIC: Final = 0o666
"""Less what the process's umask takes."""


def write(path: Path, octets: bytes, *, mode: int = _PUBLIC) -> None:
    """Write a file; on return it survives a crash. OSError, after which it may be the old one or the new."""
    place(path, octets, path.with_name(f".{path.name}.{secrets.token_hex(4)}"), mode=mode)
    sync(path.parent)


def place(
    path: Path,
    octets: bytes,
    beside: Path,
    *,
    mode: int = _PUBLIC,
    written: Callable[[], None] = lambda: None,
) -> None:
    """Write a file by way of another one on the same disk, and leave it to the caller to sync the folder.

    What an earlier crash left at `beside` goes. `written` is called between writing and renaming. After an
    OSError the file is what it was, and nothing is left beside it.
    """
    beside.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
        written()
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)  # it may hold a secret
        raise


def sync(folder: Path) -> None:
    """Make durable what was created, renamed and removed in a folder; OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
