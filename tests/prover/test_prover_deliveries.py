"""Sending unasked over a real server: from a vault to a verifier, and from a vault to a vault."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from disclosure import LocalizedText, SendLink
from disclosure.event import EventKind
from prover import Vault
from prover.client import HolderClient
from prover.deliveries import ReceivedDelivery
from prover.errors import PresentingError
from prover.events import EventState
from prover.history import check_event
from tests.disclosure.composite.world import HOUSEHOLD, INSURANCE, PERMIT, VALUES
from tests.prover.composite_town import CompositeTown
from tests.prover.delivering import (
    MESSAGE,
    SCHOOL,
    client,
    drafted,
    folder,
    held,
    receiving,
    sent,
    with_account,
)
from tests.prover.making import PASSPHRASE, refused
from tests.zkservice.test_privacy import database_files, found
from verifier.client.deliveries import VerifierDeliveries
from verifier.delivery import DeliveryFolder
from wire.client import ServiceError


@pytest.fixture
def vault(composite: CompositeTown, tmp_path: Path) -> Iterator[Vault]:
    with Vault.create(tmp_path / "vault", PASSPHRASE, clock=composite.town.city.clock) as made:
        yield composite.stock(made)


@pytest.fixture
def friend(composite: CompositeTown, tmp_path: Path) -> Iterator[Vault]:
    """Another vault, which has an account."""
    with with_account(composite, tmp_path / "friend") as made:
        yield made


@pytest.fixture
def school(composite: CompositeTown) -> Iterator[VerifierDeliveries]:
    with receiving(composite) as made:
        yield made


@pytest.fixture
def kept(tmp_path: Path) -> DeliveryFolder:
    return folder(tmp_path / "kept")


def test_a_verifier_that_was_found_by_name_sees_what_was_sent(
    composite: CompositeTown, vault: Vault, school: VerifierDeliveries, kept: DeliveryFolder
) -> None:
    assert next(school.watch()) == 0
    assert [each.name for each in client(composite).search("SCHOO")] == [SCHOOL]
    assert client(composite).search("nobody at all") == []
    event = sent(composite, vault)
    assert event.state is EventState.RECORDED
    assert next(school.watch()) == 1
    (came,) = school.receive(kept)
    assert came.reason == "", came
    assert came.kept is not None
    permit, insurance = came.kept.shown
    expected = VALUES[PERMIT.name]
    assert dict(permit.values) == {name: expected[name] for name in ("name", "months")}
    assert dict(insurance.values) == {"employed": VALUES[INSURANCE.name]["employed"]}
    assert permit.expiry is None, "how long it is valid was proven, not shown"
    assert came.kept.question.message == MESSAGE
    assert [each.name for _, each in kept.all()] == [came.delivery]
    assert school.receive(kept) == []
    assert next(school.watch()) == 0


def test_the_sender_keeps_it_in_its_history_with_a_receipt_like_every_other(
    composite: CompositeTown, vault: Vault, school: VerifierDeliveries
) -> None:
    event = sent(composite, vault)
    assert (event.note.kind, event.note.party) == (EventKind.SENT, "verifiers/school")
    assert "months" in event.note.detail
    check_event(event, composite.log)
    (stored,) = vault.deliveries.sent()
    assert stored.event == event.id
    assert stored.question.digest == event.note.digest
    assert vault.deliveries.find(stored.id) == stored


def test_what_could_not_be_sent_goes_out_later_as_the_same_octets(
    composite: CompositeTown,
    vault: Vault,
    school: VerifierDeliveries,
    kept: DeliveryFolder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    draft = drafted(composite, vault)
    with monkeypatch.context() as patch:

        def unreachable(*_: object, **__: object) -> None:
            raise ServiceError(grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE", "gone")

        patch.setattr("prover.client.events.call", unreachable)
        _, event = client(composite).send(draft, vault, composite.log)
    assert event.state is EventState.SENT
    holder = HolderClient(composite.town.endpoint, clock=composite.town.city.clock)
    (again,) = holder.resume(vault, composite.log).events
    assert again.state is EventState.RECORDED
    assert again.call == event.call
    (came,) = school.receive(kept)
    assert came.kept is not None


def test_an_account_receives_by_the_link_that_it_shows(
    composite: CompositeTown, vault: Vault, friend: Vault
) -> None:
    link = client(composite).receive_by(LocalizedText("小红", "Xiaohong"), friend, composite.log)
    recipient = client(composite).scanned(type(link).parse(str(link)), composite.log)
    assert recipient.display_name.en == "Xiaohong"
    event = sent(composite, vault, recipient)
    assert event.state is EventState.RECORDED
    (came,) = client(composite).receive(friend, composite.log)
    assert isinstance(came.received, ReceivedDelivery), came
    assert came.received.shown[0].values["name"] == VALUES[PERMIT.name]["name"]
    assert friend.deliveries.received() == [came.received]
    (received,) = [each for each in friend.events() if each.note.kind is EventKind.RECEIVED]
    assert received.state is EventState.RECORDED
    check_event(received, composite.log)
    assert client(composite).receive(friend, composite.log) == []


def test_who_does_not_receive_is_sent_nothing(
    composite: CompositeTown, vault: Vault, school: VerifierDeliveries
) -> None:
    draft = drafted(composite, vault)
    school.shut()
    _, event = client(composite).send(draft, vault, composite.log)
    assert (event.state, event.reason) == (EventState.REFUSED, "RECEIVING_CLOSED")
    refused(ServiceError, "RECEIVING_CLOSED", client(composite).verifier, SCHOOL, composite.log)
    nobody = SendLink.to(composite.town.server, "accounts/nobody", bytes(32))
    refused(ServiceError, "NOT_FOUND", client(composite).scanned, nobody, composite.log)
    assert client(composite).search("school") == []


def test_what_waited_before_it_was_closed_is_still_received(
    composite: CompositeTown, vault: Vault, school: VerifierDeliveries, kept: DeliveryFolder
) -> None:
    sent(composite, vault)
    school.shut()
    (came,) = school.receive(kept)
    assert came.kept is not None


def test_what_was_stored_too_long_ago_is_not_sent_any_more(
    composite: CompositeTown, vault: Vault, school: VerifierDeliveries, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = drafted(composite, vault)
    with monkeypatch.context() as patch:
        patch.setattr("prover.client.deliveries.events.tried", lambda _, __, event, ___: event)
        client(composite).send(draft, vault, composite.log)
    composite.town.city.clock.ahead = dt.timedelta(hours=2)
    holder = HolderClient(composite.town.endpoint, clock=composite.town.city.clock)
    (event,) = holder.resume(vault, composite.log).events
    assert (event.state, event.reason) == (EventState.REFUSED, "REQUEST_EXPIRED")


def test_a_revoked_credential_cannot_be_sent(
    composite: CompositeTown, vault: Vault, school: VerifierDeliveries
) -> None:
    household = held(vault, HOUSEHOLD)
    composite.revoke(household)
    sender = client(composite)
    to = sender.verifier(SCHOOL, composite.log)
    wanted = {household.id: [household.schema.attributes[0].id]}
    refused(PresentingError, "NOTHING_FITS", sender.draft, to, wanted, vault, composite.log)


def test_the_service_keeps_nothing_of_what_was_sent_in_the_clear(
    composite: CompositeTown, vault: Vault, friend: Vault
) -> None:
    own = "柳絮儿"
    link = client(composite).receive_by(LocalizedText(own, own), friend, composite.log)
    recipient = client(composite).scanned(link, composite.log)
    draft = client(composite).draft(
        recipient, {held(vault).id: ["name", "number"]}, vault, composite.log, message=MESSAGE
    )
    client(composite).send(draft, vault, composite.log)
    (came,) = client(composite).receive(friend, composite.log)
    assert came.received is not None
    assert found([own.encode()], *database_files(composite.town.city.ready.data)), "its card is everybody's"
    (permit,) = came.received.shown
    shown = [str(each).encode() for each in permit.values.values()]
    assert len(shown) == 2
    presentation = came.received.presentation
    needles = [
        *shown,
        MESSAGE.encode(),
        presentation.proof,
        presentation.answer.usage_tag,
        draft.question.nonce,
    ]
    assert found(needles, *database_files(composite.town.city.ready.data)) == []
