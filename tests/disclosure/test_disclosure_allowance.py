"""What a request asks beyond its policy: every kind, with its place, in both forms, and nothing else."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from disclosure import (
    DepartmentName,
    LocalizedText,
    MalformedError,
    PolicyName,
    Query,
    RefusedError,
    VerifierName,
)
from disclosure.allowance import ExcessKind, check_allowed, excess
from disclosure.composite import (
    Branch,
    CommitmentQuery,
    Compared,
    Equal,
    EscrowQuery,
    Foreign,
    ForeignNumber,
    InList,
    Operand,
    PseudonymQuery,
    Sum,
    Term,
    VerifierScope,
    at_least,
)
from disclosure.composite.foreign import CommittedNumber
from disclosure.policy import (
    AllowedAttribute,
    AllowedEscrow,
    AllowedItem,
    AllowedScope,
    RegisteredPolicy,
    StandingLimits,
)
from tests.disclosure.composite import world
from tests.disclosure.composite.test_composite_request import joint
from tests.disclosure.world import PERMIT, POLICY, PURPOSE, REQUEST, SCHOOL, request

BASIS = LocalizedText("办法第一条", "Rules, article 1")
DIGEST, OTHER_DIGEST, LIST = bytes(range(32)), bytes(32), bytes(range(1, 33))
PLACE = "departments/public-security/schemas"
PLAIN = RegisteredPolicy(
    POLICY, "purposes/enrolment", PURPOSE, BASIS, 30,
    (
        AllowedItem("hrss", "social_insurance", ("base", "employed", "photo")),
        AllowedItem(
            PERMIT.name.department, PERMIT.name.item, ("continuous_since", "district", "remark"), ("name",)
        ),
    ),
)  # fmt: skip


def op(name: str) -> Operand:
    return Operand(*name.split("."))


NUMBER = CommittedNumber(
    world.SCHOOL, DIGEST, DIGEST, "months", str(world.SUITE), bytes(48), "month", 0, 0, 600,
    (DepartmentName("hrss"),),
)  # fmt: skip
BRANCH = Branch(
    "main",
    (
        world.query("permit", world.PERMIT, shown=("name",)),
        world.query("insurance", world.INSURANCE),
        world.query("household", world.HOUSEHOLD),
    ),
    (
        at_least(op("permit.months"), 12),
        Equal((op("permit.number"), op("insurance.number"))),
        Sum((Term(op("permit.months")), Term(Foreign("spouse"))), minimum=3),
        InList(op("permit.district"), LIST),
    ),
    (
        PseudonymQuery("me", VerifierScope("enrol-2026")),
        PseudonymQuery("child", joint(world.SCHOOL, world.SCHOOL_2), op("household.child_secret")),
    ),
    (EscrowQuery("who", op("permit.number"), DIGEST),),
    DIGEST,
    (CommitmentQuery("mine", op("insurance.months")),),
    (ForeignNumber("spouse", NUMBER, Compared("me", "me")),),
)
ASKED = world.request(BRANCH)
ITEMS = (
    AllowedItem("hrss", "social_insurance", (), ("months", "number")),
    AllowedItem("public-security", "household", (), ("child_secret",)),
    AllowedItem("public-security", "residence_permit", ("name",), ("district", "months", "number")),
)
CHILD = AllowedAttribute("public-security", "household", "child_secret")
NUMBERS = AllowedAttribute("public-security", "residence_permit", "number")
SHARED = AllowedScope("enrolment-2026", (world.SCHOOL, world.SCHOOL_2), CHILD)
ESCROW = AllowedEscrow(DIGEST, NUMBERS)
COMPOSITE = RegisteredPolicy(
    POLICY, "purposes/enrolment", world.PURPOSE, BASIS, 30, ITEMS,
    (AllowedScope("enrol-2026"), SHARED), (ESCROW,), (LIST,), foreign=True,
    standing=StandingLimits(12, 28, 366),
)  # fmt: skip


def test_what_a_policy_allows_is_no_excess() -> None:
    assert excess(REQUEST, PLAIN) == ()
    assert excess(ASKED, COMPOSITE) == ()
    check_allowed(REQUEST, PLAIN)
    check_allowed(ASKED, COMPOSITE)


def test_what_may_be_shown_may_be_proven_about() -> None:
    asked = world.request(replace(BRANCH, predicates=(*BRANCH.predicates, at_least(op("permit.name"), 1))))
    assert excess(asked, COMPOSITE) == ()


def test_what_may_be_proven_about_may_not_be_shown() -> None:
    asked = request(queries=(replace(REQUEST.queries[0], shown=("district", "name")), REQUEST.queries[1]))
    (found,) = excess(asked, PLAIN)
    assert (found.field, found.kind) == ("queries[0].shown[1]", ExcessKind.SHOWN)


def test_every_kind_of_excess_of_the_plain_form_has_its_place() -> None:
    stranger = Query("stranger", replace(PERMIT.name, item="marriage"), ("spouse", "since"))
    asked = request(
        purpose=LocalizedText("别的", "Something else"),
        queries=(replace(REQUEST.queries[0], shown=("number",)), stranger),
    )
    found = [(each.field, each.kind) for each in excess(asked, PLAIN)]
    assert found == [
        ("purpose", ExcessKind.PURPOSE),
        ("queries[0].shown[0]", ExcessKind.SHOWN),
        ("queries[1].schema", ExcessKind.ITEM),
    ], "of an item that is not allowed nothing more is said"


def without(*names: str, item: str) -> RegisteredPolicy:
    """The policy without some attributes of an item."""
    items = [
        replace(
            each,
            shown=tuple(name for name in each.shown if name not in names),
            proven=tuple(name for name in each.proven if name not in names),
        )
        if each.item == item
        else each
        for each in ITEMS
    ]
    return replace(COMPOSITE, items=tuple(items))


MAIN, OTHERS = "branches[0]", (world.BANK, world.SCHOOL)
LESS: dict[str, tuple[RegisteredPolicy, list[tuple[str, ExcessKind]]]] = {
    "another purpose": (
        replace(COMPOSITE, purpose_text=LocalizedText("别", "x")),
        [("purpose", ExcessKind.PURPOSE)],
    ),
    "not the item": (
        replace(COMPOSITE, items=ITEMS[:1] + ITEMS[2:]),
        [(f"{MAIN}.queries[2].schemas[0]", ExcessKind.ITEM)],
    ),
    "not shown": (
        without("name", item="residence_permit"),
        [(f"{MAIN}.queries[0].shown[0]", ExcessKind.SHOWN)],
    ),
    "not proven": (
        without("months", item="residence_permit"),
        [(f"{MAIN}.predicates[0]", ExcessKind.PROVEN), (f"{MAIN}.predicates[2]", ExcessKind.PROVEN)],
    ),
    "not equal, and not escrowed": (
        without("number", item="residence_permit"),
        [(f"{MAIN}.predicates[1]", ExcessKind.PROVEN), (f"{MAIN}.escrows[0].operand", ExcessKind.PROVEN)],
    ),
    "no subject": (
        without("child_secret", item="household"),
        [(f"{MAIN}.pseudonyms[1].subject", ExcessKind.PROVEN)],
    ),
    "no commitment": (
        without("months", item="social_insurance"),
        [(f"{MAIN}.commitments[0].operand", ExcessKind.PROVEN)],
    ),
    "no own scope": (
        replace(COMPOSITE, scopes=COMPOSITE.scopes[1:]),
        [(f"{MAIN}.pseudonyms[0].scope", ExcessKind.PSEUDONYM)],
    ),
    "a joint scope of others": (
        replace(COMPOSITE, scopes=(COMPOSITE.scopes[0], replace(SHARED, members=OTHERS))),
        [(f"{MAIN}.pseudonyms[1].scope", ExcessKind.PSEUDONYM)],
    ),
    "an own scope of the joint one's name": (
        replace(COMPOSITE, scopes=(COMPOSITE.scopes[0], replace(SHARED, members=()))),
        [(f"{MAIN}.pseudonyms[1].scope", ExcessKind.PSEUDONYM)],
    ),
    "of the child, and not of the holder": (
        replace(COMPOSITE, scopes=(replace(COMPOSITE.scopes[0], of=CHILD), SHARED)),
        [(f"{MAIN}.pseudonyms[0]", ExcessKind.PSEUDONYM)],
    ),
    "of the holder, and not of the child": (
        replace(COMPOSITE, scopes=(COMPOSITE.scopes[0], replace(SHARED, of=None))),
        [(f"{MAIN}.pseudonyms[1].subject", ExcessKind.PSEUDONYM)],
    ),
    "of another attribute": (
        replace(COMPOSITE, scopes=(COMPOSITE.scopes[0], replace(SHARED, of=NUMBERS))),
        [(f"{MAIN}.pseudonyms[1].subject", ExcessKind.PSEUDONYM)],
    ),
    "another regulator": (
        replace(COMPOSITE, escrows=(replace(ESCROW, regulator=OTHER_DIGEST),)),
        [(f"{MAIN}.escrows[0].regulator", ExcessKind.ESCROW)],
    ),
    "something else for the regulator": (
        replace(COMPOSITE, escrows=(replace(ESCROW, of=replace(NUMBERS, attribute="months")),)),
        [(f"{MAIN}.escrows[0].operand", ExcessKind.ESCROW)],
    ),
    "this for another regulator": (
        replace(
            COMPOSITE,
            escrows=(
                replace(ESCROW, regulator=OTHER_DIGEST),
                replace(ESCROW, of=replace(NUMBERS, attribute="months")),
            ),
        ),
        [(f"{MAIN}.escrows[0].operand", ExcessKind.ESCROW)],
    ),
    "another list": (
        replace(COMPOSITE, lists=(OTHER_DIGEST,)),
        [(f"{MAIN}.predicates[3].code_list", ExcessKind.LIST)],
    ),
    "no other holder's number": (
        replace(COMPOSITE, foreign=False),
        [(f"{MAIN}.foreign[0]", ExcessKind.FOREIGN)],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("policy", "expected"), LESS.values(), ids=LESS.keys())
def test_every_kind_of_excess_of_the_composite_form_has_its_place(
    policy: RegisteredPolicy, expected: list[tuple[str, ExcessKind]]
) -> None:
    found = excess(ASKED, policy)
    assert [(each.field, each.kind) for each in found] == expected
    with pytest.raises(RefusedError) as caught:
        check_allowed(ASKED, policy)
    assert caught.value.reason == "OVER_ASKING"
    assert [each.field for each in caught.value.violations] == [field for field, _ in expected]


def test_every_branch_and_every_accepted_schema_is_measured() -> None:
    """Who answers may take any branch, and any schema: one that is allowed hides none that is not."""
    wider = replace(BRANCH.queries[0], schemas=(world.PERMIT.name, replace(world.PERMIT.name, item="visa")))
    other = Branch("other", (replace(wider, shown=("name",)),))
    found = excess(world.request(BRANCH, other), COMPOSITE)
    assert [each.field for each in found] == ["branches[1].queries[0].schemas[1]"]
    assert found[0].what == f"{PLACE}/visa"


def test_what_is_not_asked_in_the_file_is_told_with_what_it_is_of() -> None:
    """A pseudonym of the holder where one of the child is registered would link all that a person answers."""
    more = replace(
        BRANCH,
        pseudonyms=(*BRANCH.pseudonyms, replace(BRANCH.pseudonyms[1], id="who", subject=None)),
        escrows=(*BRANCH.escrows, EscrowQuery("name", op("permit.name"), DIGEST)),
    )
    holder, name = excess(world.request(more), COMPOSITE)
    assert (holder.field, holder.what) == (f"{MAIN}.pseudonyms[2]", "enrolment-2026, of the holder")
    assert name.field == f"{MAIN}.escrows[1].operand"
    assert name.what.endswith(f"of {PLACE}/residence_permit: name")


def test_every_accepted_schema_of_a_pseudonym_and_an_escrow_is_measured() -> None:
    """Whoever answers takes any of them: one that the policy has hides none that it has not."""
    visa = replace(world.PERMIT.name, item="visa")
    queries = (replace(BRANCH.queries[0], schemas=(world.PERMIT.name, visa)), *BRANCH.queries[1:])
    wider = AllowedItem("public-security", "visa", ("name",), ("district", "months", "number"))
    policy = replace(COMPOSITE, items=(*ITEMS, wider))
    (found,) = excess(world.request(replace(BRANCH, queries=queries)), policy)
    assert (found.field, found.kind) == (f"{MAIN}.escrows[0].operand", ExcessKind.ESCROW)
    assert found.what.endswith("schemas/visa: number")


def test_a_new_version_of_a_schema_needs_no_new_policy() -> None:
    queries = (replace(BRANCH.queries[0], schemas=(replace(world.PERMIT.name, version=7),)),)
    assert excess(world.request(Branch("b", queries)), COMPOSITE) == ()


def test_a_request_is_held_to_the_policy_that_it_names_and_to_no_other() -> None:
    for asked, policy in (
        (request(policy=None), PLAIN),
        (request(policy=replace(POLICY, version=2)), PLAIN),
        (world.request(BRANCH, policy=None), COMPOSITE),
    ):
        with pytest.raises(RefusedError) as caught:
            check_allowed(asked, policy)
        assert (caught.value.reason, caught.value.field) == ("POLICY_UNKNOWN", "policy")


def test_no_request_names_the_policy_of_another() -> None:
    with pytest.raises(MalformedError) as caught:
        request(policy=PolicyName("bank-1", "any", 1))
    assert (caught.value.reason, caught.value.field) == ("REQUEST_INVALID", "policy")


@pytest.mark.parametrize("policy", [PLAIN, COMPOSITE], ids=["plain", "composite"])
def test_a_policy_is_read_as_it_is_written(policy: RegisteredPolicy) -> None:
    again = RegisteredPolicy.from_bytes(policy.canonical)
    assert again == policy
    assert again.entry() == policy.entry()


def test_every_field_of_a_policy_is_in_its_record() -> None:
    changes: tuple[dict[str, Any], ...] = (
        {"name": PolicyName(SCHOOL.verifier, "any", 2)},
        {"purpose": "purposes/other"},
        {"purpose_text": BASIS},
        {"legal_basis": PURPOSE},
        {"retention_days": 31},
        {"items": COMPOSITE.items[1:]},
        {"scopes": COMPOSITE.scopes[1:]},
        {"scopes": (COMPOSITE.scopes[0], replace(SHARED, of=None))},
        {"scopes": (COMPOSITE.scopes[0], replace(SHARED, of=NUMBERS))},
        {"escrows": ()},
        {"escrows": (replace(ESCROW, regulator=OTHER_DIGEST),)},
        {"escrows": (replace(ESCROW, of=CHILD),)},
        {"lists": ()},
        {"lists": (DIGEST,)},
        {"foreign": False},
        {"standing": None},
        {"standing": StandingLimits(11, 28, 366)},
        {"standing": StandingLimits(12, 27, 366)},
        {"standing": StandingLimits(12, 28, 365)},
    )
    variants = [COMPOSITE, *(replace(COMPOSITE, **each) for each in changes)]
    assert len({each.canonical for each in variants}) == len(variants)


BAD: dict[str, dict[str, Any]] = {
    "a purpose without its collection": {"purpose": "enrolment"},
    "kept for less than no time": {"retention_days": -1},
    "kept for ever": {"retention_days": 36_526},
    "kept for true": {"retention_days": True},
    "no items": {"items": ()},
    "items out of order": {"items": COMPOSITE.items[::-1]},
    "an item twice": {"items": (COMPOSITE.items[0],) * 2},
    "scopes out of order": {"scopes": COMPOSITE.scopes[::-1]},
    "a scope twice": {"scopes": (SHARED, SHARED)},
    "escrows out of order": {"escrows": (ESCROW, replace(ESCROW, regulator=OTHER_DIGEST))},
    "lists out of order": {"lists": (DIGEST, OTHER_DIGEST)},
    "a short digest": {"lists": (bytes(31),)},
}


@pytest.mark.parametrize("changes", BAD.values(), ids=BAD.keys())
def test_what_is_no_policy(changes: dict[str, Any]) -> None:
    with pytest.raises(MalformedError):
        replace(COMPOSITE, **changes)


@pytest.mark.parametrize(
    "make",
    [
        lambda: AllowedItem("hrss", "x", ("b", "a")),
        lambda: AllowedItem("hrss", "x", ("a",), ("a",)),
        lambda: AllowedItem("hrss", "X"),
        lambda: AllowedScope("x", (VerifierName("a"),)),
        lambda: AllowedScope("x", (VerifierName("b"), VerifierName("a"))),
        lambda: AllowedEscrow(bytes(31), NUMBERS),
        lambda: AllowedAttribute("hrss", "x", "A"),
        lambda: StandingLimits(0, 1, 1),
        lambda: StandingLimits(1, -1, 1),
        lambda: StandingLimits(1, 1, 40_000),
    ],
)
def test_what_is_no_part_of_a_policy(make: Any) -> None:
    with pytest.raises(MalformedError):
        make()


@given(st.integers(0, len(COMPOSITE.canonical) * 8 - 1))
def test_a_flipped_bit_makes_another_policy_or_none(bit: int) -> None:
    octets = bytearray(COMPOSITE.canonical)
    octets[bit // 8] ^= 1 << bit % 8
    try:
        other = RegisteredPolicy.from_bytes(bytes(octets))
    except MalformedError:
        return
    assert other != COMPOSITE
    assert other.canonical == bytes(octets)


def test_times_do_not_matter() -> None:
    later = replace(ASKED, expires=ASKED.expires + dt.timedelta(minutes=1))
    assert excess(later, COMPOSITE) == ()
