"""The catalogue: files are read strictly, departments fit together, versions are found."""

import importlib.util
from pathlib import Path

import pytest
import yaml

from disclosure import Code, CredentialForm, LocalizedText
from verifier import strict_yaml
from zk import catalogue
from zk.catalogue import CatalogueError, ItemInfo, Refresh, Sensitivity, Subject, parse_department

NO_YAML = [
    b"\xff\xfe",
    b"[1, 2",
    b"a: *b",
    b"a: &b c",
    b"a: 1\na: 2",
    b"? [x]\n: y",
    b"a: \x07",
    b"a: b\n--- \nc: d",
    b"[" * 5000,
    b"x: " + b"y" * (1 << 20),
    b"!!python/x {}",
]

GOOD = """
id: parks
name: {zh: 公园, en: Parks}
items:
  - id: pass
    version: 1
    name: {zh: 年票, en: Pass}
    validity_days: 30
    info:
      subject: person
      sensitivity: internal
      refresh: periodic
      refresh_days: 30
      applicable: true
      source: {zh: 公园条例, en: Park rules}
      purposes: [elderly_care]
    attributes:
      - {id: kind, name: {zh: 种类, en: Kind}, type: code, codes: kinds}
      - {id: since, name: {zh: 起, en: Since}, type: date, from: 2000-01-01, to: 2099-12-31}
code_lists:
  kinds: {system: parks/1, codes: {"1": {zh: 甲, en: A}}}
"""


def test_a_secret_in_a_plain_item_is_refused() -> None:
    file = GOOD.replace("type: code, codes: kinds", "type: secret")
    with pytest.raises(CatalogueError):
        parse_department(file.encode())
    composite = file.replace("    version: 1\n", "    version: 1\n    form: composite\n")
    (schema,) = parse_department(composite.encode()).schemas
    assert schema.form is CredentialForm.COMPOSITE


def without_info(file: str) -> str:
    return file[: file.index("    info:")] + file[file.index("    attributes:") :]


def two_versions(first: str, second: str) -> bytes:
    """Put the version 2 of one file's item before version 1 of another's."""
    items, lists = second.index("  - id: pass"), second.index("code_lists:")
    newer = second.replace("version: 1", "version: 2")[items:lists]
    return first.replace("  - id: pass", f"{newer}  - id: pass").encode()


def test_find_takes_the_newest_version_or_the_one_that_is_said() -> None:
    parks = parse_department(two_versions(without_info(GOOD), GOOD))
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
    told = catalogue.Catalogue({"parks": parks}).info("pass")
    assert told == ItemInfo(
        subject=Subject.PERSON,
        sensitivity=Sensitivity.INTERNAL,
        refresh=Refresh.PERIODIC,
        refresh_days=30,
        applicable=True,
        source=LocalizedText("公园条例", "Park rules"),
        purposes=(Code("elderly_care", LocalizedText("养老服务", "Care of the elderly")),),
    )


def test_whom_a_department_identifies_is_said_in_its_file_and_by_default_nobody() -> None:
    assert parse_department(GOOD.encode()).identifies == frozenset()
    both = GOOD.replace("items:", "identifies: [company, person]\nitems:", 1)
    assert parse_department(both.encode()).identifies == {Subject.PERSON, Subject.COMPANY}
    with pytest.raises(CatalogueError, match="identifies"):
        parse_department(GOOD.replace("items:", "identifies: [child]\nitems:", 1).encode())
    said = {
        name: each.identifies for name, each in catalogue.builtin().departments.items() if each.identifies
    }
    assert said == {"market-regulation": {Subject.COMPANY}, "public-security": {Subject.PERSON}}


def test_what_is_told_of_an_item_is_in_no_schema() -> None:
    silent = parse_department(without_info(GOOD).encode())
    assert silent.schemas == parse_department(GOOD.encode()).schemas
    loaded = catalogue.Catalogue({"parks": silent})
    assert loaded.info("pass") is None
    assert loaded.info("nothing") is None


def test_one_version_tells_about_an_item() -> None:
    with pytest.raises(CatalogueError, match="two versions"):
        parse_department(two_versions(GOOD, GOOD))


def test_departments_that_do_not_fit_together_are_refused() -> None:
    parks = parse_department(GOOD.encode())
    woods = parse_department(GOOD.replace("id: parks", "id: woods").encode())
    with pytest.raises(CatalogueError, match="two departments"):
        catalogue.Catalogue({"parks": parks, "woods": woods})
    other = GOOD.replace("id: parks", "id: woods").replace("id: pass", "id: permit")
    fitting = catalogue.Catalogue({"parks": parks, "woods": parse_department(other.encode())})
    assert [each.code for each in fitting.code_lists["parks/1"]] == ["1"]
    assert fitting.counts() == catalogue.Counts(departments=2, items=2, versions=2)
    changed = parse_department(other.replace("{zh: 甲, en: A}", "{zh: 乙, en: B}").encode())
    with pytest.raises(CatalogueError, match="has other codes elsewhere"):
        catalogue.Catalogue({"parks": parks, "woods": changed})


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
        ("subject: person", "subject: dog"),
        ("subject: person", "subject: person\n      more: 1"),
        ("      subject: person\n", ""),
        ("sensitivity: internal", "sensitivity: secret"),
        ("sensitivity: internal", "sensitivity: public"),
        ("refresh: periodic", "refresh: sometimes"),
        ("refresh: periodic", "refresh: once"),
        ("      refresh_days: 30\n", ""),
        ("refresh_days: 30", "refresh_days: 0"),
        ("refresh_days: 30", "refresh_days: '30'"),
        ("applicable: true", "applicable: 1"),
        ("      source: {zh: 公园条例, en: Park rules}\n", ""),
        ("zh: 公园条例", "zh: ' '"),
        ("[elderly_care]", "[fun]"),
        ("[elderly_care]", "[elderly_care, elderly_care]"),
        ("[elderly_care]", "elderly_care"),
        ('"1": {', "1: {"),
        ("name: {zh: 年票", 'name: {zh: "\\e[31m年票"'),
    ],
)
def test_a_faulty_file_is_refused_with_a_place(old: str, new: str) -> None:
    assert old in GOOD
    with pytest.raises(CatalogueError, match=r"\S"):
        parse_department(GOOD.replace(old, new).encode())


@pytest.mark.parametrize("octets", [b"", b"- a", *NO_YAML])
def test_what_is_no_yaml_of_ours_is_refused(octets: bytes) -> None:
    with pytest.raises(CatalogueError):
        parse_department(octets)


def test_with_and_without_libyaml_the_same_is_read_and_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert yaml.__with_libyaml__, "the project's machines have it"
    spec = importlib.util.spec_from_file_location("portable_yaml", strict_yaml.__file__)
    assert spec is not None
    assert spec.loader is not None
    portable = importlib.util.module_from_spec(spec)
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    spec.loader.exec_module(portable)
    for path in Path(catalogue.__file__).parent.glob("*.yaml"):
        assert portable.load(path) == strict_yaml.load(path)
        assert portable.load(path, text_only=True) == strict_yaml.load(path, text_only=True)
    for octets in NO_YAML:
        for module in (portable, strict_yaml):
            with pytest.raises(module.YamlError):
                module.parse(octets)


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
