"""How the benchmarks measure: the rounds that fit --benchmark-max-time, in turns with P and the parts."""

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from zk.bench.measure import Operation, ratio, rounds_for, timed, unit

Measure = Callable[..., list[float]]
_LEAST_CHECKS = 20


@pytest.fixture(scope="session")
def check() -> Operation | None:
    """P, where the native module is."""
    return unit()


@pytest.fixture
def measure(benchmark: BenchmarkFixture, check: Operation | None, request: pytest.FixtureRequest) -> Measure:
    """Return what measures an operation and keeps `info` beside its figures.

    `share` is how many things one run does. Returns the median seconds of each part; how many times the sum
    of its parts a run took is kept as `over`.
    """
    seconds = float(request.config.getoption("benchmark_max_time"))

    def run(
        operation: Operation,
        /,
        *,
        parts: Sequence[Operation] = (),
        share: int = 1,
        most: int = 400,
        **info: Any,
    ) -> list[float]:
        meanwhile: list[list[float]] = [[] for _ in parts]
        checks: list[float] = []
        rounds = rounds_for(operation, seconds, most=most)

        def the_others() -> None:
            if check:
                checks.append(median(timed(check) for _ in range(-(-_LEAST_CHECKS // rounds))))
            for part, taken in zip(parts, meanwhile, strict=True):
                taken.append(timed(part))

        the_others()
        checks.clear()
        for taken in meanwhile:
            taken.clear()
        benchmark.pedantic(operation, setup=the_others, rounds=rounds)  # type: ignore[no-untyped-call]
        if benchmark.stats is None:
            raise RuntimeError("the benchmark was disabled: nothing was measured")
        times = benchmark.stats.stats.data
        benchmark.extra_info.update(info, seconds=median(times) / share, share=share)
        if checks:
            benchmark.extra_info.update(unit_seconds=median(checks), ratio=ratio(times, checks) / share)
        if parts:
            benchmark.extra_info["over"] = ratio(
                times, [sum(taken) for taken in zip(*meanwhile, strict=True)]
            )
        return [median(taken) for taken in meanwhile]

    return run
