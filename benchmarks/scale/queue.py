"""Arrivals at the peak on so many cores: do callers wait, or does the arithmetic leave room enough?

One queue, served by cores that take what came first; arrivals are independent of each other, and each takes
what its kind took when it was measured, one after the other drawn from those times. A use is one piece of
work here, where the server has it in four calls: so callers wait rather longer here than there.
"""

import heapq
import random
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """Callers of one kind: how many a second come, and the seconds of a core that one may take."""

    rate: float
    times: Sequence[float]


@dataclass(frozen=True)
class Waited:
    """What happened to arrivals: the share of time that cores worked, seconds of work and until the answer.

    `p99_work` is what the 99th of a hundred would take if nobody waited.
    """

    arrivals: int
    cores: int
    busy: float
    median: float
    p99: float
    p99_work: float


def serve(kinds: Sequence[Kind], cores: int, arrivals: int, seed: int) -> Waited:
    """Let so many callers arrive."""
    chance = random.Random(seed)
    rates = [each.rate for each in kinds]
    rate = sum(rates)
    free, now = [0.0] * cores, 0.0
    work, spent = list[float](), list[float]()
    for kind in chance.choices(kinds, rates, k=arrivals):
        now += chance.expovariate(rate)
        takes = chance.choice(kind.times)
        ends = max(now, free[0]) + takes
        heapq.heapreplace(free, ends)
        work.append(takes)
        spent.append(ends - now)
    busy = sum(work) / (cores * max(free))
    work.sort()
    spent.sort()
    p99 = arrivals * 99 // 100
    return Waited(arrivals, cores, busy, spent[arrivals // 2], spent[p99], work[p99])


def fewest_cores(kinds: Sequence[Kind], most: int, arrivals: int, seed: int) -> int:
    """Return on how few cores 99 of 100 are answered in twice the time that the 99th takes alone.

    `most` are known to be enough.
    """
    least = 1
    while least < most:
        middle = (least + most) // 2
        waited = serve(kinds, middle, arrivals, seed)
        if waited.p99 <= 2 * waited.p99_work:
            most = middle
        else:
            least = middle + 1
    return most
