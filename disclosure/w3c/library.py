"""What is used of PyLD, in one module: loading it takes long, so `rdf` does it when it is first needed."""

import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

from pyld import jsonld
from pyld.canon import URDNA2015
from pyld.identifier_issuer import IdentifierIssuer
from pyld.nquads import serialize_nquad

from disclosure.errors import DisclosureError
from disclosure.w3c.documents import invalid
from disclosure.w3c.loading import load

BASE: Final = "https://relative.invalid/"
"""What a relative IRI is resolved to by the library, which would else choose a base of its own."""
WORK: Final = 2000
"""Steps and permutations of RDFC-1.0. A licence with four nodes that look alike takes about ten."""
_LOCK: Final = threading.Lock()


def _options() -> dict[str, Any]:
    return {"documentLoader": load, "base": BASE, "processingMode": "json-ld-1.1"}


def expand(document: Any, dropped: Callable[[Any], Any]) -> Any:
    """Expand a document; `dropped` is called with a key that no context defines."""
    return _run(lambda: jsonld.JsonLdProcessor(on_property_dropped=dropped).expand(document, _options()))


def compact(expanded: Sequence[Any], context: Any) -> Any:
    """Compact an expanded document with a context."""
    return _run(lambda: jsonld.compact(list(expanded), context, _options()))


def dataset(document: Any) -> Any:
    """Return the statements of a document by the names of their graphs."""
    return _run(lambda: jsonld.to_rdf(document, _options()))


def line(quad: Any) -> str:
    """Return a statement as a line of N-Quads."""
    return str(serialize_nquad(quad))


def canonical(quads: list[Any]) -> tuple[str, dict[str, str]]:
    """Canonicalise statements, which are changed; return them as lines in one text, and the labels."""
    algorithm = _Bounded()
    text: str = algorithm.main({"@default": quads}, {"format": "application/n-quads"})
    return text, dict(algorithm.canonical_issuer.existing)


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
