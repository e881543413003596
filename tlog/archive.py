"""The ledger as one readable file, and its audit.

    zk-disclosure/ledger/v1
    <verifier key of the log>
    <index> <base 64 of the entry> <base 64 of the holder's note, or - where the entry is no receipt>
    ...
    <empty line>
    <signed checkpoint, with signatures of the log and of known witnesses only>

The audit recomputes everything from the entries, in memory that does not grow with the log: the kind of each
entry, each holder's note against its hash, the chain of headers, the root that each header states, the
checkpoint's size and root and signatures. Unlike elsewhere, a signature by an unknown key refuses the file:
nothing would notice a change in it.

A changed octet inside an entry shows when the block's header does not match; the error then names the block
and its range of entries. With the leaf hashes from the server's tiles it names the entry.

State rules: one audit is one pass over the lines; nothing of it counts before `verify_archive` has returned.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO, NoReturn

from tlog.block import BlockHeader
from tlog.checkpoint import Checkpoint
from tlog.cosignature import Cosignature, open_cosigned
from tlog.encoding import from_base64, from_decimal, from_utf8, to_base64
from tlog.entry import Entry, ReceiptEntry, parse_entry
from tlog.errors import InputError, MalformedError, Reason, TlogError, VerificationError
from tlog.follower import Follower, check_note
from tlog.keys import Verifier
from tlog.merkle import leaf_hash
from tlog.note import MAX_SIGNATURES, parse_unverified

ARCHIVE_HEADER = "zk-disclosure/ledger/v1"
MAX_LINE_OCTETS = 100_000

_MAX_NOTE_LINES = MAX_SIGNATURES + 16


@dataclass(frozen=True)
class Place:
    """Where in an archive a fault lies: a line, and the entries [first, last] that it can be in, if any."""

    line: int
    first: int | None = None
    last: int | None = None
    block: int | None = None

    def __str__(self) -> str:
        if self.first is None:
            return f"line {self.line}"
        entries = f"entry {self.first}" if self.first == self.last else f"entries {self.first}..{self.last}"
        block = "" if self.block is None else f", block {self.block}"
        return f"line {self.line}, {entries}{block}"


class ArchiveMalformedError(MalformedError):
    """An archive that cannot be read, at `place`."""

    def __init__(self, place: Place, detail: str) -> None:
        super().__init__(Reason.ARCHIVE_MALFORMED, f"{place}: {detail}")
        self.place = place


class ArchiveInvalidError(VerificationError):
    """An archive that was changed, at `place`."""

    def __init__(self, place: Place, detail: str) -> None:
        super().__init__(Reason.ARCHIVE_INVALID, f"{place}: {detail}")
        self.place = place


@dataclass(frozen=True)
class AuditReport:
    """What a whole archive was found to hold. `verifier_key` is the key that everything rests on."""

    size: int
    blocks: int
    receipts: int
    records: int
    root: bytes
    origin: str
    verifier_key: str
    cosignatures: tuple[Cosignature, ...] = ()


def write(
    verifier: Verifier,
    entries: Iterable[tuple[bytes, bytes | None]],
    checkpoint_note: bytes,
    witnesses: Sequence[Verifier] = (),
) -> Iterator[bytes]:
    """Write an archive of all entries, each with the holder's note that stands beside it, line by line.

    Signatures by others than the log and `witnesses` are left out. Raises what `open_cosigned` raises, and
    InputError STATE_MISMATCH if the entries are not as many as the checkpoint says or the notes not where the
    receipts are. What was written before an error is no archive.
    """
    checkpoint, _ = open_cosigned(checkpoint_note, verifier, witnesses, 0)
    yield f"{ARCHIVE_HEADER}\n{verifier}\n".encode()
    count = 0
    for entry, note in entries:
        if isinstance(parse_entry(entry), ReceiptEntry) != (note is not None):
            raise InputError(Reason.STATE_MISMATCH, f"entry {count} lacks its note or has one too many")
        yield f"{count} {to_base64(entry)} {'-' if note is None else to_base64(note)}\n".encode()
        count += 1
    if count != checkpoint.size:
        raise InputError(Reason.STATE_MISMATCH, f"{count} entries, the checkpoint says {checkpoint.size}")
    yield b"\n" + checkpoint.text().encode() + b"\n"
    known = (verifier, *witnesses)
    lines = parse_unverified(checkpoint_note).lines
    yield b"".join(line.to_bytes() for line in lines if any(map(line.is_by, known)))


def read_lines(file: BinaryIO) -> Iterator[bytes]:
    """Read a ledger file line by line, no line further than `verify_archive` would read it."""
    return iter(lambda: file.readline(MAX_LINE_OCTETS + 1), b"")


def verify_archive(
    lines: Iterable[bytes],
    verifier: Verifier | None = None,
    progress: Callable[[int], None] | None = None,
    *,
    leaf_hashes: Iterable[bytes] | None = None,
    witnesses: Sequence[Verifier] = (),
    quorum: int = 0,
) -> AuditReport:
    """Audit an archive, given as lines with their newlines, as a file opened for reading bytes gives them.

    Without `verifier` the key is taken from the file: then compare the report's `verifier_key` with one from
    elsewhere, since whoever rewrites a file can also sign it anew. `progress` is called with the number of
    entries read, after each. `leaf_hashes`, from the server's tiles, lets the error name the changed entry.
    Raises ArchiveMalformedError, ArchiveInvalidError, each with the place; InputError for witnesses and a
    quorum as `open_cosigned` does.
    """
    audit = _Audit(lines, leaf_hashes)
    log = audit.read_head(verifier)
    while (line := audit.next_line()) != b"\n":
        audit.read_entry(line)
        if progress:
            progress(audit.follower.size)
    audit.end_entries()
    checkpoint, cosignatures = audit.read_checkpoint(log, witnesses, quorum)
    return AuditReport(
        size=checkpoint.size,
        blocks=audit.blocks,
        receipts=audit.receipts,
        records=audit.follower.size - audit.blocks - audit.receipts,
        root=checkpoint.root,
        origin=checkpoint.origin,
        verifier_key=str(log),
        cosignatures=cosignatures,
    )


class _Audit:
    """One pass over an archive: the tree and the chain as the lines so far make them."""

    def __init__(self, lines: Iterable[bytes], leaf_hashes: Iterable[bytes] | None) -> None:
        self.follower = Follower()
        self.receipts = 0
        self._lines = iter(lines)
        self._line = 0
        self._expected = None if leaf_hashes is None else iter(leaf_hashes)

    @property
    def blocks(self) -> int:
        """The number of headers read."""
        return self.follower.header.height + 1 if self.follower.header else 0

    def next_line(self) -> bytes:
        """Return the next line with its newline, where there has to be one."""
        self._line += 1
        line = next(self._lines, None)
        if line is None:
            raise ArchiveMalformedError(Place(self._line), "the file ends here")
        if not line.endswith(b"\n") or len(line) > MAX_LINE_OCTETS:
            raise ArchiveMalformedError(Place(self._line), "a line without an end, or too long")
        return line

    def read_head(self, verifier: Verifier | None) -> Verifier:
        """Read the first two lines; return the log's key."""
        try:
            if from_utf8(self.next_line(), "the first line") != f"{ARCHIVE_HEADER}\n":
                raise ArchiveMalformedError(Place(self._line), f"the first line is not {ARCHIVE_HEADER}")
            stated = Verifier.from_string(from_utf8(self.next_line(), "the key")[:-1])
        except (InputError, MalformedError) as error:
            self._fail(error, Place(self._line))
        if verifier is not None and stated != verifier:
            raise ArchiveInvalidError(Place(self._line), f"the key is not that of {verifier.name}")
        return stated

    def read_entry(self, line: bytes) -> None:
        """Read an entry's line and append it to the tree."""
        index = self.follower.size
        place = Place(self._line, index, index)
        try:
            entry, note = _split_line(line, index)
            parsed = parse_entry(entry)
            if isinstance(parsed, BlockHeader):
                self.follower.check_follows(parsed)
        except (InputError, MalformedError, VerificationError) as error:
            self._fail(error, place)
        leaf = leaf_hash(entry)
        if self._expected is not None and next(self._expected, None) != leaf:
            raise ArchiveInvalidError(place, "the entry is not the one of the log's tiles")
        if isinstance(parsed, BlockHeader):
            self._check_root(parsed)
        self._check_note(parsed, note, place)
        self.follower.take(parsed, leaf)

    def end_entries(self) -> None:
        """Check that a header closes the last block, and that the tiles hold no more leaves."""
        size, covered = self.follower.size, self.follower.covered
        if size != covered:
            place = Place(self._line, covered, size - 1)
            raise ArchiveInvalidError(place, "no block header covers these entries")
        if self._expected is not None and next(self._expected, None) is not None:
            raise ArchiveInvalidError(Place(self._line), "the log's tiles hold more entries")

    def read_checkpoint(
        self, log: Verifier, witnesses: Sequence[Verifier], quorum: int
    ) -> tuple[Checkpoint, tuple[Cosignature, ...]]:
        """Read the rest as the signed checkpoint and compare it with the tree."""
        place = Place(self._line + 1)
        rest = list(islice(self._lines, _MAX_NOTE_LINES))
        if next(self._lines, None) is not None or any(len(line) > MAX_LINE_OCTETS for line in rest):
            raise ArchiveMalformedError(place, "the checkpoint is too long")
        note = b"".join(rest)
        try:
            checkpoint, cosignatures = open_cosigned(note, log, witnesses, quorum)
        except (MalformedError, VerificationError) as error:
            self._fail(error, place)
        known = (log, *witnesses)
        if not all(any(map(line.is_by, known)) for line in parse_unverified(note).lines):
            raise ArchiveInvalidError(place, "the checkpoint has a signature by an unknown key")
        self._check_tree(checkpoint, place)
        return checkpoint, cosignatures

    def _check_tree(self, checkpoint: Checkpoint, place: Place) -> None:
        size = self.follower.size
        if checkpoint.size != size:
            raise ArchiveInvalidError(place, f"the checkpoint has {checkpoint.size} entries, the file {size}")
        if checkpoint.root != self.follower.root():
            # Every entry before the last header is covered by that header's root, which was checked.
            last = Place(place.line, size - 1, size - 1, self.blocks - 1) if size else place
            raise ArchiveInvalidError(last, "the last header is not the one that the checkpoint signs")

    def _check_root(self, header: BlockHeader) -> None:
        try:
            self.follower.check_root(header)
        except VerificationError:
            place = Place(self._line, header.first_index, header.index, header.height)
            detail = "an entry of the block, or the root in its header, was changed"
            raise ArchiveInvalidError(place, detail) from None

    def _check_note(self, entry: Entry, note: bytes | None, place: Place) -> None:
        self.receipts += isinstance(entry, ReceiptEntry)
        try:
            check_note(entry, note)
        except (MalformedError, VerificationError) as error:
            self._fail(error, place)

    def _fail(self, error: TlogError, place: Place) -> NoReturn:
        """Raise an error of a part as the archive's, keeping whether it could be read; keep places."""
        if isinstance(error, ArchiveMalformedError | ArchiveInvalidError):
            raise error
        kind = ArchiveInvalidError if isinstance(error, VerificationError) else ArchiveMalformedError
        raise kind(place, str(error)) from error


def _split_line(line: bytes, index: int) -> tuple[bytes, bytes | None]:
    """Return the entry and the note of a line."""
    parts = from_utf8(line, "the line")[:-1].split(" ")
    if len(parts) != 3:
        raise InputError(Reason.INVALID_TEXT, "a line has an index, an entry and a note")
    stated, entry, note = parts
    if from_decimal(stated, "the index") != index:
        raise InputError(Reason.INVALID_TEXT, f"the index is {stated} where {index} follows")
    return from_base64(entry, "the entry"), None if note == "-" else from_base64(note, "the note")
