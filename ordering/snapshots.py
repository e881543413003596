"""Snapshots: the rows of a block, in chunks, from which a new machine begins without the blocks before it.

A chunk is rows by their keys, each key and value with its length before it; the metadata is the chunks'
hashes, and the snapshot's hash that of the metadata. None of this is trusted: a machine that restores builds
the tree of what it was given and compares its hash with the one that the engine's light client has verified.

State rules: a snapshot is written under another name and renamed when it is whole; what was not finished in a
crash is removed at the next start. The newest KEPT ones stay.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ordering import machine, tree
from ordering.errors import RefusedError, StateError
from ordering.octets import Reader
from ordering.store import Committed, Store

FORMAT: Final = 1
CHUNK_OCTETS: Final = 1 << 20
MAX_CHUNK_OCTETS: Final = 2 * CHUNK_OCTETS
"""A chunk ends with the row that fills it."""
MAX_CHUNKS: Final = 1_024
"""Of all that a new machine holds in memory until it has compared it: a gigabyte of rows."""
KEPT: Final = 2
_FOLDER: Final = "snapshots"
_HASH: Final = hashlib.sha256


@dataclass(frozen=True)
class Snapshot:
    """What is offered: the block's height, the hashes of the chunks."""

    height: int
    hashes: tuple[bytes, ...]

    @property
    def hash(self) -> bytes:
        """What the engine knows it by."""
        return _HASH(self.metadata).digest()

    @property
    def metadata(self) -> bytes:
        """What the engine passes on beside it."""
        return b"".join(self.hashes)

    @classmethod
    def offered(
        cls, height: int, form: int, chunks: int, digest: bytes, metadata: bytes
    ) -> "Snapshot | None":
        """Return what somebody offers; None if it is not of this format."""
        hashes = tuple(metadata[at : at + 32] for at in range(0, len(metadata), 32))
        found = cls(height, hashes)
        fits = form == FORMAT and 0 < chunks <= MAX_CHUNKS and len(metadata) == 32 * chunks
        return found if fits and height > 0 and found.hash == digest else None


def chunks_of(rows: Iterable[tuple[bytes, bytes]]) -> Iterator[bytes]:
    """Return rows in chunks; an empty state is one empty chunk."""
    chunk = bytearray()
    for key, value in rows:
        chunk += len(key).to_bytes(4, "big") + key + len(value).to_bytes(4, "big") + value
        if len(chunk) >= CHUNK_OCTETS:
            yield bytes(chunk)
            chunk.clear()
    if chunk:
        yield bytes(chunk)


def rows_of(chunk: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Return a chunk's rows; RefusedError MALFORMED."""
    reader, left = Reader(chunk), len(chunk)
    while left:
        key = reader.fixed(reader.number(4))
        value = reader.fixed(reader.number(4))
        left -= 8 + len(key) + len(value)
        yield key, value


class Snapshots:
    """A machine's own snapshots, in its folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / _FOLDER
        self._folder.mkdir(exist_ok=True, mode=0o700)
        for each in self._folder.glob("*.part"):
            shutil.rmtree(each)

    def take(self, height: int, rows: Iterable[tuple[bytes, bytes]]) -> Snapshot:
        """Write a snapshot of the rows of a block, and remove those that are too old; OSError."""
        part, whole = self._folder / f"{height}.part", self._folder / str(height)
        for each in (part, whole):  # of a store that was made anew since
            if each.exists():
                shutil.rmtree(each)
        part.mkdir(mode=0o700)
        hashes = list[bytes]()
        for number, chunk in enumerate(chunks_of(rows)):
            _write(part / str(number), chunk)
            hashes.append(_HASH(chunk).digest())
        _write(part / "hashes.json", json.dumps([each.hex() for each in hashes]).encode())
        _make_durable(part)
        part.rename(whole)
        _make_durable(self._folder)
        for old in self._heights()[KEPT:]:
            shutil.rmtree(self._folder / str(old))
        return Snapshot(height, tuple(hashes))

    def _heights(self) -> list[int]:
        return sorted(
            (int(each.name) for each in self._folder.iterdir() if each.name.isdecimal()), reverse=True
        )

    def all(self) -> Sequence[Snapshot]:
        """Return what can be offered, the newest first; what is damaged is offered to nobody."""
        return [found for each in self._heights() if (found := self._read(each)) is not None]

    def _read(self, height: int) -> Snapshot | None:
        try:
            hashes = json.loads((self._folder / str(height) / "hashes.json").read_bytes())
            return Snapshot(height, tuple(map(bytes.fromhex, hashes)))
        except (OSError, ValueError, TypeError):
            return None

    def chunk(self, height: int, form: int, number: int) -> bytes:
        """Return a chunk; empty if there is none."""
        path = self._folder / str(height) / str(number)
        return path.read_bytes() if form == FORMAT and path.is_file() else b""


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    _make_durable(path)


def _make_durable(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@dataclass
class Restoring:
    """A state that comes from others: its snapshot, the hash that it has to have, what has come."""

    snapshot: Snapshot
    app_hash: bytes
    _rows: dict[bytes, bytes] = field(default_factory=dict)
    _next: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether all chunks have come."""
        return self._next == len(self.snapshot.hashes)

    def add(self, number: int, chunk: bytes) -> bool:
        """Take the next chunk; False if it is another one, or not what was offered."""
        if len(chunk) > MAX_CHUNK_OCTETS:
            return False
        if self.is_whole or number != self._next or _HASH(chunk).digest() != self.snapshot.hashes[number]:
            return False
        try:
            self._rows.update(rows_of(chunk))
        except RefusedError:
            return False
        self._next += 1
        return True

    def finish(self, store: Store) -> None:
        """Keep the state; StateError if it has not the hash that it has to have, and nothing is kept."""
        nodes = tree.Overlay()
        for key, value in self._rows.items():
            tree.write(nodes, key, value)
        if machine.app_hash(tree.root(nodes)) != self.app_hash:
            raise StateError("the snapshot is not the state that the chain has committed to")
        store.replace(Committed(self.snapshot.height, self.app_hash), self._rows, nodes.changed)
