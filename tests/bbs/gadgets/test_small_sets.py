"""Lists, few values, none of few values, different values, equal ones: proven if true, else by nobody."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bbs.engine import Base, Builder, Claim, Values, Witness, prove
from bbs.engine.suite import PointGroup, inverse
from bbs.errors import InputError
from bbs.gadgets import commitment_bases
from bbs.gadgets.membership import Membership
from bbs.gadgets.small_set import Different, NoneOf, OneOf
from bbs.gadgets.tables import Table
from bbs.groups.bls12_381 import r
from tests.bbs.engine.cases import CONTEXT, outcome, secret_key, suite
from tests.bbs.gadgets.cases import (
    ABSENT,
    CODE,
    CODES,
    FAST,
    NUMBER,
    OFFSET,
    OPTIONAL,
    OTHER,
    Case,
    add_credential,
    credential,
    districts,
    pretend,
    refused,
    scalars,
    table,
)

Given = Mapping[Witness, int]


def listed(group: str = FAST[0], each: Table | None = None) -> Case:
    return Case(
        lambda scope, m: Membership.add_to(scope, m[CODE], each or districts(group)),
        lambda gadget, values, given: gadget.assign(values, given[gadget.member.y]),
        group,
    )


def one_of(values: tuple[int, ...], group: str = FAST[0], slot: int = CODE) -> Case:
    return Case(
        lambda scope, m: OneOf.add_to(scope, m[slot], values),
        lambda gadget, values, given: gadget.assign(values, given[gadget.m]),
        group,
    )


def none_of(values: tuple[int, ...], group: str = FAST[0], slot: int = CODE) -> Case:
    return Case(
        lambda scope, m: NoneOf.add_to(scope, m[slot], values),
        lambda gadget, values, given: gadget.assign(values, given[gadget.m]),
        group,
    )


def different(group: str = FAST[0]) -> Case:
    return Case(
        lambda scope, m: Different.add_to(scope, m[NUMBER], m[OTHER]),
        lambda gadget, values, given: gadget.assign(values, given[gadget.m], given[gadget.other]),
        group,
    )


# --- published lists


@pytest.mark.parametrize("group", FAST)
def test_every_code_of_a_list_is_proven_and_no_other(group: str) -> None:
    for code in districts().scalars:
        listed(group).holds(scalars(code=code))
    for code in (CODES[10], ABSENT, 0):
        with pytest.raises(InputError, match="UNSATISFIED"):
            listed(group).claim(scalars(code=code))


def test_a_code_that_is_not_in_the_list_is_refused(liar: None) -> None:
    outside, inside = CODES[10], CODES[0]
    others = {
        "that of another code": (districts().signature(inside), None),
        "that of another code, shown as such": (districts().signature(inside), inside),
        "one under a key of one's own": (signature(outside, districts(), b"U"), None),
        "one of another list under the same key": (table("other", (outside,), b"D").signature(outside), None),
        "one of a longer list under the same key": (
            table("districts", CODES[:11], b"D").signature(outside),
            None,
        ),
    }
    for name, (C, signed) in others.items():

        def assign(
            gadget: Membership, values: Values, given: Given, C: Base = C, signed: int | None = signed
        ) -> None:
            pretend(gadget.member, values, outside, C, signed)

        assert refused(listed().claim(scalars(code=outside), assign)) == "PROOF_INVALID", name
    # With the list's own key it would pass: so each of these failed for what it is.
    true = signature(outside, districts(), b"D")
    assign_true = listed().claim(
        scalars(code=outside), lambda gadget, values, given: pretend(gadget.member, values, outside, true)
    )
    assert outcome(assign_true) == "OK"


def signature(y: int, each: Table, seed: bytes) -> Base:
    return Base(suite(), secret_key(seed).group_key.divide(each.V.point, y))


def test_another_code_than_the_credentials_is_refused(liar: None) -> None:
    """A true signature on a code of the list, by a holder whose credential has another."""
    for answered in (CODES[0], CODES[10]):

        def assign(gadget: Membership, values: Values, given: Given, answered: int = answered) -> None:
            gadget.assign(values, CODES[0])
            values.set(gadget.member.y, answered)

        assert refused(listed().claim(scalars(code=CODES[10]), assign)) == "PROOF_INVALID"


def test_a_proof_for_one_list_is_none_for_another() -> None:
    claim = listed().claim(scalars(code=CODES[0]))
    assert any(districts().digest.hex() in name for name in claim.statement.sent)
    for other in (
        table("districts", CODES[:9], b"D"),
        table("other", CODES[:10], b"D"),
        table("a", CODES[:10]),
    ):
        assert refused(Claim(listed(each=other).compile()[0], CONTEXT, claim.proof)) == "PROOF_INVALID"


# --- few values


@pytest.mark.parametrize("group", FAST)
@pytest.mark.parametrize("count", [2, 3, 8])
def test_each_of_few_values_is_proven_and_no_other(group: str, count: int) -> None:
    for code in CODES[:count]:
        one_of(CODES[:count], group).holds(scalars(code=code))
    with pytest.raises(InputError, match="UNSATISFIED"):
        one_of(CODES[:count], group).claim(scalars(code=CODES[count]))


@pytest.mark.parametrize("group", FAST)
@pytest.mark.parametrize("count", [1, 2, 8])
def test_none_of_few_values_is_proven_of_every_other(group: str, count: int) -> None:
    none_of(CODES[:count], group).holds(scalars(code=CODES[count]))
    for code in CODES[:count]:
        with pytest.raises(InputError, match="UNSATISFIED"):
            none_of(CODES[:count], group).claim(scalars(code=code))


EDGES = st.sampled_from([0, 1, 2, r - 2, r - 1, OFFSET])


@settings(max_examples=40, deadline=None)
@given(st.sets(EDGES, min_size=2, max_size=6), EDGES)
def test_edges_of_the_scalars_are_values_like_others(values: set[int], m: int) -> None:
    """Zero above all, which no public scalar of an equation may be."""
    few = tuple(values)
    case, other = (one_of(few), none_of(few)) if m in values else (none_of(few), one_of(few))
    case.holds(scalars(code=m))
    with pytest.raises(InputError, match="UNSATISFIED"):
        other.claim(scalars(code=m))


def test_the_order_of_the_values_does_not_matter() -> None:
    for few in (one_of, none_of):
        claim = few((3, 0, 7)).claim(scalars(code=7 if few is one_of else 8))
        for order in ((7, 0, 3), (0, 3, 7)):
            assert outcome(Claim(few(order).compile()[0], CONTEXT, claim.proof)) == "OK"
        for other in ((0, 3, 6), (0, 3), (0, 3, 7, 9)):
            bad = Claim(few(other).compile()[0], CONTEXT, claim.proof)
            assert refused(bad) in {"PROOF_INVALID", "INVALID_LENGTH"}


@pytest.mark.parametrize(
    "values", [(), (1,), tuple(range(9)), (1, 1), (1, r), (-1, 1), (True, 2), ("a", "b")]
)
def test_what_is_no_small_set_does_not_compile(values: Any) -> None:
    with pytest.raises(InputError, match="INVALID_STATEMENT"):
        one_of(values).compile()
    if values != (1,):
        with pytest.raises(InputError, match="INVALID_STATEMENT"):
            none_of(values).compile()


@pytest.mark.parametrize("count", [2, 3, 8])
def test_a_value_outside_a_small_set_is_refused(count: int, liar: None) -> None:
    """The chain of a value of the set, the chain of the true one, and one that is 0 from the start."""
    few, outside = tuple(sorted(CODES[:count])), CODES[10]
    for chosen in (*few, outside):
        for answered in (outside, chosen):

            def assign(
                gadget: OneOf, values: Values, given: Given, chosen: int = chosen, answered: int = answered
            ) -> None:
                chained(gadget, values, chosen)
                values.set(gadget.m, answered)

            bad = one_of(few).claim(scalars(code=outside), assign)
            assert outcome(bad) == "PROOF_INVALID"
    assert refused(bad) == "PROOF_INVALID"
    for answered in (outside, few[0]):

        def zero(gadget: OneOf, values: Values, given: Given, answered: int = answered) -> None:
            chained(gadget, values, None)
            values.set(gadget.m, answered)

        assert refused(one_of(few).claim(scalars(code=outside), zero)) == "PROOF_INVALID"


def chained(gadget: OneOf | NoneOf, values: Values, m: int | None) -> int:
    """Commit to the products for m, or to 0 throughout; return the last blind."""
    G, H = commitment_bases(suite())
    product, blind = 1, 0
    for K, u, value, fresh in zip(
        gadget.K, gadget.u, gadget.values, values.random(len(gadget.K)), strict=False
    ):
        factor = 0 if m is None else m - value
        product, blind = factor * product % r, (factor * blind + fresh) % r
        values.set(u, fresh)
        values.send(K, {G: product, H: blind})
    if isinstance(gadget, OneOf):
        values.set(gadget.u[-1], (gadget.values[-1] - (m or 0)) * blind)
    return blind


# --- not equal


def test_an_equal_value_is_refused(liar: None) -> None:
    """For m = s the commitment is to 0: w and z for it there are none, and others are those of another K."""
    code, few = CODES[0], (CODES[1], CODES[0])
    for values_ in ((code,), few):
        for honest_chain in (True, False):
            for w in (1, 0, r - 1):

                def assign(
                    gadget: NoneOf, values: Values, given: Given, w: int = w, honest: bool = honest_chain
                ) -> None:
                    blind = chained(gadget, values, code if honest else CODES[5])
                    if not honest:
                        values.set(gadget.inverse.w, pow(product(gadget, CODES[5]), -1, r))
                        values.set(gadget.inverse.z, -blind * pow(product(gadget, CODES[5]), -1, r))
                        return
                    values.set(gadget.inverse.w, w)
                    values.set(gadget.inverse.z, -blind * w)

                bad = none_of(values_).claim(scalars(code=code), assign)
                assert outcome(bad) == "PROOF_INVALID"
    assert refused(bad) == "PROOF_INVALID"


def product(gadget: NoneOf, m: int) -> int:
    result = 1
    for value in gadget.values:
        result = result * (m - value) % r
    return result


def test_an_optional_attribute_is_there() -> None:
    """m != ABSENT, alone or together with another value, in one gadget."""
    none_of((ABSENT,), slot=OPTIONAL).holds(scalars(optional=5))
    none_of((ABSENT, 6), slot=OPTIONAL).holds(scalars(optional=5))
    for optional in (ABSENT, 6):
        with pytest.raises(InputError, match="UNSATISFIED"):
            none_of((ABSENT, 6), slot=OPTIONAL).claim(scalars(optional=optional))


@pytest.mark.parametrize("group", FAST)
def test_two_hidden_values_differ_or_nobody_proves_it(group: str) -> None:
    different(group).holds(scalars(number=5, other=6))
    different(group).holds(scalars(number=6, other=5))
    with pytest.raises(InputError, match="UNSATISFIED"):
        different(group).claim(scalars(number=5, other=5))
    builder = Builder(suite())
    with pytest.raises(InputError, match="INVALID_STATEMENT"):
        Different.add_to(builder, builder.witness("m"), Witness("m"))


def test_two_equal_hidden_values_are_refused(liar: None) -> None:
    G, H = commitment_bases(suite())
    for claimed in (0, 1, r - 1):
        for w in (0, 1):

            def assign(gadget: Different, values: Values, given: Given, d: int = claimed, w: int = w) -> None:
                (u,) = values.random(1)
                values.set(gadget.u, u)
                values.send(gadget.K, {G: d, H: u})
                values.set(gadget.inverse.w, pow(d, -1, r) if d else w)
                values.set(gadget.inverse.z, -u * (pow(d, -1, r) if d else w))

            bad = different().claim(scalars(number=5, other=5), assign)
            assert refused(bad) == "PROOF_INVALID"


def test_the_inverse_of_a_secret_is_the_groups_constant_time_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The steps of Euclid's algorithm would tell by their time how far two values are apart."""
    taken = set[int]()

    def spy(group: PointGroup, scalar: int) -> int:
        taken.add(scalar)
        return inverse(group, scalar)

    monkeypatch.setattr("bbs.gadgets.small_set.inverse", spy)
    different().holds(scalars(number=5, other=6))
    none_of((CODES[0],)).holds(scalars(code=CODES[1]))
    assert taken == {r - 1, (CODES[1] - CODES[0]) % r}


# --- equal


def couple(first: tuple[int, ...], second: tuple[int, ...], slots: Mapping[int, int]) -> Claim:
    """Two credentials of two issuers, some slots of the second the same witnesses as slots of the first."""

    def compiled() -> tuple[Builder, Any, Any]:
        builder = Builder(suite())
        one = add_credential(builder.scope("one"))
        shared = {slot: one.messages[of] for slot, of in slots.items()}
        return builder, one, add_credential(builder.scope("other"), b"B", shared=shared)

    builder, one, other = compiled()
    values = Values(builder.build())
    one.assign(values, credential(first))
    other.assign(values, credential(second, b"B"))
    return Claim(compiled()[0].build(), CONTEXT, prove(values.statement, CONTEXT, values))


def test_equal_attributes_of_two_credentials_are_one_witness() -> None:
    """Hidden, of two issuers, in different slots: the child of one register and the child of another."""
    first, second = scalars(number=5, other=9), scalars(number=9, other=7)
    assert outcome(couple(first, second, {NUMBER: OTHER})) == "OK"
    assert outcome(couple(first, second, {NUMBER: OTHER, 0: 0})) == "OK"
    with pytest.raises(InputError, match="UNSATISFIED"):
        couple(first, second, {NUMBER: NUMBER})


def test_different_attributes_are_not_one_witness(liar: None) -> None:
    assert refused(couple(scalars(number=5), scalars(number=6), {NUMBER: NUMBER})) == "PROOF_INVALID"
    assert refused(couple(scalars(number=6), scalars(number=5), {NUMBER: NUMBER})) == "PROOF_INVALID"


def test_no_error_shows_a_value() -> None:
    for case, messages in (
        (one_of((7, 8)), scalars(code=9)),
        (none_of((9,)), scalars(code=9)),
        (different(), scalars(number=9, other=9)),
        (listed(), scalars(code=9)),
    ):
        with pytest.raises(InputError, match="UNSATISFIED") as caught:
            case.claim(messages)
        assert not any(digit in str(caught.value) for digit in "0123456789")
