"""Times that take turns, and the unit P that they are divided by.

Times are processor time of the whole process: what else the machine does meanwhile does not count, and an
operation that used several threads would pay for all of them.
"""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from time import perf_counter, process_time

Operation = Callable[[], object]


def unit() -> Operation | None:
    """Return the pairing check that everything is divided by; None without the native module."""
    try:
        import zk_native as native  # noqa: PLC0415  (the other groups are measured without it)
    except ModuleNotFoundError:
        return None
    key = native.SecretKey.from_octets((7).to_bytes(32)).public_key()
    g1, minus_g2 = native.g1_generator(), native.g2_generator().negated()
    seven = native.msm([g1], (7).to_bytes(32), None, b"", False)
    return lambda: native.pairing_check_unprepared(g1, key, seven, minus_g2)


def timed(operation: Operation) -> float:
    """Return the seconds of processor time of one run."""
    start = process_time()
    operation()
    return process_time() - start


def in_turns(operations: Sequence[Operation], rounds: int) -> list[list[float]]:
    """Return the seconds of each run of each, from runs that take turns."""
    times: list[list[float]] = [[] for _ in operations]
    for _ in range(rounds):
        for operation, taken in zip(operations, times, strict=True):
            taken.append(timed(operation))
    return times


def medians(operations: Sequence[Operation], rounds: int) -> list[float]:
    """Return the median seconds of each, from runs that take turns."""
    return [median(taken) for taken in in_turns(operations, rounds)]


def ratio(times: Sequence[float], units: Sequence[float]) -> float:
    """Return the median of how many times its own round's unit each run took.

    Round by round, since a processor that changes its clock, or is shared, does so for whole rounds.
    """
    return median(time / one for time, one in zip(times, units, strict=True))


def rounds_for(operation: Operation, seconds: float, *, least: int = 3, most: int = 400) -> int:
    """Return how many rounds of an operation, run once here to warm it up, fit into some seconds."""
    operation()
    start = perf_counter()
    operation()
    return max(least, min(most, int(seconds / max(perf_counter() - start, 1e-9))))


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the garbage collector out of the figures."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
