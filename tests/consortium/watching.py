"""Logs that show what the test wants to whoever asks, witnesses that sign anything, monitors that watch."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from consortium.errors import Reason, SourceError
from consortium.fetching import Fetcher
from consortium.monitor import Alarm, Bounds, Known, Monitor, MonitorStore, Sources, load_key, opened_store
from consortium.source import Source
from consortium.tiles_app import tiles_app
from tests.consortium.making import LOG, MemoryLog, cosigner, served
from tests.tlog.making import record
from tlog import (
    AddCheckpoint,
    Checkpoint,
    CosignatureSigner,
    LogLine,
    Policy,
    Signer,
    TileId,
    WitnessLine,
    build_batch,
    cosign,
    leaf_hash,
    sign_checkpoint,
    tree_root,
)
from tlog.tiles import append, node_reader

NOW = 1_800_000_000
LATE = 60
NOBODY_ELSE = Sources()


class TimedLog(MemoryLog):
    """A log whose blocks have the time at which the test begins."""

    def grow(self, *counts: int, time_ms: int = NOW * 1000) -> "TimedLog":
        super().grow(*counts, time_ms=time_ms)
        return self

    def records(self, count: int) -> "TimedLog":
        """Add a block of public records, beside which no note stands."""
        entries = [record(self._number + n) for n in range(count)]
        self._number += count
        batch = build_batch(self.size, self.header, self._stored, entries, NOW * 1000)
        self.tiles |= batch.changed_tiles
        self.header = batch.header
        self.pairs += [(each, None) for each in batch.entries]
        return self

    def fork(self, seed: int) -> "TimedLog":
        other = TimedLog(self.signer, seed)
        other.pairs, other.tiles, other.header = list(self.pairs), dict(self.tiles), self.header
        other.notes_at, other.note = dict(self.notes_at), self.note
        return other


class Shown:
    """A log as its operator shows it, which may change between two questions."""

    def __init__(self, log: MemoryLog) -> None:
        self.log = log
        self.checkpoint_is: bytes | None = None
        self.lines = b""
        self.hidden: set[str] = set()

    async def checkpoint(self) -> bytes:
        self._check("checkpoint")
        return (self.checkpoint_is or self.log.note) + self.lines

    async def tile(self, tile: TileId, width: int) -> bytes:
        self._check("tile")
        return await self.log.tile(tile, width)

    async def entries(self, index: int, width: int) -> bytes:
        self._check("entries")
        return await self.log.entries(index, width)

    async def notes(self, index: int, width: int) -> bytes:
        self._check("notes")
        return await self.log.notes(index, width)

    def _check(self, what: str) -> None:
        if what in self.hidden:
            raise SourceError(Reason.NOT_FOUND, "hidden")


class LyingWitness:
    """A witness that cosigns whatever it is asked to, and shows the last of it."""

    def __init__(self, signer: CosignatureSigner, time: int = NOW) -> None:
        self.signer, self.time, self.note, self.refused = signer, time, b"", b""

    def app(self) -> ASGIApp:
        return Starlette(
            routes=[
                Route("/add-checkpoint", self._add, methods=["POST"]),
                Route("/{place:str}/checkpoint", self._shown, methods=["GET"]),
                Route("/{place:str}/refused", self._refused, methods=["GET"]),
            ]
        )

    async def _add(self, request: Request) -> Response:
        asked = AddCheckpoint.parse(await request.body())
        line = cosign(asked.note, self.signer, self.time)
        self.note = asked.note + line
        return Response(line)

    async def _shown(self, _: Request) -> Response:
        return Response(self.note, 200 if self.note else 404)

    async def _refused(self, _: Request) -> Response:
        return Response(self.refused)


def forged(entries: Sequence[bytes], *signers: Signer) -> TimedLog:
    """Return a log of any entries at all, signed."""
    log = TimedLog()
    log.pairs = [(each, None) for each in entries]
    log.tiles |= append(0, [leaf_hash(each) for each in entries], lambda tile: log.tiles.get(tile, b""))
    root = tree_root(len(entries), node_reader(lambda tile: log.tiles.get(tile, b"")))
    log.note = sign_checkpoint(Checkpoint(LOG.name, len(entries), root), *(signers or (LOG,)))
    return log


def policy(url: str | None, *keys: Signer, witnesses: Sequence[CosignatureSigner] = ()) -> Policy:
    logs = tuple(LogLine(each.verifier, url) for each in keys or (LOG,))
    lines = tuple(WitnessLine(f"w{n}", each.verifier) for n, each in enumerate(witnesses))
    return Policy(logs, lines)


class Watcher:
    """A monitor with a clock of the test's, and what it told."""

    def __init__(
        self,
        folder: Path,
        store: MonitorStore,
        fetcher: Fetcher,
        known: Known,
        sources: Sources,
        reading: float,
    ) -> None:
        self.now, self.alarms, self.troubles = NOW, list[Alarm](), list[str]()
        self.monitor = Monitor(
            folder,
            store,
            known,
            sources,
            load_key(folder, "monitor.example"),
            fetcher,
            Bounds(LATE, 0.05, reading),
            tell=self.alarms.append,
            trouble=lambda what, detail: self.troubles.append(f"{what}: {detail}"),
            clock=lambda: self.now,
        )

    async def rounds(self, count: int = 1, *, seconds: int = 1) -> list[str]:
        """Go round; return what was alarmed in them."""
        before = len(self.alarms)
        for _ in range(count):
            await self.monitor.once()
            self.now += seconds
        return [what(each) for each in self.alarms[before:]]

    def file(self, at: int = -1) -> Path:
        return Path(self.alarms[at].data["file"])


def what(alarm: Alarm) -> str:
    return str(alarm.data["parts"].get("what", alarm.data["kind"]))


@asynccontextmanager
async def watcher(
    folder: Path, policies: Sequence[Policy], sources: Sources = NOBODY_ELSE, *, reading: float = 20
) -> AsyncIterator[Watcher]:
    async with Fetcher(connect=0.5, whole=1.0) as fetcher:
        with opened_store(folder) as store:
            yield Watcher(folder, store, fetcher, Known.of(policies), sources, reading)


@asynccontextmanager
async def serving(*things: Source | LyingWitness) -> AsyncIterator[list[str]]:
    async with AsyncExitStack() as stack:
        apps = [each.app() if isinstance(each, LyingWitness) else tiles_app(each) for each in things]
        yield [await stack.enter_async_context(served(app)) for app in apps]


def in_a_fresh_process(*arguments: object) -> tuple[int, dict[str, Any]]:
    """Run `zk` in a process of its own; return its exit code and its last line's document."""
    command = [sys.executable, "-c", "from zk.cli import main; main()", "--json", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout.splitlines()[-1])


W = [cosigner(n) for n in range(3)]
