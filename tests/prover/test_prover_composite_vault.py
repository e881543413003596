"""What a vault keeps of the composite form, and what is there after a crash between any two steps."""

import datetime as dt
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from disclosure import ExchangeLink, LocalizedText, MalformedError, sign_request
from disclosure.composite import CompositePresentation, Regulator
from disclosure.names import RegulatorName
from prover import (
    ContentError,
    FetchedRequest,
    HeldComposite,
    Usage,
    UsageState,
    Vault,
    composite_consent_of,
    plan_composite,
    present_plan,
    told_of,
)
from prover.composite.facts import Facts
from prover.composite.records import held_composite_of, pending_claim_of
from prover.store import Store, Transaction
from tests.disclosure.composite.officers import new_officers, shared_by
from tests.disclosure.composite.policy import MAIN, OTHER, REQUEST
from tests.disclosure.composite.world import (
    CHILD,
    DIRECTORY,
    HOUSEHOLD,
    HRSS,
    INSURANCE,
    NOW,
    PERMIT,
    POLICE,
    SCHOOL,
    VERIFIER_KEYS,
    request,
)
from tests.prover.composite_making import REGULATOR, answered, begun, finished, received, standing
from tests.prover.conftest import Reopen
from tests.prover.making import POLICY, SERVER, fetched, receipt_of, refused
from tests.prover.making import request as plain_request

SCHOOL_NAME = LocalizedText("学校", "A school")


def octets_of(vault: Vault) -> list[bytes]:
    return [each.octets() for each in vault.composite.credentials()]


def secret_of(vault: Vault) -> int | None:
    secret = vault.composite.contents().secret
    return None if secret is None else secret.scalar


def test_a_new_vault_has_no_secret_and_the_first_claim_makes_one(vault: Vault, reopen: Reopen) -> None:
    assert secret_of(vault) is None
    begun(vault, PERMIT, 1)
    first = secret_of(reopen())
    begun(reopen(), PERMIT, 2)
    assert first is not None
    assert secret_of(reopen()) == first


@pytest.mark.parametrize("dies_at", [1, 2])
def test_secret_and_first_claim_are_there_together_or_not_at_all(
    vault: Vault, reopen: Reopen, monkeypatch: pytest.MonkeyPatch, dies_at: int
) -> None:
    """Of a claim that went out with a secret that is lost nobody would ever have the credential."""
    puts, put = [0], Transaction.put

    def dies(transaction: Transaction, record_id: bytes, sealed: bytes) -> None:
        puts[0] += 1
        put(transaction, record_id, sealed)
        if puts[0] == dies_at:
            raise InterruptedError

    with monkeypatch.context() as patched:
        patched.setattr(Transaction, "put", dies)
        with pytest.raises(InterruptedError):
            begun(vault, PERMIT)
    assert puts == [dies_at]
    assert (secret_of(reopen()), reopen().composite.claims()) == (None, [])
    begun(reopen(), PERMIT)
    assert secret_of(reopen()) is not None
    assert len(reopen().composite.claims()) == 1


def test_of_two_that_begin_at_once_one_secret_comes_out(path: Path, vault: Vault) -> None:
    others = [Vault(Store.open(path), vault.keys) for _ in range(4)]
    threads = [
        threading.Thread(target=begun, args=(each, PERMIT, number)) for number, each in enumerate(others)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    claims = vault.composite.claims()
    assert len(claims) == 4
    for each, claim in zip(others, claims, strict=True):
        finished(each, claim, answered(claim))  # all hold for the one secret that there is
        each.close()


def test_a_claim_sends_the_same_octets_after_every_crash(vault: Vault, reopen: Reopen) -> None:
    claim = begun(vault, PERMIT)
    answer = answered(claim)  # the department has it and signs; the vault's process is killed
    (found,) = reopen().composite.claims()
    assert (found.answer, found.request_id, found.blind) == (claim.answer, claim.request_id, claim.blind)
    again = begun(reopen(), PERMIT)
    assert (again.answer, again.id) == (claim.answer, claim.id)
    held = finished(reopen(), found, answer)  # killed before it acknowledged
    (stored,) = reopen().composite.claims()
    assert (stored.credential, stored.blind, stored.answer) == (held.id, None, b"")
    assert octets_of(reopen()) == [held.octets()]
    assert finished(reopen(), found, answer).id == held.id, "stored once, however often it comes"
    reopen().end_claim(claim.id)
    assert reopen().composite.claims() == []
    refused(ContentError, "CLAIM_NOT_FOUND", finished, reopen(), found, answer)


def test_storing_a_credential_and_turning_its_claim_is_one_step(
    vault: Vault, reopen: Reopen, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = begun(vault, PERMIT)
    answer, put = answered(claim), Transaction.put

    def dies(transaction: Transaction, record_id: bytes, sealed: bytes) -> None:
        put(transaction, record_id, sealed)
        raise InterruptedError

    with monkeypatch.context() as patched:
        patched.setattr(Transaction, "put", dies)
        with pytest.raises(InterruptedError):
            finished(vault, claim, answer)
    assert reopen().composite.credentials() == []
    (found,) = reopen().composite.claims()
    assert found.answer == claim.answer
    assert finished(reopen(), found, answer).credential.handle == answer.handle


def test_both_forms_are_found_and_removed_by_their_identifiers(vault: Vault, reopen: Reopen) -> None:
    held = received(vault, PERMIT)
    found = reopen().credential(held.id[:8])
    assert isinstance(found, HeldComposite)
    assert found.octets() == held.octets()
    assert reopen().credentials() == []
    reopen().remove(held.id[:8])
    assert reopen().composite.credentials() == []
    refused(ContentError, "CREDENTIAL_NOT_FOUND", reopen().credential, held.id)
    assert secret_of(reopen()) is not None


def test_another_schema_of_a_held_name_is_not_kept(vault: Vault) -> None:
    received(vault, PERMIT)
    other = replace(PERMIT, display_name=SCHOOL_NAME)
    claim = begun(vault, other, 2)
    refused(ContentError, "SCHEMA_CHANGED", finished, vault, claim, answered(claim))


def test_a_witness_stays_until_a_newer_one_takes_its_place(vault: Vault, reopen: Reopen) -> None:
    held = received(vault, PERMIT, epoch=1)
    newer = standing(POLICE, held.credential.handle, 2)
    vault.composite.keep_partial(held.id, newer.witness)
    (found,) = reopen().composite.credentials()
    assert found.standing is not None
    assert found.standing.epoch == POLICE.epochs[1]
    assert found.standing.witness.at == POLICE.epochs[1].position
    assert found.standing.beginning.at == newer.witness.at
    reopen().composite.keep_witness(held.id, newer.witness, newer.epoch)
    old = standing(POLICE, held.credential.handle, 1)
    reopen().composite.keep_witness(held.id, old.witness, old.epoch)  # a slower process
    (found,) = reopen().composite.credentials()
    assert found.standing is not None
    assert (found.standing.epoch, found.standing.partial) == (newer.epoch, None)
    assert found.standing.witness.verified().y == held.credential.handle


def test_a_revocation_is_kept_with_its_time_and_not_taken_back(vault: Vault, reopen: Reopen) -> None:
    held = received(vault, PERMIT)
    vault.composite.mark_revoked(held.id)
    (first,) = reopen().composite.credentials()
    reopen().composite.mark_revoked(held.id)
    (second,) = reopen().composite.credentials()
    assert first.revoked is not None
    assert first.revoked == second.revoked
    refused(ContentError, "CREDENTIAL_NOT_FOUND", vault.composite.mark_revoked, bytes(16).hex())


def test_regulators_are_trusted_until_they_are_not(vault: Vault, reopen: Reopen) -> None:
    assert vault.composite.regulators() == []
    made = vault.composite.trust(REGULATOR)
    assert reopen().composite.trust(REGULATOR) == made
    other = Regulator(RegulatorName("other"), SCHOOL_NAME, shared_by(new_officers()))
    reopen().composite.trust(other)
    assert reopen().composite.contents().trusted == {REGULATOR.key.digest, other.key.digest}
    reopen().composite.distrust(REGULATOR.key.digest)
    assert [each.regulator for each in reopen().composite.regulators()] == [other]
    second = replace(other, key=shared_by(new_officers()))
    refused(ContentError, "REGULATOR_KEY_CHANGED", vault.composite.trust, second)
    assert reopen().composite.contents().trusted == {other.key.digest}
    vault.composite.distrust(other.key.digest)
    vault.composite.trust(second)
    assert reopen().composite.contents().trusted == {second.key.digest}
    refused(ContentError, "REGULATOR_NOT_FOUND", vault.composite.distrust, REGULATOR.key.digest)


def stocked(vault: Vault) -> Vault:
    for number, schema in enumerate((PERMIT, INSURANCE, HOUSEHOLD)):
        received(vault, schema, number)
    vault.composite.trust(REGULATOR)
    return vault


def used(vault: Vault) -> Usage:
    plan = plan_composite(REQUEST, vault.composite.contents(), DIRECTORY, NOW)
    prepared = present_plan(plan, vault.keys, NOW)
    link = ExchangeLink(SERVER, "exchange-1", "ticket-1")
    asked = FetchedRequest(link, sign_request(REQUEST, VERIFIER_KEYS[SCHOOL]), SCHOOL_NAME, POLICY)
    return vault.begin_usage(asked, prepared)


def test_a_use_is_kept_with_what_was_shown_and_proven(vault: Vault, reopen: Reopen) -> None:
    usage = used(stocked(vault))
    (found,) = reopen().usages()
    assert found == usage
    assert found.shown == {"permit": ("name", "remark"), "insurance": ("employed",), "household": ()}
    assert (found.branch, found.proven) == (MAIN, MAIN.predicates)
    told = told_of(found)
    assert {each.schema for each in told.credentials} == {PERMIT, INSURANCE, HOUSEHOLD}
    assert {each.display_name for each in told.facts.regulators.values()} == {REGULATOR.display_name}
    assert [each.epoch for each in told.credentials] == [dt.datetime.fromtimestamp(3, dt.UTC)] * 3
    assert found.own_tag
    answered_use = reopen().finish_usage(usage.id, receipt=receipt_of(usage))
    assert answered_use.state is UsageState.ANSWERED
    for each in reopen().composite.credentials():
        reopen().remove(each.id)
    assert told_of(reopen().usage(usage.id)) == told, "it can be told when the credentials are gone"


def test_a_use_of_two_forms_at_once_is_none(vault: Vault) -> None:
    usage = used(stocked(vault))
    for changes in (
        {"facts": None},
        {"facts": Facts(), "signed_request": fetched(plain_request()).signed_request},
    ):
        with pytest.raises(MalformedError):
            replace(usage, **changes)


def test_a_use_of_another_request_is_not_stored(vault: Vault) -> None:
    stocked(vault)
    plan = plan_composite(request(OTHER), vault.composite.contents(), DIRECTORY, NOW)
    prepared = present_plan(plan, vault.keys, NOW)
    asked = FetchedRequest(
        ExchangeLink(SERVER, "exchange-1", "ticket-1"),
        sign_request(REQUEST, VERIFIER_KEYS[SCHOOL]),
        SCHOOL_NAME,
        POLICY,
    )
    refused(ContentError, "USAGE_MISMATCH", vault.begin_usage, asked, prepared)
    assert vault.usages() == []


def secrets_of(vault: Vault) -> dict[str, int | bytes]:
    """Everything that nobody may read: in numbers, whose decimal and hexadecimal digits count."""
    held = vault.composite.credentials()
    witnesses = [each.standing.witness for each in held if each.standing is not None]
    group = witnesses[0].at.key.group
    found: dict[str, int | bytes] = {"secret": secret_of(vault) or 0, "child": CHILD}
    for number, each in enumerate(held):
        found[f"handle {number}"] = each.credential.handle
        found[f"blind {number}"] = each.credential.blind
        found[f"signature {number}"] = each.credential.signature
        found[f"witness {number}"] = group.g1s_to_octets_uncompressed([witnesses[number].C])
    for claim in vault.composite.claims():
        found["pending blind"] = claim.blind or 0
        found["claim code"] = claim.link.claim_code.encode()
        found["commitment"] = claim.answer
    return found


def written(secret: int | bytes) -> list[str]:
    number = secret if isinstance(secret, int) else int.from_bytes(secret)
    octets = number.to_bytes(32) if isinstance(secret, int) else secret
    return [str(number), f"{number:x}", octets.hex(), repr(octets)[2:-1]]


def test_nothing_that_is_shown_of_it_has_a_secret(vault: Vault) -> None:
    usage = used(stocked(vault))
    claim = begun(vault, PERMIT, 9)
    plan = plan_composite(REQUEST, vault.composite.contents(), DIRECTORY, NOW)
    partial = vault.composite.credentials()[0].standing
    assert partial is not None
    vault.composite.keep_partial(vault.composite.credentials()[0].id, partial.witness)
    consent = composite_consent_of(plan, SCHOOL_NAME)
    things: list[Callable[[], object]] = [
        lambda: vault, lambda: vault.composite, vault.composite.contents, vault.composite.credentials,
        vault.composite.claims, lambda: claim.pending, lambda: plan, lambda: plan.holdings,
        lambda: plan.chosen, lambda: consent, lambda: usage, lambda: told_of(usage),
        lambda: present_plan(plan, vault.keys, NOW),
        lambda: [each.credential for each in vault.composite.credentials()], lambda: partial,
    ]  # fmt: skip
    shown = "".join(f"{thing()!r} {thing()!s}" for thing in things)
    for name, secret in secrets_of(vault).items():
        for form in written(secret):
            assert form not in shown, name
    for value in ("王小明", "370102199001011234", "812300", "王一"):
        assert value not in shown


def test_nothing_in_the_file_can_be_read(vault: Vault, path: Path) -> None:
    usage = used(stocked(vault))
    begun(vault, PERMIT, 9)
    files = b"".join(each.read_bytes() for each in path.parent.iterdir())
    for name, secret in secrets_of(vault).items():
        octets = secret.to_bytes(32) if isinstance(secret, int) else secret
        assert octets not in files, name
    assert isinstance(usage.presentation, CompositePresentation)
    for octets in (
        usage.presentation.proof[:48], PERMIT.digest, "王小明".encode(), b"composite-credential",
        b"holder-secret", POLICE.accumulator.key.octets, *REGULATOR.key.officers,
    ):  # fmt: skip
        assert octets not in files


def test_records_are_decoded_strictly(vault: Vault) -> None:
    held, claim = received(vault, PERMIT), begun(vault, PERMIT, 2)
    assert held_composite_of(held.id, held.octets()).octets() == held.octets()
    assert pending_claim_of(claim.id, claim.octets()).octets() == claim.octets()
    for octets in (held.octets()[:-1], held.octets() + b"\x00\x00\x00\x00", claim.octets(), b""):
        with pytest.raises(MalformedError):
            held_composite_of(held.id, octets)
    with pytest.raises(MalformedError):
        replace(claim, blind=None)


def test_a_witness_of_another_accumulator_is_no_part_of_a_record(vault: Vault) -> None:
    held = received(vault, PERMIT)
    assert held.standing is not None
    other = standing(HRSS, held.credential.handle).witness
    broken = replace(held, standing=replace(held.standing, witness=other))
    with pytest.raises(MalformedError):
        held_composite_of(held.id, broken.octets())
