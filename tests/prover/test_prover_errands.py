"""One-chain errands from the vault: one consent, one submission, each counter its part, and again later."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from disclosure import ErrandLink, LocalizedText, OfferLink, RefusedError
from disclosure.errand import BundleLink
from disclosure.event import EventKind
from prover import ClientError, PresentingError, UsageState, Vault, check_usage
from prover.client.errands import ErrandClient
from prover.errands.planning import ErrandConsent
from prover.errands.records import HeldErrand, Stage
from prover.errands.screen import errand_lines
from prover.errands.view import ErrandState, PartState
from prover.events import EventState
from prover.history import check_event
from prover.notes import MAX_DETAIL_OCTETS, detail_of
from tests.prover.conftest import Reopen
from tests.prover.errand_making import (
    Desk,
    LostError,
    agree,
    begun,
    client_of,
    desks,
    fill_in,
    lost,
    type_nothing,
)
from tests.prover.making import refused
from tests.prover.town import Town
from tests.zkservice.errands import PARTS, VALUES, Errands
from verifier.client import Answered
from verifier.client.errands import DONE, IN_PROGRESS, REJECTED, Outcome
from wire.client import Endpoint, ServiceError
from zkproto.v1 import errand_pb2 as pb


@pytest.fixture(scope="module")
def bureau(the_town: Town) -> Iterator[tuple[Errands, dict[str, Desk]]]:
    async def made() -> Errands:
        return await Errands.of(the_town.city, await the_town.city.claim(await the_town.city.issue()))

    errands = the_town.run(made())
    with desks(the_town, errands) as opened:
        yield errands, opened


@pytest.fixture
def errands(bureau: tuple[Errands, dict[str, Desk]]) -> Errands:
    return bureau[0]


@pytest.fixture
def counters(bureau: tuple[Errands, dict[str, Desk]]) -> dict[str, Desk]:
    return bureau[1]


@pytest.fixture
def stocked(town: Town, vault: Vault) -> Vault:
    town.client().claim(town.offer(), vault, town.log)
    return vault


def assert_declared_twice_is_said(consent: ErrandConsent) -> None:
    """What is declared to two counters is seen by both, whatever their forms call it."""
    form = next(each for each in consent.parts if each.values)
    other = next(each for each in consent.parts if each is not form)
    (name, value), *_ = form.values.items()
    field = replace(next(each for each in form.counter.fields if each.id == name), id="other")
    twice = replace(other, counter=replace(other.counter, fields=(field,)), values={"other": value})
    declared = [each for each in replace(consent, parts=(form, twice)).shared if each.seen.schema is None]
    assert [each.parts for each in declared] == [(form.counter.part, other.counter.part)]
    lines = [each.text for each in errand_lines(replace(consent, parts=(form, twice)), "en", {})]
    assert any("as you declare it" in each for each in lines)


def test_the_whole_walk(
    town: Town, errands: Errands, counters: dict[str, Desk], stocked: Vault, reopen: Reopen
) -> None:
    client = client_of(town)
    errand = begun(town, errands, counters, stocked)
    seen: list[ErrandConsent] = []

    def agrees(consent: ErrandConsent) -> bool:
        assert stocked.usages() == []
        seen.append(consent)
        return True

    uses = client.submit(errand.id, stocked, town.log, agrees, declare=fill_in)
    (consent,) = seen
    assert [each.counter.part for each in consent.parts] == list(PARTS)
    told = {each.seen.name.en if each.seen.name else "": each.parts for each in consent.shared}
    district = stocked.credentials()[0].schema.attribute("district").display_name.en
    assert told.pop(district) == PARTS
    assert set(told) <= {""}, "and until when the credential is valid, where that is shown"
    assert_declared_twice_is_said(consent)
    assert [each.state for each in uses] == [UsageState.ANSWERED] * 3
    for each in uses:
        check_usage(each, town.log)
    assert len({each.answer.usage_tag for each in uses}) == 3
    (event,) = stocked.events()
    assert (event.note.kind, event.state) == (EventKind.ERRAND_SUBMITTED, EventState.RECORDED)
    check_event(event, town.log)

    wanted = {"birth": {"born": VALUES["born"], "weight": VALUES["weight"]}, "household": {}}
    names = {each.part: str(each.name) for each in client.look(errand.id, stocked).parts}
    for part, desk in counters.items():
        found, received = desk.receive(names[part])
        assert received.values == wanted.get(part, {"phone": VALUES["phone"]})
        assert isinstance(received.answered, Answered)
        assert received.answered.verified.credential("permit").values == {"district": "370102"}
        offer = OfferLink(town.server, "abc", "def") if part == "birth" else None
        desk.tell(found, Outcome(DONE, LocalizedText("已办", "Done"), "370102-1", offer))
    view = list(client.follow(errand.id, stocked))[-1]
    assert view.state is ErrandState.DONE
    assert view.parts[0].told[-1].offer == OfferLink(town.server, "abc", "def")
    kept = reopen().errands.one(errand.id)
    assert kept.stage is Stage.ENDED
    assert {each.usage for each in kept.uses} == {each.id for each in uses}


def test_the_second_time_nothing_is_typed_and_no_department_is_asked(
    town: Town, errands: Errands, counters: dict[str, Desk], stocked: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = begun(town, errands, counters, stocked)
    client_of(town).submit(first.id, stocked, town.log, agree, declare=fill_in)

    async def never(*_: Any) -> None:
        raise AssertionError("a department is asked")

    for each in ("IssueCredential", "ClaimCredential", "FetchOffer"):
        monkeypatch.setattr(f"zkservice.services.issuance.IssuanceService.{each}", never, raising=False)
    second = begun(town, errands, counters, stocked)
    assert second.id != first.id
    uses = client_of(town).submit(second.id, stocked, town.log, agree, declare=type_nothing)
    assert [each.state for each in uses] == [UsageState.ANSWERED] * 3
    names = {each.part: str(each.name) for each in client_of(town).look(second.id, stocked).parts}
    _, received = counters["insurance"].receive(names["insurance"])
    assert received.values == {"phone": VALUES["phone"]}


def test_a_form_that_is_not_filled_in_sends_nothing(
    town: Town, errands: Errands, counters: dict[str, Desk], stocked: Vault
) -> None:
    errand = begun(town, errands, counters, stocked)
    submit = client_of(town).submit
    refused(PresentingError, "FORM_INCOMPLETE", submit, errand.id, stocked, town.log, agree)

    def wrongly(*_: Any) -> dict[str, Any]:
        return {"phone": "1" * 21, "born": dt.date(2026, 1, 1)}

    with pytest.raises(PresentingError, match="birth: phone"):
        submit(errand.id, stocked, town.log, agree, declare=wrongly)
    assert stocked.usages() == []


def test_a_no_ends_the_errand_and_is_written_down(
    town: Town, errands: Errands, counters: dict[str, Desk], stocked: Vault
) -> None:
    errand = begun(town, errands, counters, stocked)
    client = client_of(town)
    with pytest.raises(PresentingError, match="DECLINED"):
        client.submit(errand.id, stocked, town.log, lambda _: False, declare=fill_in)
    (event,) = stocked.events()
    assert (event.note.kind, event.state) == (EventKind.DECLINED, EventState.RECORDED)
    check_event(event, town.log)
    assert stocked.usages() == []
    assert client.look(errand.id, stocked).state is ErrandState.ABANDONED


def test_killed_between_storing_and_sending_the_same_octets_go_out(
    town: Town,
    errands: Errands,
    counters: dict[str, Desk],
    stocked: Vault,
    reopen: Reopen,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    errand = begun(town, errands, counters, stocked)
    with monkeypatch.context() as patch:
        patch.setattr(ErrandClient, "_send", lost)
        with pytest.raises(LostError):
            client_of(town).submit(errand.id, stocked, town.log, agree, declare=fill_in)
    again = reopen()
    (event,) = again.events()
    stored = event.call.message
    sent: list[bytes] = []
    real = ErrandClient._send

    def spied(self: ErrandClient, held: HeldErrand, event: Any, *rest: Any) -> Any:
        sent.append(event.call.message)
        return real(self, held, event, *rest)

    monkeypatch.setattr(ErrandClient, "_send", spied)
    assert town.client().resume(again, town.log).usages == (), "parts of an errand go out together"
    uses = client_of(town).resume(again, town.log)
    assert sent == [stored]
    assert [each.state for each in uses] == [UsageState.ANSWERED] * 3
    assert client_of(town).resume(again, town.log) == ()
    assert client_of(town).look(errand.id, again).state is ErrandState.SUBMITTED


def test_killed_after_sending_the_same_receipts_come(
    town: Town,
    errands: Errands,
    counters: dict[str, Desk],
    stocked: Vault,
    reopen: Reopen,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    errand = begun(town, errands, counters, stocked)
    with monkeypatch.context() as patch:
        patch.setattr("prover.client.errands.check_event_receipt", lost)
        with pytest.raises(LostError):
            client_of(town).submit(errand.id, stocked, town.log, agree, declare=fill_in)
    again = reopen()
    assert [each.state for each in again.usages()] == [UsageState.SENT] * 3
    uses = client_of(town).resume(again, town.log)
    assert [each.state for each in uses] == [UsageState.ANSWERED] * 3


def test_killed_before_the_errand_was_answered_the_same_one_is_found(
    town: Town, errands: Errands, vault: Vault, reopen: Reopen, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("prover.errands.vault.Errands.begun", lost)
        with pytest.raises(LostError):
            client_of(town).start(errands.bundle.name, vault, town.log)
    again = reopen()
    (held,) = again.errands.all()
    assert held.link is None
    assert client_of(town).start(errands.bundle.name, again, town.log).id == held.id
    assert len(again.errands.all()) == 1


def test_a_rejected_part_is_submitted_again_alone(
    town: Town, errands: Errands, counters: dict[str, Desk], stocked: Vault
) -> None:
    client = client_of(town)
    errand = begun(town, errands, counters, stocked)
    client.submit(errand.id, stocked, town.log, agree, declare=fill_in)
    names = {each.part: str(each.name) for each in client.look(errand.id, stocked).parts}
    part, _ = counters["birth"].receive(names["birth"])
    counters["birth"].tell(part, Outcome(REJECTED, LocalizedText("日期不符", "The date is wrong")))
    view = client.look(errand.id, stocked)
    told = view.parts[0].told[-1]
    assert (view.parts[0].state, told.message) == (
        PartState.REJECTED,
        LocalizedText("日期不符", "The date is wrong"),
    )
    client.retry(errand.id, "birth", stocked)
    counters["birth"].ask(names["birth"])
    client.wait_until_asked(errand.id, stocked)
    (use,) = client.submit(errand.id, stocked, town.log, agree)
    check_usage(use, town.log)
    assert len(stocked.errands.one(errand.id).uses) == 4


def test_a_refusal_is_written_down_for_every_part(
    town: Town, errands: Errands, counters: dict[str, Desk], stocked: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    errand = begun(town, errands, counters, stocked)
    with monkeypatch.context() as patch:
        patch.setattr(ErrandClient, "_send", lost)
        with pytest.raises(LostError):
            client_of(town).submit(errand.id, stocked, town.log, agree, declare=fill_in)
    town.city.clock.ahead = dt.timedelta(hours=2)
    assert client_of(town).resume(stocked, town.log) == ()
    assert {each.reason for each in stocked.usages()} == {"ERRAND_INCOMPLETE"}
    assert stocked.errands.one(errand.id).stage is Stage.BEGUN


def test_what_a_dishonest_service_hands_over_is_refused(
    town: Town, errands: Errands, counters: dict[str, Desk], stocked: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another errand's ask, a form key of the service's own, a part of another counter."""
    errand, other = (begun(town, errands, counters, stocked) for _ in range(2))
    client = client_of(town)
    asks = []
    for each in (errand, other):
        link = stocked.errands.one(each.id).link
        assert link is not None
        message = pb.GetErrandRequest(errand=link.errand, ticket=link.ticket)
        asks.append([one.ask for one in town.call(errands.stub.GetErrand, message).parts])
    real = ErrandClient._asked

    def handed(**changes: Any) -> None:
        def asked(self: Any, held: Any, part: Any, ask: Any, log: Any) -> Any:
            altered = pb.ErrandAsk()
            altered.CopyFrom(changes.get("ask", ask) if part.part == "birth" else ask)
            if part.part == "birth" and "form_key" in changes:
                altered.form_key = changes["form_key"]
            return real(self, held, part, altered, log)

        monkeypatch.setattr(ErrandClient, "_asked", asked)
        submit = client.submit
        with pytest.raises(RefusedError) as caught:
            submit(errand.id, stocked, town.log, agree, declare=fill_in)
        assert caught.value.reason in {"REQUEST_SIGNATURE_INVALID", "REQUEST_MISMATCH"}

    handed(ask=asks[1][0])
    handed(ask=asks[0][1])
    handed(form_key=bytes(range(32)))
    assert stocked.usages() == []


def test_the_screen_says_who_gets_what(
    town: Town, errands: Errands, counters: dict[str, Desk], stocked: Vault
) -> None:
    errand = begun(town, errands, counters, stocked)
    seen: list[ErrandConsent] = []

    def agrees(consent: ErrandConsent) -> bool:
        seen.append(consent)
        return True

    client_of(town).submit(errand.id, stocked, town.log, agrees, declare=fill_in)
    for language in ("zh", "en"):
        text = "\n".join(each.text for each in errand_lines(seen[0], language, {}))
        assert VALUES["phone"] in text
        assert "370102" in text
    assert "Part 3 of 3" in text
    assert "Seen by more than one counter" in text


def test_in_progress_waits_for_what_it_depends_on(
    town: Town, errands: Errands, counters: dict[str, Desk], stocked: Vault
) -> None:
    errand = begun(town, errands, counters, stocked)
    client_of(town).submit(errand.id, stocked, town.log, agree, declare=fill_in)
    names = {each.part: str(each.name) for each in client_of(town).look(errand.id, stocked).parts}
    part, _ = counters["household"].receive(names["household"])
    assert not part.ready
    tell = counters["household"].tell
    refused(ServiceError, "PART_NOT_READY", tell, part, Outcome(IN_PROGRESS))


def test_an_errand_at_a_server_of_a_long_name_can_be_given_up_like_any_other(
    town: Town, errands: Errands, stocked: Vault
) -> None:
    """Its link does not fit into the event's note, and is left out there."""
    server = f"{'a-long-label.' * 15}invalid:443"
    link = ErrandLink(server, "x" * 22, "y" * 43)
    assert len(str(link)) > MAX_DETAIL_OCTETS
    errand = stocked.errands.begin(server, errands.bundle)
    stocked.errands.begun(errand.id, link)
    event = ErrandClient(Endpoint(server)).abandon(errand.id, stocked, town.log)
    assert (event.state, event.note.detail) == (EventState.SENT, "")
    assert event.note.party == str(errands.bundle.name)
    fitting = ErrandLink(town.server, link.id, link.secret)
    assert detail_of(fitting) == str(fitting)


def test_an_errand_begins_with_the_link_of_a_counter_at_this_service_alone(
    town: Town, errands: Errands, vault: Vault
) -> None:
    client, name = client_of(town), errands.bundle.name
    elsewhere = BundleLink("elsewhere:8443", name)
    refused(ClientError, "LINK_ELSEWHERE", client.begin, elsewhere, vault, town.log)
    assert vault.errands.all() == []
    errand = client.begin(BundleLink(town.server, name), vault, town.log)
    assert errand.bundle.name == name
    assert client.look(errand.id, vault).state is ErrandState.OPEN
