"""What leaves hold, and blocks: one encoding for each, and none can be changed; proof files have one too."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tlog.making import (
    Log,
    digest,
    flip,
    holder_note,
    opening,
    receipt,
    record,
    refused,
    sample_log,
)
from tlog import (
    BlockHeader,
    ProofFile,
    ReceiptEntry,
    ReceiptOpening,
    RecordEntry,
    TlogError,
    build_batch,
    leaf_hash,
    note_hash,
    parse_entry,
    root_of,
)
from tlog.block import BLOCK_OCTETS, GENESIS_PREVIOUS
from tlog.witness import AddCheckpoint

hashes = st.binary(min_size=32, max_size=32)
counts = st.integers(0, 2**62 - 2)
kinds = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=64)
headers = st.builds(BlockHeader, counts, hashes, counts, counts.map(lambda n: n + 1), hashes, counts)
entries = st.one_of(
    st.builds(ReceiptEntry, hashes, hashes), st.builds(RecordEntry, kinds, st.binary(max_size=200)), headers
)
openings = st.builds(ReceiptOpening, hashes, st.binary(max_size=200), hashes)
SIGNED = sample_log(1).signed()
extras = st.none() | st.binary(max_size=50)
proofs = st.builds(ProofFile, counts, st.lists(hashes, max_size=5).map(tuple), st.just(SIGNED), extras)
requests = st.builds(AddCheckpoint, counts, st.lists(hashes, max_size=5).map(tuple), st.just(SIGNED))
quick = settings(max_examples=80, deadline=None)


def canonical(value: Any, parse: Callable[[bytes], Any], data: st.DataObject) -> None:
    """Encoding and decoding are inverse, and changed bytes decode to nothing, or to what encodes to them."""
    octets = value.to_bytes()
    assert parse(octets) == value
    at = data.draw(st.integers(0, len(octets)))
    cut = data.draw(st.integers(0, 3))
    changed = octets[:at] + data.draw(st.binary(max_size=3)) + octets[at + cut :]
    for mutated in (changed, flip(octets, data.draw(st.integers(0, len(octets) * 8 - 1)))):
        if mutated != octets:
            try:
                parsed = parse(mutated)
            except TlogError:
                continue
            assert parsed != value
            assert parsed.to_bytes() == mutated


@quick
@given(entries, st.data())
def test_entries(value: Any, data: st.DataObject) -> None:
    canonical(value, parse_entry, data)


@quick
@given(headers, st.data())
def test_headers(value: Any, data: st.DataObject) -> None:
    canonical(value, BlockHeader.parse, data)


@quick
@given(openings, st.data())
def test_openings(value: Any, data: st.DataObject) -> None:
    canonical(value, ReceiptOpening.parse, data)


@quick
@given(proofs, st.data())
def test_proof_files(value: Any, data: st.DataObject) -> None:
    canonical(value, ProofFile.parse, data)


@quick
@given(requests, st.data())
def test_requests(value: Any, data: st.DataObject) -> None:
    canonical(value, AddCheckpoint.parse, data)


def test_bytes_of_entries() -> None:
    assert receipt(1) == b"zk-disclosure/receipt/v1\n" + opening(1).commitment + opening(1).note_hash
    assert record(1) == b"zk-disclosure/record/v1\n\x0aissuer-keykey 1"
    header = BlockHeader(1, digest(0), 2, 3, digest(1), 4)
    assert header.to_bytes() == b"".join(
        [
            b"zk-disclosure/block/v1\n",
            (1).to_bytes(8),
            digest(0),
            (2).to_bytes(8),
            (3).to_bytes(8),
            digest(1),
            (4).to_bytes(8),
        ]
    )
    assert len(header.to_bytes()) == BLOCK_OCTETS
    assert header.hash() == hashlib.sha256(b"zk-disclosure/block-hash/v1\n" + header.to_bytes()).digest()
    assert (header.index, header.size) == (5, 6)
    note = holder_note(1)
    assert note_hash(note) == hashlib.sha256(b"zk-disclosure/holder-note/v1\n" + note).digest()
    one = ReceiptOpening(digest(0), b"body", digest(1))
    preimage = b"zk-disclosure/receipt-commitment/v1\n" + digest(0) + bytes([0, 0, 0, 4]) + b"body"
    assert one.commitment == hashlib.sha256(preimage).digest()
    assert one.to_bytes() == b"\x01" + digest(0) + bytes([0, 0, 0, 4]) + b"body" + digest(1)
    assert one.entry() == ReceiptEntry(one.commitment, digest(1))


def test_openings_do_not_show_themselves() -> None:
    shown = repr(opening(1)) + str(opening(1))
    assert "shown" not in shown
    assert str(digest(1)) not in shown


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"anything",
        receipt(0)[:-1],
        receipt(0) + b"\0",
        b"zk-disclosure/receipt/v2\n" + bytes(64),
        b"zk-disclosure/receipt/v1" + bytes(64),
        b"zk-disclosure/record/v1\n",
        b"zk-disclosure/record/v1\n\x00",
        b"zk-disclosure/record/v1\n\x05abc",
        b"zk-disclosure/record/v1\n\x03ABC",
        b"zk-disclosure/record/v1\n\x03a_c",
        b"zk-disclosure/record/v1\n\x03a\xffc",
        b"zk-disclosure/record/v1\n\x41" + b"a" * 65,
        b"zk-disclosure/record/v1\n\x03a\n\n",
        b"zk-disclosure/record/v1\n\x01a" + bytes(60_001),
    ],
)
def test_malformed_entries(data: bytes) -> None:
    refused("ENTRY_MALFORMED", parse_entry, data)


def test_malformed_headers() -> None:
    good = BlockHeader(1, digest(0), 2, 3, digest(1), 4).to_bytes()
    start = len(b"zk-disclosure/block/v1\n")
    for at in (0, 40, 48, 88):
        refused("BLOCK_MALFORMED", parse_entry, good[: start + at] + b"\xff" + good[start + at + 1 :])
    no_entries = good[: start + 48] + bytes(8) + good[start + 56 :]
    for bad in (good[:-1], good + b"\0", no_entries):
        refused("BLOCK_MALFORMED", parse_entry, bad)
    refused("BLOCK_MALFORMED", BlockHeader.parse, receipt(0))


def test_arguments_of_entries() -> None:
    refused("INVALID_LENGTH", ReceiptEntry, bytes(31), bytes(32))
    refused("INVALID_TYPE", ReceiptEntry, bytes(32), "0" * 32)
    for kind in ("", "A", "a b", "a" * 65, "\u00e9", 7):
        refused("INVALID_TEXT", RecordEntry, kind, b"")
    refused("INVALID_LENGTH", RecordEntry, "a", bytes(60_001))
    assert parse_entry(RecordEntry("a" * 64, bytes(60_000)).to_bytes()) == RecordEntry(
        "a" * 64, bytes(60_000)
    )
    refused("INVALID_LENGTH", ReceiptOpening, bytes(31), b"", bytes(32))
    refused("INVALID_LENGTH", ReceiptOpening, bytes(32), bytes(1_000_001), bytes(32))
    for bad in ({"height": -1}, {"count": 0}, {"time_ms": 2**63}, {"first_index": 2**63 - 2, "count": 1}):
        refused("OUT_OF_RANGE", replace, BlockHeader(1, digest(0), 2, 3, digest(1), 4), **bad)


def test_holder_notes() -> None:
    entry = opening(1).entry()
    entry.check_note(holder_note(1))
    refused("HOLDER_NOTE_INVALID", entry.check_note, holder_note(2))
    refused("HOLDER_NOTE_INVALID", entry.check_note, flip(holder_note(1), 77))
    for note in (b"", bytes(1023), bytes(1025), "a" * 1024):
        refused("HOLDER_NOTE_MALFORMED", entry.check_note, note)


def test_the_chain() -> None:
    first = BlockHeader(0, GENESIS_PREVIOUS, 0, 3, digest(0), 100)
    second = BlockHeader(1, first.hash(), 4, 1, digest(1), 100)
    first.check_follows(None)
    second.check_follows(first)
    replace(second, time_ms=101).check_follows(first)
    for bad, before in [
        (second, None),
        (first, first),
        (replace(first, previous=digest(0)), None),
        (replace(first, first_index=1), None),
        (replace(first, height=1), None),
        (replace(second, height=2), first),
        (replace(second, previous=digest(0)), first),
        (replace(second, first_index=3), first),
        (replace(second, first_index=5), first),
        (replace(second, time_ms=99), first),
        (second, replace(first, time_ms=99)),
        (second, replace(first, root=digest(2))),
    ]:
        refused("BLOCK_INVALID", bad.check_follows, before)


@quick
@given(st.lists(st.integers(1, 300), min_size=1, max_size=4), st.lists(st.integers(0, 9), min_size=4))
def test_batches(sizes: list[int], times: list[int]) -> None:
    log, number, latest, before = Log(), 0, 0, None
    for count, time_ms in zip(sizes, times, strict=False):
        new = [record(number + n) for n in range(count)]
        first, number = log.size, number + count
        log.add(new, [None] * count, time_ms)
        latest = max(latest, time_ms)
        assert log.header is not None
        log.header.check_follows(before)
        before = log.header
        assert (log.header.time_ms, log.header.first_index, log.header.count) == (latest, first, count)
        leaves = [leaf_hash(entry) for entry, _ in log.entries]
        assert [entry for entry, _ in log.entries[first:]] == [*new, log.header.to_bytes()]
        assert log.header.root == root_of(leaves[:-1])
        assert log.root == root_of(leaves)
        assert (log.size, log.leaf_hashes()) == (len(leaves), leaves)


def test_batches_refused() -> None:
    log = sample_log(1)
    tiles = log.tiles.__getitem__
    new = [record(9)]
    refused("STATE_MISMATCH", build_batch, log.size, None, tiles, new, 1)
    refused("STATE_MISMATCH", build_batch, log.size - 1, log.header, tiles, new, 1)
    refused("STATE_MISMATCH", build_batch, 0, log.header, tiles, new, 1)
    refused("OUT_OF_RANGE", build_batch, log.size, log.header, tiles, [], 1)
    refused("OUT_OF_RANGE", build_batch, 0, None, tiles, new, -1)
    refused("ENTRY_MALFORMED", build_batch, log.size, log.header, tiles, [b"free text"], 1)
    assert log.header is not None
    refused("INVALID_TYPE", build_batch, log.size, log.header, tiles, [log.header.to_bytes()], 1)
    refused("TILE_MALFORMED", build_batch, log.size, log.header, lambda tile: b"", new, 1)
