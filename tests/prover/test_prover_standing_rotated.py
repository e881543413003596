"""Standing consents from before the log went over to another key: used and withdrawn after."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

import tlog
from disclosure import ConsentLink, Reason, RefusedError
from disclosure.registry import log_key_entry
from disclosure.session import SessionStatement
from disclosure.standing import sign_terms
from prover import Vault
from prover.events import Call, EventState
from prover.records import Kind, milliseconds, pack
from prover.recovery import keys_of, words_of
from prover.standing import GrantState, HeldConsent, Sign
from tests.disclosure.test_disclosure_standing import KEY, TERMS
from tests.prover.consenting import Parties
from tests.prover.making import PASSPHRASE, refused
from tests.prover.rotating import ORIGIN, Rotating, rotating, settled
from tests.zkservice.changing import proof_of
from tests.zkservice.support import TEXT
from verifier.client.consents import AskedConsent
from wire.client import ServiceError
from zkproto.v1 import ledger_pb2

STRANGE = tlog.Signer.from_secret(ORIGIN, bytes(range(32)))


@dataclass(frozen=True)
class Stored:
    """Octets in a vault, as an earlier version of the program has written them."""

    id: str
    written: bytes

    def octets(self) -> bytes:
        return self.written


def as_before(held: HeldConsent) -> Stored:
    """A consent's record from when nothing was said of the log's key."""
    name = held.verifier_display_name.items()
    head = [Kind.CONSENT.value, held.state.value, str(held.link), name, list(map(milliseconds, held.uses))]
    return Stored(held.id, pack(head, held.signed.payload, held.signed.signature))


def put(vault: Vault, record: Stored) -> None:
    with vault._shelf.writing() as records:
        records.put(record)


def held_of(vault: Vault, consent: AskedConsent) -> HeldConsent:
    (found,) = (each for each in vault.consents.all() if each.link.consent == consent.consent)
    return found


def used(parties: Parties, consent: AskedConsent, key: tlog.Verifier) -> None:
    """The bank asks under the consent; the vault, which pins this key, answers without asking."""
    parties.use(consent)
    answered = [each for each in parties.holder.attend(parties.vault, key) if each.usage is not None]
    assert [each.consent for each in answered] == [held_of(parties.vault, consent).id]


def withdrawn(parties: Parties, consent: AskedConsent, vault: Vault, key: tlog.Verifier) -> None:
    event = parties.holder.withdraw(held_of(vault, consent).id, vault, key)
    assert event.state is EventState.RECORDED
    refused(ServiceError, "CONSENT_WITHDRAWN", parties.use, consent)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Rotating]:
    with rotating(tmp_path) as made:
        yield made


def test_it_is_used_and_withdrawn_by_the_key_that_it_was_granted_with(log: Rotating) -> None:
    with log.serving() as parties:
        consents = [parties.granted(interval=0, times=9 - each) for each in range(3)]
    one, two, older = consents
    put(log.vault, as_before(held_of(log.vault, older)))
    assert held_of(log.vault, older).log is None
    log.begin()
    first, second = log.keys
    with log.serving() as parties:
        settled(parties.town, second)
        for pinned in (first, second):
            for each in consents:
                used(parties, each, pinned)
        later = parties.holder.answer(
            parties.bank.ask(parties.terms(times=2)).link, log.vault, second, lambda _: True
        )
        assert later.state is EventState.RECORDED
    log.finish()
    log.rotate()
    third = log.keys[-1]
    with log.serving() as parties:
        for each in consents:
            used(parties, each, third)
        found = [each.log for each in log.vault.consents.all()]
        assert sorted(map(str, found)) == sorted(map(str, [first, first, None, second])), "as granted"
        for each in (one, older):
            withdrawn(parties, each, log.vault, third)
        used(parties, two, third)


def test_a_grant_that_was_not_sent_before_is_sent_after_and_used(
    log: Rotating, monkeypatch: pytest.MonkeyPatch
) -> None:
    with log.serving() as parties:
        asked = parties.bank.ask(parties.terms(interval=0))
        with monkeypatch.context() as patched:
            patched.setattr("prover.client.events.send", _away)
            event = parties.holder.answer(asked.link, log.vault, log.keys[0], lambda _: True)
        assert event.state is EventState.SENT
    log.rotate()
    with log.serving() as parties:
        assert parties.holder.attend(log.vault, log.keys[1]) == []
        (sent,) = parties.town.client().resume(log.vault, log.keys[1]).events
        assert sent.state is EventState.RECORDED
        used(parties, asked, log.keys[1])


def _away(*_: Any) -> Any:
    raise RefusedError(Reason.RECEIPT_MISMATCH, "not now")


def test_a_new_phone_withdraws_what_was_granted_under_the_key_before(log: Rotating, tmp_path: Path) -> None:
    with log.serving() as parties:
        asked = parties.granted(interval=0)
    log.rotate()
    keys = keys_of(" ".join(words_of(log.vault.keys)))
    new = log.keys[1]
    with log.serving() as parties, Vault.create(tmp_path / "new", PASSPHRASE, keys=keys) as phone:
        parties.town.client().rebuild(phone, new)
        (held,) = parties.holder.recovered(phone, new)
        assert (held.state, held.log) == (GrantState.RECOVERED, None)
        withdrawn(parties, asked, phone, new)


def test_what_was_refused_and_is_granted_again_is_tried_under_both_keys(vault: Vault) -> None:
    """Which of two grants the service has taken, only the service can say; another log's key is not tried."""
    link = ConsentLink("localhost:1", "x" * 22, "y" * 43)
    keys = [tlog.Signer.from_secret(ORIGIN, bytes([each]) * 32).verifier for each in range(3)]
    granted = list[bytes]()

    def make(public_key: bytes, request_id: str, sealed: bytes) -> Call:
        granted.append(public_key)
        return Call("/zkproto.v1.ConsentService/GrantConsent", request_id.encode())

    signed = sign_terms(TERMS, KEY)
    for log in keys[:2]:
        held, event = vault.consents.grant(log, link, signed, TEXT, make)
        again, same = vault.consents.grant(log, link, signed, TEXT, make)
        assert (again, same) == (held, event), "gone on with, and not made again"
        vault.finish_event(event.id, reason="X")
    assert (held.log, len(set(granted)), len(granted)) == (None, 2, 2)
    signers = vault.consents.signers(link.server, link.consent, keys[1], lambda: [keys[0]])
    for sign, public_key in zip(signers, reversed(granted), strict=True):
        Ed25519PublicKey.from_public_bytes(public_key).verify(sign(b"x"), b"x")
    refused(RefusedError, "LOG_KEY_NOT_FOLLOWED", list, _elsewhere(vault, keys))


def test_a_consent_that_was_taken_is_not_forgotten_for_what_a_service_says_later(vault: Vault) -> None:
    link = ConsentLink("localhost:1", "x" * 22, "y" * 43)
    log = tlog.Signer.from_secret(ORIGIN, bytes(32)).verifier
    made = log, link, sign_terms(TERMS, KEY), TEXT, lambda *_: Call("/x/y", b"")
    held, event = vault.consents.grant(*made)
    vault.consents.forget(held.id)
    assert vault.consents.all() == [held], "it may have been taken"
    for other in (replace(link, server="localhost:2"), replace(link, id="z" * 22)):
        refused(RefusedError, "REQUEST_MISMATCH", vault.consents.grant, log, other, *made[2:])
    assert vault.consents.all() == [held]
    vault.finish_event(event.id, reason="X")
    vault.consents.forget(held.id)
    assert vault.consents.all() == []


def _elsewhere(vault: Vault, keys: list[tlog.Verifier]) -> Iterator[Sign]:
    """What may sign, at a log that has taken nobody's place, for a consent that was granted once."""
    link = ConsentLink("localhost:1", "z" * 22, "y" * 43)
    signed = sign_terms(replace(TERMS, times=7), KEY)
    vault.consents.grant(keys[0], link, signed, TEXT, lambda *_: Call("/x/y", b""))
    return vault.consents.signers(link.server, link.consent, keys[2])


# What is no change of the log's key


@pytest.fixture
def signed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What logs' keys were named in statements that somebody signed."""
    named, sign = list[str](), SessionStatement.sign

    def noting(statement: SessionStatement, by: Any) -> bytes:
        if statement.party.startswith("consents/"):
            named.append(statement.service)
        return sign(statement, by)

    monkeypatch.setattr(SessionStatement, "sign", noting)
    return named


def test_nothing_is_signed_for_a_key_that_is_not_proven_to_follow(
    log: Rotating, signed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the same origin, at the same address, and pinned: yet another log, as far as anybody has shown."""
    with log.serving() as parties:
        asked = parties.granted(interval=0)
        parties.use(asked)
        (old,), before = log.keys, log.vault.consents.all()
        one, two = (tlog.Signer.from_secret("log.example/other", bytes([each]) * 32) for each in (1, 2))
        others = proof_of(log_key_entry(one.verifier, two.verifier), one, two, origin="log.example/other")
        record = log_key_entry(old, STRANGE.verifier)
        lies = {
            b"": "LOG_KEY_NOT_FOLLOWED",
            proof_of(record, STRANGE, origin=ORIGIN): "NOTE_UNSIGNED",
            others: "LOG_KEY_NOT_FOLLOWED",
            proof_of(log_key_entry(STRANGE.verifier, old), STRANGE, origin=ORIGIN): "LOG_KEY_NOT_FOLLOWED",
            b"x": "PROOF_MALFORMED",
        }
        for lie, reason in lies.items():
            with monkeypatch.context() as patched:
                patched.setattr("zkservice.services.log_keys.listed", _listing(lie))
                (told,) = parties.holder.attend(log.vault, STRANGE.verifier)
            assert (told.usage, told.reason) == (None, reason)
        assert signed == []
        assert log.vault.consents.all() == before
        used_now = parties.attend()
        assert [each.usage is not None for each in used_now] == [True]


def _listing(proof: bytes) -> Any:

    return lambda _: ledger_pb2.ListLogKeysResponse(
        log_keys=[ledger_pb2.LogKey(verifier_key=str(STRANGE.verifier), change_proof=proof)]
    )
