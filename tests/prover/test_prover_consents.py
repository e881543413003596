"""Standing consents over the real server: within limits, beyond them, withdrawn; held to on both sides."""

import datetime as dt
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest

from disclosure import ConsentLink, RefusedError, VerifierName
from disclosure.event import EventKind
from disclosure.policy import StandingLimits
from prover import NoteSummary, Vault
from prover.client import HolderClient
from prover.client import consents as attending
from prover.client.consents import ConsentClient, StandingConsent
from prover.errors import PresentingError
from prover.events import EventState
from prover.history import check_event
from prover.notes import EventNote
from prover.recovery import keys_of, words_of
from prover.standing import GrantState, HeldConsent
from tests.prover.consenting import DAY, Parties, at
from tests.prover.making import PASSPHRASE, refused
from tests.prover.town import Town
from tests.zkservice.support import new_id
from verifier.client import VerifierClient
from verifier.client.consents import ConsentState, VerifierConsents
from verifier.errors import DeclinedError, WithdrawnError
from wire import client as calling
from wire.client import Endpoint, ServiceError
from zkproto.v1 import consent_pb2, consent_pb2_grpc, presentation_pb2


@pytest.fixture
def parties(town: Town, tmp_path: Path) -> Iterator[Parties]:
    with at(town, tmp_path / "holder.vault") as made:
        yield made


def test_ten_times_and_not_the_eleventh_on_both_sides(parties: Parties) -> None:
    consent = parties.granted(times=10, interval=30)
    for number in range(10):
        exchange = parties.use(consent)
        (attended,) = parties.attend()
        assert attended.usage is not None
        assert parties.wait(exchange).verified.credentials[0].values == {"district": "370102"}
        status = parties.bank.status(consent.consent, consent.result_token)
        assert (status.state, status.used) == (ConsentState.GRANTED, number + 1)
        parties.later(30 * DAY)
    refused(ServiceError, "CONSENT_EXHAUSTED", parties.use, consent)
    # A service that forgets to count gets no eleventh answer either, and the refusal is on the ledger.
    parties.lift(consent, used=0)
    eleventh = parties.use(consent)
    (attended,) = parties.attend()
    assert (attended.usage, attended.reason) == (None, "CONSENT_BEYOND")
    with pytest.raises(DeclinedError):
        parties.wait(eleventh)
    assert len(parties.vault.usages()) == 10
    assert parties.kinds() == [EventKind.CONSENT_GRANTED, EventKind.OVER_ASKED]
    for event in parties.vault.events():
        check_event(event, parties.town.log)


def test_the_screen_tells_who_has_asked_before_and_until_when_the_consent_itself_is_offered(
    parties: Parties,
) -> None:
    parties.use(parties.granted())
    parties.attend()
    asked, screens = parties.bank.ask(terms := parties.terms()), list[Any]()

    def agrees(consent: Any) -> bool:
        screens.append(consent.each)
        return False

    parties.holder.answer(asked.link, parties.vault, parties.town.log, agrees)
    (screen,) = screens
    assert (screen.asker.record.answers, screen.ends) == (1, terms.expires)


def test_too_early_on_both_sides(parties: Parties) -> None:
    consent = parties.granted(interval=30)
    parties.use(consent)
    assert parties.attend()[0].usage is not None
    parties.later(29 * DAY)
    refused(ServiceError, "CONSENT_TOO_EARLY", parties.use, consent)
    parties.lift(consent, last_used=None)
    early = parties.use(consent)
    assert parties.attend()[0].reason == "CONSENT_BEYOND"
    with pytest.raises(DeclinedError):
        parties.wait(early)


def test_too_late_on_both_sides(parties: Parties) -> None:
    consent = parties.granted(interval=0, days=10)
    parties.later(11 * DAY)
    refused(ServiceError, "CONSENT_EXPIRED", parties.use, consent)
    (held,) = parties.vault.consents.all()
    refused(PresentingError, "CONSENT_BEYOND", held.check, parties.request(), parties.town.city.clock())
    assert parties.bank.status(consent.consent, consent.result_token).state is ConsentState.EXPIRED


def test_another_question_on_both_sides(parties: Parties) -> None:
    consent = parties.granted()
    more = parties.request(shown=("district", "name"))
    refused(ServiceError, "CONSENT_MISMATCH", parties.use, consent, more)
    (held,) = parties.vault.consents.all()
    now = parties.town.city.clock()
    refused(PresentingError, "CONSENT_BEYOND", held.check, more, now)
    held.check(parties.request(lifetime=dt.timedelta(days=2)), now)


LIMITS = StandingLimits(10, 30, 331)


@pytest.mark.parametrize(
    ("limits", "places"),
    [
        (None, {"template"}),
        (replace(LIMITS, times=9), {"times"}),
        (replace(LIMITS, interval_days=31), {"interval_days"}),
        (replace(LIMITS, days=330), {"until"}),
        (StandingLimits(9, 31, 330), {"times", "interval_days", "until"}),
    ],
    ids=["unlisted", "times", "interval", "until", "all"],
)
def test_what_the_registered_policy_does_not_allow_beforehand_nobody_can_agree_to(
    parties: Parties, monkeypatch: pytest.MonkeyPatch, limits: StandingLimits | None, places: set[str]
) -> None:
    """The service refuses it; and the vault, where the service lets it through."""
    terms = parties.limited(limits)
    error = refused(ServiceError, "OVER_ASKING", parties.bank.ask, terms)
    assert isinstance(error, ServiceError)
    assert {each.field for each in error.violations} == {f"signed_terms.{each}" for each in places}
    monkeypatch.setattr("zkservice.services.consents.check_standing", lambda *_: None)
    asked = parties.bank.ask(terms)
    answer = parties.holder.answer
    error = refused(RefusedError, "OVER_ASKING", answer, asked.link, parties.vault, parties.town.log, nobody)
    assert isinstance(error, RefusedError)
    assert {each.field for each in error.violations} == places
    assert parties.vault.consents.all() == []


def nobody(_: StandingConsent) -> bool:
    raise AssertionError("the person was asked")


def test_what_it_allows_can_be_agreed_to(parties: Parties) -> None:
    asked = parties.bank.ask(parties.limited(LIMITS))
    event = parties.holder.answer(asked.link, parties.vault, parties.town.log, lambda _: True)
    assert event.state is EventState.RECORDED


def test_a_consent_beyond_the_limits_that_is_held_all_the_same_is_not_answered_under(
    parties: Parties, monkeypatch: pytest.MonkeyPatch
) -> None:
    terms = parties.limited(replace(LIMITS, times=9))
    with monkeypatch.context() as patch:
        for where in ("zkservice.services", "prover.client"):
            patch.setattr(f"{where}.consents.check_standing", lambda *_: None)
        asked = parties.bank.ask(terms)
        parties.holder.answer(asked.link, parties.vault, parties.town.log, lambda _: True)
    parties.use(asked, replace(parties.request(), policy=terms.asked.policy))
    assert [(each.usage, each.reason) for each in parties.attend()] == [(None, "OVER_ASKING")]
    assert parties.kinds() == [EventKind.CONSENT_GRANTED, EventKind.OVER_ASKED]


def test_another_verifier_gets_nothing_under_it(parties: Parties) -> None:
    consent = parties.granted()
    town = parties.town
    name = VerifierName("school")
    with VerifierConsents(town.endpoint, name, town.city.verifier_keys["school"], time.sleep) as school:
        args = (consent.consent, consent.result_token, town.city.request("school"))
        refused(ServiceError, "CONSENT_MISMATCH", school.use, *args)
        refused(ServiceError, "NOT_FOUND", school.use, consent.consent, "x" * 43, args[2])
    refused(ServiceError, "NOT_FOUND", parties.bank.status, consent.consent, consent.link.ticket)


def lying(monkeypatch: pytest.MonkeyPatch, exchange: str, ticket: str) -> None:
    """Have the service name an exchange that was not addressed to the consent."""
    real = calling.call

    def call(method: Any, message: Any, **given: Any) -> Any:
        if not isinstance(message, consent_pb2.ListConsentExchangesRequest):
            return real(method, message, **given)
        told = consent_pb2.ConsentExchange(exchange=exchange, ticket=ticket)
        return consent_pb2.ListConsentExchangesResponse(exchanges=[told])

    monkeypatch.setattr(attending, "call", call)


def test_what_another_verifier_asks_is_not_refused_in_its_name(
    parties: Parties, monkeypatch: pytest.MonkeyPatch
) -> None:
    parties.granted()
    city = parties.town.city
    name, key = VerifierName("school"), city.verifier_keys["school"]
    with VerifierClient(parties.town.endpoint, name, key, parties.town.log, clock=city.clock) as school:
        link = school.ask(city.request("school")).link
    lying(monkeypatch, link.exchange, link.ticket)
    (told,) = parties.attend()
    assert (told.usage, told.reason) == (None, "CONSENT_BEYOND")
    assert [each.note.kind for each in parties.vault.events()] == [EventKind.CONSENT_GRANTED]


def test_an_answered_request_under_another_name_is_neither_answered_again_nor_refused(
    parties: Parties,
) -> None:
    consent = parties.granted(interval=0)
    parties.use(consent)
    (answered,) = parties.attend()
    assert answered.usage is not None
    request, (held,) = answered.usage.request, parties.vault.consents.all()
    refused(PresentingError, "CONSENT_BEYOND", parties.vault.consents.asked, held.id, request)
    held.check(request, parties.town.city.clock())
    assert parties.vault.consents.asked(held.id, parties.request()) == held


def test_withdrawn_at_once_on_both_sides(parties: Parties) -> None:
    consent = parties.granted(interval=0)
    waiting = parties.use(consent)
    (held,) = parties.vault.consents.all()
    event = parties.holder.withdraw(held.id, parties.vault, parties.town.log)
    assert (event.state, event.note.kind) == (EventState.RECORDED, EventKind.CONSENT_WITHDRAWN)
    check_event(event, parties.town.log)
    with pytest.raises(WithdrawnError):
        parties.wait(waiting)
    refused(ServiceError, "CONSENT_WITHDRAWN", parties.use, consent)
    assert parties.bank.status(consent.consent, consent.result_token).state is ConsentState.WITHDRAWN
    # A service that goes on all the same is not attended to.
    parties.lift(consent, state="granted")
    parties.use(consent)
    assert parties.attend() == []
    (held,) = parties.vault.consents.all()
    refused(PresentingError, "CONSENT_BEYOND", held.check, parties.request(), parties.town.city.clock())


def test_a_withdrawal_while_the_answer_is_on_its_way_wins(parties: Parties) -> None:
    consent = parties.granted(interval=0)
    waiting = parties.use(consent)
    town, (held,) = parties.town, parties.vault.consents.all()
    ticket = listed(parties, held)[0].ticket
    issued = town.run(town.city.issue())
    claimed = town.run(town.city.claim(issued))
    request = waiting.signed_request.request
    submission = town.city.submission(
        presentation_pb2.CreateExchangeResponse(exchange=waiting.exchange, ticket=ticket),
        *town.city.present(request, claimed),
    )
    parties.holder.withdraw(held.id, parties.vault, town.log)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        town.call(town.city.presentation.SubmitPresentation, submission)
    assert "withdrawn" in (caught.value.details() or "")


def listed(parties: Parties, held: HeldConsent) -> list[Any]:
    """List what waits, as the vault does."""
    from prover.client import sessions

    way = parties.holder._way
    with way.channel() as channel:
        token = sessions.opened(way, channel, parties.vault, held.link.consent, parties.town.log)
        stub: Any = consent_pb2_grpc.ConsentServiceStub(channel)
        asked = consent_pb2.ListConsentExchangesRequest(consent=held.link.consent)
        return list(
            stub.ListConsentExchanges(asked, metadata=parties.town.city.bearer(token), timeout=5).exchanges
        )


def test_offline_a_withdrawal_counts_here_at_once_and_there_when_it_arrives(parties: Parties) -> None:
    consent = parties.granted(interval=0)
    parties.use(consent)
    (held,) = parties.vault.consents.all()
    way = parties.holder._way
    away = ConsentClient(Endpoint(way.endpoint.server, None), clock=way.clock)
    event = away.withdraw(held.id, parties.vault, parties.town.log)
    assert event.state is EventState.SENT
    assert parties.attend() == []
    resumed = parties.town.client().resume(parties.vault, parties.town.log)
    assert [each.state for each in resumed.events] == [EventState.RECORDED]
    refused(ServiceError, "CONSENT_WITHDRAWN", parties.use, consent)


def test_what_came_while_the_vault_was_away_does_not_make_the_next_too_early(parties: Parties) -> None:
    consent = parties.granted(interval=3)
    week = dt.timedelta(days=7)
    parties.use(consent, parties.request(lifetime=week))
    parties.later(3 * DAY)
    parties.use(consent, parties.request(lifetime=week))
    parties.later(2 * DAY)
    assert [each.usage is not None for each in parties.attend()] == [True, True]
    assert parties.attend() == []


def test_a_no_is_an_event_too_and_ends_it(parties: Parties) -> None:
    asked = parties.bank.ask(parties.terms())
    told: list[StandingConsent] = []

    def no(consent: StandingConsent) -> bool:
        told.append(consent)
        return False

    event = parties.holder.answer(asked.link, parties.vault, parties.town.log, no)
    assert (event.state, event.note.kind) == (EventState.RECORDED, EventKind.CONSENT_DECLINED)
    check_event(event, parties.town.log)
    assert (told[0].terms.times, told[0].terms.interval_days) == (10, 30)
    assert parties.vault.consents.all() == []
    assert parties.bank.status(asked.consent, asked.result_token).state is ConsentState.DECLINED
    refused(ServiceError, "CONSENT_NOT_GRANTED", parties.use, asked)
    late = parties.holder.answer(asked.link, parties.vault, parties.town.log, lambda _: True)
    assert (late.state, late.reason) == (EventState.REFUSED, "CONSENT_ANSWERED")
    assert parties.vault.consents.all() == []


def test_a_grant_sent_again_is_the_same_and_a_copy_of_it_takes_nothing_over(parties: Parties) -> None:
    parties.granted()
    (event,) = parties.vault.events()
    message = consent_pb2.GrantConsentRequest.FromString(event.call.message)
    town = parties.town
    made: Any = consent_pb2_grpc.ConsentServiceStub(town.city.channel)
    assert town.call(made.GrantConsent, message).receipt == event.receipt
    for field, value in (("public_key", bytes(32)), ("holder_note", bytes(1024))):
        other = consent_pb2.GrantConsentRequest.FromString(event.call.message)
        setattr(other, field, value)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            town.call(made.GrantConsent, other)
        assert caught.value.code() is grpc.StatusCode.ALREADY_EXISTS
    message.request_id = new_id()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        town.call(made.GrantConsent, message)
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION


def test_the_key_of_one_consent_opens_no_other(parties: Parties, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = parties.granted(interval=0), parties.granted(interval=1)
    held = {each.link.consent: each for each in parties.vault.consents.all()}
    parties.use(one)
    assert len(listed(parties, held[one.consent])) == 1
    assert listed(parties, held[two.consent]) == []
    log, foreign = parties.town.log, held[two.consent]
    signed = list(parties.vault.consents.signers(foreign.link.server, two.consent, log))
    monkeypatch.setattr("prover.standing.Consents.signers", lambda *_: signed)
    refused(ServiceError, "REQUEST_SIGNATURE_INVALID", listed, parties, held[one.consent])


def test_the_verifier_is_given_no_ticket_and_the_person_is_told_all(parties: Parties) -> None:
    consent = parties.granted()
    message = presentation_pb2.CreateExchangeRequest(
        consent=consent.consent, consent_token=consent.result_token, request_id=new_id()
    )
    message.signed_request.CopyFrom(parties.town.city.create_exchange(parties.request()).signed_request)
    answer = parties.town.call(parties.town.city.presentation.CreateExchange, message)
    assert answer.ticket == ""
    assert parties.town.call(parties.town.city.presentation.CreateExchange, message) == answer
    assert parties.bank.status(consent.consent, consent.result_token).used == 1


def test_a_new_phone_shows_all_of_it_and_can_withdraw(parties: Parties, tmp_path: Path) -> None:
    consent = parties.granted(interval=0)
    parties.use(consent)
    assert parties.attend()[0].usage is not None
    keys = keys_of(" ".join(words_of(parties.vault.keys)))
    clock, log = parties.town.city.clock, parties.town.log
    with Vault.create(tmp_path / "new.vault", PASSPHRASE, keys=keys, clock=clock) as phone:
        rebuilt = HolderClient(parties.town.endpoint, clock=clock).rebuild(phone, log)
        kinds = [
            each.note.kind if isinstance(each.note, EventNote) else type(each.note) for each in rebuilt.found
        ]
        assert kinds == [EventKind.CONSENT_GRANTED, NoteSummary]
        (held,) = parties.holder.recovered(phone, log)
        assert held.state is GrantState.RECOVERED
        assert parties.holder.attend(phone, log) == []
        event = parties.holder.withdraw(held.id, phone, log)
        assert event.state is EventState.RECORDED
        HolderClient(parties.town.endpoint, clock=clock).rebuild(phone, log)
        assert parties.holder.recovered(phone, log) == []
    refused(ServiceError, "CONSENT_WITHDRAWN", parties.use, consent)


def test_a_link_says_what_it_is() -> None:
    link = ConsentLink("localhost:1", "a", "b")
    assert ConsentLink.parse(str(link)) == link
    assert (link.consent, link.ticket) == ("consents/a", "b")
    assert "secret" not in repr(link)
