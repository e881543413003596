"""Messages to types and back: nothing is lost."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bbs
from disclosure import (
    Credential,
    CredentialPresentation,
    IssuerKey,
    KeyState,
    MalformedError,
    Presentation,
    Schema,
    Shown,
    issuer_key_name,
    sign_request,
)
from tests.disclosure.strategies import localized, schemas, values_of
from tests.disclosure.world import (
    DIRECTORY,
    NOW,
    PERMIT,
    PERMIT_2,
    POLICE,
    REQUEST,
    SCHOOL_KEY,
    presentation,
)
from tests.wire.sending import over_the_wire
from wire import convert
from zkproto.v1 import record_pb2

ANSWER = presentation()


# ---- there and back


@given(localized())
def test_texts(text: Any) -> None:
    assert convert.text_of(over_the_wire(convert.text_to(text))) == text


@given(st.dates())
def test_dates(date: dt.date) -> None:
    assert convert.date_of(over_the_wire(convert.date_to(date)), field="x") == date


@given(st.datetimes(timezones=st.just(dt.UTC)))
def test_moments(moment: dt.datetime) -> None:
    assert convert.moment_of(over_the_wire(convert.moment_to(moment)), field="x") == moment


@given(schemas())
def test_schemas(schema: Schema) -> None:
    again = convert.schema_of(over_the_wire(convert.schema_to(schema, NOW)))
    assert again == schema
    assert again.digest == schema.digest


def test_a_schema_may_be_named_by_where_it_is_put() -> None:
    message = convert.schema_to(PERMIT)
    message.ClearField("digest")
    message.ClearField("name")
    assert convert.schema_of(message, PERMIT_2.name) == PERMIT_2


@given(st.data())
def test_values_of_every_type(data: st.DataObject) -> None:
    schema = data.draw(schemas())
    values = {each.id: data.draw(values_of(each)) for each in schema.attributes}
    messages = [over_the_wire(each) for each in convert.values_to(schema, values.items())]
    assert [each.attribute for each in messages] == [each.id for each in schema.attributes]
    again = convert.values_of(messages)
    assert again == values
    assert [type(each) for each in again.values()] == [type(each) for each in values.values()]
    assert convert.present_values_of(messages) == {n: v for n, v in values.items() if v is not None}
    schema.check_values(convert.present_values_of(messages))


@given(st.data())
def test_values_added_in_place_are_those_that_are_converted(data: st.DataObject) -> None:
    schema = data.draw(schemas())
    named = data.draw(st.permutations([each.id for each in schema.attributes]))
    values = {each: data.draw(values_of(schema.attribute(each))) for each in named}
    record = record_pb2.Record()
    convert.add_values(record.values, schema, values)
    assert list(record.values) == list(convert.values_to(schema, values.items()))


def test_a_value_of_no_attribute_or_of_another_type_is_not_added() -> None:
    for name, reason in (("shoe", "ATTRIBUTE_UNKNOWN"), ("employed", "VALUE_INVALID")):
        with pytest.raises(MalformedError) as caught:
            convert.add_values(record_pb2.Record().values, PERMIT, {name: "x"})
        assert (caught.value.reason, caught.value.field) == (reason, name)


@given(st.data())
def test_credentials_and_presentations(data: st.DataObject) -> None:
    schema = data.draw(schemas())
    values = {each.id: data.draw(values_of(each)) for each in schema.attributes}
    key = IssuerKey(
        issuer_key_name(schema.name.department, str(bbs.SHA_256), bytes(96)), str(bbs.SHA_256), bytes(96)
    )
    present = {name: value for name, value in values.items() if value is not None}
    held = Credential(
        schema.name, key.name, data.draw(st.dates()), present, data.draw(st.binary(min_size=80, max_size=80))
    )
    assert convert.credential_of(over_the_wire(convert.credential_to(held, schema))) == held
    shown = Shown("q", schema.name, key.name, values, data.draw(st.dates() | st.none()))
    proof = bytes(272 + 32 * data.draw(st.integers(0, 101)))
    answer = Presentation((CredentialPresentation(shown, proof),), bytes(48), bytes(32), bytes(32))
    again = convert.presentation_of(over_the_wire(convert.presentation_to(answer, lambda _: schema)))
    assert again == answer
    assert again.digest == answer.digest


@pytest.mark.parametrize("state", KeyState)
def test_issuer_keys(state: KeyState) -> None:
    key = replace(POLICE.key, state=state)
    assert convert.issuer_key_of(over_the_wire(convert.issuer_key_to(key, NOW))) == key


def test_requests_and_the_honest_answer() -> None:
    signed = sign_request(REQUEST, SCHOOL_KEY)
    assert convert.signed_request_of(over_the_wire(convert.signed_request_to(signed))) == signed
    again = convert.presentation_of(over_the_wire(convert.presentation_to(ANSWER, DIRECTORY.schema)))
    assert again == ANSWER
