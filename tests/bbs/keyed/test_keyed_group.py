"""Points over petlib: arithmetic, and decoding that is stricter than OpenSSL's."""

import copy
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from petlib.ec import EcGroup, EcPt

from bbs.errors import DecodingError, InputError
from bbs.keyed import P256, SM2, Curve, KeyedSuite, SecretKey
from bbs.keyed.group import CurveGroup
from tests.bbs.keyed.cases import CURVES

HYBRID = 6


@pytest.fixture(params=CURVES, ids=lambda curve: str(curve.name))
def curve(request: pytest.FixtureRequest) -> Curve:
    assert isinstance(request.param, Curve)
    return request.param


@pytest.fixture
def group(curve: Curve) -> CurveGroup:
    return KeyedSuite(curve).group


def octets(group: CurveGroup, scalar: int) -> bytes:
    return group.g1s_to_octets([group.msm([group.generator], [scalar])])


# --- arithmetic


def affine_sum(P: tuple[int, int] | None, Q: tuple[int, int] | None, curve: Curve) -> tuple[int, int] | None:
    """Add two points by the chord and the tangent, as a textbook does."""
    if P is None or Q is None:
        return P or Q
    p = curve.p
    if P[0] == Q[0] and (P[1] + Q[1]) % p == 0:
        return None
    if P == Q:
        slope = (3 * P[0] * P[0] + curve.a) * pow(2 * P[1], -1, p)
    else:
        slope = (Q[1] - P[1]) * pow(Q[0] - P[0], -1, p)
    x = (slope * slope - P[0] - Q[0]) % p
    return x, (slope * (P[0] - x) - P[1]) % p


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(CURVES), st.integers(0, 2**257), st.integers(-5, 5))
def test_sums_are_those_of_the_textbook(curve: Curve, a: int, b: int) -> None:
    group = KeyedSuite(curve).group
    encoded = group.g1s_to_octets_uncompressed([group.generator])
    G = (int.from_bytes(encoded[1:33]), int.from_bytes(encoded[33:]))
    expected, power = None, G
    for bit in bin((a + b) % curve.n)[:1:-1]:
        if bit == "1":
            expected = affine_sum(expected, power, curve)
        doubled = affine_sum(power, power, curve)
        assert doubled is not None
        power = doubled
    for secret in (False, True):
        total = group.msm([group.generator] * 2, [a, b], secret=secret)
        if expected is None:
            assert group.is_identity(total)
        else:
            assert group.g1s_to_octets([total]) == group.g1s_to_octets([group.point(*expected)])


def test_both_ways_of_summing_agree(group: CurveGroup) -> None:
    points = [group.msm([group.generator], [i]) for i in (1, 2, 3, group.r - 1, 0)]
    scalars = [group.r - 1, 2**256, 0, 5, 7]
    prepared = group.prepare(points[:2])
    for fixed in ([], [3], [3, group.r + 4]):
        ways = [group.msm(points, scalars, prepared, fixed, secret=secret) for secret in (False, True)]
        assert len({group.g1s_to_octets([each]) for each in ways}) == 1
    assert group.is_identity(group.msm((), ()))
    assert group.is_identity(group.msm(points[:1], [group.r]))
    with pytest.raises(InputError, match="COUNT_MISMATCH"):
        group.msm(points, [1])
    with pytest.raises(InputError, match="COUNT_MISMATCH"):
        group.msm((), (), prepared, [1, 2, 3])


def test_threads_compute_the_same(group: CurveGroup) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda i: octets(group, i % 10 + 1), range(400)))
    assert found == [octets(group, i % 10 + 1) for i in range(400)]


def test_a_curve_that_openssl_does_not_have_or_means_otherwise_is_refused() -> None:
    for wrong in (replace(P256, nid=999999), replace(P256, nid=SM2.nid), replace(P256, b=P256.b + 1)):
        with pytest.raises(InputError, match="UNKNOWN_GROUP"):
            KeyedSuite(wrong)


# --- decoding


def test_what_is_encoded_is_decoded(group: CurveGroup) -> None:
    points = [group.msm([group.generator], [i]) for i in (1, 2, group.r - 1, 0)]
    for encode, decode, size in (
        (group.g1s_to_octets, group.g1s_from_octets, 33),
        (group.g1s_to_octets_uncompressed, group.g1s_from_octets_uncompressed, 65),
    ):
        encoded = encode(points)
        assert len(encoded) == 4 * size
        parts = [encoded[at : at + size] for at in range(0, len(encoded), size)]
        assert encode(decode(parts, identity=True)) == encoded
        with pytest.raises(DecodingError, match="IDENTITY_POINT"):
            decode(parts)


def test_petlib_would_take_the_identity_and_we_do_not(group: CurveGroup) -> None:
    """The reason why nothing here decodes by petlib alone."""
    openssl = EcGroup(group.curve.nid)
    assert EcPt.from_binary(b"\x00", openssl).is_infinite()
    for decode in (group.g1s_from_octets, group.g1s_from_octets_uncompressed):
        for allowed in (False, True):
            with pytest.raises(DecodingError, match="INVALID_LENGTH"):
                decode([b"\x00"], identity=allowed)
    for allowed in (False, True):
        with pytest.raises(DecodingError, match="INVALID_POINT"):
            group.g1s_from_octets([b"\x00" * 32 + b"\x01"], identity=allowed)
        with pytest.raises(DecodingError, match="INVALID_POINT"):
            group.g1s_from_octets_uncompressed([b"\x00" * 64 + b"\x01"], identity=allowed)


def test_the_hybrid_form_is_refused_though_openssl_takes_it(group: CurveGroup) -> None:
    hybrid = EcGroup(group.curve.nid).generator().export(HYBRID)
    assert len(hybrid) == 65
    assert not EcPt.from_binary(hybrid, EcGroup(group.curve.nid)).is_infinite()
    for form in (6, 7, 2, 3, 5, 0):
        with pytest.raises(DecodingError, match="INVALID_POINT"):
            group.g1s_from_octets_uncompressed([bytes([form]) + hybrid[1:]])


def test_everything_that_is_no_point_is_refused(group: CurveGroup) -> None:
    p, good = group.curve.p, octets(group, 5)
    long = group.g1s_to_octets_uncompressed([group.generator])
    x, y = int.from_bytes(long[1:33]), int.from_bytes(long[33:])
    off_curve = next(i for i in range(100) if _fails(group.g1s_from_octets, b"\x02" + i.to_bytes(32)))
    wrong: list[tuple[Callable[[list[bytes]], object], bytes, str]] = [
        (group.g1s_from_octets, b"", "INVALID_LENGTH"),
        (group.g1s_from_octets, good[:-1], "INVALID_LENGTH"),
        (group.g1s_from_octets, good + b"\x00", "INVALID_LENGTH"),
        (group.g1s_from_octets, long, "INVALID_LENGTH"),
        (group.g1s_from_octets, b"\x00" + good[1:], "INVALID_POINT"),
        (group.g1s_from_octets, b"\x04" + good[1:], "INVALID_POINT"),
        (group.g1s_from_octets, b"\x82" + good[1:], "INVALID_POINT"),
        (group.g1s_from_octets, b"\x02" + p.to_bytes(32), "INVALID_POINT"),
        (group.g1s_from_octets, b"\x02" + b"\xff" * 32, "INVALID_POINT"),
        (group.g1s_from_octets, b"\x02" + off_curve.to_bytes(32), "INVALID_POINT"),
        (group.g1s_from_octets_uncompressed, good, "INVALID_LENGTH"),
        (group.g1s_from_octets_uncompressed, long[:-1], "INVALID_LENGTH"),
        (group.g1s_from_octets_uncompressed, long[:-1] + bytes([long[-1] ^ 1]), "INVALID_POINT"),
        (group.g1s_from_octets_uncompressed, b"\x04" + long[33:] + long[1:33], "INVALID_POINT"),
        (group.g1s_from_octets_uncompressed, long[:33] + b"\xff" * 32, "INVALID_POINT"),
    ]
    for decode, each, reason in wrong:
        with pytest.raises(DecodingError, match=reason):
            decode([each])
        with pytest.raises(DecodingError, match=reason):
            decode([good if decode == group.g1s_from_octets else long, each])
    assert group.g1s_to_octets([group.point(x, y)]) == octets(group, 1)


def _fails(decode: Callable[[list[bytes]], object], each: bytes) -> bool:
    try:
        decode([each])
    except DecodingError:
        return True
    return False


def test_a_coordinate_has_one_encoding() -> None:
    """x and x + p are the same to a decoder that reduces: for P-256 there are such x below 2^256 - p."""
    group = KeyedSuite(P256).group
    x = next(i for i in range(5, 100) if not _fails(group.g1s_from_octets, b"\x02" + i.to_bytes(32)))
    with pytest.raises(DecodingError, match="INVALID_POINT"):
        group.g1s_from_octets([b"\x02" + (x + P256.p).to_bytes(32)])


def test_points_of_the_other_curve_are_refused() -> None:
    for here, there in ((P256, SM2), (SM2, P256)):
        group, other = KeyedSuite(here).group, KeyedSuite(there).group
        for i in range(1, 20):
            long = other.g1s_to_octets_uncompressed([other.msm([other.generator], [i])])
            with pytest.raises(DecodingError, match="INVALID_POINT"):
                group.g1s_from_octets_uncompressed([long])


# --- secret keys


def test_a_key_divides_and_multiplies(curve: Curve, group: CurveGroup) -> None:
    key = SecretKey(curve, (7).to_bytes(32))
    B = group.msm([group.generator], [12])
    assert group.g1s_to_octets([key.divide(B, 5)]) == octets(group, 1)
    assert group.g1s_to_octets([key.divide(B, -1)]) == octets(group, 2)
    assert group.g1s_to_octets([key.multiply(B)]) == octets(group, 84)
    assert key.public_key == octets(group, 7)
    with pytest.raises(InputError, match="DEGENERATE"):
        key.divide(B, -7)


def test_a_key_that_is_none_is_refused(curve: Curve) -> None:
    for wrong in (b"", bytes(31), bytes(32), curve.n.to_bytes(32), b"\xff" * 32, bytes(33)):
        with pytest.raises(DecodingError):
            SecretKey(curve, wrong)
    with pytest.raises(InputError, match="INVALID_TYPE"):
        SecretKey(curve, bytearray(32))  # type: ignore[arg-type]
    assert (
        SecretKey(curve, (curve.n - 1).to_bytes(32)).public_key[1:] == octets(KeyedSuite(curve).group, 1)[1:]
    )


def test_a_key_does_not_show_itself(curve: Curve) -> None:
    key = SecretKey.generate(curve)
    stored = key.to_octets_secret()
    assert SecretKey(curve, stored).public_key == key.public_key
    assert stored.hex()[:16] not in repr(key) + repr(key._scalar)
    assert str(int.from_bytes(stored))[:16] not in repr(key) + repr(key._scalar)
    for each in (key, key._scalar):
        for leak in (copy.copy, copy.deepcopy, pickle.dumps):
            with pytest.raises(TypeError):
                leak(each)
    with pytest.raises(TypeError):
        hash(key)
