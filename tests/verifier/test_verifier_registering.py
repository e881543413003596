"""A verifier registers what its policy's file asks: no request of it is refused, and nothing more fits."""

from dataclasses import replace
from pathlib import Path

import pytest

from disclosure import PolicyName, VerifierName
from disclosure.allowance import excess
from disclosure.policy import AllowedItem, AllowedScope, RegisteredPolicy, StandingLimits
from tests.disclosure.composite.world import NOW
from tests.disclosure.world import NONCE
from tests.verifier.composite_city import REGULATOR
from tests.verifier.test_verifier_examples import city
from verifier import CompositePolicy, Policy, PolicyError, load_policy, parse_policy, registered_policy

FOLDER = Path(__file__).parents[2] / "examples" / "policies"
FILES = sorted(FOLDER.glob("*.yaml"))
SCHOOL = VerifierName("school-3")


def registered(policy: Policy | CompositePolicy) -> RegisteredPolicy:
    return registered_policy(policy, SCHOOL, lambda _: REGULATOR.key.digest)


@pytest.mark.parametrize("path", FILES, ids=lambda each: each.stem)
def test_every_example_says_what_is_registered(path: Path) -> None:
    policy = load_policy(path)
    made = registered(policy)
    assert made.name == PolicyName("school-3", policy.id, 1)
    assert made.purpose_text == policy.purpose
    assert made.purpose.startswith("purposes/")
    assert {(each.department, each.item) for each in policy.schemas} == set(made.by_item)
    assert made.foreign == path.stem.endswith("-both")


@pytest.mark.parametrize("name", ["school", "bank"])
def test_a_plain_file_asks_what_it_registers_and_nothing_less_would_do(name: str) -> None:
    policy = load_policy(FOLDER / f"{name}.yaml")
    assert isinstance(policy, Policy)
    check(policy.request(SCHOOL, NOW, NONCE), registered(policy))


@pytest.mark.parametrize("name", ["enrolment", "loan", "support-first"])
def test_a_composite_file_asks_what_it_registers_and_nothing_less_would_do(name: str) -> None:
    policy = load_policy(FOLDER / f"{name}.yaml")
    assert isinstance(policy, CompositePolicy)
    check(policy.request(SCHOOL, NOW, city()), registered(policy))


def check(request: object, policy: RegisteredPolicy) -> None:
    assert request.policy == policy.name  # type: ignore[attr-defined]
    assert excess(request, policy) == ()  # type: ignore[arg-type]
    for less in narrower(policy):
        assert excess(request, less), less  # type: ignore[arg-type]


def narrower(policy: RegisteredPolicy) -> list[RegisteredPolicy]:
    """Return the policy without each single thing that it allows."""
    found = []
    for index, item in enumerate(policy.items):
        for field in ("shown", "proven"):
            for name in getattr(item, field):
                rest = tuple(each for each in getattr(item, field) if each != name)
                items = [*policy.items]
                items[index] = replace(item, **{field: rest})  # type: ignore[arg-type]
                found.append(replace(policy, items=tuple(items)))
        if len(policy.items) > 1:
            found.append(replace(policy, items=policy.items[:index] + policy.items[index + 1 :]))
    for index in range(len(policy.scopes)):
        found.append(replace(policy, scopes=policy.scopes[:index] + policy.scopes[index + 1 :]))
    for index in range(len(policy.regulators)):
        found.append(replace(policy, regulators=policy.regulators[:index] + policy.regulators[index + 1 :]))
    return found


def test_an_attribute_is_told_about_by_predicates_pseudonyms_escrows_and_commitments() -> None:
    loan, first = (registered(load_policy(FOLDER / f"{name}.yaml")) for name in ("loan", "support-first"))
    assert loan.by_item["hrss", "social_insurance"] == AllowedItem(
        "hrss", "social_insurance", (), ("base", "id_commit")
    )
    assert loan.regulators == (REGULATOR.key.digest,)
    assert loan.standing == StandingLimits(12, 28, 366)
    assert "annual_income" in first.by_item["tax", "income_tax"].proven
    assert "child_secret" in first.by_item["public-security", "child_registration"].proven
    assert first.scopes == (AllowedScope("support-2026"),)


NO_TIMES, TOO_FEW = "{times: 0, interval_days: 1, days: 1}", "{times: 1, days: 1}"
SCHOOL_FILE = (FOLDER / "school.yaml").read_text("utf-8")
ENROLMENT_FILE = (FOLDER / "enrolment.yaml").read_text("utf-8")


@pytest.mark.parametrize("text", [SCHOOL_FILE, ENROLMENT_FILE], ids=["plain", "composite"])
@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("lifetime:", "policy: enrolment\nlifetime:", "policy"),
        ("lifetime:", "policy: verifiers/school-3/policies/x@1\nlifetime:", "policy"),
        ("  purpose: purposes/school-enrolment\n", "", "register.purpose"),
        ("purposes/school-enrolment", "school-enrolment", "register.purpose"),
        ("retention_days: ", "retention_days: -", "register.retention_days"),
        ("retention_days: ", "retention_days: a", "register.retention_days"),
        ("retention_days: ", "kept: 1\n  retention_days: ", "register.kept"),
        ("retention_days: ", f"standing: {NO_TIMES}\n  retention_days: ", "register.standing.times"),
        ("retention_days: ", f"standing: {TOO_FEW}\n  retention_days: ", "register.standing.interval_days"),
    ],
)  # fmt: skip
def test_what_a_file_cannot_say_of_its_registration(text: str, old: str, new: str, field: str) -> None:
    with pytest.raises(PolicyError) as caught:
        registered(parse_policy(text.replace(old, new, 1).encode()))
    assert caught.value.field == field


@pytest.mark.parametrize("text", [SCHOOL_FILE, ENROLMENT_FILE], ids=["plain", "composite"])
def test_a_file_may_name_a_policy_that_is_registered_in_another_way(text: str) -> None:
    head, _, rest = text.partition("register:")
    body = rest.partition("queries:" if "branches:" not in rest else "branches:")
    policy = parse_policy(f"{head}policy: entry@7\n{body[1]}{body[2]}".encode())
    assert policy.registered.name(SCHOOL) == PolicyName("school-3", "entry", 7)
    with pytest.raises(PolicyError) as caught:
        registered(policy)
    assert caught.value.field == "register"
