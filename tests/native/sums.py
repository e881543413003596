"""What the tests of the native group share: scalars that are hard, budgets, and sums the long way."""

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from bbs import groups
from bbs.groups.bls12_381 import r
from bbs.groups.protocol import G1Point, Group

pytest.importorskip("zk_native", reason="the native group is not built (see native/README.md)")

BLST, ARKWORKS, PY_ECC = (groups.by_name(name) for name in ("blst", "arkworks", "py_ecc"))
EDGES = [
    0,
    1,
    2,
    r - 1,
    r,
    r + 1,
    2 * r,
    -1,
    -r,
    -(2**300),
    2**300,
    (r - 1) // 2,
    (r + 1) // 2,
    2**128,
    2**127,
]
# multiples of the endomorphism's eigenvalue and their neighbours, where the halves of a scalar turn over
ZZ = 0xD201000000010000**2
EDGES += [ZZ, ZZ - 1, ZZ + 1, ZZ // 2, ZZ // 2 + 1, r - ZZ, ZZ * (ZZ // 2), ZZ * (ZZ // 3) + ZZ // 2]
scalars = st.one_of(st.sampled_from(EDGES), st.integers(0, r - 1), st.integers(-(2**260), 2**260))
terms = st.tuples(st.one_of(st.sampled_from([0, 1, r - 1, 2]), st.integers(0, r - 1)), scalars)


def at_most(examples: int) -> settings:
    """Return settings that a profile with fewer examples, such as that for valgrind, still bounds."""
    return settings(
        max_examples=min(examples, settings().max_examples),
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )


quick, slow = at_most(60), at_most(6)
either_way = pytest.mark.parametrize("secret", [False, True], ids=["public", "secret"])

Terms = Sequence[tuple[int, int]]


def multiples(group: Group, factors: Sequence[int]) -> list[G1Point]:
    return [group.msm([group.BP1], [factor]) for factor in factors]


def total(
    group: Group, variable: Terms, fixed: Terms = (), surplus: int = 0, *, secret: bool = False
) -> bytes:
    """Return the sum of factor times scalar times the generator, the long way."""
    points = multiples(group, [factor for factor, _ in variable])
    bases = group.prepare(multiples(group, [factor for factor, _ in fixed] + [5] * surplus))
    chosen = [scalar for _, scalar in variable], bases, [scalar for _, scalar in fixed]
    first = group.msm(points, *chosen, secret=secret)
    if secret and group is BLST and fixed:
        # a base gets its table for secret scalars when it has been used some times
        assert all(group.msm(points, *chosen, secret=secret) == first for _ in range(5))
    return group.g1_to_octets(first)


def expected(group: Group, *parts: Terms) -> bytes:
    exponent = sum(factor * scalar for part in parts for factor, scalar in part)
    return group.g1_to_octets(group.msm([group.BP1], [exponent]))
