"""A tree that is read leaf by leaf, with the proofs of chosen leaves: what a reader of the whole log keeps.

Whoever looks for some leaves among all of them cannot ask for their proofs without telling which they are.
So the proofs grow along while the tree is read: memory is the frontier, and one path for each chosen leaf.
"""

from collections.abc import Mapping, Sequence

from tlog.encoding import check_bytes, check_count
from tlog.errors import InputError, Reason
from tlog.merkle import EMPTY_ROOT, HASH_OCTETS, Frontier, node_hash, nodes_for_root


class ProvingFrontier:
    """The frontier of a tree, and for each kept leaf the siblings on its path within its complete subtree.

    Not to be shared between threads. What `size`, `hashes` and `paths` give makes the same one again.
    """

    def __init__(
        self, size: int = 0, hashes: Sequence[bytes] = (), paths: Mapping[int, Sequence[bytes]] | None = None
    ) -> None:
        """Go on from a state; InputError INVALID_LENGTH, OUT_OF_RANGE if it is none."""
        Frontier(size, hashes)
        self._size, self._hashes = size, list(hashes)
        self._paths = {index: list(path) for index, path in (paths or {}).items()}
        self._kept: list[list[int]] = [[] for _ in self._hashes]
        for index, path in self._paths.items():
            level = self._place(check_count(index, "the index", 0, size))
            if len(path) != level:
                raise InputError(Reason.INVALID_LENGTH, f"the path of leaf {index} has another length")
            for each in path:
                check_bytes(each, "a hash", HASH_OCTETS)

    def _place(self, index: int) -> int:
        """Note a leaf under its complete subtree; return that one's level."""
        for kept, (level, place) in zip(self._kept, nodes_for_root(self._size), strict=True):
            if index >> level == place:
                kept.append(index)
                return level
        raise InputError(Reason.OUT_OF_RANGE, f"the tree has no leaf {index}")

    @property
    def size(self) -> int:
        """The number of leaves."""
        return self._size

    @property
    def hashes(self) -> tuple[bytes, ...]:
        """The complete subtrees' hashes, biggest first."""
        return tuple(self._hashes)

    @property
    def paths(self) -> dict[int, tuple[bytes, ...]]:
        """The paths of the kept leaves, by their indexes."""
        return {index: tuple(path) for index, path in self._paths.items()}

    def append(self, leaf: bytes, *, keep: bool = False) -> None:
        """Add a leaf by its hash, and keep its path if it is a chosen one."""
        merged, rest, here = leaf, self._size, list[int]()
        if keep:
            here.append(self._size)
            self._paths[self._size] = []
        while rest & 1:
            left, there = self._hashes.pop(), self._kept.pop()
            for index in there:
                self._paths[index].append(merged)
            for index in here:
                self._paths[index].append(left)
            merged, here = node_hash(left, merged), there + here
            rest >>= 1
        self._hashes.append(merged)
        self._kept.append(here)
        self._size += 1

    def root(self) -> bytes:
        """Return the root of the tree as it is now."""
        return self._join(0) if self._hashes else EMPTY_ROOT

    def proof(self, index: int) -> list[bytes]:
        """Return the inclusion proof of a kept leaf in the tree as it is now; InputError OUT_OF_RANGE."""
        for place, kept in enumerate(self._kept):
            if index in kept:
                right = [self._join(place + 1)] if place + 1 < len(self._hashes) else []
                return [*self._paths[index], *right, *reversed(self._hashes[:place])]
        raise InputError(Reason.OUT_OF_RANGE, f"leaf {index} was not kept")

    def _join(self, first: int) -> bytes:
        joined = self._hashes[-1]
        for left in reversed(self._hashes[first:-1]):
            joined = node_hash(left, joined)
        return joined
