"""Proofs with points outside the subgroup: by their own prover, by somebody else, and forged altogether."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import combinations
from math import prod
from typing import Any

import py_ecc.optimized_bls12_381 as ecc
import pytest

from bbs.engine import (
    Builder,
    Claim,
    Sent,
    Statement,
    Values,
    WireForm,
    prove,
)
from bbs.engine.proof import Proof, proof_to_octets
from bbs.engine.prover import commit
from bbs.engine.suite import PointGroup
from bbs.engine.transcript import challenge
from bbs.gadgets import hashed_base
from bbs.groups.protocol import G1Point
from tests.bbs.engine.cases import (
    CONTEXT,
    Public,
    assigned,
    claim,
    outcomes,
    proof_of,
    suite,
)
from tests.bbs.test_bbs_serialization import G1_SMALL_ORDERS, compress_g1, decompress_g1, small_g1

INNER, READ = ("A'", "B'", "D", "C'", "C''"), ("N", "K")
PRODUCTS = [*combinations(G1_SMALL_ORDERS, 2), tuple(G1_SMALL_ORDERS)]
ORDERS = [*((q,) for q in G1_SMALL_ORDERS), *PRODUCTS]
FORMS = list(WireForm)
by_form = pytest.mark.parametrize("form", FORMS, ids=lambda form: form.value)
by_order = pytest.mark.parametrize("order", ORDERS, ids=lambda order: str(prod(order)))


@cache
def small(order: tuple[int, ...]) -> Any:
    """A point whose order is the product."""
    total = ecc.Z1
    for q in order:
        total = ecc.add(total, small_g1(q))
    assert ecc.is_inf(ecc.multiply(total, prod(order)))
    assert not any(ecc.is_inf(ecc.multiply(total, prod(order) // q)) for q in order)
    return total


def point_of(group: PointGroup, point: Any) -> G1Point:
    """Hand a point of py_ecc to a group as it is."""
    (mine,) = group.g1s_from_octets_unchecked_subgroup([compress_g1(point)])  # type: ignore[attr-defined]
    return mine  # type: ignore[no-any-return]


def shifted(group: PointGroup, point: G1Point, order: tuple[int, ...]) -> G1Point:
    """Add a point of small order."""
    return point_of(group, ecc.add(decompress_g1(group.g1s_to_octets([point])), small(order)))


def lied(
    statement: Statement, values: Values, form: WireForm, shifts: Mapping[int, tuple[int, ...]], when: str
) -> bytes:
    """Prove, with points of small orders added by slot: by the prover itself, or after it has finished."""
    group, commitment = statement.suite.group, commit(statement, values)
    honest = [*commitment.points, *commitment.T]
    moved = [
        shifted(group, point, shifts[slot]) if slot in shifts else point for slot, point in enumerate(honest)
    ]
    end = len(commitment.points)
    hashed = moved if when == "before the challenge" else honest
    c = challenge(statement, CONTEXT, group.g1s_to_octets(hashed[:end]), group.g1s_to_octets(hashed[end:]))
    answer = commitment.respond(c)
    return proof_to_octets(statement, Proof(tuple(moved[:end]), tuple(moved[end:]), answer.responses), form)


def presented(public: Public, form: WireForm, shifts: Mapping[int, tuple[int, ...]], when: str) -> Claim:
    compiled = public.compile()
    proof = lied(compiled.statement, assigned(compiled, public), form, shifts, when)
    return Claim(public.compile().statement, CONTEXT, proof, form)


@cache
def hundred(group: str) -> list[Claim]:
    """Good proofs, in both forms."""
    public = Public(group=group)
    return [
        replace(claim(public, proof_of(public, form=FORMS[i % 2])), form=FORMS[i % 2]) for i in range(100)
    ]


def among_a_hundred(bad: Sequence[Claim]) -> list[str]:
    """Return the verdicts in one batch with a hundred good ones, which stay good."""
    group = bad[0].statement.suite.group
    found = outcomes([*hundred(group.name), *bad])  # type: ignore[attr-defined]
    assert found[:100] == ["OK"] * 100
    return found[100:]


def slots(statement: Statement, names: Sequence[str]) -> list[int]:
    return [place for place, name in enumerate(statement.sent) if name.rsplit("/", 1)[1] in names]


def places(public: Public) -> tuple[list[int], list[int]]:
    """Return the slots that are only used inside, every T among them, and those that are read."""
    statement = public.compile().statement
    T = range(len(statement.sent), len(statement.sent) + len(statement.equations))
    inner, read = [*slots(statement, INNER), *T], slots(statement, READ)
    assert sorted(inner + read) == list(range(len(statement.sent) + len(statement.equations)))
    return inner, read


def lone_point(group: str, *, read: bool, nonzero: bool, x: int) -> tuple[Statement, Values, Sent]:
    """State K = x*G + y*G, with y = 0 in the values."""
    builder = Builder(suite(group))
    K, xw, yw = builder.sent("K", read=read, nonzero=nonzero), builder.witness("x"), builder.witness("y")
    G, H = (hashed_base(suite(group), purpose) for purpose in ("G", "H"))
    builder.equation("K", {K: 1}, [(xw, G), (yw, H)])
    statement = builder.build()
    values = Values(statement)
    values.set(xw, x)
    values.set(yw, 0)
    values.send(K, {G: x})
    return statement, values, K


def forge(statement: Statement, values: Values, form: WireForm) -> Claim:
    """Prove what does not hold: the prover's own check of the equations is left out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bbs.engine.prover._Expansion.check", lambda *_: None)
        return Claim(statement, CONTEXT, prove(statement, CONTEXT, values, form), form)
