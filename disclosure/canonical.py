"""The bytes that are hashed and signed: deterministic CBOR (RFC 8949, section 4.2.1), arrays only.

Every structure is one array that begins with its own label, so that no two kinds of bytes can be taken for
each other. There are no maps, tags or floats; decoding accepts exactly what encoding gives.
"""

import hashlib
from collections.abc import Sequence

import cbor2

from disclosure.errors import MalformedError, Reason

Item = int | bytes | str | bool | None | Sequence["Item"]

MAX_OCTETS = 1 << 16
_MAX_DEPTH = 8


def encode(label: str, *items: Item) -> bytes:
    """Encode one labelled array."""
    return cbor2.dumps([label, *items], canonical=True)


def decode(label: str, octets: bytes) -> list[Item]:
    """Decode one labelled array of at most 65,536 octets; return what follows the label.

    Raises MalformedError MALFORMED for everything that `encode` does not give.
    """
    if len(octets) > MAX_OCTETS:
        raise MalformedError(Reason.MALFORMED, f"more than {MAX_OCTETS} octets")
    try:
        value = cbor2.loads(octets, max_depth=_MAX_DEPTH, allow_indefinite=False)
    except (cbor2.CBORDecodeError, ValueError, OverflowError, RecursionError, TypeError):
        raise MalformedError(Reason.MALFORMED, "the octets are not CBOR") from None
    if not isinstance(value, list) or not value or value[0] != label or not _plain(value):
        raise MalformedError(Reason.MALFORMED, f"the octets are no {label}")
    if cbor2.dumps(value, canonical=True) != octets:
        raise MalformedError(Reason.MALFORMED, "the encoding is not the canonical one")
    return value[1:]


def _plain(value: object) -> bool:
    if type(value) is list:
        return all(map(_plain, value))
    if type(value) is int:
        return -(1 << 63) <= value < 1 << 64
    return value is None or type(value) in {bytes, str, bool}


def digest(label: str, octets: bytes) -> bytes:
    """Return SHA-256 over a label, a zero octet and the octets."""
    return hashlib.sha256(label.encode() + b"\x00" + octets).digest()
