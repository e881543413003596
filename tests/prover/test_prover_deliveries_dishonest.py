"""Sending unasked among the dishonest: recipients who pass on, services that swap, senders who cheat."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from disclosure import (
    DisclosureError,
    MalformedError,
    RefusedError,
    SendLink,
    SignedRequest,
    VerifierName,
    sign_request,
)
from disclosure.composite import (
    CompositeRequest,
    open_composite_request,
    verify_composite,
)
from disclosure.delivery import (
    ReceivingCard,
    ReceivingKey,
    UnaskedQuestion,
    open_delivery,
    seal_delivery,
)
from prover import Vault
from prover.client.deliveries import DeliveryClient
from prover.deliveries import SentDelivery
from prover.events import Event
from tests.disclosure.composite.world import PERMIT
from tests.prover.composite_town import CompositeTown
from tests.prover.delivering import (
    NAME,
    SCHOOL,
    client,
    drafted,
    folder,
    message_of,
    put,
    receiving,
    resealed,
    sent,
)
from tests.prover.making import PASSPHRASE, flip, refused
from tests.prover.proxy import Proxy, proxied
from tests.zkservice.revoking import new_handles
from tests.zkservice.sessions import opened
from verifier.client.deliveries import VerifierDeliveries
from verifier.delivery import DeliveryFolder
from wire.client import ServiceError, call
from wire.delivered import delivered
from wire.published import Reader
from zkproto.v1 import catalog_pb2, delivery_pb2_grpc
from zkproto.v1 import delivery_pb2 as pb

BANK = "verifiers/bank"


@pytest.fixture
def vault(composite: CompositeTown, tmp_path: Path) -> Iterator[Vault]:
    with Vault.create(tmp_path / "vault", PASSPHRASE, clock=composite.town.city.clock) as made:
        yield composite.stock(made)


@pytest.fixture
def school(composite: CompositeTown) -> Iterator[VerifierDeliveries]:
    with receiving(composite) as made:
        yield made


@pytest.fixture
def kept(tmp_path: Path) -> DeliveryFolder:
    return folder(tmp_path / "kept")


@pytest.fixture
def proxy(composite: CompositeTown, tmp_path: Path) -> Iterator[Proxy]:
    (tmp_path / "proxy").mkdir()
    with proxied(composite, tmp_path / "proxy") as made:
        yield made


def key_of(composite: CompositeTown, name: str) -> ReceivingKey:
    return ReceivingKey.of(composite.town.city.verifier_keys[name])


def once(composite: CompositeTown, vault: Vault) -> tuple[Event, SentDelivery]:
    event = sent(composite, vault)
    return event, vault.deliveries.sent()[-1]


def received(
    composite: CompositeTown, sealed: bytes, receipt: bytes, name: str = "school", **changes: Any
) -> Any:
    """Open and verify as a recipient does."""
    with composite.town.endpoint.channel() as channel:
        fields: dict[str, Any] = {
            "key": key_of(composite, name),
            "party": f"verifiers/{name}",
            "reader": Reader(channel, composite.log),
            "log": composite.log,
            "now": composite.town.city.clock(),
        }
        return delivered(sealed, receipt, **(fields | changes))


# Recipients


def test_another_recipient_cannot_open_it(
    composite: CompositeTown, vault: Vault, school: VerifierDeliveries
) -> None:
    event, _ = once(composite, vault)
    assert event.receipt is not None
    sealed = message_of(event).sealed
    assert received(composite, sealed, event.receipt).question.recipient == "verifiers/school"
    refused(RefusedError, "DELIVERY_INVALID", received, composite, sealed, event.receipt, "bank")
    stranger = ReceivingKey.of(Ed25519PrivateKey.generate())
    refused(RefusedError, "DELIVERY_INVALID", open_delivery, sealed, stranger, str(SCHOOL))
    refused(RefusedError, "DELIVERY_INVALID", open_delivery, sealed, key_of(composite, "school"), BANK)


def test_a_recipient_cannot_pass_it_on_as_sent_to_somebody_else(
    composite: CompositeTown, vault: Vault, school: VerifierDeliveries
) -> None:
    event, kept = once(composite, vault)
    bank, presentation = key_of(composite, "bank"), kept.presentation
    sealed = resealed(kept.question, presentation.canonical, BANK, bank.public)
    refused(RefusedError, "REQUEST_MISMATCH", received, composite, sealed, event.receipt, "bank")
    to_bank = replace(kept.question, recipient=BANK, key=bank.public)
    with VerifierDeliveries(
        composite.town.endpoint, VerifierName("bank"), composite.town.city.verifier_keys["bank"],
        composite.log, clock=composite.town.city.clock,
    ) as other:  # fmt: skip
        other.open(NAME)
        refused(RefusedError, "RECEIPT_MISMATCH", received, composite, seal_delivery(to_bank, presentation),
                event.receipt, "bank")  # fmt: skip
        receipt = put(composite, to_bank, presentation, event.holder_note)
        other.shut()
    with pytest.raises(DisclosureError) as caught:
        received(composite, seal_delivery(to_bank, presentation), receipt, "bank")
    assert caught.value.reason in {"PROOF_INVALID", "REQUEST_MISMATCH", "QUERY_MISMATCH"}


def test_a_recipient_cannot_make_an_asked_question_of_it(
    composite: CompositeTown, vault: Vault, school: VerifierDeliveries
) -> None:
    event, kept = once(composite, vault)
    signing = composite.town.city.verifier_keys["school"]
    public = signing.public_key().public_bytes_raw()
    signed = sign_request(kept.question, signing)
    refused(MalformedError, "MALFORMED", open_composite_request, signed, lambda _: public)
    refused(MalformedError, "MALFORMED", lambda: signed.request)
    asked = CompositeRequest(
        SCHOOL, kept.question.purpose, kept.question.branches, kept.question.created, kept.question.expires,
        kept.question.nonce,
    )  # fmt: skip
    stated = open_composite_request(
        SignedRequest(asked.canonical, sign_request(asked, signing).signature), lambda _: public
    )
    assert event.receipt is not None
    found = received(composite, message_of(event).sealed, event.receipt)
    with composite.town.endpoint.channel() as channel:
        proven = [each.epoch for each in kept.presentation.answer.credentials if each.epoch]
        directory = Reader(channel, composite.log).directory(stated, proven)
    for digest in (kept.presentation.answer.request_digest, stated.digest):
        answer = replace(kept.presentation.answer, request_digest=digest)
        claimed = replace(kept.presentation, answer=answer)
        with pytest.raises(DisclosureError) as caught:
            verify_composite(stated, claimed, directory, found.sent)
        expected = "PROOF_INVALID" if digest == stated.digest else "REQUEST_MISMATCH"
        assert caught.value.reason == expected


# What is changed on its way


def test_changed_octets_do_not_open(
    composite: CompositeTown, vault: Vault, school: VerifierDeliveries
) -> None:
    event, _ = once(composite, vault)
    sealed = message_of(event).sealed
    for place in (0, 31, 40, len(sealed) // 2, len(sealed) - 1):
        changed = flip(sealed, place)
        refused(RefusedError, "DELIVERY_INVALID", received, composite, changed, event.receipt)
    refused(MalformedError, "VALUE_INVALID", received, composite, sealed[:-1], event.receipt)


def test_another_message_is_another_question(
    composite: CompositeTown, vault: Vault, school: VerifierDeliveries
) -> None:
    event, kept = once(composite, vault)
    changed = replace(kept.question, message="something that its owner never wrote")
    sealed = seal_delivery(changed, kept.presentation)
    refused(RefusedError, "RECEIPT_MISMATCH", received, composite, sealed, event.receipt)
    receipt = put(composite, changed, kept.presentation, event.holder_note)
    with pytest.raises(DisclosureError) as caught:
        received(composite, sealed, receipt)
    assert caught.value.reason == "REQUEST_MISMATCH"
    answer = replace(kept.presentation.answer, request_digest=changed.digest)
    forged = replace(kept.presentation, answer=answer)
    refused(RefusedError, "PROOF_INVALID", received, composite, seal_delivery(changed, forged), receipt)


def test_a_receipt_of_something_else_is_refused(
    composite: CompositeTown, vault: Vault, school: VerifierDeliveries
) -> None:
    (first, _), (second, _) = once(composite, vault), once(composite, vault)
    sealed = message_of(first).sealed
    refused(RefusedError, "RECEIPT_MISMATCH", received, composite, sealed, second.receipt)
    question, presentation = vault.deliveries.sent()[0].question, vault.deliveries.sent()[0].presentation
    other = put(composite, replace(question, nonce=bytes(32)), presentation, second.holder_note)
    refused(RefusedError, "RECEIPT_MISMATCH", received, composite, sealed, other)


def test_what_is_dated_ahead_waits_for_its_time(
    composite: CompositeTown, vault: Vault, school: VerifierDeliveries, kept: DeliveryFolder
) -> None:
    sent(composite, vault)
    composite.town.city.clock.ahead = -dt.timedelta(minutes=10)
    (early,) = school.receive(kept)
    assert (early.kept, early.reason) == (None, "REQUEST_NOT_YET_VALID")
    composite.town.city.clock.ahead = dt.timedelta()
    (came,) = school.receive(kept)
    assert came.kept is not None


# Replays


def test_the_service_takes_a_question_once(
    composite: CompositeTown, vault: Vault, school: VerifierDeliveries
) -> None:
    event, kept = once(composite, vault)
    message = message_of(event)
    again = {"sealed": message.sealed, "request_id": message.request_id}
    same = put(composite, kept.question, kept.presentation, event.holder_note, **again)
    assert same.split(b"\n")[1] == (event.receipt or b"").split(b"\n")[1]
    error = refused(
        ServiceError, "REPLAYED", put, composite, kept.question, kept.presentation, event.holder_note
    )
    assert isinstance(error, ServiceError)


def test_a_service_that_delivers_twice_is_found_out(
    composite: CompositeTown, vault: Vault, school: VerifierDeliveries, kept: DeliveryFolder
) -> None:
    sent(composite, vault)
    (first,) = school.receive(kept)
    assert first.kept is not None
    assert kept.keep(first.kept) == first.path
    again = replace(first.kept, name="deliveries/another")
    refused(RefusedError, "DELIVERY_REPLAYED", kept.keep, again)


def test_what_was_sent_longer_ago_than_deliveries_wait_is_no_news(
    composite: CompositeTown, vault: Vault, school: VerifierDeliveries
) -> None:
    """Whoever has forgotten what came would else take it for new, whenever the service brings it again."""
    event, _ = once(composite, vault)
    assert event.receipt is not None
    sealed, now = message_of(event).sealed, composite.town.city.clock()
    found = received(composite, sealed, event.receipt, now=now + dt.timedelta(days=29))
    assert found.question.recipient == str(SCHOOL)
    for days in (31, 365):
        later = now + dt.timedelta(days=days)
        refused(RefusedError, "REQUEST_EXPIRED", received, composite, sealed, event.receipt, now=later)


# Cards


def test_a_verifier_is_called_what_its_card_says_and_not_what_the_service_lists_it_as(
    composite: CompositeTown, school: VerifierDeliveries, proxy: Proxy
) -> None:
    def rename(message: catalog_pb2.Verifier) -> None:
        message.display_name.zh, message.display_name.en = "市公安局", "Public Security Bureau"

    proxy.change("GetVerifier", catalog_pb2.Verifier, rename)
    sender = DeliveryClient(proxy.endpoint, clock=composite.town.city.clock)
    assert sender.verifier(SCHOOL, composite.log).display_name == NAME


def test_a_service_that_swaps_a_verifiers_key_is_found_out(
    composite: CompositeTown, school: VerifierDeliveries, proxy: Proxy
) -> None:
    own = Ed25519PrivateKey.generate()
    card = ReceivingCard(str(SCHOOL), NAME, ReceivingKey.of(own).public)
    sender = DeliveryClient(proxy.endpoint, clock=composite.town.city.clock)
    assert sender.verifier(SCHOOL, composite.log).card.party == str(SCHOOL)

    def swap(message: pb.GetReceivingCardResponse) -> None:
        signed = card.sign(own)
        message.card.payload, message.card.signature = signed.payload, signed.signature

    proxy.change("GetReceivingCard", pb.GetReceivingCardResponse, swap)
    refused(RefusedError, "SIGNATURE_INVALID", sender.verifier, SCHOOL, composite.log)


def test_a_service_that_swaps_an_accounts_key_is_found_out(
    composite: CompositeTown, school: VerifierDeliveries, proxy: Proxy
) -> None:
    own = Ed25519PrivateKey.generate()
    shown = ReceivingCard("accounts/abc", NAME, ReceivingKey.of(own).public)
    link = SendLink.to(proxy.endpoint.server, shown.party, shown.digest)
    sender = DeliveryClient(proxy.endpoint, clock=composite.town.city.clock)

    def answer(card: ReceivingCard) -> None:
        signed = card.sign(own)
        made = pb.GetReceivingCardResponse(
            card=pb.SignedCard(payload=signed.payload, signature=signed.signature)
        )
        proxy.instead["GetReceivingCard"] = lambda _: made.SerializeToString()

    answer(shown)
    assert sender.scanned(link, composite.log).card == shown
    for swapped in (
        replace(shown, public_key=ReceivingKey.of(Ed25519PrivateKey.generate()).public),
        replace(shown, party="accounts/abd"),
        replace(shown, display_name=replace(NAME, en="Somebody else")),
    ):
        answer(swapped)
        refused(RefusedError, "SIGNATURE_INVALID", sender.scanned, link, composite.log)


def test_a_card_that_another_key_has_signed_is_not_published(
    composite: CompositeTown, school: VerifierDeliveries
) -> None:
    city, own = composite.town.city, composite.town.city.verifier_keys["bank"]
    token = composite.town.run(opened(city, BANK, own))
    for party, key in ((str(SCHOOL), own), (BANK, city.verifier_keys["school"])):
        signed = ReceivingCard(party, NAME, ReceivingKey.of(own).public).sign(key)
        card = pb.SignedCard(payload=signed.payload, signature=signed.signature)
        message = pb.PublishReceivingCardRequest(card=card)
        with composite.town.endpoint.channel() as channel:
            stub = delivery_pb2_grpc.DeliveryServiceStub(channel)
            refused(ServiceError, "SIGNATURE_INVALID", call, stub.PublishReceivingCard, message, token=token)


def test_a_key_that_everybody_knows_is_sealed_to_by_nobody(
    composite: CompositeTown, vault: Vault, school: VerifierDeliveries
) -> None:
    _, kept = once(composite, vault)
    weak = replace(kept.question, key=bytes(32))
    refused(MalformedError, "MALFORMED", seal_delivery, weak, kept.presentation)


# Senders


def cheating(
    composite: CompositeTown, school: VerifierDeliveries, wait: dt.timedelta
) -> tuple[UnaskedQuestion, Any, bytes]:
    """Answer a question of one's own by the epochs that were there when the city was made, a while later."""
    city, clock = composite.city, composite.town.city.clock
    composite.town.run(composite.office(PERMIT).revoke(*new_handles(1)))
    clock.ahead += wait
    query = city.query("permit", PERMIT, shown=("name",))
    question = UnaskedQuestion.of(
        str(SCHOOL), key_of(composite, "school").public, (query,), clock().replace(microsecond=0)
    )
    presented, note = city.presented(question)
    return question, presented.presentation, note


def test_a_sender_cannot_ask_itself_for_an_epoch_of_before_its_revocation(
    composite: CompositeTown, vault: Vault, school: VerifierDeliveries
) -> None:
    question, presentation, note = cheating(composite, school, dt.timedelta(minutes=1))
    receipt = put(composite, question, presentation, note)
    assert received(composite, seal_delivery(question, presentation), receipt).question == question
    for wait in (dt.timedelta(hours=2), dt.timedelta(hours=50)):
        question, presentation, note = cheating(composite, school, wait)
        receipt = put(composite, question, presentation, note)
        sealed = seal_delivery(question, presentation)
        refused(RefusedError, "EPOCH_STALE", received, composite, sealed, receipt)


def test_a_draft_shows_what_the_vault_holds_before_anything_is_proven(
    composite: CompositeTown, vault: Vault, school: VerifierDeliveries
) -> None:
    draft = drafted(composite, vault)
    (permit, insurance) = draft.plan.credential_answers()
    assert set(permit.shown.values) == {"name", "months"}
    assert set(insurance.shown.values) == {"employed"}
    assert vault.deliveries.sent() == []
    sender = client(composite)
    to, wanted = draft.recipient, {vault.composite.credentials()[0].id: ["x"]}
    refused(MalformedError, "ATTRIBUTE_UNKNOWN", sender.draft, to, wanted, vault, composite.log)
