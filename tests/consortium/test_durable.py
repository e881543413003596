"""Files that are there whole or not at all: what is written when, and what each single fault leaves."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from consortium import durable

OLD: Final = b"what was there"
NEW: Final = b"what is to be there" * 10_000
CALLS: Final = ((os, "open"), (os, "fsync"), (Path, "replace"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "file").write_bytes(OLD)
    return tmp_path / "file"


def only(path: Path) -> bytes:
    """Return what a file holds, beside which nothing else may stand."""
    assert list(path.parent.iterdir()) == [path]
    return path.read_bytes()


def watched(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, act: Callable[..., None]) -> None:
    """Have something done before each call of a function."""
    real = getattr(owner, name)

    def call(*arguments: Any, **more: Any) -> Any:
        act(*arguments)
        return real(*arguments, **more)

    monkeypatch.setattr(owner, name, call)


def test_a_file_is_written_and_written_over(path: Path) -> None:
    durable.write(path, NEW)
    assert only(path) == NEW
    durable.write(path, b"")
    assert only(path) == b""


def test_a_private_file_was_never_open_to_others(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modes = []
    watched(monkeypatch, os, "fsync", lambda file: modes.append(os.fstat(file).st_mode & 0o777))
    path.chmod(0o644)
    before = os.umask(0)
    try:
        durable.write(path, NEW, mode=durable.PRIVATE)
    finally:
        os.umask(before)
    assert modes[0] == path.stat().st_mode & 0o777 == 0o600


def test_octets_are_durable_before_the_name_and_the_name_before_the_return(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = list[tuple[str, bytes]]()

    def synced(file: int) -> None:
        name = Path(os.readlink(f"/proc/self/fd/{file}"))
        seen.append(("folder" if name == path.parent else "file", path.read_bytes()))
        if name != path.parent:
            assert name.read_bytes() == NEW

    watched(monkeypatch, os, "fsync", synced)
    watched(monkeypatch, Path, "replace", lambda *_: seen.append(("renamed", path.read_bytes())))
    durable.write(path, NEW)
    assert seen == [("file", OLD), ("renamed", OLD), ("folder", NEW)]


@pytest.mark.parametrize(("owner", "name"), CALLS)
def test_a_fault_at_any_call_leaves_the_old_or_the_new_and_nothing_else(
    path: Path, owner: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    count, failing = 0, 0

    def fail(*_: Any) -> None:
        nonlocal count
        count += 1
        if count == failing:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    watched(monkeypatch, owner, name, fail)
    durable.write(path, OLD)
    calls = count
    assert calls == (1 if name == "replace" else 2)
    for number in range(1, calls + 1):
        count, failing = 0, number
        with pytest.raises(OSError, match="No space"):
            durable.write(path, NEW)
        # The second of each is the folder's: by then the file has its name.
        assert only(path) == (NEW if number == 2 else OLD)
        failing = 0
        durable.write(path, OLD)


def test_a_file_that_cannot_be_written_whole_is_not_written(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        def __init__(self, file: Any) -> None:
            self._file = file

        def __enter__(self) -> "Full":
            return self

        def __exit__(self, *_: object) -> None:
            self._file.close()

        def write(self, octets: bytes) -> None:
            self._file.write(octets[:100])
            self._file.flush()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    real = os.fdopen
    monkeypatch.setattr(os, "fdopen", lambda *arguments: Full(real(*arguments)))
    with pytest.raises(OSError, match="No space"):
        durable.write(path, NEW)
    assert only(path) == OLD


def test_what_a_crash_left_beside_it_goes(path: Path) -> None:
    beside = path.parent / "beside"
    beside.write_bytes(b"cut o")
    beside.chmod(0o444)
    durable.place(path, NEW, beside, mode=durable.PRIVATE)
    assert only(path) == NEW
    assert path.stat().st_mode & 0o777 == 0o600


def test_between_writing_and_renaming_both_are_whole(path: Path) -> None:
    beside, seen = path.parent / "beside", list[tuple[bytes, bytes]]()
    durable.place(path, NEW, beside, written=lambda: seen.append((path.read_bytes(), beside.read_bytes())))
    assert seen == [(OLD, NEW)]


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        durable.write(tmp_path / "none" / "file", NEW)
    with pytest.raises(NotADirectoryError):
        durable.sync(Path(__file__))
