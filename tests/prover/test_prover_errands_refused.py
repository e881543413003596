"""A counter that asks too much, let through by the service: the vault finds it, records it, gives nothing."""

from collections.abc import Iterator
from dataclasses import replace

import grpc
import pytest

from disclosure import LocalizedText, PolicyName, RefusedError
from disclosure.event import EventKind
from prover import Vault
from prover.client import track_record_in
from prover.client.errands import ErrandClient
from prover.errands.planning import ErrandConsent
from prover.errands.records import HeldErrand, Stage
from prover.errands.view import ErrandState, PartState
from prover.events import EventState
from prover.history import check_event
from tests.prover.errand_making import Desk, agree, client_of, desks, fill_in
from tests.prover.making import refused
from tests.prover.town import Town
from tests.zkservice.errands import Errands
from tests.zkservice.test_errands_refused import narrow
from verifier.client.errands import REJECTED, Outcome
from wire.client import ServiceError

COUNTER = "birth-counter"
Counters = dict[str, Desk]


@pytest.fixture(scope="module")
def bureau(the_town: Town) -> Iterator[tuple[Errands, Counters]]:
    errands = the_town.run(narrow(the_town.city, 7))
    with desks(the_town, errands) as opened:
        yield errands, opened


@pytest.fixture
def stocked(town: Town, vault: Vault) -> Vault:
    town.client().claim(town.offer(), vault, town.log)
    return vault


def nobody(_: ErrandConsent) -> bool:
    raise AssertionError("the person was asked")


def begun(town: Town, errands: Errands, counters: Counters, vault: Vault, *greedy: str) -> HeldErrand:
    """Begin an errand; some of its counters ask for the name, which none of them may."""
    client = client_of(town)
    errand = client.start(errands.bundle.name, vault, town.log)
    for each in client.look(errand.id, vault).parts:
        ask(town, counters[each.part], str(each.name), greedy=each.part in greedy)
    return errand


def ask(town: Town, desk: Desk, name: str, *, greedy: bool) -> None:
    verifier = f"{desk.part}-counter"
    asked = town.city.request(verifier, shown=("district", "name") if greedy else ("district",))
    desk.request = lambda: replace(asked, policy=PolicyName(verifier, "narrow", 1))
    desk.ask(name)


def test_the_vault_refuses_records_and_ends_the_errand(
    town: Town, bureau: tuple[Errands, Counters], stocked: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zkservice.services.asking.check_allowed", lambda *_: None)
    errand, client = begun(town, *bureau, stocked, "birth"), client_of(town)
    error = refused(RefusedError, "OVER_ASKING", client.submit, errand.id, stocked, town.log, nobody)
    assert isinstance(error, RefusedError)
    assert [each.field for each in error.violations] == ["queries[0].shown[1]"]
    assert stocked.usages() == []
    (event,) = stocked.events()
    assert (event.note.kind, event.note.party) == (EventKind.OVER_ASKED, f"verifiers/{COUNTER}")
    assert event.state is EventState.RECORDED, "it stands on the ledger, for the holder alone to read"
    check_event(event, town.log)
    counter = bureau[0].bundle.counter("birth").verifier
    assert track_record_in(stocked, counter).over_asked == 1
    assert stocked.errands.one(errand.id).stage is Stage.ENDED
    assert client.look(errand.id, stocked).state is ErrandState.ABANDONED


def test_without_the_service_it_is_said_later(
    town: Town, bureau: tuple[Errands, Counters], stocked: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zkservice.services.asking.check_allowed", lambda *_: None)
    errand, client = begun(town, *bureau, stocked, "birth"), client_of(town)

    def unreached(*_: object, **__: object) -> None:
        raise ServiceError(grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE", "nobody is there")

    with monkeypatch.context() as patch:
        patch.setattr("prover.client.events.send", unreached)
        refused(RefusedError, "OVER_ASKING", client.submit, errand.id, stocked, town.log, nobody)
    (event,) = stocked.events()
    assert event.state is EventState.SENT
    assert client.look(errand.id, stocked).state is ErrandState.OPEN
    town.client().resume(stocked, town.log)
    (event,) = stocked.events()
    assert event.state is EventState.RECORDED
    assert client.look(errand.id, stocked).state is ErrandState.ABANDONED


def test_of_what_was_submitted_the_part_is_rejected_and_can_be_asked_again(
    town: Town, bureau: tuple[Errands, Counters], stocked: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    errands, counters = bureau
    errand, client = begun(town, errands, counters, stocked), client_of(town)
    client.submit(errand.id, stocked, town.log, agree, declare=fill_in)
    name = str(client.look(errand.id, stocked).parts[0].name)
    part, _ = counters["birth"].receive(name)
    counters["birth"].tell(part, Outcome(REJECTED, LocalizedText("否", "no")))
    client.retry(errand.id, "birth", stocked)
    with monkeypatch.context() as patch:
        patch.setattr("zkservice.services.asking.check_allowed", lambda *_: None)
        ask(town, counters["birth"], name, greedy=True)
        refused(RefusedError, "OVER_ASKING", client.submit, errand.id, stocked, town.log, nobody)
    held, view = stocked.errands.one(errand.id), client.look(errand.id, stocked)
    assert (held.stage, view.state) == (Stage.SUBMITTED, ErrandState.SUBMITTED)
    assert view.parts[0].state is PartState.REJECTED
    client.retry(errand.id, "birth", stocked)
    ask(town, counters["birth"], name, greedy=False)
    (use,) = ErrandClient(town.endpoint, clock=town.city.clock).submit(errand.id, stocked, town.log, agree)
    assert use.receipt
