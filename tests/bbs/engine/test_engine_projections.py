"""Points outside the subgroup: an inner point counts as its projection, a point that is read is refused.

The argument is in docs/composite.md, "Points outside the subgroup"; what it says is tried here with points of
every small order, alone and in a batch with a hundred good proofs, in both wire forms.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bbs.ciphersuite import Ciphersuite
from bbs.engine import (
    Builder,
    Claim,
    PairingSuite,
    Sent,
    Statement,
    Verified,
    WireForm,
    prove,
    verify,
    verify_batch,
)
from bbs.engine.suite import PointGroup
from bbs.errors import DecodingError, InputError
from bbs.gadgets import hashed_base
from bbs.groups.protocol import G1Point
from tests.bbs.engine.cases import (
    CONTEXT,
    DEFAULT,
    FAST,
    Public,
    ciphersuite,
    outcome,
    outcomes,
    proof_of,
    secret_key,
    suite,
)
from tests.bbs.engine.outside import (
    FORMS,
    ORDERS,
    READ,
    among_a_hundred,
    by_form,
    by_order,
    lied,
    lone_point,
    places,
    presented,
    slots,
)

# --- what cannot be done to a proof


@by_form
@by_order
def test_no_point_of_a_finished_proof_can_be_moved(order: tuple[int, ...], form: WireForm) -> None:
    """Whoever adds a point of small order to another's proof changes the challenge."""
    public = Public()
    inner, read = places(public)
    bad = [presented(public, form, {slot: order}, "after it") for slot in (*inner, *read)]
    expected = ["PROOF_INVALID"] * len(inner) + ["NOT_IN_SUBGROUP"] * len(read)
    assert [outcome(each) for each in bad] == expected
    assert among_a_hundred(bad) == expected


def test_nor_all_points_of_a_finished_proof_at_once() -> None:
    for group in FAST:
        public = Public(group=group)
        inner, _ = places(public)
        orders = {slot: ORDERS[slot % len(ORDERS)] for slot in inner}
        bad = [presented(public, form, orders, "after it") for form in FORMS]
        assert [outcome(each) for each in bad] == among_a_hundred(bad) == ["PROOF_INVALID"] * 2


# --- what its own prover can do, and what comes of it


@by_form
@by_order
def test_the_prover_may_move_inner_points_only_and_nothing_comes_of_it(
    order: tuple[int, ...], form: WireForm
) -> None:
    public = Public()
    inner, read = places(public)
    moved = [presented(public, form, {slot: order}, "before the challenge") for slot in (*inner, *read)]
    moved.append(presented(public, form, dict.fromkeys(inner, order), "before the challenge"))
    expected = ["OK"] * len(inner) + ["NOT_IN_SUBGROUP"] * len(read) + ["OK"]
    assert [outcome(each) for each in moved] == expected
    assert among_a_hundred(moved) == expected
    honest = verify(public.compile().statement, CONTEXT, proof_of(public))
    for each in (*moved[: len(inner)], moved[-1]):
        verified = verify(each.statement, each.context, each.proof, each.form)
        N = public.compile().pseudonym.N
        assert verified.octets[N] == honest.octets[N]
        assert verified.points.keys() == verified.octets.keys() == {N, public.compile().commitment.K}
        group = suite().group
        assert group.g1s_from_octets(list(verified.octets.values()))


def test_every_group_gives_the_same_verdicts() -> None:
    for group in FAST:
        public = Public(group=group)
        inner, read = places(public)
        claims = [
            presented(public, form, {slot: order}, when)
            for slot in (inner[0], inner[-1], read[0])
            for order in (ORDERS[0], ORDERS[-1])
            for form in FORMS
            for when in ("after it", "before the challenge")
        ]
        expected = ["PROOF_INVALID", "OK"] * 8 + ["NOT_IN_SUBGROUP"] * 8
        assert [outcome(each) for each in claims] == among_a_hundred(claims) == expected


def test_the_slow_reference_gives_the_same_verdicts() -> None:
    """One commitment by py_ecc: T moved by its prover, T moved by another, K moved by its prover."""
    for shift, when, expected in (
        ({1: ORDERS[-1]}, "before the challenge", "OK"),
        ({1: ORDERS[0]}, "after it", "PROOF_INVALID"),
        ({0: ORDERS[0]}, "before the challenge", "NOT_IN_SUBGROUP"),
    ):
        statement, values, _ = lone_point("py_ecc", read=True, nonzero=False, x=5)
        assert outcome(Claim(statement, CONTEXT, lied(statement, values, FORMS[0], shift, when))) == expected


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_alone_and_together_the_same_are_accepted(data: st.DataObject) -> None:
    claims = []
    for _ in range(data.draw(st.integers(1, 6))):
        public = Public(group=data.draw(st.sampled_from(FAST)))
        inner, read = places(public)
        shifts = data.draw(
            st.dictionaries(st.sampled_from([*inner, *inner, *read]), st.sampled_from(ORDERS), max_size=4)
        )
        when = data.draw(st.sampled_from(["before the challenge", "after it"]))
        claims.append(presented(public, data.draw(st.sampled_from(FORMS)), shifts, when))
        own = when == "before the challenge" and not shifts.keys() & {*read}
        assert (outcome(claims[-1]) == "OK") == (own or not shifts)
    assert outcomes(claims) == [outcome(each) for each in claims]


# --- what is read


@by_form
@by_order
def test_there_is_no_second_pseudonym(order: tuple[int, ...], form: WireForm) -> None:
    public = Public()
    (N, _) = slots(public.compile().statement, READ)
    second = presented(public, form, {N: order}, "before the challenge")
    assert [outcome(second)] == among_a_hundred([second]) == ["NOT_IN_SUBGROUP"]


def test_an_inner_point_is_handed_to_nobody() -> None:
    statement, values, K = lone_point(DEFAULT, read=False, nonzero=True, x=5)
    verified = verify(statement, CONTEXT, prove(statement, CONTEXT, values))
    assert not verified.points
    assert not verified.octets
    statement, values, K = lone_point(DEFAULT, read=True, nonzero=False, x=5)
    verified = verify(statement, CONTEXT, prove(statement, CONTEXT, values))
    assert verified.points.keys() == verified.octets.keys() == {K}


def test_points_are_read_unless_their_gadget_says_otherwise() -> None:
    builder = Builder(suite())
    K, L, M = builder.sent("K"), builder.sent("L", read=False), builder.sent("M", read=False, nonzero=True)
    key, x = secret_key(b"A").public_key(), builder.witness("x")
    C = builder.sent("C", read=False)
    for point in (K, L, M, C):
        builder.equation(point, {point: 1}, [(x, hashed_base(suite(), "G"))])
    builder.signature(C, L, key)
    statement = builder.build()
    assert statement.inner == {L, M, C}
    assert [statement.sent[place] for place in statement.guarded] == [M, C]
    for change in ({"inner": frozenset({Sent("X")})}, {"nonzero": frozenset({K})}):
        with pytest.raises(InputError, match="INVALID_STATEMENT"):
            replace(statement, **change)  # type: ignore[arg-type]


# --- what the suite gets, and suites without a cofactor


@dataclass(frozen=True)
class Spying(PairingSuite):
    """A suite that insists on points of the group, as one that multiplies them by its secret key must."""

    def signatures_hold(self, sums: Mapping[bytes, G1Point], D: G1Point) -> bool:
        points = [D, *sums.values()]
        octets = self.group.g1s_to_octets(points)
        self.group.g1s_from_octets([octets[at : at + 48] for at in range(0, len(octets), 48)], identity=True)
        return super().signatures_hold(sums, D)


def with_suite(each: Claim, other: PairingSuite) -> Claim:
    """The same claim, computed by another suite of the same group and identifier."""
    statement = object.__new__(Statement)
    statement.__dict__.update(each.statement.__dict__, suite=other)
    return replace(each, statement=statement)


def test_the_suite_gets_points_of_the_group_only() -> None:
    for group in FAST:
        public = Public(group=group)
        inner, _ = places(public)
        moved = presented(public, FORMS[0], dict.fromkeys(inner, ORDERS[-1]), "before the challenge")
        spied = with_suite(moved, Spying(ciphersuite(group)))
        assert outcomes([spied]) == ["OK"]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("bbs.engine.verifier.cleared", lambda group, points: points)
            patch.setattr("bbs.engine.verifier._equations_hold", lambda _: True)
            with pytest.raises(DecodingError, match="NOT_IN_SUBGROUP"):
                verify_batch([spied])


class Narrow:
    """A group that offers what a suite must have and no more, as one of a curve without a cofactor does."""

    def __init__(self, group: PointGroup) -> None:
        for name in ("r", *(name for name in vars(PointGroup) if not name.startswith("_") and name != "r")):
            setattr(self, name, getattr(group, name))


def test_a_group_without_a_cofactor_has_every_point_checked() -> None:
    for form in FORMS:
        for shift, when, expected in (
            (None, "after it", "OK"),
            (0, "before the challenge", "NOT_IN_SUBGROUP"),
            (1, "before the challenge", "NOT_IN_SUBGROUP"),
        ):
            statement, values, _ = lone_point(DEFAULT, read=False, nonzero=True, x=5)
            shifts = {} if shift is None else {shift: ORDERS[0]}
            wide = Claim(statement, CONTEXT, lied(statement, values, form, shifts, when), form)
            assert isinstance(verify_batch([wide])[0], Verified)
            assert outcome(with_suite(wide, NarrowSuite(ciphersuite()))) == expected


@dataclass(frozen=True)
class NarrowSuite(PairingSuite):
    """The suite of `Narrow`."""

    ciphersuite: Ciphersuite

    @property
    def group(self) -> PointGroup:
        return _narrow(self.ciphersuite)


@cache
def _narrow(of: Ciphersuite) -> PointGroup:
    return Narrow(of.group)  # type: ignore[return-value]
