"""A log that was restored from an old backup, brought forward from a mirror of it.

The mirror's newest checkpoint has to be signed by this log's own key. What is read is checked as by any
mirror, and before a block is signed again its tree is proven to be the beginning of that checkpoint's tree: a
mirror that lies makes this log sign nothing. Ed25519 is deterministic, so the checkpoint of each block is the
one that it had.

Entries, tiles, blocks and both states are written some blocks at a time, each time in one transaction, so
that after a crash at any moment it goes on from there. A row of the outbox that waits, and whose very entry
stands in what is brought forward, becomes that entry's row: no receipt is written twice. The others wait on.

What only the lost database had does not come back: who asked what, which credential was issued, what was
revoked. The entries stand on the log, and the receipts of those who hold them verify.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Final, TypeVar

from sqlalchemy import Connection

from consortium.source import Source, bundles, fetch_consistency
from tlog.checkpoint import Checkpoint
from tlog.errors import TlogError, VerificationError
from tlog.merkle import leaf_hash, verify_consistency
from tlog.note import parse_unverified
from tlog.policy import Policy, open_by_policy
from zkservice import blocks as building
from zkservice.log_keys import LogKeys
from zkservice.storage import anchors, forwarding, lease, ledger, marks
from zkservice.storage.database import Database
from zkservice.storage.forwarding import Blocks
from zkservice.storage.lease import HOLDER_OCTETS, Lease
from zkservice.storage.ledger import State
from zkservice.storage.marks import Mark
from zkservice.upkeep.faults import UpkeepError, UpkeepReason
from zkservice.upkeep.growing import Growing

_TOGETHER: Final = 4096
"""About so many entries are written in one transaction."""
_SILENT: Final = 4.0
"""For so many seconds nobody must have said that he sequences this log."""
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
    progress: Callable[[int], None] = lambda _: None,
    after: Callable[[Step], None] = _nothing,
) -> Forwarded:
    """Bring the log of a database, which no server uses, forward to a source's newest checkpoint.

    Where that checkpoint has the cosignatures that the policy demands, it is kept as anchored, at this time.
    Raises UpkeepError LOG_IN_USE, LOG_NOT_BEGUN, MIRROR_BEHIND, MIRROR_CONTRADICTS; tlog.TlogError for
    what the source gives; consortium.errors.SourceError; StartError, ServiceError.
    """
    moving = _Forwarding(database, keys, source, after)
    await moving.take_lease()
    try:
        return await moving.run(at_ms, policy, progress)
    finally:
        await moving.give_up()


class _Forwarding:
    """One attempt. What it has written stays, whatever becomes of it."""

    def __init__(
        self, database: Database, keys: LogKeys, source: Source, after: Callable[[Step], None]
    ) -> None:
        self._database, self._keys, self._source, self._after = database, keys, source, after
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

    async def give_up(self) -> None:
        """Let servers sequence again."""
        mine = self._lease
        if mine is not None:
            await self._database.write(lambda each: lease.give_up(each, mine))

    async def run(self, at_ms: int, policy: Policy | None, progress: Callable[[int], None]) -> Forwarded:
        """Read, check and write until the checkpoint is reached."""
        state = before = await self._write(self._settle)
        self._after(Step.SETTLED)
        note = await self._source.checkpoint()
        target = self._keys.open(note)
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
        anchored = await self._write(partial(self._end, target, note, policy, at_ms))
        self._after(Step.ENDED)
        waiting = sum(map(len, self._waiting.values()))
        return Forwarded(
            before.size, state.size, self._blocks, self._joined, self._unknown, waiting, anchored
        )

    def _settle(self, connection: Connection) -> State:
        """Return the one state of the log; a block that was locked and not published is finished first.

        It is the log's only continuation, so it is in the mirror too, if that has got so far.
        """
        self._keys.refresh(connection)
        found = ledger.states(connection)
        if found is None:
            raise UpkeepError(UpkeepReason.LOG_NOT_BEGUN, "the database has no log; restore a backup of it")
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

    def _end(
        self,
        target: Checkpoint,
        note: bytes,
        policy: Policy | None,
        at_ms: int,
        connection: Connection,
    ) -> bool:
        """Let the next start ask the witnesses whether this was enough; keep what they have cosigned."""
        if marks.read(connection, Mark.BEHIND) is not None:
            marks.write(connection, Mark.RESTORED, f"size {target.size}, brought forward from a mirror")
            marks.remove(connection, Mark.BEHIND)
        if policy is None or not _is_anchored(note, policy):
            return False
        lines = _cosignatures(note, policy)
        anchors.add(connection, ledger.published(connection), lines, at_ms)
        return True

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


def _is_anchored(note: bytes, policy: Policy) -> bool:
    try:
        open_by_policy(note, policy)
    except TlogError:
        return False
    return policy.demands_witnesses


def _cosignatures(note: bytes, policy: Policy) -> Sequence[bytes]:
    """Return the lines of the policy's witnesses under a note that is verified."""
    witnesses = [each.verifier for each in policy.witnesses]
    lines = parse_unverified(note).lines
    return [line.to_bytes() for line in lines if any(map(line.is_by, witnesses))]
