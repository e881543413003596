"""The sequencer: takes entries from the outbox into blocks, in an order that survives a crash at any step.

1. stage: header and outbox rows of the next block are durable, but nothing refers to them.
2. sign: the checkpoint over the block exists in memory only.
3. lock: the lock row is swapped from the last checkpoint to the new one. From here on the block is the log's
   only continuation. A swap that fails is fatal: somebody else moves this log.
4. apply: entries, tiles and block are written; readers go by the published size and do not see them yet.
5. publish: the published row follows the lock.
6. answer: whoever waits for one of the entries is told its index.

After a crash: nothing locked, the staged block is dropped and its rows are taken again; lock ahead of
published, the staged block is rebuilt, compared with the locked checkpoint, and steps 4 and 5 are repeated;
published ahead of the lock, or one size with two roots, and the server refuses to start.
"""

import asyncio
import datetime as dt
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import structlog
from sqlalchemy import Connection

from tlog.block import BlockHeader
from tlog.builder import Batch, build_batch
from tlog.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from tlog.errors import TlogError
from tlog.merkle import EMPTY_ROOT, tree_root
from tlog.note import Signer
from tlog.tiles import Tiles, node_reader, tiles_for_append
from zkservice.errors import ServiceError, ServiceReason, StartError
from zkservice.moments import to_ms
from zkservice.receipts import Place, places_of, read_place
from zkservice.storage import ledger
from zkservice.storage.database import Database
from zkservice.storage.ledger import State, Waiting

_LOOK: Final = dt.timedelta(seconds=1)
Clock = Callable[[], dt.datetime]


class Step(StrEnum):
    """The points after each durable step; a test may end the process there."""

    STAGED = "staged"
    SIGNED = "signed"
    LOCKED = "locked"
    APPLIED = "applied"
    PUBLISHED = "published"


def _nothing(_: Step) -> None:
    """Stand in for a test's hook."""


def _stands_still() -> ServiceError:
    detail = "it is stored, and stands on the log after the service's next start; send the same again then"
    return ServiceError(ServiceReason.STORAGE_UNAVAILABLE, detail)


def _shuffled(rows: list[Waiting]) -> list[Waiting]:
    """Return the rows of a block with what has a holder's note in an order by chance, the rest as it was.

    The parts of one errand are written one after the other, and each counter is told the index of its own:
    in their order two counters would know by it which belong together. What has no note is a record, which
    stands after what it builds on. The order that is staged counts: after a crash it is that which is built.
    """
    chance = [row for row in rows if row.holder_note is not None]
    secrets.SystemRandom().shuffle(chance)
    others = iter(chance)
    return [row if row.holder_note is None else next(others) for row in rows]


@dataclass(frozen=True)
class _Plan:
    batch: Batch
    rows: list[Waiting]
    before: Tiles


class Sequencer:
    """The one writer of a log. `start` before use; `run` until `stop`."""

    def __init__(
        self,
        database: Database,
        signer: Signer,
        clock: Clock,
        *,
        max_batch: int,
        after: Callable[[Step], None] = _nothing,
    ) -> None:
        self._database, self._signer, self._clock = database, signer, clock
        self._max_batch, self._after = max_batch, after
        self._wake = asyncio.Event()
        self._changed = asyncio.Event()
        self._watching = True
        self._waiters: dict[int, list[asyncio.Future[Place]]] = {}
        self._newest_row = 0
        self._state = State(0, b"")
        self._stopping = False
        self._ended = False

    @property
    def published(self) -> State:
        """The published state."""
        return self._state

    async def start(self) -> None:
        """Bring the log to where lock and published agree. Raises StartError."""
        try:
            await self._recover()
        except TlogError as error:
            raise StartError(f"the stored log is damaged, restore from a backup: {error}") from None

    async def _recover(self) -> None:
        found = await self._database.read(ledger.states)
        if found is None:
            empty = self._sign(0, EMPTY_ROOT)
            await self._database.write(lambda connection: ledger.begin(connection, empty))
            found = empty, empty
        lock, published = found
        for state in found:
            self._check(state)
        if published.size > lock.size:
            raise StartError("the published log is ahead of its lock: restore from a backup or mirror")
        if published.size == lock.size and published.checkpoint != lock.checkpoint:
            raise StartError("the log has two checkpoints of one size: it was forked; do not go on with it")
        self._state = published
        if lock.size > published.size:
            await self._finish(lock)
        await self._database.read(self._check_tree)
        self._newest_row = await self._database.read(ledger.newest_integrated)

    async def run(self) -> None:
        """Integrate whatever waits, until `stop`.

        A step that fails ends it for good, since whether the step is durable is not known: the next start
        looks. Raises LockLostError if another sequencer took over, ServiceError STORAGE_UNAVAILABLE. Whoever
        waits for an entry is then told to send the same again.
        """
        try:
            while True:
                self._wake.clear()
                while await self._integrate():
                    pass
                if self._stopping:
                    return
                await self._woken()
        finally:
            self._ended = True
            for waiter in [each for waiters in self._waiters.values() for each in waiters]:
                if not waiter.done():
                    waiter.set_exception(_stands_still())

    async def _woken(self) -> None:
        """Wait until somebody says that something is in the outbox, or until it is time to look."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK.total_seconds()):
                await self._wake.wait()

    def stop(self) -> None:
        """Let `run` integrate what waits, and end."""
        self._stopping = True
        self.wake()

    def wake(self) -> None:
        """Say that the outbox has something."""
        self._wake.set()

    async def integrated(self, outbox_id: int) -> Place:
        """Wait until an outbox row's entry is published; return where it stands.

        Raises ServiceError STORAGE_UNAVAILABLE if the sequencer ends before.
        """
        if outbox_id <= self._newest_row:
            # Rows are taken in order, so this one stands on the log; only the database knows where.
            place = await self._database.read(lambda connection: read_place(connection, outbox_id))
            if place is not None:
                return place
        if self._ended:
            raise _stands_still()
        future: asyncio.Future[Place] = asyncio.get_running_loop().create_future()
        self._waiters.setdefault(outbox_id, []).append(future)
        self.wake()
        try:
            return await future
        finally:
            self._forget(outbox_id, future)

    def _forget(self, outbox_id: int, future: "asyncio.Future[Place]") -> None:
        waiters = self._waiters.get(outbox_id, [])
        if future in waiters:
            waiters.remove(future)
        if not waiters:
            self._waiters.pop(outbox_id, None)

    async def next_after(self, size: int) -> State:
        """Wait until the published log is larger than `size`; return its state."""
        while self._state.size <= size:
            if not self._watching:
                raise ServiceError(ServiceReason.SHUTTING_DOWN, "the service is shutting down")
            await self._changed.wait()
        return self._state

    def wake_watchers(self) -> None:
        """End the watching of checkpoints: whoever waits for the next one is told that the service ends."""
        self._watching = False
        self._changed.set()

    async def _integrate(self) -> bool:
        """Take one block from the outbox to published; return whether it was full, so that more may wait."""
        plan = await self._database.write(self._stage)
        if plan is None:
            return False
        old, batch = self._state, plan.batch
        self._after(Step.STAGED)
        new = self._sign(batch.size, batch.root)
        self._after(Step.SIGNED)
        await self._database.write(lambda connection: ledger.advance_lock(connection, old, new))
        self._after(Step.LOCKED)
        await self._complete(plan, new)
        return len(plan.rows) == self._max_batch

    async def _complete(self, plan: _Plan, new: State) -> None:
        await self._database.write(
            lambda connection: ledger.apply(connection, plan.batch, plan.rows, new.checkpoint)
        )
        self._after(Step.APPLIED)
        await self._database.write(lambda connection: ledger.publish(connection, new, plan.batch, plan.rows))
        self._after(Step.PUBLISHED)
        self._state = new
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        self._newest_row = max(row.id for row in plan.rows)
        for row, place in zip(plan.rows, places_of(plan.batch, plan.before, new.checkpoint), strict=True):
            for waiter in self._waiters.pop(row.id, []):
                if not waiter.done():
                    waiter.set_result(place)

    async def _finish(self, lock: State) -> None:
        """Repeat apply and publish of a block that was locked before a crash."""
        plan = await self._database.read(lambda connection: self._replan(connection, lock))
        log = structlog.get_logger()
        log.warning("finishing a block that was locked before a crash", height=plan.batch.header.height)
        await self._complete(plan, lock)

    def _replan(self, connection: Connection, lock: State) -> _Plan:
        staged = ledger.staged(connection, lock.size)
        if staged is None:
            raise StartError("the lock is ahead and its block is not staged: restore from a mirror")
        header, rows = staged
        plan = self._build(connection, rows, BlockHeader.parse(header).time_ms)
        root = open_checkpoint(lock.checkpoint, self._signer.verifier).root
        if plan.batch.header.to_bytes() != header or plan.batch.root != root:
            raise StartError("the staged block does not give the locked checkpoint: restore from a mirror")
        return plan

    def _stage(self, connection: Connection) -> _Plan | None:
        """Build the next block of what waits, and stage it; None if nothing waits."""
        rows = _shuffled(ledger.waiting(connection, self._max_batch))
        if not rows:
            return None
        plan = self._build(connection, rows, to_ms(self._clock()))
        ids = [row.id for row in plan.rows]
        ledger.stage(connection, plan.batch.size, plan.batch.header.to_bytes(), ids)
        return plan

    def _build(self, connection: Connection, rows: list[Waiting], time_ms: int) -> _Plan:
        size = self._state.size
        last = ledger.last_block(connection, size)
        tiles = ledger.read_tiles(connection, tiles_for_append(size))
        entries = [row.entry for row in rows]
        batch = build_batch(size, last.header if last else None, tiles, entries, time_ms)
        return _Plan(batch, rows, tiles)

    def _sign(self, size: int, root: bytes) -> State:
        checkpoint = Checkpoint(self._signer.name, size, root)
        return State(size, sign_checkpoint(checkpoint, self._signer))

    def _check(self, state: State) -> Checkpoint:
        try:
            checkpoint = open_checkpoint(state.checkpoint, self._signer.verifier)
        except TlogError as error:
            raise StartError(f"a stored checkpoint does not hold under the log's key: {error}") from None
        if checkpoint.size != state.size:
            raise StartError("a stored checkpoint has another size than its row")
        return checkpoint

    def _check_tree(self, connection: Connection) -> None:
        """Compare the tree's right edge with the published checkpoint; see that its last block is there."""
        size = self._state.size
        if size and ledger.last_block(connection, size) is None:
            raise StartError("the published log lacks its last block: restore from a backup")
        tiles = ledger.read_tiles(connection, tiles_for_append(size))
        if tree_root(size, node_reader(tiles)) != self._check(self._state).root:
            raise StartError("the stored tree has not the published root: restore from a backup")
