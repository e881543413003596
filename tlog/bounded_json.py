"""JSON of others: what is nested deeper than anybody nests is refused before it is read.

json counts on the interpreter's limit of recursion, and a library may have raised that (py_ecc does): then a
text of open brackets ends the process.
"""

import json
import re
from collections.abc import Callable
from typing import Any, Final

MAX_DEPTH: Final = 64
_STRING: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)  # whole or to the end: linear in the text
_BRACKET: Final = re.compile(r"[\[{\]}]")


def loads(
    data: str | bytes | bytearray,
    most: int = MAX_DEPTH,
    *,
    object_pairs_hook: Callable[[list[tuple[str, Any]]], Any] | None = None,
    parse_constant: Callable[[str], Any] | None = None,
    parse_float: Callable[[str], Any] | None = None,
) -> Any:
    """Read a document of JSON in UTF-8; ValueError if it is none, or nested deeper than `most` brackets.

    What the hooks raise goes through.
    """
    text = data if isinstance(data, str) else data.decode("utf-8")
    if depth(text) > most:
        raise ValueError("the JSON is nested too deeply")
    return json.loads(
        text, object_pairs_hook=object_pairs_hook, parse_constant=parse_constant, parse_float=parse_float
    )


def depth(text: str) -> int:
    """Return how deep brackets stand within each other, before anything is read."""
    deepest = now = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        now += 1 if bracket in "[{" else -1
        deepest = max(deepest, now)
    return deepest
