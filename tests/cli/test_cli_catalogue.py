"""The catalogue: what it holds, that it never changes unnoticed, that files are read strictly."""

from pathlib import Path

import pytest
import yaml

from disclosure import AttributeType, CredentialForm, Schema
from verifier import strict_yaml
from zk import catalogue
from zk.catalogue import CatalogueError, parse_department

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

# A version of a schema never changes: whoever has to change one of these adds a version instead.
DIGESTS = {
    "departments/civil-affairs/schemas/marriage@1": (
        "9d1e29a0b6522bb964d325f014f9bd37a3418ccf12d546601c148cfee392aeef"
    ),
    "departments/civil-affairs/schemas/min_living@1": (
        "d96fc6f3bd320e813b4b5f9be4313b21579d379e668a1eadeb5c05cd59f991b5"
    ),
    "departments/education/schemas/student_status@1": (
        "fa15a577338a0ef918a069fddbbf16cd86c52d2a81cd8268f4d22742c10f393a"
    ),
    "departments/education/schemas/diploma@1": (
        "a765271cbfe76f5dc3ba7b5551507b469d5733f73605fb0b49e500b52bc316b1"
    ),
    "departments/housing-fund/schemas/housing_fund@1": (
        "6a32d9a41b61a585e038a417b0eefcba710d8ce51378fe83a7e87c120dfec647"
    ),
    "departments/hrss/schemas/social_insurance@1": (
        "b1d57689332cbceba5ce50046b99e18ea4f2445ef3cf89f346c999a47f592110"
    ),
    "departments/hrss/schemas/labour_contract@1": (
        "d0c52a3f0305be13fae5b07ca1bda6f8b96f018e172a6fb11a6a27649417210a"
    ),
    "departments/market-regulation/schemas/business_licence@1": (
        "443b6c210348276a0bb640444da45a88709aa9188a9d4bf00e9b52721af7271f"
    ),
    "departments/medical-insurance/schemas/medical_insurance@1": (
        "e242442c02ef59de797a443ce3e782920108007cb0de77cf111e5359667bf32f"
    ),
    "departments/natural-resources/schemas/real_estate@1": (
        "08b3aa4a6f70f3545d578cd6666ce432f47a01399cc166c7e674a45d6d71b0e3"
    ),
    "departments/public-security/schemas/id_card@1": (
        "09f007bafc3438adb6ea061e0d3c1903345c7a468be9b19be20e4c06698d3fe0"
    ),
    "departments/public-security/schemas/household@1": (
        "df87d1ef89bdb42fc2fb05ea06c269f52fc4dd1e686ca2594a8311ef0ff801b2"
    ),
    "departments/public-security/schemas/residence_permit@1": (
        "ea3f7f07bd29f1074a4ae4b38ef29ecbe158c7f46f5d31280b5b9ede22c5a1f1"
    ),
    "departments/housing-fund/schemas/housing_fund@2": (
        "01b8ca35928f58504c46029a8a059d056787c5c6b36d8aaf4be3d1bd3114ccf5"
    ),
    "departments/hrss/schemas/social_insurance@2": (
        "7b9c05c80b2e2c3e06fe6adc6d80aedd90c84ce505f083402a872c18feb59406"
    ),
    "departments/natural-resources/schemas/real_estate@2": (
        "1b2f2fc3b7ed6db54a7c4c59676af0de78dc401873a603f57f88cd26d764c85e"
    ),
    "departments/public-security/schemas/id_card@2": (
        "54b3fdb99585dec254a3a10c1d2a3394ea186fd679374f9ec5e5cbae317770ba"
    ),
    "departments/public-security/schemas/household@2": (
        "8400097ce9855911ebbdc26cfd8e197c65fef300ab2ff3085104cb80b75edc99"
    ),
    "departments/public-security/schemas/child_registration@1": (
        "3ab142328d428b81f78cfcf3a224025e160517a4bc42f1ed88eff661ee4c47b7"
    ),
    "departments/public-security/schemas/residence_permit@2": (
        "f3e2146415c96599a25ec9daba600e831166b9e4dd6df7535c75959db5e997f8"
    ),
    "departments/tax/schemas/income_tax@1": (
        "713136a1f11c6452b9effb1a5b8765b6be528bd2a7b67eda518ec62e94fe3608"
    ),
}

GOOD = """
id: parks
name: {zh: 公园, en: Parks}
items:
  - id: pass
    version: 1
    name: {zh: 年票, en: Pass}
    validity_days: 30
    attributes:
      - {id: kind, name: {zh: 种类, en: Kind}, type: code, codes: kinds}
      - {id: since, name: {zh: 起, en: Since}, type: date, from: 2000-01-01, to: 2099-12-31}
code_lists:
  kinds: {system: parks/1, codes: {"1": {zh: 甲, en: A}}}
"""


def test_it_holds_departments_and_items_with_names_in_both_languages() -> None:
    loaded = catalogue.builtin()
    assert {"public-security", "hrss"} < set(loaded.departments)
    assert len(loaded.departments) >= 8
    assert len(list(loaded.schemas())) >= 12
    for schema in loaded.schemas():
        texts = [schema.display_name, *(each.display_name for each in schema.attributes)]
        texts += [code.display_name for each in schema.attributes for code in each.codes]
        assert all(text.en.isascii() and not text.zh.isascii() for text in texts)


def test_digests_are_stable_and_canonical_bytes_read_back() -> None:
    first, again = catalogue.load(), catalogue.load()
    found = {str(each.name): each.digest.hex() for each in first.schemas()}
    assert found == {str(each.name): each.digest.hex() for each in again.schemas()}
    assert found == DIGESTS
    assert all(Schema.from_bytes(each.canonical) == each for each in first.schemas())


def test_every_district_code_is_the_real_one() -> None:
    lists = [
        {code.code: (code.display_name.zh, code.display_name.en) for code in each.codes}
        for schema in catalogue.builtin().schemas()
        for each in schema.attributes
        if each.code_system == "GB/T 2260"
    ]
    assert lists
    assert all(each == DISTRICTS for each in lists)


def test_the_residence_permit_has_what_the_demo_must_keep_hidden() -> None:
    permit = catalogue.builtin().find("residence_permit@1")
    assert permit is not None
    assert permit.attribute("name").type is AttributeType.TEXT
    assert permit.attribute("number").type is AttributeType.HASH


def test_the_composite_items_are_about_one_person_and_keep_their_secrets() -> None:
    """What policies compare or add up over several departments has one type and one unit in all of them."""
    composite = [each for each in catalogue.builtin().schemas() if each.form is CredentialForm.COMPOSITE]
    assert {each.name.department for each in composite} == {
        "public-security", "hrss", "tax", "natural-resources", "housing-fund",
    }  # fmt: skip
    attributes = [each for schema in composite for each in schema.attributes]
    assert all(schema.attribute("id_commit").type is AttributeType.HASH for schema in composite)
    assert {(each.unit, each.scale) for each in attributes if each.id == "months"} == {("months", 0)}
    assert {each.scale for each in attributes if each.unit == "CNY"} == {2}
    secrets = {each.id for each in attributes if each.type is AttributeType.SECRET}
    assert secrets == {"child_secret", "home_secret"}


def test_a_secret_in_a_plain_item_is_refused() -> None:
    file = GOOD.replace("type: code, codes: kinds", "type: secret")
    with pytest.raises(CatalogueError):
        parse_department(file.encode())
    composite = file.replace("    version: 1\n", "    version: 1\n    form: composite\n")
    (schema,) = parse_department(composite.encode()).schemas
    assert schema.form is CredentialForm.COMPOSITE


def test_find_takes_the_newest_version_or_the_one_that_is_said() -> None:
    newer = GOOD.replace(
        "code_lists:", GOOD[GOOD.index("  - id: pass") : GOOD.index("code_lists:")] + "code_lists:"
    )
    newer = newer.replace("version: 1", "version: 2", 1)
    parks = parse_department(newer.encode())
    loaded = catalogue.Catalogue({"parks": parks})
    newest, first = loaded.find("pass"), loaded.find("pass@1")
    assert newest is not None
    assert first is not None
    assert (newest.name.version, first.name.version) == (2, 1)
    assert loaded.find("pass@3") is None
    assert loaded.find("nothing") is None


def test_a_good_file_is_read() -> None:
    parks = parse_department(GOOD.encode())
    assert [str(each.name) for each in parks.schemas] == ["departments/parks/schemas/pass@1"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("id: parks", "id: Parks"),
        ("id: parks", "id: parks\nmore: 1"),
        ("id: parks", "id: parks\nid: parks"),
        ("id: parks", "id: &a parks"),
        ("zh: 公园, en: Parks", "zh: 公园"),
        ("zh: 公园", "zh: 5"),
        ("version: 1", "version: '1'"),
        ("version: 1", "version: true"),
        ("version: 1", "version: 1.0"),
        ("validity_days: 30", "validity_days: 0"),
        ("codes: kinds}", "codes: districts_of_mars}"),
        ("codes: kinds}", "}"),
        ("type: date", "type: moment"),
        ("version: 1", "version: 1\n    form: simple"),
        ("from: 2000-01-01, ", ""),
        ("from: 2000-01-01", "from: 2199-01-01"),
        ("from: 2000-01-01", "minimum: 5, from: 2000-01-01"),
        ("  kinds: ", "  districts: "),
        ('"1": {', "1: {"),
        ("name: {zh: 年票", 'name: {zh: "\\e[31m年票"'),
    ],
)
def test_a_faulty_file_is_refused_with_a_place(old: str, new: str) -> None:
    assert old in GOOD
    with pytest.raises(CatalogueError, match=r"\S"):
        parse_department(GOOD.replace(old, new).encode())


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\xff\xfe",
        b"[1, 2",
        b"- a",
        b"a: *b",
        b"? [x]\n: y",
        b"[" * 5000,
        b"x: " + b"y" * (1 << 20),
        b"!!python/x {}",
    ],
)
def test_what_is_no_yaml_of_ours_is_refused(octets: bytes) -> None:
    with pytest.raises(CatalogueError):
        parse_department(octets)


def test_text_only_reads_every_scalar_as_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "values.yaml"
    path.write_text("base: 8564.00\nflag: no\nday: 2020-01-01\nnothing:\ncode: 0370102\n")
    assert strict_yaml.load(path, text_only=True) == {
        "base": "8564.00",
        "flag": "no",
        "day": "2020-01-01",
        "nothing": "",
        "code": "0370102",
    }
    assert yaml.safe_load(path.read_text())["flag"] is False
