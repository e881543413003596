"""Policies of the composite form: one way to write them, every fault named by its place in the file."""

import datetime as dt
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from disclosure import MalformedError
from tests.disclosure.composite.world import (
    BANK,
    HOUSEHOLD,
    INSURANCE,
    PERMIT,
    SCHOOL,
    SCHOOL_2,
    VERIFIER_KEYS,
)
from tests.verifier.composite_city import POLICY, joint_scope, policy_of
from tests.verifier.test_verifier_policy import FILE as PLAIN
from verifier import CompositePolicy, JointScopeFile, Policy, PolicyError, load_policy, parse_policy
from verifier.composite.days import Day, parse_age
from verifier.policy import MAX_POLICY_OCTETS

Change = Callable[[Any], None]


def refused(text: str | bytes, folder: Path, field: str | None = None) -> PolicyError:
    octets = text.encode() if isinstance(text, str) else text
    (folder / "joint.yaml").write_bytes(joint_scope().to_bytes())
    with pytest.raises(PolicyError) as caught:
        parse_policy(octets, folder)
    assert caught.value.reason == "POLICY_INVALID"
    assert caught.value.detail
    if field is not None:
        assert caught.value.field == field
    return caught.value


def put(path: str, value: Any) -> Change:
    *steps, last = (int(each) if each.isdigit() else each for each in path.split("/"))

    def change(document: Any) -> None:
        for step in steps:
            document = document[step]
        document[last] = value

    return change


def drop(path: str) -> Change:
    *steps, last = (int(each) if each.isdigit() else each for each in path.split("/"))

    def change(document: Any) -> None:
        for step in steps:
            document = document[step]
        del document[last]

    return change


def changed(change: Change) -> str:
    document = yaml.load(POLICY, yaml.BaseLoader)
    change(document)
    return yaml.safe_dump(document, allow_unicode=True, sort_keys=False)


def test_the_file_tells_its_form(tmp_path: Path) -> None:
    (tmp_path / "joint.yaml").write_bytes(joint_scope().to_bytes())
    for text, kind in ((POLICY, CompositePolicy), (PLAIN, Policy)):
        path = tmp_path / "policy.yaml"
        path.write_text(text, encoding="utf-8")
        assert isinstance(load_policy(path), kind)
    for form in ("plain", "Composite", "", "[composite]"):
        refused(POLICY.replace("form: composite", f"form: {form}"), tmp_path, "form")


def test_a_policy_is_what_its_file_says(tmp_path: Path) -> None:
    policy = policy_of(POLICY, tmp_path)
    assert (policy.id, policy.lifetime, policy.unique) == (
        "enrolment-2026",
        dt.timedelta(minutes=10),
        ("child",),
    )
    assert [each.id for each in policy.branches] == ["main", "other"]
    assert HOUSEHOLD.name in policy.schemas
    assert INSURANCE.name in policy.schemas
    assert len(policy.schemas) == 4


AGE = "branches[0].queries[0].revocation.max_epoch_age"
QUERY, PREDICATES, OUT = "branches/0/queries/0", "branches/0/predicates", "branches/0/pseudonyms"
FAULTS: list[tuple[Change, str]] = [
    (drop("id"), "id"),
    (put("id", "School"), "id"),
    (drop("purpose"), "purpose"),
    (drop("purpose/zh"), "purpose.zh"),
    (put("purpose/fr", "x"), "purpose.fr"),
    (put("purpose/en", ""), "purpose.en"),
    (put("purpose/en", "a\tb\x07"), "purpose.en"),
    (put("purpose", "x"), "purpose"),
    (drop("lifetime"), "lifetime"),
    (put("lifetime", "0"), "lifetime"),
    (put("lifetime", "600.0"), "lifetime"),
    (put("lifetime", "604801"), "lifetime"),
    (put("lifetime", "ten"), "lifetime"),
    (put("more", "1"), "more"),
    (put("branches", []), "branches"),
    (put("branches", "main"), "branches"),
    (put("branches/1/id", "main"), "branches[1].id"),
    (put("branches/1/id", "Other"), "branches[1].id"),
    (drop("branches/1/queries"), "branches[1].queries"),
    (put("branches/1/queries", []), "branches[1].queries"),
    (put("branches/1/hidden", []), "branches[1].hidden"),
    (put("branches/0/digits", "big-data"), "branches[0].digits"),
    (put("branches/0/digits", []), "branches[0].digits"),
    (put("branches/0/queries/1/id", "permit"), "branches[0].queries[1].id"),
    (put(f"{QUERY}/id", "Permit"), "branches[0].queries[0].id"),
    (drop(f"{QUERY}/id"), "branches[0].queries[0].id"),
    (put(f"{QUERY}/schema", "x"), "branches[0].queries[0].schema"),
    (put(f"{QUERY}/schemas", []), "branches[0].queries[0].schemas"),
    (put(f"{QUERY}/schemas", ["residence_permit"]), "branches[0].queries[0].schemas[0]"),
    (put(f"{QUERY}/schemas", [str(HOUSEHOLD.name)] * 2), "branches[0].queries[0].schemas[1]"),
    (put(f"{QUERY}/schemas", [f"departments/a/schemas/b@{each}" for each in range(1, 10)]),
     "branches[0].queries[0].schemas"),
    (drop(f"{QUERY}/shown"), "branches[0].queries[0].shown"),
    (put(f"{QUERY}/shown", "name"), "branches[0].queries[0].shown"),
    (put(f"{QUERY}/shown", ["name", "name"]), "branches[0].queries[0].shown[1]"),
    (put(f"{QUERY}/shown", ["a b"]), "branches[0].queries[0].shown[0]"),
    (put(f"{QUERY}/shown", [["a"]]), "branches[0].queries[0].shown[0]"),
    (drop(f"{QUERY}/expiry"), "branches[0].queries[0].expiry"),
    (put(f"{QUERY}/expiry", "waived"), "branches[0].queries[0].expiry"),
    (put(f"{QUERY}/expiry", "yesterday"), "branches[0].queries[0].expiry"),
    (put(f"{QUERY}/expiry", "1 day ago"), "branches[0].queries[0].expiry"),
    (put(f"{QUERY}/expiry", "2027-01-01"), "branches[0].queries[0].expiry"),
    (drop(f"{QUERY}/revocation"), "branches[0].queries[0].revocation"),
    (put(f"{QUERY}/revocation", "checked"), "branches[0].queries[0].revocation"),
    (put(f"{QUERY}/revocation", {}), AGE),
    (put(f"{QUERY}/revocation", {"max_epoch_age": "2"}), AGE),
    (put(f"{QUERY}/revocation", {"max_epoch_age": "0 days"}), AGE),
    (put(f"{QUERY}/revocation", {"max_epoch_age": "400 days"}), AGE),
    (put(f"{QUERY}/revocation", {"max_epoch_age": "2 days", "x": "y"}), AGE.replace("max_epoch_age", "x")),
    (put(PREDICATES, "x"), "branches[0].predicates"),
    (put(f"{PREDICATES}/0", "x"), "branches[0].predicates[0]"),
    (put(f"{PREDICATES}/0", {"of": "permit.months"}), "branches[0].predicates[0]"),
    (put(f"{PREDICATES}/0", {"at_least": "1"}), "branches[0].predicates[0].of"),
    (put(f"{PREDICATES}/0/of", "months"), "branches[0].predicates[0].of"),
    (put(f"{PREDICATES}/0/of", "permit.Months"), "branches[0].predicates[0].of"),
    (put(f"{PREDICATES}/0/of", "nobody.months"), "branches[0].predicates[0].of"),
    (put(f"{PREDICATES}/0/at_most", "20"), "branches[0].predicates[0].at_most"),
    (put(f"{PREDICATES}/0/not", "20"), "branches[0].predicates[0].not"),
    (put(f"{PREDICATES}/1/between", ["2010-01-01"]), "branches[0].predicates[1].between"),
    (put(f"{PREDICATES}/1/between", "2010-01-01"), "branches[0].predicates[1].between"),
    (drop(f"{PREDICATES}/2/in_list/owner"), "branches[0].predicates[2].in_list.owner"),
    (put(f"{PREDICATES}/2/in_list/owner", "big-data"), "branches[0].predicates[2].in_list.owner"),
    (put(f"{PREDICATES}/2/in_list/digest", "x"), "branches[0].predicates[2].in_list.digest"),
    (put(f"{PREDICATES}/3/one_of", "370102"), "branches[0].predicates[3].one_of"),
    (put(f"{PREDICATES}/4/not_equal", ["1"]), "branches[0].predicates[4].not_equal"),
    (put(f"{PREDICATES}/5/equal", "permit.number"), "branches[0].predicates[5].equal"),
    (put(f"{PREDICATES}/5/equal/1", "nobody.number"), "branches[0].predicates[5].equal[1]"),
    (put(f"{PREDICATES}/5/of", "permit.number"), "branches[0].predicates[5].of"),
    (drop(f"{PREDICATES}/6/at_least"), "branches[0].predicates[6]"),
    (put(f"{PREDICATES}/6/sum", []), "branches[0].predicates[6].sum"),
    (put(f"{PREDICATES}/6/sum/0/of", "nobody.x"), "branches[0].predicates[6].sum[0].of"),
    (put(f"{PREDICATES}/6/sum/0/factor", "1.5"), "branches[0].predicates[6].sum[0].factor"),
    (put(f"{PREDICATES}/6/sum/0/limit", "1"), "branches[0].predicates[6].sum[0].limit"),
    (put(f"{OUT}/1/id", "me"), "branches[0].pseudonyms[1].id"),
    (put(f"{OUT}/0/scope", "Enrolment"), "branches[0].pseudonyms[0].scope"),
    (drop(f"{OUT}/0/scope"), "branches[0].pseudonyms[0].scope"),
    (put(f"{OUT}/1/of", "nobody.child_secret"), "branches[0].pseudonyms[1].of"),
    (put(f"{OUT}/1/scope/file", "../joint.yaml"), "branches[0].pseudonyms[1].scope.file"),
    (put(f"{OUT}/1/scope/file", "nowhere.yaml"), "branches[0].pseudonyms[1].scope.file"),
    (put(f"{OUT}/1/scope/label", "x"), "branches[0].pseudonyms[1].scope.label"),
    (put("branches/0/escrows/0/of", "nobody.number"), "branches[0].escrows[0].of"),
    (put("branches/0/escrows/0/regulator", "education"), "branches[0].escrows[0].regulator"),
    (put("branches/0/escrows/0/regulator", "ab" * 31), "branches[0].escrows[0].regulator"),
    (drop("branches/0/escrows/0/regulator"), "branches[0].escrows[0].regulator"),
    (put("unique", "child"), "unique"),
    (put("unique", ["me"]), "unique[0]"),
    (put("unique", ["child", "child"]), "unique[1]"),
    (put("one_secret", ["me"]), "one_secret[0]"),
    (put("one_secret", "child"), "one_secret"),
    (put("branches/1/pseudonyms/0/scope", "enrolment-2026"), "unique[0]"),
    (drop("branches/1/pseudonyms/0/of"), "unique[0]"),
    (put("branches/1/pseudonyms/0/of", "household.other_secret"), "unique[0]"),
    (put("branches/1/queries/0/schemas", [str(PERMIT.name)]), "unique[0]"),
    (put("branches/1/queries/0/schemas", [str(HOUSEHOLD.name), str(PERMIT.name)]), "unique[0]"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "field"), FAULTS, ids=[f"{index}-{each[1]}" for index, each in enumerate(FAULTS)]
)
def test_a_fault_is_named_by_its_place(change: Change, field: str, tmp_path: Path) -> None:
    refused(changed(change), tmp_path, field)


def test_what_may_come_once_is_of_one_subject_whatever_the_versions_of_its_schema(tmp_path: Path) -> None:
    later = f"departments/public-security/schemas/{HOUSEHOLD.name.item}@2"
    policy = policy_of(changed(put("branches/1/queries/0/schemas", [later])), tmp_path)
    assert policy.unique == ("child",)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "form",
        "form: composite",
        "a: &x 1\nb: *x\n",
        "form: composite\nform: composite\n",
        "\xff",
        ": :",
    ],
)
def test_what_is_no_policy(text: str, tmp_path: Path) -> None:
    refused(text.encode("latin-1"), tmp_path)


def test_a_file_too_large_or_not_there(tmp_path: Path) -> None:
    refused(b" " * (MAX_POLICY_OCTETS + 1), tmp_path)
    with pytest.raises(PolicyError):
        load_policy(tmp_path / "none.yaml")


def test_without_a_folder_no_scope_is_read() -> None:
    with pytest.raises(PolicyError) as caught:
        parse_policy(POLICY.encode())
    assert caught.value.field == "branches[0].pseudonyms[1].scope.file"


# ---- joint scopes


def test_a_scope_goes_round_until_all_have_signed(tmp_path: Path) -> None:
    whole = joint_scope()
    begun = JointScopeFile(whole.scope, {})
    with pytest.raises(PolicyError, match="has not signed"):
        begun.complete()
    one = JointScopeFile.parse(begun.signed_by(SCHOOL, VERIFIER_KEYS[SCHOOL]).to_bytes())
    with pytest.raises(PolicyError, match=str(SCHOOL_2)):
        one.complete()
    both = one.signed_by(SCHOOL_2, VERIFIER_KEYS[SCHOOL_2])
    assert both.complete() == whole.complete()
    assert JointScopeFile.parse(both.to_bytes()) == both
    with pytest.raises(PolicyError):
        both.signed_by(BANK, VERIFIER_KEYS[BANK])


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("label: enrolment-2026", "label: Enrolment", "label"),
        ("label: enrolment-2026", "label: a\nmore: b", "more"),
        ("suite: BBS_", "suite: bbs_", "suite"),
        ("suite: ", "signer: ", "signer"),
        ("- verifiers/school-4", "- school-4", "members[1]"),
        ("- verifiers/school-4", "- verifiers/school-3", "members[1]"),
        ("  verifiers/school-4: ", "  verifiers/school-5: ", "signatures.verifiers/school-5"),
        ("  verifiers/school-4: ", "  verifiers/school-4: 00", "signatures.verifiers/school-4"),
    ],
)
def test_a_fault_in_a_scope_is_named(old: str, new: str, field: str, tmp_path: Path) -> None:
    text = joint_scope().to_bytes().decode()
    assert old in text
    with pytest.raises(PolicyError) as caught:
        JointScopeFile.parse(text.replace(old, new).encode())
    assert caught.value.field == field
    (tmp_path / "joint.yaml").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(PolicyError) as outside:
        parse_policy(POLICY.encode(), tmp_path)
    assert outside.value.field == "branches[0].pseudonyms[1].scope.file"


# ---- days and ages

TODAY = dt.date(2024, 2, 29)


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("today", TODAY),
        ("2019-09-01", dt.date(2019, 9, 1)),
        ("1 day ago", dt.date(2024, 2, 28)),
        ("2 weeks ago", dt.date(2024, 2, 15)),
        ("6 months ago", dt.date(2023, 8, 29)),
        ("18 years ago", dt.date(2006, 2, 28)),
        ("30 days from today", dt.date(2024, 3, 30)),
        ("1 year from today", dt.date(2025, 2, 28)),
        ("0 days ago", TODAY),
    ],
)
def test_days(written: str, day: dt.date) -> None:
    assert Day.parse(written).on(TODAY) == day


@pytest.mark.parametrize(
    "written", ["", "Today", "tomorrow", "6 months", "-6 months ago", "6  months ago", "2019-9-1",
                "2019-02-30", "6.5 months ago", "6 months ago ", "٦ months ago", "999999 days ago",
                "1 fortnight ago"],
)  # fmt: skip
def test_what_is_no_day(written: str) -> None:
    with pytest.raises(MalformedError):
        Day.parse(written)


def test_a_day_outside_the_calendar() -> None:
    with pytest.raises(MalformedError) as caught:
        Day.parse("9999 years ago").on(TODAY)
    assert caught.value.reason == "BOUND_INVALID"


@given(st.integers(1, 99_999), st.sampled_from(["day", "week", "month", "year"]), st.dates())
def test_a_day_from_today_is_not_before_it_and_one_ago_not_after(
    count: int, unit: str, today: dt.date
) -> None:
    for written, sign in ((f"{count} {unit}s ago", -1), (f"{count} {unit}s from today", 1)):
        assert Day.parse(written).comes == (sign > 0)
        with suppress(MalformedError):  # outside the calendar
            assert (Day.parse(written).on(today) - today).days * sign > 0


def test_ages() -> None:
    assert parse_age("30 minutes") == dt.timedelta(minutes=30)
    assert parse_age("1 hour") == dt.timedelta(hours=1)
    assert parse_age("2 days") == dt.timedelta(days=2)
    for written in ("", "2", "days", "0 days", "-1 days", "367 days", "2 months", "2 days ago"):
        with pytest.raises(MalformedError):
            parse_age(written)


def test_departments_that_sign_one_secret_make_one_pseudonym(tmp_path: Path) -> None:
    """That they do is said in so many words; the attribute is the same all the same."""
    document = yaml.safe_load(POLICY)
    put("branches/1/queries/0/schemas", [str(PERMIT.name)])(document)
    refused(yaml.safe_dump(document), tmp_path, "unique[0]")
    put("one_secret", ["child"])(document)
    assert policy_of(yaml.safe_dump(document), tmp_path).unique == ("child",)
    put("branches/1/pseudonyms/0/of", "household.other_secret")(document)
    refused(yaml.safe_dump(document), tmp_path, "unique[0]")
