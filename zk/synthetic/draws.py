"""Chance that can be drawn again: from a seed and a place, and from nothing else."""

import datetime as dt
import hashlib
import random
from collections.abc import Sequence
from typing import TypeVar

_Thing = TypeVar("_Thing")
_PREFIX = b"zk-disclosure/synthetic-city/v1\x00"


def octets(seed: int, *place: int | str) -> bytes:
    """Return 32 octets that follow from a seed and a place in the city."""
    return hashlib.sha256(_PREFIX + repr((seed, *place)).encode()).digest()


class Draw:
    """What is drawn at one place, one thing after the other. Not for secrets of real people."""

    def __init__(self, seed: int, *place: int | str) -> None:
        self._random = random.Random(octets(seed, *place))  # noqa: S311  (to be drawn again, not to be secret)

    def chance(self, share: float) -> bool:
        """Tell whether something happens that happens to this share."""
        return self._random.random() < share

    def number(self, low: int, high: int) -> int:
        """Return a whole number from low to high, both included."""
        return self._random.randint(low, high)

    def amount(self, low: int, high: int, step: int) -> int:
        """Return a multiple of a step, small ones more often: as incomes and areas are spread."""
        return round(self._random.triangular(low, high, low + (high - low) / 4)) // step * step

    def one(self, things: Sequence[_Thing]) -> _Thing:
        """Return one of these."""
        return self._random.choice(things)

    def weighed(self, things: Sequence[tuple[_Thing, float]]) -> _Thing:
        """Return one of these, each as often as it weighs."""
        return self._random.choices([each for each, _ in things], [weight for _, weight in things])[0]

    def day(self, first: dt.date, last: dt.date) -> dt.date:
        """Return a day from first to last; `first` if there is none between them."""
        return first + dt.timedelta(days=self.number(0, max(0, (last - first).days)))
