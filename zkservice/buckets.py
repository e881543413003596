"""Token buckets, one for each tenant, in bounded memory.

A bucket holds what a tenant may still spend at once; it fills again with time. Forgetting a bucket that is
full and in nobody's use loses nothing, and no other one is ever forgotten: whoever comes from many addresses
gets nobody's bucket forgotten, its own neither. While all that are remembered are in use, further tenants
share a few buckets, each tenant always the same one of this process.
"""

import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_LOOKED_AT: Final = 16
"""So many of those unused for longest are looked at when one more is to be remembered."""
_SHARED: Final = 64
_SECRET_OCTETS: Final = 16


@dataclass(frozen=True)
class Allowance:
    """What each tenant of a kind may take: `rate` units a second, `burst` at once, and so many `calls`."""

    rate: float
    burst: float
    calls: int


class Bucket:
    """What one tenant has left, and how many of its calls are served now."""

    __slots__ = ("_allowance", "_at", "_left", "calls", "octets")

    def __init__(self, allowance: Allowance, now: float) -> None:
        self._allowance, self._left, self._at = allowance, allowance.burst, now
        self.calls = self.octets = 0

    @property
    def full_of_calls(self) -> bool:
        """Whether as many calls are served as may be at a time."""
        return self.calls >= self._allowance.calls

    def spend(self, cost: float, now: float) -> float:
        """Take what something costs and return 0; or take nothing and return the seconds until it is there.

        What costs more than a full bucket holds takes a full one, and leaves a debt.
        """
        self._fill(now)
        wanted = min(cost, self._allowance.burst)
        if self._left < wanted:
            return (wanted - self._left) / self._allowance.rate
        self._left -= cost
        return 0.0

    def owe(self, cost: float, now: float) -> None:
        """Take what something has cost that is done already, and leave a debt where there is too little.

        The debt is a full bucket at most: it is paid off in the time in which that fills.
        """
        self._fill(now)
        self._left = max(self._left - cost, min(self._left, -self._allowance.burst))

    def is_idle(self, now: float) -> bool:
        """Tell whether it is as good as a new one."""
        if self.calls:
            return False
        self._fill(now)
        return self._left >= self._allowance.burst

    def _fill(self, now: float) -> None:
        allowance = self._allowance
        self._left = min(allowance.burst, self._left + max(0.0, now - self._at) * allowance.rate)
        self._at = now


class Buckets:
    """Belongs to the event loop. Of `kept` tenants a bucket of their own is remembered."""

    def __init__(
        self, allowance: Allowance, kept: int, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._allowance, self._kept, self._monotonic = allowance, kept, monotonic
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()
        self._shared: dict[int, Bucket] = {}
        self._secret = secrets.token_bytes(_SECRET_OCTETS)

    def __len__(self) -> int:
        return len(self._buckets)

    def of(self, tenant: str) -> Bucket:
        """Return a tenant's bucket, or the one that it shares while there is no room for it."""
        bucket = self._buckets.get(tenant)
        if bucket is None:
            if len(self._buckets) >= self._kept and not self._forget_one():
                return self._shared_by(tenant)
            bucket = self._buckets[tenant] = Bucket(self._allowance, self._monotonic())
        self._buckets.move_to_end(tenant)
        return bucket

    def _forget_one(self) -> bool:
        """Forget one that is idle, if there is one among those unused for longest."""
        now = self._monotonic()
        for _ in range(min(_LOOKED_AT, len(self._buckets))):
            tenant, bucket = next(iter(self._buckets.items()))
            if bucket.is_idle(now):
                del self._buckets[tenant]
                return True
            self._buckets.move_to_end(tenant)  # the next time another one is looked at
        return False

    def _shared_by(self, tenant: str) -> Bucket:
        digest = hashlib.blake2b(tenant.encode(), key=self._secret, digest_size=2).digest()
        number = int.from_bytes(digest) % _SHARED
        if number not in self._shared:
            self._shared[number] = Bucket(self._allowance, self._monotonic())
        return self._shared[number]
