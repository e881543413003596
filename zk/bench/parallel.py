"""What two threads do in the time of one: proofs verified, beside what the machine itself gives.

The machine's own ceiling is the same with the bare pairing check, which of the native group holds no lock of
the interpreter: two cores share caches, memory and a budget of heat, and are seldom worth two. Wall-clock
time; the four take turns, so that what else the machine does meanwhile falls on all of them.
"""

from collections.abc import Iterator
from statistics import median
from threading import Barrier, Thread
from time import perf_counter
from typing import Final

from bbs import SHA_256
from bbs.groups.protocol import Group
from zk.bench.cases import Case
from zk.bench.measure import Operation, pairing_check
from zk.bench.rows import Measure, Message, Row, Scale, Watch

THREADS: Final = 2
_SLICE_SECONDS: Final = 0.15


def parallel(group: Group, scale: Scale, watch: Watch) -> Iterator[Row]:
    """Measure verification and, as the ceiling, the bare pairing check."""
    case = Case(SHA_256.with_group(group), 10, 3)
    plan: list[tuple[Message, Operation]] = [
        (Message("bench.row.parallel", {"threads": THREADS}), case.proof_verify),
        (Message("bench.row.ceiling", {"threads": THREADS}), pairing_check(group)),
    ]
    counts = [_runs(operation) for _, operation in plan]
    gains: list[list[float]] = [[] for _ in plan]
    seconds: list[list[float]] = [[] for _ in plan]
    with watch(plan[0][0], scale.slices) as advance:
        for done in range(scale.slices):
            for (_, operation), count, gained, taken in zip(plan, counts, gains, seconds, strict=True):
                one, many = elapsed(operation, count, 1), elapsed(operation, count, THREADS)
                gained.append(THREADS * one / many)
                taken.append(many / (THREADS * count))
            advance(done + 1)
    for (label, _), gained, taken in zip(plan, gains, seconds, strict=True):
        yield Row(label, median(gained), median(taken) * 1e3, Measure.TIMES)


def elapsed(operation: Operation, count: int, threads: int) -> float:
    """Return the seconds from a common start until each thread has run an operation `count` times."""
    start_line = Barrier(threads + 1)

    def work() -> None:
        start_line.wait()
        for _ in range(count):
            operation()

    workers = [Thread(target=work, daemon=True) for _ in range(threads)]
    for worker in workers:
        worker.start()
    start_line.wait()
    start = perf_counter()
    for worker in workers:
        worker.join()
    return perf_counter() - start


def _runs(operation: Operation) -> int:
    """Return how often an operation, run twice here to warm it up, fits into a slice."""
    operation()
    start = perf_counter()
    operation()
    return max(1, int(_SLICE_SECONDS / (perf_counter() - start)))
