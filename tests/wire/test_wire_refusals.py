"""What is no value of a type is refused, and the fault is named by its path in the message."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf import timestamp_pb2
from google.protobuf.message import DecodeError, Message
from google.type import date_pb2
from hypothesis import given
from hypothesis import strategies as st

from disclosure import (
    DisclosureError,
    MalformedError,
    SignedRequest,
)
from tests.disclosure.world import (
    DIRECTORY,
    INSURANCE,
    NOW,
    PERMIT,
    PERMIT_2,
    PERMIT_CREDENTIAL,
    POLICE,
    REQUEST,
    presentation,
)
from tests.wire.sending import over_the_wire
from verifier import verify_presentation
from wire import convert
from zkproto.v1 import attribute_pb2, catalog_pb2, issuance_pb2, presentation_pb2

ANSWER = presentation()


def refused(convert_it: Callable[[], object], reason: str, field: str) -> None:
    with pytest.raises(MalformedError) as caught:
        convert_it()
    assert (caught.value.reason, caught.value.field) == (reason, field)


# ---- dates and moments that do not exist


@pytest.mark.parametrize(
    ("year", "month", "day"),
    [
        (2026, 13, 1), (2026, 0, 1), (2026, 1, 0), (2026, 2, 29), (2026, 1, 32), (0, 1, 1), (-1, 1, 1),
        (10_000, 1, 1), (0, 0, 0), (2026, 0, 0), (2026, -1, 1), (2026, 1, -1),
        ((1 << 31) - 1, 1, 1), (-(1 << 31), 1, 1), (2026, (1 << 31) - 1, 1),
    ],
)  # fmt: skip
def test_dates_that_do_not_exist(year: int, month: int, day: int) -> None:
    date = date_pb2.Date(year=year, month=month, day=day)
    refused(lambda: convert.date_of(date, field="expiry"), "VALUE_INVALID", "expiry")
    value = attribute_pb2.AttributeValue(date=date)
    named = attribute_pb2.NamedValue(attribute="x", value=value)
    refused(lambda: convert.values_of([named]), "VALUE_INVALID", "values[0].value.date")
    message = issuance_pb2.Credential(
        schema=str(PERMIT.name), issuer_key=str(POLICE.key.name), expiry=date, signature=bytes(80)
    )
    refused(lambda: convert.credential_of(message), "VALUE_INVALID", "expiry")


@pytest.mark.parametrize(
    ("seconds", "nanos"),
    [
        (0, -1), (0, 1_000_000_000), (0, (1 << 31) - 1), (-62_135_596_801, 0), (253_402_300_800, 0),
        ((1 << 63) - 1, 0), (-(1 << 63), 0),
    ],
)  # fmt: skip
def test_moments_that_do_not_exist(seconds: int, nanos: int) -> None:
    message = timestamp_pb2.Timestamp(seconds=seconds, nanos=nanos)
    refused(lambda: convert.moment_of(message, field="verify_time"), "VALUE_INVALID", "verify_time")


@pytest.mark.parametrize("seconds", [-62_135_596_800, 253_402_300_799])
def test_the_first_and_the_last_moment(seconds: int) -> None:
    moment = convert.moment_of(timestamp_pb2.Timestamp(seconds=seconds), field="x")
    assert moment.tzinfo is dt.UTC
    assert convert.moment_to(moment).seconds == seconds


# ---- values of another type


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("district", {"integer": 370_102}), ("district", {"boolean": True}),
        ("district", {"hash": b"370102"}),
        ("district", {"code": "370199"}), ("district", {"code": ""}),
        ("continuous_since", {"integer": 18_017}), ("continuous_since", {"text": "2019-05-01"}),
        ("base", {"boolean": True}), ("base", {"text": "1"}), ("base", {"integer": -1}),
        ("base", {"date": date_pb2.Date(year=2026, month=1, day=1)}),
        ("employed", {"integer": 1}), ("employed", {"text": "true"}),
        ("photo", {"text": "0" * 32}), ("photo", {"hash": bytes(31)}),
        ("name", {"hash": b"x"}), ("name", {"text": ""}), ("name", {"text": "e\u0301"}),
        ("remark", {"integer": 0}), ("remark", {"text": ""}),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_none_of_its_attribute(name: str, value: dict[str, Any]) -> None:
    messages = [
        each if each.attribute != name else attribute_pb2.NamedValue(
            attribute=name, value=attribute_pb2.AttributeValue(**value)
        )
        for each in convert.values_to(PERMIT, {**PERMIT_CREDENTIAL.values, "remark": "x"}.items())
    ]  # fmt: skip
    refused(lambda: PERMIT.check_values(convert.present_values_of(messages)), "VALUE_INVALID", name)


def test_a_value_that_is_not_set_is_an_absent_one() -> None:
    absent = [
        attribute_pb2.NamedValue(attribute="a"),
        attribute_pb2.NamedValue(attribute="b", value=attribute_pb2.AttributeValue()),
    ]
    assert convert.values_of(absent) == {"a": None, "b": None}
    assert convert.present_values_of(absent) == {}


def test_a_value_that_is_zero_or_empty_is_not_absent() -> None:
    messages = [
        attribute_pb2.NamedValue(attribute="a", value=attribute_pb2.AttributeValue(integer=0)),
        attribute_pb2.NamedValue(attribute="b", value=attribute_pb2.AttributeValue(boolean=False)),
        attribute_pb2.NamedValue(attribute="c", value=attribute_pb2.AttributeValue(text="")),
    ]
    assert convert.values_of(map(over_the_wire, messages)) == {"a": 0, "b": False, "c": ""}


def test_a_value_that_stands_there_twice() -> None:
    twice = [attribute_pb2.NamedValue(attribute="a"), attribute_pb2.NamedValue(attribute="b")] * 2
    refused(lambda: convert.values_of(twice), "VALUE_INVALID", "values[2].attribute")


# ---- schemas


def change_schema(change: Callable[[Any], None], reason: str, field: str) -> None:
    message = convert.schema_to(PERMIT)
    message.ClearField("digest")
    change(message)
    refused(lambda: convert.schema_of(over_the_wire(message)), reason, field)


def setting(field: str, value: Any) -> Callable[[Any], None]:
    """Set a field given by its path, or clear it for None."""

    def change(message: Any) -> None:
        *path, last = field.replace("[", ".").replace("]", "").split(".")
        for step in path:
            message = message[int(step)] if step.isdigit() else getattr(message, step)
        if value is None:
            message.ClearField(last)
        else:
            setattr(message, last, value)

    return change


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("name", None, "NAME_INVALID"),
        ("name", "departments/hrss", "NAME_INVALID"),
        ("form", None, "SCHEMA_INVALID"),
        ("form", 77, "SCHEMA_INVALID"),
        ("form", -1, "SCHEMA_INVALID"),
        ("display_name.zh", "", "VALUE_INVALID"),
        ("display_name.en", "a\u202eb", "VALUE_INVALID"),
        ("attributes", None, "SCHEMA_INVALID"),
        ("validity_days", None, "SCHEMA_INVALID"),
        ("validity_days", 36_526, "SCHEMA_INVALID"),
        ("validity_days", (1 << 32) - 1, "SCHEMA_INVALID"),
        ("digest", bytes(32), "SCHEMA_INVALID"),
        ("digest", PERMIT_2.digest, "SCHEMA_INVALID"),
        ("digest", PERMIT.digest[:31], "SCHEMA_INVALID"),
        ("attributes[0].id", None, "NAME_INVALID"),
        ("attributes[0].id", "Name", "NAME_INVALID"),
        ("attributes[0].type", None, "SCHEMA_INVALID"),
        ("attributes[0].type", 8, "SCHEMA_INVALID"),
        ("attributes[0].type", -1, "SCHEMA_INVALID"),
        ("attributes[0].max_length", 4097, "SCHEMA_INVALID"),
        ("attributes[0].display_name.zh", "", "VALUE_INVALID"),
        ("attributes[1].code_system", None, "SCHEMA_INVALID"),
        ("attributes[1].codes", None, "SCHEMA_INVALID"),
        ("attributes[1].codes[1].code", "", "SCHEMA_INVALID"),
        ("attributes[1].codes[1].display_name.en", "", "VALUE_INVALID"),
        ("attributes[2].maximum", 2_932_897, "SCHEMA_INVALID"),
        ("attributes[3].minimum", None, "SCHEMA_INVALID"),
        ("attributes[3].maximum", -1, "SCHEMA_INVALID"),
        ("attributes[3].scale", 19, "SCHEMA_INVALID"),
        ("attributes[4].unit", "m", "SCHEMA_INVALID"),
    ],
)
def test_a_schema_is_refused_by_the_path_of_its_fault(field: str, value: Any, reason: str) -> None:
    change_schema(setting(field, value), reason, field)


def test_an_empty_schema() -> None:
    refused(lambda: convert.schema_of(catalog_pb2.Schema()), "SCHEMA_INVALID", "form")


def test_a_minimum_of_zero_is_one() -> None:
    message = convert.schema_to(PERMIT).attributes[3]
    assert message.HasField("minimum")
    assert message.minimum == 0


# ---- keys, requests, presentations


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("state", None, "MALFORMED"),
        ("state", 4, "MALFORMED"),
        ("state", -1, "MALFORMED"),
        ("name", None, "NAME_INVALID"),
        ("name", "departments/hrss/issuerKeys/" + "0" * 32, "NAME_INVALID"),
        ("suite", "BBS", "MALFORMED"),
        ("suite", None, "MALFORMED"),
        ("public_key", bytes(95), "MALFORMED"),
        ("public_key", None, "MALFORMED"),
    ],
)
def test_an_issuer_key_is_refused_by_its_path(field: str, value: Any, reason: str) -> None:
    message = convert.issuer_key_to(POLICE.key)
    setting(field, value)(message)
    refused(lambda: convert.issuer_key_of(over_the_wire(message)), reason, field)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("schema", None, "NAME_INVALID"),
        ("schema", str(INSURANCE.name), "MALFORMED"),
        ("issuer_key", None, "NAME_INVALID"),
        ("expiry", None, "VALUE_INVALID"),
        ("signature", None, "MALFORMED"),
        ("signature", bytes(81), "MALFORMED"),
        ("values[2].value.date.month", 13, "VALUE_INVALID"),
        ("values[1].attribute", "name", "VALUE_INVALID"),
    ],
)
def test_a_credential_is_refused_by_its_path(field: str, value: Any, reason: str) -> None:
    message = convert.credential_to(PERMIT_CREDENTIAL, PERMIT)
    setting(field, value)(message)
    expected = {
        "schema": "issuer_key" if value else "schema",
        "values[2].value.date.month": "values[2].value.date",
    }
    refused(lambda: convert.credential_of(over_the_wire(message)), reason, expected.get(field, field))


@pytest.mark.parametrize("size", [0, 63, 65])
def test_a_signed_request_is_refused_by_its_path(size: int) -> None:
    message = presentation_pb2.SignedRequest(payload=REQUEST.canonical, signature=bytes(size))
    refused(lambda: convert.signed_request_of(message), "REQUEST_INVALID", "signature")


def test_a_payload_is_decoded_when_it_is_asked_for() -> None:
    signed = convert.signed_request_of(presentation_pb2.SignedRequest(payload=b"x", signature=bytes(64)))
    assert signed == SignedRequest(b"x", bytes(64))
    with pytest.raises(MalformedError):
        _ = signed.request


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("usage_tag", None, "PRESENTATION_INVALID"),
        ("usage_tag", bytes(49), "PRESENTATION_INVALID"),
        ("note_hash", bytes(31), "PRESENTATION_INVALID"),
        ("request_digest", None, "PRESENTATION_INVALID"),
        ("credentials", None, "PRESENTATION_INVALID"),
        ("credentials[0].schema", None, "NAME_INVALID"),
        ("credentials[1].schema", "x", "NAME_INVALID"),
        ("credentials[1].issuer_key", str(PERMIT.name), "NAME_INVALID"),
        ("credentials[0].proof", None, "PRESENTATION_INVALID"),
        ("credentials[1].proof", bytes(271), "PRESENTATION_INVALID"),
        ("credentials[1].proof", bytes(272 + 33), "PRESENTATION_INVALID"),
        ("credentials[0].values[1].value.date.day", 32, "VALUE_INVALID"),
        ("credentials[0].values[1].attribute", "district", "VALUE_INVALID"),
        ("credentials[0].expiry.month", 13, "VALUE_INVALID"),
    ],
)
def test_a_presentation_is_refused_by_its_path(field: str, value: Any, reason: str) -> None:
    message = convert.presentation_to(ANSWER, DIRECTORY.schema)
    setting(field, value)(message)
    expected = field.removesuffix(".day").removesuffix(".month")
    refused(lambda: convert.presentation_of(over_the_wire(message)), reason, expected)


def test_an_expiry_that_is_set_and_empty_is_no_date() -> None:
    message = convert.presentation_to(ANSWER, DIRECTORY.schema)
    message.credentials[1].expiry.SetInParent()
    refused(lambda: convert.presentation_of(over_the_wire(message)), "VALUE_INVALID", "credentials[1].expiry")


KINDS: dict[str, tuple[type[Message], Callable[[Any], object]]] = {
    "presentation": (presentation_pb2.Presentation, convert.presentation_of),
    "credential": (issuance_pb2.Credential, convert.credential_of),
    "schema": (catalog_pb2.Schema, convert.schema_of),
    "issuer key": (catalog_pb2.IssuerKey, convert.issuer_key_of),
}


@given(st.binary(max_size=300), st.sampled_from(sorted(KINDS)))
def test_random_octets_become_nothing(octets: bytes, kind: str) -> None:
    message, of = KINDS[kind][0](), KINDS[kind][1]
    try:
        message.ParseFromString(octets)
    except DecodeError:  # what is no message never reaches the conversion
        return
    with pytest.raises(MalformedError):
        of(message)


@given(st.data())
def test_a_mutated_presentation_says_the_same_or_never_verifies(data: st.DataObject) -> None:
    octets = bytearray(convert.presentation_to(ANSWER, DIRECTORY.schema).SerializeToString())
    octets[data.draw(st.integers(0, len(octets) - 1))] ^= data.draw(st.integers(1, 255))
    message = presentation_pb2.Presentation()
    try:
        message.ParseFromString(bytes(octets))
        other = convert.presentation_of(message)
    except (DecodeError, MalformedError):
        return
    if other != ANSWER:
        with pytest.raises(DisclosureError):
            verify_presentation(REQUEST, other, DIRECTORY, NOW)
