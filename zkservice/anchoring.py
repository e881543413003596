"""Anchoring: the witnesses are asked to cosign what is published, and what reached the quorum is stored.

Order: a checkpoint is durable and published before any witness sees it, and a cosignature is stored before
anybody is told of it. A crash between asking and storing loses cosignatures and nothing else: the witnesses
give them again for the same checkpoint. Without the quorum nothing is anchored and everything else goes on.

The witnesses are asked once before the sequencer signs anything after a start, and one that shows a
checkpoint of our own key that is not of our log ends the sequencing for good, then as later (`behind`):
whoever restores an old database would otherwise sign a second history. Only the replica that sequences asks;
the others follow what is stored.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

import structlog

from consortium.asking import Asked, Asking, Fault
from consortium.errors import SourceError
from consortium.faults import FaultKind
from consortium.fetching import Fetcher
from tlog.errors import TlogError, VerificationError
from tlog.keys import Verifier
from tlog.policy import Policy, open_by_policy, open_pending
from zkservice import behind
from zkservice.anchored import Anchored
from zkservice.behind import LogBehindError
from zkservice.config import Settings
from zkservice.errors import StartError
from zkservice.lateness import Lateness
from zkservice.logs import logged
from zkservice.moments import to_ms
from zkservice.receipts import read_consistency
from zkservice.sequencer import Clock, Sequencer
from zkservice.storage import anchors, marks
from zkservice.storage.database import Database
from zkservice.storage.ledger import State
from zkservice.storage.marks import Mark

_GATHER: Final = 0.05
"""After a rest the log grows by one entry first: this share of the period is for those that come with it."""
_PATIENCE: Final = 5
"""Beyond so many periods and the time that a witness has to answer, a missing quorum is no mere hitch."""
LOOK_AGAIN_SECONDS: Final = 10.0
"""How long after they were asked those that failed are asked again for what the others have cosigned."""
_DETAIL: Final = 200


def read_policy(settings: Settings, log: Verifier) -> Policy | None:
    """Return the policy of the settings, if it demands witnesses; StartError if it cannot be used here."""
    if settings.policy is None:
        return None
    try:
        policy = Policy.parse(settings.policy.read_bytes())
    except OSError as error:
        raise StartError(f"the policy cannot be read: {error.strerror}: {error.filename}") from None
    except TlogError as error:
        raise StartError(f"the policy {settings.policy} cannot be used: {error}") from None
    if log not in policy.logs_of(log.name):
        raise StartError(f"the policy {settings.policy} does not name this log's key: {log}")
    if not policy.satisfied([each.verifier for each in policy.witnesses if each.url]):
        raise StartError(f"the policy {settings.policy} gives too few witnesses' URLs to reach its quorum")
    return policy if policy.demands_witnesses else None


@asynccontextmanager
async def witnessed(
    settings: Settings, policy: Policy | None, database: Database, sequencer: Sequencer, clock: Clock
) -> AsyncIterator[tuple[Anchored, "Anchoring | None"]]:
    """Ask the witnesses before anything is signed; give what is anchored, and who goes on asking.

    The sequencer has started and does not run yet. Raises StartError, LogBehindError.
    """
    anchored = Anchored()
    anchored.take(await database.read(anchors.newest))
    if policy is None:
        yield anchored, None
        return
    async with _fetcher(settings) as fetcher:
        keys = policy.logs_of(settings.log_origin)
        asking = Asking(keys, policy.witnesses, fetcher, lambda: int(clock().timestamp()))
        period = settings.checkpoint_ms / 1000
        lateness = Lateness(_PATIENCE * period + settings.witness_seconds)
        anchoring = Anchoring(database, sequencer, anchored, policy, keys, asking, period, lateness, clock)
        await anchoring.start()
        yield anchored, anchoring


def unheard(note: bytes, policy: Policy) -> tuple[str, ...]:
    """Return the names of the policy's witnesses that have not cosigned a note.

    Raises what `tlog.policy.open_pending` raises.
    """
    _, cosignatures = open_pending(note, policy)
    heard = {each.witness for each in cosignatures}
    return tuple(each.name for each in policy.witnesses if each.verifier not in heard)


def _fetcher(settings: Settings) -> Fetcher:
    roots = settings.witness_roots
    try:
        return Fetcher(root=roots.read_bytes() if roots else None, whole=settings.witness_seconds)
    except (OSError, SourceError):
        raise StartError(f"{roots} (witness_roots) has no certificates in PEM that can be read") from None


class Anchoring:
    """`start` before the sequencer runs, then `run`. Belongs to the event loop.

    `lateness` tells whether what is published is anchored in time, whichever replica asks.
    """

    def __init__(
        self,
        database: Database,
        sequencer: Sequencer,
        anchored: Anchored,
        policy: Policy,
        keys: Sequence[Verifier],
        asking: Asking,
        period: float,
        lateness: Lateness,
        clock: Clock,
    ) -> None:
        self._database, self._sequencer, self._anchored = database, sequencer, anchored
        self._policy, self._keys, self._asking, self._clock = policy, keys, asking, clock
        self._period, self.lateness = period, lateness
        self._settled = self._counted(anchored.newest)
        self._gathered: tuple[State | None, dict[Verifier, bytes]] = None, {}
        self._faults: dict[str, Fault] = {}
        self._asked = asyncio.get_running_loop().time()
        self._pending = False
        self._rounds: set[asyncio.Task[None]] = set()
        self._behind: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def asks(self) -> bool:
        """Whether this replica asks, so that `faults` and `pending` are of now."""
        return self._sequencer.leads

    @property
    def witnesses(self) -> tuple[str, ...]:
        """The policy's witnesses, by their names."""
        return tuple(each.name for each in self._policy.witnesses)

    @property
    def faults(self) -> Mapping[str, Fault]:
        """The witnesses, by their names in the policy, that did not cosign when they were asked last."""
        return dict(self._faults)

    @property
    def pending(self) -> bool:
        """Whether the quorum was missing when the witnesses were asked last."""
        return self._pending

    async def start(self) -> None:
        """Ask every witness once. Raises LogBehindError; StartError if a restored log cannot be compared."""
        state = self._sequencer.published
        cosigned = await self._round(state, asyncio.Event())
        if self._behind.done():
            self._behind.result()
        if await self._database.read(lambda each: marks.read(each, Mark.RESTORED)) is None:
            return
        if not self._policy.satisfied(cosigned):
            silent = ", ".join(sorted(self._faults))
            raise StartError(
                "the database was restored, and of the witnesses, who would know of a larger log, no quorum "
                f"has answered, so nothing is signed: start again when more of these can be reached: {silent}"
            )
        await self._database.write(lambda each: marks.remove(each, Mark.RESTORED))

    async def run(self) -> None:
        """Anchor what is published. Raises LogBehindError; whatever else fails is tried again."""
        loop = asyncio.get_running_loop()
        try:
            while not self._behind.done():
                begun, asked = loop.time(), True
                with logged("could not anchor, will be tried again"):
                    asked = await self._step()
                self.lateness.look(self._sequencer.published.size, self._settled, loop.time())
                await self._pause(begun + self._period - loop.time(), asked)
            self._behind.result()
        finally:
            rounds = tuple(self._rounds)
            for each in rounds:
                each.cancel()
            await asyncio.gather(*rounds, return_exceptions=True)

    async def _step(self) -> bool:
        """Look at what is stored, and ask if there is something to ask for; return whether it was asked."""
        mark, newest = await self._database.read(
            lambda each: (marks.read(each, Mark.BEHIND), anchors.newest(each))
        )
        if mark is not None:  # another replica has found it
            self._stop(mark)
            return True
        if newest != self._anchored.newest:
            self._settled = max(self._settled, self._counted(newest))
            self._anchored.take(newest)
        state = self._sequencer.published
        if not self._sequencer.leads or (state.size <= self._settled and not self._look_again()):
            return False
        self._asked = asyncio.get_running_loop().time()
        await self._ask(state)
        return True

    def _look_again(self) -> bool:
        """Tell whether those that failed are asked again though nothing is new: they may be back."""
        return bool(self._faults) and asyncio.get_running_loop().time() - self._asked >= LOOK_AGAIN_SECONDS

    async def _pause(self, rest: float, asked: bool) -> None:
        """Wait until it is time to ask: for the rest of the period after asking, else until the log grows."""
        if not asked and self._sequencer.leads:
            growth = asyncio.create_task(self._sequencer.next_after(self._settled))
            await asyncio.wait((growth, self._behind), timeout=rest, return_when=asyncio.FIRST_COMPLETED)
            growth.cancel()
            if growth.done() and not growth.cancelled() and growth.exception() is None:
                rest = self._period * _GATHER
        await asyncio.wait((self._behind,), timeout=max(rest, 0))

    async def _ask(self, state: State) -> None:
        """Ask everybody; return when the quorum is reached or all have answered. The slow ones may go on."""
        decided = asyncio.Event()
        task = asyncio.create_task(self._watched_round(state, decided))
        self._rounds.add(task)
        task.add_done_callback(self._rounds.discard)
        await decided.wait()
        pending = self._settled < state.size
        if pending and not self._pending:
            faults = sorted(self._faults)
            structlog.get_logger().warning("no quorum: what is new stays pending", witnesses=faults)
        elif self._pending and not pending:
            structlog.get_logger().warning("the quorum is reached again")
        self._pending = pending

    async def _watched_round(self, state: State, decided: asyncio.Event) -> None:
        try:
            with logged("could not anchor, will be tried again"):
                await self._round(state, decided)
        finally:
            decided.set()

    async def _round(self, state: State, decided: asyncio.Event) -> set[Verifier]:
        """Ask everybody for one checkpoint and take what comes; return who has cosigned it.

        What was given for the same checkpoint before still counts: some may be reached now, others then.
        """
        if self._gathered[0] != state:
            self._gathered = state, {}
        lines = self._gathered[1]
        async for answered in self._asking.asked(state.checkpoint, self._prove):
            asked = answered if answered.ahead is None else await self._judged(answered, answered.ahead)
            self._tell(asked)
            if asked.line is not None:
                is_new = asked.witness.verifier not in lines or self._settled < state.size
                lines[asked.witness.verifier] = asked.line
                if is_new and self._policy.satisfied(lines):
                    await self._store(state, tuple(lines.values()))
                    decided.set()
        return set(lines)

    async def _prove(self, first: int, second: int) -> Sequence[bytes]:
        if not 0 < first < second:
            return ()
        return await self._database.read(lambda each: read_consistency(each, first, second))

    async def _store(self, state: State, lines: tuple[bytes, ...]) -> None:
        """Store what reached the quorum, and only then tell of it."""
        open_by_policy(state.checkpoint + b"".join(lines), self._policy)
        at = to_ms(self._clock())
        note = await self._database.write(lambda each: anchors.add(each, state, lines, at))
        self._settled = max(self._settled, state.size)
        self._anchored.take(State(state.size, note))

    def _counted(self, anchor: State | None) -> int:
        """Return the size that need not be asked for again; -1 if this policy demands more than is stored.

        Raises StartError for a row that is damaged.
        """
        try:
            return open_by_policy(anchor.checkpoint, self._policy)[0].size if anchor else -1
        except VerificationError:
            return -1
        except TlogError as error:
            raise StartError(
                f"the newest anchored checkpoint is damaged ({error.reason}): zk ledger fsck names the row"
            ) from None

    def _tell(self, asked: Asked) -> None:
        """Name a witness when it begins or ceases to fail, and not each time."""
        name, before, now = asked.witness.name, self._faults.get(asked.witness.name), asked.fault
        log = structlog.get_logger()
        if now is None:
            if self._faults.pop(name, None):
                log.warning("a witness cosigns again", witness=name)
            return
        self._faults[name] = now
        if before is None or before.kind != now.kind:
            log.warning("a witness did not cosign", witness=name, fault=now.kind, detail=now.detail[:_DETAIL])

    async def _judged(self, asked: Asked, note: bytes) -> Asked:
        """Compare a checkpoint that our own key signed with our log; stop if it is not of it.

        What only a retired key signed is the fault of the witness that shows it.
        """
        found = await self._database.read(lambda each: behind.contradiction(each, note, self._keys))
        if found is None:
            return asked  # another replica has moved on since we asked
        if not found.counts:
            return replace(asked, fault=Fault(FaultKind.SIGNATURE, found.why))
        witness, text = asked.witness.name, behind.explained(asked.witness.name, found.why)
        structlog.get_logger().error("the log is behind its witnesses", witness=witness, note=note.decode())
        try:
            await self._database.write(lambda each: marks.write(each, Mark.BEHIND, text))
        finally:
            self._stop(text)
        return asked

    def _stop(self, text: str) -> None:
        if not self._behind.done():
            self._behind.set_exception(LogBehindError(text))
