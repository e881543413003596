"""The game: a coin for each use says which of two made it; does anything that is seen tell of the coins?

The coins are fair and independent. If what is seen does not depend on them, whatever is asked of it (octets,
lengths, order, times) agrees with the coins by chance alone, and how far that goes is known exactly:

* the times that yes goes with heads are binomial with 1/2 (`tests.disclosure.composite.distinguisher`);
* the octets at one place fall into 256 bins, and once what is seen is given, the heads in each bin are
  binomial with 1/2, independently. A bin's (2 heads - n) / sqrt(n) is sub-Gaussian with variance 1 at most,
  so the sum of their squares over B bins is x or more with probability exp(-(x - B - B ln(x / B)) / 2) at
  most: Chernoff's bound of chi-square with B degrees of freedom, which holds for every size of the sample.

With M questions each is a false alarm with probability 2^-20 / (SHARE * M) at most. So one game accuses
honest uses with probability 2^-20 / SHARE at most, and all games of these tests together with 2^-21.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log

from tests.disclosure.composite.distinguisher import (
    FALSE_ALARM_BITS,
    Bound,
    Count,
    counted,
    numbers,
)
from tests.observer.seeing import Seen

SHARE = 16
"""So many games may share half of the false alarms; there are eight at most."""
_HISTOGRAM = 256
_OFTEN = range(1, 9)
"""An octet occurs four times in a leaf and its note, on average: asked is whether at least so often."""


@dataclass(frozen=True)
class Trial:
    """Uses in the order in which they stand on the log, and by whom each is: True is heads."""

    uses: Sequence[Seen]
    coins: Sequence[bool]

    def __post_init__(self) -> None:
        assert len(self.uses) == len(self.coins)


@dataclass(frozen=True)
class Spread:
    """One test by chi-square: over `bins` bins that were hit the statistic is `x`."""

    question: str
    bins: int
    x: float

    def log_bound(self) -> float:
        """Return the logarithm of what bounds the probability of at least this."""
        if self.x <= self.bins:
            return 0.0
        return -(self.x - self.bins - self.bins * log(self.x / self.bins)) / 2


def findings(trial: Trial) -> list[str]:
    """Return the questions whose answers tell of the coins."""
    counts = [*_bits(trial), *_places(trial), *_histogram(trial), *_nearest(trial)]
    spreads = list(_spreads(trial))
    tests = SHARE * (len(counts) + len(spreads))
    bound, most = Bound(tests), -log(tests) - FALSE_ALARM_BITS * log(2)
    found = [each.question for each in counts if bound.exceeded_by(each)]
    return found + [each.question for each in spreads if each.log_bound() < most]


def _padded(trial: Trial) -> list[bytes]:
    octets = [each.payload for each in trial.uses]
    most = max(map(len, octets))
    return [each.ljust(most, b"\x00") for each in octets]


def _bits(trial: Trial) -> Iterator[Count]:
    """Each bit, and whether it is that of the use before, which may tell whether both are of one holder."""
    octets = _padded(trial)
    words, width = [int.from_bytes(each) for each in octets], 8 * len(octets[0])
    yield from counted("bit", words, width, trial.coins)
    changes = [one ^ two for one, two in pairwise(words)]
    switched = [one ^ two for one, two in pairwise(trial.coins)]
    yield from counted("change of bit", changes, width, switched)


def _places(trial: Trial) -> Iterator[Count]:
    """Lengths; where and when: place and its parity, block, time, how long after the one before."""
    uses, coins = trial.uses, trial.coins
    yield from numbers("length of leaf", [len(each.entry) for each in uses], coins)
    yield from numbers("length of note", [len(each.note) for each in uses], coins)
    yield from numbers("place in block", [each.place for each in uses], coins)
    yield from numbers("height", [each.height for each in uses], coins)
    yield from counted("bit of index", [each.index for each in uses], 24, coins)
    yield from counted("bit of order", list(range(len(uses))), 12, coins)
    yield from counted("bit of time", [each.time_ms % (1 << 24) for each in uses], 24, coins)
    gaps = [0, *(two.index - one.index for one, two in pairwise(uses))]
    yield from numbers("gap", gaps, coins)


def _histogram(trial: Trial) -> Iterator[Count]:
    """How often each octet occurs in a use, how many ones there are, how many octets that are different."""
    found = [Counter(each.payload) for each in trial.uses]
    cuts = [(value, least) for value in range(_HISTOGRAM) for least in _OFTEN]
    words = [int("".join("1" if each[value] >= least else "0" for value, least in cuts), 2) for each in found]
    yield from counted("histogram", words, len(cuts), trial.coins)
    ones = [int.from_bytes(each.payload).bit_count() for each in trial.uses]
    yield from numbers("ones", ones, trial.coins)
    yield from numbers("different octets", [len(each) for each in found], trial.coins)


def _nearest(trial: Trial) -> Iterator[Count]:
    """Learn the mean of heads and of tails from the first half; guess the second by which is nearer."""
    half, coins = len(trial.uses) // 2, trial.coins
    octets = _padded(trial)
    for name, features in (
        ("octets", [list(each) for each in octets]),
        ("bits of the note", [_bits_of(each.note) for each in trial.uses]),
        ("histogram", [_histogram_of(each.payload) for each in trial.uses]),
    ):
        centre = {side: _mean(features[:half], coins[:half], side) for side in (True, False)}
        weights = [one - two for one, two in zip(centre[True], centre[False], strict=True)]
        middle = sum(w * (one + two) / 2 for w, one, two in zip(weights, *centre.values(), strict=True))
        guesses = [
            sum(w * x for w, x in zip(weights, each, strict=True)) > middle for each in features[half:]
        ]
        right = sum(guess == coin for guess, coin in zip(guesses, coins[half:], strict=True))
        yield Count(f"nearest centroid by {name}", len(guesses), right)


def _bits_of(note: bytes) -> list[int]:
    """Return the first and the last bit of each octet: all eight would take long and tell the same."""
    return [bit for octet in note.ljust(1024, b"\x00")[:1024] for bit in (octet >> 7, octet & 1)]


def _histogram_of(octets: bytes) -> list[int]:
    found = Counter(octets)
    return [found[value] for value in range(_HISTOGRAM)]


def _mean(rows: Sequence[Sequence[int]], coins: Sequence[bool], side: bool) -> list[float]:
    chosen = [row for row, coin in zip(rows, coins, strict=True) if coin is side]
    return [sum(column) / max(1, len(chosen)) for column in zip(*chosen, strict=True)]


def _spreads(trial: Trial) -> Iterator[Spread]:
    """The octets at each place: whether heads and tails are spread over them alike."""
    coins = [1 if coin else -1 for coin in trial.coins]
    for place, column in enumerate(zip(*_padded(trial), strict=True)):
        yield spread(f"spread at {place}", column, coins)


def spread(question: str, column: Sequence[int], signs: Sequence[int]) -> Spread:
    """Return the statistic of one column of octets; `signs` has 1 for heads and -1 for tails."""
    total, sums = Counter(column), defaultdict[int, int](int)
    for octet, sign in zip(column, signs, strict=True):
        sums[octet] += sign
    x = sum(sums[octet] ** 2 / count for octet, count in total.items())
    return Spread(question, len(total), x)
