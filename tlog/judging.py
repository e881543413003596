"""Whether the parts of evidence show a fault: every signature, every proof, and nothing beside them.

Each judgement takes exactly the parts that its kind needs and refuses any other, so that nothing in a file
goes unverified. What accuses somebody here can have been brought about only by whoever holds the accused
keys: a tree's root pins every hash of a proof that leads to it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from tlog.block import BlockHeader
from tlog.encoding import check_bytes, check_count
from tlog.entry import Entry, parse_entry
from tlog.errors import InputError, MalformedError, Reason, VerificationError
from tlog.finding import Fault, Finding, Grade, Kind
from tlog.keys import TIME_OCTETS, KeyType, Verifier
from tlog.merkle import EMPTY_ROOT, HASH_OCTETS, leaf_hash, verify_consistency, verify_inclusion
from tlog.note import parse_unverified
from tlog.observation import open_observation
from tlog.statement import Checkpoint
from tlog.tiles import MAX_ENTRY_OCTETS

MAX_PROOF_HASHES: Final = 63
_MILLISECONDS: Final = 1000


@dataclass(frozen=True)
class Included:
    """An entry, with the proof that it stands at `index` in the tree of the last note."""

    index: int
    entry: bytes
    proof: tuple[bytes, ...]

    def __post_init__(self) -> None:
        check_count(self.index, "the index")
        if len(check_bytes(self.entry, "the entry")) > MAX_ENTRY_OCTETS:
            raise InputError(Reason.INVALID_LENGTH, f"an entry has at most {MAX_ENTRY_OCTETS} octets")
        _check_proof(self.proof)

    def verify(self, tree: Checkpoint) -> None:
        """Verify that the entry stands there; VerificationError INCLUSION_INVALID."""
        verify_inclusion(leaf_hash(self.entry), self.index, tree.size, self.proof, tree.root)


@dataclass(frozen=True)
class Beginning:
    """The root that the tree of the last note really has at a smaller size, with the proof of it."""

    root: bytes
    proof: tuple[bytes, ...]

    def __post_init__(self) -> None:
        check_bytes(self.root, "the root", HASH_OCTETS)
        _check_proof(self.proof)

    def verify(self, size: int, tree: Checkpoint) -> None:
        """Verify that a tree begins so; VerificationError CONSISTENCY_INVALID, also for sizes that prove
        nothing: 0, and the tree's own.
        """
        if size == tree.size:
            raise VerificationError(Reason.CONSISTENCY_INVALID, "a beginning is smaller than the tree")
        verify_consistency(size, tree.size, self.proof, self.root, tree.root)


@dataclass(frozen=True)
class Parts:
    """What is judged."""

    keys: tuple[Verifier, ...]
    notes: tuple[bytes, ...]
    entries: tuple[Included, ...]
    beginning: Beginning | None

    def check_shape(self, notes: int, entries: int, beginning: bool) -> None:
        """Refuse parts that are missing or that nothing would verify; MalformedError EVIDENCE_MALFORMED."""
        if (len(self.notes), len(self.entries), self.beginning is not None) != (notes, entries, beginning):
            raise MalformedError(Reason.EVIDENCE_MALFORMED, "other parts than evidence of this kind has")


@dataclass(frozen=True)
class _Signed:
    """A checkpoint with the signatures under it, all of them verified."""

    checkpoint: Checkpoint
    signatures: dict[Verifier, bytes]

    def time_of(self, witness: Verifier) -> int:
        return int.from_bytes(self.signatures[witness][:TIME_OCTETS])


def judge(kind: Kind, parts: Parts, known: Collection[Verifier]) -> Finding:
    """Return what evidence shows; see `Evidence.verify` for what it raises."""
    match kind:
        case Kind.SPLIT_VIEW:
            return _split_view(parts, known)
        case Kind.DOUBLE_COSIGNED:
            return _double_cosigned(parts)
        case Kind.ROLLED_BACK:
            return _rolled_back(parts)
        case Kind.BROKEN_CHAIN:
            return _broken_chain(parts)
        case Kind.LATE:
            return _late(parts, known)
        case Kind.OBSERVATION:
            return _observation(parts)


def _split_view(parts: Parts, known: Collection[Verifier]) -> Finding:
    _check_types(parts.keys, cosign=False)
    first, second = _two(parts)
    _check_one_log(parts.keys, first, second, known)
    fault = _split(parts, first.checkpoint, second.checkpoint)
    return _of_two(Kind.SPLIT_VIEW, fault, parts, first.checkpoint, second.checkpoint)


def _double_cosigned(parts: Parts) -> Finding:
    _check_types(parts.keys, cosign=True)
    first, second = _two(parts)
    _check_all_signed(parts.keys, first, second)
    fault = _split(parts, first.checkpoint, second.checkpoint)
    return _of_two(Kind.DOUBLE_COSIGNED, fault, parts, first.checkpoint, second.checkpoint)


def _split(parts: Parts, first: Checkpoint, second: Checkpoint) -> Fault:
    """Return how two trees contradict each other; they come in the one order that two trees have."""
    if (first.size, first.root) >= (second.size, second.root):
        raise _innocent("the two are one tree, or not in their order")
    if first.size == second.size:
        parts.check_shape(2, 0, False)
        return Fault.SAME_SIZE
    parts.check_shape(2, 0, True)
    if parts.beginning is None or parts.beginning.root == first.root:
        raise _innocent("the larger tree begins with the smaller one")
    parts.beginning.verify(first.size, second)
    return Fault.OTHER_BEGINNING


def _rolled_back(parts: Parts) -> Finding:
    parts.check_shape(2, 0, False)
    _check_types(parts.keys, cosign=True)
    smaller, larger = _two(parts)
    _check_all_signed(parts.keys, smaller, larger)
    if smaller.checkpoint.size >= larger.checkpoint.size:
        raise _innocent("the first tree is not smaller than the second")
    for key in parts.keys:
        # A time of 0 says that the tree is consistent, and not that it was the latest.
        if not 0 < larger.time_of(key) < smaller.time_of(key):
            raise _innocent("a smaller tree was not cosigned later than a larger one")
    found = _of_two(Kind.ROLLED_BACK, Fault.TIMES_REVERSED, parts, smaller.checkpoint, larger.checkpoint)
    times = {"second_time": larger.time_of(parts.keys[0]), "first_time": smaller.time_of(parts.keys[0])}
    return Finding(
        found.kind, found.fault, found.grade, found.origin, found.accused, parts={**found.parts, **times}
    )


def _broken_chain(parts: Parts) -> Finding:
    _check_types(parts.keys, cosign=False)
    if len(parts.notes) != 1:
        raise MalformedError(Reason.EVIDENCE_MALFORMED, "a chain is broken in one tree")
    signed = _open(parts.notes[0], parts.keys)
    _check_all_signed(parts.keys, signed)
    tree = signed.checkpoint
    for each in parts.entries:
        each.verify(tree)
    fault = _fault_of_chain(parts, tree)
    values: dict[str, str | int] = {"size": tree.size, "root": tree.root.hex()}
    if parts.entries:
        values["index"] = parts.entries[-1].index
    return Finding(Kind.BROKEN_CHAIN, fault, Grade.PROVEN, tree.origin, parts.keys, parts=values)


def _fault_of_chain(parts: Parts, tree: Checkpoint) -> Fault:
    match len(parts.entries), parts.beginning:
        case 0, None:
            if tree.size or tree.root == EMPTY_ROOT:
                raise _innocent("a tree with entries, or the empty tree's own root")
            return Fault.EMPTY_TREE
        case 1, None:
            return _fault_of_one(parts.entries[0], tree)
        case 1, Beginning() as beginning:
            return _fault_of_root(parts.entries[0], beginning, tree)
        case 2, None:
            return _fault_of_two(*parts.entries)
    raise MalformedError(Reason.EVIDENCE_MALFORMED, "other parts than evidence of this kind has")


def _fault_of_one(included: Included, tree: Checkpoint) -> Fault:
    entry = _parsed(included)
    if entry is None:
        return Fault.ENTRY_UNKNOWN
    if not isinstance(entry, BlockHeader):
        if included.index != tree.size - 1:
            raise _innocent("an entry that may stand where it stands")
        return Fault.END_WITHOUT_HEADER
    if entry.index != included.index:
        return Fault.HEADER_MISPLACED
    if entry.first_index == 0 and not _follows(entry, None):
        return Fault.HEADER_UNLINKED
    raise _innocent("a header that may stand where it stands")


def _fault_of_root(included: Included, beginning: Beginning, tree: Checkpoint) -> Fault:
    header = _header(included)
    if beginning.root == header.root:
        raise _innocent("the header states the root that the tree has")
    beginning.verify(header.index, tree)
    return Fault.HEADER_ROOT


def _fault_of_two(before: Included, included: Included) -> Fault:
    """Judge a header by the entry before its block, or by one within its block."""
    header, entry = _header(included), _parsed(before)
    if before.index == header.first_index - 1:
        if isinstance(entry, BlockHeader) and entry.index == before.index and _follows(header, entry):
            raise _innocent("the header follows the header before it")
        return Fault.HEADER_UNLINKED
    if header.first_index <= before.index < header.index and isinstance(entry, BlockHeader):
        return Fault.HEADER_WITHIN_BLOCK
    raise _innocent("two entries that say nothing of each other")


def _late(parts: Parts, known: Collection[Verifier]) -> Finding:
    parts.check_shape(2, 1, False)
    witnesses = tuple(each for each in parts.keys if each.key_type.cosigns)
    log = tuple(each for each in parts.keys if not each.key_type.cosigns)
    without, tree = _two(parts)
    _check_one_log(log, without, tree, known)
    _check_all_signed(witnesses, without)
    if not witnesses or any(each in tree.signatures for each in witnesses):
        raise _innocent("no witness, or one under the tree that has the block")
    header = _header(parts.entries[0])
    parts.entries[0].verify(tree.checkpoint)
    if without.checkpoint.size > header.index:
        raise _innocent("the tree that was cosigned has the block")
    seconds = min(map(without.time_of, witnesses)) - -(-header.time_ms // _MILLISECONDS)
    if seconds <= 0:
        raise _innocent("no witness had to know the block yet")
    values: dict[str, str | int] = {
        "seconds": seconds,
        "height": header.height,
        "index": header.index,
        "first_size": without.checkpoint.size,
        "time": header.time_ms // _MILLISECONDS,
        "witnesses": len(witnesses),
    }
    origin = tree.checkpoint.origin
    return Finding(Kind.LATE, Fault.NOT_COVERED, Grade.STATED, origin, (), log, witnesses, values)


def _observation(parts: Parts) -> Finding:
    parts.check_shape(1, 0, False)
    if len(parts.keys) != 1:
        raise MalformedError(Reason.EVIDENCE_MALFORMED, "an observation is one monitor's")
    note = parse_unverified(parts.notes[0])
    if len(note.lines) != 1:
        raise MalformedError(Reason.EVIDENCE_MALFORMED, "an observation has one signature")
    seen = open_observation(parts.notes[0], parts.keys[0])
    values: dict[str, str | int] = {
        "what": seen.what.value,
        "time": seen.time,
        "source": seen.source,
        "detail": seen.detail,
    }
    about, word_of = (seen.about,), parts.keys
    return Finding(
        Kind.OBSERVATION, Fault.OBSERVED, Grade.OBSERVED, seen.about.name, (), about, word_of, values
    )


def _two(parts: Parts) -> tuple[_Signed, _Signed]:
    """Open both notes, which have to be of one origin."""
    if len(parts.notes) != 2:
        raise MalformedError(Reason.EVIDENCE_MALFORMED, "evidence of this kind has two notes")
    first, second = (_open(note, parts.keys) for note in parts.notes)
    if first.checkpoint.origin != second.checkpoint.origin:
        raise VerificationError(Reason.ORIGIN_UNKNOWN, "the two checkpoints are of two logs")
    return first, second


def _open(note: bytes, keys: Sequence[Verifier]) -> _Signed:
    """Verify every line under a checkpoint: one each at most of these keys, in their order, and no other."""
    opened = parse_unverified(note)
    checkpoint = Checkpoint.parse(opened.text)
    signatures = dict[Verifier, bytes]()
    expected = iter(keys)
    for line in opened.lines:
        key = next((each for each in expected if line.is_by(each)), None)
        if key is None:
            raise MalformedError(
                Reason.EVIDENCE_MALFORMED, "a line of no key of the evidence, or out of order"
            )
        key.verify(opened.text, line.signature)
        if not key.key_type.cosigns and key.name != checkpoint.origin:
            raise VerificationError(Reason.ORIGIN_UNKNOWN, "the key is not that of the checkpoint's log")
        signatures[key] = line.signature
    return _Signed(checkpoint, signatures)


def _check_types(keys: Sequence[Verifier], *, cosign: bool) -> None:
    if any(each.key_type.cosigns is not cosign for each in keys):
        raise MalformedError(Reason.EVIDENCE_MALFORMED, "a key of another use than this kind is about")


def _check_all_signed(keys: Sequence[Verifier], *notes: _Signed) -> None:
    if not all(key in note.signatures for key in keys for note in notes):
        raise VerificationError(Reason.NOTE_UNSIGNED, "a key of the evidence did not sign what it is about")


def _check_one_log(
    keys: Sequence[Verifier], first: _Signed, second: _Signed, known: Collection[Verifier]
) -> None:
    """Check that one log signed both trees.

    A key that signed both shows it. Otherwise only a reader who knows the keys can tell: whoever wants to
    accuse a log makes a second key of its name.
    """
    own = [key for key in keys if key.key_type is KeyType.ED25519]
    both = [key for key in own if key in first.signatures and key in second.signatures]
    if both and len(both) == len(own):
        return
    signed = [[key for key in own if key in note.signatures] for note in (first, second)]
    if both or not all(signed) or len(own) != sum(map(len, signed)):
        raise VerificationError(Reason.NOTE_UNSIGNED, "a key of the evidence signed nothing that matters")
    if not all(key in known for key in own):
        detail = "each tree is signed by another key, and that both are the log's is not known"
        raise VerificationError(Reason.KEYS_UNRELATED, detail)


def _parsed(included: Included) -> Entry | None:
    try:
        return parse_entry(included.entry)
    except MalformedError:
        return None


def _header(included: Included) -> BlockHeader:
    """Return the header that stands where it says; VerificationError EVIDENCE_INVALID."""
    entry = _parsed(included)
    if not isinstance(entry, BlockHeader) or entry.index != included.index:
        raise _innocent("the entry is no header of its place")
    return entry


def _follows(header: BlockHeader, before: BlockHeader | None) -> bool:
    try:
        header.check_follows(before)
    except VerificationError:
        return False
    return True


def _of_two(kind: Kind, fault: Fault, parts: Parts, first: Checkpoint, second: Checkpoint) -> Finding:
    values: dict[str, str | int] = {
        "first_size": first.size,
        "first_root": first.root.hex(),
        "second_size": second.size,
        "second_root": second.root.hex(),
    }
    if parts.beginning is not None:
        values["beginning"] = parts.beginning.root.hex()
    return Finding(kind, fault, Grade.PROVEN, first.origin, parts.keys, parts=values)


def _innocent(detail: str) -> VerificationError:
    return VerificationError(Reason.EVIDENCE_INVALID, detail)


def _check_proof(proof: tuple[bytes, ...]) -> None:
    check_count(len(proof), "the length of a proof", 0, MAX_PROOF_HASHES + 1)
    for value in proof:
        check_bytes(value, "a hash of a proof", HASH_OCTETS)
