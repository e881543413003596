"""A log that was restored from an old backup, brought forward from a mirror of it.

The mirror's newest checkpoint has to be signed by a key that this log has not retired, and with a policy that
demands witnesses to have their quorum: what is signed here is what others have seen, not what whoever has
copied a key has made. What is read is checked as by any mirror, and before a block is signed again its tree
is proven to be the beginning of that checkpoint's tree: a mirror that lies makes this log sign nothing.
Ed25519 is deterministic, so the checkpoint of each block is the one that it had.

Entries, tiles, blocks and both states are written some blocks at a time, each time in one transaction, so
that after a crash at any moment it goes on from there. The lease is held, with a beat each second, and the
mark of a restored log set, from before the first of it is read: no server signs meanwhile, nor afterwards,
before a quorum of the witnesses was compared with. A row of the outbox that waits, and whose very entry
stands in what is brought forward, becomes that entry's row: no receipt is written twice. The others wait on.

What only the lost database had does not come back: who asked what, which credential was issued, what was
revoked. The entries stand on the log, and the receipts of those who hold them verify.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, Final, NoReturn, TypeVar

from sqlalchemy import Connection

from consortium.source import Source, bundles, fetch_consistency
from tlog.checkpoint import Checkpoint
from tlog.errors import VerificationError
from tlog.merkle import leaf_hash, verify_consistency
from tlog.note import parse_unverified
from tlog.policy import Policy, open_by_policy
from zkservice import blocks as building
from zkservice.errors import ServiceError
from zkservice.log_keys import LogKeys
from zkservice.storage import anchors, forwarding, lease, ledger, marks
from zkservice.storage.database import Database
from zkservice.storage.forwarding import Blocks
from zkservice.storage.lease import HOLDER_OCTETS, Lease
from zkservice.storage.ledger import LockLostError, State
from zkservice.storage.marks import Mark
from zkservice.upkeep.faults import UpkeepError, UpkeepReason
from zkservice.upkeep.growing import Growing

_TOGETHER: Final = 4096
"""About so many entries are written in one transaction."""
_SILENT: Final = 4.0
"""For so many seconds nobody must have said that he sequences this log."""
_BEAT: Final = 1.0
"""So often it is said here: a server takes over after three seconds without."""
_Result = TypeVar("_Result")


class Step(StrEnum):
    """The points after each thing that is done; a test may end the process there."""

    TAKEN = "taken"
    SETTLED = "settled"
    SIGNED = "signed"
    WRITTEN = "written"
    ENDED = "ended"


def _nothing(_: Step) -> None:
    """Stand in for a test's hook."""


@dataclass(frozen=True)
class Forwarded:
    """From which size to which the log was brought. Of its new entries `joined` are those that waited here,
    `unknown` those of which the database knows nothing else. `waiting` rows wait on.
    """

    before: int
    size: int
    blocks: int
    joined: int
    unknown: int
    waiting: int
    anchored: bool


async def forward(
    database: Database,
    keys: LogKeys,
    source: Source,
    *,
    at_ms: int,
    policy: Policy | None = None,
    unwitnessed: bool = False,
    progress: Callable[[int], None] = lambda _: None,
    after: Callable[[Step], None] = _nothing,
) -> Forwarded:
    """Bring the log of a database, which no server uses, forward to a source's newest checkpoint.

    That checkpoint needs the cosignatures that the policy demands, unless it may be `unwitnessed`, and is
    kept as anchored, at this time, where it has them; a log that has ever been anchored needs such a policy.
    Raises UpkeepError LOG_IN_USE, LOG_NOT_BEGUN, POLICY_MISSING, MIRROR_BEHIND, MIRROR_CONTRADICTS;
    tlog.TlogError for what the source gives (NOTE_UNSIGNED, QUORUM_MISSING); consortium.errors.SourceError;
    StartError, ServiceError.
    """
    moving = _Forwarding(database, keys, source, policy, after)
    try:
        await moving.take_lease()
        return await _while(moving.beat(), moving.run(at_ms, progress, unwitnessed=unwitnessed))
    except LockLostError:
        detail = "a server has taken the log over: stop all its servers, then go on here"
        raise UpkeepError(UpkeepReason.LOG_IN_USE, detail) from None
    finally:
        await moving.give_up()


async def _while(beating: Coroutine[Any, Any, NoReturn], working: Coroutine[Any, Any, _Result]) -> _Result:
    """Do a work as long as the beat goes on; raises what ends either."""
    work, beat = asyncio.create_task(working), asyncio.create_task(beating)
    try:
        await asyncio.wait((work, beat), return_when=asyncio.FIRST_COMPLETED)
        return work.result() if work.done() else beat.result()
    finally:
        work.cancel()
        beat.cancel()
        await asyncio.gather(work, beat, return_exceptions=True)


class _Forwarding:
    """One attempt. What it has written stays, whatever becomes of it."""

    def __init__(
        self,
        database: Database,
        keys: LogKeys,
        source: Source,
        policy: Policy | None,
        after: Callable[[Step], None],
    ) -> None:
        self._database, self._keys, self._source, self._after = database, keys, source, after
        self._policy = policy if policy is not None and policy.demands_witnesses else None
        self._lease: Lease | None = None
        self._waiting = dict[bytes, deque[int]]()
        self._blocks = self._joined = self._unknown = 0

    async def take_lease(self) -> None:
        """Keep every server from sequencing the log; LOG_IN_USE."""
        seen = await self._database.read(lease.read)
        if not seen.vacant and not self._database.alone:
            await asyncio.sleep(_SILENT)
        holder = secrets.token_bytes(HOLDER_OCTETS)
        self._lease = await self._database.write(lambda each: lease.take(each, seen, holder))
        if self._lease is None:
            raise UpkeepError(UpkeepReason.LOG_IN_USE, "a server sequences this log; stop all its servers")
        self._after(Step.TAKEN)

    async def beat(self) -> NoReturn:
        """Say each second that the lease is held; LockLostError once it is not."""
        while True:
            await asyncio.sleep(_BEAT)
            await self._write(lambda _: None)

    async def give_up(self) -> None:
        """Let servers sequence again. A lease that is lost, or cannot be given up, runs out by itself."""
        mine = self._lease
        if mine is not None:
            with suppress(LockLostError, ServiceError):
                await self._database.write(lambda each: lease.give_up(each, mine))

    async def run(self, at_ms: int, progress: Callable[[int], None], *, unwitnessed: bool) -> Forwarded:
        """Read, check and write until the checkpoint is reached."""
        if self._policy is None and not unwitnessed and await self._database.read(anchors.newest) is not None:
            detail = "the log has been anchored: give the policy, so that its quorum is demanded"
            raise UpkeepError(UpkeepReason.POLICY_MISSING, detail)
        state = before = await self._write(self._settle)
        self._after(Step.SETTLED)
        note = await self._source.checkpoint()
        target = self._keys.open(note)
        cosigned = self._cosigned(note, unwitnessed=unwitnessed)
        growing = await self._database.read(lambda each: Growing.load(each, state.size))
        await self._check_extends(growing, target)
        self._waiting = await self._database.read(_waiting)
        async with aclosing(bundles(self._source, state.size, target.size)) as coming:
            async for bundle in coming:
                growing.take(bundle.entries[bundle.offset :], bundle.notes[bundle.offset :])
                reached = growing.whole.header.size if growing.whole else 0
                if reached == target.size or reached - state.size >= _TOGETHER:
                    state = await self._move(state, growing, target)
                    progress(state.size)
        growing.follower.check(target)
        await self._write(partial(self._end, cosigned, at_ms))
        self._after(Step.ENDED)
        waiting = sum(map(len, self._waiting.values()))
        return Forwarded(
            before.size, state.size, self._blocks, self._joined, self._unknown, waiting, bool(cosigned)
        )

    def _cosigned(self, note: bytes, *, unwitnessed: bool) -> Sequence[bytes]:
        """Return the lines of the policy's witnesses under the checkpoint, none if it needs no quorum.

        Raises tlog.TlogError QUORUM_MISSING, unless it may be unwitnessed.
        """
        if self._policy is None:
            return ()
        try:
            open_by_policy(note, self._policy)
        except VerificationError:
            if unwitnessed:
                return ()
            raise
        witnesses = [each.verifier for each in self._policy.witnesses]
        return [line.to_bytes() for line in parse_unverified(note).lines if any(map(line.is_by, witnesses))]

    def _settle(self, connection: Connection) -> State:
        """Mark the log as restored and return its one state; a block that was locked is finished first.

        That block is the log's only continuation, so it is in the mirror too, if that has got so far.
        """
        self._keys.refresh(connection)
        found = ledger.states(connection)
        if found is None:
            raise UpkeepError(UpkeepReason.LOG_NOT_BEGUN, "the database has no log; restore a backup of it")
        marks.write(connection, Mark.RESTORED, "brought forward from a mirror")
        lock, published = found
        for each in found:
            building.check(self._keys, each)
        building.check_tree(connection, self._keys, published)
        if lock.size > published.size:
            plan = building.staged(connection, self._keys, published.size, lock)
            ledger.apply(connection, plan.batch, plan.rows, lock.checkpoint)
            ledger.publish(connection, lock, plan.batch, plan.rows)
        return lock

    async def _check_extends(self, growing: Growing, target: Checkpoint) -> None:
        """Check that the log goes on here as it does at the source; MIRROR_BEHIND, MIRROR_CONTRADICTS."""
        here, root = growing.follower.size, growing.follower.root()
        if target.size < here:
            detail = f"it has {target.size} entries, the database {here}"
            raise UpkeepError(UpkeepReason.MIRROR_BEHIND, detail)
        if target.size == here and target.root != root:
            detail = f"two checkpoints of this log's key have {here} entries and different roots"
            raise UpkeepError(UpkeepReason.MIRROR_CONTRADICTS, detail)
        await self._prove(here, root, target)

    async def _prove(self, size: int, root: bytes, target: Checkpoint) -> None:
        """Have the source prove that a tree begins the checkpoint's; MIRROR_CONTRADICTS."""
        if not size or (size == target.size and root == target.root):
            return
        proof = await fetch_consistency(self._source, size, target.size)
        try:
            verify_consistency(size, target.size, proof, root, target.root)
        except VerificationError:
            detail = f"the log of {target.size} entries does not begin with these {size}"
            raise UpkeepError(UpkeepReason.MIRROR_CONTRADICTS, detail) from None

    async def _move(self, before: State, growing: Growing, target: Checkpoint) -> State:
        """Write the blocks that are whole, once they are proven to be the signed log's."""
        whole = growing.whole
        if whole is None:
            return before
        await self._prove(whole.header.size, whole.root, target)
        blocks = growing.blocks(self._keys.origin, self._keys.sign)
        self._after(Step.SIGNED)
        standing = self._standing(blocks)
        await self._write(lambda each: self._append(each, before, blocks, standing))
        self._after(Step.WRITTEN)
        self._blocks += len(blocks.signed)
        self._joined += sum(row is not None for row in standing.values())
        self._unknown += sum(row is None for row in standing.values())
        return blocks.state

    def _standing(self, blocks: Blocks) -> dict[int, int | None]:
        """Return, by the index of each entry, the oldest row that waits to become that very entry."""
        return {index: self._waited(entry) for index, entry in blocks.placed}

    def _waited(self, entry: bytes) -> int | None:
        rows = self._waiting.get(leaf_hash(entry))
        return rows.popleft() if rows else None

    def _append(
        self, connection: Connection, before: State, blocks: Blocks, standing: Mapping[int, int | None]
    ) -> None:
        forwarding.append(connection, before, blocks)
        forwarding.place(connection, standing)

    def _end(self, cosigned: Sequence[bytes], at_ms: int, connection: Connection) -> None:
        """Let the next start ask the witnesses whether this was enough; keep what they have cosigned."""
        marks.remove(connection, Mark.BEHIND)
        if cosigned:
            anchors.add(connection, ledger.published(connection), cosigned, at_ms)

    async def _write(self, act: Callable[[Connection], _Result]) -> _Result:
        mine = self._lease

        def held(connection: Connection) -> _Result:
            if mine is not None:
                lease.beat(connection, mine)
            return act(connection)

        return await self._database.write(held)


def _waiting(connection: Connection) -> dict[bytes, deque[int]]:
    """Return the rows that wait by the leaf hashes of their entries, the oldest first."""
    found = dict[bytes, deque[int]]()
    for row in forwarding.waiting(connection):
        found.setdefault(leaf_hash(row.entry), deque()).append(row.id)
    return found
