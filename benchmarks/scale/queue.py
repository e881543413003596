"""Arrivals at the peak on so many cores: do callers wait, or does the arithmetic leave room enough?

One queue, served by cores that take what came first; arrivals are independent of each other, and a use takes
what uses took when they were measured, one after the other drawn from those times.
"""

import heapq
import random
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Waited:
    """What happened to arrivals: seconds from arrival to answer, and the share of time that cores worked."""

    arrivals: int
    cores: int
    busy: float
    median: float
    p99: float
    worst: float


def serve(rate: float, cores: int, times: Sequence[float], arrivals: int, seed: int) -> Waited:
    """Let callers arrive at so many a second; `times` are the seconds of a core that a use may take."""
    chance = random.Random(seed)
    free, now, worked = [0.0] * cores, 0.0, 0.0
    spent = []
    for _ in range(arrivals):
        now += chance.expovariate(rate)
        takes = chance.choice(times)
        begun = max(now, heapq.heappop(free))
        heapq.heappush(free, begun + takes)
        worked += takes
        spent.append(begun + takes - now)
    spent.sort()
    return Waited(
        arrivals,
        cores,
        worked / (cores * max(free)),
        spent[arrivals // 2],
        spent[arrivals * 99 // 100],
        spent[-1],
    )
