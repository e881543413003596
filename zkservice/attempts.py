"""How often an exchange, or an offer, may be answered with what does not hold."""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from disclosure import DisclosureError, Reason
from zkservice.errors import ServiceError, ServiceReason

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
    leaving before the answer. Kept in memory, for the exchanges that failed last: an exchange lives for days
    at most, and what an attacker gains by a restart is a few more attempts. Offers are counted alike.
    """

    def __init__(self, most: int = 20, kept: int = 10_000) -> None:
        self._most, self._kept = most, kept
        self._spent: OrderedDict[str, int] = OrderedDict()

    @contextmanager
    def one(self, exchange: str) -> Iterator[None]:
        """Stand around one verification; ServiceError TOO_MANY_ATTEMPTS if the exchange had its share."""
        if self._spent.get(exchange, 0) >= self._most:
            detail = f"{self._most} answers that did not hold were sent before"
            raise ServiceError(ServiceReason.TOO_MANY_ATTEMPTS, detail)
        self._spend(exchange)
        counts = True
        try:
            yield
            counts = False
        except Exception as error:  # a caller that leaves (CancelledError) has had the work done
            counts = isinstance(error, DisclosureError | ServiceError) and error.reason in _FALSE
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
