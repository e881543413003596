"""Uncompressed points of G1, on every group: one encoding for a point, and every other one is refused."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bbs import DecodingError, groups
from bbs.groups.bls12_381 import p, r
from bbs.groups.protocol import G1Point, Group

REFERENCE = groups.by_name("py_ecc")
GROUPS = [groups.by_name(name) for name in groups.available()]
by_group = pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

IDENTITY = b"\x40" + bytes(95)
GENERATOR = REFERENCE.g1s_to_octets_uncompressed([REFERENCE.BP1])
X, Y = int.from_bytes(GENERATOR[:48]), int.from_bytes(GENERATOR[48:])


def encoded(x: int, y: int) -> bytes:
    return x.to_bytes(48) + y.to_bytes(48)


def curve_point(x: int) -> bytes:
    """Return a point of the curve, most likely outside the subgroup: the next x from here that has a y."""
    while True:
        y = pow(x**3 + 4, (p + 1) // 4, p)
        if (y * y - x**3 - 4) % p == 0:
            return encoded(x, y)
        x += 1


def flagged(octets: bytes, flags: int) -> bytes:
    return bytes([octets[0] | flags]) + octets[1:]


def decoders(group: Group) -> tuple[Callable[[list[bytes]], list[G1Point]], ...]:
    return group.g1s_from_octets_uncompressed, group.g1s_from_octets_uncompressed_unchecked_subgroup


def outcome(decode: Callable[[list[bytes]], object], octets: bytes) -> str:
    try:
        decode([octets])
    except DecodingError as error:
        return error.reason
    return "ok"


@by_group
@quick
@given(factors=st.lists(st.integers(0, r - 1), max_size=4))
def test_points_come_back_and_are_the_same_in_both_forms(group: Group, factors: list[int]) -> None:
    points = [group.msm([group.BP1], [factor]) for factor in (0, *factors)]
    octets = group.g1s_to_octets_uncompressed(points)
    encodings = [octets[at : at + 96] for at in range(0, len(octets), 96)]
    assert encodings[0] == IDENTITY
    for decode in (
        group.g1s_from_octets_uncompressed,
        group.g1s_from_octets_uncompressed_unchecked_subgroup,
    ):
        decoded = decode(encodings, identity=True)
        assert group.g1s_to_octets(decoded) == group.g1s_to_octets(points)
        assert group.g1s_to_octets_uncompressed(decoded) == octets
    if factors:
        reference = REFERENCE.msm([REFERENCE.BP1], [factors[-1]])
        assert REFERENCE.g1s_to_octets_uncompressed([reference]) == encodings[-1]


@by_group
def test_the_generator_has_its_published_coordinates(group: Group) -> None:
    assert group.g1s_to_octets_uncompressed([group.BP1]) == GENERATOR
    x = "17f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"
    y = "08b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1"
    assert bytes.fromhex(x + y) == GENERATOR
    assert group.g1s_to_octets_uncompressed([]) == b""
    assert group.g1s_from_octets_uncompressed([]) == []


MALFORMED = {
    "empty": (b"", "INVALID_LENGTH"),
    "short": (GENERATOR[:-1], "INVALID_LENGTH"),
    "long": (GENERATOR + b"\x00", "INVALID_LENGTH"),
    "compressed": (REFERENCE.g1_to_octets(REFERENCE.BP1), "INVALID_LENGTH"),
    "compressed and padded": (REFERENCE.g1_to_octets(REFERENCE.BP1) + bytes(48), "INVALID_POINT"),
    "compressed with y": (flagged(GENERATOR, 0x80), "INVALID_POINT"),
    "compressed identity": (b"\xc0" + bytes(95), "INVALID_POINT"),
    "with a sign": (flagged(GENERATOR, 0x20), "INVALID_POINT"),
    "identity flag on a point": (flagged(GENERATOR, 0x40), "INVALID_POINT"),
    "identity with a sign": (b"\x60" + bytes(95), "INVALID_POINT"),
    "identity with a low bit in the first octet": (b"\x41" + bytes(95), "INVALID_POINT"),
    "identity with a stray bit": (IDENTITY[:-1] + b"\x01", "INVALID_POINT"),
    "nothing but zeros": (bytes(96), "INVALID_POINT"),
    "x not less than p": (encoded(2**381 - 1, Y), "INVALID_POINT"),
    "x is p": (encoded(p, 2), "INVALID_POINT"),
    "y not less than p": (encoded(X, Y + p), "INVALID_POINT"),
    "y is p": (encoded(X, p), "INVALID_POINT"),
    "y of all ones": (GENERATOR[:48] + b"\xff" * 48, "INVALID_POINT"),
    "off the curve": (encoded(X, Y + 1), "INVALID_POINT"),
    "off the curve at 0": (encoded(0, 1), "INVALID_POINT"),
    "the identity": (IDENTITY, "IDENTITY_POINT"),
}


@by_group
@pytest.mark.parametrize("name", MALFORMED)
def test_every_malformed_form_is_refused(group: Group, name: str) -> None:
    octets, reason = MALFORMED[name]
    for decode in decoders(group):
        assert outcome(decode, octets) == reason
        with pytest.raises(DecodingError, match=reason):
            decode([GENERATOR, octets, GENERATOR])


@by_group
@pytest.mark.parametrize("octets", [encoded(0, 2), encoded(0, p - 2), curve_point(5), curve_point(p // 2)])
def test_only_the_method_that_says_so_lets_a_point_outside_the_subgroup_in(
    group: Group, octets: bytes
) -> None:
    checked, unchecked = decoders(group)
    with pytest.raises(DecodingError, match="NOT_IN_SUBGROUP"):
        checked([GENERATOR, octets])
    assert group.g1s_to_octets_uncompressed(unchecked([octets, GENERATOR])) == octets + GENERATOR


@by_group
@quick
@given(data=st.data())
def test_groups_agree_on_what_decodes(group: Group, data: st.DataObject) -> None:
    """Valid encodings, encodings with some bits flipped, points outside the subgroup, and noise."""
    factor = data.draw(st.integers(1, r - 1))
    valid = group.g1s_to_octets_uncompressed([group.msm([group.BP1], [factor])])
    flipped = int.from_bytes(valid)
    for bit in data.draw(st.lists(st.integers(0, 96 * 8 - 1), max_size=3)):
        flipped ^= 1 << bit
    outside = curve_point(data.draw(st.integers(0, p - 1000)))
    for octets in (flipped.to_bytes(96), outside, data.draw(st.binary(min_size=90, max_size=100))):
        for mine, reference in zip(decoders(group), decoders(REFERENCE), strict=True):
            assert outcome(mine, octets) == outcome(reference, octets)
