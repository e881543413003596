"""The log: durable entries each second by the size of a batch, and inclusion proofs by the size of the log.

pytest benchmarks/test_chain.py --benchmark-disable-gc
"""

import asyncio
import datetime as dt
import secrets
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from benchmarks.conftest import Measure
from tlog import merkle, tiles
from tlog.entry import HOLDER_NOTE_OCTETS, ReceiptEntry, note_hash
from tlog.note import Signer
from tlog.tiles import TileId
from zkservice.log_keys import LogKeys
from zkservice.sequencer import Sequencer
from zkservice.storage import ledger, schema_version
from zkservice.storage.database import Database, open_engine

BATCHES = (1, 4, 16, 64, 256, 1024)
SIZES = (1_000, 10_000, 100_000, 1_000_000)
FOLDER = Path(__file__).parent.parent / "build"
"""A disk like the one that a server would use; the system's folder for temporary files may be in memory."""


class Log:
    """A sequencer over SQLite as the service runs them, with an event loop of its own."""

    def __init__(self, folder: Path, max_batch: int) -> None:
        engine = open_engine(f"sqlite:///{folder / 'log.sqlite3'}")
        schema_version.require_newest(engine)
        self._runner = asyncio.Runner()
        self._database = Database(engine)
        signer = Signer.generate("benchmark.example/log")
        self._sequencer = Sequencer(
            self._database, LogKeys.of(signer), lambda: dt.datetime.now(dt.UTC), max_batch=max_batch
        )
        self._running = self._runner.run(self._start())

    async def _start(self) -> "asyncio.Task[None]":
        await self._sequencer.start()
        return asyncio.create_task(self._sequencer.run())

    def add(self, count: int) -> None:
        """Add that many receipts at once; return when each is durable, signed for and has its index."""
        self._runner.run(self._add(count))

    async def _add(self, count: int) -> None:
        await asyncio.gather(*(self._one() for _ in range(count)))

    async def _one(self) -> None:
        await self._sequencer.integrated(await self.store())

    async def store(self) -> int:
        note = secrets.token_bytes(HOLDER_NOTE_OCTETS)
        entry = ReceiptEntry(secrets.token_bytes(32), note_hash(note)).to_bytes()
        return await self._database.write(lambda connection: ledger.enqueue(connection, entry, note))

    def store_only(self) -> None:
        """Store one receipt in the outbox: one durable commit."""
        self._runner.run(self.store())

    def close(self) -> None:
        self._sequencer.stop()
        self._runner.run(asyncio.wait_for(self._running, 60))
        self._database.close()
        self._runner.close()


@pytest.fixture
def folder() -> Iterator[Path]:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as name:
        yield Path(name)


@pytest.mark.parametrize("batch", BATCHES)
def test_durable_entries(measure: Measure, folder: Path, batch: int) -> None:
    log = Log(folder, max_batch=batch)
    measure(lambda: log.add(batch), share=batch, operation="log entry", batch=batch)
    log.close()


def test_durable_commit(measure: Measure, folder: Path) -> None:
    log = Log(folder, max_batch=1024)
    measure(log.store_only, operation="commit")
    log.close()


@cache
def tree(size: int) -> dict[TileId, bytes]:
    """Return the tiles of a log of that many leaves, all alike: what they hold does not change the cost."""
    return tiles.append(0, [merkle.leaf_hash(b"")] * size, lambda _: b"")


@pytest.mark.parametrize("size", SIZES)
def test_inclusion(measure: Measure, size: int) -> None:
    node = tiles.node_reader(lambda tile: tree(size)[tile])
    index = size // 3
    proof = merkle.inclusion_proof(index, size, node)
    measure(
        lambda: merkle.inclusion_proof(index, size, node),
        operation="inclusion proof",
        size=size,
        octets=32 * len(proof),
    )


@pytest.mark.parametrize("size", SIZES)
def test_verify_inclusion(measure: Measure, size: int) -> None:
    node = tiles.node_reader(lambda tile: tree(size)[tile])
    index, leaf, root = size // 3, merkle.leaf_hash(b""), merkle.tree_root(size, node)
    proof = merkle.inclusion_proof(index, size, node)
    measure(
        lambda: merkle.verify_inclusion(leaf, index, size, proof, root),
        operation="verify inclusion",
        size=size,
        octets=32 * len(proof),
    )
