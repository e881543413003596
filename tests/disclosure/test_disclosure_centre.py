"""Data items and code lists check themselves; codes come back from their bytes as they were."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from disclosure import Code, DepartmentName, LocalizedText, MalformedError
from disclosure.centre import CodeList, DataItem, Refresh, Sensitivity, Subject
from disclosure.names import CodeListName, ItemName, PurposeName

TEXT = LocalizedText("测试", "test")
ITEM = DataItem(
    ItemName("hrss", "social_insurance"), TEXT, Sensitivity.PERSONAL, 180, Refresh.PERIODIC, 30,
    Subject.PERSON, True, TEXT, (PurposeName("a"), PurposeName("b")),
)  # fmt: skip
LIST = CodeList(CodeListName("sexes"), DepartmentName("hrss"), "GB/T 2261.1", TEXT, (Code("1", TEXT),))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"validity_days": 0}, "validity_days"),
        ({"validity_days": True}, "validity_days"),
        ({"validity_days": 36_526}, "validity_days"),
        ({"refresh_days": 0}, "refresh_days"),
        ({"refresh_days": -1}, "refresh_days"),
        ({"refresh_days": 1.0}, "refresh_days"),
        ({"refresh": Refresh.ONCE}, "refresh_days"),
        ({"refresh": Refresh.ON_CHANGE}, "refresh_days"),
        ({"sensitivity": Sensitivity.PUBLIC}, "sensitivity"),
        ({"purposes": (PurposeName("b"), PurposeName("a"))}, "purposes"),
        ({"purposes": (PurposeName("a"), PurposeName("a"))}, "purposes"),
        ({"purposes": tuple(PurposeName(f"a{each:03}") for each in range(65))}, "purposes"),
    ],
)
def test_an_item_that_is_none(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(MalformedError) as caught:
        replace(ITEM, **changes)
    assert (caught.value.reason, caught.value.field) == ("ITEM_INVALID", field)


def test_what_is_about_companies_may_be_public() -> None:
    assert replace(ITEM, sensitivity=Sensitivity.PUBLIC, subject=Subject.COMPANY).items() != ITEM.items()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"code_system": ""}, "code_system"),
        ({"code_system": "x" * 65}, "code_system"),
        ({"code_system": "a\nb"}, "code_system"),
        ({"codes": ()}, "codes"),
        ({"codes": (Code("1", TEXT), Code("1", LocalizedText("又", "again")))}, "codes"),
        ({"codes": tuple(Code(str(each), TEXT) for each in range(1001))}, "codes"),
    ],
)
def test_a_list_that_is_none(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(MalformedError) as caught:
        replace(LIST, **changes)
    assert (caught.value.reason, caught.value.field) == ("ITEM_INVALID", field)


@given(st.lists(st.text("abc证件", min_size=1, max_size=9), min_size=1, max_size=40, unique=True))
def test_codes_come_back_from_their_bytes(codes: list[str]) -> None:
    made = replace(LIST, codes=tuple(Code(each, LocalizedText(each, f"of {each}")) for each in codes))
    assert CodeList.codes_of_bytes(made.codes_to_bytes()) == made.codes


@pytest.mark.parametrize("octets", [b"", b"\x80", LIST.codes_to_bytes()[:-1], LIST.codes_to_bytes() + b"\0"])
def test_octets_that_are_no_codes(octets: bytes) -> None:
    with pytest.raises(MalformedError) as caught:
        CodeList.codes_of_bytes(octets)
    assert caught.value.reason == "MALFORMED"


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (ItemName, "departments/hrss/items/social_insurance"),
        (PurposeName, "purposes/school-enrolment"),
        (CodeListName, "codeLists/gb-t-2260"),
    ],
)
def test_names_are_parsed_strictly(kind: Any, name: str) -> None:
    assert str(kind.parse(name)) == name
    for bad in ("", name + "/x", name.upper(), f" {name}", name + "@1", name.rpartition("/")[0] + "/"):
        with pytest.raises(MalformedError) as caught:
            kind.parse(bad, field="name")
        assert (caught.value.reason, caught.value.field) == ("NAME_INVALID", "name")
