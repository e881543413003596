"""A new phone has the words and the ledger, and nothing else; over the real server, and one that lies."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import prover.client.reading as pages
import tlog
from disclosure.event import EventKind
from prover import NoteSummary, Vault, VaultKeys
from prover.client import HolderClient
from prover.errors import ContentError, PassphraseError, PresentingError
from prover.history import check_event, check_found, check_usage
from prover.notes import EventNote, seal_event
from prover.reading import LedgerReader, Place
from prover.recovery import keys_of, words_of
from prover.sealing import Cost
from tests.prover.composite_town import CompositeTown
from tests.prover.making import NOW, PASSPHRASE, PURPOSE, refused
from tests.prover.proxy import Proxy, proxied
from tests.prover.town import Town
from tests.tlog.making import LOG, Log, record
from tests.zkservice.support import new_id
from tlog import ReceiptEntry, TlogError, VerificationError, note_hash
from zkproto.v1 import ledger_pb2, presentation_pb2

KEYS = VaultKeys(bytes(range(32)))


def test_the_words_are_those_of_the_standard() -> None:
    """BIP-39's own vector for 32 octets of zeros."""
    assert words_of(VaultKeys(bytes(32))) == (*["abandon"] * 23, "art")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_words_give_the_same_keys_again(lang: Any) -> None:
    words = words_of(KEYS, lang)
    assert len(words) == 24
    again = keys_of("  ".join(words).upper() + "\n")
    note = EventNote(EventKind.SENT, "verifiers/x", PURPOSE, bytes(32), NOW)
    sealed = seal_event(KEYS, note)
    assert again.open_note(sealed) == KEYS.open_note(sealed) is not None
    assert again.recognises(KEYS.usage_tag())
    about = ("log", "consents/x", bytes(32))
    assert again.consent_key(*about).public_key() == KEYS.consent_key(*about).public_key()


def mistaken(change: Callable[[list[str]], list[str]]) -> str:
    return " ".join(change(list(words_of(KEYS))))


@pytest.mark.parametrize(
    "words",
    [
        "",
        "abandon",
        mistaken(lambda each: each[:-1]),
        mistaken(lambda each: [*each, "abandon"]),
        mistaken(lambda each: [*each[:-1], "abandon"]),
        mistaken(lambda each: [each[1], each[0], *each[2:]]),
        mistaken(lambda each: ["nosuchword", *each[1:]]),
        "abandon " * 11 + "about",
    ],
)
def test_a_mistake_is_noticed_and_not_repeated(words: str) -> None:
    error = refused(PassphraseError, "WORDS_INVALID", keys_of, words)
    assert not any(each in str(error) for each in words.split())


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    """A vault with keys of its own: the ledger is that of all tests."""
    with Vault.create(tmp_path / "old.vault", PASSPHRASE) as made:
        yield made


@pytest.fixture
def lived(town: Town, vault: Vault) -> Vault:
    """A vault that was asked three times: it answered, declined, and answered again."""
    client = town.client()
    client.claim(town.offer(), vault, town.log)
    for yes in (True, False, True):
        _, link = town.ask()
        if yes:
            client.answer(link, vault, town.log, lambda _: True)
        else:
            refused(PresentingError, "DECLINED", client.answer, link, vault, town.log, lambda _: False)
    return vault


@pytest.fixture
def phone(vault: Vault, tmp_path: Path) -> Iterator[Vault]:
    """A new phone, with nothing but the words."""
    keys = keys_of(" ".join(words_of(vault.keys)))
    with Vault.create(tmp_path / "new.vault", PASSPHRASE, keys=keys, cost=Cost()) as made:
        yield made


def test_the_history_is_complete_from_the_ledger_alone(town: Town, lived: Vault, phone: Vault) -> None:
    rebuilt = town.client().rebuild(phone, town.log)
    notes = [each.note for each in rebuilt.found]
    assert [type(each) for each in notes] == [NoteSummary, EventNote, NoteSummary]
    usages, (event,) = lived.usages(), lived.events()
    receipts = [
        check_usage(usages[0], town.log),
        check_event(event, town.log),
        check_usage(usages[1], town.log),
    ]
    assert [each.index for each in rebuilt.found] == [each.index for each in receipts]
    assert notes[1] == event.note
    assert [each.request_digest for each in notes if isinstance(each, NoteSummary)] == [
        each.request.digest for each in usages
    ]
    for each in rebuilt.found:
        assert each.copy_of is None
        check_found(each, phone.readings.proof(each), town.log)


def test_it_goes_on_from_where_it_was(town: Town, lived: Vault, phone: Vault) -> None:
    first = town.client().rebuild(phone, town.log)
    _, link = town.ask()
    town.client().answer(link, lived, town.log, lambda _: True)
    read: list[int] = []
    second = town.client().rebuild(phone, town.log, lambda at, _: read.append(at))
    assert read[0] == first.size < second.size
    assert second.found[:-1] == first.found
    for each in second.found:
        check_found(each, phone.readings.proof(each), town.log)
    assert town.client().rebuild(phone, town.log) == second


def test_another_vault_finds_nothing(town: Town, lived: Vault, tmp_path: Path) -> None:
    with Vault.create(tmp_path / "other.vault", PASSPHRASE) as other:
        assert town.client().rebuild(other, town.log).found == ()


class Interrupted(Exception):
    """Ctrl-C."""


def test_broken_off_it_keeps_its_place(
    town: Town, lived: Vault, phone: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "_PAGE", 4)
    monkeypatch.setattr(pages, "_KEPT_EVERY", 1)

    def stop(at: int, size: int) -> None:
        if at > size // 2:
            raise Interrupted

    with pytest.raises(Interrupted):
        town.client().rebuild(phone, town.log, stop)
    state = phone.readings.state()
    assert state is not None
    assert state.verified.size == 0 < state.read.size
    assert phone.readings.found() == []
    read: list[int] = []
    rebuilt = town.client().rebuild(phone, town.log, lambda at, _: read.append(at))
    assert read[0] == state.read.size
    assert [each.note for each in rebuilt.found][1] == lived.events()[0].note


def test_a_note_beside_another_entry_is_told_as_a_copy(town: Town, lived: Vault, phone: Vault) -> None:
    """Somebody takes a note off the ledger and has it stand beside an entry of his own."""
    (event,) = lived.events()
    opened = town.run(town.city.ask(town.city.request()))
    copied = presentation_pb2.DeclineExchangeRequest(
        exchange=opened.exchange,
        ticket=opened.ticket,
        why=presentation_pb2.DeclineExchangeRequest.WHY_DECLINED,
        holder_note=event.holder_note,
        request_id=new_id(),
    )
    town.call(town.city.presentation.DeclineExchange, copied)
    rebuilt = town.client().rebuild(phone, town.log)
    own = check_event(event, town.log).index
    assert [(each.index, each.copy_of) for each in rebuilt.found if each.note == event.note] == [
        (own, None),
        (rebuilt.found[-1].index, own),
    ]


@pytest.fixture
def proxy(town: Town, tmp_path: Path) -> Iterator[Proxy]:
    unused: Any = None
    with proxied(CompositeTown(town, unused), tmp_path) as made:
        yield made


def test_what_is_asked_for_does_not_depend_on_what_is_ones_own(
    town: Town, lived: Vault, phone: Vault, proxy: Proxy, tmp_path: Path
) -> None:
    HolderClient(proxy.endpoint).rebuild(phone, town.log)
    asked, proxy.asked = proxy.asked, []
    with Vault.create(tmp_path / "other.vault", PASSPHRASE) as other:
        HolderClient(proxy.endpoint).rebuild(other, town.log)
    assert asked == proxy.asked
    assert {method for method, _ in asked} == {"GetCheckpoint", "ListEntries"}


Page = ledger_pb2.ListEntriesResponse


def own(page: Page, lived: Vault) -> int:
    """Return where the declined exchange's entry stands in the page."""
    (event,) = lived.events()
    return next(place for place, each in enumerate(page.entries) if each.holder_note == event.holder_note)


def left_out(page: Page, lived: Vault) -> None:
    del page.entries[own(page, lived)]


def left_out_and_renumbered(page: Page, lived: Vault) -> None:
    left_out(page, lived)
    for index, each in enumerate(page.entries):
        each.index = index


def replaced(page: Page, lived: Vault) -> None:
    each = page.entries[own(page, lived)]
    each.holder_note = bytes(1024)
    each.entry = ReceiptEntry(bytes(32), note_hash(each.holder_note)).to_bytes()


def note_left_out(page: Page, lived: Vault) -> None:
    page.entries[own(page, lived)].holder_note = b""


def note_swapped(page: Page, lived: Vault) -> None:
    notes = [each for each in page.entries if each.holder_note]
    notes[0].holder_note, notes[-1].holder_note = notes[-1].holder_note, notes[0].holder_note


def note_of_another(page: Page, lived: Vault) -> None:
    other = VaultKeys(bytes(32))
    page.entries[own(page, lived)].holder_note = seal_event(other, lived.events()[0].note)


def entries_swapped(page: Page, lived: Vault) -> None:
    one, two = (each for each in page.entries if each.holder_note and each.index in places(page))
    one.entry, two.entry = two.entry, one.entry
    one.holder_note, two.holder_note = two.holder_note, one.holder_note


def places(page: Page) -> list[int]:
    return [each.index for each in page.entries if each.holder_note][:2]


def end_cut_off(page: Page, lived: Vault) -> None:
    del page.entries[-3:]


def nothing(page: Page, lived: Vault) -> None:
    page.ClearField("entries")


def forged_chain(page: Page, lived: Vault) -> None:
    """Everything fits together, headers and roots, but it is not what the log has signed."""
    log = Log()
    note = seal_event(lived.keys, replace(lived.events()[0].note, party="verifiers/never-asked"))
    while log.size < len(page.entries):
        left = len(page.entries) - log.size
        count = 2 if left == 5 else min(3, left - 1)  # no header is left to stand alone
        leaf = ReceiptEntry(bytes(32), note_hash(note)).to_bytes()
        log.add([leaf] * count, [note] * count)
    page.ClearField("entries")
    for index, (octets, beside) in enumerate(log.entries):
        page.entries.add(index=index, entry=octets, holder_note=beside or b"")


@pytest.mark.parametrize(
    "lie",
    [
        left_out, left_out_and_renumbered, replaced, note_left_out, note_swapped, note_of_another,
        entries_swapped, end_cut_off, nothing, forged_chain,
    ],
    ids=lambda each: each.__name__,
)  # fmt: skip
def test_a_service_that_leaves_out_swaps_or_forges_is_caught(
    town: Town, lived: Vault, phone: Vault, proxy: Proxy, lie: Callable[[Page, Vault], None]
) -> None:
    told = [True]

    def change(page: Page) -> None:
        if told:
            lie(page, lived)
            if lie is end_cut_off:
                told.clear()
                proxy.instead["ListEntries"] = lambda _: b""

    proxy.change("ListEntries", Page, change)
    with pytest.raises(TlogError):
        HolderClient(proxy.endpoint).rebuild(phone, town.log)
    assert phone.readings.found() == []
    state = phone.readings.state()
    assert state is None or state.read.size == 0
    # Nothing of the lie stays: an honest service is read from the beginning.
    assert len(town.client().rebuild(phone, town.log).found) == 3


def test_a_checkpoint_of_another_log_is_refused(town: Town, lived: Vault, phone: Vault, proxy: Proxy) -> None:
    own_log = Log()
    own_log.add([record(0)], [None])
    proxy.change(
        "GetCheckpoint",
        ledger_pb2.GetCheckpointResponse,
        lambda each: setattr(each, "checkpoint", own_log.signed()),
    )
    refused(VerificationError, "NOTE_UNSIGNED", HolderClient(proxy.endpoint).rebuild, phone, town.log)


def test_an_older_state_than_the_one_that_was_read_is_refused(
    town: Town, lived: Vault, phone: Vault, proxy: Proxy
) -> None:
    asked = ledger_pb2.GetCheckpointRequest()
    older = town.call(town.city.ledger.GetCheckpoint, asked)
    town.ask()
    _, link = town.ask()
    town.client().answer(link, lived, town.log, lambda _: True)
    found = town.client().rebuild(phone, town.log).found
    proxy.instead["GetCheckpoint"] = lambda _: older.SerializeToString()
    args = (phone, town.log)
    refused(ContentError, "RECOVERY_BROKEN_OFF", HolderClient(proxy.endpoint).rebuild, *args)
    refused(ContentError, "RECOVERY_BROKEN_OFF", phone.readings.begin, str(LOG.verifier), 10_000)
    assert phone.readings.found() == list(found)


def test_what_is_kept_does_not_grow_with_the_ledger() -> None:
    log, ids = Log(), iter(range(10_000))
    other = VaultKeys(bytes(32))
    reader = LedgerReader(KEYS, Place(), {}, lambda: f"{next(ids):032x}")
    sizes = []
    for _ in range(12):
        notes = [
            seal_event(other, EventNote(EventKind.SENT, "x", PURPOSE, bytes(32), NOW)) for _ in range(50)
        ]
        log.add([ReceiptEntry(bytes(32), note_hash(each)).to_bytes() for each in notes], list(notes))
        for index, (octets, beside) in enumerate(log.entries[reader.size :], reader.size):
            reader.take(index, octets, beside or b"")
        place, found = reader.place()
        assert found == []
        sizes.append(sum(map(len, place.parts())))
    assert max(sizes) < 8 + 32 * 10 + tlog.block.BLOCK_OCTETS + 1
