"""JSON from outside, read strictly; octets in base64url; and canonical items as JSON.

A name that stands twice in an object, a number that is no integer of 64 bits, and what is nested or long
beyond what anybody sends, are refused: two readers must never see two things in the same text.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any, Final, NoReturn, TypeAlias

from disclosure.canonical import Item
from openid.errors import OpenIdError, OpenIdReason
from tlog import bounded_json

Json: TypeAlias = Any
MAX_OCTETS: Final = 256 << 10
MAX_DEPTH: Final = 16
_MAX_INTEGER: Final = 1 << 63
_EXACT: Final = 1 << 53
"""What lies below is the same integer to every reader of JSON; what does not is written as text."""
_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)
_INTEGER: Final = re.compile(r"-?[1-9][0-9]{15,18}", re.ASCII)


def loads(text: str | bytes, reason: OpenIdReason) -> dict[str, Json]:
    """Return the object that a text of JSON is; OpenIdError with the reason that the caller names."""

    def refuse(detail: str) -> NoReturn:
        raise OpenIdError(reason, detail)

    def unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        found = dict(pairs)
        if len(found) != len(pairs):
            refuse("a name stands twice in an object")
        return found

    if len(text) > MAX_OCTETS:
        refuse("the JSON is too long")
    try:
        read = bounded_json.loads(
            text,
            MAX_DEPTH,
            object_pairs_hook=unique,
            parse_constant=refuse,
            parse_float=lambda _: refuse("a fraction"),
        )
    except ValueError:
        raise OpenIdError(reason, "the text is no JSON") from None
    if not isinstance(read, dict):
        refuse("the JSON is no object")
    _check(read, MAX_DEPTH, refuse)
    return read


def _check(value: Json, depth: int, refuse: Any) -> None:
    if depth == 0:
        refuse("the JSON is nested too deeply")
    if isinstance(value, int) and not -_MAX_INTEGER <= value < _MAX_INTEGER:
        refuse("an integer has more than 64 bits")
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            refuse("a text has half a character")
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in parts:
        _check(each, depth - 1, refuse)


def dumps(value: Mapping[str, Json]) -> bytes:
    """Return an object as JSON, in few octets."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def to_base64url(octets: bytes) -> str:
    """Return octets in base64url without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def octets_of(text: Json, reason: OpenIdReason, field: str) -> bytes:
    """Decode what `to_base64url` gives and nothing else; OpenIdError with the caller's reason."""
    if isinstance(text, str) and _BASE64URL.fullmatch(text):
        try:
            octets = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except (binascii.Error, ValueError):
            octets = b""
        if to_base64url(octets) == text:
            return octets
    raise OpenIdError(reason, "it is not base64url without padding", field=field)


def item_to_json(item: Item) -> Json:
    """Return a canonical item as JSON; what JSON has not stands in an object with one member."""
    match item:
        case bytes():
            return {"octets": to_base64url(item)}
        case list():
            return [item_to_json(each) for each in item]
        case int() if not isinstance(item, bool) and abs(item) >= _EXACT:
            return {"integer": str(item)}
    return item


def item_from_json(value: Json, reason: OpenIdReason, field: str) -> Item:
    """Decode what `item_to_json` gives and nothing else; OpenIdError with the caller's reason."""
    match value:
        case {"octets": text, **rest} if not rest:
            return octets_of(text, reason, field)
        case {"integer": str(text), **rest} if not rest and _INTEGER.fullmatch(text):
            number = int(text)
            if _EXACT <= abs(number) < _MAX_INTEGER or number == -_MAX_INTEGER:
                return number
        case list():
            return [item_from_json(each, reason, field) for each in value]
        case bool() | str() | None:
            return value
        case int() if abs(value) < _EXACT:
            return value
    raise OpenIdError(reason, "it is no item of the canonical encoding", field=field)
