"""Values: each type at both ends and one beyond, and the octets that are signed for them."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from disclosure import AttributeDefinition, AttributeType, Code, LocalizedText, MalformedError, Value
from disclosure.attributes import date_of, days, expiry_message, from_item, to_item
from tests.disclosure.strategies import clean
from tests.disclosure.world import definition, text

TEXT = definition("t", AttributeType.TEXT, max_length=6)
INTEGER = definition("n", AttributeType.INTEGER, unit="CNY", scale=2, minimum=-5, maximum=7)
WIDE = definition("n", AttributeType.INTEGER, minimum=-(1 << 63), maximum=(1 << 63) - 1)
DATE = definition("d", AttributeType.DATE, minimum=-719_162, maximum=2_932_896)
NARROW = definition(
    "d", AttributeType.DATE, minimum=days(dt.date(2000, 1, 1)), maximum=days(dt.date(2000, 1, 3))
)
BOOLEAN = definition("b", AttributeType.BOOLEAN)
CODE = definition(
    "c", AttributeType.CODE, code_system="s/1", codes=(Code("01", text("a")), Code("02", text("b")))
)
HASH = definition("h", AttributeType.HASH)
OPTIONAL = definition("o", AttributeType.TEXT, max_length=6, optional=True)
ALL = (TEXT, INTEGER, WIDE, DATE, NARROW, BOOLEAN, CODE, HASH, OPTIONAL)


def refused(attribute: AttributeDefinition, value: Any, reason: str = "VALUE_INVALID") -> None:
    for use in (attribute.message, lambda each: attribute.check(each, field="x")):
        with pytest.raises(MalformedError) as caught:
            use(value)
        assert caught.value.reason == reason
    assert caught.value.field == "x"


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        (TEXT, "a"), (TEXT, "abcdef"), (TEXT, "王明"), (TEXT, "é"), (TEXT, " a b"), (TEXT, "😀"),
        (INTEGER, -5), (INTEGER, 0), (INTEGER, 7),
        (WIDE, -(1 << 63)), (WIDE, (1 << 63) - 1),
        (DATE, dt.date.min), (DATE, dt.date.max), (DATE, dt.date(1969, 12, 31)),
        (NARROW, dt.date(2000, 1, 1)), (NARROW, dt.date(2000, 1, 3)),
        (BOOLEAN, True), (BOOLEAN, False),
        (CODE, "01"), (CODE, "02"),
        (HASH, bytes(32)),
        (OPTIONAL, None), (OPTIONAL, "a"),
    ],
)  # fmt: skip
def test_a_value_within_its_bounds(attribute: AttributeDefinition, value: Value | None) -> None:
    attribute.check(value)
    if value is not None:
        assert from_item(attribute, to_item(value)) == value


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        (TEXT, ""), (TEXT, "abcdefg"), (TEXT, "王小明"), (TEXT, 1), (TEXT, b"a"), (TEXT, True), (TEXT, ["a"]),
        (TEXT, "e\u0301"), (TEXT, "\u212b"), (TEXT, "a\n"), (TEXT, "\x00"), (TEXT, "\x7f"), (TEXT, "\x85"),
        (TEXT, "a\u202eb"), (TEXT, "\u2066"), (TEXT, "\u200b"), (TEXT, "\u200f"), (TEXT, "\ufeff"),
        (TEXT, "\u2028"), (TEXT, "\u2029"), (TEXT, "\ud800"), (TEXT, "\ue000"), (TEXT, "\uffff"),
        (TEXT, "\ufffe"),
        (INTEGER, -6), (INTEGER, 8), (INTEGER, True), (INTEGER, 0.0), (INTEGER, "0"), (INTEGER, b"\x00"),
        (WIDE, -(1 << 63) - 1), (WIDE, 1 << 63),
        (NARROW, dt.date(1999, 12, 31)), (NARROW, dt.date(2000, 1, 4)), (NARROW, 10_957),
        (NARROW, "2000-01-01"),
        (NARROW, dt.datetime(2000, 1, 1)), (NARROW, dt.datetime(2000, 1, 1, tzinfo=dt.UTC)), (DATE, True),
        (BOOLEAN, 0), (BOOLEAN, 1), (BOOLEAN, "true"), (BOOLEAN, b"\x01"),
        (CODE, "03"), (CODE, ""), (CODE, "1"), (CODE, 1), (CODE, "01 "), (CODE, True),
        (HASH, bytes(31)), (HASH, bytes(33)), (HASH, "0" * 32), (HASH, bytearray(32)), (HASH, 0),
        (OPTIONAL, ""),
    ],
)  # fmt: skip
def test_a_value_beyond_its_bounds(attribute: AttributeDefinition, value: Any) -> None:
    refused(attribute, value)


@pytest.mark.parametrize("attribute", [each for each in ALL if not each.optional])
def test_absence_is_for_optional_attributes(attribute: AttributeDefinition) -> None:
    refused(attribute, None, "ATTRIBUTE_MISSING")


def test_no_refusal_repeats_the_value() -> None:
    for attribute, value in ((TEXT, "geheim-x"), (CODE, "geheim"), (INTEGER, 424_242), (HASH, b"geheim")):
        with pytest.raises(MalformedError) as caught:
            attribute.check(value)
        assert "geheim" not in str(caught.value)
        assert "424242" not in str(caught.value)


@pytest.mark.parametrize(
    ("attribute", "item"),
    [
        (TEXT, None), (TEXT, 1), (INTEGER, True), (INTEGER, "1"), (DATE, True), (DATE, "2000-01-01"),
        (DATE, 2_932_897), (DATE, -719_163), (DATE, 1 << 62), (BOOLEAN, 1), (HASH, "0" * 32), (CODE, b"01"),
        (TEXT, ["a"]), (OPTIONAL, None),
    ],
)  # fmt: skip
def test_an_item_of_another_type_is_no_value(attribute: AttributeDefinition, item: Any) -> None:
    with pytest.raises(MalformedError) as caught:
        from_item(attribute, item)
    assert caught.value.reason == "VALUE_INVALID"


# ---- the octets that are signed


def kinds() -> list[AttributeDefinition]:
    """Definitions that differ in what a value means, all open to as many values as possible."""
    codes = tuple(Code(each, text("x")) for each in ("01", "02", "1", "true"))
    numbers = {"minimum": -(1 << 63), "maximum": (1 << 63) - 1, "optional": True}
    return [
        definition("x", AttributeType.TEXT, max_length=4096, optional=True),
        definition("x", AttributeType.INTEGER, **numbers),
        definition("x", AttributeType.INTEGER, unit="CNY", **numbers),
        definition("x", AttributeType.INTEGER, unit="CNY", scale=2, **numbers),
        definition("x", AttributeType.INTEGER, unit="CNYe-2", **numbers),
        definition("x", AttributeType.INTEGER, unit="CNYe-2e", scale=2, **numbers),
        definition("x", AttributeType.INTEGER, unit="months", scale=2, **numbers),
        definition("x", AttributeType.DATE, minimum=-719_162, maximum=2_932_896, optional=True),
        definition("x", AttributeType.BOOLEAN, optional=True),
        definition("x", AttributeType.CODE, code_system="s/1", codes=codes, optional=True),
        definition("x", AttributeType.CODE, code_system="s/2", codes=codes, optional=True),
        definition("x", AttributeType.CODE, code_system="e-0", codes=codes, optional=True),
        definition("x", AttributeType.HASH, optional=True),
    ]


KINDS = kinds()
VALUES: dict[AttributeType, st.SearchStrategy[Value]] = {
    AttributeType.TEXT: clean(8) | st.sampled_from(["01", "1", "true"]),
    AttributeType.INTEGER: st.integers(-(1 << 63), (1 << 63) - 1) | st.integers(-3, 3),
    AttributeType.DATE: st.dates() | st.sampled_from([date_of(each) for each in (-1, 0, 1, 2)]),
    AttributeType.BOOLEAN: st.booleans(),
    AttributeType.CODE: st.sampled_from(["01", "02", "1", "true"]),
    AttributeType.HASH: st.binary(min_size=32, max_size=32),
}


@st.composite
def meanings(draw: st.DrawFn) -> tuple[int, Value | None]:
    number = draw(st.integers(0, len(KINDS) - 1))
    value: Value | None = draw(VALUES[KINDS[number].type] | st.none())
    return number, value


@given(meanings(), meanings())
def test_two_meanings_never_have_the_same_octets(
    first: tuple[int, Value | None], second: tuple[int, Value | None]
) -> None:
    octets = [KINDS[number].message(value) for number, value in (first, second)]
    assert (octets[0] == octets[1]) == (first == second)


def test_small_meanings_are_all_apart() -> None:
    small: dict[AttributeType, list[Value | None]] = {
        AttributeType.TEXT: [None, "01", "1", "0", "true", "e-0"],
        AttributeType.INTEGER: [None, -1, 0, 1, 2],
        AttributeType.DATE: [None, *map(date_of, (-1, 0, 1, 2))],
        AttributeType.BOOLEAN: [None, False, True],
        AttributeType.CODE: [None, "01", "02", "1", "true"],
        AttributeType.HASH: [None, bytes(32), b"1" * 32],
    }
    octets = [kind.message(value) for kind in KINDS for value in small[kind.type]]
    octets += [expiry_message(date_of(day)) for day in (-1, 0, 1, 2)]
    assert len(set(octets)) == len(octets)


def test_bounds_do_not_change_the_octets_and_so_not_the_meaning() -> None:
    narrow = definition("x", AttributeType.INTEGER, minimum=0, maximum=1)
    wide = definition("x", AttributeType.INTEGER, minimum=-9, maximum=9)
    assert narrow.message(1) == wide.message(1)


# ---- definitions


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("text", {}), ("text", {"max_length": 0}), ("text", {"max_length": 4097}),
        ("text", {"max_length": -1}),
        ("text", {"max_length": True}), ("text", {"max_length": 1.0}),
        ("text", {"max_length": 1, "minimum": 0}), ("text", {"max_length": 1, "maximum": 0}),
        ("text", {"max_length": 1, "unit": "m"}), ("text", {"max_length": 1, "scale": 1}),
        ("text", {"max_length": 1, "code_system": "s"}),
        ("text", {"max_length": 1, "codes": (Code("1", text("x")),)}),
        ("text", {"max_length": 1, "optional": 1}), ("text", {"max_length": 1, "optional": None}),
        ("integer", {}), ("integer", {"minimum": 0}), ("integer", {"maximum": 0}),
        ("integer", {"minimum": 1, "maximum": 0}), ("integer", {"minimum": False, "maximum": True}),
        ("integer", {"minimum": 0.0, "maximum": 1}), ("integer", {"minimum": 0, "maximum": 1 << 63}),
        ("integer", {"minimum": -(1 << 63) - 1, "maximum": 0}),
        ("integer", {"minimum": 0, "maximum": 1, "scale": 19}),
        ("integer", {"minimum": 0, "maximum": 1, "scale": -1}),
        ("integer", {"minimum": 0, "maximum": 1, "scale": True}),
        ("integer", {"minimum": 0, "maximum": 1, "unit": "x" * 33}),
        ("integer", {"minimum": 0, "maximum": 1, "unit": "\u202e"}),
        ("integer", {"minimum": 0, "maximum": 1, "max_length": 1}),
        ("date", {}), ("date", {"minimum": 0, "maximum": 2_932_897}),
        ("date", {"minimum": -719_163, "maximum": 0}),
        ("date", {"minimum": -(1 << 62), "maximum": 1 << 62}),
        ("date", {"minimum": 0, "maximum": 1, "unit": "days"}),
        ("boolean", {"minimum": 0, "maximum": 1}), ("boolean", {"max_length": 1}),
        ("code", {}), ("code", {"code_system": "s"}), ("code", {"codes": (Code("1", text("x")),)}),
        ("code", {"code_system": "s" * 65, "codes": (Code("1", text("x")),)}),
        ("code", {"code_system": "s", "codes": (Code("1", text("x")), Code("1", text("y")))}),
        ("code", {"code_system": "s", "codes": tuple(Code(str(n), text("x")) for n in range(1001))}),
        ("hash", {"max_length": 32}),
    ],
)  # fmt: skip
def test_a_definition_that_is_none(kind: str, more: dict[str, Any]) -> None:
    with pytest.raises(MalformedError) as caught:
        definition("x", AttributeType(kind), **more)
    assert caught.value.reason == "SCHEMA_INVALID"
    assert caught.value.field


@pytest.mark.parametrize("bad", ["", " ", "\n", "a\nb", "\u2028", "e\u0301", "x" * 1001, "\ud800", "a\u202e"])
def test_a_text_for_screens_is_one_clean_line(bad: str) -> None:
    for zh, en, field in ((bad, "x", "zh"), ("x", bad, "en")):
        with pytest.raises(MalformedError) as caught:
            LocalizedText(zh, en)
        assert (caught.value.reason, caught.value.field) == ("VALUE_INVALID", field)


@pytest.mark.parametrize("bad", ["", "x" * 65, "a\n", "e\u0301", "\u200b"])
def test_a_code_is_clean(bad: str) -> None:
    with pytest.raises(MalformedError) as caught:
        Code(bad, text("x"))
    assert caught.value.reason == "SCHEMA_INVALID"


@given(st.integers(-719_162, 2_932_896))
def test_days_and_dates_are_the_same(day: int) -> None:
    assert days(date_of(day)) == day


@pytest.mark.parametrize("day", [-719_163, 2_932_897, 1 << 40, -(1 << 80)])
def test_a_day_outside_all_years(day: int) -> None:
    with pytest.raises(MalformedError) as caught:
        date_of(day)
    assert caught.value.reason == "VALUE_INVALID"


@pytest.mark.parametrize("text", ["\U00031350", "\U0002ebf0", "\u0378"])
def test_a_character_of_a_later_unicode_is_not_judged(text: str) -> None:
    """Rare names use characters that older interpreters do not know yet; a text is signed for all of them."""
    TEXT.check(text, field="x")


@pytest.mark.parametrize("text", ["\ufdd0", "\uffff", "\U0010ffff", "\ue000", "\u202e"])
def test_what_is_never_a_character_is_refused(text: str) -> None:
    refused(TEXT, text)
