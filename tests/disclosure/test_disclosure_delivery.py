"""Unasked questions hold what was chosen and nothing else; cards and links say whose key it is."""

import datetime as dt
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from disclosure import (
    DisclosureError,
    LocalizedText,
    MalformedError,
    RefusedError,
    SendLink,
    SignedRequest,
    VerifierName,
    canonical,
)
from disclosure.composite import (
    Branch,
    CompositeQuery,
    CompositeRequest,
    ExpiryShown,
    PseudonymQuery,
    VerifierScope,
    Waiver,
    at_least,
    is_composite,
)
from disclosure.delivery import ReceivingCard, ReceivingKey, SignedCard, UnaskedQuestion, open_delivery
from disclosure.delivery.sealing import SEALED_SIZES
from disclosure.names import PolicyName
from tests.disclosure.composite.policy import op
from tests.disclosure.composite.world import INSURANCE, PERMIT, PERMIT_2, accepted, department_of, query

NOW = dt.datetime(2026, 6, 1, 8, tzinfo=dt.UTC)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
NAME = LocalizedText("学校", "School")
SIGNATURE = bytes(64)


def permit(**changes: Any) -> CompositeQuery:
    by = department_of(PERMIT)
    fields: dict[str, Any] = {"issuers": (accepted(by),), "expiry": ExpiryShown(), "shown": ("name",)}
    return query("permit", PERMIT, **(fields | changes))


def question(*queries: CompositeQuery, **changes: Any) -> UnaskedQuestion:
    made = UnaskedQuestion.of(
        "verifiers/school", ReceivingKey.of(KEY).public, queries or (permit(),), NOW, "for my lease"
    )
    return replace(made, **changes)


def test_a_question_comes_back_from_its_octets() -> None:
    made = question()
    assert UnaskedQuestion.from_bytes(made.canonical) == made
    assert question().digest != made.digest, "each has a nonce of its own"
    for changed in (
        {"message": ""}, {"recipient": "verifiers/bank"}, {"recipient": "accounts/school"},
        {"key": bytes(32)}, {"nonce": bytes(32)},
    ):  # fmt: skip
        assert replace(made, **changed).digest != made.digest


def places(items: list[Any]) -> Iterator[tuple[list[Any], int]]:
    """Give every place in nested lists."""
    for index, each in enumerate(items):
        yield items, index
        if isinstance(each, list):
            yield from places(each)


@pytest.mark.parametrize(
    "strange", [-(1 << 63), -1, 1 << 63, (1 << 64) - 1, True, None, "", "\x00", b"", bytes(96), []]
)
def test_whatever_stands_in_any_place_of_a_question_is_refused_by_name(strange: Any) -> None:
    """Its sender is anonymous: a bare ValueError would stop the loop of who receives it."""
    label, octets = "zk-disclosure/unasked-question/v1", question().canonical
    for number in range(sum(1 for _ in places(canonical.decode(label, octets)))):
        items: list[Any] = canonical.decode(label, octets)
        inside, index = list(places(items))[number]
        inside[index] = strange
        changed = canonical.encode(label, *items)
        with suppress(DisclosureError):
            assert UnaskedQuestion.from_bytes(changed).canonical == changed


def test_its_octets_are_no_request_of_any_form() -> None:
    signed = SignedRequest(question().canonical, SIGNATURE)
    assert not is_composite(signed)
    with pytest.raises(MalformedError):
        CompositeRequest.from_bytes(signed.payload)
    with pytest.raises(MalformedError):
        _ = signed.request
    made = question()
    asked = CompositeRequest(
        made.verifier, made.purpose, made.branches, made.created, made.expires, made.nonce
    )
    with pytest.raises(MalformedError):
        UnaskedQuestion.from_bytes(asked.canonical)


@pytest.mark.parametrize(
    "changes",
    [
        {"verifier": VerifierName("school")},
        {"purpose": NAME},
        {"policy": PolicyName("nobody", "any", 1)},
        {"expires": NOW + dt.timedelta(hours=2)},
        {"message": "x" * 501},
        {"message": "two\nlines"},
        {"key": bytes(31)},
        {"recipient": "departments/police"},
        {"recipient": "accounts/"},
        {"recipient": "accounts/a/b"},
        {"branches": (Branch("other", (permit(),)),)},
        {"branches": (Branch("sent", (permit(),)), Branch("more", (permit(),)))},
        {"branches": (Branch("sent", (permit(),), predicates=(at_least(op("permit.months"), 1),)),)},
        {"branches": (Branch("sent", (permit(),), pseudonyms=(PseudonymQuery("me", VerifierScope("x")),)),)},
        {"branches": (Branch("sent", (permit(shown=()),)),)},
        {"branches": (Branch("sent", (permit(schemas=(PERMIT.name, PERMIT_2.name)),)),)},
    ],
)
def test_it_holds_nothing_but_what_is_shown(changes: dict[str, Any]) -> None:
    with pytest.raises(MalformedError):
        question(**changes)


def test_it_cannot_waive_that_a_credential_is_not_revoked() -> None:
    waived = replace(permit().issuers[0], revocation=Waiver.REVOCATION)
    with pytest.raises(MalformedError) as caught:
        question(permit(issuers=(waived,)))
    assert caught.value.field == "queries[0]"


def test_two_credentials_stand_in_one_question() -> None:
    by = department_of(INSURANCE)
    other = query("insurance", INSURANCE, issuers=(accepted(by),), expiry=ExpiryShown(), shown=("employed",))
    assert len(question(permit(), other).queries) == 2


def test_a_card_is_its_partys_own() -> None:
    card = ReceivingCard("verifiers/school", NAME, ReceivingKey.of(KEY).public)
    signed, public = card.sign(KEY), KEY.public_key().public_bytes_raw()
    assert signed.open("verifiers/school", public) == card
    other = Ed25519PrivateKey.generate()
    swapped = SignedCard(replace(card, public_key=bytes(32)).canonical, signed.signature)
    for bad, party, key in (
        (signed, "verifiers/bank", public),
        (signed, "verifiers/school", other.public_key().public_bytes_raw()),
        (card.sign(other), "verifiers/school", public),
        (SignedCard(signed.payload, signed.signature[:-1]), "verifiers/school", public),
        (swapped, "verifiers/school", public),
        (signed, "verifiers/school", b""),
    ):  # fmt: skip
        with pytest.raises(RefusedError) as caught:
            bad.open(party, key)
        assert caught.value.reason == "SIGNATURE_INVALID"


@pytest.mark.parametrize("party", ["verifiers/school", "verifiers/a-b", "accounts/-_Zx09-a"])
def test_a_link_names_the_recipient_and_its_card(party: str) -> None:
    card = ReceivingCard(party, NAME, bytes(32))
    link = SendLink.parse(str(SendLink.to("localhost:8443", party, card.digest)))
    assert (link.recipient, link.card) == (party, card.digest)


def test_a_receiving_key_does_not_show_itself() -> None:
    key = ReceivingKey.of(KEY)
    assert key.private.private_bytes_raw().hex() not in repr(key)
    assert key.private.private_bytes_raw() != KEY.private_bytes_raw()
    assert ReceivingKey.of(KEY).public == key.public


@given(st.binary(max_size=200))
def test_whatever_comes_is_refused_with_a_reason(octets: bytes) -> None:
    with pytest.raises(MalformedError):
        UnaskedQuestion.from_bytes(octets)
    with pytest.raises(MalformedError):
        ReceivingCard.from_bytes(octets)
    sealed = octets.ljust(SEALED_SIZES[0], b"x")
    with pytest.raises(RefusedError) as caught:
        open_delivery(sealed, ReceivingKey.of(KEY), "verifiers/school")
    assert caught.value.reason == "DELIVERY_INVALID"
