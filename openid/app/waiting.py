"""Answers that a verifier's edge accepts only once their receipts are what is demanded: anchored, ordered.

The wallet is not kept waiting: it gets its receipt when the answer holds. The session stays pending until the
quorum of witnesses has cosigned a checkpoint that covers the answer and everything that it rests on, and
until all of that is shown to be in the order of all cities, whichever is demanded; then the answer is kept
and told. One that does not come so far in time is not accepted: it is kept as pending, to be decided later.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import tlog
from openid.app.sessions import AnyAnswered, Session, Sessions
from openid.errors import OpenIdError, OpenIdReason
from verifier.aio import AsyncVerifierClient
from verifier.anchoring import AnyRecord
from verifier.client.calls import pauses
from verifier.client.exchange import anchored_by
from verifier.errors import NotNowError, VerifierError, VerifierReason

SHOWN_WITHIN: Final = timedelta(minutes=10)
"""So long an answer waits for what is demanded of its receipt."""
MAX_WAITING: Final = 256
"""So many answers of an edge wait at a time."""
_LOOKS: Final = 8
"""So many of them have their order looked for at a time: a node that hangs leaves threads to all others."""
_UNUSABLE: Final = "INTERNAL"
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


class Waiting:
    """The answers of an edge that wait for what is demanded of them, each in a task of its own.

    Only keeping an answer decides that it is not accepted, by a VerifierError. Whatever else goes wrong is
    tried again, also what does not hold: the log has then shown its witnesses another ledger, and the record
    is what proves it. What comes while `most` wait is kept as pending at once.
    """

    def __init__(self, client: AsyncVerifierClient, sessions: Sessions, most: int = MAX_WAITING) -> None:
        self._client, self._sessions, self._most = client, sessions, most
        self._tasks, self._ends = set[asyncio.Task[None]](), asyncio.Event()
        self._looks = asyncio.Semaphore(_LOOKS)

    def check_room(self) -> None:
        """Raise OpenIdError SESSIONS_FULL where one more could not wait: nobody is asked in vain."""
        if len(self._tasks) >= self._most:
            raise OpenIdError(OpenIdReason.SESSIONS_FULL, "too many answers wait to be anchored or ordered")

    def begin(
        self, session: Session, answered: AnyAnswered, demand: Demand, keep: Keep, keep_pending: Keep
    ) -> None:
        """Begin to wait for what an answer lacks, and keep it then; its session has to be KEEPING."""
        waits = _One(session, Held(answered), demand, keep, keep_pending, len(self._tasks) < self._most)
        task = asyncio.create_task(self._wait(waits))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

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
            if one.has_room and await self._kept(one):
                self._sessions.kept(session)
                return
        except VerifierError:
            self._sessions.not_accepted(session)
            return
        full = OpenIdReason.SESSIONS_FULL.value
        self._sessions.not_accepted(session, session.reason if one.has_room else full)
        with suppress(VerifierError):  # it is not accepted in any case
            await self._try(one, one.keep_pending(one.held), VerifierError)

    async def _kept(self, one: "_One") -> bool:
        """Wait and keep an answer; tell whether it was in time. VerifierError: it is not accepted."""
        loop, waits = asyncio.get_running_loop(), pauses()
        ends, is_shown = loop.time() + one.demand.within.total_seconds(), False
        while True:
            is_shown = is_shown or bool(await self._try(one, self._shown(one)))
            if is_shown and await self._try(one, _true(one.keep(one.held)), VerifierError):
                return True
            left = ends - loop.time()
            if left <= 0 or self._ends.is_set():
                return False
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ends.wait(), min(next(waits), left))

    async def _shown(self, one: "_One") -> bool:
        """Bring what is demanded, and tell that it is here; NotNowError, and whatever goes wrong."""
        policy, order = one.demand.policy, one.demand.order
        if policy is not None and not one.is_anchored:
            record: Any = await self._client.anchor(one.held.answered.record, policy)
            if record is None:
                raise NotNowError(VerifierReason.RECEIPT_PENDING.value)
            one.is_anchored, one.held = True, Held(one.held.answered.with_record(record))
            one.session.answered = one.held.answered
        if order is not None:
            async with self._looks:
                kept = one.held.answered.record
                shown = None if self._ends.is_set() else await self._client.run(lambda: order(kept))
            one.held = Held(one.held.answered, shown)
            return shown is not None
        return True

    async def _try(self, one: "_One", done: Awaitable[Any], *final: type[Exception]) -> Any:
        """Return what comes of it, None if it failed for now; raises what is final."""
        try:
            return await done
        except final:
            raise
        except NotNowError as error:
            self._sessions.waits(one.session, error.reason)
            return None
        except Exception as error:
            # By its kind alone: its text may have values, or a path.
            _LOG.warning("an answer is not yet kept: %s", type(error).__name__)
            self._sessions.waits(one.session, _UNUSABLE)
            return None


@dataclass(eq=False)
class _One:
    """One answer that waits: what it has by now, and where it goes."""

    session: Session
    held: Held
    demand: Demand
    keep: Keep
    keep_pending: Keep
    has_room: bool
    is_anchored: bool = False


async def _true(done: Awaitable[object]) -> bool:
    await done
    return True
