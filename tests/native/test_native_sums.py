"""Sums of points times scalars in the native group, against the other groups and against one scalar."""

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bbs import InputError
from bbs.groups import protocol
from bbs.groups.bls12_381 import r
from tests.native.sums import (
    ARKWORKS,
    BLST,
    EDGES,
    PY_ECC,
    Terms,
    either_way,
    expected,
    multiples,
    quick,
    scalars,
    slow,
    terms,
    total,
)


@either_way
@slow
@given(st.lists(terms, max_size=4), st.lists(terms, max_size=4))
def test_sums_agree_with_py_ecc(secret: bool, variable: Terms, fixed: Terms) -> None:
    mine = total(BLST, variable, fixed, 1, secret=secret)
    assert mine == total(PY_ECC, variable, fixed, 1) == expected(PY_ECC, variable, fixed)


@either_way
@quick
@given(st.lists(terms, max_size=12), st.lists(terms, max_size=12), st.integers(0, 2))
def test_sums_agree_with_arkworks(secret: bool, variable: Terms, fixed: Terms, surplus: int) -> None:
    mine = total(BLST, variable, fixed, surplus, secret=secret)
    assert mine == total(ARKWORKS, variable, fixed, surplus) == expected(ARKWORKS, variable, fixed)


@either_way
@pytest.mark.parametrize("count", [0, 1, 2, 3, 12, 33, 63, 64, 65, 130, 400])
def test_sums_agree_at_each_threshold(secret: bool, count: int) -> None:
    """Equal points, opposite points and identities among many, as variable points and as bases."""
    factors = [secrets.randbelow(r) for _ in range(count)]
    chosen = [EDGES[i % len(EDGES)] if i % 3 == 0 else secrets.randbelow(r) for i in range(count)]
    for i in range(3, count, 7):
        factors[i - 1], chosen[i - 1] = factors[i], chosen[i]
        factors[i - 2], chosen[i - 2] = -factors[i] % r, chosen[i]
        factors[i - 3] = 0
    parts = list(zip(factors, chosen, strict=True))
    reference = expected(ARKWORKS, parts)
    assert total(BLST, parts, secret=secret) == reference
    assert total(BLST, [], parts, secret=secret) == reference
    assert total(BLST, parts, parts, secret=secret) == expected(ARKWORKS, parts, parts)


@either_way
@pytest.mark.parametrize("count", [2, 40])
def test_sums_of_one_point_many_times(secret: bool, count: int) -> None:
    """Every addition meets its own argument again."""
    for factor, scalar in ((1, 1), (1, r - 1), (7, 2**127), (0, 5)):
        parts = [(factor, scalar)] * count
        assert total(BLST, parts, secret=secret) == expected(ARKWORKS, parts)
        assert total(BLST, [], parts, secret=secret) == expected(ARKWORKS, parts)


@either_way
@quick
@given(st.lists(st.tuples(st.lists(terms, max_size=3), st.lists(terms, max_size=4)), max_size=4))
def test_many_sums_in_one_call_are_the_same_sums(secret: bool, lists: list[tuple[Terms, Terms]]) -> None:
    sums = [
        protocol.Terms(
            multiples(BLST, [factor for factor, _ in variable]),
            [scalar for _, scalar in variable],
            BLST.prepare(multiples(BLST, [factor for factor, _ in fixed])) if fixed else None,
            [scalar for _, scalar in fixed],
        )
        for variable, fixed in lists
    ]
    reference = b"".join(expected(ARKWORKS, *parts) for parts in lists)
    for _ in range(6):
        assert BLST.g1s_to_octets(BLST.msms(sums, secret=secret)) == reference


@either_way
def test_sums_that_meet_their_own_arguments_do_not_disturb_those_beside_them(secret: bool) -> None:
    """All trees of one call share their inversions, and one that fails is made up for."""
    same = protocol.Terms(prepared=BLST.prepare([BLST.BP1] * 40), prepared_scalars=[3] * 40)
    other = protocol.Terms(prepared=BLST.prepare(multiples(BLST, [5, 7])), prepared_scalars=[11, r - 13])
    for _ in range(6):
        one, two, none = BLST.msms([same, other, protocol.Terms()], secret=secret)
        assert BLST.g1s_to_octets([one, two]) == expected(ARKWORKS, [(1, 120)]) + expected(
            ARKWORKS, [(5, 11), (7, -13)]
        )
        assert BLST.is_identity(none)
    assert BLST.msms([], secret=secret) == []


def test_one_wrong_sum_refuses_all() -> None:
    for group in (BLST, ARKWORKS, PY_ECC):
        good = protocol.Terms((group.BP1,), (1,))
        for wrong in (
            protocol.Terms((group.BP1,), ()),
            protocol.Terms((), (1,)),
            protocol.Terms((), (), group.prepare([group.BP1]), (1, 2)),
            protocol.Terms((), (), None, (1,)),
        ):
            with pytest.raises(InputError, match="COUNT_MISMATCH"):
                group.msms([good, wrong])


@quick
@given(scalars)
def test_inverses_agree(scalar: int) -> None:
    if scalar % r == 0:
        for group in (BLST, ARKWORKS, PY_ECC):
            with pytest.raises(InputError, match="DEGENERATE"):
                group.invert(scalar)
        return
    assert BLST.invert(scalar) == ARKWORKS.invert(scalar) == PY_ECC.invert(scalar)
    assert BLST.invert(scalar) * scalar % r == 1


@pytest.mark.parametrize("bits", [0, 1, 8, 128, 129, 136, 137, 254])
@pytest.mark.parametrize("count", [63, 64, 100])
def test_short_scalars_take_no_other_sum(count: int, bits: int) -> None:
    parts = [(i + 1, secrets.randbits(bits) if i else 2**bits - 1) for i in range(count)]
    assert total(BLST, parts) == expected(ARKWORKS, parts)


def test_a_point_outside_the_subgroup_breaks_nothing_but_its_own_sum() -> None:
    """What the decoding without that check lets in gives wrong sums, never a crash or a wrong neighbour."""
    # (0, 2) has order 3, so that partial sums of its tables meet
    odd, good = BLST.g1s_from_octets_uncompressed_unchecked_subgroup(
        [bytes(95) + b"\x02", BLST.g1s_to_octets_uncompressed([BLST.BP1])]
    )
    bad = [protocol.Terms((odd,) * 80, range(80)), protocol.Terms((), (), BLST.prepare([odd] * 3), (4, 5, 6))]
    for secret in (False, True):
        for _ in range(6):
            *_, sound = BLST.msms([*bad, protocol.Terms((good,), (9,))], secret=secret)
            assert BLST.g1_to_octets(sound) == expected(ARKWORKS, [(1, 9)])
    BLST.pairing_product_is_one([(odd, BLST.BP2)])


def test_many_bases_take_smaller_tables() -> None:
    factors = [secrets.randbelow(r) for _ in range(515)]
    chosen = [secrets.randbelow(r) for _ in factors]
    parts = list(zip(factors, chosen, strict=True))
    assert total(BLST, [], parts) == total(BLST, [], parts, secret=True) == expected(ARKWORKS, parts)
