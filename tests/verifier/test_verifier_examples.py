"""The policies that the project brings along: compiled with the catalogue's own schemas, and answered."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from disclosure import RefusedError, Schema, SchemaName, Value, VerifierName
from disclosure.composite import (
    CompositeRequest,
    HolderSecret,
    Holding,
    VerifiedComposite,
    prepare,
    present_composite,
    verify_composite,
)
from disclosure.names import RegulatorName
from tests.disclosure.composite.world import (
    ALICE,
    BOB,
    NOTE_HASH,
    NOW,
    TODAY,
    TRUSTED,
    USAGE_TAG,
    Department,
    department,
    issued,
)
from tests.verifier.composite_city import REGULATOR, Publications
from verifier import CompositePolicy, Policy, check_composite_policy, load_policy
from zk import catalogue

FOLDER = Path(__file__).parents[2] / "examples" / "policies"
VERIFIER = VerifierName("school-3")
PERSON = bytes(range(32))
CHILD = bytes(range(1, 33))
VALUES: Mapping[str, Mapping[str, Value]] = {
    "child_registration": {
        "id_commit": PERSON, "birth": dt.date(2019, 9, 1), "district": "370102", "child_secret": CHILD,
    },
    "household": {
        "id_commit": PERSON, "district": "370102", "since": dt.date(2015, 1, 1), "relation": "head",
    },
    "residence_permit": {
        "id_commit": PERSON, "district": "370103", "continuous_since": dt.date(2019, 5, 1), "months": 82,
    },
    "social_insurance": {
        "id_commit": PERSON, "status": "paying", "continuous_since": dt.date(2025, 9, 1), "months": 40,
        "base": 800_000,
    },
    "income_tax": {"id_commit": PERSON, "annual_income": 10_000_000, "arrears": 0, "year": 2025},
    "real_estate": {
        "id_commit": PERSON, "district": "370102", "area": 90, "mortgaged": False, "home_secret": CHILD,
    },
    "housing_fund": {"id_commit": PERSON, "months": 24, "monthly": 120_000},
}  # fmt: skip


OFFICES = ("public-security", "hrss", "tax", "natural-resources", "housing-fund")


@cache
def office(name: str) -> Department:
    """A department with a key and an accumulator of its own, whose last epoch is an hour old."""
    made = department(name, 20 + OFFICES.index(name))
    ages = (9 * 86_400, 8 * 86_400, 3_600)
    epochs = {
        number: replace(each, time=int(NOW.timestamp()) - ages[number])
        for number, each in made.epochs.items()
    }
    return replace(made, epochs=epochs)


@cache
def schemas() -> Mapping[SchemaName, Schema]:
    return {each.name: each for each in catalogue.builtin().schemas()}


@cache
def city() -> Publications:
    offices = tuple(map(office, OFFICES))
    return Publications(
        schemas=tuple(schemas().values()),
        departments=offices,
        keys=tuple(each.key for each in offices),
        digits=tuple(each.digits for each in offices),
        lists=(),
        regulators=(replace(REGULATOR, name=RegulatorName("finance")),),
    )


@cache
def asked(name: str) -> CompositeRequest:
    policy = load_policy(FOLDER / f"{name}.yaml")
    assert isinstance(policy, CompositePolicy)
    return check_composite_policy(policy, VERIFIER, city(), NOW)


def held(name: SchemaName, secret: HolderSecret, changes: Mapping[str, Value]) -> Holding:
    schema, by = schemas()[name], office(name.department)
    values = {**VALUES[name.item], **changes}
    credential = issued(schema, by, secret, TODAY + dt.timedelta(days=20), tuple(sorted(values.items())))
    witness = by.accumulator.witness(credential.handle, by.epochs[2].position, ())
    return Holding(credential, prepare(credential, secret, schema, by.key), witness)


def verified(
    name: str, branch: str, changes: Mapping[str, Value], secret: HolderSecret = ALICE
) -> VerifiedComposite:
    """Answer an example's branch as somebody whose credentials say VALUES, but for some changes."""
    request, known = asked(name), city().directory(asked(name))
    _, part = request.branch(branch)
    own = {each.id: held(each.schemas[0], secret, _of(changes, each.schemas[0])) for each in part.queries}
    answer = present_composite(
        request, branch, own, secret, known, NOW, usage_tag=USAGE_TAG, note_hash=NOTE_HASH,
        trusted_regulators=TRUSTED,
    )  # fmt: skip
    return verify_composite(request, answer.presentation, known, NOW)


def _of(changes: Mapping[str, Value], name: SchemaName) -> dict[str, Value]:
    return {each: value for each, value in changes.items() if each in schemas()[name]}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda each: each.stem)
def test_every_example_is_a_policy_of_schemas_that_there_are(path: Path) -> None:
    policy = load_policy(path)
    assert isinstance(policy, Policy | CompositePolicy)
    assert set(policy.schemas) <= set(schemas())


@pytest.mark.parametrize(("name", "branch"), [
    ("enrolment", "household"), ("enrolment", "permit"), ("loan", "salaried"),
])  # fmt: skip
def test_an_example_is_answered_and_nothing_is_shown(name: str, branch: str) -> None:
    answer = verified(name, branch, {}).answer
    assert answer.branch == branch
    assert all(not each.shown.values and each.shown.expiry is None for each in answer.credentials)
    assert all(each.epoch is not None for each in answer.credentials)


def test_a_child_has_one_pseudonym_whichever_parent_comes_and_however() -> None:
    first = verified("enrolment", "household", {}).pseudonyms["child"]
    second = verified("enrolment", "permit", {"id_commit": bytes(32), "district": "370103"}, BOB)
    assert second.pseudonyms["child"] == first


@pytest.mark.parametrize(
    ("name", "branch", "changes"),
    [
        ("enrolment", "household", {"district": "370104"}),
        ("enrolment", "permit", {"district": "370104"}),
        ("enrolment", "permit", {"continuous_since": dt.date(2025, 9, 2)}),
        ("loan", "salaried", {"base": 799_999}),
        ("loan", "salaried", {"annual_income": 9_999_999}),
        ("loan", "salaried", {"arrears": 1}),
        ("loan", "salaried", {"mortgaged": True}),
        ("loan", "salaried", {"months": 23}),
    ],
)
def test_who_misses_it_by_one_does_not_get_it(name: str, branch: str, changes: dict[str, Value]) -> None:
    with pytest.raises(RefusedError) as caught:
        verified(name, branch, changes)
    assert caught.value.reason == "UNSATISFIED"


def test_a_loan_names_four_departments_and_a_regulator() -> None:
    (branch,) = asked("loan").branches
    assert {each.schemas[0].department for each in branch.queries} == set(OFFICES[1:])
    assert [each.regulator for each in branch.escrows] == [REGULATOR.key.digest]
