"""The ledger file: what it holds, and that no octet of it can be changed unnoticed and unplaced."""

import base64
import io
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.tlog.making import (
    LOG,
    ORIGIN,
    WITNESS_KEYS,
    WITNESSES,
    Log,
    digest,
    flip,
    holder_note,
    receipt,
    record,
    refused,
    sample_log,
)
from tlog import (
    ArchiveInvalidError,
    ArchiveMalformedError,
    AuditReport,
    BlockHeader,
    Place,
    Signer,
    TlogError,
    cosign,
    leaf_hash,
    parse_entry,
    root_of,
    sign_checkpoint,
    verify_archive,
)
from tlog import archive as archives
from tlog.note import parse_unverified

SAMPLE = sample_log(blocks=3, receipts=1, records=1)
ARCHIVE = SAMPLE.archive()
FIRST_ENTRY_LINE = 3


def audit(data: bytes, **options: Any) -> AuditReport:
    return verify_archive(io.BytesIO(data), LOG.verifier, **options)


def faulty(data: bytes, **options: Any) -> ArchiveInvalidError | ArchiveMalformedError:
    with pytest.raises(TlogError) as caught:
        audit(data, **options)
    error = caught.value
    assert isinstance(error, ArchiveInvalidError | ArchiveMalformedError)
    assert str(error).startswith(f"{error.reason}: {error.place}: ")
    assert error.reason in {"ARCHIVE_INVALID", "ARCHIVE_MALFORMED"}
    return error


def test_a_good_archive() -> None:
    seen: list[int] = []
    report = audit(ARCHIVE, progress=seen.append, leaf_hashes=SAMPLE.leaf_hashes())
    assert report == AuditReport(9, 3, 3, 3, SAMPLE.root, ORIGIN, str(LOG.verifier))
    assert seen == list(range(1, 10))
    assert verify_archive(io.BytesIO(ARCHIVE)) == report
    lines = ARCHIVE.split(b"\n")
    assert lines[:2] == [b"zk-disclosure/ledger/v1", str(LOG.verifier).encode()]
    assert lines[2].split(b" ")[:2] == [b"0", base64.b64encode(receipt(0))]
    assert base64.b64decode(lines[2].split(b" ")[2]) == holder_note(0)
    assert lines[3] == b"1 " + base64.b64encode(record(0)) + b" -"
    assert ARCHIVE.endswith(b"\n\n" + SAMPLE.signed())


def test_an_empty_log() -> None:
    assert audit(Log().archive()) == AuditReport(0, 0, 0, 0, Log().root, ORIGIN, str(LOG.verifier))


@pytest.mark.parametrize("count", [255, 256, 700])
def test_a_larger_log(count: int) -> None:
    log = Log()
    for start in range(0, count, 90):
        entries = [record(n) for n in range(start, min(start + 90, count))]
        log.add(entries, [None] * len(entries))
    report = audit(log.archive(), leaf_hashes=log.leaf_hashes())
    assert (report.records, report.root) == (count, log.root)


def line_of(data: bytes, position: int) -> int:
    return data[:position].count(b"\n") + 1


def check_place(place: Place, line: int) -> None:
    """A changed entry is placed on its line or in its block; a changed header perhaps by the next header."""
    checkpoint = FIRST_ENTRY_LINE + SAMPLE.size + 1
    if line < FIRST_ENTRY_LINE or line == checkpoint - 1 or place.line == line:
        assert place.line == line
    elif line >= checkpoint:
        assert place.line == checkpoint
    elif isinstance(header_at(line - FIRST_ENTRY_LINE), BlockHeader):
        end = line + 3 if line + 3 < checkpoint - 1 else checkpoint
        assert place.line == end
        if end == checkpoint:
            assert place.first == line - FIRST_ENTRY_LINE
    else:
        assert place.first is not None
        assert place.last is not None
        assert place.first <= line - FIRST_ENTRY_LINE <= place.last
        assert place.last - place.first == 2
        assert place.block == place.first // 3


def header_at(index: int) -> object:
    return parse_entry(SAMPLE.entries[index][0])


@pytest.mark.parametrize("seed", [1, 2])
def test_every_octet_with_one_bit_flipped(seed: int) -> None:
    draw = random.Random(seed)
    for position in range(len(ARCHIVE)):
        error = faulty(flip(ARCHIVE, position * 8 + draw.randrange(8)))
        check_place(error.place, line_of(ARCHIVE, position))


def test_every_bit_of_every_line_with_the_leaf_hashes() -> None:
    """All bits, but for the long notes; and with the hashes of the tiles each entry's fault has its line."""
    short = Log()
    short.add([record(0)], [None])
    short.add([record(1), record(2)], [None, None])
    data, leaves = short.archive(), short.leaf_hashes()
    checkpoint = FIRST_ENTRY_LINE + short.size + 1
    for bit in range(len(data) * 8):
        error = faulty(flip(data, bit), leaf_hashes=leaves)
        assert error.place.line == min(line_of(data, bit // 8), checkpoint)


def test_octets_dropped_doubled_and_cut_off() -> None:
    draw = random.Random(3)
    for position in range(0, len(ARCHIVE), 7):
        faulty(ARCHIVE[:position])
        faulty(ARCHIVE[:position] + ARCHIVE[position + 1 :])
        faulty(ARCHIVE[:position] + draw.randbytes(1) + ARCHIVE[position:])
    for more in (b"\n", b"x", b"x\n", b"\n" * 200, b"a" * 200_000):
        faulty(ARCHIVE + more)


def relined(change: Any) -> bytes:
    """The archive after `change` of its list of lines, with the entries numbered anew."""
    head, gap, tail = ARCHIVE.partition(b"\n\n")
    first, key, *lines = head.split(b"\n")
    change(lines)
    numbered = [b"%d %s" % (n, line.split(b" ", 1)[1]) for n, line in enumerate(lines)]
    return b"\n".join([first, key, *numbered]) + gap + tail


def test_lines_moved() -> None:
    assert relined(lambda lines: None) == ARCHIVE
    for index in range(SAMPLE.size):
        faulty(relined(lambda lines, at=index: lines.pop(at)))
        faulty(relined(lambda lines, at=index: lines.insert(at, lines[at])))
    for index in range(SAMPLE.size - 1):
        swapped = relined(lambda lines, at=index: lines.insert(at, lines.pop(at + 1)))
        assert faulty(swapped).place.line >= FIRST_ENTRY_LINE + index
    uncovered = faulty(relined(lambda lines: lines.pop()))
    assert "no block header covers these entries" in uncovered.detail
    assert (uncovered.place.first, uncovered.place.last) == (6, 7)
    blockless = relined(lambda lines: lines.__delitem__(slice(6, None)))
    assert "the checkpoint has 9 entries, the file 6" in faulty(blockless).detail


def test_notes_belong_to_receipts() -> None:
    note = base64.b64encode(holder_note(0))
    assert ARCHIVE.count(note) == 1
    for other in (b"-", base64.b64encode(holder_note(1)), base64.b64encode(holder_note(0)[:-1]), b"", b"--"):
        error = faulty(ARCHIVE.replace(note, other))
        assert (error.place.line, error.place.first, error.place.last) == (3, 0, 0)
    beside = ARCHIVE.replace(b" -\n", b" " + note + b"\n", 1)
    assert faulty(beside).place == Place(4, 1, 1)
    assert "no receipt" in faulty(beside).detail


def test_a_changed_entry_is_named_by_its_block() -> None:
    good = base64.b64encode(record(1))
    changed = ARCHIVE.replace(good, base64.b64encode(record(7)))
    error = faulty(changed)
    assert error.place == Place(line=8, first=3, last=5, block=1)
    assert str(error).startswith("ARCHIVE_INVALID: line 8, entries 3..5, block 1: an entry of the block")
    assert faulty(changed, leaf_hashes=SAMPLE.leaf_hashes()).place == Place(line=7, first=4, last=4)


def test_leaf_hashes_are_as_many_as_the_entries() -> None:
    leaves = SAMPLE.leaf_hashes()
    assert "hold more entries" in faulty(ARCHIVE, leaf_hashes=[*leaves, digest(0)]).detail
    assert faulty(ARCHIVE, leaf_hashes=leaves[:-1]).place == Place(11, 8, 8)
    assert faulty(ARCHIVE, leaf_hashes=[]).place == Place(3, 0, 0)


def forged(entries: Sequence[tuple[bytes, bytes | None]], signer: Signer = LOG) -> bytes:
    """An archive whose log signed a root over entries that are no chain of blocks."""
    log = Log()
    log.entries, log.size = list(entries), len(entries)
    log.root = root_of([leaf_hash(entry) for entry, _ in entries])
    checkpoint = replace(log.checkpoint(), origin=signer.name)
    note = sign_checkpoint(checkpoint, signer)
    return b"".join(archives.write(signer.verifier, log.entries, note))


def test_a_log_that_signs_what_is_no_chain() -> None:
    assert forged(SAMPLE.entries) == ARCHIVE
    bad = dict(enumerate(SAMPLE.entries))
    header = header_at(5)
    assert isinstance(header, BlockHeader)
    for changed in (
        replace(header, previous=digest(0)),
        replace(header, height=2),
        replace(header, count=1),
        replace(header, count=3),
        replace(header, first_index=2),
        replace(header, root=digest(0)),
        replace(header, time_ms=1),
        replace(header, time_ms=10**9),
    ):
        entries = list((bad | {5: (changed.to_bytes(), None)}).values())
        error = faulty(forged(entries))
        assert error.reason == "ARCHIVE_INVALID"
        assert error.place.line in ({8} if changed.time_ms != 10**9 else {11})
    faulty(forged(SAMPLE.entries[:-1]))
    faulty(forged(SAMPLE.entries[3:]))
    faulty(forged([SAMPLE.entries[2]]))


def test_whose_log_it_is() -> None:
    """A file that was written anew and signed by somebody else is theirs, and says so."""
    other = Signer.from_secret(ORIGIN, digest(1))
    theirs = forged(SAMPLE.entries, other)
    assert faulty(theirs).place == Place(2)
    report = verify_archive(io.BytesIO(theirs))
    assert report.verifier_key == str(other.verifier) != str(LOG.verifier)
    assert faulty(theirs.replace(str(other.verifier).encode(), str(LOG.verifier).encode())).place == Place(13)


def written(note: bytes, witnesses: int) -> bytes:
    return b"".join(archives.write(LOG.verifier, SAMPLE.entries, note, WITNESS_KEYS[:witnesses]))


def test_cosignatures() -> None:
    signed = SAMPLE.signed()
    note = signed + b"".join(cosign(signed, witness, 7) for witness in WITNESSES)
    assert written(note, 0) == ARCHIVE
    data = written(note, 3)
    report = audit(data, witnesses=WITNESS_KEYS, quorum=3)
    assert [each.witness for each in report.cosignatures] == WITNESS_KEYS[:3]
    refused("ARCHIVE_INVALID", audit, data, witnesses=WITNESS_KEYS, quorum=4)
    assert "unknown key" in faulty(data, witnesses=WITNESS_KEYS[:2]).detail
    assert "unknown key" in faulty(data).detail
    start = len(data) - len(note)
    for position in range(max(start, 0), len(data)):
        faulty(flip(data, position * 8 + position % 8), witnesses=WITNESS_KEYS)


def test_writing_refuses_what_would_be_no_archive() -> None:
    def write(entries: Sequence[tuple[bytes, bytes | None]]) -> None:
        list(archives.write(LOG.verifier, entries, SAMPLE.signed()))

    write(SAMPLE.entries)
    refused("STATE_MISMATCH", write, SAMPLE.entries[:-1])
    refused("STATE_MISMATCH", write, [(SAMPLE.entries[0][0], None), *SAMPLE.entries[1:]])
    refused("STATE_MISMATCH", write, [*SAMPLE.entries[:-1], (SAMPLE.entries[-1][0], holder_note(0))])
    refused("ENTRY_MALFORMED", write, [(b"free text", None)])
    other = sign_checkpoint(SAMPLE.checkpoint(), Signer.generate(ORIGIN))
    with pytest.raises(TlogError, match="NOTE_UNSIGNED"):
        next(archives.write(LOG.verifier, SAMPLE.entries, other))


def test_the_audit_holds_no_more_than_it_needs() -> None:
    """It asks for a line only when done with the one before, so the file need not fit in memory."""
    asked: list[int] = []
    done: list[int] = []

    def lines() -> Iterator[bytes]:
        for number, line in enumerate(io.BytesIO(ARCHIVE), 1):
            asked.append(number)
            if FIRST_ENTRY_LINE < number <= FIRST_ENTRY_LINE + SAMPLE.size:
                assert done[-1] == number - FIRST_ENTRY_LINE
            yield line

    verify_archive(lines(), LOG.verifier, done.append)
    assert asked == list(range(1, ARCHIVE.count(b"\n") + 1))
    endless = (b"%d A -\n" % n for n in iter(int, 1))
    with pytest.raises(ArchiveMalformedError):
        verify_archive(endless)


def test_places_read_well() -> None:
    assert str(Place(2)) == "line 2"
    assert str(Place(4, 1, 1)) == "line 4, entry 1"
    assert str(Place(8, 3, 5, 1)) == "line 8, entries 3..5, block 1"
    assert len(parse_unverified(SAMPLE.signed()).lines) == 1
