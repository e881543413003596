"""A mirror's folder checked whole: every file that its checkpoint commits to, octet by octet.

Everything is computed anew from the entries, in memory that does not grow with the log. The first fault ends
it, and is named by the file in which it shows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from consortium.errors import FolderError, Reason
from consortium.growing import Growing
from consortium.source import CHECKPOINT_PATH, notes_path
from tlog import Checkpoint, Cosignature, Follower, Policy, TileId, TlogError, open_by_policy
from tlog.entry import RECEIPT_PREFIX
from tlog.merkle import HASH_OCTETS
from tlog.tiles import TILE_WIDTH, entries_path, parse_entry_bundle, tile_path, tile_width


@dataclass(frozen=True)
class CheckedFolder:
    """What a folder was found to hold. Entries that are neither receipts nor headers are records."""

    checkpoint: Checkpoint
    cosignatures: tuple[Cosignature, ...]
    blocks: int
    receipts: int


def check(folder: Path, policy: Policy, progress: Callable[[int], None] = lambda _: None) -> CheckedFolder:
    """Check a mirror's folder under a policy, the quorum included.

    Raises FolderError FOLDER_INVALID (a file that is missing, cut, changed or not of its log, by its path);
    `open_by_policy`'s errors for the checkpoint.
    """
    checkpoint, cosignatures = open_by_policy(_read(folder, CHECKPOINT_PATH), policy)
    size, checking = checkpoint.size, _Checking(folder)
    for index in range(-(-size // TILE_WIDTH)):
        checking.bundle(index, tile_width(TileId(0, index), size))
        progress(checking.follower.size)
    checking.end(checkpoint)
    blocks = checking.follower.header.height + 1 if checking.follower.header else 0
    return CheckedFolder(checkpoint, cosignatures, blocks, checking.receipts)


class _Checking:
    """One pass over the bundles: the tree as they make it, whose tiles have to be the stored ones."""

    def __init__(self, folder: Path) -> None:
        self.follower, self.receipts = Follower(), 0
        self._folder, self._growing = folder, Growing(self.follower)

    def bundle(self, index: int, width: int) -> None:
        path = entries_path(index, width)
        entries = self._parts(path, width)
        notes = [each or None for each in self._parts(notes_path(index, width), width)]
        try:
            full = self._growing.take(entries, notes)
        except TlogError as error:
            raise _invalid(path, f"entry {self.follower.size}: {error}") from None
        self.receipts += sum(each.startswith(RECEIPT_PREFIX) for each in entries)
        self._compare(full)

    def end(self, checkpoint: Checkpoint) -> None:
        self._compare(self._growing.partial())
        try:
            self.follower.check(checkpoint)
        except TlogError as error:
            raise _invalid(CHECKPOINT_PATH, str(error)) from None

    def _compare(self, tiles: dict[TileId, bytes]) -> None:
        for tile, octets in tiles.items():
            path = tile_path(tile.level, tile.index, len(octets) // HASH_OCTETS)
            if _read(self._folder, path) != octets:
                raise _invalid(path, "not the hashes that the entries give")

    def _parts(self, path: str, width: int) -> tuple[bytes, ...]:
        try:
            return parse_entry_bundle(_read(self._folder, path), width)
        except TlogError as error:
            raise _invalid(path, error.detail) from None


def _read(folder: Path, path: str) -> bytes:
    try:
        return (folder / path).read_bytes()
    except OSError as error:
        raise _invalid(path, error.strerror or type(error).__name__) from None


def _invalid(path: str, detail: str) -> FolderError:
    return FolderError(Reason.FOLDER_INVALID, f"{path}: {detail}")
