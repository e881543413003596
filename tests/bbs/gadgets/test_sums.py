"""Sums across credentials, issuers and holders: exact to one, capped where the policy says so."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bbs.engine import Builder, Claim, Sent, Statement, Values, Witness, prove, verify
from bbs.errors import DecodingError, InputError
from bbs.gadgets import Commitment, Credential, commitment_bases
from bbs.gadgets.ranges import Quantity, Range
from bbs.gadgets.sums import Capped, Opened
from bbs.groups.bls12_381 import p, r
from tests.bbs.accumulator.cases import moved
from tests.bbs.engine.cases import CONTEXT, outcome, suite
from tests.bbs.gadgets.cases import (
    HIGH,
    LOW,
    NUMBER,
    OFFSET,
    add_credential,
    credential,
    pretend,
    quantity,
    refused,
    scalars,
    table,
)

SEEDS = (b"A", b"B", b"C")


@dataclass(frozen=True)
class Policy:
    """A weighted sum of a number of each of several issuers' credentials lies between bounds."""

    minimum: int | None = None
    maximum: int | None = None
    factors: tuple[int, ...] = (1, 1)
    caps: tuple[int | None, ...] = (None, None, None)

    def compile(self) -> tuple[Statement, list[Credential], list[Capped | None], Range]:
        builder = Builder(suite())
        held = [add_credential(builder.scope(f"c{i}"), SEEDS[i]) for i in range(len(self.factors))]
        capped = [
            Capped.add_to(builder.scope(f"cap{i}"), quantity(each.messages[NUMBER]), cap, table())
            if cap is not None
            else None
            for i, (each, cap) in enumerate(zip(held, self.caps, strict=False))
        ]
        counted = [
            quantity(each.messages[NUMBER]) if cap is None else cap.counted
            for each, cap in zip(held, capped, strict=True)
        ]
        total = Quantity.total(zip(self.factors, counted, strict=True))
        bound = Range.add_to(builder.scope("sum"), total, table(), minimum=self.minimum, maximum=self.maximum)
        return builder.build(), held, capped, bound

    def claim(self, *numbers: int, counts: tuple[int, ...] | None = None) -> Claim:
        """Prove it of numbers; `counts` says what a lying prover counts of each."""
        statement, held, capped, bound = self.compile()
        values, given = Values(statement), dict[Witness, int]()
        for each, number, seed in zip(held, numbers, SEEDS, strict=False):
            each.assign(values, credential(scalars(number=number), seed))
            given[each.messages[NUMBER]] = number + OFFSET
        for place, cap in enumerate(capped):
            if cap is not None and counts is None:
                given |= cap.assign(values, given)
            elif cap is not None and counts is not None:
                given |= overcount(cap, values, given, counts[place])
        if counts is None:
            bound.assign(values, given)
        else:
            falsely(bound, values, given)
        return Claim(self.compile()[0], CONTEXT, prove(statement, CONTEXT, values))


def falsely(bound: Range, values: Values, given: dict[Witness, int]) -> None:
    """Show digits as well as can be: true ones where there are, of something else where not."""
    for side in bound.sides:
        show_digits(side.digits.digits, values, side.quantity.value(given))


def show_digits(members: Any, values: Values, number: int) -> dict[Witness, int]:
    lowest, *higher = members
    number_higher = max(0, min(number, 256 ** len(members) - 1)) // 256
    digits = number_higher.to_bytes(len(higher) + 1, "little")[: len(higher)]
    left = number - sum(256 ** (j + 1) * digit for j, digit in enumerate(digits))
    for member, digit in zip((lowest, *higher), (left, *digits), strict=True):
        pretend(member, values, digit % r, table().signature(digit if digit in table() else 0))
    return dict(zip((member.y for member in members), (left, *digits), strict=True))


def overcount(cap: Capped, values: Values, given: dict[Witness, int], counts: int) -> dict[Witness, int]:
    digits = show_digits(cap.missing.digits, values, cap.cap - counts)
    show_digits(cap.rest.digits.digits, values, cap.rest.quantity.value({**given, **digits}))
    return digits


# --- across issuers


NUMBERS = st.one_of(st.integers(LOW, HIGH), st.sampled_from([LOW, -1, 0, 1, HIGH]))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(NUMBERS, st.sampled_from([1, 2, 12, -1, -5])), min_size=1, max_size=3),
    st.sampled_from([-300, -1, 0, 1, 300]),
    st.booleans(),
)
def test_a_sum_is_proven_exactly_if_it_reaches_the_bound(
    terms: list[tuple[int, int]], distance: int, upper: bool
) -> None:
    factors = tuple(factor for _, factor in terms)
    total = sum(number * factor for number, factor in terms)
    ends = [sorted((LOW * factor, HIGH * factor)) for factor in factors]
    least, most = (sum(end[i] for end in ends) for i in (0, 1))
    bound = max(least, min(most, total + distance))
    policy = Policy(maximum=bound, factors=factors) if upper else Policy(minimum=bound, factors=factors)
    if total <= bound if upper else total >= bound:
        assert outcome(policy.claim(*(number for number, _ in terms))) == "OK"
    else:
        with pytest.raises(InputError, match="UNSATISFIED"):
            policy.claim(*(number for number, _ in terms))


@pytest.mark.parametrize(
    ("policy", "numbers"),
    [
        (Policy(minimum=60), (30, 29)),
        (Policy(maximum=60), (30, 31)),
        (Policy(60, 60), (30, 29)),
        (Policy(60, 60), (30, 31)),
        (Policy(minimum=100, factors=(12, 1)), (8, 3)),
        (Policy(minimum=0, factors=(1, -1)), (8, 9)),
        (Policy(minimum=60, factors=(1, 1, 1)), (20, 20, 19)),
    ],
)
def test_a_sum_off_by_one_is_refused(policy: Policy, numbers: tuple[int, ...], liar: None) -> None:
    bad = policy.claim(*numbers, counts=numbers)
    assert refused(bad) == "PROOF_INVALID"
    reached = (*numbers[:-1], numbers[-1] + (1 if policy.minimum is not None else -1))
    if policy.minimum != policy.maximum and policy.factors[-1] == 1:
        assert outcome(policy.claim(*reached, counts=reached)) == "OK"


@pytest.mark.parametrize(
    "policy",
    [
        Policy(minimum=2 * LOW - 1),
        Policy(minimum=2 * HIGH + 1),
        Policy(maximum=2 * LOW - 1),
        Policy(minimum=LOW - HIGH - 1, factors=(1, -1)),
        Policy(60, 59),
        Policy(),
        Policy(minimum=60, factors=(1, 0)),
        Policy(minimum=1 << 80, factors=(1 << 70, 1)),
        Policy(minimum=0, factors=(1 << 65, 1)),
        Policy(minimum=60, caps=(HIGH + 1, None)),
        Policy(minimum=60, caps=(LOW - 1, None)),
    ],
)
def test_what_a_sum_cannot_reach_or_compute_does_not_compile(policy: Policy) -> None:
    with pytest.raises(InputError, match="INVALID_STATEMENT"):
        policy.compile()


def test_one_attribute_is_not_added_twice_by_accident() -> None:
    m = quantity(Witness("m"))
    with pytest.raises(InputError, match="INVALID_STATEMENT"):
        Quantity.total([(1, m), (1, m)])


def test_a_proof_for_other_factors_is_none() -> None:
    claim = Policy(minimum=60).claim(40, 40)
    for other in (
        Policy(minimum=61),
        Policy(minimum=59),
        Policy(minimum=60, factors=(2, 1)),
    ):
        assert refused(Claim(other.compile()[0], CONTEXT, claim.proof)) == "PROOF_INVALID"


# --- with caps


CAPPED = Policy(minimum=60, caps=(24, 48))


@pytest.mark.parametrize("numbers", [(24, 36), (500, 36), (12, 48), (12, 900), (HIGH, HIGH), (24, 48)])
def test_what_counts_is_the_number_or_its_cap(numbers: tuple[int, int]) -> None:
    assert outcome(CAPPED.claim(*numbers)) == "OK"


def test_what_is_far_below_its_cap_counts_as_it_is() -> None:
    for minimum, holds in ((LOW + 48, True), (LOW + 49, False)):
        policy = Policy(minimum=minimum, caps=(24, 48))
        if holds:
            assert outcome(policy.claim(LOW, 48)) == "OK"
        else:
            with pytest.raises(InputError, match="UNSATISFIED"):
                policy.claim(LOW, 48)


@pytest.mark.parametrize("numbers", [(23, 36), (500, 35), (11, 900), (LOW, HIGH), (HIGH, LOW)])
def test_more_than_the_cap_does_not_count(numbers: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="UNSATISFIED"):
        CAPPED.claim(*numbers)


@pytest.mark.parametrize(
    ("numbers", "counts"),
    [
        ((500, 35), (25, 35)),  # one more than the cap
        ((500, 35), (500, 35)),  # no cap
        ((23, 36), (24, 36)),  # one more than there is
        ((11, 900), (11, 49)),
        ((LOW, 48), (12, 48)),
        ((500, 35), (24, 35)),  # the true count, one short
        ((500, 35), (24 + 256**2, 35)),
        ((500, 35), (24, 36)),
    ],
)
def test_who_counts_more_is_refused(numbers: tuple[int, int], counts: tuple[int, int], liar: None) -> None:
    assert refused(CAPPED.claim(*numbers, counts=counts)) == "PROOF_INVALID"


def test_who_counts_less_passes_where_it_suffices(liar: None) -> None:
    """The liar's own tools give a true proof for what is true: so what they were refused for was the lie."""
    assert outcome(CAPPED.claim(500, 900, counts=(24, 48))) == "OK"
    assert outcome(CAPPED.claim(500, 900, counts=(20, 48))) == "OK"


# --- across holders


def commitment_of(number: int) -> tuple[bytes, int, int]:
    """The first holder shows a credential and commits to its number; it hands over m and u."""

    def compiled() -> tuple[Statement, Credential, Commitment]:
        builder = Builder(suite())
        mine = add_credential(builder.scope("credential"))
        commitment = Commitment.add_to(builder.scope("income"), mine.messages[NUMBER])
        return builder.build(), mine, commitment

    statement, mine, commitment = compiled()
    values = Values(statement)
    mine.assign(values, credential(scalars(number=number)))
    u = commitment.assign(values, number + OFFSET)
    proof = prove(statement, CONTEXT, values)
    K = verify(compiled()[0], CONTEXT, proof).octets[Sent("income/K")]
    return K, number + OFFSET, u


def joint(K: bytes, minimum: int) -> tuple[Statement, Credential, Opened, Range]:
    """The second holder's: its own number and the one in K add up."""
    builder = Builder(suite())
    mine = add_credential(builder.scope("credential"), b"B")
    opened = Opened.add_to(builder.scope("spouse"), K)
    total = Quantity.total([(1, quantity(mine.messages[NUMBER])), (1, quantity(opened.m))])
    bound = Range.add_to(builder.scope("income"), total, table(), minimum=minimum)
    return builder.build(), mine, opened, bound


def jointly(K: bytes, number: int, m: int, u: int, minimum: int, *, lie: bool = False) -> Claim:
    statement, mine, opened, bound = joint(K, minimum)
    values = Values(statement)
    mine.assign(values, credential(scalars(number=number), b"B"))
    opened.assign(values, m, u)
    given = {mine.messages[NUMBER]: number + OFFSET, opened.m: m}
    if lie:
        falsely(bound, values, given)
    else:
        bound.assign(values, given)
    return Claim(joint(K, minimum)[0], CONTEXT, prove(statement, CONTEXT, values))


def test_two_holders_prove_the_sum_of_what_each_has() -> None:
    K, m, u = commitment_of(4000)
    assert outcome(jointly(K, 6000, m, u, 10_000)) == "OK"
    with pytest.raises(InputError, match="UNSATISFIED"):
        jointly(K, 6000, m, u, 10_001)
    with pytest.raises(InputError, match="UNSATISFIED"):
        jointly(K, 6000, m, u + 1, 10_000)
    with pytest.raises(InputError, match="UNSATISFIED"):
        jointly(K, 6000, m + 1, u, 10_001)


def test_another_opening_is_refused(liar: None) -> None:
    K, m, u = commitment_of(4000)
    other, m2, u2 = commitment_of(4001)
    for wrong in ((K, m + 1, u), (K, m, u + 1), (K, m2, u2), (other, m, u), (K, m + 1, u - 1)):
        assert refused(jointly(wrong[0], 6000, *wrong[1:], 10_000)) == "PROOF_INVALID"
    assert refused(jointly(K, 5999, m, u, 10_000, lie=True)) == "PROOF_INVALID"
    assert refused(jointly(K, 5999, m + 1, u, 10_000)) == "PROOF_INVALID"


def test_a_proof_for_one_commitment_is_none_for_another() -> None:
    K, m, u = commitment_of(4000)
    again, _, _ = commitment_of(4000)
    assert again != K
    claim = jointly(K, 6000, m, u, 10_000)
    assert refused(Claim(joint(again, 10_000)[0], CONTEXT, claim.proof)) == "PROOF_INVALID"


def test_another_s_commitment_is_decoded_strictly() -> None:
    K, _, _ = commitment_of(4000)
    (point,) = suite().group.g1s_from_octets([K])
    off = suite().group.g1s_to_octets_uncompressed([point])
    for octets, reason in (
        (b"\xc0" + bytes(47), "IDENTITY_POINT"),
        (K[:-1], "INVALID_LENGTH"),
        (K + b"\x00", "INVALID_LENGTH"),
        (off, "INVALID_LENGTH"),
        (b"\x1f" + K[1:], "INVALID_POINT"),
        (compressed(moved(off, 3)), "NOT_IN_SUBGROUP"),
    ):
        with pytest.raises(DecodingError, match=reason):
            joint(octets, 10_000)
    with pytest.raises(InputError, match="INVALID_TYPE"):
        joint(K.hex(), 10_000)  # type: ignore[arg-type]


def compressed(octets: bytes) -> bytes:
    y = int.from_bytes(octets[48:])

    return bytes([octets[0] | 0x80 | (0x20 if y > p // 2 else 0)]) + octets[1:48]


def test_a_commitment_opens_to_its_number_and_shows_nothing_of_it() -> None:
    G, H = commitment_bases(suite())
    K, m, u = commitment_of(4000)
    group = suite().group
    assert group.g1s_to_octets([group.msm([G.point, H.point], [m, u])]) == K
