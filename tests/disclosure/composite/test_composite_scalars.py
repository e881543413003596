"""What values are signed as: numbers compute, everything else is hashed, and nothing stands for another."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bbs import SHA_256, SHAKE_256, Ciphersuite
from bbs.gadgets.bases import generator_bases
from disclosure import AttributeType, CredentialForm, MalformedError, Schema, SchemaName, Value
from disclosure.attributes import AttributeDefinition
from disclosure.composite import scalars
from tests.disclosure.composite.world import INSURANCE, PAIRING, PERMIT
from tests.disclosure.strategies import definitions, values_of
from tests.disclosure.world import definition, text


@given(st.integers(-(1 << 63), (1 << 63) - 1))
def test_an_integer_is_itself_plus_an_offset_and_has_64_bits(number: int) -> None:
    wide = definition("n", AttributeType.INTEGER, minimum=-(1 << 63), maximum=(1 << 63) - 1)
    assert scalars.scalar(wide, number, SHA_256) == number + (1 << 63)
    assert 0 <= scalars.scalar(wide, number, SHA_256) < 1 << 64


@given(st.dates())
def test_a_date_is_its_day_plus_the_same_offset(day: dt.date) -> None:
    low, high = (dt.date.min - dt.date(1970, 1, 1)).days, (dt.date.max - dt.date(1970, 1, 1)).days
    dates = definition("d", AttributeType.DATE, minimum=low, maximum=high)
    assert scalars.scalar(dates, day, SHA_256) == (day - dt.date(1970, 1, 1)).days + (1 << 63)


@given(definitions("a", CredentialForm.COMPOSITE), definitions("b", CredentialForm.COMPOSITE), st.data())
def test_hashed_values_are_equal_only_with_type_and_code_system(
    first: AttributeDefinition, second: AttributeDefinition, data: st.DataObject
) -> None:
    one, other = data.draw(values_of(first)), data.draw(values_of(second))
    same = (first.type, first.code_system, one) == (
        second.type,
        second.code_system,
        other,
    ) or one is other is None
    if scalars.NUMBERS & {first.type, second.type} and None not in (one, other):
        return  # a number of an integer and of a date are told apart by the rules, not by the scalar
    equal = scalars.scalar(first, one, SHA_256) == scalars.scalar(second, other, SHA_256)
    assert equal == (same and type(one) is type(other))


@pytest.mark.parametrize("suite", [SHA_256, SHAKE_256], ids=str)
def test_the_absent_constant_is_no_number(suite: Ciphersuite) -> None:
    assert scalars.absent(suite) >= 1 << 200


def test_the_absent_constant_is_the_same_for_every_attribute_and_another_in_each_suite() -> None:
    optional = definition("a", AttributeType.BOOLEAN, optional=True)
    assert scalars.scalar(optional, None, SHA_256) == scalars.absent(SHA_256)
    assert scalars.absent(SHA_256) != scalars.absent(SHAKE_256)


def test_a_value_of_another_attribute_is_refused() -> None:
    with pytest.raises(MalformedError, match="VALUE_INVALID"):
        scalars.scalar(PERMIT.attribute("months"), 601, SHA_256)
    with pytest.raises(MalformedError, match="ATTRIBUTE_MISSING"):
        scalars.scalar(PERMIT.attribute("months"), None, SHA_256)


def test_the_interface_is_none_of_the_drafts() -> None:
    ours = scalars.generators(PERMIT, SHA_256)
    assert scalars.api_id(SHA_256) not in {SHA_256.api_id, SHA_256.ciphersuite_id + b"BLIND_H2G_HM2S_"}
    assert 3 + len(PERMIT.attributes) + 1 == ours.L  # the slots, the attributes, the blind


def test_all_schemas_have_the_generators_of_their_common_slots_and_one_for_the_blind() -> None:
    longer, shorter = (scalars.generators(each, SHA_256).points for each in (PERMIT, INSURANCE))
    encode = SHA_256.group.g1s_to_octets
    common = len(shorter) - 1
    assert encode(longer[:common]) == encode(shorter[:common])
    assert encode(longer[-1:]) == encode(shorter[-1:])
    assert len({encode((point,)) for point in longer}) == len(longer)
    secret, blind = scalars.commitment_generators(PAIRING, SHA_256)
    bases = generator_bases(PAIRING, scalars.generators(PERMIT, SHA_256))
    assert (secret.octets, blind.octets) == (bases[2 + scalars.HOLDER_SECRET].octets, bases[-1].octets)


@pytest.mark.parametrize("value", [None, b"", bytes(31), bytes(33), "a" * 32])
def test_a_secret_is_32_octets_and_never_absent(value: Value | None) -> None:
    with pytest.raises(MalformedError):
        definition("z", AttributeType.SECRET).check(value)


def test_a_secret_is_never_optional_and_never_plain() -> None:
    with pytest.raises(MalformedError, match="SCHEMA_INVALID"):
        definition("z", AttributeType.SECRET, optional=True)
    secret = definition("z", AttributeType.SECRET)
    with pytest.raises(MalformedError, match="SCHEMA_INVALID"):
        Schema(SchemaName("hrss", "x", 1), text("x"), CredentialForm.PLAIN, (secret,), 1)


def test_numbers_without_bounds_are_no_schema() -> None:
    for kind in scalars.NUMBERS:
        for bounds in ({}, {"minimum": 0}, {"maximum": 0}):
            with pytest.raises(MalformedError, match="SCHEMA_INVALID"):
                definition("n", kind, **bounds)
