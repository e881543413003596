"""The catalogue's items: 20 departments, 180 items, whole, in both languages, never changed unnoticed."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from disclosure import AttributeDefinition, AttributeType, CredentialForm, LocalizedText, Schema
from tests.vectors import require_data
from zk import catalogue
from zk.catalogue import ItemInfo, Refresh, Sensitivity, Subject

DIGESTS = Path(__file__).parent / "catalogue_digests.txt"
HAN = re.compile(r"[\u4e00-\u9fff]")
NEWEST = sorted(catalogue.builtin().newest)
IDENTITY = {"id_commit", "uscc"}
MONTH_NUMBERS = (1900 * 12, 2200 * 12)

DISTRICTS = {
    "370102": ("历下区", "Lixia District"),
    "370103": ("市中区", "Shizhong District"),
    "370104": ("槐荫区", "Huaiyin District"),
    "370105": ("天桥区", "Tianqiao District"),
    "370112": ("历城区", "Licheng District"),
    "370113": ("长清区", "Changqing District"),
    "370114": ("章丘区", "Zhangqiu District"),
    "370115": ("济阳区", "Jiyang District"),
    "370116": ("莱芜区", "Laiwu District"),
    "370117": ("钢城区", "Gangcheng District"),
    "370124": ("平阴县", "Pingyin County"),
    "370126": ("商河县", "Shanghe County"),
}

# How the types of the common catalogue are written in a schema. A month is its number, year * 12 + month - 1.
TYPES = {
    "hash": AttributeType.HASH,
    "str": AttributeType.TEXT,
    "uscc": AttributeType.TEXT,
    "date": AttributeType.DATE,
    "month": AttributeType.INTEGER,
    "int": AttributeType.INTEGER,
    "code": AttributeType.CODE,
    "enum": AttributeType.CODE,
    "bool": AttributeType.BOOLEAN,
}


def newest(item: str) -> Schema:
    return catalogue.builtin().newest[item]


def info(item: str) -> ItemInfo:
    found = catalogue.builtin().info(item)
    assert found is not None
    return found


def attributes() -> Iterator[tuple[str, AttributeDefinition]]:
    for item in NEWEST:
        for each in newest(item).attributes:
            yield item, each


def in_both_languages(text: LocalizedText) -> bool:
    return bool(HAN.search(text.zh)) and text.en.isascii() and bool(re.search("[A-Za-z0-9]", text.en))


def test_it_has_20_departments_and_180_items() -> None:
    counts = catalogue.builtin().counts()
    assert (counts.departments, counts.items) == (20, 180)
    silent = [each.name.department for each in catalogue.builtin().departments.values() if not each.schemas]
    assert silent == ["big-data"], "all other departments issue something"
    assert counts.versions == len(list(catalogue.builtin().schemas())) > counts.items


@pytest.mark.parametrize("item", NEWEST)
def test_an_item_s_newest_version_is_whole(item: str) -> None:
    schema, told = newest(item), info(item)
    assert schema.form is CredentialForm.COMPOSITE
    ids = [each.id for each in schema.attributes]
    assert len(set(ids) - IDENTITY) >= 3
    assert in_both_languages(schema.display_name)
    assert in_both_languages(told.source)
    for each in schema.attributes:
        assert in_both_languages(each.display_name), each.id
        assert all(in_both_languages(code.display_name) for code in each.codes), each.id
        assert (each.minimum is None) == (each.type not in {AttributeType.INTEGER, AttributeType.DATE})
        assert each.minimum is None or each.maximum is None or each.minimum < each.maximum, each.id
        assert (
            each.unit or each.type is not AttributeType.INTEGER or (item, each.id) == ("income_tax", "year")
        )
    if told.subject is Subject.PERSON:
        assert ids[0] == "id_commit"
        assert told.sensitivity is not Sensitivity.PUBLIC
    else:
        assert ids[0] == "uscc"
        assert "id_commit" not in ids, "a company's item names a person by an attribute of another name"


def test_what_several_items_have_means_the_same_in_all() -> None:
    """Policies compare and add up over departments: what they do this with has one type, unit and scale."""
    for item, each in attributes():
        if each.id in {"id_commit", "child_id", "unit_no", "plate", "legal_rep"}:
            assert each.type is AttributeType.HASH, item
        if each.id == "uscc":
            assert (each.type, each.max_length) == (AttributeType.TEXT, 18), item
        if each.unit == "CNY":
            assert each.scale == 2, (item, each.id)
        if each.id == "months" or each.id.endswith(("_months", "_month")):
            assert (each.unit, each.scale) == ("months", 0), (item, each.id)
        if each.id.endswith("_month") or each.id == "period":
            assert (each.minimum, each.maximum) == MONTH_NUMBERS, (item, each.id)
        if each.id == "district":
            assert each.code_system == "GB/T 2260", item


def test_secrets_stand_where_a_child_its_parents_or_a_home_are_registered_once() -> None:
    secrets = [(item, each.id) for item, each in attributes() if each.type is AttributeType.SECRET]
    assert set(secrets) == {
        ("birth_cert", "child_secret"), ("guardianship", "child_secret"), ("adoption", "child_secret"),
        ("child_registration", "child_secret"),
        ("birth_cert", "parent_secret"), ("birth_cert", "other_parent_secret"),
        ("real_estate", "home_secret"), ("purchase_filing", "home_secret"), ("rental_filing", "home_secret"),
    }  # fmt: skip
    for item in ("birth_cert", "guardianship", "vaccination", "student_status"):
        assert "child_id" in newest(item)
    for item in ("real_estate", "purchase_filing", "rental_filing"):
        assert "unit_no" in newest(item)


def test_an_agent_s_appointment_says_for_whom_for_what_and_how_long() -> None:
    schema = newest("agent_appointment")
    assert str(schema.name) == "departments/market-regulation/schemas/agent_appointment@1"
    assert [each.id for each in schema.attributes] == ["id_commit", "uscc", "scope_kind", "scope", "until"]
    assert [each.code for each in schema.attribute("scope_kind").codes] == ["item", "errand"]
    assert info("agent_appointment").subject is Subject.PERSON


def test_all_kinds_of_information_occur() -> None:
    told = [info(item) for item in NEWEST]
    assert {each.sensitivity for each in told} == set(Sensitivity)
    assert {each.refresh for each in told} == set(Refresh)
    assert {each.applicable for each in told} == {True, False}
    assert all((each.refresh_days is not None) == (each.refresh is Refresh.PERIODIC) for each in told)
    known = {each.code for one in told for each in one.purposes}
    assert {"school_enrolment", "inclusive_finance"} < known


def test_it_has_all_attributes_of_the_common_catalogue() -> None:
    listed = json.loads(require_data("catalogue.json").read_text())["items"]
    assert len(listed) == 40
    for each in listed:
        schema = newest(each["id"])
        for name, kind in each["attrs"].items():
            assert schema.attribute(name).type is TYPES[kind], (each["id"], name)


def test_every_district_code_is_the_real_one() -> None:
    lists = catalogue.builtin().code_lists
    found = {code.code: (code.display_name.zh, code.display_name.en) for code in lists["GB/T 2260"]}
    assert found == DISTRICTS


def test_code_lists_are_public_tables_or_the_project_s_own() -> None:
    lists = catalogue.builtin().code_lists
    public = {each for each in lists if not re.fullmatch(r"zk-disclosure/[a-z-]+/[1-9]", each)}
    assert public == {
        "GA 482", "GB/T 2260", "GB/T 2261.1", "GB/T 2261.2", "GB/T 26341", "GB/T 4658", "GB/T 4754",
        "GB/T 6864",
    }  # fmt: skip
    assert [each.code for each in lists["GB/T 2261.1"]] == ["0", "1", "2", "9"]
    assert "".join(each.code for each in lists["GB/T 4754"]) == "ABCDEFGHIJKLMNOPQRST"
    assert [each.code for each in lists["GB/T 26341"]] == list("1234567")


def test_the_residence_permit_has_what_the_demo_must_keep_hidden() -> None:
    permit = catalogue.builtin().find("residence_permit@1")
    assert permit is not None
    assert permit.attribute("name").type is AttributeType.TEXT
    assert permit.attribute("number").type is AttributeType.HASH


def test_no_version_ever_changes() -> None:
    """Whoever has to change a version of an item adds one instead, and a line to the file of digests."""
    pinned = dict(line.split() for line in DIGESTS.read_text().splitlines())
    first, again = catalogue.load(), catalogue.load()
    found = {str(each.name): each.digest.hex() for each in first.schemas()}
    assert found == {str(each.name): each.digest.hex() for each in again.schemas()}
    assert found == pinned
    assert all(Schema.from_bytes(each.canonical) == each for each in first.schemas())


def test_it_loads_in_less_than_a_second_of_this_process() -> None:
    catalogue.builtin()
    start = time.process_time()
    catalogue.load()
    assert time.process_time() - start < 1
    assert catalogue.builtin() is catalogue.builtin()
