"""Canonical statements in an order of the issuer's, and what pointers select of them (Vc-di-ecdsa, 3.4.14).

The canonical labels of blank nodes depend on the whole document and so would tell of what is hidden. They are
replaced by labels that a keyed hash has shuffled (Vc-di-bbs, section 3.2.8); the key is the issuer's and the
holder's. Statements are signed in the order that these labels give.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from disclosure.w3c import rdf, selection
from disclosure.w3c.documents import Document


def shuffled(labels: Mapping[str, str], key: bytes) -> dict[str, str]:
    """Replace canonical labels by shuffled ones (createShuffledIdLabelMapFunction); all begin with `_:`."""
    hashes = {
        label: hmac.digest(key, canonical.removeprefix("_:").encode(), hashlib.sha256)
        for label, canonical in labels.items()
    }
    order = sorted(hashes, key=lambda label: _written(hashes[label]))
    return {label: f"_:b{number}" for number, label in enumerate(order)}


def _written(digest: bytes) -> bytes:
    """Return what sorts as the base64url text of a digest does, by which the labels are shuffled."""
    return base64.urlsafe_b64encode(digest)


@dataclass(frozen=True)
class Group:
    """What some pointers select: positions in all statements, and the statements with the input's labels."""

    positions: tuple[int, ...]
    quads: tuple[rdf.Quad, ...]


class Grouped:
    """A document's statements, shuffled, from which pointers select (canonicalizeAndGroup, section 3.4.17).

    Raises MalformedError DOCUMENT_INVALID, CONTEXT_UNKNOWN.
    """

    def __init__(self, document: Document, hmac_key: bytes) -> None:
        expanded, self._compact = selection.skolemized(document)
        quads = rdf.quads_of(expanded)
        self.labels = shuffled(rdf.canonicalize(quads).labels, hmac_key)
        self.lines = tuple(sorted(set(rdf.relabelled(quads, self.labels))))

    @cached_property
    def _positions(self) -> Mapping[str, int]:
        return {line: position for position, line in enumerate(self.lines)}

    def group(self, pointers: Sequence[str]) -> Group:
        """Return what pointers select; MalformedError POINTER_INVALID."""
        selected = selection.select(pointers, self._compact)
        quads = tuple(rdf.quads_of(selected)) if selected is not None else ()
        found = {self._positions[line] for line in rdf.relabelled(quads, self.labels)}
        return Group(tuple(sorted(found)), quads)

    def others(self, group: Group) -> tuple[int, ...]:
        """Return the positions that a group does not have."""
        selected = set(group.positions)
        return tuple(each for each in range(len(self.lines)) if each not in selected)

    def at(self, positions: Sequence[int]) -> list[str]:
        """Return the statements at positions."""
        return [self.lines[each] for each in positions]
