import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from disclosure import LocalizedText, VerifierName
from prover import NoteSummary, Vault, VaultFileError, VaultKeys, plan, present
from prover.notes import CUT_PURPOSE_OCTETS, open_note, seal_note
from prover.sealing import NOTE_PLAIN_OCTETS
from tests.prover.making import NOW, PURPOSE, VERIFIER, insurance, refused, request, residence
from tests.prover.strategies import LOCALIZED
from tlog import HOLDER_NOTE_OCTETS

KEYS, OTHERS = VaultKeys(bytes(range(32))), VaultKeys(bytes(32))
SUMMARY = NoteSummary(VERIFIER, PURPOSE, NOW, bytes(32), {"home": ("district",), "work": ("base", "remark")})
LONG = st.text("abcdefghij", min_size=1, max_size=63)


@st.composite
def summaries(draw: st.DrawFn) -> NoteSummary:
    queries = draw(st.dictionaries(LONG, st.lists(LONG, max_size=30, unique=True).map(tuple), max_size=16))
    purpose = draw(
        LOCALIZED | st.integers(1, 333).map(lambda count: LocalizedText("用" * count, "é" * count))
    )
    verifier = VerifierName(draw(st.text("abc", min_size=1, max_size=63)))
    return NoteSummary(verifier, purpose, NOW, draw(st.binary(min_size=32, max_size=32)), queries)


@given(summaries())
def test_a_note_holds_what_fits_and_says_whether_that_is_all(summary: NoteSummary) -> None:
    note = seal_note(KEYS, summary)
    assert len(note) == HOLDER_NOTE_OCTETS
    opened = open_note(KEYS, note)
    assert isinstance(opened, NoteSummary)
    if opened.whole:
        assert opened == summary
        return
    assert len(summary._octets()) > NOTE_PLAIN_OCTETS - 2
    assert (opened.verifier, opened.time, opened.request_digest) == (
        summary.verifier,
        NOW,
        summary.request_digest,
    )
    for cut, full in ((opened.purpose.zh, summary.purpose.zh), (opened.purpose.en, summary.purpose.en)):
        assert cut == full or full.startswith(cut.removesuffix("…"))
        assert len(cut.encode()) <= CUT_PURPOSE_OCTETS + 3
    assert list(opened.shown) == list(summary.shown)[: len(opened.shown)]
    for query, names in opened.shown.items():
        assert names == summary.shown[query][: len(names)]
    dropped = sum(map(len, summary.shown.values())) - sum(map(len, opened.shown.values()))
    if dropped:
        # What was dropped is no more than what has no room: at most one name and one query short of full.
        assert len(opened._octets()) > NOTE_PLAIN_OCTETS - 2 - 2 * (63 + 8)


def test_the_longest_summary_that_fits_is_whole() -> None:
    names = tuple(f"attribute_{number:03}" for number in range(200))
    sizes = [len(replace(SUMMARY, shown={"q": names[:count]})._octets()) for count in range(201)]
    room = NOTE_PLAIN_OCTETS - 2
    most = max(count for count, size in enumerate(sizes) if size <= room)
    for count in (most, most + 1):
        opened = open_note(KEYS, seal_note(KEYS, replace(SUMMARY, shown={"q": names[:count]})))
        assert isinstance(opened, NoteSummary)
        assert opened.whole == (count == most)


def test_a_vault_finds_its_own_among_those_of_others() -> None:
    notes = [seal_note(keys, SUMMARY) for keys in (OTHERS, KEYS, OTHERS, KEYS)]
    assert [open_note(KEYS, each) for each in notes] == [None, SUMMARY, None, SUMMARY]
    assert len({each[at : at + 32] for each in notes for at in (0, 500, 992)}) == 12


def test_a_presentations_note_says_what_was_shown(vault: Vault) -> None:
    made = present(plan(request(), [residence(), insurance()], NOW), vault.keys, NOW)
    opened = vault.open_note(made.holder_note)
    assert opened == replace(SUMMARY, request_digest=made.request.digest)


def test_a_time_is_kept_to_the_millisecond() -> None:
    moment = NOW + dt.timedelta(microseconds=123_456)
    opened = open_note(KEYS, seal_note(KEYS, replace(SUMMARY, time=moment)))
    assert opened == replace(SUMMARY, time=NOW + dt.timedelta(milliseconds=123))


@pytest.mark.parametrize("plain", [bytes(996), b"\xff" * 996, b"\x00\x02\x81\x60".ljust(996, b"\x00")])
def test_a_note_of_a_later_version_is_named_so(plain: bytes) -> None:
    refused(VaultFileError, "VERSION_UNKNOWN", open_note, KEYS, KEYS.seal_note(plain))


@pytest.mark.parametrize("octets", [b"", bytes(1023), bytes(1024), bytes(1025)])
def test_octets_that_are_no_note_are_nobodys(octets: bytes) -> None:
    assert open_note(KEYS, octets) is None
