"""Answers that a verifier's edge accepts only once their receipts are anchored.

The wallet is not kept waiting: it gets its receipt when the answer holds. The session stays pending until the
quorum of witnesses has cosigned a checkpoint that covers the answer, and everything that it rests on; then
the answer is kept and told. One that is not anchored in time is not accepted: its record is kept as pending,
and the verifier can anchor it later.
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
from verifier.aio import AsyncVerifierClient
from verifier.client.calls import pauses
from verifier.client.exchange import anchored_by
from verifier.errors import VerifierError

ANCHORED_WITHIN: Final = timedelta(minutes=10)
"""So long an answer waits for its quorum."""
_LOG: Final = logging.getLogger(__name__)
Keep = Callable[[AnyAnswered], Awaitable[object]]


@dataclass(frozen=True)
class Demand:
    """What a receipt has to have: the quorum of a policy, within some time."""

    policy: tlog.Policy
    within: timedelta = ANCHORED_WITHIN


class Anchoring:
    """The answers of an edge that wait for their quorum, each in a task of its own.

    Only keeping an answer decides that it is not accepted, by a VerifierError. Whatever goes wrong with
    anchoring it is tried again, also what does not hold: the log has then shown its witnesses another ledger,
    and the record is what proves it.
    """

    def __init__(self, client: AsyncVerifierClient, sessions: Sessions, demand: Demand) -> None:
        self._client, self._sessions, self._demand = client, sessions, demand
        self._tasks, self._ends = set[asyncio.Task[None]](), asyncio.Event()

    @property
    def shows(self) -> frozenset[tlog.ReceiptState]:
        """What receipts are once they have the quorum."""
        return anchored_by(self._demand.policy)

    def begin(self, session: Session, answered: AnyAnswered, keep: Keep, keep_pending: Keep) -> None:
        """Begin to wait for an answer's quorum, and keep it then; its session has to be KEEPING."""
        task = asyncio.create_task(self._wait(session, answered, keep, keep_pending))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        """End all waiting: what is not anchored now is kept as pending."""
        # Told and not cancelled: a task that has not begun keeps its answer too, and what is being kept is
        # kept once.
        self._ends.set()
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _wait(self, session: Session, answered: AnyAnswered, keep: Keep, keep_pending: Keep) -> None:
        session.answered = answered
        try:
            if await self._kept(session, answered, keep):
                self._sessions.kept(session)
                return
        except VerifierError:
            self._sessions.not_accepted(session)
            return
        held = session.answered
        self._sessions.not_accepted(session)
        with suppress(VerifierError):  # it is not accepted in any case
            await self._try(keep_pending(held), VerifierError)

    async def _kept(self, session: Session, answered: AnyAnswered, keep: Keep) -> bool:
        """Anchor and keep an answer; tell whether it was in time. VerifierError: it is not accepted."""
        loop, waits = asyncio.get_running_loop(), pauses()
        ends, anchored = loop.time() + self._demand.within.total_seconds(), None
        while True:
            anchored = anchored or await self._try(self._anchored(answered))
            if anchored is not None:
                session.answered = anchored
                if await self._try(_true(keep(anchored)), VerifierError):
                    return True
            left = ends - loop.time()
            if left <= 0 or self._ends.is_set():
                return False
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ends.wait(), min(next(waits), left))

    async def _anchored(self, answered: AnyAnswered) -> AnyAnswered | None:
        record: Any = await self._client.anchor(answered.record, self._demand.policy)
        return None if record is None else answered.with_record(record)

    @staticmethod
    async def _try(done: Awaitable[Any], *final: type[Exception]) -> Any:
        """Return what comes of it, None if it failed for now; raises what is final."""
        try:
            return await done
        except final:
            raise
        except Exception as error:
            # By its kind alone: its text may have values, or a path.
            _LOG.warning("an answer is not yet kept: %s", type(error).__name__)
            return None


async def _true(done: Awaitable[object]) -> bool:
    await done
    return True
