"""The Merkle tree: hashes, roots, proofs and their verification (RFC 6962 and RFC 9162, section 2.1).

A node is named (level, index): the complete subtree over the leaves [index << level, (index + 1) << level).
Storage gives complete nodes only; subtrees on the right edge that are not complete are composed here. Proofs
and their verification walk the same ranges of leaves, so a proof has exactly one length for its numbers.

State rules: everything here is a function of its arguments, but for `Frontier`, which one owner appends to.
"""

import hashlib
from collections.abc import Callable, Sequence

from tlog.encoding import check_bytes, check_count
from tlog.errors import InputError, Reason, VerificationError

HASH_OCTETS = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()

Node = tuple[int, int]
"""The level and the index of a complete subtree."""

NodeReader = Callable[[int, int], bytes]
"""Given a level and an index, returns the hash of that complete subtree."""

_Range = tuple[int, int]
"""Leaves [begin, end) that a tree of the given size hashes into one node, complete or on the right edge."""


def leaf_hash(entry: bytes) -> bytes:
    """Hash an entry into a leaf."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two children into their parent."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The complete subtrees that a tree of some size splits into, biggest first: all that appending needs.

    Its memory is at most 63 hashes, whatever the size. Not to be shared between threads.
    """

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        """Start from `size` leaves with one hash for each of `nodes_for_root(size)`."""
        if len(hashes) != check_count(size, "the size").bit_count():
            raise InputError(Reason.INVALID_LENGTH, f"a tree of {size} leaves has another number of hashes")
        self._hashes = [check_bytes(value, "a hash", HASH_OCTETS) for value in hashes]
        self._size = size

    @classmethod
    def load(cls, size: int, node: NodeReader) -> "Frontier":
        """Read the frontier of a stored tree."""
        return cls(size, [node(level, index) for level, index in nodes_for_root(size)])

    @property
    def size(self) -> int:
        """The number of leaves."""
        return self._size

    @property
    def hashes(self) -> tuple[bytes, ...]:
        """The complete subtrees' hashes, biggest first."""
        return tuple(self._hashes)

    def append(self, leaf: bytes) -> None:
        """Add a leaf by its hash; InputError INVALID_LENGTH, OUT_OF_RANGE (2^63 leaves)."""
        check_count(self._size + 1, "the size")
        merged = check_bytes(leaf, "a leaf hash", HASH_OCTETS)
        rest = self._size
        while rest & 1:
            merged = node_hash(self._hashes.pop(), merged)
            rest >>= 1
        self._hashes.append(merged)
        self._size += 1

    def extend(self, leaves: Sequence[bytes]) -> None:
        """Add leaves by their hashes, in bulk; raises as `append` does, and then adds none."""
        check_count(self._size + len(leaves), "the size")
        for leaf in leaves:
            check_bytes(leaf, "a leaf hash", HASH_OCTETS)
        hashes, size, sha256 = self._hashes, self._size, hashlib.sha256
        for leaf in leaves:
            merged, rest = leaf, size
            while rest & 1:
                merged = sha256(b"\x01" + hashes.pop() + merged).digest()
                rest >>= 1
            hashes.append(merged)
            size += 1
        self._size = size

    def root(self) -> bytes:
        """Return the root of the tree as it is now."""
        return _join(self._hashes) if self._hashes else EMPTY_ROOT


def root_of(leaf_hashes: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes; InputError INVALID_LENGTH."""
    frontier = Frontier()
    frontier.extend(leaf_hashes)
    return frontier.root()


def nodes_for_root(size: int) -> list[Node]:
    """Return the complete nodes that a tree of `size` leaves splits into, biggest first."""
    return _complete_nodes((0, check_count(size, "the size")))


def tree_root(size: int, node: NodeReader) -> bytes:
    """Return the root at `size` leaves."""
    return Frontier.load(size, node).root()


def nodes_for_inclusion(index: int, size: int) -> list[Node]:
    """Return the complete nodes that `inclusion_proof` will read."""
    return [each for span in _inclusion_ranges(index, size) for each in _complete_nodes(span)]


def inclusion_proof(index: int, size: int, node: NodeReader) -> list[bytes]:
    """Prove the leaf `index` in the tree of `size` leaves: siblings, from the leaf's upwards (2.1.3.1).

    Raises InputError OUT_OF_RANGE.
    """
    return [_range_hash(span, node) for span in _inclusion_ranges(index, size)]


def nodes_for_consistency(first: int, second: int) -> list[Node]:
    """Return the complete nodes that `consistency_proof` will read."""
    return [each for span in _consistency_ranges(first, second) for each in _complete_nodes(span)]


def consistency_proof(first: int, second: int, node: NodeReader) -> list[bytes]:
    """Prove that the tree of `second` leaves extends that of `first` (2.1.4.1).

    Empty when the sizes are equal, and when `first` is 0, which is what tlog-witness sends then.
    Raises InputError OUT_OF_RANGE.
    """
    return [_range_hash(span, node) for span in _consistency_ranges(first, second)]


def root_from_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """Return the root that an inclusion proof leads to from a leaf hash (2.1.3.2).

    Raises VerificationError INCLUSION_INVALID: numbers out of range, a wrong count, a hash not of 32 octets.
    """
    try:
        spans = _inclusion_ranges(index, size)
        _check_hashes((leaf, *proof), len(spans) + 1)
    except InputError as error:
        raise VerificationError(Reason.INCLUSION_INVALID, error.detail) from error
    root = leaf
    for (begin, _), sibling in zip(spans, proof, strict=True):
        root = node_hash(sibling, root) if begin < index else node_hash(root, sibling)
    return root


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Verify that a leaf hash stands at `index` under `root`; VerificationError INCLUSION_INVALID."""
    if root_from_inclusion(leaf, index, size, proof) != root:
        raise VerificationError(Reason.INCLUSION_INVALID, f"the proof of leaf {index} leads to another root")


def verify_consistency(
    first: int, second: int, proof: Sequence[bytes], first_root: bytes, second_root: bytes
) -> None:
    """Verify that the tree of `second` leaves extends that of `first` (2.1.4.2).

    Raises VerificationError CONSISTENCY_INVALID. A first size of 0 is refused, as it proves nothing: whoever
    wants to accept it, as a witness does, decides so before asking.
    """
    try:
        check_count(first, "the first size", 1)
        spans = _consistency_ranges(first, second)
        _check_hashes((first_root, second_root, *proof), len(spans) + 2)
    except InputError as error:
        raise VerificationError(Reason.CONSISTENCY_INVALID, error.detail) from error
    older, newer = _consistent_roots(first, spans, proof, first_root)
    if older != first_root or newer != second_root:
        raise VerificationError(
            Reason.CONSISTENCY_INVALID, f"the tree of {second} leaves is not shown to extend that of {first}"
        )


def _consistent_roots(
    first: int, spans: Sequence[_Range], proof: Sequence[bytes], first_root: bytes
) -> tuple[bytes, bytes]:
    """Return both roots that a proof leads to.

    The deepest span is the last complete subtree of the older tree. When that subtree is the whole older
    tree its hash is left out of the proof, being the older root itself.
    """
    pairs = list(zip(spans, proof, strict=True))
    start = first_root if not pairs or pairs[0][0][0] >= first else pairs.pop(0)[1]
    older = newer = start
    for (begin, _), sibling in pairs:
        if begin >= first:
            newer = node_hash(newer, sibling)
        else:
            older, newer = node_hash(sibling, older), node_hash(sibling, newer)
    return older, newer


def _check_hashes(hashes: Sequence[bytes], count: int) -> None:
    if len(hashes) != count:
        raise InputError(Reason.INVALID_LENGTH, "the proof has another number of hashes")
    for value in hashes:
        check_bytes(value, "a hash", HASH_OCTETS)


def _split(count: int) -> int:
    """Return the largest power of two below `count`, which is 2 or more."""
    return 1 << ((count - 1).bit_length() - 1)


def _inclusion_ranges(index: int, size: int) -> list[_Range]:
    """Return the leaves under each sibling on the path of a leaf, from the leaf upwards."""
    check_count(index, "the index", 0, check_count(size, "the size", 1))
    begin, end, spans = 0, size, []
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((begin, middle))
            begin = middle
    return spans[::-1]


def _consistency_ranges(first: int, second: int) -> list[_Range]:
    """Return the leaves under each hash of a consistency proof, in its order."""
    check_count(second, "the second size")
    check_count(first, "the first size", 0, second + 1)
    begin, end, spans = 0, second, []
    while first and end != first:
        middle = begin + _split(end - begin)
        if first <= middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((begin, middle))
            begin = middle
    if begin:
        spans.append((begin, end))
    return spans[::-1]


def _complete_nodes(span: _Range) -> list[Node]:
    begin, end = span
    nodes = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        nodes.append((level, begin >> level))
        begin += 1 << level
    return nodes


def _range_hash(span: _Range, node: NodeReader) -> bytes:
    hashes = [node(level, index) for level, index in _complete_nodes(span)]
    return _join([check_bytes(value, "a node", HASH_OCTETS) for value in hashes])


def _join(hashes: Sequence[bytes]) -> bytes:
    joined = hashes[-1]
    for left in reversed(hashes[:-1]):
        joined = node_hash(left, joined)
    return joined
