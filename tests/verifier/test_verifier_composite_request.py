"""Requests that policies compile to: what the words mean, an honest holder's answer, what cannot be asked."""

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from disclosure import CredentialForm, DisclosureError, KeyState, RefusedError
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
    check_composite_request,
    verify_composite,
)
from disclosure.credential import civil_date
from tests.disclosure.composite.world import (
    BANK,
    BOB,
    HOUSEHOLD,
    INSURANCE,
    NOW,
    PERMIT,
    REGULATOR_KEY,
    SCHOOL,
    TODAY,
    held,
    presented,
)
from tests.verifier.composite_city import (
    AUTHORITY_DIGITS,
    AUTHORITY_LIST,
    DEPARTMENTS,
    HRSS,
    POLICE,
    POLICE_2,
    POLICY,
    Publications,
    answered,
    holdings,
    policy_of,
)
from verifier import PolicyError, check_composite_policy

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
        (key.key.name, OldestEpoch(by.accumulator.key.octets, 1))
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

NUMBERS = "[permit.number, insurance.number]"
MONTHS = "permit.months, at_least: 12"
BAD: list[tuple[str, str, str, str]] = [
    (MONTHS, "permit.height, at_least: 12", "predicates[0].of", "ATTRIBUTE_UNKNOWN"),
    ("at_least: 12}", "at_least: 12.5}", "predicates[0].at_least", "VALUE_INVALID"),
    ("at_least: 12}", "at_least: 6 months ago}", "predicates[0].at_least", "VALUE_INVALID"),
    ("at_least: 12}", "at_least: 601}", "predicates[0].at_least", "BOUND_INVALID"),
    ("at_least: 12}", "between: [13, 12]}", "predicates[0].between[1]", "BOUND_INVALID"),
    ("at_least: 12}", "between: [12, 601]}", "predicates[0].between[1]", "BOUND_INVALID"),
    ("at_least: 12}", "between: [-1, 12]}", "predicates[0].between[0]", "BOUND_INVALID"),
    ("2 years ago", "24", "predicates[1].between[1]", "VALUE_INVALID"),
    ("2 years ago", "200 years from today", "predicates[1].between[1]", "BOUND_INVALID"),
    ("2 years ago", "9000 years ago", "predicates[1].between[1]", "BOUND_INVALID"),
    (MONTHS, "permit.number, at_least: 12", "predicates[0].at_least", "PREDICATE_INVALID"),
    (MONTHS, "permit.name, not_equal: x", "predicates[0]", "PREDICATE_INVALID"),
    ("owner: departments/big-data, code", "owner: departments/hrss, code", "predicates[2].in_list", ""),
    ("code_system: GB/T 2260", "code_system: GB/T 1", "predicates[2].in_list", ""),
    ("permit.district, in_list", "permit.number, in_list", "predicates[2]", "PREDICATE_INVALID"),
    ('"370103", "370104"', '"370103", "999999"', "predicates[3].one_of[1]", "VALUE_INVALID"),
    ('"370103", "370104"', '"370103"', "predicates[3].one_of", "PREDICATE_INVALID"),
    ('"370103", "370104"', '"370103", "370103"', "predicates[3].one_of", "PREDICATE_INVALID"),
    ("not_equal: 0.01", "not_equal: 0.001", "predicates[4].not_equal", "VALUE_INVALID"),
    ("not_equal: 0.01", "not_equal: 9999999", "predicates[4].not_equal", "BOUND_INVALID"),
    (NUMBERS, "[permit.number, insurance.months]", "predicates[5]", "PREDICATE_INVALID"),
    (NUMBERS, "[permit.number, insurance.x]", "predicates[5].equal[1]", "ATTRIBUTE_UNKNOWN"),
    (NUMBERS, "[permit.number]", "predicates[5]", "PREDICATE_INVALID"),
    ("cap: 60", "cap: 601", "predicates[6].sum[0].cap", "BOUND_INVALID"),
    ("cap: 60", "cap: sixty", "predicates[6].sum[0].cap", "VALUE_INVALID"),
    ("cap: 60", "factor: 0", "predicates[6].sum[0].factor", "PREDICATE_INVALID"),
    ("at_least: 100", "at_least: 5000", "predicates[6].at_least", "BOUND_INVALID"),
    ("at_least: 100", "at_most: 100", "predicates[6].sum[0].cap", "PREDICATE_INVALID"),
    ("{of: insurance.months}", "{of: insurance.base}", "predicates[6]", "PREDICATE_INVALID"),
    ("at_least: 8000", "at_least: 8000.001", "predicates[7].at_least", "VALUE_INVALID"),
    ("at_least: 8000", 'at_least: "8,000"', "predicates[7].at_least", "VALUE_INVALID"),
    ("at_least: 8000", "at_least: 1000000", "predicates[7].at_least", "BOUND_INVALID"),
    ("shown: [employed]", "shown: [employed, wealth]", "queries[1].shown[1]", "ATTRIBUTE_UNKNOWN"),
    ("shown: []", "shown: [child_secret]", "queries[2].shown[0]", "PREDICATE_INVALID"),
    ("shown: [employed]", "shown: [base]", "predicates[4]", "PREDICATE_INVALID"),
    ("expiry: 10 days from today", "expiry: 9 years from today", "queries[1].expiry", "BOUND_INVALID"),
    ("expiry: 10 days from today", "expiry: 9000 years from today", "queries[1].expiry", "BOUND_INVALID"),
    ("social_insurance@1", "social_insurance@9", "queries[1].schemas[0]", "SCHEMA_UNKNOWN"),
    ("max_epoch_age: 4 days", "max_epoch_age: 30 minutes", "queries[0].revocation.max_epoch_age", ""),
    ("household.child_secret", "household.child", "pseudonyms[1].of", "PREDICATE_INVALID"),
    ("household.child_secret", "household.nothing", "pseudonyms[1].of", "ATTRIBUTE_UNKNOWN"),
    ("of: permit.number, regulator", "of: permit.months, regulator", "escrows[0]", "PREDICATE_INVALID"),
    ("of: permit.number, regulator", "of: permit.nothing, regulator", "escrows[0].of", "ATTRIBUTE_UNKNOWN"),
    ("regulators/education", "regulators/none", "escrows[0].regulator", "REGULATOR_UNKNOWN"),
    ("regulators/education", "ab" * 32, "escrows[0].regulator", "REGULATOR_UNKNOWN"),
    ("digits: departments/big-data", "digits: departments/hrss", "digits", "PREDICATE_INVALID"),
    ("digits: departments/big-data", "digits: departments/none", "digits", "TABLE_UNKNOWN"),
    ("    digits: departments/big-data\n", "", "digits", "PREDICATE_INVALID"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "field", "because"), BAD)
def test_what_cannot_be_asked_is_told_by_its_place(
    old: str, new: str, field: str, because: str, tmp_path: Path
) -> None:
    assert old in POLICY
    with pytest.raises(PolicyError) as caught:
        request_of(tmp_path, POLICY.replace(old, new, 1))
    assert (caught.value.field, caught.value.because) == (f"branches[0].{field}", because)
    assert caught.value.reason == "POLICY_INVALID"
    assert caught.value.detail


HRSS_KEY_ONLY = (HRSS.key,)
CITIES: list[tuple[dict[str, Any], str]] = [
    ({"keys": HRSS_KEY_ONLY}, "branches[0].queries[0].schemas[0]"),
    ({"keys": (POLICE.key, replace(HRSS.key, state=KeyState.RETIRED))}, "branches[0].queries[1].schemas[0]"),
    ({"departments": (HRSS,)}, "branches[0].queries[0].revocation"),
    ({"digits": (AUTHORITY_DIGITS, POLICE.digits)}, "branches[0].queries[1].expiry"),
    ({"digits": (POLICE.digits, HRSS.digits)}, "branches[0].digits"),
    ({"schemas": (replace(PERMIT, form=CredentialForm.PLAIN), *Publications().schemas[1:])},
     "branches[0].queries[0].schemas[0]"),
    ({"lists": ()}, "branches[0].predicates[2].in_list"),
    ({"regulators": ()}, "branches[0].escrows[0].regulator"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "field"), CITIES)
def test_what_is_not_published_cannot_be_asked_for(
    changes: dict[str, Any], field: str, tmp_path: Path
) -> None:
    with pytest.raises(PolicyError) as caught:
        request_of(tmp_path, reader=Publications(**changes))
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("old", "new", "detail"),
    [
        ("at_least: 8000", "at_least: 100000.01", "the schema's bounds are -5.00 and 100000.00"),
        ("2 years ago", "1969-12-31", "the schema's bounds are 1970-01-01 and 2099-12-31"),
        ("cap: 60", "cap: 601", "the schema's bounds are 0 and 600"),
    ],
)
def test_bounds_are_told_as_people_write_them(old: str, new: str, detail: str, tmp_path: Path) -> None:
    with pytest.raises(PolicyError) as caught:
        request_of(tmp_path, POLICY.replace(old, new, 1))
    assert caught.value.detail == detail


def test_more_keys_and_accumulators_than_a_query_takes(tmp_path: Path) -> None:
    many = Publications(departments=(*DEPARTMENTS, *(POLICE for _ in range(20))))
    with pytest.raises(PolicyError) as caught:
        policy_of(POLICY, tmp_path).request(SCHOOL, NOW, many)
    assert caught.value.field == "branches[0].queries[0].schemas"


def test_a_verifier_outside_the_joint_scope_cannot_ask(tmp_path: Path) -> None:
    with pytest.raises(PolicyError) as caught:
        check_composite_policy(policy_of(POLICY, tmp_path), BANK, Publications(), NOW)
    assert caught.value.field == "branches[0].pseudonyms[1].scope"
    assert caught.value.because == "REQUEST_SIGNATURE_INVALID"


def test_a_checked_request_passes_the_vaults_check_too(tmp_path: Path) -> None:
    asked = request_of(tmp_path)
    check_composite_request(asked, Publications().directory(asked))


def test_what_the_reader_raises_for_itself_is_no_fault_of_the_policy(tmp_path: Path) -> None:
    class Broken(Publications):
        def accumulators(self, department: Any) -> Any:
            raise ConnectionError

    with pytest.raises(ConnectionError):
        request_of(tmp_path, reader=Broken())


def test_an_answer_of_an_older_epoch_than_the_policy_accepts_is_refused(tmp_path: Path) -> None:
    """The holder's own directory may end earlier; the request's number, under the signature, counts."""
    text = POLICY.replace("max_epoch_age: 2 hours", "max_epoch_age: 4 days")
    asked = request_of(tmp_path, text)
    stale = replace(POLICE, epochs={each: POLICE.epochs[each] for each in (0, 1)})
    known = Publications(departments=(stale, POLICE_2, HRSS)).directory(asked)
    own = {"household": held(HOUSEHOLD, by=POLICE, epoch=1)}
    presentation = presented(asked, own, branch="other", known=known)
    whole = Publications().directory(asked)
    assert verify_composite(asked, presentation, whole, NOW).answer.branch == "other"
    strict = replace(asked, branches=request_of(tmp_path).branches)
    forged = replace(presentation, answer=replace(presentation.answer, request_digest=strict.digest))
    with pytest.raises(DisclosureError) as caught:
        verify_composite(strict, forged, whole, NOW)
    assert caught.value.reason == "EPOCH_STALE"
