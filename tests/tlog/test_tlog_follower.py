"""A log followed entry by entry: what an honest log gives is taken in, and nothing else."""

from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tlog.making import LOG, ORIGIN, digest, holder_note, receipt, record, refused
from tlog import BlockHeader, Checkpoint, Follower, TileId, TlogError, build_batch, leaf_hash, root_of
from tlog.follower import Follower as Again


def _stored(tiles: dict[TileId, bytes], tile: TileId) -> bytes:
    return tiles.get(tile, b"")


Pairs = list[tuple[bytes, bytes | None]]


def log_of(*counts: int) -> Pairs:
    """Return the entries of a log with so many receipts and records in each block, with their notes."""
    tiles: dict[TileId, bytes] = {}
    size, header, pairs, number = 0, None, list[tuple[bytes, bytes | None]](), 0
    for count in counts:
        numbers = range(number, number + count)
        number += count
        new: Pairs = [(receipt(n), holder_note(n)) if n % 3 else (record(n), None) for n in numbers]
        batch = build_batch(size, header, partial(_stored, tiles), [each for each, _ in new], 1000)
        tiles |= batch.changed_tiles
        size, header = batch.size, batch.header
        pairs += [*new, (batch.header.to_bytes(), None)]
    return pairs


PAIRS = log_of(1, 4, 300, 2)


def followed(pairs: Pairs) -> Follower:
    follower = Follower()
    for entry, note in pairs:
        follower.append(entry, note)
    return follower


def test_an_honest_log_is_followed_to_its_checkpoint() -> None:
    follower = followed(PAIRS)
    root = root_of([leaf_hash(entry) for entry, _ in PAIRS])
    assert (follower.size, follower.root(), follower.covered) == (len(PAIRS), root, len(PAIRS))
    follower.check(Checkpoint(ORIGIN, len(PAIRS), root))
    for wrong in (Checkpoint(ORIGIN, len(PAIRS), digest(0)), Checkpoint(ORIGIN, len(PAIRS) - 1, root)):
        refused("CONSISTENCY_INVALID", follower.check, wrong)


@given(st.integers(0, len(PAIRS)))
def test_a_reader_that_broke_off_goes_on_from_its_state(at: int) -> None:
    before = followed(PAIRS[:at])
    after = Again(before.size, before.hashes, before.header)
    for entry, note in PAIRS[at:]:
        after.append(entry, note)
    assert (after.root(), after.header) == (followed(PAIRS).root(), followed(PAIRS).header)


def test_entries_in_no_block_are_not_a_checkpoints() -> None:
    follower = followed(PAIRS[:-1])
    refused("BLOCK_INVALID", follower.check, Checkpoint(ORIGIN, follower.size, follower.root()))


def test_a_header_of_a_larger_tree_is_no_state() -> None:
    whole = followed(PAIRS)
    refused("STATE_MISMATCH", Follower, 0, (), whole.header)


@given(st.data())
def test_no_change_goes_unnoticed_and_a_refused_entry_changes_nothing(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(PAIRS) - 1))
    entry, note = PAIRS[at]
    octets = bytearray(entry)
    octets[data.draw(st.integers(0, len(octets) - 1))] ^= data.draw(st.integers(1, 255))
    changed = [*PAIRS[:at], (bytes(octets), note), *PAIRS[at + 1 :]]
    follower = Follower()
    for each, beside in changed:
        state = (follower.size, follower.hashes, follower.header)
        try:
            follower.append(each, beside)
        except TlogError:
            assert (follower.size, follower.hashes, follower.header) == state
            return
    with pytest.raises(TlogError):
        follower.check(Checkpoint(ORIGIN, len(PAIRS), followed(PAIRS).root()))


@pytest.mark.parametrize("change", ["dropped", "doubled", "swapped", "inserted"])
def test_entries_that_are_missing_or_out_of_place(change: str) -> None:
    pairs = list(PAIRS)
    if change == "dropped":
        del pairs[3]
    elif change == "doubled":
        pairs.insert(3, pairs[3])
    elif change == "swapped":
        pairs[3], pairs[4] = pairs[4], pairs[3]
    else:
        pairs.insert(3, (record(9999), None))
    refused("BLOCK_INVALID", followed, pairs)


def test_headers_that_do_not_follow() -> None:
    first = PAIRS[:2]
    header = BlockHeader.parse(PAIRS[1][0])
    for wrong in (
        replace(header, height=1), replace(header, previous=digest(1)), replace(header, count=2),
        replace(header, root=digest(2)), replace(header, first_index=1),
    ):  # fmt: skip
        refused("BLOCK_INVALID", followed, [first[0], (wrong.to_bytes(), None)])


def test_notes_stand_beside_receipts_and_nowhere_else() -> None:
    noted = next(place for place, (_, note) in enumerate(PAIRS) if note)
    bare = next(place for place, (_, note) in enumerate(PAIRS) if note is None)
    entry, note = PAIRS[noted]
    refused("HOLDER_NOTE_MALFORMED", followed, [*PAIRS[:noted], (entry, None)])
    refused("HOLDER_NOTE_INVALID", followed, [*PAIRS[:noted], (entry, holder_note(9999))])
    refused("HOLDER_NOTE_INVALID", followed, [*PAIRS[:bare], (PAIRS[bare][0], note)])
    follower = Follower()
    for each, _ in PAIRS:
        follower.append(each, None, with_notes=False)
    assert follower.root() == followed(PAIRS).root()
    assert LOG.name == ORIGIN
