"""A holder who cheats: replays, mixes, changes, proves what is not so. Each is refused, with its reason."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

import bbs
from disclosure import (
    AttributeType,
    Credential,
    CredentialPresentation,
    Directory,
    ExpiryRule,
    IssuerKeyName,
    Presentation,
    Query,
    Schema,
    Shown,
    Statement,
    issue,
    statements_of,
)
from tests.disclosure.world import (
    BANK,
    CREDENTIALS,
    DIRECTORY,
    HRSS,
    INSURANCE,
    INSURANCE_CREDENTIAL,
    NOTE_HASH,
    NOW,
    PERMIT,
    PERMIT_2,
    PERMIT_CREDENTIAL,
    POLICE,
    POLICE_2,
    QUERIES,
    REQUEST,
    TODAY,
    USAGE_TAG,
    credential,
    definition,
    present,
    request,
    shown_of,
)
from tests.verifier.judging import (
    ANSWER,
    DAY,
    FIRST,
    PROOF_0,
    PROOF_1,
    SECOND,
    changed_shown,
    changed_value,
    refused,
)
from verifier import verify_presentation

# ---- replay and mixing


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": bytes(32)},
        {"verifier": BANK},
        {"expires": REQUEST.expires + dt.timedelta(seconds=1)},
        {"created": NOW - dt.timedelta(seconds=1)},
    ],
)
def test_an_answer_to_one_request_is_none_to_another_with_the_same_queries(changes: dict[str, Any]) -> None:
    other = request(**changes)
    refused(ANSWER, "REQUEST_MISMATCH", "request_digest", asked=other)
    refused(replace(ANSWER, request_digest=other.digest), "PROOF_INVALID", PROOF_0, asked=other)


def test_parts_of_two_sessions_do_not_fit_together() -> None:
    other = present(REQUEST, CREDENTIALS, usage_tag=bytes(48), note_hash=bytes(32))
    mine, theirs = ANSWER.credentials, other.credentials
    refused(replace(ANSWER, credentials=(mine[0], theirs[1])), "PROOF_INVALID", PROOF_1)
    refused(replace(ANSWER, credentials=(theirs[0], mine[1])), "PROOF_INVALID", PROOF_0)
    refused(replace(ANSWER, credentials=theirs), "PROOF_INVALID", PROOF_0)


def test_two_presentations_that_share_everything_but_one_value_do_not_mix() -> None:
    other = present(REQUEST, {**CREDENTIALS, "permit": credential(PERMIT, 0, remark="x")})
    mixed = (other.credentials[0], SECOND)
    refused(replace(ANSWER, credentials=mixed), "PROOF_INVALID", PROOF_1)
    swapped = (replace(FIRST, proof=other.credentials[0].proof), SECOND)
    refused(replace(ANSWER, credentials=swapped), "PROOF_INVALID", PROOF_0)


def test_two_queries_of_the_same_shape_do_not_exchange_their_answers() -> None:
    queries = (Query("one", PERMIT.name, ("district",)), Query("two", PERMIT.name, ("district",)))
    asked = request(queries=queries)
    answer = present(asked, {"one": PERMIT_CREDENTIAL, "two": PERMIT_CREDENTIAL})
    verify_presentation(asked, answer, DIRECTORY, NOW)
    one, two = answer.credentials
    refused(replace(answer, credentials=(two, one)), "QUERY_MISMATCH", "credentials[0]", asked=asked)
    proofs = (replace(one, proof=two.proof), replace(two, proof=one.proof))
    refused(replace(answer, credentials=proofs), "PROOF_INVALID", PROOF_0, asked=asked)
    twice = (one, replace(two, proof=one.proof))
    refused(replace(answer, credentials=twice), "PROOF_INVALID", PROOF_1, asked=asked)
    renamed = (replace(two, shown=one.shown), replace(one, shown=two.shown))
    refused(replace(answer, credentials=renamed), "PROOF_INVALID", PROOF_0, asked=asked)


# ---- every field changed


CHANGED: dict[str, tuple[Presentation, str, str]] = {
    "digest": (replace(ANSWER, request_digest=bytes(32)), "REQUEST_MISMATCH", "request_digest"),
    "usage tag": (replace(ANSWER, usage_tag=bytes(48)), "PROOF_INVALID", PROOF_0),
    "note": (replace(ANSWER, note_hash=bytes(32)), "PROOF_INVALID", PROOF_0),
    "one part": (replace(ANSWER, credentials=(FIRST,)), "QUERY_MISMATCH", "credentials"),
    "three parts": (replace(ANSWER, credentials=(FIRST, SECOND, SECOND)), "QUERY_MISMATCH", "credentials"),
    "parts swapped": (replace(ANSWER, credentials=(SECOND, FIRST)), "QUERY_MISMATCH", "credentials[0]"),
    "a part twice": (replace(ANSWER, credentials=(FIRST, FIRST)), "QUERY_MISMATCH", "credentials[1]"),
    "query": (changed_shown(0, query="insurance"), "QUERY_MISMATCH", "credentials[0]"),
    "version": (changed_shown(0, schema=PERMIT_2.name), "QUERY_MISMATCH", "credentials[0]"),
    "schema": (changed_shown(0, schema=INSURANCE.name), "QUERY_MISMATCH", "credentials[0]"),
    "key": (changed_shown(0, issuer_key=POLICE_2.key.name), "PROOF_INVALID", PROOF_0),
    "a key of another department": (
        changed_shown(0, issuer_key=HRSS.key.name),
        "ISSUER_KEY_UNKNOWN",
        "credentials[0].issuer_key",
    ),
    "a key of nobody": (
        changed_shown(0, issuer_key=IssuerKeyName("public-security", "f" * 32)),
        "ISSUER_KEY_UNKNOWN",
        "credentials[0].issuer_key",
    ),
    "a later expiry": (changed_shown(0, expiry=PERMIT_CREDENTIAL.expiry + DAY), "PROOF_INVALID", PROOF_0),
    "no expiry": (changed_shown(0, expiry=None), "QUERY_MISMATCH", "credentials[0].expiry"),
    "an expiry though waived": (
        changed_shown(1, expiry=INSURANCE_CREDENTIAL.expiry),
        "QUERY_MISMATCH",
        "credentials[1].expiry",
    ),
    "a value more": (changed_value(0, "name", "王小明"), "QUERY_MISMATCH", "credentials[0].values"),
    "values less": (
        changed_shown(0, values={"district": "370102"}),
        "QUERY_MISMATCH",
        "credentials[0].values",
    ),
    "a code": (changed_value(0, "district", "370103"), "PROOF_INVALID", PROOF_0),
    "a code not in the list": (
        changed_value(0, "district", "370199"),
        "VALUE_INVALID",
        "credentials[0].values.district",
    ),
    "a date": (changed_value(0, "continuous_since", dt.date(2019, 4, 1)), "PROOF_INVALID", PROOF_0),
    "a date as text": (
        changed_value(0, "continuous_since", "2019-05-01"),
        "VALUE_INVALID",
        "credentials[0].values.continuous_since",
    ),
    "a date hidden": (
        changed_value(0, "continuous_since", None),
        "ATTRIBUTE_MISSING",
        "credentials[0].values.continuous_since",
    ),
    "a value where there is none": (changed_value(0, "remark", "x"), "PROOF_INVALID", PROOF_0),
    "an integer": (changed_value(1, "base", 812301), "PROOF_INVALID", PROOF_0),
    "an integer as true": (changed_value(1, "base", True), "VALUE_INVALID", "credentials[1].values.base"),
    "a boolean": (changed_value(1, "employed", False), "PROOF_INVALID", PROOF_0),
    "a boolean as 1": (changed_value(1, "employed", 1), "VALUE_INVALID", "credentials[1].values.employed"),
    "a hash": (changed_value(1, "photo", bytes(32)), "PROOF_INVALID", PROOF_0),
}


@pytest.mark.parametrize("what", CHANGED)
def test_a_changed_field_is_refused(what: str) -> None:
    answer, reason, field = CHANGED[what]
    refused(answer, reason, field)


def test_a_present_optional_value_cannot_be_said_to_be_absent() -> None:
    answer = present(REQUEST, {**CREDENTIALS, "permit": credential(PERMIT, 0, remark="x")})
    verify_presentation(REQUEST, answer, DIRECTORY, NOW)
    first = answer.credentials[0]
    hidden = replace(first, shown=replace(first.shown, values={**first.shown.values, "remark": None}))
    refused(replace(answer, credentials=(hidden, answer.credentials[1])), "PROOF_INVALID")


# ---- a holder who makes the proof itself for what is not so


def forged(shown: tuple[Shown, ...], asked: Any = REQUEST, **credentials: Any) -> Presentation:
    """Make an honest proof of a dishonest statement: the strongest that a holder with a vault can do."""
    return present(asked, {**CREDENTIALS, **credentials}, shown=shown)


def proof_of(held: Credential, schema: Schema, statement: Statement, **changes: Any) -> bytes:
    """Make a proof as a holder may who has the credential and keeps to nothing else."""
    fields: dict[str, Any] = {
        "pk": statement.public_key,
        "signature": held.signature,
        "header": statement.header,
        "ph": statement.presentation_header,
        "messages": schema.messages(held.expiry, held.values),
        "disclosed_indexes": statement.disclosed_indexes,
        "suite": statement.suite,
    }
    return bbs.proof_gen(**(fields | changes))


def answering(asked: Any, shown: Shown, proof: bytes) -> Presentation:
    return Presentation((CredentialPresentation(shown, proof),), USAGE_TAG, NOTE_HASH, asked.digest)


HONEST = tuple(shown_of(query, CREDENTIALS[query.id]) for query in QUERIES)


@pytest.mark.parametrize(
    "changes",
    [
        {"values": {**HONEST[0].values, "district": "370103"}},
        {"values": {**HONEST[0].values, "continuous_since": dt.date(2010, 1, 1)}},
        {"values": {**HONEST[0].values, "remark": "x"}},
        {"expiry": PERMIT_CREDENTIAL.expiry + DAY},
        {"issuer_key": POLICE_2.key.name},
    ],
)
def test_proving_what_was_not_signed_fails(changes: dict[str, Any]) -> None:
    answer = forged((replace(HONEST[0], **changes), HONEST[1]))
    refused(answer, "PROOF_INVALID", PROOF_0)


def test_a_credential_of_another_version_with_the_same_shape_proves_nothing() -> None:
    """The values and positions are the same; only the header, which names the schema, tells them apart."""
    other = credential(PERMIT_2, 0)
    asked = request(queries=QUERIES[:1])
    shown = replace(shown_of(QUERIES[0], other), schema=PERMIT.name)
    (statement,) = statements_of(asked, (shown,), USAGE_TAG, NOTE_HASH, DIRECTORY, NOW)
    for header in (PERMIT_2.header(), PERMIT.header()):
        proof = proof_of(other, PERMIT_2, statement, header=header)
        refused(answering(asked, shown, proof), "PROOF_INVALID", PROOF_0, asked=asked)


def test_a_changed_schema_under_the_same_name_proves_nothing() -> None:
    known = Directory(
        {**DIRECTORY.schemas, PERMIT.name: replace(PERMIT, validity_days=91)}, DIRECTORY.issuer_keys
    )
    refused(ANSWER, "PROOF_INVALID", PROOF_0, known=known)


def test_a_proof_over_another_presentation_header_is_refused() -> None:
    asked = request(queries=QUERIES[:1])
    (statement,) = statements_of(asked, HONEST[:1], USAGE_TAG, NOTE_HASH, DIRECTORY, NOW)
    right = statement.presentation_header
    for header in (b"", right[:-1], right + b"\x00", asked.digest, asked.nonce, right[:-1] + b"\xff"):
        proof = proof_of(PERMIT_CREDENTIAL, PERMIT, statement, ph=header)
        refused(answering(asked, HONEST[0], proof), "PROOF_INVALID", PROOF_0, asked=asked)


def test_a_proof_that_discloses_at_another_place_is_refused() -> None:
    """As many messages, of the same credential, so that only their places differ."""
    asked = request(queries=(Query("permit", PERMIT.name, ("district",), ExpiryRule.WAIVED),))
    shown = replace(HONEST[0], values={"district": "370102"}, expiry=None)
    (statement,) = statements_of(asked, (shown,), USAGE_TAG, NOTE_HASH, DIRECTORY, NOW)
    for index in range(statement.message_count):
        proof = proof_of(PERMIT_CREDENTIAL, PERMIT, statement, disclosed_indexes=[index])
        if index == PERMIT.message_index("district"):
            verify_presentation(asked, answering(asked, shown, proof), DIRECTORY, NOW)
        else:
            refused(answering(asked, shown, proof), "PROOF_INVALID", PROOF_0, asked=asked)


def test_two_attributes_of_the_same_type_cannot_stand_for_each_other() -> None:
    twins = tuple(definition(name, AttributeType.INTEGER, minimum=0, maximum=9) for name in ("a", "b"))
    schema = replace(PERMIT, attributes=twins)
    known = Directory({schema.name: schema}, DIRECTORY.issuer_keys)
    held = issue(schema, POLICE.key, POLICE.secret, {"a": 1, "b": 2}, TODAY)
    asked = request(queries=(Query("permit", schema.name, ("a",)),))
    honest = present(asked, {"permit": held}, known)
    verify_presentation(asked, honest, known, NOW)
    shown = replace(honest.credentials[0].shown, values={"a": 2})
    refused(
        present(asked, {"permit": held}, known, shown=(shown,)), "PROOF_INVALID", asked=asked, known=known
    )
