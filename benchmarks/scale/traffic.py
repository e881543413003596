"""One part in a thousand of the peak on a real server: callers that come when they come, not in turns.

What is measured one use after the other says nothing of the pauses between them, in which processes fall
asleep and caches go cold, nor of what the server does by itself.
"""

import random
import time

from benchmarks.scale.arithmetic import Action
from benchmarks.scale.measure import Tell, folder, using
from zk.bench.questions import Question


def busy_cores(question: Question, rate: float, seconds: float, seed: int, tell: Tell) -> float:
    """Have uses come for some time, so many a second in the mean; return how many cores were busy."""
    chance = random.Random(seed)
    moments = sorted(chance.uniform(0, seconds) for _ in range(arrivals(rate, seconds)))
    with folder() as place, using(question, place) as (server, met):
        begun, before = time.monotonic(), server.seconds()
        for done, moment in enumerate(moments, 1):
            time.sleep(max(0.0, begun + moment - time.monotonic()))
            met.seconds()
            tell(done)
        time.sleep(max(0.0, begun + seconds - time.monotonic()))
        return (server.seconds() - before) / (time.monotonic() - begun)


def arrivals(rate: float, seconds: float) -> int:
    """Return how many come."""
    return round(rate * seconds)


def predicted(action: Action, rate: float, seconds: float) -> float:
    """Return how many cores the arithmetic takes for busy."""
    return action.seconds * arrivals(rate, seconds) / seconds
