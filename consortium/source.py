"""Where a log can be read: at its operator's, at a mirror's, in a folder. All give the same resources.

Those of C2SP's tlog-tiles (checkpoint, tiles of hashes, bundles of entries), and beside each bundle of
entries one of the notes that stand beside them: octets that only one vault can open, in the same order and
framing, of length 0 where an entry has none.

What a source gives is not believed: the follower and the checkpoint's signatures decide.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from consortium.errors import Reason, SourceError
from consortium.fetching import Fetcher
from tlog import Checkpoint, Follower, MalformedError, TileId
from tlog.entry import HOLDER_NOTE_OCTETS
from tlog.errors import Reason as TlogReason
from tlog.merkle import (
    HASH_OCTETS,
    NodeReader,
    consistency_proof,
    inclusion_proof,
    nodes_for_consistency,
    nodes_for_inclusion,
)
from tlog.note import MAX_NOTE_OCTETS
from tlog.tiles import (
    MAX_ENTRY_OCTETS,
    TILE_WIDTH,
    entries_path,
    node_reader,
    parse_entries_path,
    parse_entry_bundle,
    parse_tile,
    tile_path,
    tile_width,
    tiles_for_nodes,
)

CHECKPOINT_PATH: Final = "checkpoint"
_NOTES: Final = "notes/"
_ENTRIES: Final = "tile/entries/"
_PARTIAL: Final = ".p"
_AHEAD: Final = 4
"""So many bundles are asked for at once: the way to another city takes longer than checking what comes."""


class Source(Protocol):
    """What a log's resources are asked of. All raise SourceError."""

    async def checkpoint(self) -> bytes:
        """Return the newest checkpoint that is to be had, a signed note."""

    async def tile(self, tile: TileId, width: int) -> bytes:
        """Return the first `width` hashes of a tile."""

    async def entries(self, index: int, width: int) -> bytes:
        """Return the bundle of the first `width` entries beside the tile (0, index)."""

    async def notes(self, index: int, width: int) -> bytes:
        """Return the bundle of the notes beside these entries."""


def notes_path(index: int, width: int = TILE_WIDTH) -> str:
    """Return where the notes beside a bundle of entries are served."""
    return _NOTES + entries_path(index, width).removeprefix(_ENTRIES)


def parse_notes_path(path: str) -> tuple[int, int]:
    """Return the index and the width of the bundle that a path names; tlog.MalformedError TILE_MALFORMED."""
    place = path.removeprefix(_NOTES)
    return parse_entries_path(_ENTRIES + place if place != path else path)


class HttpSource:
    """A log under a URL."""

    def __init__(self, url: str, fetcher: Fetcher) -> None:
        self._url, self._fetcher = url.rstrip("/"), fetcher

    async def checkpoint(self) -> bytes:
        """The newest checkpoint."""
        return await self._get(CHECKPOINT_PATH, MAX_NOTE_OCTETS)

    async def tile(self, tile: TileId, width: int) -> bytes:
        """The first hashes of a tile."""
        return await self._get(tile_path(tile.level, tile.index, width), width * HASH_OCTETS)

    async def entries(self, index: int, width: int) -> bytes:
        """The first entries of a bundle."""
        return await self._get(entries_path(index, width), width * (2 + MAX_ENTRY_OCTETS))

    async def notes(self, index: int, width: int) -> bytes:
        """The notes beside them."""
        return await self._get(notes_path(index, width), width * (2 + HOLDER_NOTE_OCTETS))

    async def _get(self, path: str, most: int) -> bytes:
        return await self._fetcher.get(f"{self._url}/{path}", most)


class FolderSource:
    """A log in a folder of static files at the resources' own paths, as a mirror keeps it.

    A partial tile may have grown since its size was published: a wider one is read then, and cut.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def checkpoint(self) -> bytes:
        """The newest checkpoint."""
        found = self._read(CHECKPOINT_PATH)
        if found is None:
            raise SourceError(Reason.NOT_FOUND, "there is no checkpoint")
        return found

    async def tile(self, tile: TileId, width: int) -> bytes:
        """The first hashes of a tile."""
        return self._hashes(lambda each: tile_path(tile.level, tile.index, each), width)

    async def entries(self, index: int, width: int) -> bytes:
        """The first entries of a bundle."""
        return _first(self._widest(lambda each: entries_path(index, each), width), width)

    async def notes(self, index: int, width: int) -> bytes:
        """The notes beside them."""
        return _first(self._widest(lambda each: notes_path(index, each), width), width)

    def _hashes(self, path: Callable[[int], str], width: int) -> bytes:
        found = self._widest(path, width)
        if len(found) < width * HASH_OCTETS:
            raise SourceError(Reason.ANSWER_MALFORMED, "a tile is not as wide as its name says")
        return found[: width * HASH_OCTETS]

    def _widest(self, path: Callable[[int], str], width: int) -> bytes:
        for each in (width, TILE_WIDTH):
            if (found := self._read(path(each))) is not None:
                return found
        # Another width only now: between the look at a folder and the read the mirror may have cleaned up.
        for each in sorted(self._partial(path(TILE_WIDTH)), reverse=True):
            if each >= width and (found := self._read(path(each))) is not None:
                return found
        raise SourceError(Reason.NOT_FOUND, f"{path(width)} is not there")

    def _partial(self, path: str) -> Iterator[int]:
        folder = self._folder / (path + _PARTIAL)
        if folder.is_dir():
            yield from (int(each.name) for each in folder.iterdir() if each.name.isdecimal())

    def _read(self, path: str) -> bytes | None:
        try:
            return (self._folder / path).read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return None
        except OSError as error:
            raise SourceError(Reason.UNREACHABLE, f"{path}: {type(error).__name__}") from None


def _first(bundle: bytes, width: int) -> bytes:
    """Return the first parts of a bundle, framed as they are."""
    at = 0
    for _ in range(width):
        at += 2 + int.from_bytes(bundle[at : at + 2])
        if at > len(bundle):
            raise SourceError(Reason.ANSWER_MALFORMED, "a bundle ends too early")
    return bundle[:at]


@dataclass(frozen=True)
class Bundle:
    """The entries beside the tile (0, index) and their notes, from the tile's first on; not yet checked.

    Those before `offset` were read before, and come again with the others.
    """

    index: int
    offset: int
    entries: tuple[bytes, ...]
    notes: tuple[bytes | None, ...]

    @property
    def new(self) -> tuple[tuple[bytes, ...], tuple[bytes | None, ...]]:
        """The entries from `offset` on, and the notes beside them."""
        return self.entries[self.offset :], self.notes[self.offset :]


async def read_all(
    source: Source,
    follower: Follower,
    checkpoint: Checkpoint,
    taken: Callable[[int, Sequence[bytes], Sequence[bytes | None]], None] = lambda *_: None,
) -> None:
    """Read every entry from where the follower stands up to a checkpoint, each checked as it comes.

    `taken` gets what was checked: the index of the first entry of a run, its entries, the notes beside them.
    When this returns, the follower has reached the checkpoint's root and its last entry is a header. Raises
    SourceError; tlog's MalformedError and VerificationError.
    """
    async with aclosing(bundles(source, follower.size, checkpoint.size)) as coming:
        async for bundle in coming:
            first = follower.size
            follower.extend(*bundle.new)
            taken(first, *bundle.new)
    follower.check(checkpoint)


async def bundles(source: Source, first: int, size: int) -> AsyncGenerator[Bundle, None]:
    """Give the bundles of a log of `size` entries that hold the entries from `first` on, in their order.

    A few are asked for ahead, and none any more once the reader has stopped. Raises SourceError;
    tlog.MalformedError TILE_MALFORMED.
    """
    # A range and no list: how many there are is what the log says.
    indices = range(first // TILE_WIDTH, -(-size // TILE_WIDTH) if size > first else 0)
    asked = deque[asyncio.Task[Bundle]]()
    try:
        while indices or asked:
            while indices and len(asked) < _AHEAD:
                asked.append(asyncio.create_task(_bundle(source, indices[0], first, size)))
                indices = indices[1:]
            yield await asked.popleft()
    finally:
        for each in asked:
            each.cancel()
        await asyncio.gather(*asked, return_exceptions=True)


async def _bundle(source: Source, index: int, first: int, size: int) -> Bundle:
    width = tile_width(TileId(0, index), size)
    entries, notes = await asyncio.gather(source.entries(index, width), source.notes(index, width))
    return Bundle(
        index,
        max(first - index * TILE_WIDTH, 0),
        parse_entry_bundle(entries, width),
        tuple(each or None for each in parse_entry_bundle(notes, width)),
    )


async def nodes_of(source: Source, size: int, tiles: set[TileId]) -> NodeReader:
    """Return a reader of nodes of a tree of `size` leaves, from tiles that are fetched for it.

    Raises SourceError, tlog.MalformedError TILE_MALFORMED.
    """
    found = dict[TileId, bytes]()
    for tile in sorted(tiles):
        width = tile_width(tile, size)
        if not width:
            raise MalformedError(TlogReason.TILE_MALFORMED, f"a tree of {size} leaves has no tile {tile}")
        found[tile] = b"".join(parse_tile(await source.tile(tile, width), width))
    return node_reader(lambda tile: found.get(tile, b""))


async def fetch_consistency(source: Source, first: int, second: int) -> list[bytes]:
    """Return the proof that a tree of `first` leaves begins one of `second`, from the source's tiles."""
    if not first or first == second:
        return []
    tiles = tiles_for_nodes(nodes_for_consistency(first, second))
    return consistency_proof(first, second, await nodes_of(source, second, tiles))


async def fetch_inclusion(source: Source, index: int, size: int) -> list[bytes]:
    """Return the proof that a tree of `size` leaves has the leaf `index`, from the source's tiles."""
    tiles = tiles_for_nodes(nodes_for_inclusion(index, size))
    return inclusion_proof(index, size, await nodes_of(source, size, tiles))
