"""Ranges: whoever is in one can prove it, and nobody else, however the digits are made up."""

from collections.abc import Callable, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bbs.engine import Base, Builder, Claim, Values, Witness, prove, verify
from bbs.errors import InputError
from bbs.gadgets.ranges import NotNegative, Quantity, Range, digit_count
from bbs.gadgets.tables import Table
from bbs.groups.bls12_381 import r
from tests.bbs.engine.cases import CONTEXT, outcome, outcomes, secret_key, suite
from tests.bbs.gadgets.cases import (
    ABSENT,
    FAST,
    HIGH,
    LOW,
    NUMBER,
    OFFSET,
    OPTIONAL,
    Case,
    districts,
    honest,
    pretend,
    quantity,
    refused,
    scalars,
    table,
)


def ranging(
    minimum: int | None = None,
    maximum: int | None = None,
    *,
    slot: int = NUMBER,
    digits: Table | None = None,
    group: str = FAST[0],
) -> Case:
    return Case(
        lambda scope, m: Range.add_to(
            scope, quantity(m[slot]), digits or table(group=group), minimum=minimum, maximum=maximum
        ),
        lambda gadget, values, given: gadget.assign(values, given),
        group,
    )


# --- who is in range


def test_a_hundred_honest_ones_pass() -> None:
    assert outcomes([*honest()]) == ["OK"] * 100


@pytest.mark.parametrize("group", FAST)
def test_a_range_on_every_group(group: str) -> None:
    ranging(18, 65, group=group).holds(scalars(number=30))
    ranging(18, group=group).holds(scalars(number=18))
    ranging(maximum=18, group=group).holds(scalars(number=LOW))


ENDS = st.sampled_from([LOW, LOW + 1, -1, 0, 1, 255, 256, HIGH - 1, HIGH])
BOUNDS = st.one_of(st.integers(LOW, HIGH), ENDS)


@settings(max_examples=60, deadline=None)
@given(st.one_of(BOUNDS, st.none()), st.one_of(BOUNDS, st.none()), BOUNDS)
def test_what_is_in_range_is_proven_and_what_is_not_is_not(
    minimum: int | None, maximum: int | None, number: int
) -> None:
    if minimum is None and maximum is None:
        minimum = number
    if minimum is not None and maximum is not None and minimum > maximum:
        minimum, maximum = maximum, minimum
    inside = (minimum is None or number >= minimum) and (maximum is None or number <= maximum)
    case = ranging(minimum, maximum)
    if inside:
        case.holds(scalars(number=number))
    else:
        with pytest.raises(InputError, match="UNSATISFIED"):
            case.claim(scalars(number=number))


@pytest.mark.parametrize("bound", [LOW, LOW + 1, 0, HIGH - 1, HIGH])
def test_the_ends_of_the_schema_are_bounds_like_others(bound: int) -> None:
    for number in (bound, HIGH):
        ranging(minimum=bound).holds(scalars(number=number))
    for number in (bound, LOW):
        ranging(maximum=bound).holds(scalars(number=number))
    ranging(bound, bound).holds(scalars(number=bound))


def test_as_many_digits_as_needed_and_no_more() -> None:
    assert [digit_count(most) for most in (0, 1, 255, 256, 65535, 65536, (1 << 64) - 1, 1 << 64)] == [
        *(1, 1, 1, 2, 2, 3, 8, 9),
    ]
    one_side = ((LOW, None), (HIGH - 255, None), (HIGH - 256, None), (None, LOW + 255), (None, LOW + 256))
    sides = [
        [len(side.digits.digits) for side in ranging(*bounds).compile()[2].sides]
        for bounds in (*one_side, (0, 255), (0, 256))
    ]
    assert sides == [[2], [1], [2], [1], [2], [1, 1], [2, 2]]


def test_two_ranges_on_one_number() -> None:
    """Each defines a digit of its own, so neither is in the other's way."""
    case = Case(
        lambda scope, m: [
            Range.add_to(scope.scope(name), quantity(m[NUMBER]), table(), minimum=low, maximum=high)
            for name, low, high in (("one", 10, 50), ("other", 40, 1000))
        ],
        lambda gadgets, values, given: [gadget.assign(values, given) for gadget in gadgets],
    )
    case.holds(scalars(number=45))
    for number in (39, 51):
        with pytest.raises(InputError, match="UNSATISFIED"):
            case.claim(scalars(number=number))


def test_an_absent_attribute_is_in_no_range(liar: None) -> None:
    """Not even in that of all values: so ranges on optional attributes need no other gadget."""
    case = ranging(LOW, HIGH, slot=OPTIONAL)
    case.holds(scalars(optional=OFFSET + 5))
    with pytest.raises(InputError, match="UNSATISFIED"):
        case.claim(scalars(optional=ABSENT))
    difference = (ABSENT - OFFSET - LOW) % r
    for low in (0, 255, difference % 256):
        lie = forged([difference // 256], low)
        assert refused(case.claim(scalars(optional=ABSENT), lie)) == "PROOF_INVALID"


# --- what does not compile


@pytest.mark.parametrize(
    ("minimum", "maximum"),
    [(LOW - 1, None), (HIGH + 1, None), (None, LOW - 1), (None, HIGH + 1), (None, None), (5, 4), (0.5, None)],
)
def test_bounds_that_say_nothing_do_not_compile(minimum: int | None, maximum: int | None) -> None:
    with pytest.raises(InputError, match="INVALID_STATEMENT"):
        ranging(minimum, maximum).compile()


def test_a_table_that_is_none_of_digits_does_not_compile() -> None:
    for other in (districts(), table("digits", tuple(range(257))), table("numbers", tuple(range(256)))):
        with pytest.raises(InputError, match="INVALID_STATEMENT"):
            ranging(18, digits=other).compile()


@pytest.mark.parametrize("far", [1 << 80, r, r - 5])
def test_what_could_wrap_around_the_group_order_does_not_compile(far: int) -> None:
    builder = Builder(suite())
    m = builder.witness("m")
    near, at = Quantity.attribute(m, 0, (1 << 80) - 1), Quantity.attribute(m, 0, far)
    Range.add_to(builder.scope("near"), near, table(), minimum=0, maximum=(1 << 80) - 1)
    for bounds in ({"minimum": 0}, {"minimum": far}, {"maximum": 0}, {"maximum": far}):
        with pytest.raises(InputError, match="INVALID_STATEMENT"):
            Range.add_to(builder.scope(str(bounds)), at, table(), **bounds)


def test_a_quantity_is_checked() -> None:
    m, n = Witness("m"), Witness("n")
    one = Quantity.attribute(m, 1, 5, 10)
    assert one.value({m: 13}) == 3
    total = Quantity.total([(2, one), (-3, Quantity.attribute(n, -4, 7))], 100)
    assert (total.minimum, total.maximum) == (100 + 2 - 21, 100 + 10 + 12)
    assert total.value({m: 13, n: 2}) == 100 + 6 - 6
    for factors, low, high in (
        ({}, 0, 1),
        ({m: 0}, 0, 1),
        ({m: 1}, 1, 0),
        ({m: 1}, 0, True),
        ({m: 0.5}, 0, 1),
    ):
        with pytest.raises(InputError, match="INVALID_STATEMENT"):
            Quantity(0, factors, low, high)  # type: ignore[arg-type]
    for terms in ([(1, one), (2, one)], [(0, one)], []):
        with pytest.raises(InputError, match="INVALID_STATEMENT"):
            Quantity.total(terms)


# --- provers that lie

Forge = Callable[[Range, Values, Mapping[Witness, int]], None]


def forged(higher: list[int], *signatures: int, right: bool = False, seed: bytes = b"T") -> Forge:
    """Claim these higher digits on each side; the lowest is what is left, whatever that is.

    The signatures shown are those of the given digits, as if they were on the claimed ones.
    """

    def assign(gadget: Range, values: Values, given: Mapping[Witness, int]) -> None:
        for side in gadget.sides:
            members = side.digits.digits
            rest = higher[: len(members) - 1]
            left = side.quantity.value(given) - sum(256 ** (j + 1) * digit for j, digit in enumerate(rest))
            for member, digit, place in zip(members, (left, *rest), range(9), strict=False):
                sign = signatures[place] if place < len(signatures) else digit % r
                C = signature(sign, seed)
                pretend(member, values, digit % r, C, sign if right else None)

    return assign


def signature(y: int, seed: bytes) -> Base:
    """A signature of the table, of 0 if it has no other; under a key of one's own any."""
    if seed == b"T" and y not in table():
        y = 0
    return Base(suite(), secret_key(seed).group_key.divide(table().V.point, y))


BY_ONE = [
    pytest.param(ranging(minimum=18), 17, id="one below the minimum"),
    pytest.param(ranging(maximum=18), 19, id="one above the maximum"),
    pytest.param(ranging(18, 60), 17, id="one below both"),
    pytest.param(ranging(18, 60), 61, id="one above both"),
    pytest.param(ranging(minimum=LOW), LOW - 1, id="one below the schema"),
    pytest.param(ranging(maximum=HIGH), HIGH + 1, id="one above the schema"),
    pytest.param(ranging(minimum=HIGH), LOW, id="as far below as can be"),
    pytest.param(ranging(maximum=LOW), HIGH, id="as far above as can be"),
    pytest.param(ranging(minimum=18), 18 + 256**2, id="one more than the digits reach"),
]


@pytest.mark.parametrize(("case", "number"), BY_ONE)
def test_out_of_range_by_one_at_either_end(case: Case, number: int, liar: None) -> None:
    with pytest.raises(InputError, match="UNSATISFIED"):
        case.claim(scalars(number=number))
    for higher in ([0], [255], [1], [256], [-1]):
        for right in (False, True):
            for signatures in ((0, 0), (255, 255), (1, 0)):
                bad = case.claim(scalars(number=number), forged(higher, *signatures, right=right))
                assert outcome(bad) == "PROOF_INVALID"
    assert refused(bad) == "PROOF_INVALID"


def test_no_digit_wraps_around_the_group_order(liar: None) -> None:
    """-1 = 0 + 256 * d for a d modulo r: d has no signature; nor do all that give a true lowest digit."""
    case = ranging(minimum=18)
    for lowest in (0, 1, 254, 255):
        d = (-1 - lowest) * pow(256, -1, r) % r
        for right in (False, True):
            for shown in (0, 255, d % 256):
                lie = forged([d], lowest, shown, right=right)
                assert outcome(case.claim(scalars(number=17), lie)) == "PROOF_INVALID"
    assert refused(case.claim(scalars(number=17), lie)) == "PROOF_INVALID"


def test_a_digit_that_is_none_needs_the_tables_key(liar: None) -> None:
    """Whoever knows the key signs what it wants; so the lie is right in all but that."""
    case = ranging(minimum=18)
    assert outcome(case.claim(scalars(number=30), forged([0]))) == "OK"
    own = forged([0], seed=b"U")
    assert refused(case.claim(scalars(number=30), own)) == "PROOF_INVALID"
    assert refused(case.claim(scalars(number=17), own)) == "PROOF_INVALID"
    assert refused(case.claim(scalars(number=18 + 256**2), forged([256], seed=b"U"))) == "PROOF_INVALID"


def test_a_digit_of_another_published_table_is_refused(liar: None) -> None:
    """One with a V of its own under its own key, as published tables are."""
    case = ranging(minimum=18)
    others = (table(seed=b"U"), table("numbers", tuple(range(256))), table("digits", tuple(range(257))))
    for other in others:

        def assign(gadget: Range, values: Values, given: Mapping[Witness, int], other: Table = other) -> None:
            for member, digit in zip(gadget.sides[0].digits.digits, (12, 0), strict=True):
                pretend(member, values, digit, other.signature(digit))

        assert refused(case.claim(scalars(number=30), assign)) == "PROOF_INVALID"


def test_a_proof_with_one_table_is_none_for_another(liar: None) -> None:
    """Not even if the other has the same key and base: the digest names the gadget."""
    mine, theirs = ranging(minimum=18), ranging(minimum=18, digits=table(seed=b"U"))
    claim = mine.claim(scalars(number=30))
    assert refused(Claim(theirs.compile()[0], CONTEXT, claim.proof)) == "PROOF_INVALID"
    names = mine.compile()[0].witnesses
    assert any(table().digest.hex() in name for name in names)


@pytest.mark.parametrize("other", [ranging(minimum=17), ranging(minimum=19), ranging(maximum=18)])
def test_a_proof_for_one_bound_is_none_for_another(other: Case) -> None:
    claim = ranging(minimum=18).claim(scalars(number=30))
    assert refused(Claim(other.compile()[0], CONTEXT, claim.proof)) == "PROOF_INVALID"


def test_a_response_has_one_encoding_and_one_value() -> None:
    claim = ranging(minimum=18).claim(scalars(number=30))
    responses = len(claim.statement.free)
    start = len(claim.proof) - 32 * responses
    reasons = list[str]()
    for at in range(start, len(claim.proof), 32):
        response = int.from_bytes(claim.proof[at : at + 32])
        for other in (response + r, (response + 1) % r, (response - 1) % r, (-response) % r):
            if other < 1 << 256:
                proof = claim.proof[:at] + other.to_bytes(32) + claim.proof[at + 32 :]
                reasons.append(outcome(Claim(claim.statement, CONTEXT, proof)))
    assert set(reasons) == {"PROOF_INVALID", "INVALID_SCALAR"}
    assert reasons.count("INVALID_SCALAR") >= responses // 2
    assert refused(Claim(claim.statement, CONTEXT, proof)) == "PROOF_INVALID"


def test_the_lowest_digit_has_no_response_to_choose() -> None:
    statement, _, gadget = ranging(18, 600).compile()
    for side in gadget.sides:
        lowest, *higher = (member.y for member in side.digits.digits)
        assert lowest not in statement.free
        assert set(higher) <= set(statement.free)


def test_a_range_on_what_a_constraint_defines_does_not_compile() -> None:
    builder = Builder(suite())
    m = builder.witness("m")
    first = NotNegative.add_to(builder.scope("first"), Quantity.attribute(m, 0, 99), 99, table())
    (digit,) = first.digits.digits
    NotNegative.add_to(builder.scope("second"), Quantity.attribute(digit.y, 0, 99), 99, table())
    with pytest.raises(InputError, match="INVALID_STATEMENT"):
        builder.build()


def test_no_error_shows_the_number() -> None:
    with pytest.raises(InputError) as caught:
        ranging(minimum=18).claim(scalars(number=17))
    assert not any(digit in str(caught.value) for digit in "0123456789")


def test_equal_numbers_look_different() -> None:
    claims = [ranging(minimum=18).claim(scalars(number=30)) for _ in range(2)]
    points = 48 * (len(claims[0].statement.sent) + len(claims[0].statement.equations))
    seen = [claim.proof[at : at + 48] for claim in claims for at in range(0, points, 48)]
    assert len(set(seen)) == len(seen)
    known = {suite().group.g1s_to_octets([each]) for each in table().entries}
    assert not known & set(seen)


def test_proving_and_verifying_by_hand() -> None:
    case = ranging(18, 60)
    values = case.values(scalars(number=60))
    proof = prove(values.statement, CONTEXT, values)
    verify(case.compile()[0], CONTEXT, proof)
