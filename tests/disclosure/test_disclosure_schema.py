"""Schemas: one encoding for each, a digest that everything changes, and no second way to write one."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disclosure import (
    AttributeDefinition,
    AttributeType,
    Code,
    CredentialForm,
    LocalizedText,
    MalformedError,
    Schema,
    SchemaName,
    canonical,
)
from tests.disclosure.strategies import schemas
from tests.disclosure.world import PERMIT, PERMIT_2, TODAY, VALUES, definition, text

LABEL = "zk-disclosure/schema/v1"


@given(schemas(secrets=True))
def test_a_schema_is_read_as_it_is_written(schema: Schema) -> None:
    again = Schema.from_bytes(schema.canonical)
    assert again == schema
    assert (again.digest, again.header()) == (schema.digest, schema.header())


@settings(max_examples=30)
@given(schemas(), schemas())
def test_two_schemas_have_two_digests(first: Schema, second: Schema) -> None:
    assert (first.digest == second.digest) == (first == second)


@given(schemas(), st.data())
def test_a_mutated_schema_is_refused_or_another(schema: Schema, data: st.DataObject) -> None:
    octets = bytearray(schema.canonical)
    octets[data.draw(st.integers(0, len(octets) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        other = Schema.from_bytes(bytes(octets))
    except MalformedError:
        return
    assert other != schema
    assert other.canonical == bytes(octets)


def variants() -> dict[str, Schema]:
    """PERMIT with each of its fields changed, one at a time."""
    attributes = PERMIT.attributes
    name, district, since, base = attributes[:4]

    def at(index: int, changed: AttributeDefinition) -> Schema:
        return replace(PERMIT, attributes=(*attributes[:index], changed, *attributes[index + 1 :]))

    return {
        "department": replace(PERMIT, name=SchemaName("hrss", "residence_permit", 1)),
        "item": replace(PERMIT, name=SchemaName("public-security", "residence", 1)),
        "version": PERMIT_2,
        "display name": replace(PERMIT, display_name=LocalizedText("名称", "Residence permit")),
        "Chinese display name": replace(PERMIT, display_name=LocalizedText("居住证", PERMIT.display_name.en)),
        "form": replace(PERMIT, form=CredentialForm.COMPOSITE),
        "days": replace(PERMIT, validity_days=91),
        "one attribute less": replace(PERMIT, attributes=attributes[:-1]),
        "one attribute more": replace(
            PERMIT, attributes=(*attributes, definition("x", AttributeType.BOOLEAN))
        ),
        "order": replace(PERMIT, attributes=attributes[::-1]),
        "attribute": at(0, replace(name, id="names")),
        "attribute's name": at(0, replace(name, display_name=text("another"))),
        "attribute's Chinese name": at(0, replace(name, display_name=LocalizedText("别名", "name"))),
        "type": at(4, definition("employed", AttributeType.HASH)),
        "optional": at(0, replace(name, optional=True)),
        "length": at(0, replace(name, max_length=61)),
        "code system": at(1, replace(district, code_system="GB/T 2261")),
        "a code less": at(1, replace(district, codes=district.codes[:1])),
        "codes in order": at(1, replace(district, codes=district.codes[::-1])),
        "a code": at(1, replace(district, codes=(Code("370109", text("Lixia")), district.codes[1]))),
        "a code's name": at(1, replace(district, codes=(Code("370102", text("x")), district.codes[1]))),
        "least day": at(2, replace(since, minimum=1)),
        "last day": at(2, replace(since, maximum=47_482)),
        "minimum": at(3, replace(base, minimum=-1)),
        "maximum": at(3, replace(base, maximum=10_000_001)),
        "unit": at(3, replace(base, unit="USD")),
        "scale": at(3, replace(base, scale=3)),
    }


def test_every_field_changes_digest_and_header() -> None:
    all_of_them = [PERMIT, *variants().values()]
    assert len({each.digest for each in all_of_them}) == len(all_of_them)
    assert len({each.header() for each in all_of_them}) == len(all_of_them)


def raw() -> list[Any]:
    return canonical.decode(LABEL, PERMIT.canonical)


def with_attribute(index: int, place: int, item: Any) -> list[Any]:
    items = raw()
    items[4][index][place] = item
    return items


@pytest.mark.parametrize(
    "items",
    [
        pytest.param([*raw(), None], id="an item too many"),
        pytest.param(raw()[:-1], id="an item too few"),
        pytest.param([True, *raw()[1:]], id="a name that is true"),
        pytest.param([*raw()[:2], "other", *raw()[3:]], id="an unknown form"),
        pytest.param([*raw()[:3], True, raw()[4]], id="days that are true"),
        pytest.param([*raw()[:3], 0, raw()[4]], id="no days"),
        pytest.param([*raw()[:3], 36_526, raw()[4]], id="too many days"),
        pytest.param([*raw()[:4], []], id="no attributes"),
        pytest.param([*raw()[:4], raw()[4] * 2], id="attributes twice"),
        pytest.param([*raw()[:4], [None]], id="an attribute that is nothing"),
        pytest.param([raw()[0], ["名称"], *raw()[2:]], id="a text in one language"),
        pytest.param([raw()[0], ["名称", "a", "b"], *raw()[2:]], id="a text in three languages"),
        pytest.param(["departments/hrss", *raw()[1:]], id="another kind of name"),
        pytest.param(with_attribute(0, 2, "texts"), id="an unknown type"),
        pytest.param(with_attribute(0, 3, 0), id="optional that is 0"),
        pytest.param(with_attribute(0, 5, False), id="a scale that is false"),
        pytest.param(with_attribute(3, 5, True), id="a scale that is true"),
        pytest.param(with_attribute(3, 6, False), id="a minimum that is false"),
        pytest.param(with_attribute(3, 7, True), id="a maximum that is true"),
        pytest.param(with_attribute(3, 6, None), id="a minimum that is missing"),
        pytest.param(with_attribute(0, 8, True), id="a length that is true"),
        pytest.param(with_attribute(1, 10, ["370102"]), id="a code without a name"),
        pytest.param(with_attribute(1, 10, [["370102", ["a", "b"], 0]]), id="a code with more"),
        pytest.param(with_attribute(1, 10, None), id="codes that are nothing"),
    ],
)
def test_octets_that_are_no_schema(items: list[Any]) -> None:
    with pytest.raises(MalformedError):
        Schema.from_bytes(canonical.encode(LABEL, *items))


def test_no_schema_under_another_label_or_with_octets_after_it() -> None:
    for octets in (canonical.encode("zk-disclosure/schema/v2", *raw()), PERMIT.canonical + b"\x00", b""):
        with pytest.raises(MalformedError):
            Schema.from_bytes(octets)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"attributes": ()}, "attributes"),
        ({"attributes": tuple(definition(f"a{n}", AttributeType.BOOLEAN) for n in range(101))}, "attributes"),
        ({"attributes": PERMIT.attributes[:1] * 2}, "attributes"),
        ({"validity_days": 0}, "validity_days"),
        ({"validity_days": 36_526}, "validity_days"),
        ({"validity_days": True}, "validity_days"),
        ({"validity_days": 1.0}, "validity_days"),
    ],
)
def test_a_schema_that_is_none(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(MalformedError) as caught:
        replace(PERMIT, **changes)
    assert (caught.value.reason, caught.value.field) == ("SCHEMA_INVALID", field)


def test_a_schema_too_large_to_be_read_is_not_made() -> None:
    codes = tuple(Code(str(n), text("x" * 200)) for n in range(400))
    large = definition("c", AttributeType.CODE, code_system="s", codes=codes)
    with pytest.raises(MalformedError, match="too large"):
        replace(PERMIT, attributes=(large,))


def test_a_hundred_attributes_are_allowed() -> None:
    schema = replace(PERMIT, attributes=tuple(definition(f"a{n}", AttributeType.BOOLEAN) for n in range(100)))
    assert Schema.from_bytes(schema.canonical) == schema


# ---- messages


def test_messages_stand_where_the_schema_says() -> None:
    messages = PERMIT.messages(TODAY, VALUES)
    assert len(messages) == 1 + len(PERMIT.attributes)
    for each in PERMIT.attributes:
        assert messages[PERMIT.message_index(each.id)] == each.message(VALUES.get(each.id))
    assert len(set(messages)) == len(messages)


def test_what_does_not_fit_a_schema() -> None:
    for values, reason, field in (
        ({**VALUES, "more": 1}, "ATTRIBUTE_UNKNOWN", "more"),
        ({name: value for name, value in VALUES.items() if name != "base"}, "ATTRIBUTE_MISSING", "base"),
        ({**VALUES, "base": True}, "VALUE_INVALID", "base"),
        ({**VALUES, "district": "370199"}, "VALUE_INVALID", "district"),
    ):
        with pytest.raises(MalformedError) as caught:
            PERMIT.messages(TODAY, values)
        assert (caught.value.reason, caught.value.field) == (reason, field)


def test_looking_up_what_is_not_there() -> None:
    assert "name" in PERMIT
    assert "nobody" not in PERMIT
    for look in (PERMIT.attribute, PERMIT.message_index, lambda each: PERMIT.in_order([each])):
        with pytest.raises(MalformedError) as caught:
            look("nobody")
        assert caught.value.reason == "ATTRIBUTE_UNKNOWN"


def test_attributes_in_the_order_of_the_schema() -> None:
    assert PERMIT.in_order(["remark", "name", "base"]) == ("name", "base", "remark")
