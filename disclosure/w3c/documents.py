"""Reading JSON documents strictly, within limits, before JSON-LD sees them.

JSON-LD ignores what it has no use for: a null, an empty list, an index, a key that no context defines. What
is ignored is in no statement and so under no signature, and yet it stands in the document that a reader
takes for verified. Such parts are refused, here or in `rdf`. What would make two readings of one document
possible is refused too: a key that stands twice, a number that not every language reads alike, a blank node
with a name of its own.
"""

import json
import math
import re
from typing import Any, Final, NoReturn

from disclosure.errors import MalformedError, Reason
from disclosure.w3c.loading import check_known
from tlog import bounded_json

MAX_OCTETS: Final = 1 << 18
"""Of a document in UTF-8; a portrait fits."""
MAX_DEPTH: Final = 24
MAX_VALUES: Final = 4096
"""Of a document: all its keys, objects, arrays and literals."""
MAX_CONTEXTS: Final = 8
MAX_SAFE_INTEGER: Final = (1 << 53) - 1
SKOLEM: Final = "urn:bnid:"
"""What stands before a blank node's label while it has to be an IRI (Vc-di-ecdsa, section 3.4.7)."""
_KEYWORDS: Final = frozenset({"@context", "@id", "@language", "@type", "@value"})
_CONTEXT_KEYWORDS: Final = frozenset({"@id", "@type", "@vocab", "@version", "@protected", "@context"})
_ALIASED: Final = frozenset({"@id", "@language", "@type", "@value", "@vocab"})
_CONTROL: Final = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_KEYWORD: Final = re.compile(r"@[A-Za-z]+")

Document = dict[str, Any]
"""A JSON object. Functions of this package never change one that they were given."""


def invalid(detail: str, *, field: str = "") -> MalformedError:
    """Return the error of a document that is none of those that are taken."""
    return MalformedError(Reason.DOCUMENT_INVALID, detail, field=field)


def read(octets: bytes) -> Document:
    """Decode a document from UTF-8 and check it as `check` does; raises as that."""
    if len(octets) > MAX_OCTETS:
        raise invalid(f"a document has at most {MAX_OCTETS} octets")
    try:
        parsed = bounded_json.loads(
            octets, object_pairs_hook=_object, parse_constant=_constant, parse_float=_float
        )
    except ValueError:
        raise invalid("the octets are no JSON in UTF-8 with every key once") from None
    return check(parsed)


def check(document: Any) -> Document:
    """Return a document that can be made statements of; MalformedError DOCUMENT_INVALID, CONTEXT_UNKNOWN.

    It has a context, no null, no empty array, no keyword but for values, types and identifiers, and no more
    of anything than the limits say.
    """
    if not isinstance(document, dict) or "@context" not in document:
        raise invalid("a document is an object with @context")
    _Check().value(document, 0, context=False)
    return document


def write(document: Document) -> bytes:
    """Encode a document in UTF-8, as people can read it."""
    return json.dumps(document, ensure_ascii=False, indent=2).encode() + b"\n"


def _object(pairs: list[tuple[str, Any]]) -> Document:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError
    return made


def _constant(_: str) -> NoReturn:
    raise ValueError  # NaN and infinities are no JSON


def _float(text: str) -> float | int:
    """Read 7.0 as 7, as JSON-LD does (JSON-LD 1.1 Processing Algorithms and API, section 8.2.2)."""
    value = float(text)
    return int(value) if value.is_integer() and abs(value) <= MAX_SAFE_INTEGER else value


class _Check:
    """One walk over a document, which counts."""

    def __init__(self) -> None:
        self._values = 0

    def value(self, value: Any, depth: int, *, context: bool) -> None:
        """Check a value of any kind; `context` says that it is in or of a context."""
        self._values += 1
        if self._values > MAX_VALUES or depth > MAX_DEPTH:
            raise invalid("the document has too many values, or they are nested too deep")
        match value:
            case dict():
                self._object(value, depth, context=context)
            case list():
                if not value:
                    raise invalid("an empty array is under no signature")
                for each in value:
                    self.value(each, depth + 1, context=context)
            case str():
                _check_text(value)
                if context and _KEYWORD.fullmatch(value) and value not in _ALIASED:
                    raise invalid("the document uses a keyword of JSON-LD that is not taken")
            case bool():
                pass
            case int() | float():
                _check_number(value)
            case _:
                raise invalid("a null, or what JSON does not have, is under no signature")

    def _object(self, value: Document, depth: int, *, context: bool) -> None:
        for key, each in value.items():
            if not isinstance(key, str):
                raise invalid("a key is a string")
            _check_text(key)
            if _KEYWORD.fullmatch(key) and key not in (_CONTEXT_KEYWORDS if context else _KEYWORDS):
                raise invalid("the document uses a keyword of JSON-LD that is not taken")
            if key == "@context":
                _check_contexts(each)
            self.value(each, depth + 1, context=context or key == "@context")


def _check_contexts(value: Any) -> None:
    """Names that are known, and objects."""
    contexts = value if isinstance(value, list) else [value]
    if not 0 < len(contexts) <= MAX_CONTEXTS:
        raise invalid(f"there are 1 to {MAX_CONTEXTS} contexts in one place", field="@context")
    for each in contexts:
        if isinstance(each, str):
            check_known(each)
        elif not isinstance(each, dict):
            raise invalid("a context is a name or an object", field="@context")


def _check_text(text: str) -> None:
    if text.startswith("_:") or SKOLEM in text:
        raise invalid("blank nodes have no names of their own")
    if _CONTROL.search(text):
        raise invalid("a text has no control characters and no surrogates")


def _check_number(number: float) -> None:
    if isinstance(number, int):
        if abs(number) > MAX_SAFE_INTEGER:
            raise invalid("an integer beyond 2^53 is not read alike everywhere; write it as a text")
    elif not math.isfinite(number):
        raise invalid("a number is finite")
