"""Policies and records of sums across two holders, in a world that is published and logged here."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from disclosure import RefusedError, sign_request
from disclosure.composite import (
    Compared,
    CompositeRequest,
    Foreign,
    HandoverKey,
    HolderSecret,
    HolderWaiver,
    Holding,
    Presented,
    Sum,
    Term,
    hand_over,
    present_composite,
)
from tests.disclosure.composite.policy import op
from tests.disclosure.composite.world import (
    ALICE,
    BANK,
    BOB,
    HOUSEHOLD,
    INSURANCE,
    NOTE_HASH,
    NOW,
    SCHOOL,
    USAGE_TAG,
    VERIFIER_KEYS,
    find_key,
    held,
)
from tests.verifier.composite_city import HRSS, POLICE, Publications, composite_record
from tests.verifier.log import LOG
from verifier import (
    CompositePolicy,
    CompositeRecord,
    Counterpart,
    PolicyError,
    RecordError,
    check_composite_policy,
    parse_policy,
    recheck_composite,
)

HERS, HIS = 812_300, 640_000
QUERIES = f"""\
    queries:
      - {{id: insurance, schemas: [{INSURANCE.name}], shown: [], expiry: today, revocation: waived}}
      - {{id: household, schemas: [{HOUSEHOLD.name}], shown: [], expiry: today, revocation: waived}}
    pseudonyms:
      - {{id: me, scope: support-2026}}
      - {{id: home, of: household.child_secret, scope: support-2026}}
"""
HEAD = """\
form: composite
id: support
purpose: {zh: 家庭补助, en: Support for families}
lifetime: 600
branches:
"""
FIRST = f"{HEAD}  - id: mine\n{QUERIES}    commitments: [{{id: income, of: insurance.base}}]\n"
SECOND = f"""\
{HEAD}  - id: ours
{QUERIES}
    predicates:
      - {{sum: [{{foreign: spouse}}, {{of: insurance.base}}], at_least: 14523.00}}
    digits: departments/big-data
    foreign:
      - id: spouse
        of: first.income
        holders: {{here: me, there: me}}
        subjects: [{{here: home, there: home}}]
"""


def policy(text: str) -> CompositePolicy:
    parsed = parse_policy(text.encode())
    assert isinstance(parsed, CompositePolicy)
    return parsed


def asked(text: str = SECOND, **given: Counterpart) -> CompositeRequest:
    return check_composite_policy(policy(text), SCHOOL, Publications(), NOW, given)


@cache
def holdings(secret: HolderSecret, base: int) -> dict[str, Holding]:
    return {
        "insurance": held(INSURANCE, secret, by=HRSS, base=base),
        "household": held(HOUSEHOLD, secret, by=POLICE),
    }


def answer(request: CompositeRequest, secret: HolderSecret, base: int, **openings: Any) -> Presented:
    return present_composite(
        request,
        request.branches[0].id,
        holdings(secret, base),
        secret,
        Publications().directory(request),
        NOW,
        usage_tag=USAGE_TAG,
        note_hash=NOTE_HASH,
        trusted_regulators=(),
        openings=openings,
    )


@cache
def hers() -> tuple[Presented, Counterpart]:
    request = asked(FIRST)
    presented = answer(request, ALICE, HERS)
    return presented, Counterpart.of(composite_record(request, presented.presentation), LOG)


@cache
def joint_record() -> CompositeRecord:
    presented, first = hers()
    request, key = asked(first=first), HandoverKey.generate()
    sealed = hand_over(presented.kept["income"], request, "ours", key.public, NOW)
    his = answer(request, BOB, HIS, spouse=key.receive(sealed, request, "ours", "spouse"))
    return composite_record(request, his.presentation, counterparts=[first.record])


def test_a_policy_becomes_a_request_that_counts_the_number_of_an_answer() -> None:
    _, first = hers()
    (branch,) = asked(first=first).branches
    (number,) = branch.foreign
    assert number.number == first.verified.commitments["income"]
    assert number.number.request == first.record.request.digest
    assert (number.holder, number.subjects) == (Compared("me", "me"), (Compared("home", "home"),))
    terms = (Term(Foreign("spouse")), Term(op("insurance.base")))
    assert branch.predicates == (Sum(terms, minimum=HERS + HIS),)
    waived = SECOND.replace("{here: me, there: me}", "waived").replace(
        "{foreign: spouse}", "{foreign: spouse, factor: 2, cap: 9000.50}"
    )
    (branch,) = asked(waived, first=first).branches
    assert branch.foreign[0].holder is HolderWaiver.OTHER_HOLDER
    (predicate,) = branch.predicates
    assert isinstance(predicate, Sum)
    assert predicate.terms[0] == Term(Foreign("spouse"), 2, 900_050)
    assert policy(SECOND).answers == ("first",)
    assert policy(FIRST).answers == ()


FAULTS: dict[str, tuple[str, str, str]] = {
    "no such number": ("{foreign: spouse}", "{foreign: other}", "predicates[0].sum[0].foreign"),
    "a number and an attribute": (
        "{foreign: spouse}",
        "{foreign: spouse, of: a.b}",
        "predicates[0].sum[0].of",
    ),
    "a number in a range": (
        "sum: [{foreign: spouse}, {of: insurance.base}]",
        "of: spouse",
        "predicates[0].of",
    ),
    "an answer without a commitment": ("first.income", "first", "foreign[0].of"),
    "holders left open": ("        holders: {here: me, there: me}\n", "", "foreign[0].holders"),
    "holders in other words": ("{here: me, there: me}", "differ", "foreign[0].holders"),
    "a comparison with one side": ("{here: me, there: me}", "{here: me}", "foreign[0].holders.there"),
    "a comparison twice": (
        "[{here: home, there: home}]",
        "[{here: home, there: home}, {here: home, there: home}]",
        "foreign[0].subjects[1]",
    ),
    "an unknown field": ("of: first.income", "of: first.income\n        record: 1", "foreign[0].record"),
    "a name that is none": ("id: spouse\n", "id: Spouse!\n", "foreign[0].id"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_by_its_place_when_the_policy_is_read(fault: str) -> None:
    before, after, place = FAULTS[fault]
    assert before in SECOND
    with pytest.raises(PolicyError) as caught:
        parse_policy(SECOND.replace(before, after).encode())
    assert caught.value.field == f"branches[0].{place}"


def test_a_commitment_is_to_an_attribute_of_a_query_once() -> None:
    for written, place in (
        ("[{id: income, of: other.base}]", "commitments[0].of"),
        ("[{id: a, of: insurance.base}, {id: a, of: insurance.months}]", "commitments[1].id"),
        ("[{id: a, of: insurance.base, for: bank}]", "commitments[0].for"),
    ):
        with pytest.raises(PolicyError) as caught:
            policy(FIRST.replace("[{id: income, of: insurance.base}]", written))
        assert caught.value.field == f"branches[0].{place}"


def _another_verifier() -> Counterpart:
    request = check_composite_policy(policy(FIRST), BANK, Publications(), NOW)
    changes = {"signed_request": sign_request(request, VERIFIER_KEYS[BANK]), "verifier_key": find_key(BANK)}
    presentation = answer(request, ALICE, HERS).presentation
    return Counterpart.of(composite_record(request, presentation, **changes), LOG)


def _counting() -> Counterpart:
    """An answer that counts a number itself."""
    return Counterpart.of(joint_record(), LOG)


UNASKED: dict[str, tuple[Callable[[str], str], Callable[[], dict[str, Counterpart]], str]] = {
    "no answer is given": (str, dict, "foreign[0].of"),
    "an answer of another name": (str, lambda: {"second": hers()[1]}, "foreign[0].of"),
    "no such commitment": (
        lambda text: text.replace("first.income", "first.months"),
        lambda: {"first": hers()[1]},
        "foreign[0].of",
    ),
    "of another verifier": (str, lambda: {"first": _another_verifier()}, "foreign[0].of"),
    "an answer that counts numbers itself": (str, lambda: {"first": _counting()}, "foreign[0].of"),
    "a pseudonym that the answer has not": (
        lambda text: text.replace("there: me", "there: you"),
        lambda: {"first": hers()[1]},
        "foreign[0].holders",
    ),
    "subjects in another scope": (
        lambda text: text.replace("child_secret, scope: support-2026", "child_secret, scope: other"),
        lambda: {"first": hers()[1]},
        "foreign[0].subjects[0]",
    ),
    "a number that no sum counts": (
        lambda text: text.replace("{foreign: spouse}, ", ""),
        lambda: {"first": hers()[1]},
        "foreign[0]",
    ),
    "a bound beyond what both can have": (
        lambda text: text.replace("14523.00", "200000.01"),
        lambda: {"first": hers()[1]},
        "predicates[0].at_least",
    ),
    "a cap beyond what it can be": (
        lambda text: text.replace("{foreign: spouse}", "{foreign: spouse, cap: 100000.01}"),
        lambda: {"first": hers()[1]},
        "predicates[0].sum[0].cap",
    ),
    "digits of who signed the number": (
        lambda text: text.replace("departments/big-data", "departments/hrss"),
        lambda: {"first": hers()[1]},
        "digits",
    ),
}


@pytest.mark.parametrize("case", UNASKED)
def test_what_cannot_be_asked_is_named_by_its_place(case: str) -> None:
    change, given, place = UNASKED[case]
    with pytest.raises(PolicyError) as caught:
        asked(change(SECOND), **given())
    assert caught.value.field == f"branches[0].{place}"


def test_a_record_holds_with_the_records_of_whose_numbers_it_counts() -> None:
    record = joint_record()
    again = CompositeRecord.from_bytes(record.to_bytes())
    assert again.to_bytes() == record.to_bytes()
    checked = recheck_composite(again, log_verifier=LOG)
    assert checked.others == (hers()[1].verified,)
    assert checked.verified.answer.branch == "ours"
    assert hers()[1].record.counterparts == ()


def test_a_record_has_exactly_the_records_that_it_needs() -> None:
    record, first = joint_record(), hers()[1].record
    other_request = asked(FIRST)
    other = composite_record(other_request, answer(other_request, ALICE, HERS).presentation)
    kept = composite_record(record.request, record.presentation, counterparts=[other, first])
    assert [each.request.digest for each in kept.counterparts] == [first.request.digest]
    for parts in ((), (other,), (first, other), (first, first)):
        with pytest.raises(RecordError) as caught:
            replace(record, counterparts=parts)
        assert caught.value.field == "counterparts"
    with pytest.raises(RecordError):
        replace(first, counterparts=(other,))
    with pytest.raises(RecordError):
        replace(record, counterparts=(replace(first, verifier_key=find_key(BANK)),))


def test_a_number_counts_only_while_its_own_record_holds() -> None:
    record, first = joint_record(), hers()[1].record
    again = answer(first.request, ALICE, HERS).presentation
    for forged in (
        replace(first, receipt=record.receipt),
        replace(first, presentation=again),
        composite_record(first.request, again),
        replace(first, signed_request=replace(first.signed_request, signature=bytes(64))),
    ):
        with pytest.raises(RefusedError):
            recheck_composite(replace(record, counterparts=(forged,)), log_verifier=LOG)
