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
from openid.app.sessions import AnyAnswered, Session, Sessions, State
from verifier.aio import AsyncVerifierClient
from verifier.client.calls import pauses

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

    `not_held` are the errors by which an answer turns out not to be acceptable; after any other it is tried
    again.
    """

    def __init__(
        self,
        client: AsyncVerifierClient,
        sessions: Sessions,
        demand: Demand,
        not_held: tuple[type[Exception], ...],
    ) -> None:
        self._client, self._sessions, self._demand, self._not_held = client, sessions, demand, not_held
        self._tasks = set[asyncio.Task[None]]()

    def begin(self, session: Session, answered: AnyAnswered, keep: Keep, keep_pending: Keep) -> None:
        """Begin to wait for an answer's quorum, and keep it then; its session has to be KEEPING."""
        task = asyncio.create_task(self._wait(session, answered, keep, keep_pending))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        """End all waiting: what is not anchored now is kept as pending."""
        for each in self._tasks:
            each.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _wait(self, session: Session, answered: AnyAnswered, keep: Keep, keep_pending: Keep) -> None:
        try:
            await self._accept(session, answered, keep)
        except self._not_held:
            self._sessions.not_accepted(session)
        finally:
            if session.state is State.KEEPING:
                self._sessions.not_accepted(session)
                with suppress(*self._not_held):  # it is not accepted in any case
                    await self._try(keep_pending(answered))

    async def _accept(self, session: Session, answered: AnyAnswered, keep: Keep) -> None:
        loop, waits = asyncio.get_running_loop(), pauses()
        ends, anchored = loop.time() + self._demand.within.total_seconds(), None
        while True:
            anchored = anchored or await self._try(self._anchored(answered))
            if anchored is not None and await self._try(_true(keep(anchored))):
                session.answered = anchored
                self._sessions.kept(session)
                return
            left = ends - loop.time()
            if left <= 0:
                return
            await asyncio.sleep(min(next(waits), left))

    async def _anchored(self, answered: AnyAnswered) -> AnyAnswered | None:
        record: Any = await self._client.anchor(answered.record, self._demand.policy)
        return None if record is None else answered.with_record(record)

    async def _try(self, done: Awaitable[Any]) -> Any:
        """Return what comes of it, None if it failed for now; raises what says that the answer is none."""
        try:
            return await done
        except self._not_held:
            raise
        except Exception as error:
            # By its kind alone: its text may have values, or a path.
            _LOG.warning("an answer is not yet kept: %s", type(error).__name__)
            return None


async def _true(done: Awaitable[object]) -> bool:
    await done
    return True
