"""From a document to canonical statements: JSON-LD 1.1 to RDF, and RDFC-1.0, both by PyLD, both bounded.

RDFC-1.0 takes factorial time on datasets made for that ("poison graphs"; RDF Dataset Canonicalization,
section 7.1). It is run here with a budget: each step of its recursion and each permutation that it tries
costs one, and a document that wants more is refused as one of too many statements is.

The library's own path goes through N-Quads as text and back. Here statements stay what they are until they
are written once: nothing is parsed twice, and nothing that a literal contains can be taken for syntax.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from pyld import jsonld
from pyld.canon import URDNA2015
from pyld.identifier_issuer import IdentifierIssuer
from pyld.nquads import serialize_nquad

from disclosure.errors import DisclosureError
from disclosure.w3c.documents import SKOLEM, Document, invalid
from disclosure.w3c.loading import load

MAX_STATEMENTS: Final = 1024
MAX_BLANK_NODES: Final = 256
WORK: Final = 2000
"""Steps and permutations of RDFC-1.0. A licence with four nodes that look alike takes about ten."""
_LOCK: Final = threading.Lock()
_BLANK: Final = "blank node"
_BASE: Final = "https://relative.invalid/"
"""What a relative IRI is resolved to by the library, which would else choose a base of its own."""
_PLACES: Final = ("subject", "object", "name")

Quad = dict[str, Any]
"""A statement as PyLD has it: subject, predicate, object, and name where it is in a named graph."""


def _options() -> dict[str, Any]:
    return {"documentLoader": load, "base": _BASE, "processingMode": "json-ld-1.1"}


def _dropped(_: Any) -> NoReturn:
    raise invalid("the document has a key that no context defines, so no signature covers it")


def expand(document: Document) -> list[Any]:
    """Expand a checked document; MalformedError DOCUMENT_INVALID, CONTEXT_UNKNOWN.

    Every key is defined, and every type and identifier absolute: else they would be in no statement.
    """
    expanded: list[Any] = _run(
        lambda: jsonld.JsonLdProcessor(on_property_dropped=_dropped).expand(document, _options())
    )
    _check_absolute(expanded)
    return expanded


def compact(expanded: Sequence[Any], context: Any) -> Document:
    """Compact an expanded document with a context; MalformedError DOCUMENT_INVALID, CONTEXT_UNKNOWN."""
    compacted: Document = _run(lambda: jsonld.compact(list(expanded), context, _options()))
    return compacted


def quads_of(document: Document | Sequence[Any]) -> list[Quad]:
    """Return the statements of a document, expanded or not, in which skolem IRIs are blank nodes again.

    Raises MalformedError DOCUMENT_INVALID, CONTEXT_UNKNOWN.
    """
    given = list(document) if isinstance(document, Sequence) else document
    dataset = _run(lambda: jsonld.to_rdf(given, _options()))
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
    algorithm = _Bounded()
    text: str = algorithm.main({"@default": deepcopy(list(quads))}, {"format": "application/n-quads"})
    labels = dict(algorithm.canonical_issuer.existing)
    return Canonical(tuple(dict.fromkeys(text.splitlines(keepends=True))), labels)


def relabelled(quads: Iterable[Quad], labels: Mapping[str, str]) -> list[str]:
    """Return statements as N-Quads with other labels of their blank nodes, in their order."""
    return [serialize_nquad(_with(each, labels)) for each in quads]


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


def _check_absolute(value: Any) -> None:
    """Types and identifiers that are no absolute IRIs make no statements."""
    if isinstance(value, list):
        for each in value:
            _check_absolute(each)
    if not isinstance(value, dict):
        return
    types = value.get("@type", [])
    named = [value.get("@id", ":"), *(types if isinstance(types, list) else [types])]
    if not all(isinstance(each, str) and _is_absolute(each) for each in named):
        raise invalid("a type or an identifier is no absolute IRI, so no signature covers it")
    for each in value.values():
        _check_absolute(each)


def _is_absolute(iri: str) -> bool:
    return iri == "@json" or (":" in iri and not iri.startswith(_BASE))


def _run(step: Callable[[], Any]) -> Any:
    """Do a step of the library, whatever of it a document can make fail.

    One at a time: its caches of contexts are shared, and no threads were thought of when they were made.
    """
    try:
        with _LOCK:
            return step()
    except DisclosureError:
        raise
    except jsonld.JsonLdError as error:
        raise (_inner(error) or invalid("the document is no JSON-LD 1.1")) from None
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError):
        raise invalid("the document is no JSON-LD 1.1") from None


def _inner(error: BaseException | None) -> DisclosureError | None:
    """Return our own error, where the library wrapped one."""
    for _ in range(8):
        if error is None or isinstance(error, DisclosureError):
            return error
        error = error.__cause__
    return None


class _Budget:
    """What is left of the work."""

    def __init__(self) -> None:
        self._left = WORK

    def spend(self) -> None:
        """Take one; MalformedError when there is none."""
        self._left -= 1
        if self._left < 0:
            raise invalid("the document's nodes look too much alike to be told apart within the limits")


class _Issuer(IdentifierIssuer):  # type: ignore[misc]  # the library has no types
    """Is copied once for each permutation that is tried, and pays for it."""

    def __init__(self, budget: _Budget, issued: IdentifierIssuer) -> None:
        super().__init__(issued.prefix)
        self.counter, self.existing, self.order = issued.counter, dict(issued.existing), list(issued.order)
        self._budget = budget

    def __deepcopy__(self, memo: Any) -> "_Issuer":
        self._budget.spend()
        return _Issuer(self._budget, self)


class _Bounded(URDNA2015):  # type: ignore[misc]  # the library has no types
    """RDFC-1.0 within a budget. URDNA2015 is its former name; they differ in control characters alone."""

    def __init__(self) -> None:
        super().__init__()
        self._budget = _Budget()

    def hash_n_degree_quads(self, id_: str, issuer: IdentifierIssuer) -> Any:
        """Go one step deeper."""
        self._budget.spend()
        ours = issuer if isinstance(issuer, _Issuer) else _Issuer(self._budget, issuer)
        return super().hash_n_degree_quads(id_, ours)
