"""What happens to a holder besides uses: stored first, sent, its receipt checked; over the real server."""

import datetime as dt
from dataclasses import replace
from typing import Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from disclosure import ExchangeLink, LocalizedText, MalformedError, RefusedError, sign_request
from disclosure.event import EventKind
from prover import Vault, VaultKeys
from prover.client import HolderClient
from prover.errors import ContentError, PresentingError
from prover.events import Call, Event, EventState, event_of
from prover.history import check_event, check_event_receipt
from prover.notes import EventNote, NoteSummary, open_note, seal_event, seal_note
from tests.prover.composite_town import CompositeTown
from tests.prover.conftest import Reopen
from tests.prover.making import NOW, PURPOSE, VERIFIER, refused
from tests.prover.proxy import Proxy
from tests.prover.strategies import LOCALIZED
from tests.prover.test_prover_composite_dishonest import proxy, through
from tests.prover.town import Town
from tests.zkservice.stored import change
from tests.zkservice.support import TEXT
from tlog import HOLDER_NOTE_OCTETS
from wire.client import Endpoint, ServiceError
from zkproto.v1 import ledger_pb2, presentation_pb2

__all__ = ["proxy"]

KEYS = VaultKeys(bytes(range(32)))
NOTE = EventNote(EventKind.DECLINED, "verifiers/school", PURPOSE, bytes(32), NOW, "consents/abc")


@st.composite
def notes(draw: st.DrawFn) -> EventNote:
    title = draw(LOCALIZED | st.integers(1, 333).map(lambda count: LocalizedText("事" * count, "é" * count)))
    return EventNote(
        draw(st.sampled_from(EventKind)),
        draw(st.text("abc/-", min_size=1, max_size=300)),
        title,
        draw(st.binary(min_size=32, max_size=32)),
        NOW,
        draw(st.text("abc/-", max_size=240)),
    )


@given(notes())
def test_every_event_fits_into_a_note_and_comes_out_as_it_was(note: EventNote) -> None:
    sealed = seal_event(KEYS, note)
    assert len(sealed) == HOLDER_NOTE_OCTETS
    assert open_note(KEYS, sealed) == note


def test_a_note_says_itself_which_kind_it_is() -> None:
    summary = NoteSummary(VERIFIER, PURPOSE, NOW, bytes(32), {})
    assert open_note(KEYS, seal_note(KEYS, summary)) == summary
    assert open_note(KEYS, seal_event(KEYS, NOTE)) == NOTE
    assert open_note(VaultKeys(bytes(32)), seal_event(KEYS, NOTE)) is None


@pytest.mark.parametrize("change", [{"party": "x" * 301}, {"detail": "x" * 241}, {"digest": bytes(31)}])
def test_what_would_not_fit_is_no_event(change: dict[str, object]) -> None:
    refused(MalformedError, "VALUE_INVALID", replace, NOTE, **change)


def make(request_id: str, sealed: bytes) -> Call:
    return Call("/zkproto.v1.PresentationService/DeclineExchange", request_id.encode() + sealed)


def test_an_event_is_in_the_vault_as_it_goes_out(vault: Vault, reopen: Reopen) -> None:
    begun = vault.begin_event("127.0.0.1:1", NOTE, make)
    assert begun.call.message == begun.request_id.encode() + begun.holder_note
    assert reopen().events() == [begun]
    assert vault.open_note(begun.holder_note) == NOTE
    assert vault.begin_event("127.0.0.1:1", NOTE, make) == begun
    ended = vault.finish_event(begun.id, receipt=b"receipt")
    assert (ended.state, ended.receipt) == (EventState.RECORDED, b"receipt")
    assert vault.finish_event(begun.id, reason="REFUSED") == ended
    assert reopen().events() == [ended]
    assert event_of(ended.id, ended.octets()) == ended


def test_what_was_refused_may_be_begun_again(vault: Vault) -> None:
    begun = vault.begin_event("127.0.0.1:1", NOTE, make)
    assert vault.finish_event(begun.id, reason="REQUEST_EXPIRED").state is EventState.REFUSED
    assert vault.begin_event("127.0.0.1:1", NOTE, make).id != begun.id
    refused(ContentError, "EVENT_NOT_FOUND", vault.finish_event, "00" * 16, reason="X")
    with pytest.raises(ValueError, match="a receipt or with a reason"):
        vault.finish_event(begun.id)


def stocked(town: Town, vault: Vault) -> Vault:
    town.client().claim(town.offer(), vault, town.log)
    return vault


def say_no(town: Town, vault: Vault, client: HolderClient | None = None) -> tuple[Event, bytes]:
    """Decline a request; return the event as it stands then, and the request's digest."""
    asked, link = town.ask()
    args = (link, vault, town.log, lambda _: False)
    refused(PresentingError, "DECLINED", (client or town.client()).answer, *args)
    return vault.events()[-1], asked.digest


def test_a_no_stands_on_the_ledger_with_a_receipt(town: Town, vault: Vault) -> None:
    event, digest = say_no(town, stocked(town, vault))
    assert (event.state, event.note.kind, event.note.party) == (
        EventState.RECORDED,
        EventKind.DECLINED,
        "verifiers/school",
    )
    assert (event.note.digest, event.note.title) == (digest, TEXT)
    receipt = check_event(event, town.log)
    message = ledger_pb2.ListEntriesRequest(start_index=receipt.index, page_size=1)
    (entry,) = town.call(town.city.ledger.ListEntries, message).entries
    assert vault.open_note(entry.holder_note) == event.note
    assert entry.entry == receipt.opening.entry().to_bytes()


def test_a_receipt_of_something_else_is_not_believed(town: Town, vault: Vault) -> None:
    one, _ = say_no(town, stocked(town, vault))
    other, _ = say_no(town, vault)
    assert one.receipt is not None
    refused(RefusedError, "RECEIPT_MISMATCH", check_event_receipt, other, one.receipt, town.log)
    for changed in (
        replace(one, note=replace(one.note, kind=EventKind.OVER_ASKED)),
        replace(one, note=replace(one.note, party="verifiers/bank")),
        replace(one, holder_note=other.holder_note),
    ):
        refused(RefusedError, "RECEIPT_MISMATCH", check_event, changed, town.log)


def test_the_watching_verifier_is_told_at_once_and_no_more(town: Town, vault: Vault) -> None:
    stocked(town, vault)
    opened = town.run(town.city.ask(town.city.request()))
    link = ExchangeLink(town.server, opened.exchange.removeprefix("exchanges/"), opened.ticket)
    refused(PresentingError, "DECLINED", town.client().answer, link, vault, town.log, lambda _: False)
    state = presentation_pb2.WatchExchangeResponse
    asked = {"exchange": opened.exchange, "result_token": opened.result_token}
    message = presentation_pb2.WatchExchangeRequest(**asked)

    async def last() -> Any:
        return [each async for each in town.city.presentation.WatchExchange(message)][-1]

    told = town.run(last())
    assert told == state(state=state.STATE_DECLINED)


def test_what_a_service_lets_through_against_the_policy_the_vault_refuses_and_records(
    town: Town, vault: Vault
) -> None:
    """Whoever runs the service puts a request into it that asks more than its policy allows."""
    stocked(town, vault)
    asked, link = town.ask()
    (query,) = asked.queries
    unknown = replace(query.schema, item="medical_history")
    more = replace(asked, queries=(replace(query, schema=unknown),))
    signed = sign_request(more, town.city.verifier_keys["school"])
    change(
        town.city.ready.data,
        "update exchange set payload = ?, signature = ?, request_digest = ? where id = ?",
        signed.payload, signed.signature, more.digest, link.id,
    )  # fmt: skip
    refused(RefusedError, "OVER_ASKING", town.client().answer, link, vault, town.log, lambda _: True)
    (event,) = vault.events()
    assert (event.state, event.note.kind) == (EventState.RECORDED, EventKind.OVER_ASKED)
    assert event.note.digest == more.digest
    check_event(event, town.log)


def test_offline_the_no_waits_in_the_vault(
    composite: CompositeTown, proxy: Proxy, vault: Vault, reopen: Reopen
) -> None:
    town = composite.town
    stocked(town, vault)
    asked, link = town.ask()
    proxy.refuse["DeclineExchange"] = grpc.StatusCode.UNAVAILABLE
    refused(
        PresentingError, "DECLINED", proxy.client(composite).answer, through(link, proxy), vault, town.log,
        lambda _: False,
    )  # fmt: skip
    (waiting,) = vault.events()
    assert (waiting.state, waiting.note.digest) == (EventState.SENT, asked.digest)
    proxy.refuse.clear()
    resumed = proxy.client(composite).resume(reopen(), town.log)
    (recorded,) = resumed.events
    assert (recorded.state, recorded.request_id) == (EventState.RECORDED, waiting.request_id)
    check_event(recorded, town.log)
    assert proxy.client(composite).resume(vault, town.log).events == ()


def test_sent_again_it_gets_the_same_receipt(town: Town, vault: Vault) -> None:
    event, _ = say_no(town, stocked(town, vault))
    message = presentation_pb2.DeclineExchangeRequest.FromString(event.call.message)
    assert town.call(town.city.presentation.DeclineExchange, message).receipt == event.receipt


def test_a_no_after_the_end_is_kept_as_refused(town: Town, vault: Vault) -> None:
    stocked(town, vault)
    _, link = town.ask()
    late = dt.timedelta(hours=2)

    def think(_: object) -> bool:
        town.city.clock.ahead = late
        return False

    client = HolderClient(town.endpoint)
    refused(PresentingError, "DECLINED", client.answer, link, vault, town.log, think)
    (event,) = vault.events()
    assert (event.state, event.reason) == (EventState.REFUSED, "REQUEST_EXPIRED")


def test_unreachable_says_so_only_when_it_was_to_be_sent(town: Town, vault: Vault) -> None:
    vault.begin_event("127.0.0.1:1", NOTE, make)
    away = HolderClient(Endpoint("127.0.0.1:1"))
    with pytest.raises(ServiceError) as caught:
        away.resume(vault, town.log)
    assert caught.value.code is grpc.StatusCode.UNAVAILABLE
    assert vault.events()[0].state is EventState.SENT
