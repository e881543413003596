"""The argument of docs/composite.md for the value gadgets, as far as it can be run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from bbs.engine import Builder, Claim, Statement, Values, WireForm, proof_octets, prove, verify
from bbs.engine.proof import proof_to_octets
from bbs.engine.prover import commit
from bbs.gadgets import Commitment, commitment_bases
from bbs.gadgets.membership import Membership
from bbs.gadgets.ranges import Quantity, Range
from bbs.gadgets.small_set import Different, NoneOf, OneOf
from bbs.gadgets.sums import Capped
from bbs.gadgets.tables import Table
from bbs.groups.bls12_381 import r
from bbs.groups.protocol import G1Point
from bbs.scalars import calculate_random_scalars
from tests.bbs.engine.cases import CONTEXT, outcomes, suite
from tests.bbs.engine.test_engine_argument import RUNS, THRESHOLD, distance, extracted, simulated
from tests.bbs.gadgets.cases import (
    CODES,
    HIGH,
    LOW,
    NUMBER,
    OFFSET,
    add_credential,
    credential,
    districts,
    quantity,
    scalars,
    table,
)

NAMES = ("number", "other", "code")
TRUE = {"number": 700 + OFFSET, "other": 50 + OFFSET, "code": CODES[3]}


@dataclass(frozen=True)
class Everything:
    """A statement with every value gadget, about three numbers that are committed to."""

    statement: Statement
    committed: dict[str, Commitment]
    range: Range
    capped: Capped
    total: Range
    member: Membership
    one_of: OneOf
    none_of: NoneOf
    different: Different

    @classmethod
    def compile(cls) -> "Everything":
        builder = Builder(suite())
        committed = {name: Commitment.add_to(builder.scope(name), builder.witness(name)) for name in NAMES}
        number, other, code = (committed[name].m for name in NAMES)
        capped = Capped.add_to(builder.scope("cap"), quantity(number), 600, table())
        total = Quantity.total([(1, capped.counted), (12, quantity(other))])
        return cls(
            committed=committed,
            range=Range.add_to(builder.scope("range"), quantity(number), table(), minimum=18, maximum=900),
            capped=capped,
            total=Range.add_to(builder.scope("total"), total, table(), minimum=1100),
            member=Membership.add_to(builder.scope("member"), code, districts()),
            one_of=OneOf.add_to(builder.scope("one of"), code, CODES[:5]),
            none_of=NoneOf.add_to(builder.scope("none of"), code, CODES[5:8]),
            different=Different.add_to(builder.scope("different"), number, other),
            statement=builder.build(),
        )

    def values(self) -> Values:
        values = Values(self.statement)
        given = {each.m: TRUE[name] for name, each in self.committed.items()}
        for name, each in self.committed.items():
            each.assign(values, TRUE[name])
        self.range.assign(values, given)
        given |= self.capped.assign(values, given)
        self.total.assign(values, given)
        self.member.assign(values, TRUE["code"])
        self.one_of.assign(values, TRUE["code"])
        self.none_of.assign(values, TRUE["code"])
        self.different.assign(values, TRUE["number"], TRUE["other"])
        return values


def test_two_answers_give_a_value_that_satisfies_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = Everything.compile()
    statement, group = parts.statement, suite().group
    commitment = commit(statement, parts.values())
    challenges = (7654321, r - 3)
    answers = [commitment.respond(c) for c in challenges]
    for c, answer in zip(challenges, answers, strict=True):
        monkeypatch.setattr("bbs.engine.verifier.challenge", lambda *_, c=c: c)
        verify(statement, CONTEXT, proof_to_octets(statement, answer))
    x = extracted(statement, answers[0], answers[1], challenges)
    for name, each in parts.committed.items():
        assert x[each.m] == TRUE[name]
    for side in (*parts.range.sides, parts.capped.rest, *parts.total.sides):
        digits = [x[member.y] for member in side.digits.digits]
        assert max(digits) < 256
        number = sum(256**j * digit for j, digit in enumerate(digits))
        assert number == side.quantity.value(x) >= 0
    assert parts.capped.counted.value(x) == 600
    # From each possession follows the signature itself: C = -C'/t.
    sent = dict(zip(statement.sent, answers[0].points, strict=True))
    members = [(table(), member) for member in parts.range.sides[0].digits.digits]
    for signed, member in (*members, (districts(), parts.member.member)):
        C = group.msm([sent[member.C1]], [pow(-x[member.t], -1, r)])
        assert group.g1s_to_octets([C]) == signed.signature(x[member.y]).octets
    # The products: that of the one set is 0, and w is the inverse of that of the other.
    assert opened(parts.one_of, x, CODES[:5])[0] == 0
    product, blind = opened(parts.none_of, x, CODES[5:8])
    assert product * x[parts.none_of.inverse.w] % r == 1
    assert (blind * x[parts.none_of.inverse.w] + x[parts.none_of.inverse.z]) % r == 0
    difference = (TRUE["number"] - TRUE["other"]) % r
    assert x[parts.different.difference] == difference
    assert difference * x[parts.different.inverse.w] % r == 1


def opened(gadget: OneOf | NoneOf, x: Any, values: Sequence[int]) -> tuple[int, int]:
    """Compute what the last K commits to from what was extracted, equation by equation."""
    product, blind = 1, 0
    for value, u in zip(sorted(values), gadget.u, strict=True):
        factor = x[gadget.m] - value
        product, blind = factor * product % r, (factor * blind + x[u]) % r
    return product, blind


def pair(each: Table) -> tuple[G1Point, G1Point]:
    """C and a*C for the table's key, which follow from any of its entries."""
    group, y, C = suite().group, each.scalars[-1], each.entries[-1]
    return C, group.msm([each.V.point, C], [1, -y])


def simulated_points(statement: Statement) -> list[G1Point]:
    """Choose every sent point at random, and those of a check as a multiple of a published pair."""
    group, (G, _) = suite().group, commitment_bases(suite())
    pairs = {each.key: pair(each) for each in (table(), districts())}
    sent = {name: group.msm([G.point], calculate_random_scalars(1)) for name in statement.sent}
    for check in statement.checks:
        (t,) = calculate_random_scalars(1)
        sent[check.C], sent[check.D] = (group.msm([point], [t]) for point in pairs[check.key])
    return [sent[name] for name in statement.sent]


def test_the_simulator_knows_no_value_and_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        statement = Everything.compile().statement
        (c,) = calculate_random_scalars(1)
        proof = simulated(statement, simulated_points(statement), c)
        with monkeypatch.context() as programmed:
            programmed.setattr("bbs.engine.verifier.challenge", lambda *_, c=c: c)
            verify(statement, CONTEXT, proof_to_octets(statement, proof))
        # In the real oracle it is nothing.
        assert outcomes([Claim(statement, CONTEXT, proof_to_octets(statement, proof))]) == ["PROOF_INVALID"]


def small(code: int | None) -> bytes:
    """One run about a code, committed to, that is one of two and none of another two; None simulates it."""
    builder = Builder(suite())
    committed = Commitment.add_to(builder.scope("code"), builder.witness("code"))
    one_of = OneOf.add_to(builder.scope("one of"), committed.m, CODES[:2])
    none_of = NoneOf.add_to(builder.scope("none of"), committed.m, CODES[2:4])
    member = Membership.add_to(builder.scope("member"), committed.m, districts())
    statement = builder.build()
    if code is None:
        (c,) = calculate_random_scalars(1)
        return proof_to_octets(statement, simulated(statement, simulated_points(statement), c))
    values = Values(statement)
    committed.assign(values, code)
    one_of.assign(values, code)
    none_of.assign(values, code)
    member.assign(values, code)
    return prove(statement, CONTEXT, values)


def test_real_runs_look_like_simulated_ones_and_like_those_of_another_value() -> None:
    real = [small(CODES[0]) for _ in range(RUNS)]
    assert distance(real, [small(None) for _ in range(RUNS)]) < THRESHOLD
    assert distance(real, [small(CODES[1]) for _ in range(RUNS)]) < THRESHOLD


def test_the_sizes_of_a_range() -> None:
    """A digit has three points and the response t, and all but the lowest one that of their value."""
    builder = Builder(suite())
    mine = add_credential(builder.scope("credential"))
    bare = builder.build()
    Range.add_to(builder.scope("range"), quantity(mine.messages[NUMBER]), table(), minimum=LOW)
    ranged = builder.build()
    assert HIGH - LOW < 1 << 16
    assert proof_octets(ranged) - proof_octets(bare) == 2 * (3 * 48 + 32) + 32
    form = WireForm.UNCOMPRESSED
    assert proof_octets(ranged, form) - proof_octets(bare, form) == 2 * (3 * 96 + 32) + 32


def test_a_range_needs_a_credential_that_is_true() -> None:
    """Everything together with a credential, as presentations are."""
    builder = Builder(suite())
    mine = add_credential(builder.scope("credential"))
    ranged = Range.add_to(builder.scope("range"), quantity(mine.messages[NUMBER]), table(), minimum=LOW)
    values = Values(statement := builder.build())
    mine.assign(values, credential(scalars()))
    ranged.assign(values, {mine.messages[NUMBER]: scalars()[NUMBER]})
    verify(statement, CONTEXT, prove(statement, CONTEXT, values))
