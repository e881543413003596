"""Queues in which tenants take turns: whoever has much waiting holds nobody up who has little."""

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Generic, TypeVar

_Item = TypeVar("_Item")


class Turns(Generic[_Item]):
    """First in, first out within each tenant; one of each tenant in turn. Belongs to one thread."""

    def __init__(self) -> None:
        self._queues: OrderedDict[str, deque[_Item]] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def count(self, tenant: str) -> int:
        """Return how many of a tenant wait."""
        return len(self._queues.get(tenant, ()))

    def put(self, tenant: str, item: _Item) -> None:
        """Put something behind all that its tenant has waiting."""
        self._queues.setdefault(tenant, deque()).append(item)
        self._count += 1

    def next(self) -> _Item:
        """Return what is taken next, and leave it; IndexError if nothing waits."""
        for queue in self._queues.values():
            return queue[0]
        raise IndexError

    def take(self) -> tuple[str, _Item]:
        """Take the next, with its tenant, whose next turn comes after all others'; IndexError."""
        for tenant, queue in self._queues.items():
            item = queue.popleft()
            self._count -= 1
            if queue:
                self._queues.move_to_end(tenant)
            else:
                del self._queues[tenant]
            return tenant, item
        raise IndexError

    def displace(self, tenant: str) -> _Item | None:
        """Take out the newest of whoever has most waiting, to make room for a tenant that has less.

        Return None where none has more than the tenant would have with one more.
        """
        most = max(self._queues, key=lambda each: len(self._queues[each]), default=None)
        if most is None or len(self._queues[most]) <= self.count(tenant) + 1:
            return None
        self._count -= 1
        return self._queues[most].pop()

    def keep(self, wanted: Callable[[_Item], bool]) -> None:
        """Drop all that nobody wants any more."""
        for tenant, queue in list(self._queues.items()):
            kept = deque(each for each in queue if wanted(each))
            self._count -= len(queue) - len(kept)
            if kept:
                self._queues[tenant] = kept
            else:
                del self._queues[tenant]
