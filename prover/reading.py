"""The history read from the ledger: every entry is looked at; what opens with the vault's keys is its own.

The vault asks for ranges, from the first entry to the last, so nobody learns which are its own. Nothing that
comes is believed: each note is the one that its entry commits to, each block header holds the root of what
was read so far and the hash of the header before, and the end is the tree that the log has signed. The proof
of each own entry grows along.

A note says that this vault wrote it, and not that the entry is its own: it can be copied to stand beside
another. Of entries with one note the first is shown, and the others as copies of it.

Memory is one page, the frontier of the tree, and the path of each own entry. Functions of values, no I/O.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import tlog
from disclosure.canonical import Item
from prover.errors import VaultFileError
from prover.notes import Note, open_note
from prover.records import Kind, head_of, malformed, moment_of, pack, unpack
from prover.sealing import VaultKeys
from tlog import BlockHeader, Checkpoint, ReceiptEntry, VerificationError, leaf_hash, parse_entry
from tlog.errors import Reason
from tlog.merkle import HASH_OCTETS
from tlog.proving import ProvingFrontier

_NUMBER_OCTETS = 8


@dataclass(frozen=True)
class Found:
    """An entry whose note this vault wrote: its place, the block's height and time, and what the note says.

    `note` is None if a later version of this program wrote it. `copy_of` is the index of an earlier entry
    with the very same note.
    """

    id: str
    index: int
    entry: bytes = field(repr=False)
    holder_note: bytes = field(repr=False)
    height: int
    time: dt.datetime
    note: Note | None
    copy_of: int | None = None

    def octets(self) -> bytes:
        """Return what is sealed."""
        milliseconds = int(self.time.timestamp() * 1000)
        head: list[Item] = [Kind.FOUND.value, self.index, self.height, milliseconds, self.copy_of]
        return pack(head, self.entry, self.holder_note)


def found_of(keys: VaultKeys) -> Callable[[str, bytes], Found]:
    """Return what decodes a found entry's record; it raises MalformedError."""

    def decode(record_id: str, octets: bytes) -> Found:
        head, *parts = unpack(octets)
        match head_of(head), parts:
            case [
                [Kind.FOUND, int(index), int(height), int(time), (int() | None) as copy_of],
                [entry, note],
            ]:
                said = _said(keys, note)
                return Found(record_id, index, entry, note, height, moment_of(time), said, copy_of)
        raise malformed()

    return decode


def _said(keys: VaultKeys, note: bytes) -> Note | None:
    try:
        return open_note(keys, note)
    except VaultFileError:
        return None


@dataclass(frozen=True)
class Place:
    """How far the ledger was read: the tree's frontier, the own entries' paths, the last block's header."""

    size: int = 0
    hashes: tuple[bytes, ...] = field(default=(), repr=False)
    paths: Mapping[int, tuple[bytes, ...]] = field(default_factory=dict, repr=False)
    header: bytes = field(default=b"", repr=False)

    def tree(self) -> ProvingFrontier:
        """Return the tree to go on with."""
        return ProvingFrontier(self.size, self.hashes, self.paths)

    def parts(self) -> list[bytes]:
        """Return it for a record: three parts."""
        paths = b"".join(
            index.to_bytes(_NUMBER_OCTETS) + bytes([len(path)]) + b"".join(path)
            for index, path in self.paths.items()
        )
        return [self.size.to_bytes(_NUMBER_OCTETS) + b"".join(self.hashes), paths, self.header]

    @classmethod
    def of_parts(cls, tree: bytes, paths: bytes, header: bytes) -> "Place":
        """Decode what `parts` gives, which the vault itself has sealed."""
        read, at = dict[int, tuple[bytes, ...]](), 0
        while at < len(paths):
            start = at + _NUMBER_OCTETS + 1
            end = start + paths[start - 1] * HASH_OCTETS
            read[int.from_bytes(paths[at : start - 1])] = _hashes(paths[start:end])
            at = end
        return cls(int.from_bytes(tree[:_NUMBER_OCTETS]), _hashes(tree[_NUMBER_OCTETS:]), read, header)


def _hashes(octets: bytes) -> tuple[bytes, ...]:
    return tuple(octets[at : at + HASH_OCTETS] for at in range(0, len(octets), HASH_OCTETS))


@dataclass(frozen=True)
class Reading:
    """How far a vault has read one log: up to where it is verified, and up to where it is read.

    `log` is the log's verifier key, `checkpoint` the signed one that `verified` ends in; empty before that.
    """

    id: str
    log: str
    verified: Place = Place()
    checkpoint: bytes = field(default=b"", repr=False)
    read: Place = Place()

    def octets(self) -> bytes:
        """Return what is sealed."""
        head: list[Item] = [Kind.READING.value, self.log]
        return pack(head, self.checkpoint, *self.verified.parts(), *self.read.parts())

    def proof(self, index: int) -> bytes:
        """Return the proof file of an own entry in the verified tree; tlog.InputError OUT_OF_RANGE."""
        hashes = self.verified.tree().proof(index)
        return tlog.ProofFile(index, tuple(hashes), self.checkpoint).to_bytes()


def reading_of(record_id: str, octets: bytes) -> Reading:
    """Decode a reading's record; MalformedError."""
    head, *parts = unpack(octets)
    match head_of(head), parts:
        case [[Kind.READING, str(log)], [checkpoint, v1, v2, v3, r1, r2, r3]]:
            verified, read = Place.of_parts(v1, v2, v3), Place.of_parts(r1, r2, r3)
            return Reading(record_id, log, verified, checkpoint, read)
    raise malformed()


class LedgerReader:
    """Reads on from a place, entry by entry. `first` has the index of each own note that was found before."""

    def __init__(
        self, keys: VaultKeys, place: Place, first: Mapping[bytes, int], new_id: Callable[[], str]
    ) -> None:
        self._keys, self._tree, self._new_id = keys, place.tree(), new_id
        self._last = BlockHeader.parse(place.header) if place.header else None
        self._first = dict(first)
        self._in_block: list[tuple[int, bytes, bytes]] = []
        self._found: list[Found] = []

    @property
    def size(self) -> int:
        """How many entries were read."""
        return self._tree.size

    def take(self, index: int, octets: bytes, note: bytes) -> bool:
        """Look at the next entry and the note beside it; return whether a block ends with it.

        Raises VerificationError INCLUSION_INVALID (another entry than the next), HOLDER_NOTE_INVALID,
        BLOCK_INVALID; tlog.MalformedError.
        """
        if index != self._tree.size:
            raise VerificationError(
                Reason.INCLUSION_INVALID, f"entry {index} came where {self._tree.size} follows"
            )
        entry, own = parse_entry(octets), False
        if isinstance(entry, BlockHeader):
            self._end_block(entry)
        elif isinstance(entry, ReceiptEntry):
            entry.check_note(note)
            own = self._keys.open_note(note) is not None
            if own:
                self._in_block.append((index, octets, note))
        self._tree.append(leaf_hash(octets), keep=own)
        return isinstance(entry, BlockHeader)

    def _end_block(self, header: BlockHeader) -> None:
        header.check_follows(self._last)
        if header.index != self._tree.size or header.root != self._tree.root():
            detail = f"block {header.height} is not made of the entries that came"
            raise VerificationError(Reason.BLOCK_INVALID, detail)
        for index, entry, note in self._in_block:
            first = self._first.setdefault(note, index)
            self._found.append(
                Found(
                    self._new_id(), index, entry, note, header.height, moment_of(header.time_ms),
                    _said(self._keys, note), None if first == index else first,
                )
            )  # fmt: skip
        self._last, self._in_block = header, []

    def place(self) -> tuple[Place, list[Found]]:
        """Return where a block has just ended, and what was found since this was asked before."""
        found, self._found = self._found, []
        header = b"" if self._last is None else self._last.to_bytes()
        return Place(self._tree.size, self._tree.hashes, self._tree.paths, header), found

    def check_end(self, checkpoint: Checkpoint) -> None:
        """Raise VerificationError INCLUSION_INVALID unless what was read is what the log has signed."""
        ended = 0 if self._last is None else self._last.size
        if (ended, self._tree.size, self._tree.root()) != (checkpoint.size, checkpoint.size, checkpoint.root):
            detail = "the entries are not those that the log signed"
            raise VerificationError(Reason.INCLUSION_INVALID, detail)
