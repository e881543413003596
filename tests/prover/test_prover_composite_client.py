"""The composite form against a real server: claimed, planned, consented to, proven, kept, resumed."""

from dataclasses import replace
from pathlib import Path

import pytest

from disclosure import LocalizedText
from disclosure.composite import (
    CompositeClaim,
    CompositePresentation,
    CompositeRequest,
    OpeningRecord,
)
from prover import (
    CompositeConsent,
    Consent,
    Lack,
    NoteSummary,
    NothingFitsError,
    PresentingError,
    Treatment,
    Usage,
    UsageState,
    Vault,
    check_usage,
    composite_consent_of,
    opened_uses,
    present_plan,
    told_of,
)
from prover.client import HolderClient
from prover.composite.lacking import lacking_lines
from prover.composite.records import HeldComposite
from prover.composite.telling import ClaimConsent
from prover.store import Store
from tests.disclosure.composite.officers import parts_of
from tests.disclosure.composite.world import INSURANCE, PERMIT, VALUES
from tests.prover.composite_town import NUMBER, CompositeTown, yes
from tests.prover.conftest import Reopen
from tests.prover.making import refused
from tests.zkservice.revoking import new_handles
from tests.zkservice.support import TEXT, new_id
from wire.client import ServiceError
from wire.composite import composite_presentation_to
from zkproto.v1 import issuance_pb2, ledger_pb2, presentation_pb2


def presentation_of(usage: Usage) -> CompositePresentation:
    assert isinstance(usage.presentation, CompositePresentation)
    return usage.presentation


def agree(_: Consent | CompositeConsent) -> bool:
    return True


@pytest.fixture
def stocked(composite: CompositeTown, vault: Vault) -> Vault:
    return composite.stock(vault)


def test_a_base_credential_is_claimed_stored_and_forgotten_by_the_service(
    composite: CompositeTown, vault: Vault, reopen: Reopen
) -> None:
    link = composite.offer(person=new_id().encode())
    told = list[ClaimConsent]()

    def agrees(consent: ClaimConsent) -> bool:
        told.append(consent)
        return True

    held = composite.client().claim(link, vault, composite.log, agrees)
    assert isinstance(held, HeldComposite)
    assert held.credential.values == VALUES[PERMIT.name]
    assert held.standing is not None
    assert held.standing.witness.verified().y == held.credential.handle
    assert [(each.schema, each.shows) for each in told] == [(PERMIT, None)]
    (found,) = reopen().composite.credentials()
    assert found.octets() == held.octets()
    assert reopen().composite.claims() == []
    error = refused(ServiceError, "OFFER_TAKEN", composite.client().claim, link, vault, composite.log)
    assert isinstance(error, ServiceError)


def test_another_credential_is_claimed_by_showing_the_first(composite: CompositeTown, vault: Vault) -> None:
    composite.claimed(vault, person=new_id().encode())
    link = composite.offer(INSURANCE, required={"number": NUMBER})
    told = list[ClaimConsent]()

    def agrees(consent: ClaimConsent) -> bool:
        told.append(consent)
        return True

    held = composite.client().claim(link, vault, composite.log, agrees)
    assert held.credential.values == VALUES[INSURANCE.name]
    (consent,) = told
    assert consent.shows is not None
    (shown,) = consent.shows.credentials
    assert [(each.attribute.id, each.value) for each in shown.attributes if each.value is not None] == [
        ("number", NUMBER)
    ]
    assert str(consent.shows.verifier) == "verifiers/hrss"
    assert consent.display_name == TEXT


def test_what_shows_something_is_not_claimed_unasked(composite: CompositeTown, vault: Vault) -> None:
    composite.claimed(vault, person=new_id().encode())
    link = composite.offer(INSURANCE, required={"number": NUMBER})
    refused(PresentingError, "DECLINED", composite.client().claim, link, vault, composite.log)
    assert vault.composite.claims() == []
    assert composite.client().claim(link, vault, composite.log, yes).schema == INSURANCE


def test_without_the_first_credential_the_second_says_where_to_apply(
    composite: CompositeTown, vault: Vault
) -> None:
    link = composite.offer(INSURANCE, required={"number": NUMBER})
    error = refused(
        NothingFitsError, "NOTHING_FITS", composite.client().claim, link, vault, composite.log, yes
    )
    assert isinstance(error, NothingFitsError)
    (lacking,) = error.missing
    assert (lacking.lack, lacking.place) == (Lack.NONE_HELD, "branches[0].queries[0]")
    assert [str(each) for each in lacking.departments] == ["departments/public-security"]
    assert vault.composite.contents().secret is None


def sent_before(composite: CompositeTown, vault: Vault) -> issuance_pb2.ClaimCompositeCredentialResponse:
    """Send what a vault has stored of its only claim, as a process that died then had."""
    (claim,) = vault.composite.claims()
    message = issuance_pb2.ClaimCompositeCredentialRequest(
        offer=claim.link.offer, claim_code=claim.link.claim_code, request_id=claim.request_id
    )
    if claim.terms.base:
        message.commitment = claim.answer
    else:
        message.presentation.CopyFrom(
            composite_presentation_to(claim.presentation, claim.shown_by.__getitem__)
        )
    answer: issuance_pb2.ClaimCompositeCredentialResponse = composite.town.call(
        composite.town.city.issuance.ClaimCompositeCredential, message
    )
    return answer


class DyingError(Exception):
    """The process ends here."""


def dies(*_: object) -> None:
    raise DyingError


@pytest.mark.parametrize("base", [True, False])
@pytest.mark.parametrize("moment", ["before sending", "before the answer", "before acknowledging"])
def test_a_claim_that_broke_off_anywhere_goes_on(
    composite: CompositeTown,
    vault: Vault,
    reopen: Reopen,
    monkeypatch: pytest.MonkeyPatch,
    base: bool,
    moment: str,
) -> None:
    person = new_id().encode()
    if not base:
        composite.claimed(vault, person=person)
    already = len(vault.composite.credentials())
    link = composite.offer(person=person) if base else composite.offer(INSURANCE, required={"number": NUMBER})
    where = {
        "before sending": "prover.client.claims.finished",
        "before the answer": "prover.client.claims._standing",
        "before acknowledging": "prover.vault.Vault.end_claim",
    }[moment]
    with monkeypatch.context() as patched:
        patched.setattr(where, dies)
        with pytest.raises(DyingError):
            composite.client().claim(link, vault, composite.log, yes)
    secret = reopen().composite.contents().secret
    assert secret is not None
    if moment == "before the answer":
        assert sent_before(composite, reopen()).signature
    if moment != "before acknowledging":
        assert len(reopen().composite.credentials()) == already
    composite.client().resume(reopen(), composite.log)
    assert len(reopen().composite.credentials()) == already + 1
    assert reopen().composite.claims() == []
    kept = reopen().composite.contents().secret
    assert kept is not None
    assert kept.scalar == secret.scalar


def test_another_vault_of_the_same_person_is_refused_and_gives_up(
    composite: CompositeTown, vault: Vault, tmp_path: Path
) -> None:
    person = new_id().encode()
    store = Store.create(tmp_path / "other.vault", b"header")
    other = Vault(store, vault.keys)
    composite.claimed(other, person=person)
    link = composite.offer(person=person)
    refused(ServiceError, "HOLDER_MISMATCH", composite.client().claim, link, vault, composite.log)
    assert (vault.composite.claims(), vault.composite.credentials()) == ([], [])
    assert composite.client().claim(link, other, composite.log).schema == PERMIT
    other.close()


def test_the_whole_walk(composite: CompositeTown, stocked: Vault, reopen: Reopen) -> None:
    asked, link = composite.ask()
    stocked.composite.trust(composite.regulator)
    seen = list[CompositeConsent]()

    def agrees(consent: Consent | CompositeConsent) -> bool:
        assert isinstance(consent, CompositeConsent)
        assert stocked.usages() == []
        seen.append(consent)
        return True

    usage = composite.client().answer(link, stocked, composite.log, agrees)
    (consent,) = seen
    assert (consent.verifier, consent.verifier_display_name) == (asked.verifier, TEXT)
    assert consent.branch.id == "main"
    assert usage.state is UsageState.ANSWERED
    assert usage.shown == {"permit": ("name", "remark"), "insurance": ("employed",), "household": ()}
    assert usage.proven == asked.branches[0].predicates
    (found,) = reopen().usages()
    assert found == usage
    receipt = check_usage(found, composite.log)
    told = told_of(found)
    for before, after in zip(consent.credentials, told.credentials, strict=True):
        assert (before.attributes, before.epoch, before.expiry) == (
            after.attributes,
            after.epoch,
            after.expiry,
        )
    assert told.facts == consent.facts
    entries = composite.town.call(
        composite.town.city.ledger.ListEntries, ledger_pb2.ListEntriesRequest(start_index=receipt.index)
    ).entries
    note = stocked.open_note(entries[0].holder_note)
    assert isinstance(note, NoteSummary)
    assert (note.request_digest, note.shown) == (asked.digest, usage.shown)


def test_a_no_sends_nothing(composite: CompositeTown, stocked: Vault) -> None:
    stocked.composite.trust(composite.regulator)
    _, link = composite.ask()
    args = (link, stocked, composite.log, lambda _: False)
    refused(PresentingError, "DECLINED", composite.client().answer, *args)
    assert stocked.usages() == []


def test_without_trust_in_the_regulator_the_other_branch_is_answered_if_it_is_chosen(
    composite: CompositeTown, stocked: Vault
) -> None:
    _, link = composite.ask()
    args = (link, stocked, composite.log, agree)
    refused(PresentingError, "BRANCH_UNDECIDED", composite.client().answer, *args)
    assert stocked.usages() == []
    usage = composite.client().answer(*args, choose_composite=lambda planned: planned.choose_branch("small"))
    assert usage.branch is not None
    assert usage.branch.id == "small"
    assert [each.branch.id for each in told_of(usage).earlier] == ["main"]
    asked, _ = composite.ask(composite.branch())
    plan = composite.client().plan(asked, stocked, composite.log)
    assert [each.lack for each in plan.missing] == [Lack.REGULATOR_NOT_TRUSTED]


def test_an_empty_vault_is_told_what_is_missing_and_where(composite: CompositeTown, vault: Vault) -> None:
    asked, link = composite.ask()
    error = refused(
        NothingFitsError, "NOTHING_FITS", composite.client().answer, link, vault, composite.log, agree
    )
    assert isinstance(error, NothingFitsError)
    assert {each.lack for each in error.missing} == {Lack.NONE_HELD}
    plan = composite.client().plan(asked, vault, composite.log, branch="main")
    departments = {str(name) for each in plan.missing for name in each.departments}
    assert departments == {"departments/public-security", "departments/hrss"}
    assert vault.usages() == []


def begin(composite: CompositeTown, vault: Vault) -> None:
    """Do everything up to the moment before sending."""
    _, link = composite.ask(composite.small())
    client = composite.client()
    fetched = client.fetch(link, composite.log)
    assert isinstance(fetched.request, CompositeRequest)
    planned = client.plan(fetched.request, vault, composite.log)
    vault.begin_usage(fetched, present_plan(planned, vault.keys, composite.town.city.clock()))


def test_a_use_that_never_left_or_whose_answer_was_lost_gets_its_receipt(
    composite: CompositeTown, stocked: Vault, reopen: Reopen
) -> None:
    begin(composite, stocked)
    (usage,) = stocked.usages()
    message = presentation_pb2.SubmitPresentationRequest(
        exchange=usage.exchange.exchange,
        ticket=usage.exchange.ticket,
        composite_presentation=composite_presentation_to(presentation_of(usage), usage.schemas.__getitem__),
        holder_note=usage.holder_note,
        request_id=usage.request_id,
    )
    lost = composite.town.call(composite.town.city.presentation.SubmitPresentation, message)
    begin(composite, stocked)
    resumed = composite.client().resume(reopen(), composite.log).usages
    assert [each.state for each in resumed] == [UsageState.ANSWERED] * 2
    assert resumed[0].receipt == lost.receipt


def test_a_vault_that_was_overtaken_catches_up_before_it_presents(
    composite: CompositeTown, stocked: Vault
) -> None:
    before = {each.id: each.standing for each in stocked.composite.credentials()}
    composite.town.run(composite.office(PERMIT).revoke(*new_handles(3)))
    _, link = composite.ask(composite.small())
    usage = composite.client().answer(link, stocked, composite.log, agree)
    assert usage.state is UsageState.ANSWERED
    after = {each.id: each.standing for each in stocked.composite.credentials() if each.schema == PERMIT}
    for name, standing in after.items():
        old = before[name]
        assert standing is not None
        assert old is not None
        assert standing.epoch.number == old.epoch.number + 1


def test_a_revoked_credential_is_told_so_and_not_offered_again(
    composite: CompositeTown, stocked: Vault, reopen: Reopen
) -> None:
    (permit,) = [each for each in stocked.composite.credentials() if each.schema == PERMIT]
    composite.revoke(permit)
    asked, link = composite.ask(composite.small())
    error = refused(
        NothingFitsError, "NOTHING_FITS", composite.client().answer, link, stocked, composite.log, agree
    )
    assert isinstance(error, NothingFitsError)
    assert [each.lack for each in error.missing] == [Lack.REVOKED]
    lines = [each.text for each in lacking_lines(error.plan, "en")]
    assert sum("has been revoked by its department" in each for each in lines) == 1
    assert sum("Apply at departments/public-security" in each for each in lines) == 1
    found = reopen().credential(permit.id)
    assert isinstance(found, HeldComposite)
    assert found.revoked is not None
    plan = composite.client().plan(asked, stocked, composite.log)
    assert [each.lack for each in plan.missing] == [Lack.REVOKED]
    assert [str(each) for each in plan.missing[0].departments] == ["departments/public-security"]


def test_an_opening_is_recognised_on_the_ledger_by_its_holder(
    composite: CompositeTown, stocked: Vault
) -> None:
    stocked.composite.trust(composite.regulator)
    asked, link = composite.ask(composite.branch())
    usage = composite.client().answer(link, stocked, composite.log, agree)
    directory = composite.client().directory(asked, composite.log)
    claim = CompositeClaim(asked, presentation_of(usage), directory, composite.town.city.clock())
    parts, regulator = parts_of(composite.city.officers, claim, "who", "case 1"), composite.city.regulator_key
    records = [
        OpeningRecord.of(regulator.digest, usage.presentation.digest, "who", "case 1", each)
        for each in (parts[:1], parts[1:], parts)
    ]
    strange = OpeningRecord(regulator.digest, bytes(32), (bytes(32),))
    entries = [(at, each.entry()) for at, each in enumerate([strange, *records], 7)]
    found = list(opened_uses(stocked.usages(), entries))
    assert {(each.usage, each.escrow, each.regulator) for each in found} == {
        (usage.id, "who", regulator.digest)
    }
    assert [(each.index, each.officers) for each in found] == [(8, 1), (9, 1), (10, 2)]
    other = replace(records[2], regulator=bytes(32))
    assert list(opened_uses(stocked.usages(), [(9, other.entry())])) == []


def test_another_branch_and_another_credential_are_chosen(composite: CompositeTown, stocked: Vault) -> None:
    composite.claimed(stocked, PERMIT, required={"number": NUMBER}, name="王大明")
    stocked.composite.trust(composite.regulator)
    asked, _ = composite.ask()
    client: HolderClient = composite.client()
    plan = client.plan(asked, stocked, composite.log)
    assert plan.branch == "main"
    other = plan.choose_branch("small")
    newest, oldest = other.chosen.fitting["permit"]
    assert other.chosen.chosen["permit"].id == newest.id
    chosen = other.choose("permit", oldest.id)
    consent = composite_consent_of(chosen, LocalizedText("学校", "School"))
    (told,) = consent.credentials
    shown = [each.value for each in told.attributes if each.treatment is Treatment.SHOWN]
    assert shown == [VALUES[PERMIT.name]["name"]]
    refused(PresentingError, "CHOICE_INVALID", plan.choose_branch, "none")
    refused(PresentingError, "CHOICE_INVALID", plan.choose, "permit", "none")
