"""The folder of a mirror: a log's static files, in an order that no crash can harm.

    checkpoint                          the newest signed note that everything below was checked against
    tile/..., tile/entries/..., notes/  what it commits to, at the paths at which it is served
    refused/<hash>/held, refused        two notes of the log that do not go together

The checkpoint is the last thing that is written, by renaming, when all that it commits to is durable. So
the folder holds a whole log at any moment, that of the checkpoint that stands in it; what lies beyond that
size is what somebody said and nobody has vouched for yet. One process writes at a time.
"""

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Final

from consortium import durable
from consortium.errors import FolderError, Reason
from consortium.source import CHECKPOINT_PATH, notes_path
from tlog.tiles import TILE_WIDTH, entries_path, tile_path

_LOCK: Final = ".lock"
_WRITING: Final = ".writing"
_REFUSED: Final = "refused"
_SUSPECTED: Final = "suspected"
_MOST_REFUSED: Final = 64
"""A log that signs a new contradiction every second must not fill the disk: the first ones convict it."""
_LEVELS: Final = 8

PathOf = Callable[[int, int], str]
"""Gives the path of the tile or bundle of an index and a width."""


class Step(StrEnum):
    """The points after each thing that is done to a file; a test may end the process there."""

    WRITTEN = "written"
    PLACED = "placed"
    SETTLED = "settled"
    PUBLISHED = "published"
    REMOVED = "removed"


def _nothing(_: Step, __: str) -> None:
    pass


class Folder:
    """The files, for the one process that writes them. Every method raises FolderError STORE_FAILED."""

    def __init__(self, path: Path, after: Callable[[Step, str], None] = _nothing) -> None:
        self.path, self._after = path, after
        self._unsettled = set[Path]()

    def note(self) -> bytes | None:
        """Return the signed note that stands in the folder, if there is one."""
        with _stored():
            try:
                return (self.path / CHECKPOINT_PATH).read_bytes()
            except FileNotFoundError:
                return None

    def write(self, path: str, octets: bytes) -> None:
        """Write a file whole or not at all; one that has these octets already stays.

        It is durable once `publish` has begun to write the checkpoint.
        """
        with _stored():
            target = self.path / path
            if _holds(target, octets):
                self._unsettled.add(target.parent)
                return
            self._make(target.parent)
            written = partial(self._after, Step.WRITTEN, path)
            durable.place(target, octets, self.path / _WRITING, written=written)
            self._unsettled.add(target.parent)
            self._after(Step.PLACED, path)

    def publish(self, note: bytes) -> None:
        """Make everything that was written durable, then the checkpoint that commits to it."""
        self._settle()
        self.write(CHECKPOINT_PATH, note)
        self._settle()
        self._after(Step.PUBLISHED, CHECKPOINT_PATH)

    def convict(self, held: bytes, refused: bytes) -> Path | None:
        """Keep two notes that contradict each other, durably; return where.

        Beyond a bound none is kept: the first that were proven are as good as any, and stay.
        """
        place, others = self._pair(_REFUSED, held, refused)
        if place not in others and len(others) >= _MOST_REFUSED:
            return None
        self._keep_pair(place, held, refused)
        self._drop_pair(self._pair(_SUSPECTED, held, refused)[0])
        return place

    def suspect(self, held: bytes, refused: bytes) -> None:
        """Keep two notes of which it is not known whether they go together, durably.

        Anybody who serves wrong tiles can bring them about: they displace one another, the oldest first, and
        nothing that is proven.
        """
        place, others = self._pair(_SUSPECTED, held, refused)
        if place not in others:
            self._keep_pair(place, held, refused)
        with _stored():
            oldest_first = sorted(others, key=lambda each: each.stat().st_mtime_ns)
        for each in oldest_first[: max(0, len(oldest_first) + 1 - _MOST_REFUSED)]:
            self._drop_pair(each)

    def _pair(self, folder: str, held: bytes, refused: bytes) -> tuple[Path, list[Path]]:
        """Return where two notes are kept, and what is kept there."""
        name = hashlib.sha256(hashlib.sha256(held).digest() + hashlib.sha256(refused).digest()).hexdigest()
        place = self.path / folder / name[:32]
        with _stored():
            return place, list(place.parent.iterdir()) if place.parent.is_dir() else []

    def _keep_pair(self, place: Path, held: bytes, refused: bytes) -> None:
        self.write(str((place / "held").relative_to(self.path)), held)
        self.write(str((place / "refused").relative_to(self.path)), refused)
        self._settle()

    def _drop_pair(self, place: Path) -> None:
        for name in ("held", "refused"):
            self._remove(place / name)

    def drop_beyond(self, size: int) -> None:
        """Remove what no checkpoint of `size` entries commits to."""
        for shift, path in _families():
            index, width = _edge(shift, size)
            first, beyond = index, []
            while found := self._files(path, index):
                kept = {width} if index == first else set()
                beyond += [each for each, wide in found if wide not in kept]
                index += 1
            # From the far end, so that what a crash leaves has no gap.
            for each in reversed(beyond):
                self._remove(each)

    def prune(self, before: int, size: int) -> None:
        """Remove the partial tiles that neither of the last two checkpoints names or that are full now."""
        for shift, path in _families():
            (index, width), now = _edge(shift, before), _edge(shift, size)
            kept = {TILE_WIDTH} if now[0] > index else {width, now[1]}
            for each, wide in self._files(path, index):
                if wide not in kept:
                    self._remove(each)

    def _files(self, path: PathOf, index: int) -> list[tuple[Path, int]]:
        """Return the files of a tile or bundle with their widths, the full one last."""
        full = self.path / path(index, TILE_WIDTH)
        with _stored():
            narrow = (self.path / path(index, 1)).parent
            names = [each.name for each in narrow.iterdir()] if narrow.is_dir() else []
            widths = sorted(int(each) for each in names if each.isdecimal())
            found = [(narrow / str(each), each) for each in widths]
            return [*found, (full, TILE_WIDTH)] if full.is_file() else found

    def _remove(self, path: Path) -> None:
        with _stored():
            path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # it has other files still
                path.parent.rmdir()
                self._unsettled.discard(path.parent)
            self._after(Step.REMOVED, str(path.relative_to(self.path)))

    def _make(self, folder: Path) -> None:
        if not folder.is_dir():
            self._make(folder.parent)
            folder.mkdir(exist_ok=True)
            self._unsettled.add(folder.parent)

    def _settle(self) -> None:
        with _stored():
            for each in sorted(self._unsettled):
                durable.sync(each)
            self._unsettled.clear()
            self._after(Step.SETTLED, "")


@contextlib.contextmanager
def opened_folder(path: Path, after: Callable[[Step, str], None] = _nothing) -> Iterator[Folder]:
    """Give a folder to write in, made if it is not there; FolderError FOLDER_BUSY, STORE_FAILED."""
    with _stored():
        path.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _lock(descriptor, path)
        yield Folder(path, after)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise FolderError(Reason.FOLDER_BUSY, f"another process mirrors into {path}") from None


def _holds(path: Path, octets: bytes) -> bool:
    try:
        return path.stat().st_size == len(octets) and path.read_bytes() == octets
    except FileNotFoundError:
        return False


def _families() -> Iterator[tuple[int, PathOf]]:
    """Give each kind of file: how many bits of a size its tiles hash away, and its paths."""
    yield 0, entries_path
    yield 0, notes_path
    for level in range(_LEVELS):
        yield 8 * level, _tile_paths(level)


def _tile_paths(level: int) -> PathOf:
    return lambda index, width: tile_path(level, index, width)


def _edge(shift: int, size: int) -> tuple[int, int]:
    """Return the first index that is not full in a tree of `size` leaves, and how wide it is."""
    return divmod(size >> shift, TILE_WIDTH)


@contextlib.contextmanager
def _stored() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        detail = f"{error.filename or 'the folder'}: {error.strerror or type(error).__name__}"
        raise FolderError(Reason.STORE_FAILED, detail) from None
