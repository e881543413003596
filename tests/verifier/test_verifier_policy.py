"""Policies: one way to write them, every mistake named by its place."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from disclosure import CredentialForm, Directory, ExpiryRule, LocalizedText, Query, open_request, sign_request
from tests.disclosure.world import DIRECTORY, INSURANCE, NONCE, NOW, PERMIT, SCHOOL, SCHOOL_KEY
from verifier import Policy, PolicyError, check_policy, keys
from verifier.policy import MAX_POLICY_OCTETS
from verifier.registration import Registered

FILE = f"""\
id: school-enrolment
purpose: {{zh: 入学资格审核, en: Checking who may enrol}}
lifetime: 600
queries:
  - id: residence
    schema: {PERMIT.name}
    shown: [district, continuous_since]
    expiry: shown
    revocation: waived
  - id: insurance
    schema: {INSURANCE.name}
    shown: []
    expiry: waived
    revocation: waived
"""


def data() -> Any:
    return yaml.safe_load(FILE)


def refused(octets: bytes | str, field: str | None = None) -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        Policy.parse(octets.encode() if isinstance(octets, str) else octets)
    assert caught.value.reason == "POLICY_INVALID"
    if field is not None:
        assert caught.value.field == field
    return caught.value


def test_a_policy_is_what_its_file_says(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(FILE, encoding="utf-8")
    policy = Policy.load(path)
    assert policy == Policy(
        id="school-enrolment",
        purpose=LocalizedText("入学资格审核", "Checking who may enrol"),
        lifetime=dt.timedelta(minutes=10),
        queries=(
            Query("residence", PERMIT.name, ("district", "continuous_since"), ExpiryRule.SHOWN),
            Query("insurance", INSURANCE.name, (), ExpiryRule.WAIVED),
        ),
        registered=Registered("school-enrolment@1"),
    )
    assert policy.schemas == (PERMIT.name, INSURANCE.name)


def test_a_request_of_a_policy() -> None:
    policy = Policy.parse(FILE.encode())
    now = (NOW + dt.timedelta(microseconds=999_999)).astimezone(dt.timezone(dt.timedelta(hours=8)))
    asked = policy.request(SCHOOL, now, NONCE)
    assert (asked.verifier, asked.purpose, asked.queries) == (SCHOOL, policy.purpose, policy.queries)
    assert str(asked.policy) == f"{SCHOOL}/policies/school-enrolment@1"
    assert (asked.created, asked.expires, asked.nonce) == (NOW, NOW + policy.lifetime, NONCE)
    assert open_request(sign_request(asked, SCHOOL_KEY), lambda _: keys.public_key(SCHOOL_KEY)) == asked


def test_no_two_requests_of_a_policy_are_the_same() -> None:
    policy = Policy.parse(FILE.encode())
    assert policy.request(SCHOOL, NOW).digest != policy.request(SCHOOL, NOW).digest


def put(*path: str | int, value: Any) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        for step in path[:-1]:
            document = document[step]
        document[path[-1]] = value

    return change


def drop(*path: str | int) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        for step in path[:-1]:
            document = document[step]
        del document[path[-1]]

    return change


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (drop("id"), "id"),
        (put("id", value="School"), "id"),
        (put("id", value=1), "id"),
        (drop("purpose"), "purpose"),
        (drop("purpose", "zh"), "purpose.zh"),
        (put("purpose", "fr", value="x"), "purpose.fr"),
        (put("purpose", "en", value=""), "purpose.en"),
        (put("purpose", "en", value="a\nb"), "purpose.en"),
        (put("purpose", value="x"), "purpose"),
        (drop("lifetime"), "lifetime"),
        (put("lifetime", value=0), "lifetime"),
        (put("lifetime", value=-1), "lifetime"),
        (put("lifetime", value=7 * 86_400 + 1), "lifetime"),
        (put("lifetime", value=600.0), "lifetime"),
        (put("lifetime", value="600"), "lifetime"),
        (put("lifetime", value=True), "lifetime"),
        (drop("queries"), "queries"),
        (put("queries", value=[]), "queries"),
        (put("queries", value={}), "queries"),
        (put("queries", 1, "id", value="residence"), "queries"),
        (put("queries", 0, "id", value="Residence"), "queries[0].id"),
        (put("queries", 0, "schema", value="residence_permit"), "queries[0].schema"),
        (put("queries", 1, "schema", value="departments/hrss/schemas/x@0"), "queries[1].schema"),
        (put("queries", 0, "schema_name", value="x"), "queries[0].schema_name"),
        (drop("queries", 0, "shown"), "queries[0].shown"),
        (put("queries", 0, "shown", value="district"), "queries[0].shown"),
        (put("queries", 0, "shown", value=["district", 1]), "queries[0].shown[1]"),
        (put("queries", 0, "shown", value=["district", True]), "queries[0].shown[1]"),
        (put("queries", 0, "shown", value=["a b"]), "queries[0].shown"),
        (put("queries", 0, "shown", value=["a", "a"]), "queries[0].shown"),
        (drop("queries", 0, "expiry"), "queries[0].expiry"),
        (put("queries", 0, "expiry", value="hidden"), "queries[0].expiry"),
        (put("queries", 0, "expiry", value=True), "queries[0].expiry"),
        (drop("queries", 0, "revocation"), "queries[0].revocation"),
        (put("queries", 0, "revocation", value="checked"), "queries[0].revocation"),
        (put("queries", 0, "revocation", value="required"), "queries[0].revocation"),
        (put("queries", 0, "revocation", value=False), "queries[0].revocation"),
        (put("queries", 0, "revocation", value=None), "queries[0].revocation"),
        (put("queries", 0, "hidden", value=["name"]), "queries[0].hidden"),
        (put("more", value=1), "more"),
    ],
)
def test_a_mistake_is_named_by_its_place(change: Callable[[Any], None], field: str) -> None:
    document = data()
    change(document)
    refused(yaml.safe_dump(document, allow_unicode=True), field)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "[]",
        "- a",
        "null",
        "1",
        ":",
        "{",
        "a: b: c",
        "\t",
        "\x00",
        "!!python/object/apply:os.system [ls]",
        "!unknown x",
        "--- {}\n--- {}",
        "%YAML 3.0\n---\n{}",
        "[" * 3000,
        "{a: " * 3000,
        FILE + "id: again\n",
        FILE.replace("zh: 入学资格审核", "en: x"),
        FILE + "1: x\n",
        FILE + "null: x\n",
        FILE + "? [a]\n: x\n",
        FILE.replace("600", "2026-01-01"),
        FILE.replace("600", ".inf"),
        FILE.replace("600", "1e999"),
        FILE.replace("600", "!!binary aGk="),
        FILE.replace("600", "!!set {a}"),
        FILE.replace("[]", "&x [name]") + "more: *x\n",
        FILE.replace("[district, continuous_since]", "&x [*x]"),
        FILE.replace("school-enrolment", '"\\ud800"'),
    ],
)
def test_what_is_no_policy_file(text: str) -> None:
    refused(text)


def test_octets_that_are_no_text_and_files_that_are_too_large() -> None:
    refused(b"\xff\xfe")
    refused(FILE.encode("utf-16"))
    refused(FILE + "#" * MAX_POLICY_OCTETS)


def test_a_reference_blows_nothing_up() -> None:
    lines = ["a: &a [x]"] + [
        f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]" for n in range(9)
    ]
    refused("\n".join(lines))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(PolicyError) as caught:
            Policy.load(path)
        assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"lifetime": dt.timedelta(0)}, "lifetime"),
        ({"lifetime": dt.timedelta(days=8)}, "lifetime"),
        ({"lifetime": dt.timedelta(milliseconds=1500)}, "lifetime"),
        ({"id": "A"}, "id"),
        ({"queries": ()}, "queries"),
    ],
)
def test_a_policy_made_in_code_is_checked_too(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(PolicyError) as caught:
        replace(Policy.parse(FILE.encode()), **changes)
    assert caught.value.field == field


# ---- against the catalogue


def test_a_policy_that_can_be_answered() -> None:
    check_policy(Policy.parse(FILE.encode()), DIRECTORY)


@pytest.mark.parametrize(
    ("known", "field"),
    [
        (Directory({PERMIT.name: PERMIT}, {}), "queries[1].schema"),
        (
            Directory({**DIRECTORY.schemas, PERMIT.name: replace(PERMIT, form=CredentialForm.COMPOSITE)}, {}),
            "queries[0].schema",
        ),
        (
            Directory(
                {**DIRECTORY.schemas, PERMIT.name: replace(PERMIT, attributes=PERMIT.attributes[:2])}, {}
            ),
            "queries[0].shown[1]",
        ),
    ],
)
def test_what_does_not_exist_is_named_by_its_place(known: Directory, field: str) -> None:
    with pytest.raises(PolicyError) as caught:
        check_policy(Policy.parse(FILE.encode()), known)
    assert (caught.value.reason, caught.value.field) == ("POLICY_INVALID", field)
