"""Consents of a vault that was put back, or made anew; and a service that names two of them alike."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from disclosure import ConsentLink, Reason, RefusedError
from prover import Vault
from prover.client import HolderClient
from prover.errors import ContentError
from prover.events import EventState
from prover.recovery import keys_of, words_of
from prover.standing import GrantState
from tests.prover.consenting import DAY, Parties, at
from tests.prover.making import PASSPHRASE, refused
from tests.prover.town import Town
from tests.zkservice.stored import change, selected
from verifier.client.consents import AskedConsent
from wire.client import ServiceError

FILE, COPY = "holder.vault", "copy.vault"


@pytest.fixture
def parties(town: Town, tmp_path: Path) -> Iterator[Parties]:
    with at(town, tmp_path / FILE) as made:
        yield made


def copied(folder: Path) -> None:
    """Copy the vault's file as a backup does, with what its store has beside it."""
    for suffix in ("", "-wal", "-shm"):
        if (folder / f"{FILE}{suffix}").exists():
            shutil.copy2(folder / f"{FILE}{suffix}", folder / f"{COPY}{suffix}")


@contextmanager
def restored(parties: Parties, folder: Path) -> Iterator[Parties]:
    """Open the copy, and have it read the ledger."""
    town = parties.town
    with Vault.open(folder / COPY, PASSPHRASE, clock=town.city.clock) as vault:
        client_of(parties).rebuild(vault, town.log)
        made = Parties(town, vault)
        with made.bank:
            yield made


def client_of(parties: Parties) -> HolderClient:
    return HolderClient(parties.town.endpoint, clock=parties.town.city.clock)


def states(parties: Parties) -> list[GrantState]:
    return [each.state for each in parties.vault.consents.all()]


@contextmanager
def new_phone(parties: Parties, folder: Path) -> Iterator[Vault]:
    """Make a vault of the same keys with nothing in it."""
    keys = keys_of(" ".join(words_of(parties.vault.keys)))
    clock = parties.town.city.clock
    with Vault.create(folder / "new.vault", PASSPHRASE, keys=keys, clock=clock) as vault:
        yield vault


def test_a_copy_that_has_read_of_the_withdrawal_does_not_go_on(parties: Parties, tmp_path: Path) -> None:
    consent = parties.granted(interval=0)
    other = parties.granted(interval=0, times=3)
    copied(tmp_path)
    held = {each.link.consent: each for each in parties.vault.consents.all()}
    parties.holder.withdraw(held[consent.consent].id, parties.vault, parties.town.log)
    with restored(parties, tmp_path) as old:
        # It is so from the reading on, whether or not the service answers what is asked after it.
        assert {each.link.consent: each.state for each in old.vault.consents.all()} == {
            consent.consent: GrantState.WITHDRAWN,
            other.consent: GrantState.GRANTED,
        }
        parties.lift(consent, state="granted")
        for each in (consent, other):
            parties.use(each)
        (attended,) = old.attend()
        assert (attended.usage is not None, attended.consent) == (True, held[other.consent].id)
        old.holder.recovered(old.vault, parties.town.log)
        assert sorted(states(old)) == [GrantState.GRANTED, GrantState.WITHDRAWN]


def test_a_copy_that_has_lost_count_does_not_go_on(parties: Parties, tmp_path: Path) -> None:
    consent = parties.granted(interval=0, times=1)
    copied(tmp_path)
    parties.use(consent)
    assert parties.attend()[0].usage is not None
    with restored(parties, tmp_path) as old:
        assert states(old) == [GrantState.RECOVERED]
        parties.lift(consent, used=0)
        parties.use(consent)
        assert old.attend() == []
        (held,) = old.vault.consents.all()
        event = old.holder.withdraw(held.id, old.vault, parties.town.log)
        assert event.state is EventState.RECORDED
    refused(ServiceError, "CONSENT_WITHDRAWN", parties.use, consent)


def test_the_vault_that_knows_all_its_uses_goes_on_after_reading(parties: Parties) -> None:
    consent = parties.granted(interval=0, times=2)
    for _ in range(2):
        parties.use(consent)
        assert parties.attend()[0].usage is not None
        client_of(parties).rebuild(parties.vault, parties.town.log)
        assert states(parties) == [GrantState.GRANTED]


def test_uses_from_before_a_consent_leave_it_as_it_is(parties: Parties, tmp_path: Path) -> None:
    consent = parties.granted(interval=0)
    parties.use(consent)
    assert parties.attend()[0].usage is not None
    parties.later(DAY)
    with new_phone(parties, tmp_path) as phone:
        now = Parties(parties.town, phone)
        with now.bank:
            parties.town.client().claim(parties.town.offer(), phone, parties.town.log)
            later = now.granted(interval=0, times=3)
            client_of(parties).rebuild(phone, parties.town.log)
            now.holder.recovered(phone, parties.town.log)
            assert {each.link.consent: each.state for each in phone.consents.all()} == {
                consent.consent: GrantState.RECOVERED,
                later.consent: GrantState.GRANTED,
            }


# A service that is not true


def test_nothing_is_answered_before_there_is_a_receipt_for_the_grant(
    parties: Parties, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service takes a grant and asks under it, and could refuse the grant afterwards."""
    asked, town = parties.bank.ask(parties.terms(interval=0)), parties.town
    with monkeypatch.context() as patched:
        patched.setattr("prover.client.events.check_event_receipt", does_not_hold)
        event = parties.holder.answer(asked.link, parties.vault, town.log, lambda _: True)
    assert event.state is EventState.SENT
    exchange = parties.use(asked)
    assert parties.attend() == []
    assert parties.vault.usages() == []
    (sent,) = town.client().resume(parties.vault, town.log).events
    assert sent.state is EventState.RECORDED
    (attended,) = parties.attend()
    assert attended.exchange == exchange.exchange
    assert attended.usage is not None


def does_not_hold(*_: object) -> None:
    raise RefusedError(Reason.RECEIPT_MISMATCH, "it is another one's")


def renamed(parties: Parties, one: AskedConsent, other: AskedConsent) -> ConsentLink:
    """Have the service give the one's name to the other; return the link that leads to the other now."""
    data = parties.town.city.ready.data
    change(data, "update consent set id = ? where id = ?", f"{one.link.id[:-1]}-", one.link.id)
    change(data, "update consent set id = ? where id = ?", one.link.id, other.link.id)
    return one.link


def keys_in(parties: Parties, *ids: str) -> list[bytes]:
    """Return the public keys that the service has of consents."""
    found = dict(selected(parties.town.city.ready.data, "select id, public_key from consent"))
    return [found[each] for each in ids]


def test_two_consents_of_one_name_have_keys_of_their_own(parties: Parties, tmp_path: Path) -> None:
    """The service could not tell by the key that both are of one person, had the vault lost the first."""
    one, other = parties.granted(times=3), parties.bank.ask(parties.terms(times=4))
    link = renamed(parties, one, other)
    with new_phone(parties, tmp_path) as phone:
        parties.town.client().claim(parties.town.offer(), phone, parties.town.log)
        parties.holder.answer(link, phone, parties.town.log, lambda _: True)
    first, second = keys_in(parties, f"{one.link.id[:-1]}-", one.link.id)
    assert None not in (first, second)
    assert first != second


def test_a_name_that_is_held_with_other_terms_is_not_granted_again(parties: Parties) -> None:
    one, other = parties.granted(times=3), parties.bank.ask(parties.terms(times=4))
    answer, told = parties.holder.answer, (parties.vault, parties.town.log, lambda _: True)
    refused(RefusedError, "REQUEST_MISMATCH", answer, renamed(parties, one, other), *told)
    (held,) = parties.vault.consents.all()
    assert held.terms.times == 3
    assert keys_in(parties, one.link.id) == [None]
    assert len(parties.vault.events()) == 1


def test_a_new_phone_takes_no_other_terms_for_those_that_were_granted(
    parties: Parties, tmp_path: Path
) -> None:
    one, other = parties.granted(times=3), parties.bank.ask(parties.terms(times=4))
    renamed(parties, one, other)
    with new_phone(parties, tmp_path) as phone:
        client_of(parties).rebuild(phone, parties.town.log)
        refused(RefusedError, "REQUEST_MISMATCH", parties.holder.recovered, phone, parties.town.log)
        assert phone.consents.all() == []
        signers = phone.consents.signers(one.link.server, one.consent, parties.town.log)
        refused(ContentError, "CONSENT_NOT_FOUND", next, signers)
