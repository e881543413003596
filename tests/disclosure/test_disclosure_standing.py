"""The terms of a standing consent: what they allow, what is signed, and what another question is."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from disclosure import (
    DisclosureError,
    ExpiryRule,
    LocalizedText,
    MalformedError,
    PolicyName,
    Query,
    RefusedError,
    Request,
    SchemaName,
    VerifierName,
    sign_request,
)
from disclosure.composite import (
    AcceptedIssuer,
    Branch,
    CompositeQuery,
    CompositeRequest,
    OldestEpoch,
    ValidOn,
)
from disclosure.names import IssuerKeyName
from disclosure.policy import AllowedItem, RegisteredPolicy, StandingLimits
from disclosure.standing import SignedTerms, StandingTerms, check_standing, sign_terms, template_of

NOW = dt.datetime(2026, 3, 1, 4, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()
QUERY = Query("permit", SchemaName("police", "permit", 1), ("district", "since"))
REQUEST = Request(
    VerifierName("bank"), LocalizedText("月查", "Monthly check"), (QUERY,), NOW, NOW + DAY,
    policy=PolicyName("bank", "monthly", 1),
)  # fmt: skip
TERMS = StandingTerms(template_of(REQUEST), 10, 30, dt.date(2026, 12, 31), NOW, NOW + 7 * DAY)


def refused(reason: str, act: Any, *args: Any, **options: Any) -> None:
    with pytest.raises(DisclosureError) as caught:
        act(*args, **options)
    assert caught.value.reason == reason


def test_terms_are_what_their_bytes_say() -> None:
    assert StandingTerms.from_bytes(TERMS.canonical) == TERMS
    assert (TERMS.verifier, TERMS.interval) == (VerifierName("bank"), 30 * DAY)
    assert TERMS.asked.policy == REQUEST.policy


@given(st.binary(min_size=32, max_size=32), st.integers(0, 10**6), st.integers(1, 7 * 86_400))
def test_another_nonce_and_other_times_are_the_same_question(nonce: bytes, after: int, life: int) -> None:
    created = NOW + dt.timedelta(seconds=after)
    later = replace(REQUEST, nonce=nonce, created=created, expires=created + dt.timedelta(seconds=life))
    assert TERMS.is_same(later)


@pytest.mark.parametrize(
    "change",
    [
        {"purpose": LocalizedText("月查", "Weekly check")},
        {"policy": PolicyName("bank", "monthly", 2)},
        {"policy": None},
        {"verifier": VerifierName("shop"), "policy": None},
        {"queries": (replace(QUERY, shown=("district", "since", "name")),)},
        {"queries": (replace(QUERY, shown=("district",)),)},
        {"queries": (replace(QUERY, shown=("since", "district")),)},
        {"queries": (replace(QUERY, expiry=ExpiryRule.WAIVED),)},
        {"queries": (replace(QUERY, schema=SchemaName("police", "permit", 2)),)},
        {"queries": (QUERY, replace(QUERY, id="other"))},
    ],
)
def test_whatever_else_differs_is_another_question(change: dict[str, Any]) -> None:
    assert not TERMS.is_same(replace(REQUEST, **change))


@pytest.mark.parametrize(
    "change",
    [
        {"times": 0},
        {"times": 1001},
        {"times": True},
        {"interval_days": -1},
        {"interval_days": 367},
        {"until": dt.date(2026, 2, 28)},
        {"until": dt.date(2037, 1, 1)},
        {"nonce": bytes(31)},
        {"expires": NOW},
        {"expires": NOW + 8 * DAY},
        {"created": NOW.replace(tzinfo=None)},
        {"template": REQUEST.canonical},
    ],
)
def test_terms_outside_their_bounds_are_none(change: dict[str, Any]) -> None:
    refused("REQUEST_INVALID", replace, TERMS, **change)


def test_only_the_registered_key_signs_terms() -> None:
    signed = sign_terms(TERMS, KEY)
    assert signed.open(lambda name: PUBLIC if name == TERMS.verifier else b"") == TERMS
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    for key in (other, b""):
        refused("REQUEST_SIGNATURE_INVALID", signed.open, lambda _, key=key: key)
    changed = SignedTerms(replace(TERMS, times=11).canonical, signed.signature)
    refused("REQUEST_SIGNATURE_INVALID", changed.open, lambda _: PUBLIC)
    refused("REQUEST_INVALID", SignedTerms, TERMS.canonical, bytes(63))


def test_a_signature_over_terms_is_none_over_a_request_and_the_other_way_round() -> None:
    signed = sign_request(REQUEST, KEY)
    refused(
        "REQUEST_SIGNATURE_INVALID", SignedTerms(TERMS.canonical, signed.signature).open, lambda _: PUBLIC
    )
    other = replace(signed, signature=sign_terms(TERMS, KEY).signature)
    refused("REQUEST_SIGNATURE_INVALID", other.check, REQUEST.verifier, lambda _: PUBLIC)


@given(st.integers(0, 400), st.integers(0, 255))
def test_changed_octets_are_no_terms_or_other_ones(place: int, octet: int) -> None:
    octets = bytearray(TERMS.canonical)
    if place >= len(octets) or octets[place] == octet:
        return
    octets[place] = octet
    try:
        read = StandingTerms.from_bytes(bytes(octets))
    except MalformedError:
        return
    assert read != TERMS
    assert read.canonical == bytes(octets)


def test_the_time_of_granting_and_the_last_day() -> None:
    TERMS.check_offered(NOW)
    for moment in (NOW + 7 * DAY, NOW - DAY):
        with pytest.raises(RefusedError):
            TERMS.check_offered(moment)
    # The last day ends at midnight in China.
    assert not TERMS.is_over(dt.datetime(2026, 12, 31, 15, 59, tzinfo=dt.UTC))
    assert TERMS.is_over(dt.datetime(2026, 12, 31, 16, tzinfo=dt.UTC))


# The composite form


def composite(day: dt.date, epoch: int = 5, **changes: Any) -> CompositeRequest:
    issuer = AcceptedIssuer(
        IssuerKeyName("police", "0" * 32), OldestEpoch(bytes(96), epoch, changes.pop("age", None))
    )
    query = CompositeQuery("permit", (SchemaName("police", "permit", 1),), (issuer,), ValidOn(day), ("name",))
    fields: dict[str, Any] = {"created": NOW, "expires": NOW + DAY} | changes
    branches = (Branch("main", (query,)),)
    return CompositeRequest(VerifierName("bank"), LocalizedText("月查", "Monthly"), branches, **fields)


LAST = dt.date(2026, 3, 2)


def test_the_day_of_a_hidden_expiry_and_the_oldest_epoch_move_with_the_times() -> None:
    terms = StandingTerms(template_of(composite(LAST)), 2, 0, dt.date(2026, 12, 31), NOW, NOW + DAY)
    month = 30 * DAY
    moved = composite(LAST + month, 9, created=NOW + month, expires=NOW + month + DAY)
    assert terms.is_same(moved)
    assert StandingTerms.from_bytes(terms.canonical) == terms
    sample = terms.sample(NOW + month, DAY)
    assert isinstance(sample, CompositeRequest)
    assert sample.branches[0].queries[0].expiry == ValidOn(LAST + month)
    assert terms.is_same(sample)


@pytest.mark.parametrize(
    "other",
    [
        composite(LAST + DAY),
        composite(LAST, age=86_400),
        composite(LAST + DAY, expires=NOW + DAY - dt.timedelta(hours=1)),
    ],
)
def test_a_longer_validity_or_another_age_is_another_question(other: CompositeRequest) -> None:
    assert template_of(other) != template_of(composite(LAST))


def test_a_day_before_the_requests_end_is_refused() -> None:
    refused("BOUND_INVALID", template_of, composite(LAST - DAY))


def test_a_day_after_the_last_that_there_is_can_be_asked_at_no_later_time() -> None:
    terms = StandingTerms(template_of(composite(dt.date.max)), 2, 0, dt.date(2026, 12, 31), NOW, NOW + DAY)
    terms.sample(NOW, DAY)
    refused("BOUND_INVALID", terms.sample, NOW + DAY, DAY)


MONTHLY = RegisteredPolicy(
    PolicyName("bank", "monthly", 1), "purposes/monthly", REQUEST.purpose,
    LocalizedText("测试办法", "Rules of testing"), 30,
    (AllowedItem("police", "permit", ("district", "since")),), standing=StandingLimits(10, 30, 306),
)  # fmt: skip


def test_terms_up_to_the_limits_of_their_policy_are_allowed() -> None:
    check_standing(TERMS, MONTHLY)
    check_standing(replace(TERMS, times=1, interval_days=366, until=dt.date(2026, 3, 1)), MONTHLY)


@pytest.mark.parametrize(
    ("limits", "places"),
    [
        (None, {"template"}),
        (StandingLimits(9, 30, 306), {"times"}),
        (StandingLimits(10, 31, 306), {"interval_days"}),
        (StandingLimits(10, 30, 305), {"until"}),
        (StandingLimits(9, 31, 305), {"times", "interval_days", "until"}),
    ],
)
def test_terms_beyond_a_limit_are_over_asking_and_each_excess_is_named(
    limits: StandingLimits | None, places: set[str]
) -> None:
    with pytest.raises(RefusedError) as caught:
        check_standing(TERMS, replace(MONTHLY, standing=limits))
    assert caught.value.reason == "OVER_ASKING"
    assert {each.field for each in caught.value.violations} == places
    assert str(len(places)) in caught.value.detail


def test_a_question_beyond_the_policy_is_over_asking_whatever_its_limits() -> None:
    less = replace(MONTHLY, items=(AllowedItem("police", "permit", ("since",)),))
    refused("OVER_ASKING", check_standing, TERMS, less)
    refused("POLICY_UNKNOWN", check_standing, TERMS, replace(MONTHLY, name=PolicyName("bank", "monthly", 2)))
