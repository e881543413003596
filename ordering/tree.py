"""A Merkle tree over a map, in which a value and the absence of one can be proven.

Keys are hashed, and a key's bits from the highest on lead from the root to it; a subtree that holds one key
only is that key's leaf. So the root is a function of the map alone, in whatever order it was filled, and two
machines that differ find out by one hash. Entries are changed and never removed: what has ended is written
down as ended.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from ordering.errors import StateError
from ordering.octets import Reader, Writer, malformed

HASH_OCTETS: Final = 32
EMPTY: Final = bytes(HASH_OCTETS)
_BITS: Final = 256
_DOMAIN: Final = b"zk-disclosure/consortium/state/v1\n"
Path = tuple[int, int]
"""A subtree: how many bits lead to it, and these as an integer."""


@dataclass(frozen=True, slots=True)
class Node:
    """A subtree: its hash and, where it is one leaf, the hashes of its key and its value."""

    hash: bytes
    key: bytes = b""
    value: bytes = b""


class Kept(Protocol):
    """Where subtrees are kept."""

    def node(self, path: Path) -> Node | None:
        """Return a subtree; None for an empty one."""


class Nodes(Kept, Protocol):
    """Where subtrees are written."""

    def put(self, path: Path, node: Node) -> None:
        """Keep a subtree."""


def key_hash(key: bytes) -> bytes:
    """Return where a key's leaf is."""
    return hashlib.sha256(_DOMAIN + b"\x02" + key).digest()


def value_hash(value: bytes) -> bytes:
    """Return what a leaf says of a value."""
    return hashlib.sha256(_DOMAIN + b"\x03" + value).digest()


def leaf_hash(key: bytes, value: bytes) -> bytes:
    """Hash a leaf, of the hashes of its key and its value."""
    return hashlib.sha256(_DOMAIN + b"\x00" + key + value).digest()


def inner_hash(left: bytes, right: bytes) -> bytes:
    """Hash a subtree of two halves."""
    return hashlib.sha256(_DOMAIN + b"\x01" + left + right).digest()


def _bit(key: bytes, depth: int) -> int:
    return key[depth >> 3] >> (7 - (depth & 7)) & 1


def _path(key: bytes, depth: int) -> Path:
    return depth, int.from_bytes(key, "big") >> (_BITS - depth)


def _sibling(path: Path) -> Path:
    return path[0], path[1] ^ 1


def root(nodes: Kept) -> bytes:
    """Return the root of what is kept."""
    found = nodes.node((0, 0))
    return found.hash if found else EMPTY


def write(nodes: Nodes, key: bytes, value: bytes) -> None:
    """Set a key's value, and every hash above it."""
    place, content = key_hash(key), value_hash(value)
    leaf = Node(leaf_hash(place, content), place, content)
    depth, found = _descend(nodes, place)
    if found is not None and found.key != place:
        depth = _part(nodes, depth, found, place)
    nodes.put(_path(place, depth), leaf)
    while depth:
        depth -= 1
        below = _path(place, depth + 1)
        halves = [nodes.node(below), nodes.node(_sibling(below))]
        hashes = [each.hash if each else EMPTY for each in halves]
        if _bit(place, depth):
            hashes.reverse()
        nodes.put(_path(place, depth), Node(inner_hash(*hashes)))


def _descend(nodes: Kept, place: bytes) -> tuple[int, Node | None]:
    """Return the depth where a key's way ends, at a leaf or at nothing."""
    for depth in range(_BITS + 1):
        found = nodes.node(_path(place, depth))
        if found is None or found.key:
            return depth, found
    raise StateError("the tree is deeper than its keys are long")


def _part(nodes: Nodes, depth: int, other: Node, place: bytes) -> int:
    """Push another key's leaf down to where its way and this one part; return that depth."""
    while _bit(place, depth) == _bit(other.key, depth):
        depth += 1
    nodes.put(_path(other.key, depth + 1), other)
    return depth + 1


@dataclass(frozen=True)
class Proof:
    """What leads from a key to the root: the hashes beside the way from the root on, and the leaf that it
    ends at: the key's own, another's (so the key has no value), or none."""

    beside: tuple[bytes, ...]
    key: bytes = b""
    value: bytes = b""


def prove(nodes: Kept, key: bytes) -> Proof:
    """Prove what stands, or that nothing stands, under a key."""
    place = key_hash(key)
    depth, found = _descend(nodes, place)
    beside = []
    for each in range(1, depth + 1):
        other = nodes.node(_sibling(_path(place, each)))
        beside.append(other.hash if other else EMPTY)
    return Proof(tuple(beside), found.key if found else b"", found.value if found else b"")


def proven_root(key: bytes, value: bytes | None, proof: Proof) -> bytes | None:
    """Return the root under which a key has a value (None: has none); None for a proof of another thing."""
    place, depth = key_hash(key), len(proof.beside)
    if depth > _BITS or any(len(each) != HASH_OCTETS for each in proof.beside):
        return None
    if value is not None:
        if (proof.key, proof.value) != (place, value_hash(value)):
            return None
    elif proof.key and (
        len(proof.key) != HASH_OCTETS
        or len(proof.value) != HASH_OCTETS
        or proof.key == place
        or _path(proof.key, depth) != _path(place, depth)
    ):
        return None
    current = leaf_hash(proof.key, proof.value) if proof.key else EMPTY
    for level in range(depth - 1, -1, -1):
        pair = (proof.beside[level], current) if _bit(place, level) else (current, proof.beside[level])
        current = inner_hash(*pair)
    return current


def write_proof(proof: Proof, writer: Writer) -> Writer:
    """Write a proof."""
    writer.number(len(proof.beside), 2).fixed(b"".join(proof.beside))
    return writer.octets(proof.key).octets(proof.value)


def take_proof(reader: Reader) -> Proof:
    """Take a proof off; RefusedError MALFORMED."""
    if (count := reader.number(2)) > _BITS:
        raise malformed("the proof is longer than a key")
    beside = tuple(reader.fixed(HASH_OCTETS) for _ in range(count))
    return Proof(beside, reader.octets(HASH_OCTETS), reader.octets(HASH_OCTETS))


class Overlay:
    """Subtrees that are not kept yet, over those that are."""

    def __init__(self, below: Kept | None = None) -> None:
        self._below = below
        self._own = dict[Path, Node]()

    @property
    def changed(self) -> Mapping[Path, Node]:
        """What was put."""
        return self._own

    def node(self, path: Path) -> Node | None:
        """Return a subtree; None for an empty one."""
        found = self._own.get(path)
        return found if found or self._below is None else self._below.node(path)

    def put(self, path: Path, node: Node) -> None:
        """Keep a subtree here."""
        self._own[path] = node


def root_of(entries: Mapping[bytes, bytes]) -> bytes:
    """Return the root of a map."""
    nodes = Overlay()
    for key, value in entries.items():
        write(nodes, key, value)
    return root(nodes)
