"""Credentials of the plain form as documents: every type of attribute, what is shown, what is compared."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bbs
from disclosure import (
    AttributeType,
    CredentialForm,
    KeyState,
    MalformedError,
    RefusedError,
    Schema,
    SchemaName,
    Value,
    VerifierName,
)
from disclosure.errors import DisclosureError
from disclosure.w3c import Document, Expected, Feature, Held, HolderSecrets, commit, derive, open_base, verify
from disclosure.w3c.did_key import did_of, public_key_of
from disclosure.w3c.mapping import (
    context_of,
    issue,
    issuer_key_name_of,
    issuer_of,
    pointers_of,
    presentation_header,
    read_document,
    schema_name_of,
)
from tests.disclosure.world import (
    HRSS,
    NONCE,
    PERMIT,
    PERMIT_2,
    POLICE,
    POLICE_2,
    SCHOOL,
    VALUES,
    definition,
    text,
)
from verifier.w3c import check_document

EXPIRY: Final = dt.date(2026, 5, 30)
NOW: Final = dt.datetime(2026, 3, 1, 9, 30, tzinfo=dt.UTC)
HEADER: Final = presentation_header(SCHOOL, NONCE)


def signed(values: Mapping[str, Value] = VALUES, schema: Schema = PERMIT) -> tuple[Document, HolderSecrets]:
    commitment, secrets = commit(b"the vault's secret")
    return issue(schema, POLICE.key, POLICE.secret, values, EXPIRY, commitment), secrets


def opened(values: Mapping[str, Value] = VALUES, schema: Schema = PERMIT) -> Held:
    document, secrets = signed(values, schema)
    return open_base(document, POLICE.key.public_key, secrets)


HELD: Final = opened()


def shown(*attributes: str, held: Held = HELD) -> Document:
    return derive(held, pointers_of(held.document, attributes), HEADER)


def checked(document: Document, **changes: Any) -> Any:
    given: dict[str, Any] = {
        "verifier": SCHOOL, "nonce": NONCE, "schema": PERMIT, "key": POLICE.key, "now": NOW,
    }  # fmt: skip
    return check_document(document, **{**given, **changes})


def test_everything_that_is_signed_is_read_again() -> None:
    document, secrets = signed({**VALUES, "remark": '说"\\t\\n'})
    held = open_base(document, POLICE.key.public_key, secrets)
    said = read_document(held.document, held.options, PERMIT, POLICE.key)
    assert said.values == {**VALUES, "remark": '说"\\t\\n'}
    assert (said.expiry, said.issuer) == (EXPIRY, POLICE.key.public_key)
    assert schema_name_of(document) == PERMIT.name
    assert issuer_key_name_of(document) == POLICE.key.name


@pytest.mark.parametrize("attribute", [each.id for each in PERMIT.attributes])
def test_each_attribute_is_shown_alone(attribute: str) -> None:
    document = shown(attribute)
    result = checked(document)
    assert result.bound
    assert result.shown.values == {attribute: VALUES.get(attribute)}
    assert (result.shown.expiry, result.shown.schema) == (EXPIRY, PERMIT.name)
    others = [each for name, each in VALUES.items() if name != attribute and isinstance(each, str)]
    assert not [each for each in others if f"'{each}'" in str(document["credentialSubject"])]


@given(st.sets(st.sampled_from([each.id for each in PERMIT.attributes]), min_size=1))
@settings(max_examples=15, deadline=None)
def test_any_selection_is_shown_and_nothing_else(attributes: set[str]) -> None:
    assert checked(shown(*attributes)).shown.values == {each: VALUES.get(each) for each in attributes}


def test_what_is_absent_changes_no_number() -> None:
    """Two holders, one without a remark: what they show of their names is alike but for its randomness."""
    lengths = set()
    for values in (VALUES, {**VALUES, "remark": "x"}):
        document = shown("name", held=opened(values))
        lengths.add(len(document["proof"]["proofValue"]))
        assert "created" not in document["proof"]
    assert len(lengths) == 1


NAMES: Final = ("id", "type", "name", "issuer", "proof")
ODD: Final = Schema(
    SchemaName("public-security", "odd", 1),
    text("odd"),
    CredentialForm.PLAIN,
    (
        *(definition(name, AttributeType.TEXT, max_length=40) for name in NAMES),
        definition("number", AttributeType.INTEGER, minimum=-(1 << 63), maximum=(1 << 63) - 1),
    ),
    90,
)


@pytest.mark.parametrize("number", [0, -1, (1 << 53) - 1, 1 << 53, -(1 << 63), (1 << 63) - 1])
def test_attributes_may_be_called_as_json_ld_calls_something(number: int) -> None:
    values: dict[str, Value] = {name: f"a {name}" for name in NAMES}
    held = opened({**values, "number": number}, ODD)
    document = shown("id", "type", "number", held=held)
    result = checked(document, schema=ODD)
    assert result.shown.values == {"id": "a id", "type": "a type", "number": number}


@pytest.mark.parametrize("attribute", [*NAMES, "number"])
def test_an_attribute_that_is_called_so_is_shown_only_if_it_is_asked_for(attribute: str) -> None:
    values: dict[str, Value] = {**{name: f"a {name}" for name in NAMES}, "number": 7}
    document = shown(attribute, held=opened(values, ODD))
    assert checked(document, schema=ODD).shown.values == {attribute: values[attribute]}
    assert len(document["credentialSubject"]["attributes"]) == 1


@pytest.mark.parametrize("attribute", ["id", "type", "name"])
def test_so_it_is_with_absent_ones(attribute: str) -> None:
    optional = tuple(replace(each, optional=each.id in NAMES) for each in ODD.attributes)
    schema = replace(ODD, attributes=optional)
    document = shown(attribute, held=opened({"number": 7}, schema))
    assert checked(document, schema=schema).shown.values == {attribute: None}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"nonce": bytes(32)}, "REQUEST_MISMATCH"),
        ({"verifier": VerifierName("bank-1")}, "REQUEST_MISMATCH"),
        ({"nonce": bytes(15)}, "VALUE_INVALID"),
        ({"nonce": bytes(65)}, "VALUE_INVALID"),
        ({"key": HRSS.key}, "PROOF_INVALID"),
        ({"key": replace(POLICE.key, state=KeyState.RETIRED)}, "ISSUER_KEY_RETIRED"),
        ({"schema": PERMIT_2}, "DOCUMENT_INVALID"),
        ({"schema": replace(PERMIT, validity_days=91)}, "DOCUMENT_INVALID"),
        (
            {"now": dt.datetime(2026, 5, 31, 0, 0, tzinfo=dt.timezone(dt.timedelta(hours=8)))},
            "CREDENTIAL_EXPIRED",
        ),
    ],
)
def test_what_a_verifier_knows_is_compared(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(DisclosureError) as refused:
        checked(shown("name"), **changes)
    assert refused.value.reason == reason


def test_the_last_day_is_a_whole_one() -> None:
    last = dt.datetime(2026, 5, 30, 23, 59, tzinfo=dt.timezone(dt.timedelta(hours=8)))
    assert checked(shown("name"), now=last).shown.expiry == EXPIRY


def test_a_key_that_only_verifies_still_counts() -> None:
    key = replace(POLICE.key, state=KeyState.VERIFY_ONLY)
    assert checked(shown("name"), key=key).shown.values == {"name": VALUES["name"]}


def test_a_renamed_key_of_the_context_is_refused_although_the_proof_holds() -> None:
    """Statements are signed, not names: by another context the employed one would be called alive."""
    document = shown("employed")
    context = context_of(PERMIT)
    terms = context[1]["attributes"]["@context"]
    terms["alive"] = terms.pop("employed")
    forged = {**document, "@context": context, "credentialSubject": {"attributes": {"alive": True}}}
    expected = Expected(Feature.ANONYMOUS_HOLDER_BINDING, HEADER)
    assert verify(forged, POLICE.key.public_key, expected).document["credentialSubject"]
    with pytest.raises(MalformedError, match="DOCUMENT_INVALID"):
        checked(forged)


def _members() -> dict[str, Any]:
    return {
        "added": {"validFrom": "2026-01-01T00:00:00Z"},
        "subject": {"credentialSubject": {"attributes": {"name": "王小明"}, "id": "urn:x"}},
        "type": {"type": ["VerifiableCredential"]},
        "date": {"validUntil": "2026-05-30T23:59:59+09:00"},
        "no date": {"validUntil": "later"},
        "issuer": {"issuer": did_of(HRSS.key.public_key)},
        "value": {"credentialSubject": {"attributes": {"name": 7}}},
        "unknown": {"credentialSubject": {"attributes": {"nobody": 7}}},
        "list": {"credentialSubject": {"attributes": {"name": ["王小明"]}}},
        "present and absent": {"credentialSubject": {"attributes": {"remark": "x", "remark.absent": True}}},
        "absent not": {"credentialSubject": {"attributes": {"remark.absent": False}}},
        "never absent": {"credentialSubject": {"attributes": {"name.absent": True}}},
        "date as number": {"credentialSubject": {"attributes": {"continuous_since": 18000}}},
        "hash in capitals": {"credentialSubject": {"attributes": {"photo": bytes(range(32)).hex().upper()}}},
        "number as text": {"credentialSubject": {"attributes": {"base": "812300"}}},
        "no attributes": {"credentialSubject": {}},
    }


@pytest.mark.parametrize("name", sorted(_members()))
def test_a_document_that_is_none_of_a_departments_is_refused(name: str) -> None:
    """Also where its proof held: that is not looked at here."""
    document, options = dict(HELD.document), HELD.options
    with pytest.raises(DisclosureError) as refused:
        read_document({**document, **_members()[name]}, options, PERMIT, POLICE.key)
    assert refused.value.reason in {
        "DOCUMENT_INVALID",
        "VALUE_INVALID",
        "ATTRIBUTE_UNKNOWN",
        "ATTRIBUTE_MISSING",
    }


def test_the_proofs_members_are_compared() -> None:
    for changes in ({"created": "2026-01-01T00:00:00Z"}, {"verificationMethod": "urn:x"}):
        with pytest.raises(MalformedError, match="DOCUMENT_INVALID"):
            read_document(HELD.document, {**HELD.options, **changes}, PERMIT, POLICE.key)


@pytest.mark.parametrize(
    ("key", "schema", "reason"),
    [
        (POLICE_2, PERMIT, "FORM_NOT_SUPPORTED"),
        (HRSS, PERMIT, "ISSUER_KEY_UNKNOWN"),
        (replace(POLICE, key=replace(POLICE.key, state=KeyState.RETIRED)), PERMIT, "ISSUER_KEY_RETIRED"),
        (POLICE, replace(PERMIT, form=CredentialForm.COMPOSITE), "FORM_NOT_SUPPORTED"),
    ],
)
def test_what_cannot_be_signed_is_refused(key: Any, schema: Schema, reason: str) -> None:
    with pytest.raises(RefusedError) as refused:
        issue(schema, key.key, key.secret, VALUES, EXPIRY)
    assert refused.value.reason == reason


def test_values_that_do_not_fit_are_not_signed() -> None:
    with pytest.raises(MalformedError, match="VALUE_INVALID"):
        issue(PERMIT, POLICE.key, POLICE.secret, {**VALUES, "name": 7}, EXPIRY)
    with pytest.raises(RefusedError, match="COMMITMENT_INVALID"):
        issue(PERMIT, POLICE.key, POLICE.secret, VALUES, EXPIRY, bytes(144))


def test_without_a_commitment_it_is_bound_to_nobody() -> None:
    document = issue(PERMIT, POLICE.key, POLICE.secret, VALUES, EXPIRY)
    made = shown("name", held=open_base(document, POLICE.key.public_key))
    assert not checked(made).bound


@pytest.mark.parametrize(
    "attributes", [(), ("nobody",), ("remark.absent",), ("attribute.id",), ("name", "nobody")]
)
def test_what_is_not_there_is_not_shown(attributes: tuple[str, ...]) -> None:
    with pytest.raises(MalformedError) as refused:
        shown(*attributes)
    assert refused.value.reason in {"ATTRIBUTE_UNKNOWN", "ATTRIBUTE_MISSING"}


def test_neither_form_passes_for_the_other() -> None:
    """One key signs both: a header of ours is no header of theirs, and a signature holds under one only."""
    held = opened()
    messages = PERMIT.messages(EXPIRY, VALUES)
    with pytest.raises(bbs.VerificationError):
        bbs.verify(POLICE.key.public_key, held.base.signature, PERMIT.header(), messages, suite=bbs.SHA_256)
    assert len(held.base.header) == 64
    assert len(PERMIT.header()) != 64


@pytest.mark.parametrize(
    "did", ["", "did:key:z", "did:key:z0", "did:web:example.org", did_of(bytes(96))[:-1],
            did_of(bytes(96)) + "1", did_of(bytes(95)), "did:key:z" + "1" * 400, "did:key:zé"],
)  # fmt: skip
def test_a_key_has_one_name(did: str) -> None:
    with pytest.raises(MalformedError, match="DOCUMENT_INVALID"):
        public_key_of(did)
    with pytest.raises(MalformedError, match="DOCUMENT_INVALID"):
        issuer_of({"issuer": did})
    assert public_key_of(did_of(POLICE.key.public_key)) == POLICE.key.public_key


def test_a_document_names_a_schema_of_ours() -> None:
    for reference in (None, "x", {}, {"id": "urn:x"}, {"id": 7}, {"id": "urn:zk-disclosure:schema:00:x"}):
        with pytest.raises(MalformedError):
            schema_name_of({"credentialSchema": reference})
