"""How often an exchange may be answered with what does not hold."""

from collections import OrderedDict

from zkservice.errors import ServiceError, ServiceReason


class Attempts:
    """Counts the false presentations of an exchange, so that no ticket buys verification without end.

    Kept in memory, for the exchanges that failed last: an exchange lives for days at most, and what an
    attacker gains by a restart is a few more attempts.
    """

    def __init__(self, most: int = 20, kept: int = 10_000) -> None:
        self._most, self._kept = most, kept
        self._failed: OrderedDict[str, int] = OrderedDict()

    def check(self, exchange: str) -> None:
        """Raise ServiceError TOO_MANY_ATTEMPTS for an exchange that had its share."""
        if self._failed.get(exchange, 0) >= self._most:
            detail = f"{self._most} presentations that did not hold were sent for this exchange"
            raise ServiceError(ServiceReason.TOO_MANY_ATTEMPTS, detail)

    def failed(self, exchange: str) -> None:
        """Count a presentation that did not hold."""
        self._failed[exchange] = self._failed.get(exchange, 0) + 1
        self._failed.move_to_end(exchange)
        if len(self._failed) > self._kept:
            self._failed.popitem(last=False)
