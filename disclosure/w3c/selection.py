"""Selecting parts of a document by JSON pointers (RFC 6901; Vc-di-ecdsa, sections 3.4.7 to 3.4.13)."""

import re
from collections.abc import Sequence
from copy import deepcopy
from typing import Any, Final

from disclosure.errors import MalformedError, Reason
from disclosure.w3c import rdf
from disclosure.w3c.documents import SKOLEM, Document

MAX_POINTERS: Final = 512
MAX_POINTER_OCTETS: Final = 1024
_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,5}", re.ASCII)
_ESCAPE: Final = re.compile(r"~(?![01])")
_ALWAYS: Final = ("@id", "id", "@type", "type")
"""What says which node it is and of what type comes with whatever is selected below it."""


def invalid(detail: str) -> MalformedError:
    """Return the error of a pointer that selects nothing."""
    return MalformedError(Reason.POINTER_INVALID, detail, field="pointers")


def check_pointers(pointers: Sequence[str]) -> tuple[str, ...]:
    """Return pointers that are pointers; MalformedError POINTER_INVALID."""
    if len(pointers) > MAX_POINTERS:
        raise invalid(f"there are at most {MAX_POINTERS} pointers")
    for each in pointers:
        tokens(each)
    return tuple(pointers)


def tokens(pointer: str) -> list[str]:
    """Return the parts of a pointer to something below the whole (RFC 6901, section 3)."""
    if not isinstance(pointer, str) or not pointer.startswith("/") or _ESCAPE.search(pointer):
        raise invalid("a pointer begins with / and is escaped as RFC 6901 says")
    if len(pointer.encode("utf-8", "replace")) > MAX_POINTER_OCTETS:
        raise invalid(f"a pointer has at most {MAX_POINTER_OCTETS} octets")
    return [each.replace("~1", "/").replace("~0", "~") for each in pointer[1:].split("/")]


def select(pointers: Sequence[str], document: Document) -> Document | None:
    """Return the parts of a document that pointers select, with its context; None if there are no pointers.

    Source: selectJsonLd, section 3.4.13. What is selected of an array keeps its order and closes up. Raises
    MalformedError POINTER_INVALID for a pointer that leads nowhere.
    """
    if not pointers:
        return None
    found = _Part(document)
    for pointer in pointers:
        found.take(document, tokens(pointer))
    return {"@context": deepcopy(document["@context"]), **found.made()}


class _Part:
    """What is selected of one value: all of it, or some of its members and what always comes with it."""

    def __init__(self, source: Any) -> None:
        self._source = source
        self._whole = not isinstance(source, dict | list)
        self._members: dict[str | int, _Part] = {}

    def take(self, value: Any, parts: list[str]) -> None:
        """Select what the parts of a pointer lead to."""
        if not parts:
            self._whole = True
            return
        key = _key(value, parts[0])
        self._members.setdefault(key, _Part(value[key])).take(value[key], parts[1:])

    def made(self) -> Any:
        """Return what was selected."""
        if self._whole:
            return deepcopy(self._source)
        if isinstance(self._source, list):
            return [self._members[key].made() for key in sorted(self._members)]
        kept = {key: deepcopy(self._source[key]) for key in _ALWAYS if key in self._source}
        return kept | {key: each.made() for key, each in self._members.items() if key not in kept}


def _key(value: Any, part: str) -> str | int:
    if isinstance(value, list) and _INDEX.fullmatch(part) and int(part) < len(value):
        return int(part)
    if isinstance(value, dict) and part in value and part != "@context":
        return part
    raise invalid("a pointer leads to nothing that the document has")


def skolemized(document: Document) -> tuple[list[Any], Document]:
    """Return a document expanded and compacted, each node with an IRI of its own (section 3.4.9).

    The IRIs of nodes that had none begin with `urn:bnid:`, so that a selected part still says which node it
    is of. Raises MalformedError DOCUMENT_INVALID, CONTEXT_UNKNOWN.
    """
    expanded = _Skolemizer().value(rdf.expand(document))
    return expanded, rdf.compact(expanded, document["@context"])


class _Skolemizer:
    """Gives every node without an identifier one (skolemizeExpandedJsonLd, section 3.4.8)."""

    def __init__(self) -> None:
        self._count = 0

    def value(self, value: Any) -> Any:
        """Return a copy of an expanded value in which no node is without an identifier."""
        if isinstance(value, list):
            return [self.value(each) for each in value]
        if not isinstance(value, dict) or "@value" in value:
            return deepcopy(value)
        named = {} if "@list" in value or "@set" in value or "@id" in value else {"@id": self._fresh()}
        return named | {key: self.value(each) for key, each in value.items()}

    def _fresh(self) -> str:
        self._count += 1
        return f"{SKOLEM}n{self._count}"
