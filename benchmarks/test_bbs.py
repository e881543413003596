"""The operations of the scheme over the number of messages, for each group and both ciphersuites.

pytest benchmarks/test_bbs.py --benchmark-disable-gc
"""

from collections import defaultdict
from functools import cache
from time import process_time

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bbs import SHA_256, SHAKE_256, groups
from benchmarks.conftest import Measure
from benchmarks.counting import Counting, totals
from zk.bench.cases import Batch, Case

pytestmark = pytest.mark.benchmark(timer=process_time)

SUITES = {"SHA-256": SHA_256, "SHAKE-256": SHAKE_256}
COUNTS = (1, 10, 30, 100, 1000)
SLOW, SLOW_COUNTS = "py_ecc", (1, 10)
BATCHES = (1, 4, 16, 64, 256, 1024, 4096)

KINDS = [(group, suite) for group in groups.available() for suite in SUITES]
LENGTHS = [(*kind, count) for kind in KINDS for count in (SLOW_COUNTS if kind[0] == SLOW else COUNTS)]
PROOFS = [
    (*length, shown)
    for length in LENGTHS
    for shown in sorted({0, min(3, length[-1]), length[-1] // 2, length[-1]})
]
PARTED = [
    (group, count, operation)
    for group in groups.available()
    if group != SLOW
    for count in COUNTS
    for operation in ("sign", "verify", "proof_gen", "proof_gen_prepared", "proof_verify")
]


@cache
def case(group: str, suite: str, count: int, shown: int) -> Case:
    return Case(SUITES[suite].with_group(groups.by_name(group)), count, shown)


@pytest.mark.parametrize(("group", "suite"), KINDS)
def test_keygen(measure: Measure, group: str, suite: str) -> None:
    one = case(group, suite, 1, 0)
    measure(one.keygen, operation="keygen", group=group, suite=suite, octets=len(one.pk), secret_octets=32)


@pytest.mark.parametrize(("group", "suite", "count"), LENGTHS)
@pytest.mark.parametrize("operation", ["sign", "verify"])
def test_signature(measure: Measure, operation: str, group: str, suite: str, count: int) -> None:
    one = case(group, suite, count, 0)
    info = {"group": group, "suite": suite, "L": count, "octets": len(one.signature)}
    measure(getattr(one, operation), operation=operation, **info)


@pytest.mark.parametrize(("group", "suite", "count", "shown"), PROOFS)
@pytest.mark.parametrize("operation", ["proof_gen", "proof_gen_prepared", "proof_verify"])
def test_proof(measure: Measure, operation: str, group: str, suite: str, count: int, shown: int) -> None:
    one = case(group, suite, count, shown)
    info = {"group": group, "suite": suite, "L": count, "shown": shown, "octets": len(one.proof)}
    measure(getattr(one, operation), operation=operation, **info)


@pytest.mark.parametrize(("group", "count", "operation"), PARTED)
def test_against_the_sum_of_its_parts(
    measure: Measure, benchmark: BenchmarkFixture, group: str, count: int, operation: str
) -> None:
    """Measure an operation in turns with each group operation that it calls, run alone."""
    shown = min(3, count)
    counting = Counting(groups.by_name(group))
    one = Case(SHA_256.with_group(counting.group), count, shown)
    calls = counting.calls_of(getattr(one, operation))
    info = {"operation": f"parts of {operation}", "group": group, "suite": "SHA-256", "L": count}
    taken = measure(getattr(one, operation), parts=[call.again for call in calls], shown=shown, **info)
    kinds = defaultdict[str, float](float)
    for call, seconds in zip(calls, taken, strict=True):
        kinds[call.kind] += seconds
    benchmark.extra_info.update(counts=totals(calls), parts=dict(kinds), sum=sum(taken))


@pytest.mark.parametrize("size", BATCHES)
def test_batch(measure: Measure, size: int) -> None:
    batch = Batch.of(case(groups.default().name, "SHA-256", 10, 3), size)
    info = {"group": groups.default().name, "suite": "SHA-256", "L": 10, "shown": 3}
    measure(batch.verify, share=size, operation="proof_verify_batch", batch=size, **info)
