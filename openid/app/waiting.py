"""Answers that a verifier's edge accepts only once their receipts are what is demanded: anchored, ordered.

The wallet is not kept waiting: it gets its receipt when the answer holds. The session stays pending until the
quorum of witnesses has cosigned a checkpoint that covers the answer and everything that it rests on, and
until all of that is shown to be in the order of all cities, whichever is demanded; then the answer is kept
and told. One that does not come so far in time is not accepted: it is kept as pending, to be decided later.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import tlog
from openid.app.sessions import AnyAnswered, Session, Sessions
from openid.app.turns import Turns, done_before
from openid.errors import OpenIdError, OpenIdReason
from verifier.aio import AsyncVerifierClient
from verifier.anchoring import AnyRecord
from verifier.client.calls import pauses
from verifier.client.exchange import anchored_by
from verifier.errors import NOT_ORDERED, FinalError, NotNowError, VerifierReason

SHOWN_WITHIN: Final = timedelta(minutes=10)
"""So long an answer waits for what is demanded of its receipt."""
MAX_WAITING: Final = 256
"""So many answers of an edge wait at a time."""
MAX_WAITING_FROM_ONE: Final = 32
"""So many of them are of questions of one client."""
LOOKS: Final = 8
"""So many of them have their order looked for at a time: a node that hangs leaves threads to all others."""
ANCHORS: Final = 4
"""So many of them are anchored at a time, half of an edge's threads where it has few."""
CLAIMS: Final = 16
"""So many answers, of those that wait and those that do not, are claimed at a time."""
_KEEPS: Final = 2
"""So many that wait are kept at a time without a claim: the register's disk may be slow."""
_UNUSABLE: Final = "INTERNAL"
_FULL: Final = OpenIdReason.SESSIONS_FULL.value
_LEAVING_PAUSES: Final = (0.0, 0.2, 1.0, 5.0)
"""Before each attempt to keep an answer as pending: it is all that is left of it."""
_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True)
class Held:
    """An answer as it is kept: with the record as far as it was brought, and what shows its order, if any."""

    answered: AnyAnswered
    order: bytes | None = None


Keep = Callable[[Held], Awaitable[object]]


@dataclass(frozen=True)
class Demand:
    """What a receipt has to have within some time: the quorum of `policy`, what `order` brings, or both.

    `order` gives what shows a record, and all that it rests on, to be in the order of all cities. It blocks,
    and runs in the client's threads; until there is something it raises NotNowError with the reason.
    """

    policy: tlog.Policy | None = None
    order: Callable[[AnyRecord], bytes] | None = None
    within: timedelta = SHOWN_WITHIN

    @property
    def states(self) -> frozenset[tlog.ReceiptState]:
        """What receipts are once they have it."""
        ordered = frozenset() if self.order is None else frozenset({tlog.ReceiptState.ORDERED})
        return anchored_by(self.policy) | ordered

    @property
    def lacks(self) -> str:
        """Why an answer waits before anything was looked for."""
        return NOT_ORDERED if self.policy is None else VerifierReason.RECEIPT_PENDING.value


class Waiting:
    """The answers of an edge that wait for what is demanded of them, each in a task of its own.

    Only keeping an answer decides that it is not accepted, by a FinalError. Whatever else goes wrong is
    tried again, also what does not hold: the log has then shown its witnesses another ledger, and the record
    is what proves it. What comes while `most` wait, or `from_one` of one client, is kept as pending at once.

    `claims` are the turns at claiming, for whoever accepts at this edge.
    """

    def __init__(
        self,
        client: AsyncVerifierClient,
        sessions: Sessions,
        most: int = MAX_WAITING,
        from_one: int = MAX_WAITING_FROM_ONE,
    ) -> None:
        self._client, self._sessions, self._most, self._from_one = client, sessions, most, from_one
        self._tasks, self._ends = set[asyncio.Task[None]](), asyncio.Event()
        self._of, self._given_up = Counter[str](), set[asyncio.Task[bool]]()
        self._looks, self._keeps = asyncio.Semaphore(LOOKS), Turns(_KEEPS, self._ends)
        self._anchors = asyncio.Semaphore(min(ANCHORS, max(1, client.threads // 2)))
        self.claims = Turns(CLAIMS, self._ends)

    def check_room(self, client: str = "") -> None:
        """Raise OpenIdError SESSIONS_FULL where one more of a client could not wait: nobody is asked in vain.

        A client without a name is one that the edge trusts.
        """
        if not self._has_room(client):
            raise OpenIdError(OpenIdReason.SESSIONS_FULL, "too many answers wait to be anchored or ordered")

    def _has_room(self, client: str) -> bool:
        return self._of.total() < self._most and not (client and self._of[client] >= self._from_one)

    def begin(
        self,
        session: Session,
        answered: AnyAnswered,
        demand: Demand,
        keep: Keep,
        leave: Keep,
        *,
        claims: bool = False,
    ) -> None:
        """Begin to wait for what an answer lacks, and keep it then; its session has to be KEEPING.

        `leave` keeps as pending what is not in time, and tells whether it was kept before after all; `claims`
        says that `keep` claims.
        """
        self._sessions.waits(session, demand.lacks)
        ends = asyncio.get_running_loop().time() + demand.within.total_seconds()
        has_room = self._has_room(session.client)
        waits = _One(session, Held(answered), demand, keep, leave, claims, has_room, ends)
        task = asyncio.create_task(self._wait(waits))
        self._tasks.add(task)
        self._of[session.client] += has_room  # what has no room takes none: it is only left as pending
        task.add_done_callback(lambda done: self._over(done, session.client, has_room))

    def _over(self, task: "asyncio.Task[None]", client: str, had_room: bool) -> None:
        self._tasks.discard(task)
        self._of[client] -= had_room
        if not self._of[client]:
            del self._of[client]

    async def aclose(self) -> None:
        """End all waiting: what is not shown now is kept as pending."""
        # Told and not cancelled: a task that has not begun keeps its answer too, and what is being kept is
        # kept once.
        self._ends.set()
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _wait(self, one: "_One") -> None:
        session = one.session
        session.answered = one.held.answered
        try:
            is_kept = one.has_room and await self._kept(one)
        except FinalError:
            self._sessions.not_accepted(session)
            return
        if not one.has_room:
            self._sessions.waits(session, _FULL)
        if is_kept or await self._left(one):
            self._sessions.kept(session)
        else:
            self._sessions.not_accepted(session, session.reason)

    async def _kept(self, one: "_One") -> bool:
        """Wait and keep an answer; tell whether it was in time. FinalError."""
        waits, is_shown = pauses(), False
        while one.seconds > 0 and not self._ends.is_set():
            is_shown = is_shown or await self._try(one, self._shown(one))
            if is_shown and await self._try(one, self._keep(one)):
                return True
            await self._pause(min(next(waits), one.seconds))
        return False

    async def _left(self, one: "_One") -> bool:
        """Keep an answer as pending, which was not in time; tell whether it was kept before after all."""
        for pause in _LEAVING_PAUSES:
            await self._pause(pause)
            try:
                return bool(await one.leave(one.held))
            except Exception as error:
                # By its kind alone: its text may have values, or a path.
                _LOG.error("an answer is not kept as pending: %s", type(error).__name__)
        self._sessions.waits(one.session, _UNUSABLE)
        return False

    async def _shown(self, one: "_One") -> bool:
        """Bring what is demanded, in time; tell that it is here. NotNowError, and whatever goes wrong."""
        look = asyncio.create_task(self._look(one))
        if await done_before(look, self._ends, one.seconds):
            return look.result()
        # Nothing depends on it any more. It keeps its turn until its thread is free.
        look.cancel()
        self._given_up.add(look)
        look.add_done_callback(self._given_up.discard)
        return False

    async def _look(self, one: "_One") -> bool:
        policy, order = one.demand.policy, one.demand.order
        if policy is not None and not one.is_anchored:
            await self._anchor(one, policy)
        if order is not None:
            kept = one.held.answered.record
            async with self._looks:
                shown = await self._client.run(lambda: order(kept))
            one.held = Held(one.held.answered, shown)
        return True

    async def _anchor(self, one: "_One", policy: tlog.Policy) -> None:
        """Bring an answer to anchored; NotNowError if it is not by now."""
        kept: Any = one.held.answered.record
        async with self._anchors:
            record = await self._client.anchor(kept, policy)
        if record is None:
            raise NotNowError(VerifierReason.RECEIPT_PENDING.value)
        one.is_anchored, one.held = True, Held(one.held.answered.with_record(record))
        one.session.answered = one.held.answered
        if one.demand.order is not None:
            self._sessions.waits(one.session, NOT_ORDERED)

    async def _keep(self, one: "_One") -> bool:
        """Keep an answer once its turn comes; tell whether it came in time. What keeping raises."""
        turns = self.claims if one.claims else self._keeps
        if turns.are_taken:
            self._sessions.waits(one.session, _FULL)
        async with turns.turn(one.seconds) as is_mine:
            if not is_mine or one.seconds <= 0:
                return False
            await one.keep(one.held)
        return True

    async def _try(self, one: "_One", done: Awaitable[bool]) -> bool:
        """Return what comes of it, False if it failed for now; FinalError."""
        try:
            return await done
        except FinalError:
            raise
        except NotNowError as error:
            self._sessions.waits(one.session, error.reason)
        except Exception as error:
            # By its kind alone: its text may have values, or a path.
            _LOG.warning("an answer is not yet kept: %s", type(error).__name__)
            self._sessions.waits(one.session, _UNUSABLE)
        return False

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ends.wait(), seconds)


@dataclass(eq=False)
class _One:
    """One answer that waits: what it has by now, where it goes, and until when by the loop's clock."""

    session: Session
    held: Held
    demand: Demand
    keep: Keep
    leave: Keep
    claims: bool
    has_room: bool
    ends: float
    is_anchored: bool = False

    @property
    def seconds(self) -> float:
        """How long it may still wait."""
        return self.ends - asyncio.get_running_loop().time()
