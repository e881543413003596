"""Writing the files that must survive: whole, durable on return, for their owner's eyes only."""

import errno
import os
import secrets
from pathlib import Path


def write_new(path: Path, octets: bytes) -> None:
    """Write a file that must not exist yet, with mode 0600; FileExistsError, OSError.

    Durable on return. After a crash before that, `path` may hold a part of the octets.
    """
    _write(path, octets)
    _sync_directory(path.parent)


def place(path: Path, octets: bytes) -> None:
    """Write a file with mode 0600 where nothing stands, or these octets already; FileExistsError, OSError.

    Durable on return. After a crash before that, `path` holds nothing or all of the octets, and a temporary
    file beside it may be left.
    """
    temporary = _temporary(path)
    try:
        _write(temporary, octets)
        os.link(temporary, path)  # unlike a renaming it never replaces
    except FileExistsError:
        _check_same(path, octets)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_directory(path.parent)


def check_free(path: Path, octets: bytes) -> None:
    """Raise FileExistsError if a file stands there, unless it has these octets; OSError."""
    if path.exists():
        _check_same(path, octets)


def remove(path: Path) -> None:
    """Remove a file, durable on return; FileNotFoundError, OSError."""
    path.unlink()
    _sync_directory(path.parent)


def replace(path: Path, octets: bytes) -> None:
    """Write a file with mode 0600 in place of what is there; OSError.

    Durable on return. After a crash before that, `path` holds what it held before or all of the octets, and a
    temporary file beside it may be left.
    """
    temporary = _temporary(path)
    try:
        _write(temporary, octets)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_directory(path.parent)


def read(path: Path, limit: int) -> bytes:
    """Read a file of at most `limit` octets; ValueError if it has more, OSError."""
    with path.open("rb") as file:
        octets = file.read(limit + 1)
    if len(octets) > limit:
        raise ValueError(f"the file has more than {limit} octets")
    return octets


def _check_same(path: Path, octets: bytes) -> None:
    if path.read_bytes() != octets:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")


def _write(path: Path, octets: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
