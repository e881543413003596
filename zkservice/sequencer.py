"""The sequencer: takes entries from the outbox into blocks, in an order that survives a crash at any step.

1. stage: header and outbox rows of the next block are durable, but nothing refers to them. While more waits
   this is done together with step 5 of the block before.
2. sign: the checkpoint over the block exists in memory only.
3. lock: the lock row is swapped from the last checkpoint to the new one. From here on the block is the log's
   only continuation.
4. apply: entries, tiles and block are written; readers go by the published size and do not see them yet.
5. publish: the published row follows the lock.
6. answer: whoever waits for one of the entries is told its index.

After a crash: nothing locked, the staged block is dropped and its rows are taken again; lock ahead of
published, the staged block is rebuilt, compared with the locked checkpoint, and steps 4 and 5 are repeated;
published ahead of the lock, or one size with two roots, and the log does not go on.

Of several servers on one PostgreSQL one leads, which holds the lease (`storage.lease`), and does all this;
the others follow: they look at what it has published, and take over if it says no more that it lives. Every
step writes under the lease in its own transaction. A leader that was frozen and woken finds it taken: what it
has signed meanwhile stays in memory, is dropped, and it follows. A step that fails is looked into before
anything else is done, since it may be durable all the same.
"""

import asyncio
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeVar

import structlog
from sqlalchemy import Connection

from tlog.errors import TlogError
from tlog.merkle import EMPTY_ROOT
from zkservice import blocks
from zkservice.blocks import ChangedError, Plan
from zkservice.errors import ServiceError, ServiceReason, StartError
from zkservice.log_keys import LogKeys
from zkservice.moments import to_ms
from zkservice.published import Published, Seen
from zkservice.receipts import Place, places_of
from zkservice.storage import lease, ledger, marks
from zkservice.storage.database import Database
from zkservice.storage.lease import HOLDER_OCTETS, Lease
from zkservice.storage.ledger import LockLostError, State
from zkservice.storage.marks import Mark
from zkservice.timing import Timings

_LOOK: Final = 1.0
"""How often the outbox is looked into unasked, where all who write to it are of this process. Seconds."""
_LOOK_SHARED: Final = 0.05
"""The same where others write to it; and how often a follower looks for what somebody waits for."""
_LOOK_IDLE: Final = 0.5
"""How often a follower looks while nobody waits."""
_BEAT: Final = 1.0
"""How often a leader with nothing to write says that it lives."""
_SILENT: Final = 3.0
"""For so long a follower must have seen no beat before it takes over."""
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 2.0
Clock = Callable[[], datetime]
_Result = TypeVar("_Result")


class Step(StrEnum):
    """The points after each durable step; a test may end the process there."""

    STAGED = "staged"
    SIGNED = "signed"
    LOCKED = "locked"
    APPLIED = "applied"
    PUBLISHED = "published"


def _nothing(_: Step) -> None:
    """Stand in for a test's hook."""


class Sequencer:
    """The one writer of a log, or whoever waits to be. `start` before use; `run` until `stop`.

    `blocks` counts the blocks that this process published, with their entries.
    """

    def __init__(
        self,
        database: Database,
        keys: LogKeys,
        clock: Clock,
        *,
        max_batch: int,
        after: Callable[[Step], None] = _nothing,
    ) -> None:
        self._database, self._keys, self._clock = database, keys, clock
        self._max_batch, self._after = max_batch, after
        self._published = Published(database)
        self._holder = secrets.token_bytes(HOLDER_OCTETS)
        self._lease: Lease | None = None
        self._beaten = 0.0
        self._watched: tuple[Lease, float] | None = None
        self._wake, self._stopped = asyncio.Event(), asyncio.Event()
        self.blocks = Timings("block")

    @property
    def published(self) -> State:
        """The published state."""
        return self._published.state

    @property
    def leads(self) -> bool:
        """Whether this process sequences now."""
        return self._lease is not None

    async def integrated(self, outbox_id: int) -> Place:
        """Wait until an outbox row's entry is published, by whichever process; return where it stands.

        Raises ServiceError STORAGE_UNAVAILABLE if the log stands still.
        """
        return await self._published.integrated(outbox_id)

    async def next_after(self, size: int) -> State:
        """Wait until the published log is larger than `size`; return its state."""
        return await self._published.next_after(size)

    def wake_watchers(self) -> None:
        """End the watching of checkpoints: whoever waits for the next one is told that the service ends."""
        self._published.wake_watchers()

    def stop(self) -> None:
        """Let `run` integrate what waits, give up the lease, and end."""
        self._stopped.set()
        self.wake()

    def wake(self) -> None:
        """Say that the outbox has something."""
        self._published.wanted.set()

    async def start(self) -> None:
        """Bring the log to where lock and published agree, unless another process leads.

        Raises StartError, having changed nothing; ServiceError STORAGE_UNAVAILABLE.
        """
        await self._database.write(self._begin)
        seen = await self._database.read(lease.read)
        free = seen.vacant or self._database.alone
        unfinished = await self._inspect(leading=free)
        if free and await self._take(seen):
            await self._finish(unfinished)

    def _begin(self, connection: Connection) -> None:
        """Begin a log that was never begun; of several servers that start at once the first one does."""
        if ledger.states(connection) is None:
            ledger.begin(connection, blocks.sign(self._keys, 0, EMPTY_ROOT))

    async def run(self) -> None:
        """Integrate whatever waits, or follow whoever does, until `stop`.

        A database that fails is tried again, and whoever waits meanwhile is told to send the same again.
        Raises StartError or TlogError if the log is damaged, forked or older than what was shown;
        LockLostError if another process writes to a database that only this one may write to.
        """
        pause = _FIRST_PAUSE
        try:
            while True:
                try:
                    await self._resume()
                    pause = _FIRST_PAUSE
                    if await self._act():
                        return
                except ChangedError:
                    continue
                except LockLostError:
                    if self._database.alone:
                        raise
                    structlog.get_logger().warning("another server sequences this log now")
                except ServiceError as error:
                    if error.reason != ServiceReason.STORAGE_UNAVAILABLE:
                        raise
                    self._failed(error)
                    if self._stopped.is_set():
                        return
                    await _until(self._stopped, pause)
                    pause = min(2 * pause, _LONGEST_PAUSE)
        finally:
            self._lease = None
            self._published.end()

    def _failed(self, error: ServiceError) -> None:
        self._watched = None  # nobody can have beaten
        self._published.fail()
        cause = type(error.__cause__).__name__
        structlog.get_logger().warning("the database failed the sequencer, will be tried again", cause=cause)

    async def _act(self) -> bool:
        """Lead or follow; return whether it is over, or the other way round from here on."""
        if self._lease is not None:
            await self._lead(self._lease)
            return True
        await self._follow()
        return self._lease is None

    async def _resume(self) -> None:
        """Find out whether this process leads, and go on from what is durable."""
        found = await self._database.read(lease.read)
        self._lease = found if found.holder == self._holder else None
        if self._lease is None and self._database.alone:
            raise LockLostError("another process sequences this log, which only one may")
        unfinished = await self._inspect(leading=self._lease is not None)
        await self._finish(unfinished)

    async def _inspect(self, *, leading: bool) -> tuple[Plan, State] | None:
        """Check the stored log, and tell whoever waits for what stands on it; StartError.

        Return the block that is locked and not published, with its state, for whoever leads to finish.
        """
        try:
            lock = await self._database.read(self._checked)
            while True:
                await self._look()
                if not self._published.overdue:
                    break
            size = self.published.size
            if not leading or lock.size <= size:
                return None
            return await self._database.read(lambda each: blocks.staged(each, self._keys, size, lock)), lock
        except TlogError as error:
            raise StartError(f"the stored log is damaged, restore from a backup: {error}") from None

    def _checked(self, connection: Connection) -> State:
        """Return the lock, if it and what is published agree and the tree has the published root."""
        self._keys.refresh(connection)
        found = ledger.states(connection)
        if found is None:
            raise StartError("the log's state is gone: restore the database from a backup")
        lock, published = found
        for state in found:
            blocks.check(self._keys, state)
        if self.published.size > 0:
            # Another copy of the database may be as large as the one that was there, and hold other entries.
            blocks.check_tree(connection, self._keys, self.published)
        if published.size > lock.size:
            raise StartError("the published log is ahead of its lock: restore from a backup or mirror")
        if published.size == lock.size and published.checkpoint != lock.checkpoint:
            raise StartError("the log has two checkpoints of one size: it was forked; do not go on with it")
        blocks.check_tree(connection, self._keys, published)
        return lock

    async def _look(self) -> Lease:
        """Tell whoever waits what is published by now, by whichever process; return who leads."""
        awaited, size = self._published.awaited, self.published.size

        def look(connection: Connection) -> tuple[Seen, Lease]:
            seen = self._published.look(connection, awaited)
            if seen.state.size > size:
                self._keys.refresh(connection)
            return seen, lease.read(connection)

        seen, held = await self._database.read(look)
        self._published.take_seen(seen)
        return held

    async def _finish(self, unfinished: tuple[Plan, State] | None) -> None:
        """Repeat apply and publish of a block that was locked before a crash, or by who led before."""
        if unfinished is not None:
            plan, lock = unfinished
            log = structlog.get_logger()
            log.warning("finishing a block that was locked before", height=plan.batch.header.height)
            await self._complete(plan, lock, going_on=False)

    # Following

    async def _follow(self) -> None:
        """Tell whoever waits here of what others publish, until this process has taken over, or `stop`."""
        wanted = self._published.wanted
        while not self._stopped.is_set():
            wanted.clear()
            held = await self._look()
            if self._is_silent(held) and await self._take(held):
                return
            if self._published.awaited:
                await _until(self._stopped, _LOOK_SHARED)
            else:
                await _until(wanted, _LOOK_IDLE)

    def _is_silent(self, held: Lease) -> bool:
        """Tell whether nobody leads: nothing has changed, by a clock of this process that nobody can set."""
        now = asyncio.get_running_loop().time()
        if self._watched is None or self._watched[0] != held:
            self._watched = held, now
        return held.vacant or now - self._watched[1] >= _SILENT

    async def _take(self, seen: Lease) -> bool:
        """Take the lease over unless its holder lives; a log that is behind its witnesses is left alone."""

        def take(connection: Connection) -> Lease | None:
            if marks.read(connection, Mark.BEHIND) is not None:
                return None
            return lease.take(connection, seen, self._holder)

        self._watched = None
        self._lease = await self._database.write(take)
        if self._lease is not None and not self._database.alone:
            structlog.get_logger().info("this server sequences the log now", term=self._lease.term)
        return self._lease is not None

    # Leading

    async def _lead(self, mine: Lease) -> None:
        """Integrate whatever waits until `stop`, then let another process lead."""
        wanted = self._published.wanted
        while True:
            wanted.clear()
            await self._integrate()
            if self._stopped.is_set():
                break
            await self._rest()
        with suppress(LockLostError):
            await self._database.write(lambda each: lease.give_up(each, mine))

    async def _rest(self) -> None:
        """Wait until somebody says that something is in the outbox, or until something is."""
        wanted, loop = self._published.wanted, asyncio.get_running_loop()
        period = _LOOK if self._database.alone else _LOOK_SHARED
        while not await _until(wanted, period):
            if await self._database.read(ledger.anything_waits):
                return
            if not self._database.alone and loop.time() - self._beaten > _BEAT:
                await self._write(lambda _: None)

    async def _write(self, act: Callable[[Connection], _Result]) -> _Result:
        """Write under the lease. Raises LockLostError, ServiceError STORAGE_UNAVAILABLE."""
        mine = self._lease
        if mine is None:
            raise LockLostError("this server does not sequence the log")

        def held(connection: Connection) -> _Result:
            lease.beat(connection, mine)
            return act(connection)

        result = await self._database.write(held)
        self._beaten = asyncio.get_running_loop().time()
        return result

    async def _integrate(self) -> None:
        """Take what waits from the outbox to published, block by block."""
        known = self.published
        plan = await self._write(lambda connection: self._stage(connection, known))
        while plan is not None:
            started, entries = time.monotonic(), len(plan.rows)
            self._after(Step.STAGED)
            old, new = self.published, blocks.sign(self._keys, plan.batch.size, plan.batch.root)
            self._after(Step.SIGNED)
            await self._advance(old, new)
            plan = await self._complete(plan, new)
            self.blocks.took(time.monotonic() - started, entries)

    def _stage(self, connection: Connection, known: State) -> Plan | None:
        return blocks.stage(connection, self._keys, known, self._max_batch, to_ms(self._clock()))

    async def _advance(self, old: State, new: State) -> None:
        await self._write(lambda connection: ledger.advance_lock(connection, old, new))
        self._after(Step.LOCKED)

    async def _complete(self, plan: Plan, new: State, *, going_on: bool = True) -> Plan | None:
        """Apply and publish a block that is locked; return the next one, which the same commit stages.

        A log that was restored is finished and does not go on before its witnesses were asked.
        """
        batch, rows = plan.batch, plan.rows

        def publish(connection: Connection) -> Plan | None:
            ledger.publish(connection, new, batch, rows)
            return self._stage(connection, new) if going_on else None

        await self._write(lambda connection: ledger.apply(connection, batch, rows, new.checkpoint))
        self._after(Step.APPLIED)
        following = await self._write(publish)
        self._after(Step.PUBLISHED)
        self._published.take(new)
        places = places_of(batch, plan.before, new.checkpoint)
        self._published.tell(
            max(row.id for row in rows), ((row.id, place) for row, place in zip(rows, places, strict=True))
        )
        return following


async def _until(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event, but no longer than that; return whether it has come."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()
