"""How often one client may open something: a bucket of tokens for each, in bounded memory.

A bucket that is full again is as good as a new one and is forgotten. While all that are remembered are in
use, further clients share one: nobody gets rid of another's bucket, or of his own.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

RATE: Final = 1.0
BURST: Final = 60.0
KEPT: Final = 10_000


@dataclass
class _Bucket:
    left: float
    at: float


class Openings:
    """`rate` openings a second and `burst` at once for each of `kept` clients; `monotonic` gives seconds."""

    def __init__(
        self,
        rate: float = RATE,
        burst: float = BURST,
        kept: int = KEPT,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rate, self._burst, self._kept, self._monotonic = rate, burst, kept, monotonic
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._shared = _Bucket(burst, monotonic())

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, client: str) -> float:
        """Take one opening and return 0; or take nothing and return the seconds until there is one."""
        now = self._monotonic()
        bucket = self._of(client, now)
        self._fill(bucket, now)
        if bucket.left < 1:
            return (1 - bucket.left) / self._rate
        bucket.left -= 1
        return 0.0

    def _of(self, client: str, now: float) -> _Bucket:
        bucket = self._buckets.get(client)
        if bucket is None:
            self._forget_full(now)
            if len(self._buckets) >= self._kept:
                return self._shared
            bucket = self._buckets[client] = _Bucket(self._burst, now)
        self._buckets.move_to_end(client)
        return bucket

    def _forget_full(self, now: float) -> None:
        # The one unused for longest is full before the others, give or take what each has spent.
        while self._buckets:
            oldest = next(iter(self._buckets.values()))
            self._fill(oldest, now)
            if oldest.left < self._burst:
                return
            self._buckets.popitem(last=False)

    def _fill(self, bucket: _Bucket, now: float) -> None:
        bucket.left = min(self._burst, bucket.left + max(0.0, now - bucket.at) * self._rate)
        bucket.at = now
