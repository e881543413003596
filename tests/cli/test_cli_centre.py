"""`zk catalogue` and the keys of `zk issuer`, at a server of their own that holds the whole catalogue."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from disclosure import LocalizedText
from tests.cli.running import Home, refused
from zk import catalogue
from zk.catalogue import Catalogue
from zk.clients.centre import Centre
from zk.clients.loading import code_lists, items
from zk.exits import Exit
from zk.local_server import running_server

KNOWN = catalogue.builtin()
ITEMS = KNOWN.counts().items
SCHEMAS = KNOWN.counts().versions
NOTHING = dict.fromkeys(("purpose", "department", "code_list", "item", "schema"), 0)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("centre")
    with running_server(folder / "data", folder / "server.log") as started:
        yield Home(folder / "home", started).trusting()


@pytest.fixture(scope="module")
def loaded(home: Home) -> Home:
    """The home after everything was loaded, with two breaks."""
    first = home.json("catalogue", "load", "--department", "hrss", env=home.admin)
    assert first["registered"]["schema"] == len(KNOWN.departments["hrss"].schemas)
    for method, calls in (("create_item", 20), ("create_schema", 30)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Centre, method, breaking(getattr(Centre, method), calls))
            done = home.zk("catalogue", "load", "--json", env=home.admin)
            assert done.code == Exit.INTERRUPTED, done
    rest = home.json("catalogue", "load", env=home.admin)
    assert rest["registered"]["item"] == 0 < rest["registered"]["schema"]
    return home


def breaking(method: Any, calls: int) -> Any:
    """Stop the command, as Ctrl-C does, after so many calls that were answered."""
    left, lock = iter(range(calls)), threading.Lock()

    def call(*arguments: Any) -> Any:
        with lock:
            if next(left, None) is None:
                raise KeyboardInterrupt
        return method(*arguments)

    return call


def test_loading_goes_on_after_a_break_and_then_has_nothing_left_to_do(loaded: Home) -> None:
    again = loaded.json("catalogue", "load", env=loaded.admin)
    assert again["registered"] == NOTHING
    assert (again["changed"], again["unchanged"] > ITEMS + SCHEMAS) == (0, True)
    listed = loaded.json("catalogue", "list")["items"]
    assert len(listed) == ITEMS
    assert {each["item"].rpartition("/")[2] for each in listed} == set(KNOWN.newest)
    assert all(each["newest"] == str(KNOWN.newest[each["item"].rpartition("/")[2]].name) for each in listed)


def test_a_department_loads_its_own_with_its_own_token(loaded: Home) -> None:
    assert loaded.json("catalogue", "load", "--department", "tax")["registered"] == NOTHING


def test_what_differs_is_changed_and_a_version_never(loaded: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    department = KNOWN.departments["tax"]
    info = replace(department.items["tax_grade"], source=LocalizedText("新的来源", "Another source"))
    other = replace(department, items={**department.items, "tax_grade": info})
    monkeypatch.setattr(catalogue, "builtin", lambda: Catalogue({**KNOWN.departments, "tax": other}))
    assert loaded.json("catalogue", "load", "--department", "tax")["changed"] == 1
    assert loaded.json("catalogue", "show", "tax_grade")["source"]["en"] == "Another source"
    longer = [replace(each, validity_days=each.validity_days + 1) for each in department.schemas[:1]]
    other = replace(department, schemas=(*longer, *department.schemas[1:]))
    monkeypatch.setattr(catalogue, "builtin", lambda: Catalogue({**KNOWN.departments, "tax": other}))
    done = loaded.zk("catalogue", "load", "--department", "tax", "--json")
    refused(done, Exit.REFUSED, "CATALOGUE_DIFFERS")
    assert str(longer[0].name) in done.err
    assert loaded.json("catalogue", "show", "tax_grade")["source"]["en"] != "Another source"
    monkeypatch.undo()
    loaded.json("catalogue", "load", "--department", "tax")


def test_whom_a_department_identifies_is_told_where_it_differs_and_neither_given_nor_taken(
    loaded: Home,
) -> None:
    change = ("issuer", "identifies", "public-security")
    loaded.json(*change, "person", "company", env=loaded.admin)
    done = loaded.zk("catalogue", "load", "--department", "public-security", "--json", env=loaded.admin)
    refused(done, Exit.REFUSED, "CATALOGUE_DIFFERS")
    assert "departments/public-security" in done.err
    asked = ("issuer", "identify", "--company", "91X1", "--department", "public-security")
    assert loaded.json(*asked)["link"], "the administrator has said so, and the catalogue does not undo it"
    loaded.json(*change, "person", env=loaded.admin)
    assert loaded.json("catalogue", "load", "--department", "public-security")["registered"] == NOTHING


@pytest.mark.parametrize("which", ["purposes", "code_lists"])
def test_what_stands_there_otherwise_is_told(
    loaded: Home, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    listing, words = getattr(Centre, which), LocalizedText("别的", "Something else")

    def otherwise(centre: Centre) -> Iterator[Any]:
        first, *rest = listing(centre)
        if which == "code_lists":
            made = first.code_list
            other = replace(made, codes=(replace(made.codes[0], display_name=words), *made.codes[1:]))
            yield replace(first, code_list=other)
        else:
            made = first
            yield replace(made, legal_basis=words)
        named.append(str(made.name))
        yield from rest

    named: list[str] = []
    monkeypatch.setattr(Centre, which, otherwise)
    done = refused(
        loaded.zk("catalogue", "load", "--json", env=loaded.admin), Exit.REFUSED, "CATALOGUE_DIFFERS"
    )
    assert named
    assert named[0] in done.err


def test_what_is_searched_and_shown(loaded: Home) -> None:
    found = loaded.json("catalogue", "search", "居住", "permit")["items"]
    assert [each["item"] for each in found] == ["departments/public-security/items/residence_permit"]
    assert loaded.json("catalogue", "search", "居住", "--department", "tax")["items"] == []
    shown = loaded.json("catalogue", "show", "social_insurance")
    assert [each["id"] for each in shown["attributes"]] == [
        each.id for each in KNOWN.newest["social_insurance"].attributes
    ]
    for lang, words in (("zh", "社会保险"), ("en", "Social insurance")):
        assert words in loaded.zk("catalogue", "show", "social_insurance", "--lang", lang).out
    refused(loaded.zk("catalogue", "show", "social_insurence", "--json"), Exit.USAGE, "ITEM_UNKNOWN")


def test_the_export_is_the_same_each_time_and_has_everything(loaded: Home, tmp_path: Path) -> None:
    for name in ("one", "two"):
        loaded.json("catalogue", "export", "--out", tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    records = [json.loads(line) for line in (tmp_path / "one").read_text("utf-8").splitlines()]
    kinds = [next(iter(each)) for each in records]
    assert (kinds.count("item"), kinds.count("schema")) == (ITEMS, SCHEMAS)
    assert kinds.count("code_list") == len(KNOWN.code_lists)
    assert loaded.zk("catalogue", "export").out == (tmp_path / "one").read_text("utf-8")


def test_a_department_that_there_is_not_is_named(home: Home) -> None:
    done = home.zk("catalogue", "load", "--department", "nobody", "--json", env=home.admin)
    refused(done, Exit.USAGE, "DEPARTMENT_UNKNOWN")


def test_keys_are_rotated_and_retired(loaded: Home) -> None:
    first = loaded.json("issuer", "key", "--department", "hrss")["issuer_key"]
    rotated = loaded.json("issuer", "key", "rotate", "--department", "hrss")
    assert rotated["verify_only"] == [first]
    states = {
        each["issuer_key"]: each["state"]
        for row in loaded.json("issuer", "list", "--department", "hrss")["departments"]
        for each in row["issuer_keys"]
    }
    assert states == {first: "verify-only", rotated["issuer_key"]: "active"}
    for _ in range(2):
        assert loaded.json("issuer", "key", "retire", first)["state"] == "retired"
    for arguments in (("key", "retire"), ("key", "rotate", first)):
        refused(loaded.zk("issuer", *arguments, "--json"), Exit.USAGE, "KEY_UNCLEAR")


def test_every_item_and_list_of_the_project_is_one_that_the_service_takes() -> None:
    for department in KNOWN.departments.values():
        made = items(department)
        assert {each.name.item for each in made} == {each.name.item for each in department.schemas}
    lists = code_lists(KNOWN, set(KNOWN.departments))
    assert len({each.name for each in lists}) == len(lists) == len(KNOWN.code_lists)
    shared = next(each for each in lists if each.code_system == "GB/T 2260")
    assert str(shared.owner) == "departments/big-data"
