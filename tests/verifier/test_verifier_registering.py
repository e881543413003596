"""A verifier registers what its policy's file asks: no request of it is refused, and nothing more fits."""

from dataclasses import replace
from pathlib import Path

import pytest

from bbs import SHA_256
from disclosure import PolicyName, VerifierName
from disclosure.allowance import excess
from disclosure.composite import PublishedCodeList, publish_codes
from disclosure.policy import (
    AllowedAttribute,
    AllowedEscrow,
    AllowedItem,
    AllowedScope,
    RegisteredPolicy,
    StandingLimits,
)
from tests.disclosure.composite.world import NOW
from tests.disclosure.world import NONCE
from tests.verifier.composite_city import REGULATOR
from tests.verifier.test_verifier_examples import city
from tlog import ReceiptState
from verifier import CompositePolicy, Policy, PolicyError, load_policy, parse_policy, registered_policy
from zk.catalogue import builtin

FOLDER = Path(__file__).parents[2] / "examples" / "policies"
FILES = sorted(FOLDER.glob("*.yaml"))
SCHOOL, DISTRICTS = VerifierName("school-3"), "GB/T 2260"


def published(owner: str, codes: tuple[str, ...]) -> PublishedCodeList:
    return publish_codes(f"departments/{owner}", DISTRICTS, codes, SHA_256)


CATCHMENT, OTHERS = ("370102", "370103"), ("370112", "370116")
EVERY = tuple(each.code for each in builtin().code_lists[DISTRICTS])
LISTS = (
    published("education", OTHERS), published("education", CATCHMENT[::-1]),
    published("education", CATCHMENT), published("education", (*CATCHMENT, *OTHERS)),
    published("big-data", EVERY),
)  # fmt: skip
"""What departments have published, newest first: the catchment twice, between those of other schools."""
NAMED = replace(city(), lists=LISTS)


def registered(policy: Policy | CompositePolicy) -> RegisteredPolicy:
    return registered_policy(policy, SCHOOL, NAMED)


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
    for index in range(len(policy.escrows)):
        found.append(replace(policy, escrows=policy.escrows[:index] + policy.escrows[index + 1 :]))
    for index in range(len(policy.lists)):
        found.append(replace(policy, lists=policy.lists[:index] + policy.lists[index + 1 :]))
    return found


def test_an_attribute_is_told_about_by_predicates_pseudonyms_escrows_and_commitments() -> None:
    loan, first = (registered(load_policy(FOLDER / f"{name}.yaml")) for name in ("loan", "support-first"))
    assert loan.by_item["hrss", "social_insurance"] == AllowedItem(
        "hrss", "social_insurance", (), ("base", "id_commit")
    )
    number = AllowedAttribute("hrss", "social_insurance", "id_commit")
    assert loan.escrows == (AllowedEscrow(REGULATOR.key.digest, number),)
    assert loan.standing == StandingLimits(12, 28, 366)
    assert "annual_income" in first.by_item["tax", "income_tax"].proven
    assert "child_secret" in first.by_item["public-security", "child_registration"].proven
    child = AllowedAttribute("public-security", "child_registration", "child_secret")
    assert first.scopes == (AllowedScope("support-2026"), AllowedScope("support-2026", of=child))


def test_a_list_that_is_named_by_what_it_says_is_the_first_of_these_codes() -> None:
    """Neither another school's, newer or older; and when it is published again nothing changes."""
    enrolment = registered(load_policy(FOLDER / "school-enrolment.yaml"))
    assert enrolment.lists == (LISTS[2].table.digest,)
    again = replace(NAMED, lists=(published("education", CATCHMENT), *LISTS))
    loaded = load_policy(FOLDER / "school-enrolment.yaml")
    assert registered_policy(loaded, SCHOOL, again) == enrolment


@pytest.mark.parametrize("lists", [(), LISTS[:1], LISTS[3:], (published("hrss", CATCHMENT),)])
def test_a_list_of_other_codes_or_of_another_owner_is_not_it(
    lists: tuple[PublishedCodeList, ...],
) -> None:
    loaded = load_policy(FOLDER / "school-enrolment.yaml")
    with pytest.raises(PolicyError) as caught:
        registered_policy(loaded, SCHOOL, replace(NAMED, lists=lists))
    assert caught.value.field == "branches[0].predicates[8].in_list"


def test_a_list_of_no_digest_is_the_newest_one_when_it_was_registered() -> None:
    text = (FOLDER / "school-enrolment.yaml").read_text("utf-8")
    digest = LISTS[1].contents.hex()
    assert text.count(f", digest: {digest}") == 10
    anyone = parse_policy(text.replace(f", digest: {digest}", "").encode())
    assert registered(anyone).lists == (LISTS[0].table.digest,)


@pytest.mark.parametrize("digest", ["ab", "AB" * 32, "5" * 65])
def test_the_digest_of_a_list_has_64_small_hexadecimal_digits(digest: str) -> None:
    text = (FOLDER / "school-enrolment.yaml").read_text("utf-8").replace(LISTS[1].contents.hex(), digest, 1)
    with pytest.raises(PolicyError) as caught:
        parse_policy(text.encode())
    assert caught.value.field == "branches[0].predicates[8].in_list.digest"


def test_a_registered_pseudonym_is_of_one_subject_and_an_escrow_of_one_attribute() -> None:
    """The school may recognise child and home, and no parent; the bank seals two numbers, and no employer."""
    enrolment = registered(load_policy(FOLDER / "school-enrolment.yaml"))
    assert {str(each.of) for each in enrolment.scopes} == {
        "departments/health/schemas/birth_cert: child_secret",
        *(f"departments/{name}: home_secret" for name in (
            "natural-resources/schemas/real_estate", "housing-construction/schemas/purchase_filing",
            "housing-construction/schemas/rental_filing",
        )),
    }  # fmt: skip
    loan = registered(load_policy(FOLDER / "inclusive-finance.yaml"))
    assert {str(each.of) for each in loan.escrows} == {
        "departments/public-security/schemas/id_card: id_commit",
        "departments/civil-affairs/schemas/marriage: spouse_id",
    }


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
        ("retention_days: ", "receipt: cosigned\n  retention_days: ", "register.receipt"),
        ("retention_days: ", "receipt: ORDERED\n  retention_days: ", "register.receipt"),
        ("retention_days: ", "receipt: [ordered]\n  retention_days: ", "register.receipt"),
        ("retention_days: ", "receipt:\n  retention_days: ", "register.receipt"),
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


@pytest.mark.parametrize("state", ReceiptState)
@pytest.mark.parametrize("text", [SCHOOL_FILE, ENROLMENT_FILE], ids=["plain", "composite"])
def test_a_file_says_in_which_state_receipts_are_demanded(text: str, state: ReceiptState) -> None:
    said = text.replace("  retention_days: ", f"  receipt: {state.value}\n  retention_days: ", 1)
    policy, before = parse_policy(said.encode()), registered(parse_policy(text.encode()))
    made = registered(policy)
    assert (made.receipt, before.receipt) == (state, None)
    assert policy.registered.demands == made.demands
    assert replace(made, receipt=None) == before
    assert made.canonical != before.canonical
