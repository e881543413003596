"""Plain schemas of the shipped catalogue as documents: each attribute is shown alone, and nothing else."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import pytest

from disclosure import (
    AttributeDefinition,
    AttributeType,
    CredentialForm,
    IssuerKey,
    KeyState,
    MalformedError,
    Schema,
    Value,
    issuer_key_name,
)
from disclosure.w3c import commit, derive, open_base
from disclosure.w3c.mapping import (
    context_of,
    document_of,
    issue,
    key_of,
    options_of,
    pointers_of,
    presentation_header,
    read_document,
)
from tests.disclosure.world import NONCE, POLICE, SCHOOL
from verifier.w3c import check_document
from zk.catalogue import builtin

EXPIRY: Final = dt.date(2026, 5, 30)
NOW: Final = dt.datetime(2026, 3, 1, 9, 30, tzinfo=dt.UTC)
HEADER: Final = presentation_header(SCHOOL, NONCE)
PLAIN: Final = {str(each.name): each for each in builtin().schemas() if each.form is CredentialForm.PLAIN}
AWKWARD: Final = {"id", "type"}


def _key(schema: Schema) -> IssuerKey:
    public = POLICE.key.public_key
    name = issuer_key_name(schema.name.department, POLICE.key.suite, public)
    return replace(POLICE.key, name=name, state=KeyState.ACTIVE)


def _value(definition: AttributeDefinition) -> Value:
    match definition.type:
        case AttributeType.CODE:
            return definition.codes[0].code
        case AttributeType.DATE:
            return dt.date(1970, 1, 1) + dt.timedelta(days=definition.minimum or 0)
        case AttributeType.INTEGER:
            return definition.minimum or 0
        case AttributeType.BOOLEAN:
            return True
        case AttributeType.HASH:
            return bytes(range(32))
    return "x"


def _values(schema: Schema) -> Mapping[str, Value]:
    return {each.id: _value(each) for each in schema.attributes}


def _optional(schema: Schema) -> list[str]:
    return [each.id for each in schema.attributes if each.optional]


def test_some_are_called_as_what_always_comes_along() -> None:
    assert AWKWARD & {each.id for schema in PLAIN.values() for each in schema.attributes}


@pytest.mark.parametrize("name", sorted(PLAIN))
def test_each_attribute_of_a_shipped_schema_is_shown_alone(name: str) -> None:
    schema = PLAIN[name]
    key, values = _key(schema), _values(schema)
    commitment, secrets = commit(b"the vault's secret")
    held = open_base(issue(schema, key, POLICE.secret, values, EXPIRY, commitment), key.public_key, secrets)
    for each in schema.attributes:
        shown = derive(held, pointers_of(held.document, [each.id]), HEADER)
        assert list(shown["credentialSubject"]["attributes"]) == [key_of(each.id)]
        checked = check_document(shown, SCHOOL, NONCE, schema, key, NOW)
        assert checked.shown.values == {each.id: values[each.id]}


@pytest.mark.parametrize("name", [name for name, each in PLAIN.items() if _optional(each)])
def test_each_absent_attribute_of_a_shipped_schema_is_shown_alone(name: str) -> None:
    schema = PLAIN[name]
    key = _key(schema)
    present = {each.id: _value(each) for each in schema.attributes if not each.optional}
    held = open_base(issue(schema, key, POLICE.secret, present, EXPIRY), key.public_key)
    for each in _optional(schema):
        shown = derive(held, pointers_of(held.document, [each]), HEADER)
        said = {member: value for member, value in shown.items() if member != "proof"}
        assert read_document(said, held.options, schema, key).values == {each: None}


@pytest.mark.parametrize("name", sorted(PLAIN))
def test_no_key_is_one_that_always_comes_along(name: str) -> None:
    schema = PLAIN[name]
    terms = context_of(schema)[1]["attributes"]["@context"]
    assert len(terms) == len(schema.attributes) + len(_optional(schema))
    assert not AWKWARD & terms.keys()


@pytest.mark.parametrize("name", sorted(AWKWARD))
def test_an_attribute_stands_under_its_own_key_only(name: str) -> None:
    """As an identifier would write it, the value is refused; as the key is written, it selects nothing."""
    schema = next(
        replace(each, attributes=(replace(each.attributes[0], id=name), *each.attributes[1:]))
        for each in PLAIN.values()
        if name not in {attribute.id for attribute in each.attributes}
    )
    key, values = _key(schema), _values(schema)
    document, options = document_of(schema, values, EXPIRY, key.public_key), options_of(key.public_key)
    assert read_document(document, options, schema, key).values == values
    attributes = dict(document["credentialSubject"]["attributes"])
    attributes[name] = attributes.pop(key_of(name))
    renamed = {**document, "credentialSubject": {"attributes": attributes}}
    with pytest.raises(MalformedError, match="ATTRIBUTE_UNKNOWN"):
        read_document(renamed, options, schema, key)
    with pytest.raises(MalformedError, match="ATTRIBUTE_UNKNOWN"):
        pointers_of(document, [key_of(name)])
