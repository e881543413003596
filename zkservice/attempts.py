"""How often an exchange, an errand or an offer may be answered with what does not hold."""

import asyncio
import datetime as dt
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Final

from disclosure import DisclosureError, Reason
from zkservice import logs, tenants
from zkservice.errors import ServiceError, ServiceReason
from zkservice.storage import false_answers
from zkservice.storage.database import Database

_FALSE: Final = {
    Reason.PROOF_INVALID,
    Reason.COMMITMENT_INVALID,
    ServiceReason.REQUIRED_MISMATCH,
    ServiceReason.HOLDER_MISMATCH,
}
"""What is found out only after the costly part."""


class Attempts:
    """Counts the false answers to an exchange, so that no ticket buys verification without end.

    One that is being verified counts as false until it has held: many at once are no way around, nor is
    leaving before the answer. Kept in memory, for what failed last. That is enough for an opening, whose case
    whoever sends it names as he likes; what is ours to close is counted by `StoredAttempts`.
    """

    def __init__(self, most: int = 20, kept: int = 10_000) -> None:
        self._most, self._kept = most, kept
        self._spent: OrderedDict[str, int] = OrderedDict()

    @contextmanager
    def one(self, exchange: str) -> Iterator[None]:
        """Stand around one verification; ServiceError TOO_MANY_ATTEMPTS if the exchange had its share."""
        if self._spent.get(exchange, 0) >= self._most:
            raise _too_many(self._most)
        self._spend(exchange)
        counts = True
        try:
            yield
            counts = False
        except Exception as error:  # a caller that leaves (CancelledError) has had the work done
            counts = _is_false(error)
            raise
        finally:
            if not counts:
                self._give_back(exchange)

    def _spend(self, exchange: str) -> None:
        self._spent[exchange] = self._spent.get(exchange, 0) + 1
        self._spent.move_to_end(exchange)
        if len(self._spent) > self._kept:
            self._spent.popitem(last=False)

    def _give_back(self, exchange: str) -> None:
        left = self._spent.pop(exchange, 0) - 1
        if left > 0:
            self._spent[exchange] = left


class StoredAttempts:
    """Counts the false answers to what the service itself has made, at all servers together.

    What was judged and did not hold is written before its sender is answered, so that neither a restart nor
    another server gives more attempts. What is being judged counts in its own process: many at once at each
    of several servers are as many times the bound, once, and then there are no more.
    """

    def __init__(
        self, database: Database, clock: Callable[[], dt.datetime], most: int = 20, kept: int = 10_000
    ) -> None:
        self._database, self._clock, self._most = database, clock, most
        self._here = Attempts(most, kept)

    @asynccontextmanager
    async def one(self, subject: str) -> AsyncIterator[None]:
        """Stand around one verification; ServiceError TOO_MANY_ATTEMPTS if the subject had its share."""
        if await self._database.read(lambda each: false_answers.times(each, subject)) >= self._most:
            raise _too_many(self._most)
        with self._here.one(subject):
            try:
                yield
            except BaseException as error:
                if _is_false(error):
                    await self._count(subject)
                raise

    async def _count(self, subject: str) -> None:
        """Write it down, also if whoever waits leaves meanwhile; what fails counts in this process only."""
        writing = tenants.own(
            self._database.write(partial(false_answers.count, subject=subject, now=self._clock()))
        )
        with logs.logged("a false answer could not be counted"):
            await asyncio.shield(writing)


def _is_false(error: BaseException) -> bool:
    """Tell whether work was done for nothing: it did not hold, or its sender has left before the answer."""
    if isinstance(error, DisclosureError | ServiceError):
        return error.reason in _FALSE
    return not isinstance(error, Exception)


def _too_many(most: int) -> ServiceError:
    detail = f"{most} answers that did not hold were sent before"
    return ServiceError(ServiceReason.TOO_MANY_ATTEMPTS, detail)
