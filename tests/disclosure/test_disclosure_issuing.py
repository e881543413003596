"""Issuing many credentials gives the octets that issuing each by itself gives, and refuses the same."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from disclosure import (
    AttributeType,
    CredentialForm,
    DisclosureError,
    Issuing,
    KeyState,
    MalformedError,
    RefusedError,
    Schema,
    issue,
)
from disclosure.attributes import to_item
from disclosure.canonical import Item
from tests.disclosure.world import (
    HRSS,
    INSURANCE,
    PERMIT,
    POLICE,
    POLICE_2,
    TODAY,
    VALUES,
    Issuer,
    definition,
)


def items(**changes: Any) -> dict[str, Item]:
    values = {name: value for name, value in {**VALUES, **changes}.items() if value is not None}
    return {name: to_item(value) for name, value in values.items()}


@pytest.mark.parametrize("by", [POLICE, POLICE_2])
def test_each_is_what_it_would_be_alone(by: Issuer) -> None:
    issuing = Issuing(PERMIT, by.key, by.secret, TODAY)
    changes: list[dict[str, Any]] = [
        {},
        {"remark": "x"},
        {"employed": False, "base": 0},
        {"continuous_since": dt.date(1970, 1, 1), "remark": "长" * 20},
        {},
    ]
    for each in changes:
        alone = issue(PERMIT, by.key, by.secret, {**VALUES, **each}, TODAY)
        assert issuing.issue(items(**each)) == alone.to_bytes(PERMIT)


def test_more_values_than_a_short_array_holds() -> None:
    attributes = tuple(
        definition(f"value_{n}", AttributeType.BOOLEAN, optional=n % 2 == 0) for n in range(60)
    )
    schema = replace(PERMIT, attributes=attributes)
    issuing = Issuing(schema, POLICE.key, POLICE.secret, TODAY)
    for values in ({each.id: True for each in attributes}, {each.id: False for each in attributes[1::2]}):
        alone = issue(schema, POLICE.key, POLICE.secret, values, TODAY)
        assert issuing.issue(values) == alone.to_bytes(schema)


@pytest.mark.parametrize(
    ("changes", "reason", "field"),
    [
        ({"name": None}, "ATTRIBUTE_MISSING", "name"),
        ({"name": ""}, "VALUE_INVALID", "name"),
        ({"name": "e\u0301"}, "VALUE_INVALID", "name"),
        ({"base": True}, "VALUE_INVALID", "base"),
        ({"base": 10_000_001}, "VALUE_INVALID", "base"),
        ({"employed": 1}, "VALUE_INVALID", "employed"),
        ({"district": "370199"}, "VALUE_INVALID", "district"),
        ({"photo": bytes(31)}, "VALUE_INVALID", "photo"),
        ({"photo": [b""]}, "VALUE_INVALID", "photo"),
        ({"continuous_since": -1}, "VALUE_INVALID", "continuous_since"),
        ({"continuous_since": 1 << 62}, "VALUE_INVALID", ""),
        ({"another": "x"}, "ATTRIBUTE_UNKNOWN", "another"),
    ],
)
def test_what_does_not_fit_is_refused_and_the_next_is_issued(changes: Any, reason: str, field: str) -> None:
    issuing = Issuing(PERMIT, POLICE.key, POLICE.secret, TODAY)
    with pytest.raises(MalformedError) as caught:
        issuing.issue(items(**changes))
    assert (caught.value.reason, caught.value.field) == (reason, field)
    assert issuing.issue(items()) == issue(PERMIT, POLICE.key, POLICE.secret, VALUES, TODAY).to_bytes(PERMIT)


def test_what_a_vault_could_not_keep_is_refused() -> None:
    many = tuple(definition(f"text_{n}", AttributeType.TEXT, max_length=4096) for n in range(17))
    schema = replace(PERMIT, attributes=many)
    with pytest.raises(MalformedError) as caught:
        Issuing(schema, POLICE.key, POLICE.secret, TODAY).issue({each.id: "x" * 4096 for each in many})
    assert (caught.value.reason, caught.value.field) == ("VALUE_INVALID", "values")


@pytest.mark.parametrize(
    ("schema", "by", "state", "reason"),
    [
        (PERMIT, HRSS, KeyState.ACTIVE, "ISSUER_KEY_UNKNOWN"),
        (INSURANCE, POLICE, KeyState.ACTIVE, "ISSUER_KEY_UNKNOWN"),
        (PERMIT, POLICE, KeyState.RETIRED, "ISSUER_KEY_RETIRED"),
        (PERMIT, POLICE, KeyState.VERIFY_ONLY, "ISSUER_KEY_RETIRED"),
        (replace(PERMIT, form=CredentialForm.COMPOSITE), POLICE, KeyState.ACTIVE, "FORM_NOT_SUPPORTED"),
    ],
)
def test_a_key_that_does_not_sign_under_a_schema_is_refused(
    schema: Schema, by: Issuer, state: KeyState, reason: str
) -> None:
    key = replace(by.key, state=state)
    refusals: list[DisclosureError] = []
    for attempt in (
        lambda: Issuing(schema, key, by.secret, TODAY),
        lambda: issue(schema, key, by.secret, VALUES, TODAY),
    ):
        with pytest.raises(RefusedError) as caught:
            attempt()
        refusals.append(caught.value)
    assert [each.reason for each in refusals] == [reason, reason]
