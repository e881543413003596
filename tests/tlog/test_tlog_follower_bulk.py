"""Entries taken in by the thousand: exactly what one after the other gives, and refused at the same place."""

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlog import Frontier, TlogError, leaf_hash
from tlog.block import BlockHeader
from tlog.builder import build_batch
from tlog.entry import HOLDER_NOTE_OCTETS, ReceiptEntry, RecordEntry, is_receipt_of, note_hash
from tlog.errors import InputError
from tlog.follower import Follower
from tlog.tiles import TileId

Rows = tuple[Sequence[bytes], Sequence[bytes | None]]


def log() -> Rows:
    """Return a log of a few blocks of receipts and records."""
    entries, notes = list[bytes](), list[bytes | None]()
    tiles, header = dict[TileId, bytes](), None
    for block in range(5):
        own: list[bytes | None] = [
            None if each == 3 else bytes([block, each]) * (HOLDER_NOTE_OCTETS // 2) for each in range(7)
        ]
        made = [
            RecordEntry("test", bytes([block])).to_bytes()
            if note is None
            else ReceiptEntry(hashlib.sha256(note).digest(), note_hash(note)).to_bytes()
            for note in own
        ]
        batch = build_batch(len(entries), header, lambda tile: tiles.get(tile, b""), made, block)
        tiles.update(batch.changed_tiles)
        header = batch.header
        entries += batch.entries
        notes += [*own, None]
    return entries, notes


ENTRIES, NOTES = log()


def one_by_one(entries: Sequence[bytes], notes: Sequence[bytes | None]) -> tuple[Follower, str]:
    follower = Follower()
    try:
        for entry, note in zip(entries, notes, strict=True):
            follower.append(entry, note)
    except TlogError as error:
        return follower, error.reason
    return follower, ""


def at_once(entries: Sequence[bytes], notes: Sequence[bytes | None]) -> tuple[Follower, str]:
    follower = Follower()
    try:
        taken = follower.extend(entries, notes)
    except TlogError as error:
        return follower, error.reason
    assert list(taken.leaves) == [leaf_hash(each) for each in entries]
    for covered in taken.covered:
        frontier = Frontier()
        frontier.extend(taken.leaves[: covered.header.size])
        assert covered.root == frontier.root()
    headers = [BlockHeader.parse(each) for each in entries if each.startswith(b"zk-disclosure/block")]
    assert [each.header for each in taken.covered] == headers
    return follower, ""


def same(entries: Sequence[bytes], notes: Sequence[bytes | None]) -> str:
    (one, reason), (other, other_reason) = one_by_one(entries, notes), at_once(entries, notes)
    assert (one.size, one.hashes, one.header, reason) == (
        other.size,
        other.hashes,
        other.header,
        other_reason,
    )
    return reason


def test_a_sound_log_is_the_same() -> None:
    assert same(ENTRIES, NOTES) == ""
    for count in range(len(ENTRIES)):
        assert same(ENTRIES[:count], NOTES[:count]) == ""


@given(st.integers(0, len(ENTRIES) - 1), st.integers(0, 2**16), st.booleans())
def test_a_changed_octet_is_refused_at_the_same_place(index: int, at: int, of_note: bool) -> None:
    entries, notes = list(ENTRIES), list(NOTES)
    note = notes[index]
    if of_note and note is not None:
        notes[index] = note[: at % 1024] + bytes([note[at % 1024] ^ 1]) + note[at % 1024 + 1 :]
        assert not is_receipt_of(entries[index], notes[index])
    else:
        entry = entries[index]
        at %= len(entry)
        entries[index] = entry[:at] + bytes([entry[at] ^ 1]) + entry[at + 1 :]
    same(entries, notes)


def test_a_note_that_is_missing_or_too_many_is_refused() -> None:
    for index in range(len(ENTRIES)):
        notes = list(NOTES)
        notes[index] = None if notes[index] is not None else bytes(HOLDER_NOTE_OCTETS)
        assert same(ENTRIES, notes) != ""


def test_leaves_of_another_length_are_refused_and_none_is_added() -> None:
    frontier = Frontier()
    with pytest.raises(InputError):
        frontier.extend([bytes(32), bytes(31)])
    assert frontier.size == 0
