"""What is particular to the native group; what it shares with the others is tested in tests/bbs on all."""

import copy
import pickle
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bbs import SHA_256, SHAKE_256, DecodingError, InputError, SecretKey
from bbs.groups.bls12_381 import p, r
from bbs.groups.protocol import Group, PreparedG2
from bbs.hashing import (
    expand_message_xmd,
    expand_message_xof,
    hash_to_curve_g1s,
    hash_to_scalar_octets,
    hash_to_scalars,
)
from tests.native.sums import ARKWORKS, BLST, PY_ECC, Terms, expected, multiples, quick

native = pytest.importorskip("zk_native", reason="the native group is not built (see native/README.md)")


@quick
@given(st.lists(st.tuples(st.integers(0, r - 1), st.integers(1, r - 1)), max_size=5), st.integers(0, 1))
def test_pairing_products_agree_with_arkworks(pairs: Terms, error: int) -> None:
    """e(a G, b W) for each pair, against one pairing that undoes them all."""

    def holds(group: Group) -> bool:
        keys = [group.secret_key(b.to_bytes(32)).public_key() for _, b in pairs]
        firsts = multiples(group, [a for a, _ in pairs])
        undone = group.msm([group.BP1], [sum(a * b for a, b in pairs) + error])
        product = list(zip(firsts, map(group.prepare_g2, keys), strict=True))
        return group.pairing_product_is_one([*product, (undone, group.BP2_negated)])

    assert holds(BLST) == holds(ARKWORKS) == (error == 0)


def test_pairings_with_an_identity_count_as_one() -> None:
    one, none = BLST.BP1, BLST.msm([], [])
    nothing = PreparedG2(native.PreparedG2(native.g2s_from_octets([b"\xc0" + bytes(95)], True)[0]))
    assert BLST.pairing_product_is_one([])
    assert BLST.pairing_product_is_one([(none, BLST.BP2), (one, nothing), (none, nothing)])
    assert not BLST.pairing_product_is_one([(none, BLST.BP2), (one, BLST.BP2)])
    assert BLST.pairing_product_is_one([(one, BLST.BP2), (one, nothing), (one, BLST.BP2_negated)])


def test_the_unprepared_check_of_the_benchmarks() -> None:
    key = native.SecretKey.from_octets((7).to_bytes(32))
    g, seven = native.g1_generator(), native.msm([native.g1_generator()], (7).to_bytes(32), None, b"", False)
    minus = native.g2_generator().negated()
    assert native.pairing_check_unprepared(g, key.public_key(), seven, minus)
    assert not native.pairing_check_unprepared(g, key.public_key(), g, minus)
    with pytest.raises(native.NativeError, match="IDENTITY_POINT"):
        native.pairing_check_unprepared(native.msm([], b"", None, b"", False), minus, g, minus)


@quick
@given(
    st.lists(st.binary(max_size=200), max_size=5), st.binary(min_size=1, max_size=255), st.integers(0, 300)
)
def test_hashing_agrees_with_the_portable_one(messages: list[bytes], dst: bytes, length: int) -> None:
    ways = (("xmd-sha-256", expand_message_xmd, SHA_256), ("xof-shake-256", expand_message_xof, SHAKE_256))
    for name, expand, suite in ways:
        mine, theirs = suite.with_group(BLST), suite.with_group(ARKWORKS)
        expanded = [expand(message, dst, length) for message in messages]
        assert native.expand_messages(messages, dst, length, name) == expanded
        assert hash_to_scalars(messages, dst, suite=mine) == hash_to_scalars(messages, dst, suite=theirs)
        octets = hash_to_scalar_octets(messages, dst, suite=mine)
        assert octets == hash_to_scalar_octets(messages, dst, suite=theirs)
        points = hash_to_curve_g1s(messages[:2], dst, suite=mine)
        others = hash_to_curve_g1s(messages[:2], dst, suite=theirs)
        assert BLST.g1s_to_octets(points) == ARKWORKS.g1s_to_octets(others)


@pytest.mark.parametrize("name", ["xmd-sha-256", "xof-shake-256"])
def test_hashing_refuses_what_the_portable_one_refuses(name: str) -> None:
    for dst in (b"", bytes(256)):
        for act in (native.hash_to_scalars, native.hash_to_g1s):
            with pytest.raises(native.NativeError, match="INVALID_DST"):
                act([b"m"], dst, name)
    for length in (65536, 2**40):
        with pytest.raises(native.NativeError, match="INPUT_TOO_LONG"):
            native.expand_messages([b"m"], b"dst", length, name)
    with pytest.raises(InputError, match="INVALID_DST"):
        hash_to_scalars([b"m"], b"", suite=SHA_256.with_group(BLST))
    with pytest.raises(ValueError, match="expander"):
        native.hash_to_scalars([b"m"], b"dst", "md5")


@pytest.mark.parametrize("wrong", [b"", bytes(31), bytes(33), b"\xff" * 32, r.to_bytes(32)])
def test_octets_of_scalars_are_checked_before_they_are_used(wrong: bytes) -> None:
    g = native.g1_generator()
    bases = native.PreparedBases([g])
    reasons = "COUNT_MISMATCH|INVALID_LENGTH|INVALID_SCALAR"
    for secret in (False, True):
        with pytest.raises(native.NativeError, match=reasons):
            native.msm([g], wrong, None, b"", secret)
        if wrong:
            with pytest.raises(native.NativeError, match=reasons):
                native.msm([], b"", bases, wrong, secret)
    with pytest.raises(native.NativeError, match=reasons):
        native.SecretKey.from_octets(bytes(31) + b"\x01").divide(g, wrong)
    with pytest.raises(native.NativeError, match="COUNT_MISMATCH"):
        native.msm([], b"", bases, bytes(64), False)
    with pytest.raises(native.NativeError, match="COUNT_MISMATCH"):
        native.pairing_product_is_one([g], [])
    with pytest.raises(native.NativeError, match="INVALID_LENGTH"):
        native.map_to_g1(wrong, bytes(48))
    with pytest.raises(native.NativeError, match=reasons):
        native.invert_scalar(wrong)
    with pytest.raises(native.NativeError, match=reasons):
        native.msms([([g], bytes(32), None, b""), ([g], wrong, None, b"")], False)


def test_other_types_are_refused() -> None:
    g: Any = native.g1_generator()
    foreign: Any = ARKWORKS.BP1
    acts: list[Callable[[], object]] = [
        native.G1Point,
        native.G2Point,
        native.SecretKey,
        lambda: native.g1s_from_octets(["text"], False),
        lambda: native.msm([foreign], bytes(32), None, b"", False),
        lambda: native.msm([g], [1], None, b"", False),
        lambda: native.msms([([foreign], bytes(32), None, b"")], False),
        lambda: native.g1s_from_octets_uncompressed(["x" * 96], False, True),
        lambda: native.g1s_to_octets_uncompressed([foreign]),
        lambda: native.PreparedBases([foreign]),
        lambda: native.PreparedG2(g),
        lambda: native.SecretKey.from_octets("x" * 32),
        lambda: hash(g),
        lambda: pickle.dumps(g),
    ]
    for act in acts:
        with pytest.raises(TypeError):
            act()
    assert g == native.g1_generator()
    assert g != foreign
    assert native.g2_generator() != native.g2_generator().negated()


def test_the_first_wrong_point_of_a_list_decides() -> None:
    good, identity, short = BLST.g1_to_octets(BLST.BP1), b"\xc0" + bytes(47), bytes(47)
    for encodings, reason in (
        ([good, identity, short], "IDENTITY_POINT"),
        ([short, identity, good], "INVALID_LENGTH"),
        ([good, bytes(48)], "INVALID_POINT"),
    ):
        with pytest.raises(DecodingError, match=reason):
            BLST.g1s_from_octets(encodings)
    assert BLST.g1s_to_octets(BLST.g1s_from_octets([good, identity], identity=True)) == good + identity
    assert BLST.g1s_to_octets([]) == b""
    # (0, 2) is on the curve, of order 3
    with pytest.raises(DecodingError, match="NOT_IN_SUBGROUP"):
        BLST.g1_from_octets(b"\x80" + bytes(47))
    with pytest.raises(DecodingError, match="INVALID_POINT"):
        BLST.g1_from_octets(bytes([0x80 | p.to_bytes(48)[0]]) + p.to_bytes(48)[1:])


def secret_keys() -> list[object]:
    octets = bytes(range(32))
    outer = SecretKey.from_octets(octets, suite=SHA_256.with_group(BLST))
    return [native.SecretKey.from_octets(octets), BLST.secret_key(octets), outer]


@pytest.mark.parametrize("key", secret_keys(), ids=["native", "group", "bbs"])
def test_secret_keys_keep_to_themselves(key: Any) -> None:
    shown = f"{key} {key!r} {getattr(key, '__dict__', '')}"
    assert bytes(range(4)).hex() not in shown
    assert str(int.from_bytes(bytes(range(32)))) not in shown
    acts: list[Callable[[Any], object]] = [copy.copy, copy.deepcopy, pickle.dumps]
    acts += [partial(pickle.dumps, protocol=n) for n in range(pickle.HIGHEST_PROTOCOL + 1)]
    for act in acts:
        with pytest.raises(TypeError, match="not copied"):
            act(key)


def test_division_by_a_key_agrees_with_py_ecc() -> None:
    for x, e in ((1, 0), (1, 1), (r - 1, 2), (secrets.randbelow(r - 1) + 1, secrets.randbelow(r))):
        mine, theirs = (
            each.g1_to_octets(each.secret_key(x.to_bytes(32)).divide(each.BP1, e)) for each in (BLST, PY_ECC)
        )
        assert mine == theirs
        with pytest.raises(InputError, match="DEGENERATE"):
            BLST.secret_key(x.to_bytes(32)).divide(BLST.BP1, -x)


def test_threads_share_what_is_prepared() -> None:
    """Tables that nobody has needed before are built while others wait for them."""
    factors = [secrets.randbelow(r) for _ in range(20)]
    for _ in range(3):
        bases = BLST.prepare(multiples(BLST, [secrets.randbelow(r), *factors]))
        key = BLST.prepare_g2(BLST.secret_key((3).to_bytes(32)).public_key())
        ready = threading.Barrier(4)

        def work(secret: bool, bases: Any = bases, key: Any = key, ready: Any = ready) -> list[bytes]:
            ready.wait()
            points = [BLST.msm([], [], bases, [0, *range(i, i + 20)], secret=secret) for i in range(10)]
            tripled = [BLST.msm([point], [3], secret=secret) for point in points]
            pairs = zip(points, tripled, strict=True)
            assert all(
                BLST.pairing_product_is_one([(one, key), (three, BLST.BP2_negated)]) for one, three in pairs
            )
            return [BLST.g1_to_octets(point) for point in points]

        with ThreadPoolExecutor(4) as pool:
            results = list(pool.map(work, [False, True, False, True]))
        terms = [[(factor, i + j) for j, factor in enumerate(factors)] for i in range(10)]
        assert results == [[expected(ARKWORKS, each) for each in terms]] * 4


def test_other_threads_run_during_a_long_sum() -> None:
    points, count, stop = [BLST.BP1] * 800, 0, threading.Event()

    def tick() -> None:
        nonlocal count
        while not stop.wait(0.0001):
            count += 1

    ticker = threading.Thread(target=tick)
    ticker.start()
    try:
        advanced = 0
        for _ in range(10):
            before = count
            BLST.msm(points, [r - 1] * len(points), secret=True)
            advanced += count > before + 1
    finally:
        stop.set()
        ticker.join()
    assert advanced
