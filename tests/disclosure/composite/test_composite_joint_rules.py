"""What a branch may ask about numbers of other holders: refused before anybody answers, with its place."""

from dataclasses import replace
from typing import Any

import pytest

from disclosure import DisclosureError
from disclosure.composite import (
    Branch,
    CommitmentQuery,
    Compared,
    CompositeRequest,
    Equal,
    Foreign,
    Sum,
    Term,
    check_composite_request,
    check_joint_request,
    verify_composite,
)
from disclosure.names import DepartmentName
from tests.bbs.accumulator.cases import moved
from tests.bbs.gadgets.test_sums import compressed
from tests.disclosure.composite.couple import (
    CITY,
    HIS,
    INCOMES,
    PSEUDONYMS,
    QUERIES,
    answered,
    committed,
    hers,
    holdings,
    op,
    ours,
    outcome,
    second,
    spouse,
)
from tests.disclosure.composite.test_composite_request import joint
from tests.disclosure.composite.world import (
    ALICE,
    BOB,
    DIRECTORY,
    HRSS,
    INSURANCE,
    NOW,
    PAIRING,
    PERMIT,
    POLICE,
    SCHOOL,
    SCHOOL_2,
    digits_of,
    directory,
    held,
    query,
    request,
)

P, F, C = "branches[0].predicates[0]", "branches[0].foreign[0]", "branches[0].commitments"


def committing(*operands: str, predicates: Any = (), **changes: Any) -> CompositeRequest:
    queries = (query("permit", PERMIT), query("insurance", INSURANCE, **changes))
    asked = tuple(CommitmentQuery(f"c{index}", op(each)) for index, each in enumerate(operands))
    return request(Branch("b", queries, predicates, digits=CITY, commitments=asked))


SAME = Equal((op("permit.months"), op("insurance.months")))
REFUSED: dict[str, tuple[CompositeRequest, str, str]] = {
    # commitments
    "a date": (committing("permit.since"), "PREDICATE_INVALID", f"{C}[0]"),
    "a text": (committing("permit.number"), "PREDICATE_INVALID", f"{C}[0]"),
    "no such attribute": (committing("permit.x"), "ATTRIBUTE_UNKNOWN", f"{C}[0]"),
    "no such query": (committing("x.months"), "PREDICATE_INVALID", f"{C}[0]"),
    "what is shown": (
        committing("insurance.months", shown=("months",)),
        "PREDICATE_INVALID",
        f"{C}[0]",
    ),
    "one number twice": (committing("permit.months", "permit.months"), "PREDICATE_INVALID", f"{C}[1]"),
    "one number under two names": (
        committing("permit.months", "insurance.months", predicates=(SAME,)),
        "PREDICATE_INVALID",
        f"{C}[1]",
    ),
    # numbers of others
    "no such number": (
        second(hers().number, predicates=(Sum((INCOMES[0], Term(Foreign("x"))), minimum=1),)),
        "PREDICATE_INVALID",
        P,
    ),
    "a number that no sum counts": (
        second(hers().number, predicates=(Sum(INCOMES[:1], minimum=1),)),
        "PREDICATE_INVALID",
        F,
    ),
    "a number of another unit": (
        second(hers().number, predicates=(Sum((Term(op("insurance.months")), INCOMES[1]), minimum=1),)),
        "PREDICATE_INVALID",
        P,
    ),
    "a sum that nobody has": (second(hers().number, 20_000_001), "BOUND_INVALID", f"{P}.minimum"),
    "a sum that nobody misses": (second(hers().number, -1001), "BOUND_INVALID", f"{P}.minimum"),
    "a cap outside": (
        second(
            hers().number,
            predicates=(Sum((INCOMES[0], Term(Foreign("spouse"), 1, 10_000_001)), minimum=1),),
        ),
        "BOUND_INVALID",
        f"{P}.terms[1].cap",
    ),
    "a sum beyond its caps": (
        second(
            hers().number,
            predicates=(Sum((INCOMES[0], Term(Foreign("spouse"), 1, 5)), minimum=10_000_006),),
        ),
        "BOUND_INVALID",
        f"{P}.minimum",
    ),
    "no table": (second(hers().number, digits=None), "PREDICATE_INVALID", "branches[0].digits"),
    "no pseudonym here": (
        second(hers().number, foreign=(spouse(hers().number, holder=Compared("x", "me")),)),
        "PREDICATE_INVALID",
        f"{F}.holder",
    ),
    "a subject's pseudonym for a holder's": (
        second(hers().number, foreign=(spouse(hers().number, holder=Compared("home", "home")),)),
        "PREDICATE_INVALID",
        f"{F}.holder",
    ),
    "a holder's pseudonym for a subject's": (
        second(hers().number, foreign=(spouse(hers().number, subjects=(Compared("me", "me"),)),)),
        "PREDICATE_INVALID",
        f"{F}.subjects[0]",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("wrong", "reason", "place"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_proven_is_refused_with_its_place(
    wrong: CompositeRequest, reason: str, place: str
) -> None:
    with pytest.raises(DisclosureError) as raised:
        check_composite_request(wrong, DIRECTORY)
    assert (raised.value.reason, raised.value.field) == (reason, place)


def test_holders_are_told_apart_in_one_scope() -> None:
    """In two scopes one person's pseudonyms differ, and she is counted for two."""
    us = replace(PSEUDONYMS[0], id="us", scope=joint(SCHOOL, SCHOOL_2))
    other = replace(hers().number, id="x", presentation=bytes(32), K=committed().number.K)
    numbers = (spouse(hers().number), spouse(other, id="child", holder=Compared("us", "us")))
    asked = second(
        hers().number,
        predicates=(Sum((*INCOMES, Term(Foreign("child"))), minimum=1),),
        pseudonyms=(*PSEUDONYMS, us),
        foreign=numbers,
    )
    with pytest.raises(DisclosureError, match="PREDICATE_INVALID") as raised:
        check_composite_request(asked, DIRECTORY)
    assert raised.value.field == f"{F}.holder"


# --- whose digits


def months(digits: bytes, departments: tuple[str, ...]) -> CompositeRequest:
    """His permit's months, of the police, with her insurance's, of another department."""
    number = replace(
        hers().number, unit="month", scale=0, minimum=0, maximum=600,
        departments=tuple(map(DepartmentName, departments)),
    )  # fmt: skip
    terms = (Term(op("permit.months")), Term(Foreign("spouse")))
    return second(
        number,
        queries=(query("permit", PERMIT),),
        predicates=(Sum(terms, minimum=1),),
        pseudonyms=PSEUDONYMS[:1],
        foreign=(spouse(number, subjects=()),),
        digits=digits,
    )


@pytest.mark.parametrize(
    ("digits", "departments", "holds"),
    [
        (CITY, ("hrss",), True),
        (digits_of(HRSS), ("hrss",), False),
        (digits_of(HRSS), ("civil-affairs", "hrss"), False),
        (digits_of(HRSS), ("civil-affairs",), True),
        (digits_of(POLICE), ("hrss",), False),
    ],
    ids=lambda each: "digits" if isinstance(each, bytes) else None,  # a key drawn at random names no test
)
def test_digits_are_of_nobody_who_signed_a_term_or_a_foreign_number(
    digits: bytes, departments: tuple[str, ...], holds: bool
) -> None:
    asked = months(digits, departments)
    if holds:
        check_composite_request(asked, DIRECTORY)
        return
    with pytest.raises(DisclosureError, match="PREDICATE_INVALID") as raised:
        check_composite_request(asked, DIRECTORY)
    assert raised.value.field == "branches[0].digits"


def test_behind_a_number_stands_everybody_whom_it_was_proven_equal_to() -> None:
    asked = committing("permit.months", predicates=(SAME,))
    both = {"permit": held(PERMIT, ALICE, months=40), "insurance": held(INSURANCE, ALICE, months=40)}
    presentation = answered(asked, both, ALICE, {}).presentation
    verified = verify_composite(asked, presentation, DIRECTORY, NOW)
    departments = [each.department for each in verified.commitments["c0"].departments]
    assert departments == ["hrss", "public-security"]


# --- several sums, several numbers


def test_one_number_may_be_counted_in_two_sums_and_in_each_once() -> None:
    twice = (Sum(INCOMES, minimum=1), Sum((INCOMES[0], Term(Foreign("spouse"), -1)), maximum=0))
    asked = second(hers().number, predicates=twice)
    openings = hers().opening_for(asked)
    assert outcome(asked, answered(asked, holdings(BOB, HIS), BOB, openings).presentation) == "OK"
    with pytest.raises(DisclosureError, match="UNSATISFIED") as raised:
        answered(asked, holdings(BOB, 812_301), BOB, openings)
    assert raised.value.field == "branches[0].predicates[1]"


def test_two_numbers_of_one_presentation_are_of_one_holder_and_both_count() -> None:
    queries = (*QUERIES, query("permit", PERMIT))
    commitments = (CommitmentQuery("a", op("insurance.months")), CommitmentQuery("b", op("permit.months")))
    asked = request(Branch("mine", queries, (), PSEUDONYMS, commitments=commitments))
    mine = {**holdings(ALICE), "permit": held(PERMIT, ALICE)}
    presented = answered(asked, mine, ALICE, {})
    verified = verify_composite(asked, presented.presentation, DIRECTORY, NOW)
    numbers = tuple(spouse(verified.commitments[each], id=each) for each in "ab")
    for minimum, holds in ((40 + 40 + 82, True), (40 + 40 + 83, False)):
        terms = (Term(op("insurance.months")), Term(Foreign("a")), Term(Foreign("b")))
        ask = second(numbers[0].number, predicates=(Sum(terms, minimum=minimum),), foreign=numbers)
        check_joint_request(ask, DIRECTORY, [verified])
        openings = {name: kept.opening for name, kept in presented.kept.items()}
        if holds:
            answer = answered(ask, holdings(BOB, HIS), BOB, openings).presentation
            assert outcome(ask, answer, (verified,)) == "OK"
            continue
        with pytest.raises(DisclosureError, match="UNSATISFIED"):
            answered(ask, holdings(BOB, HIS), BOB, openings)


# --- a commitment is a point of the group


def test_a_commitment_that_is_no_point_of_the_group_is_refused_with_its_place() -> None:
    K = hers().number.K
    (point,) = PAIRING.group.g1s_from_octets([K])
    moved_off = compressed(moved(PAIRING.group.g1s_to_octets_uncompressed([point]), 3))
    for octets in (b"\xc0" + bytes(47), bytes(48), b"\xff" * 48, moved_off):
        with pytest.raises(DisclosureError, match="PREDICATE_INVALID") as raised:
            check_composite_request(second(replace(hers().number, K=octets)), DIRECTORY)
        assert raised.value.field == F


def test_the_digits_of_a_sum_across_holders_are_published() -> None:
    known = directory(digits={each: table for each, table in DIRECTORY.digits.items() if each != CITY})
    with pytest.raises(DisclosureError, match="TABLE_UNKNOWN"):
        check_composite_request(ours(), known)
