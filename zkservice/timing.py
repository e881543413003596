"""How often something is done and how long it takes, counted where it is done.

Counting costs a few additions and knows nothing of who reads it: metrics are made of it when somebody asks.
State rules: one thread counts in each `Timings`; others may read, and see numbers that are a moment old.
"""

import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper ends of the ranges that durations are counted in. Seconds."""

Told = Callable[[str, float, int], None]
"""Is told of work when it has ended: its name, how many seconds it took, how many members it had."""


class Timings:
    """Durations of one kind of work. `members` are what its pieces held: the writes of a group, for instance.

    `told`, where it is set, is told of each piece at its end, in the thread that did it; it must not raise.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.counts = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0
        self.members = 0
        self.told: Told | None = None

    def took(self, seconds: float, members: int = 1) -> None:
        """Count a piece of work that has ended."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.seconds += seconds
        self.members += members
        if self.told is not None:
            self.told(self.name, seconds, members)

    @contextmanager
    def timed(self, members: int = 1) -> Iterator[None]:
        """Count what is done in the block, however it ends."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.took(time.monotonic() - started, members)

    @property
    def pieces(self) -> int:
        """How many pieces were done."""
        return sum(self.counts)
