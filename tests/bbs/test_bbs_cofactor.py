"""Points of the curve outside the subgroup, on every group: sums with them are right once cleared."""

import secrets
from functools import cache
from math import prod

import py_ecc.optimized_bls12_381 as ecc
import pytest

from bbs import DecodingError, groups
from bbs.groups.bls12_381 import H_EFF, r
from bbs.groups.protocol import G1Point, Group
from tests.bbs.test_bbs_serialization import (
    G1_SMALL_ORDERS,
    H1,
    IDENTITY_G1,
    compress_g1,
    curve_points_g1,
    small_g1,
)

GROUPS = [groups.by_name(name) for name in groups.available()]
by_group = pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
COUNTS = (1, 2, 3, 7, 8, 9, 63, 64, 130)  # around the thresholds of the native group
SIZES = [(group, count) for group in GROUPS for count in (COUNTS if group.name != "py_ecc" else COUNTS[:3])]
ZERO_X = b"\x80" + bytes(47)  # (0, 2), of order 3


@cache
def outside() -> list[tuple[bytes, bytes]]:
    """Encodings of points of the curve, and of (1 - z) times each, the long way by py_ecc."""
    points = [small_g1(q) for q in G1_SMALL_ORDERS]
    points += [ecc.add(points[i], points[i - 1]) for i in range(len(points))]
    points += [ecc.add(ecc.multiply(ecc.G1, i + 2), point) for i, point in enumerate(points)]
    points += [point for point, _ in zip(curve_points_g1(), range(20), strict=False)]
    points += [ecc.neg(point) for point in points[:12]]
    return [(compress_g1(point), compress_g1(ecc.multiply(point, H_EFF))) for point in points]


def decoded(group: Group, encodings: list[bytes]) -> list[G1Point]:
    return group.g1s_from_octets_unchecked_subgroup(encodings, identity=True)


def test_the_factor_clears_the_whole_cofactor() -> None:
    """Its points have orders that divide 1 - z: no point of order q^2, though q^2 divides the cofactor."""
    assert 3 * H1 == H_EFF**2
    assert prod(G1_SMALL_ORDERS) == H_EFF
    for point, _ in zip(curve_points_g1(), range(20), strict=False):
        assert ecc.is_inf(ecc.multiply(ecc.multiply(point, r), H_EFF))


@by_group
def test_points_of_the_curve_decode_and_are_cleared(group: Group) -> None:
    encodings, expected = map(list, zip(*outside(), strict=True))
    points = decoded(group, encodings)
    assert group.g1s_to_octets(points) == b"".join(encodings)
    assert group.g1s_to_octets(group.clear_cofactor(points)) == b"".join(expected)
    small = points[: 2 * len(G1_SMALL_ORDERS)]
    assert all(group.is_identity(point) for point in group.clear_cofactor(small))
    assert group.clear_cofactor([]) == []
    long = group.g1s_to_octets_uncompressed(points)
    again = group.g1s_from_octets_uncompressed_unchecked_subgroup(
        [long[at : at + 96] for at in range(0, len(long), 96)]
    )
    assert group.g1s_to_octets(again) == b"".join(encodings)


@by_group
def test_only_the_subgroup_is_left_unchecked(group: Group) -> None:
    encodings, _ = map(list, zip(*outside(), strict=True))
    for octets in (*encodings, ZERO_X, ZERO_X[:-1] + b"\x00"):
        with pytest.raises(DecodingError, match="NOT_IN_SUBGROUP"):
            group.g1s_from_octets([octets])
    assert group.g1s_to_octets(decoded(group, [ZERO_X])) == ZERO_X
    assert group.is_identity(decoded(group, [IDENTITY_G1])[0])
    for octets, reason in (
        (IDENTITY_G1, "IDENTITY_POINT"),
        (IDENTITY_G1[:-1] + b"\x01", "INVALID_POINT"),
        (b"\xe0" + bytes(47), "INVALID_POINT"),
        (b"\x40" + bytes(47), "INVALID_POINT"),
        (bytes(48), "INVALID_POINT"),
        (b"\x9f" + b"\xff" * 47, "INVALID_POINT"),
        (b"\x80" + bytes(46) + b"\x01", "INVALID_POINT"),
        (encodings[0][1:], "INVALID_LENGTH"),
        (encodings[0] + b"\x00", "INVALID_LENGTH"),
        (b"", "INVALID_LENGTH"),
    ):
        with pytest.raises(DecodingError, match=reason):
            group.g1s_from_octets_unchecked_subgroup([encodings[0], octets])


@pytest.mark.parametrize(("group", "count"), SIZES, ids=lambda each: getattr(each, "name", str(each)))
def test_a_sum_is_right_once_it_is_cleared(group: Group, count: int) -> None:
    """Below and above every threshold, with short scalars among long ones, equal and opposite points."""
    everything = [*outside(), (ZERO_X, IDENTITY_G1)]
    chosen = [everything[secrets.randbelow(len(everything))] for _ in range(count)]
    scalars = [secrets.randbits(128) if i % 3 else secrets.randbelow(r) for i in range(count)]
    for i, edge in zip(range(0, count, 3), (0, 1, r - 1, 2), strict=False):
        scalars[i] = edge
    points = decoded(group, [octets for octets, _ in chosen])
    projections = group.g1s_from_octets([octets for _, octets in chosen], identity=True)
    base = group.prepare([group.BP1])
    (mine,) = group.clear_cofactor([group.msm(points, scalars, base, [5])])
    reference = group.msm([*projections, *group.clear_cofactor([group.BP1])], [*scalars, 5])
    assert group.g1_to_octets(mine) == group.g1_to_octets(reference)


@pytest.mark.parametrize(("group", "count"), SIZES, ids=lambda each: getattr(each, "name", str(each)))
@pytest.mark.parametrize("order", G1_SMALL_ORDERS)
def test_a_sum_of_points_of_small_order_is_cleared_to_the_identity(
    group: Group, order: int, count: int
) -> None:
    points = decoded(group, [compress_g1(small_g1(order))] * count)
    scalars = [secrets.randbelow(r) for _ in range(count)]
    assert group.is_identity(group.clear_cofactor([group.msm(points, scalars)])[0])
