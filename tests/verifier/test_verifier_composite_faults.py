"""What a policy of the composite form cannot ask, each told by its place in the file."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from disclosure import CredentialForm, DisclosureError, KeyState
from disclosure.composite import (
    check_composite_request,
    verify_composite,
)
from tests.disclosure.composite.world import (
    BANK,
    HOUSEHOLD,
    NOW,
    PERMIT,
    SCHOOL,
    held,
    presented,
)
from tests.verifier.composite_city import (
    AUTHORITY_DIGITS,
    DEPARTMENTS,
    HRSS,
    POLICE,
    POLICE_2,
    POLICY,
    Publications,
    policy_of,
)
from tests.verifier.test_verifier_composite_request import request_of
from verifier import PolicyError, check_composite_policy

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


@pytest.mark.parametrize(
    ("attribute", "because"), [("child", "PREDICATE_INVALID"), ("nothing", "ATTRIBUTE_UNKNOWN")]
)
def test_a_pseudonym_of_what_is_no_secret_cannot_be_asked_for(
    attribute: str, because: str, tmp_path: Path
) -> None:
    with pytest.raises(PolicyError) as caught:
        request_of(tmp_path, POLICY.replace("household.child_secret", f"household.{attribute}"))
    assert (caught.value.field, caught.value.because) == ("branches[0].pseudonyms[1].of", because)


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
