"""The client against a real server over TLS, in a thread of its own."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest

from disclosure import ExchangeLink, OfferLink
from prover import (
    ClientError,
    CompositeConsent,
    Consent,
    ContentError,
    NoteSummary,
    PresentingError,
    Usage,
    UsageState,
    Vault,
    check_usage,
    plan,
    present,
)
from prover.client import HolderClient
from tests.prover.conftest import Reopen
from tests.prover.making import flip, plain, refused
from tests.prover.town import Town
from tests.zkservice.stored import change
from tests.zkservice.support import PERMIT, TEXT, VALUES, City
from tlog import Signer, TlogError
from wire.client import Endpoint, ServiceError
from wire.convert import presentation_to
from zkproto.v1 import issuance_pb2, ledger_pb2, presentation_pb2


@pytest.fixture
def stocked(town: Town, vault: Vault) -> Vault:
    """A vault with a residence permit in it."""
    town.client().claim(town.offer(), vault, town.log)
    return vault


def begin(town: Town, vault: Vault, **wanted: Any) -> tuple[ExchangeLink, Any, Usage]:
    """Do everything up to the moment before sending."""
    _, link = town.ask(**wanted)
    fetched, now = town.client().fetch(link, town.log), town.city.clock()
    prepared = present(plan(fetched.request, vault.credentials(), now), vault.keys, now)
    return link, prepared, vault.begin_usage(fetched, prepared)


def submission(usage: Usage) -> presentation_pb2.SubmitPresentationRequest:
    return presentation_pb2.SubmitPresentationRequest(
        exchange=usage.exchange.exchange,
        ticket=usage.exchange.ticket,
        presentation=presentation_to(plain(usage.presentation), usage.schemas.__getitem__),
        holder_note=usage.holder_note,
        request_id=usage.request_id,
    )


def agree(_: Consent | CompositeConsent) -> bool:
    return True


def test_claimed_stored_and_forgotten_by_the_service(town: Town, vault: Vault, reopen: Reopen) -> None:
    link = town.offer()
    held = town.client().claim(link, vault, town.log)
    assert (held.credential.values, held.schema) == (VALUES, PERMIT)
    assert reopen().credentials() == [held]
    assert reopen().pending_claims() == []
    error = refused(ServiceError, "OFFER_TAKEN", town.client().claim, link, vault, town.log)
    assert isinstance(error, ServiceError)
    assert error.code is grpc.StatusCode.FAILED_PRECONDITION
    assert reopen().pending_claims() == []


def test_the_whole_walk(town: Town, stocked: Vault, reopen: Reopen) -> None:
    asked, link = town.ask(shown=("district", "fee"))
    seen: list[Consent] = []

    def agrees(consent: Consent | CompositeConsent) -> bool:
        assert isinstance(consent, Consent)
        assert stocked.usages() == []
        seen.append(consent)
        return True

    usage = town.client().answer(link, stocked, town.log, agrees)
    (consent,) = seen
    assert (consent.verifier, consent.verifier_display_name, consent.purpose) == (asked.verifier, TEXT, TEXT)
    (part,) = consent.credentials
    shown = [(each.attribute.id, each.value) for each in part.revealed]
    assert shown == [("district", "370102"), ("fee", None)]
    assert [each.id for each in part.hidden] == ["name", "number", "since", "student"]

    assert usage.state is UsageState.ANSWERED
    assert usage.request == asked
    assert reopen().usages() == [usage]
    receipt = check_usage(usage, town.log)
    entries = town.run(list_entries(town.city, receipt.index))
    assert entries[0].entry == receipt.opening.entry().to_bytes()
    note = stocked.open_note(entries[0].holder_note)
    assert isinstance(note, NoteSummary)
    assert (note.request_digest, note.shown) == (asked.digest, {"permit": ("district", "fee")})


async def list_entries(town: City, start: int) -> Any:
    return (await town.ledger.ListEntries(ledger_pb2.ListEntriesRequest(start_index=start))).entries


def test_a_no_shows_nothing_and_ends_the_exchange(town: Town, stocked: Vault) -> None:
    _, link = town.ask()
    args = (link, stocked, town.log, lambda _: False)
    refused(PresentingError, "DECLINED", town.client().answer, *args)
    assert stocked.usages() == []
    refused(ServiceError, "EXCHANGE_DECLINED", town.client().answer, link, stocked, town.log, agree)


def test_what_is_missing_sends_nothing(town: Town, vault: Vault) -> None:
    _, link = town.ask()
    refused(PresentingError, "NOTHING_FITS", town.client().answer, link, vault, town.log, agree)
    assert vault.usages() == []


def test_the_person_chooses_among_several(town: Town, stocked: Vault) -> None:
    town.client().claim(town.offer({**VALUES, "district": "370103"}), stocked, town.log)
    first, second = stocked.credentials()
    _, link = town.ask()
    chosen: list[str] = []

    def agrees(consent: Consent | CompositeConsent) -> bool:
        assert isinstance(consent, Consent)
        chosen.extend(each.credential for each in consent.credentials)
        return True

    town.client().answer(
        link, stocked, town.log, agrees, choose=lambda planned: planned.choose("permit", first.id)
    )
    assert chosen == [first.id]
    assert first.id != second.id


def test_an_interrupted_claim_goes_on(town: Town, vault: Vault, reopen: Reopen) -> None:
    link = town.offer()
    claim = vault.begin_claim(link)
    message = issuance_pb2.ClaimCredentialRequest(
        offer=link.offer, claim_code=link.claim_code, request_id=claim.request_id
    )
    town.call(town.city.issuance.ClaimCredential, message)
    resumed = town.client().resume(reopen(), town.log)
    assert [each.credential.values for each in resumed.credentials] == [VALUES]
    assert list(resumed.credentials) == reopen().credentials()
    assert reopen().pending_claims() == []


def test_a_claim_that_was_stored_is_acknowledged_later(town: Town, vault: Vault, reopen: Reopen) -> None:
    link = town.offer()
    town.client().claim(link, vault, town.log)
    (held,) = vault.credentials()
    other = town.offer()
    claim = vault.begin_claim(other)
    message = issuance_pb2.ClaimCredentialRequest(
        offer=other.offer, claim_code=other.claim_code, request_id=claim.request_id
    )
    town.call(town.city.issuance.ClaimCredential, message)
    vault.finish_claim(claim.id, held.credential, held.schema, held.issuer_key)
    again = town.client().claim(other, reopen(), town.log)
    assert again == held
    assert reopen().pending_claims() == []
    refused(ServiceError, "OFFER_TAKEN", town.client().claim, other, vault, town.log)


def test_a_credential_removed_before_its_claim_was_acknowledged_stays_removed(
    town: Town, vault: Vault, reopen: Reopen
) -> None:
    town.client().claim(town.offer(), vault, town.log)
    (held,) = vault.credentials()
    link = town.offer()
    claim = vault.begin_claim(link)
    vault.finish_claim(claim.id, held.credential, held.schema, held.issuer_key)
    vault.remove(held.id)
    assert town.client().resume(reopen(), town.log).credentials == ()
    assert (reopen().pending_claims(), reopen().credentials()) == ([], [])


def test_a_wrong_code_is_given_up_and_the_right_one_claims(town: Town, vault: Vault) -> None:
    link = town.offer()
    wrong = OfferLink(link.server, link.id, link.claim_code[::-1])
    refused(ServiceError, "NOT_FOUND", town.client().claim, wrong, vault, town.log)
    assert vault.pending_claims() == []
    assert town.client().claim(link, vault, town.log).credential.values == VALUES


def test_a_use_whose_answer_was_lost_gets_the_stored_receipt(
    town: Town, stocked: Vault, reopen: Reopen
) -> None:
    _, _, usage = begin(town, stocked)
    lost = town.call(town.city.presentation.SubmitPresentation, submission(usage))
    (resumed,) = town.client().resume(reopen(), town.log).usages
    assert (resumed.state, resumed.receipt) == (UsageState.ANSWERED, lost.receipt)
    assert reopen().usages() == [resumed]
    assert town.client().resume(reopen(), town.log).usages == ()


def test_a_use_that_never_left_is_sent_by_resume(town: Town, stocked: Vault, reopen: Reopen) -> None:
    _, _, usage = begin(town, stocked)
    (resumed,) = town.client().resume(reopen(), town.log).usages
    assert (resumed.id, resumed.state) == (usage.id, UsageState.ANSWERED)
    check_usage(resumed, town.log)


def test_a_refusal_is_written_down(town: Town, stocked: Vault, reopen: Reopen) -> None:
    link, prepared, usage = begin(town, stocked)
    town.city.clock.ahead = dt.timedelta(hours=2)
    args = (link, prepared, stocked, usage, town.log)
    refused(ServiceError, "REQUEST_EXPIRED", town.client().submit, *args)
    (found,) = reopen().usages()
    assert (found.state, found.reason, found.receipt) == (UsageState.REFUSED, "REQUEST_EXPIRED", None)
    assert town.client().resume(reopen(), town.log).usages == ()


def test_resume_writes_refusals_down_and_goes_on(town: Town, stocked: Vault, reopen: Reopen) -> None:
    _, _, short = begin(town, stocked, lifetime=dt.timedelta(minutes=10))
    _, _, long = begin(town, stocked, lifetime=dt.timedelta(hours=3))
    unknown = stocked.begin_claim(OfferLink(town.server, "nothing", "wrong-code"))
    town.city.clock.ahead = dt.timedelta(hours=1)
    resumed = town.client().resume(reopen(), town.log)
    states = {each.id: each.state for each in resumed.usages}
    assert states == {short.id: UsageState.REFUSED, long.id: UsageState.ANSWERED}
    assert resumed.credentials == ()
    assert reopen().pending_claims() == [unknown], "that a service knows no offer does not end a claim"


def test_one_exchange_is_answered_once(town: Town, stocked: Vault) -> None:
    link, prepared, usage = begin(town, stocked)
    fetched = town.client().fetch(link, town.log)
    now = town.city.clock()
    other = present(plan(fetched.request, stocked.credentials(), now), stocked.keys, now)
    second = stocked.begin_usage(fetched, other)
    town.client().submit(link, prepared, stocked, usage, town.log)
    refused(ServiceError, "REPLAYED", town.client().submit, link, other, stocked, second, town.log)
    assert [each.state for each in stocked.usages()] == [UsageState.ANSWERED, UsageState.REFUSED]
    refused(ServiceError, "EXCHANGE_ANSWERED", town.client().fetch, link, town.log)


def test_without_a_way_to_the_service_everything_stays_as_it_was(
    town: Town, stocked: Vault, reopen: Reopen
) -> None:
    link, prepared, usage = begin(town, stocked)
    away = HolderClient(Away(town.server, b""))
    refused(ServiceError, "UNAVAILABLE", away.submit, link, prepared, stocked, usage, town.log)
    refused(ServiceError, "UNAVAILABLE", away.resume, stocked, town.log)
    offer = town.offer()
    refused(ServiceError, "UNAVAILABLE", away.claim, offer, stocked, town.log)
    assert reopen().pending_claims() == []
    stocked.begin_claim(offer)
    refused(ServiceError, "UNAVAILABLE", away.claim, offer, stocked, town.log)
    assert reopen().usages() == [usage]
    assert [each.link for each in reopen().pending_claims()] == [offer]
    resumed = town.client().resume(reopen(), town.log)
    assert (len(resumed.credentials), len(resumed.usages)) == (1, 1)


class Away(Endpoint):
    """The service's name on a port where nobody listens."""

    def channel(self) -> grpc.Channel:
        return Endpoint("localhost:1", None).channel()


def test_a_receipt_of_another_log_is_not_believed(town: Town, stocked: Vault, reopen: Reopen) -> None:
    link, prepared, usage = begin(town, stocked)
    _, _, other = begin(town, stocked)
    strange = Signer.generate(town.log.name).verifier
    args = (link, prepared, stocked, usage, strange)
    refused(TlogError, "NOTE_UNSIGNED", town.client().submit, *args)
    refused(TlogError, "NOTE_UNSIGNED", town.client().resume, stocked, strange)
    assert reopen().usages() == [usage, other]
    resumed = town.client().resume(reopen(), town.log)
    assert [each.state for each in resumed.usages] == [UsageState.ANSWERED] * 2


def test_a_request_under_a_key_that_is_not_on_the_ledger_is_not_shown(town: Town, vault: Vault) -> None:
    _, link = town.ask(verifier="bank")
    folder, key = town.city.ready.data, town.city.verifier_keys["bank"].public_key().public_bytes_raw()
    change(folder, "UPDATE verifier SET public_key = ? WHERE name = 'verifiers/bank'", flip(key, 3))
    try:
        with pytest.raises(TlogError) as caught:
            town.client().fetch(link, town.log)
    finally:
        change(folder, "UPDATE verifier SET public_key = ? WHERE name = 'verifiers/bank'", key)
    assert caught.value.reason == "INCLUSION_INVALID"
    assert town.client().fetch(link, town.log).verifier_display_name == TEXT


@pytest.mark.parametrize("server", ["elsewhere.example.org:8443", "localhost:1"])
def test_a_link_to_another_service_is_not_followed(town: Town, stocked: Vault, server: str) -> None:
    _, link = town.ask()
    offer = town.offer()
    client = town.client()
    refused(ClientError, "LINK_ELSEWHERE", client.fetch, ExchangeLink(server, link.id, link.secret), town.log)
    refused(
        ClientError,
        "LINK_ELSEWHERE",
        client.claim,
        OfferLink(server, offer.id, offer.secret),
        stocked,
        town.log,
    )
    assert stocked.pending_claims() == []


def test_resume_leaves_what_belongs_to_other_services(town: Town, stocked: Vault) -> None:
    claim = stocked.begin_claim(OfferLink("elsewhere.example.org:8443", "offer", "code"))
    resumed = town.client().resume(stocked, town.log)
    assert (resumed.credentials, resumed.usages) == ((), ())
    assert stocked.pending_claims() == [claim]


def test_a_use_is_submitted_with_what_it_was_stored_with(town: Town, stocked: Vault) -> None:
    link, prepared, usage = begin(town, stocked)
    other_link, other, _ = begin(town, stocked)
    refused(ContentError, "USAGE_MISMATCH", town.client().submit, link, other, stocked, usage, town.log)
    refused(
        ContentError, "USAGE_MISMATCH", town.client().submit, other_link, prepared, stocked, usage, town.log
    )
    assert {each.state for each in stocked.usages()} == {UsageState.SENT}


@dataclass(frozen=True)
class Watched(Endpoint):
    """An endpoint that remembers its channels and which of them were closed."""

    opened: list[grpc.Channel] = field(default_factory=list)
    closed: list[grpc.Channel] = field(default_factory=list)

    def channel(self) -> grpc.Channel:
        made = super().channel()
        close = made.close

        def closing() -> None:
            self.closed.append(made)
            close()

        made.close = closing  # type: ignore[method-assign]
        self.opened.append(made)
        return made


def test_every_operation_has_a_connection_of_its_own_and_closes_it(town: Town, vault: Vault) -> None:
    endpoint = Watched(town.server, town.endpoint.root_certificate)
    client = HolderClient(endpoint)
    client.claim(town.offer(), vault, town.log)
    client.answer(town.ask()[1], vault, town.log, agree)
    refused(ServiceError, "NOT_FOUND", client.fetch, ExchangeLink(town.server, "none", "none"), town.log)
    # Two for the claim and its offer, one for the exchange, whose steps name it anyway, one for the last.
    assert len(endpoint.opened) == len(set(map(id, endpoint.opened))) == 4
    assert endpoint.closed == endpoint.opened
