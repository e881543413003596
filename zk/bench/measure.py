"""Times that take turns, and the unit that they are divided by.

Times are processor time of the whole process: what else the machine does meanwhile does not count, and an
operation that used several threads would pay for all of them.
"""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from statistics import median
from time import perf_counter, process_time
from typing import Final

from bbs import groups
from bbs.groups.protocol import Group

Operation = Callable[[], object]
_NATIVE: Final = "blst"
_UNIT_SECONDS: Final = 0.5
_SCALAR: Final = (7).to_bytes(32, "big")


def pairing_check(group: Group) -> Operation:
    """Return one check that a product of two pairings of a group is one, with nothing prepared."""
    if group.name != _NATIVE:
        pairs = [(group.BP1, group.BP2), (group.BP1, group.BP2_negated)]
        return lambda: group.pairing_product_is_one(pairs)
    # The native group keeps its own points prepared, which makes its check cheaper than the unit.
    native = import_module("zk_native")
    key = native.SecretKey.from_octets(_SCALAR).public_key()
    g1, minus_g2 = native.g1_generator(), native.g2_generator().negated()
    seven = native.msm([g1], _SCALAR, None, b"", False)
    return lambda: native.pairing_check_unprepared(g1, key, seven, minus_g2)


def unit() -> Operation | None:
    """Return P, the pairing check of blst; None where there is no blst."""
    return pairing_check(groups.by_name(_NATIVE)) if _NATIVE in groups.available() else None


def timed(operation: Operation) -> float:
    """Return the seconds of processor time of one run."""
    start = process_time()
    operation()
    return process_time() - start


def in_turns(
    operations: Sequence[Operation], rounds: int, advance: Callable[[int], object] = lambda _: None
) -> list[list[float]]:
    """Return the seconds of each run of each, from runs that take turns; `advance` gets the rounds done."""
    times: list[list[float]] = [[] for _ in operations]
    for done in range(rounds):
        for operation, taken in zip(operations, times, strict=True):
            taken.append(timed(operation))
        advance(done + 1)
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


def unit_seconds(check: Operation) -> float:
    """Return the median seconds of a pairing check, from half a second of them or a hundred."""
    return medians([check], rounds_for(check, _UNIT_SECONDS, most=100))[0]


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the garbage collector out of the figures."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
