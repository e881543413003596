"""Logs that exist in memory only, witnesses and servers for tests."""

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from starlette.types import ASGIApp

from consortium.errors import Reason, SourceError
from consortium.fetching import Fetcher
from consortium.serving import listening
from consortium.source import fetch_consistency
from tests.tlog.making import holder_note, receipt, record
from tlog import (
    BlockHeader,
    Checkpoint,
    CosignatureSigner,
    GroupLine,
    LogLine,
    Policy,
    Signer,
    TileId,
    WitnessLine,
    build_batch,
    sign_checkpoint,
)
from tlog.merkle import HASH_OCTETS
from tlog.tiles import TILE_WIDTH, entry_bundle

ORIGIN = "city.example/log"
LOG = Signer.from_secret(ORIGIN, hashlib.sha256(b"city's log").digest())
OTHER = Signer.from_secret("other.example/log", hashlib.sha256(b"another log").digest())


def cosigner(number: int) -> CosignatureSigner:
    return CosignatureSigner.from_secret(f"w{number}.example", hashlib.sha256(b"w%d" % number).digest())


class MemoryLog:
    """A log that grows by blocks: a Source of its newest checkpoint, or of an older one."""

    def __init__(self, signer: Signer = LOG, seed: int = 0) -> None:
        self.signer, self._number = signer, seed
        self.pairs: list[tuple[bytes, bytes | None]] = []
        self.tiles: dict[TileId, bytes] = {}
        self.header: BlockHeader | None = None
        self.notes_at: dict[int, bytes] = {}
        self.note = b""

    def grow(self, *counts: int, time_ms: int = 1000) -> "MemoryLog":
        """Add blocks of so many entries; sign the new checkpoint."""
        for count in counts:
            numbers = range(self._number, self._number + count)
            self._number += count
            new = [(receipt(n), holder_note(n)) if n % 3 else (record(n), None) for n in numbers]
            batch = build_batch(
                len(self.pairs), self.header, self._stored, [entry for entry, _ in new], time_ms
            )
            self.tiles |= batch.changed_tiles
            self.header = batch.header
            self.pairs += [*new, (batch.header.to_bytes(), None)]
            self.note = sign_checkpoint(Checkpoint(self.signer.name, batch.size, batch.root), self.signer)
            self.notes_at[batch.size] = self.note
        return self

    def fork(self, seed: int) -> "MemoryLog":
        """Return a log of the same key with the same past that goes on otherwise."""
        other = MemoryLog(self.signer, seed)
        other.pairs, other.tiles, other.header = list(self.pairs), dict(self.tiles), self.header
        other.notes_at, other.note = dict(self.notes_at), self.note
        return other

    def _stored(self, tile: TileId) -> bytes:
        return self.tiles.get(tile, b"")

    @property
    def size(self) -> int:
        return len(self.pairs)

    async def checkpoint(self) -> bytes:
        return self.note

    async def tile(self, tile: TileId, width: int) -> bytes:
        found = self._stored(tile)[: width * HASH_OCTETS]
        if len(found) != width * HASH_OCTETS:
            raise SourceError(Reason.NOT_FOUND, "no such tile")
        return found

    async def entries(self, index: int, width: int) -> bytes:
        return entry_bundle([entry for entry, _ in self._bundle(index, width)])

    async def notes(self, index: int, width: int) -> bytes:
        return entry_bundle([note or b"" for _, note in self._bundle(index, width)])

    def _bundle(self, index: int, width: int) -> Sequence[tuple[bytes, bytes | None]]:
        found = self.pairs[index * TILE_WIDTH :][:width]
        if len(found) != width:
            raise SourceError(Reason.NOT_FOUND, "no such bundle")
        return found

    async def prove(self, first: int, second: int) -> list[bytes]:
        return await fetch_consistency(self, first, second)


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[str]:
    """Serve an application on loopback; give its URL."""
    async with listening(app, "127.0.0.1", 0) as port:
        yield f"http://127.0.0.1:{port}"


@asynccontextmanager
async def fetcher(**seconds: float) -> AsyncIterator[Fetcher]:
    async with Fetcher(**seconds) as made:  # type: ignore[arg-type]
        yield made


def policy_of(urls: Sequence[str | None], signer: Signer = LOG, threshold: int = 1) -> Policy:
    """Return the policy of a log with a witness at each URL."""
    lines = tuple(WitnessLine(f"w{n}", cosigner(n).verifier, url) for n, url in enumerate(urls))
    group = GroupLine("cities", threshold, tuple(each.name for each in lines))
    return Policy((LogLine(signer.verifier),), lines, (group,), "cities")
