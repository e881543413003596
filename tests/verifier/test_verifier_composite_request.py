"""Requests that policies compile to: what the words mean, an honest holder's answer, what cannot be asked."""

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bbs import SHA_256, SHAKE_256
from disclosure import KeyState, RefusedError
from disclosure.attributes import days
from disclosure.composite import (
    CompositeRequest,
    Equal,
    ExpiryShown,
    InList,
    NotEqual,
    OldestEpoch,
    OneOf,
    Operand,
    Range,
    SignedJointScope,
    Sum,
    Term,
    ValidOn,
    VerifierScope,
    Waiver,
    verify_composite,
)
from disclosure.credential import civil_date
from tests.disclosure.composite.world import (
    BOB,
    HOUSEHOLD,
    INSURANCE,
    NOW,
    PERMIT,
    REGULATOR_KEY,
    SCHOOL,
    TODAY,
    VERIFIER_KEYS,
    department,
    held,
    presented,
)
from tests.verifier.composite_city import (
    AUTHORITY_DIGITS,
    AUTHORITY_LIST,
    HRSS,
    POLICE,
    POLICE_2,
    POLICY,
    Publications,
    answered,
    holdings,
    joint_scope,
    policy_of,
)
from verifier import CompositePolicy, JointScopeFile, PolicyError, check_composite_policy, parse_policy

EARLIER = NOW - dt.timedelta(hours=2)


def request_of(folder: Path, text: str = POLICY, reader: Publications | None = None) -> CompositeRequest:
    return check_composite_policy(policy_of(text, folder), SCHOOL, reader or Publications(), NOW)


def op(written: str) -> Operand:
    return Operand(*written.split("."))


def test_what_the_words_mean(tmp_path: Path) -> None:
    policy = policy_of(POLICY, tmp_path)
    asked = policy.request(SCHOOL, NOW, Publications(), bytes(32))
    assert (asked.verifier, asked.created, asked.expires) == (SCHOOL, NOW, NOW + policy.lifetime)
    assert (asked.purpose, asked.nonce, asked.issuance) == (policy.purpose, bytes(32), None)
    main, other = asked.branches
    assert main.predicates == (
        Range(op("permit.months"), minimum=12),
        Range(op("permit.since"), days(dt.date(2010, 1, 1)), days(dt.date(2024, 3, 1))),
        InList(op("permit.district"), AUTHORITY_LIST.table.digest),
        OneOf(op("insurance.district"), ("370103", "370104")),
        NotEqual(op("insurance.base"), 1),
        Equal((op("permit.number"), op("insurance.number"))),
        Sum((Term(op("permit.months"), 1, 60), Term(op("insurance.months"))), minimum=100),
        Range(op("insurance.base"), minimum=800_000),
    )
    assert [each.expiry for each in main.queries] == [
        ValidOn(TODAY), ValidOn(TODAY + dt.timedelta(days=10)), ExpiryShown()
    ]  # fmt: skip
    assert main.digits == AUTHORITY_DIGITS.table.digest
    assert main.pseudonyms[0].scope == VerifierScope("enrolment-2026")
    assert isinstance(main.pseudonyms[1].scope, SignedJointScope)
    assert main.pseudonyms[1].subject == op("household.child_secret")
    assert [(each.id, each.regulator) for each in main.escrows] == [("who", REGULATOR_KEY.digest)]
    assert other.id == "other"


def test_every_key_in_use_is_accepted_with_every_accumulator_of_the_department(tmp_path: Path) -> None:
    permit, insurance, household = request_of(tmp_path).branches[0].queries
    police = {
        (key.key.name, OldestEpoch(by.accumulator.key.octets, 1, 4 * 86_400))
        for key in (POLICE, POLICE_2)
        for by in (POLICE, POLICE_2)
    }
    assert {(each.key, each.revocation) for each in permit.issuers} == police
    assert {each.digits for each in permit.issuers} == {POLICE.digits.table.digest}
    assert {each.revocation for each in insurance.issuers} == {Waiver.REVOCATION}
    assert {
        each.revocation.number for each in household.issuers if isinstance(each.revocation, OldestEpoch)
    } == {2}
    keys = (
        replace(POLICE.key, state=KeyState.RETIRED),
        replace(POLICE_2.key, state=KeyState.VERIFY_ONLY),
        HRSS.key,
    )
    used = request_of(tmp_path, reader=Publications(keys=keys)).branches[0].queries[0].issuers
    assert {each.key for each in used} == {POLICE_2.key.name}


def test_an_accumulator_without_so_young_an_epoch_counts_for_nothing(tmp_path: Path) -> None:
    old = replace(POLICE_2, epochs={0: POLICE_2.epochs[0]})
    asked = request_of(tmp_path, reader=Publications(departments=(POLICE, old, HRSS)))
    for query in (asked.branches[0].queries[0], asked.branches[1].queries[0]):
        assert {each.accumulator for each in query.issuers} == {POLICE.accumulator.key.octets}


def test_days_follow_the_cities_clock(tmp_path: Path) -> None:
    late = dt.datetime(2026, 3, 1, 17, 0, tzinfo=dt.UTC)  # there it is the second already
    policy = policy_of(POLICY.replace("2 hours", "1 day"), tmp_path)
    asked = policy.request(SCHOOL, late, Publications())
    assert asked.branches[0].queries[0].expiry == ValidOn(civil_date(late))
    assert civil_date(late) == TODAY + dt.timedelta(days=1)
    assert asked.branches[0].predicates[1] == Range(
        op("permit.since"), days(dt.date(2010, 1, 1)), days(dt.date(2024, 3, 2))
    )


def test_who_answers_on_the_last_day_is_valid_on_it(tmp_path: Path) -> None:
    """In `expiry` today is the last day of the request's life; of attributes it is the day of asking."""
    asked = request_of(tmp_path, POLICY.replace("lifetime: 600", "lifetime: 604800"))
    main, other = asked.branches
    last = TODAY + dt.timedelta(days=7)
    assert main.queries[0].expiry == other.queries[0].expiry == ValidOn(last)
    assert main.queries[1].expiry == ValidOn(last + dt.timedelta(days=10))
    assert main.predicates[1] == Range(
        op("permit.since"), days(dt.date(2010, 1, 1)), days(dt.date(2024, 3, 1))
    )


def test_an_epoch_has_the_policys_age_when_the_answer_is_verified(tmp_path: Path) -> None:
    asked = request_of(tmp_path, POLICY.replace("lifetime: 600", "lifetime: 86400"))
    presentation, known = answered(asked, "other"), Publications().directory(asked)
    last = dt.datetime.fromtimestamp(POLICE.epochs[2].time, dt.UTC) + dt.timedelta(hours=2)
    assert asked.created < last < asked.expires
    verify_composite(asked, presentation, known, last)
    with pytest.raises(RefusedError, match="EPOCH_STALE"):
        verify_composite(asked, presentation, known, last + dt.timedelta(seconds=1))


SHAKE_POLICE = department("public-security", 21, str(SHAKE_256))
SHAKE_HRSS = department("hrss", 22, str(SHAKE_256))
TWO_WAYS = f"""\
form: composite
id: two-ways
purpose: {{zh: 入学资格审核, en: Checking who may enrol}}
lifetime: 600
branches:
  - id: insured
    queries:
      - {{id: insurance, schemas: [{INSURANCE.name}], shown: [], expiry: shown, revocation: waived}}
    pseudonyms: [{{id: me, scope: enrolment-2026}}]
  - id: registered
    queries:
      - {{id: household, schemas: [{HOUSEHOLD.name}], shown: [], expiry: shown, revocation: waived}}
    pseudonyms: [{{id: me, scope: enrolment-2026}}]
"""
UNIQUE = "unique: [me]\n"


def suites_of(text: str, folder: Path, keys: tuple[Any, ...]) -> list[set[str]]:
    asked = policy_of(text, folder).request(SCHOOL, NOW, Publications(keys=keys))
    found = {each.name: each.suite for each in keys}
    return [
        {found[issuer.key] for query in branch.queries for issuer in query.issuers}
        for branch in asked.branches
    ]


def test_where_something_may_come_once_all_branches_are_of_one_suite(tmp_path: Path) -> None:
    """One secret has a pseudonym in each suite: two suites are two times."""
    shake, sha = str(SHAKE_256), str(SHA_256)
    keys = (POLICE.key, SHAKE_POLICE.key, SHAKE_HRSS.key)
    assert suites_of(TWO_WAYS, tmp_path, keys) == [{shake}, {sha}]
    assert suites_of(TWO_WAYS + UNIQUE, tmp_path, keys) == [{shake}, {shake}]
    assert suites_of(TWO_WAYS + UNIQUE, tmp_path, (*keys, HRSS.key)) == [{sha}, {sha}]
    with pytest.raises(PolicyError) as caught:
        suites_of(TWO_WAYS + UNIQUE, tmp_path, (POLICE.key, SHAKE_HRSS.key))
    assert caught.value.field == "unique"


def test_a_branch_is_of_the_suite_that_its_joint_scope_is_of(tmp_path: Path) -> None:
    text = TWO_WAYS.replace("scope: enrolment-2026", "scope: {file: joint.yaml}")
    both = (POLICE.key, SHAKE_POLICE.key, HRSS.key, SHAKE_HRSS.key)
    assert suites_of(text, tmp_path, both) == [{str(SHA_256)}] * 2
    with pytest.raises(PolicyError) as caught:
        suites_of(text, tmp_path, (SHAKE_POLICE.key, HRSS.key))
    assert caught.value.field == "branches[1].pseudonyms"
    whole = joint_scope().scope
    other = JointScopeFile(replace(whole, suite=str(SHAKE_256)), {})
    for member in whole.members:
        other = other.signed_by(member, VERIFIER_KEYS[member])
    policy_of(text, tmp_path)
    (tmp_path / "joint.yaml").write_bytes(other.to_bytes())
    policy = parse_policy(text.encode(), tmp_path)
    assert isinstance(policy, CompositePolicy)
    asked = policy.request(SCHOOL, NOW, Publications(keys=both))
    assert {each.issuers[0].key for branch in asked.branches for each in branch.queries} == {
        SHAKE_POLICE.key.name, SHAKE_HRSS.key.name,
    }  # fmt: skip


def test_one_request_is_of_one_state_of_what_is_published(tmp_path: Path) -> None:
    reads = list[str]()

    class Counting(Publications):
        def newest_digits(self, owner: str) -> Any:
            reads.append(owner)
            return super().newest_digits(owner)

        def accumulators(self, department: Any) -> Any:
            reads.append(f"{department}/accumulators")
            return super().accumulators(department)

    policy_of(POLICY, tmp_path).request(SCHOOL, NOW, Counting())
    assert len(reads) == len(set(reads)) == 4


def test_no_two_requests_of_a_policy_are_the_same(tmp_path: Path) -> None:
    policy = policy_of(POLICY, tmp_path)
    made = [policy.request(SCHOOL, NOW, Publications()) for _ in range(2)]
    assert made[0].digest != made[1].digest


@pytest.mark.parametrize("branch", ["main", "other"])
def test_an_honest_holder_answers(branch: str, tmp_path: Path) -> None:
    asked = request_of(tmp_path)
    known = Publications().directory(asked)
    verified = verify_composite(asked, answered(asked, branch), known, NOW)
    assert verified.answer.branch == branch
    assert set(verified.pseudonyms) == ({"me", "child"} if branch == "main" else {"child"})
    if branch == "main":
        assert verified.answer.credentials[0].shown.values == {"name": "王小明", "remark": None}
        assert verified.answer.credentials[1].shown.values == {"employed": True}


def test_a_child_is_the_same_child_from_either_parent_and_by_either_branch(tmp_path: Path) -> None:
    asked, again = request_of(tmp_path), request_of(tmp_path)
    known = Publications().directory(asked)
    bob = presented(
        again, {"household": held(HOUSEHOLD, BOB, by=POLICE)}, secret=BOB, branch="other", known=known
    )
    first = verify_composite(asked, answered(asked), known, NOW).pseudonyms["child"]
    assert verify_composite(again, bob, known, NOW).pseudonyms["child"] == first


UNMET: list[tuple[str, dict[str, Any], str]] = [
    ("permit", {"months": 11}, "branches[0].predicates[0]"),
    ("permit", {"since": dt.date(2024, 3, 2)}, "branches[0].predicates[1]"),
    ("permit", {"since": dt.date(2009, 12, 31)}, "branches[0].predicates[1]"),
    ("permit", {"district": "370105"}, "branches[0].predicates[2]"),
    ("insurance", {"district": "370102"}, "branches[0].predicates[3]"),
    ("insurance", {"number": "370102199001011235"}, "branches[0].predicates[5]"),
    ("insurance", {"months": 39}, "branches[0].predicates[6]"),
    ("insurance", {"base": 799_999}, "branches[0].predicates[7]"),
]


@pytest.mark.parametrize(("query", "changes", "field"), UNMET)
def test_a_holder_who_misses_it_by_one_cannot(
    query: str, changes: dict[str, Any], field: str, tmp_path: Path
) -> None:
    asked = request_of(tmp_path)
    schema, by = (PERMIT, POLICE) if query == "permit" else (INSURANCE, HRSS)
    own = {**holdings(), query: held(schema, by=by, **changes)}
    with pytest.raises(RefusedError) as caught:
        presented(asked, own, known=Publications().directory(asked))
    assert (caught.value.reason, caught.value.field) == ("UNSATISFIED", field)


# ---- what cannot be asked, by its place in the file
