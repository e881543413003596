"""Verifying presentations: the honest one holds, everything else is refused, each with its own reason."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

import pytest

import bbs
from disclosure import (
    Directory,
    DisclosureError,
    ExpiryRule,
    IssuerKey,
    KeyState,
    Presentation,
    Query,
    issue,
    issuer_key_name,
)
from tests.disclosure.world import (
    CREDENTIALS,
    DIRECTORY,
    HRSS,
    INSURANCE,
    ISSUERS,
    NOW,
    PERMIT,
    PERMIT_CREDENTIAL,
    POLICE,
    QUERIES,
    REQUEST,
    TODAY,
    credential,
    directory,
    issuer,
    present,
    request,
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
from verifier import required_names, schema_names, verify_presentation

# ---- what holds


def test_an_honest_presentation_holds() -> None:
    verified = verify_presentation(REQUEST, ANSWER, DIRECTORY, NOW)
    assert verified.request is REQUEST
    assert verified.presentation_digest == ANSWER.digest
    permit, insurance = verified.credentials
    assert (permit.query, str(permit.department)) == ("permit", "departments/public-security")
    assert (permit.schema, permit.issuer_key) == (PERMIT.name, POLICE.key.name)
    assert permit.values == {
        "district": "370102",
        "continuous_since": dt.date(2019, 5, 1),
        "remark": None,
    }
    assert permit.expiry == PERMIT_CREDENTIAL.expiry
    assert insurance.values == {"base": 812_300, "employed": True, "photo": bytes(range(32))}
    assert insurance.expiry is None
    assert verified.credential("insurance") is insurance
    with pytest.raises(KeyError):
        verified.credential("other")
    assert "370102" not in repr(verified)


def test_each_combination_of_what_is_shown_holds() -> None:
    names = [each.id for each in PERMIT.attributes]
    for mask in range(1 << len(names)):
        shown = tuple(name for bit, name in enumerate(names) if mask >> bit & 1)
        rule = ExpiryRule.SHOWN if mask % 3 else ExpiryRule.WAIVED
        asked = request(queries=(Query("permit", PERMIT.name, shown, rule),))
        verified = verify_presentation(asked, present(asked, CREDENTIALS), DIRECTORY, NOW)
        assert set(verified.credentials[0].values) == set(shown)


def test_both_suites_and_a_present_optional_value_hold() -> None:
    asked = request(queries=QUERIES[:1])
    for by in (0, 1):
        answer = present(asked, {"permit": credential(PERMIT, by, remark="有效")})
        verified = verify_presentation(asked, answer, DIRECTORY, NOW)
        assert verified.credentials[0].values["remark"] == "有效"
        assert verified.credentials[0].issuer_key == ISSUERS[by].key.name


def test_a_key_that_signs_no_more_still_verifies() -> None:
    verify_presentation(REQUEST, ANSWER, directory(police=KeyState.VERIFY_ONLY), NOW)


def test_two_presentations_of_one_request_differ_and_both_hold() -> None:
    other = present(REQUEST, CREDENTIALS)
    assert other.digest != ANSWER.digest
    verify_presentation(REQUEST, other, DIRECTORY, NOW)


# ---- time


def test_the_request_must_be_alive() -> None:
    refused(ANSWER, "REQUEST_EXPIRED", now=REQUEST.expires)
    refused(ANSWER, "REQUEST_NOT_YET_VALID", now=NOW - dt.timedelta(minutes=3))


def test_an_archived_answer_is_judged_as_of_its_moment() -> None:
    later = NOW + dt.timedelta(days=3650)
    moment = NOW + dt.timedelta(minutes=1)
    assert verify_presentation(REQUEST, ANSWER, DIRECTORY, later, at=moment).request is REQUEST
    with pytest.raises(DisclosureError) as caught:
        verify_presentation(REQUEST, ANSWER, DIRECTORY, moment, at=later)
    assert caught.value.reason == "REQUEST_EXPIRED"


def test_an_expired_credential_is_refused_where_its_expiry_is_asked_for() -> None:
    asked = request(queries=QUERIES[:1], expires=NOW + 7 * DAY)
    answer = present(asked, {"permit": credential(PERMIT, 0, TODAY - 90 * DAY)})
    assert answer.credentials[0].shown.expiry == TODAY
    verify_presentation(asked, answer, DIRECTORY, NOW)
    refused(answer, "CREDENTIAL_EXPIRED", "credentials[0].expiry", asked=asked, now=NOW + DAY)


def test_an_expired_credential_is_accepted_only_where_its_expiry_was_waived() -> None:
    asked = request(queries=(replace(QUERIES[0], expiry=ExpiryRule.WAIVED),))
    answer = present(asked, {"permit": credential(PERMIT, 0, TODAY - 400 * DAY)})
    verify_presentation(asked, answer, DIRECTORY, NOW)


# ---- keys


def test_a_department_that_nobody_registered() -> None:
    refused(ANSWER, "ISSUER_KEY_UNKNOWN", "credentials[1].issuer_key", known=directory(without_key="hrss"))
    unknown = Directory({PERMIT.name: PERMIT}, DIRECTORY.issuer_keys)
    refused(ANSWER, "SCHEMA_UNKNOWN", "queries[1].schema", known=unknown)


def test_a_self_made_issuer_is_refused() -> None:
    """A stranger signs with its own key under the department's name; the key is not in the directory."""
    stranger = issuer("public-security", 77)
    held = issue(PERMIT, stranger.key, stranger.secret, PERMIT_CREDENTIAL.values, TODAY)
    keys = {**DIRECTORY.issuer_keys, stranger.key.name: stranger.key}
    answer = present(REQUEST, {**CREDENTIALS, "permit": held}, Directory(DIRECTORY.schemas, keys))
    refused(answer, "ISSUER_KEY_UNKNOWN", "credentials[0].issuer_key")


def test_a_retired_key_is_refused() -> None:
    refused(
        ANSWER, "ISSUER_KEY_RETIRED", "credentials[0].issuer_key", known=directory(police=KeyState.RETIRED)
    )


def test_a_registered_key_that_is_no_point_verifies_nothing() -> None:
    for octets in (bytes(96), b"\xff" * 96, b"\xc0" + bytes(95)):
        name = issuer_key_name("public-security", str(bbs.SHA_256), octets)
        known = Directory(
            DIRECTORY.schemas, {**DIRECTORY.issuer_keys, name: IssuerKey(name, str(bbs.SHA_256), octets)}
        )
        refused(changed_shown(0, issuer_key=name), "PROOF_INVALID", PROOF_0, known=known)


# ---- proofs


def with_proof(proof: bytes) -> Presentation:
    return replace(ANSWER, credentials=(replace(FIRST, proof=proof), SECOND))


@pytest.mark.parametrize(
    "proof",
    [
        FIRST.proof[:-32],
        FIRST.proof + bytes(32),
        FIRST.proof[:272],
        FIRST.proof + FIRST.proof[-320:],
        SECOND.proof,
    ],
    ids=["too short", "too long", "shortest", "much too long", "of the other"],
)
def test_a_proof_of_another_length_is_refused_before_it_is_looked_at(proof: bytes) -> None:
    error = refused(with_proof(proof), "PROOF_INVALID", PROOF_0)
    assert "octets" in error.detail


def test_lengths_are_checked_before_any_proof_is_verified() -> None:
    broken = (replace(FIRST, proof=bytes(len(FIRST.proof))), replace(SECOND, proof=SECOND.proof + bytes(32)))
    refused(replace(ANSWER, credentials=broken), "PROOF_INVALID", PROOF_1)


def test_each_octet_of_a_proof_counts() -> None:
    for place in range(len(FIRST.proof)):
        octets = bytearray(FIRST.proof)
        octets[place] ^= 1 << place % 8
        refused(with_proof(bytes(octets)), "PROOF_INVALID", PROOF_0)


@pytest.mark.parametrize(
    ("proof", "inner"),
    [
        (bytes(len(FIRST.proof)), "INVALID_SCALAR"),
        (b"\xff" * len(FIRST.proof), "INVALID_SCALAR"),
        (bytes(48) + FIRST.proof[48:], "INVALID_POINT"),
        (b"\xff" * 48 + FIRST.proof[48:], "INVALID_POINT"),
        (b"\xc0" + bytes(47) + FIRST.proof[48:], "IDENTITY_POINT"),
        (FIRST.proof[:-32] + b"\xff" * 32, "INVALID_SCALAR"),
        (FIRST.proof[:-32] + bytes(32), "INVALID_SCALAR"),
    ],
)
def test_a_malformed_proof_is_refused_with_the_inner_reason(proof: bytes, inner: str) -> None:
    assert inner in refused(with_proof(proof), "PROOF_INVALID", PROOF_0).detail


def test_the_second_proof_is_verified_too() -> None:
    octets = bytearray(SECOND.proof)
    octets[-1] ^= 1
    broken = replace(ANSWER, credentials=(FIRST, replace(SECOND, proof=bytes(octets))))
    refused(broken, "PROOF_INVALID", PROOF_1)


def test_no_refusal_shows_a_value_or_a_proof() -> None:
    for answer in (changed_value(0, "district", "370103"), with_proof(bytes(len(FIRST.proof)))):
        with pytest.raises(DisclosureError) as caught:
            verify_presentation(REQUEST, answer, DIRECTORY, NOW)
        text = f"{caught.value!s} {caught.value!r}"
        assert "370103" not in text
        assert FIRST.proof.hex()[:16] not in text
        assert caught.value.__cause__ is None


# ---- names that a directory needs


def test_the_names_that_verifying_needs() -> None:
    schemas, keys = required_names(REQUEST, ANSWER)
    assert schemas == schema_names(REQUEST) == (PERMIT.name, INSURANCE.name)
    assert keys == (POLICE.key.name, HRSS.key.name)
    just_enough = Directory(
        {name: DIRECTORY.schema(name) for name in schemas},
        {name: DIRECTORY.issuer_key(name) for name in keys},
    )
    verify_presentation(REQUEST, ANSWER, just_enough, NOW)


def test_each_name_is_needed_once() -> None:
    queries = (Query("one", PERMIT.name, ()), Query("two", PERMIT.name, ()))
    asked = request(queries=queries)
    answer = present(asked, {"one": PERMIT_CREDENTIAL, "two": PERMIT_CREDENTIAL})
    assert required_names(asked, answer) == ((PERMIT.name,), (POLICE.key.name,))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: replace(ANSWER, request_digest=bytes(32)), "REQUEST_MISMATCH"),
        (lambda: replace(ANSWER, credentials=(FIRST,) * 16), "QUERY_MISMATCH"),
    ],
)
def test_no_presentation_makes_its_reader_load_more(make: Callable[[], Presentation], reason: str) -> None:
    with pytest.raises(DisclosureError) as caught:
        required_names(REQUEST, make())
    assert caught.value.reason == reason
