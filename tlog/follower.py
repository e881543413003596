"""A log read entry by entry: the tree, the chain of headers and the notes, checked as they come.

Whoever mirrors, monitors, audits or restores a log does the same with each entry, and does it here: an entry
is one of the known kinds, a header follows the header before it and states the root that the tree really has,
the note beside a receipt is the one that its leaf names. What `size`, `hashes` and `header` give makes the
same follower again, so that a reader that broke off goes on from there.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from tlog.block import BlockHeader
from tlog.checkpoint import Checkpoint
from tlog.entry import Entry, ReceiptEntry, is_receipt_of, parse_entry
from tlog.errors import InputError, Reason, VerificationError
from tlog.merkle import Frontier, leaf_hash


@dataclass(frozen=True)
class Covered:
    """A header that was read, and the root of the tree that it ends, itself included."""

    header: BlockHeader
    root: bytes


@dataclass(frozen=True)
class Taken:
    """A run of entries that was taken in: the leaf hash of each, and the headers among them."""

    leaves: Sequence[bytes]
    covered: Sequence[Covered]


class Follower:
    """Where a reader of a log stands. An entry that is refused changes nothing; not to be shared by threads.

    The constructor raises InputError INVALID_LENGTH, OUT_OF_RANGE, STATE_MISMATCH (the header is not one of a
    tree of this size).
    """

    def __init__(
        self, size: int = 0, hashes: Sequence[bytes] = (), header: BlockHeader | None = None
    ) -> None:
        self._frontier = Frontier(size, hashes)
        if (header.size if header else 0) > size:
            raise InputError(Reason.STATE_MISMATCH, "the header is of a larger tree")
        self._header = header

    @property
    def size(self) -> int:
        """The number of entries read."""
        return self._frontier.size

    @property
    def hashes(self) -> tuple[bytes, ...]:
        """The complete subtrees' hashes, biggest first."""
        return self._frontier.hashes

    @property
    def header(self) -> BlockHeader | None:
        """The last header read; None before the first."""
        return self._header

    @property
    def covered(self) -> int:
        """How many of the entries a header covers, itself included."""
        return self._header.size if self._header else 0

    def root(self) -> bytes:
        """Return the root of the tree as it is now."""
        return self._frontier.root()

    def append(self, entry: bytes, note: bytes | None, *, with_notes: bool = True) -> Entry:
        """Check the next entry with the note beside it, take it in, and return what it says.

        Without `with_notes` nothing is known of notes and none is looked at. Raises MalformedError
        ENTRY_MALFORMED, BLOCK_MALFORMED, HOLDER_NOTE_MALFORMED; VerificationError BLOCK_INVALID,
        HOLDER_NOTE_INVALID.
        """
        parsed = parse_entry(entry)
        if isinstance(parsed, BlockHeader):
            self.check_follows(parsed)
            self.check_root(parsed)
        if with_notes:
            check_note(parsed, note)
        self.take(parsed, leaf_hash(entry))
        return parsed

    def extend(self, entries: Sequence[bytes], notes: Sequence[bytes | None]) -> Taken:
        """Take in entries with the notes beside them as `append` does each.

        This is for whoever reads millions: a receipt whose note is the one that it names is taken in without
        being made an object of. Raises as `append` does; what stood before the refused entry is then taken
        in, so that `size` is its index.
        """
        covered, leaves, sha256, done = list[Covered](), list[bytes](), hashlib.sha256, 0
        for entry, note in zip(entries, notes, strict=True):
            leaf = sha256(b"\x00" + entry).digest()
            if not is_receipt_of(entry, note):
                self._frontier.extend(leaves[done:])
                done = len(leaves) + 1
                parsed = self.append(entry, note)
                if isinstance(parsed, BlockHeader):
                    covered.append(Covered(parsed, self.root()))
            leaves.append(leaf)
        self._frontier.extend(leaves[done:])
        return Taken(leaves, covered)

    def check_follows(self, header: BlockHeader) -> None:
        """Check that a header comes after the last one, at this place; VerificationError BLOCK_INVALID."""
        header.check_follows(self._header)
        if header.index != self.size:
            detail = f"block {header.height} states {header.count} entries, not as many"
            raise VerificationError(Reason.BLOCK_INVALID, detail)

    def check_root(self, header: BlockHeader) -> None:
        """Check the root that a header states; VerificationError BLOCK_INVALID."""
        if header.root != self.root():
            detail = f"block {header.height} states another root than its entries give"
            raise VerificationError(Reason.BLOCK_INVALID, detail)

    def take(self, parsed: Entry, leaf: bytes) -> None:
        """Take an entry in, by its leaf's hash, once it was checked."""
        self._frontier.append(leaf)
        if isinstance(parsed, BlockHeader):
            self._header = parsed

    def check(self, checkpoint: Checkpoint) -> None:
        """Check that what was read is what a checkpoint says, and that a header ends it.

        Raises VerificationError CONSISTENCY_INVALID (another size or root), BLOCK_INVALID (the last entries
        are in no block).
        """
        if (checkpoint.size, checkpoint.root) != (self.size, self.root()):
            detail = f"the entries read are {self.size} and do not give the checkpoint's root"
            raise VerificationError(Reason.CONSISTENCY_INVALID, detail)
        if self.covered != self.size:
            detail = f"no block header covers the entries from {self.covered} on"
            raise VerificationError(Reason.BLOCK_INVALID, detail)


def check_note(entry: Entry, note: bytes | None) -> None:
    """Check the note beside an entry: a receipt's own, and none beside anything else.

    Raises MalformedError HOLDER_NOTE_MALFORMED; VerificationError HOLDER_NOTE_INVALID.
    """
    if isinstance(entry, ReceiptEntry):
        entry.check_note(b"" if note is None else note)
    elif note is not None:
        raise VerificationError(Reason.HOLDER_NOTE_INVALID, "a note beside an entry that is no receipt")
