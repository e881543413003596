"""From a document to canonical statements: JSON-LD 1.1 to RDF, and RDFC-1.0, both by PyLD, both bounded.

RDFC-1.0 takes factorial time on datasets made for that ("poison graphs"; RDF Dataset Canonicalization,
section 7.1). It is run here with a budget: each step of its recursion and each permutation that it tries
costs one, and a document that wants more is refused as one of too many statements is.

The library's own path goes through N-Quads as text and back. Here statements stay what they are until they
are written once: nothing is parsed twice, and nothing that a literal contains can be taken for syntax.
"""

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from disclosure.w3c.documents import SKOLEM, Document, invalid

MAX_STATEMENTS: Final = 1024
MAX_BLANK_NODES: Final = 256
_BLANK: Final = "blank node"
_PLACES: Final = ("subject", "object", "name")

Quad = dict[str, Any]
"""A statement as PyLD has it: subject, predicate, object, and name where it is in a named graph."""


def _dropped(_: Any) -> NoReturn:
    raise invalid("the document has a key that no context defines, so no signature covers it")


def expand(document: Document) -> list[Any]:
    """Expand a checked document; MalformedError DOCUMENT_INVALID, CONTEXT_UNKNOWN.

    Every key is defined, and every type and identifier absolute: else they would be in no statement.
    """
    from disclosure.w3c import library  # noqa: PLC0415, it takes long to load

    expanded: list[Any] = library.expand(document, _dropped)
    _check_absolute(expanded, library.BASE)
    return expanded


def compact(expanded: Sequence[Any], context: Any) -> Document:
    """Compact an expanded document with a context; MalformedError DOCUMENT_INVALID, CONTEXT_UNKNOWN."""
    from disclosure.w3c import library  # noqa: PLC0415

    compacted: Document = library.compact(expanded, context)
    return compacted


def quads_of(document: Document | Sequence[Any]) -> list[Quad]:
    """Return the statements of a document, expanded or not, in which skolem IRIs are blank nodes again.

    Raises MalformedError DOCUMENT_INVALID, CONTEXT_UNKNOWN.
    """
    given = list(document) if isinstance(document, Sequence) else document
    from disclosure.w3c import library  # noqa: PLC0415

    dataset = library.dataset(given)
    if set(dataset) - {"@default"}:
        raise invalid("the document has more than one graph")
    quads: list[Quad] = [_deskolemized(each) for each in dataset.get("@default", ())]
    if len(quads) > MAX_STATEMENTS:
        raise invalid(f"a document makes at most {MAX_STATEMENTS} statements")
    if len(_blank_nodes(quads)) > MAX_BLANK_NODES:
        raise invalid(f"a document has at most {MAX_BLANK_NODES} nodes without an identifier")
    return quads


@dataclass(frozen=True)
class Canonical:
    """Canonical statements, sorted, and the canonical label of each label; both labels begin with `_:`."""

    lines: tuple[str, ...]
    labels: Mapping[str, str]


def canonicalize(quads: Iterable[Quad]) -> Canonical:
    """Canonicalise statements by RDFC-1.0 with SHA-256; MalformedError DOCUMENT_INVALID beyond the budget."""
    from disclosure.w3c import library  # noqa: PLC0415

    text, labels = library.canonical(deepcopy(list(quads)))
    return Canonical(tuple(dict.fromkeys(text.splitlines(keepends=True))), labels)


def relabelled(quads: Iterable[Quad], labels: Mapping[str, str]) -> list[str]:
    """Return statements as N-Quads with other labels of their blank nodes, in their order."""
    from disclosure.w3c import library  # noqa: PLC0415

    return [library.line(_with(each, labels)) for each in quads]


def _with(quad: Quad, labels: Mapping[str, str]) -> Quad:
    return {
        place: {**part, "value": labels[part["value"]]} if part["type"] == _BLANK else part
        for place, part in quad.items()
    }


def _deskolemized(quad: Quad) -> Quad:
    return {
        place: {"type": _BLANK, "value": "_:" + part["value"][len(SKOLEM) :]}
        if part["type"] == "IRI" and part["value"].startswith(SKOLEM)
        else part
        for place, part in quad.items()
    }


def _blank_nodes(quads: Iterable[Quad]) -> set[str]:
    return {
        quad[place]["value"]
        for quad in quads
        for place in _PLACES
        if quad.get(place, {}).get("type") == _BLANK
    }


def _check_absolute(value: Any, base: str) -> None:
    """Types and identifiers that are no absolute IRIs make no statements."""
    if isinstance(value, list):
        for each in value:
            _check_absolute(each, base)
    if not isinstance(value, dict):
        return
    types = value.get("@type", [])
    named = [value.get("@id", ":"), *(types if isinstance(types, list) else [types])]
    if not all(isinstance(each, str) and _is_absolute(each, base) for each in named):
        raise invalid("a type or an identifier is no absolute IRI, so no signature covers it")
    for each in value.values():
        _check_absolute(each, base)


def _is_absolute(iri: str, base: str) -> bool:
    return iri == "@json" or (":" in iri and not iri.startswith(base))
