"""The bytes that are hashed and signed: deterministic CBOR (RFC 8949, section 4.2.1), arrays only.

Every structure is one array that begins with its own label, so that no two kinds of bytes can be taken for
each other. There are no maps, tags or floats; decoding accepts exactly what encoding gives.

Decoding is done here and not by the CBOR library, which resolves tags before its caller could refuse them:
bytes from strangers could so build lists that hold themselves, or compile expressions.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

import cbor2

from disclosure.errors import MalformedError, Reason

Item = int | bytes | str | bool | None | Sequence["Item"]

MAX_OCTETS = 1 << 16
MAX_ITEMS = 1 << 14
"""Items of one structure, those within others too: an item takes its reader's time, however few octets it
has."""
_MAX_DEPTH = 8
_SIMPLE: Final[Mapping[int, bool | None]] = {0xF4: False, 0xF5: True, 0xF6: None}


def encode(label: str, *items: Item) -> bytes:
    """Encode one labelled array."""
    return cbor2.dumps([label, *items], canonical=True)


_ARRAY: Final = 4


def beginning(length: int, label: str, *items: Item) -> bytes:
    """Return how a labelled array of so many items (below 24, the label counts) begins, up to these items.

    What is encoded often with few changes is this and then `following` for each item that is left.
    """
    if not len(items) < length < 24:
        raise ValueError("an array that is begun has 1 to 23 items, and one at least is left")
    return bytes([0x80 | length]) + encode(label, *items)[1:]


def following(item: Item) -> bytes:
    """Return one item as it stands in an array."""
    return cbor2.dumps(item, canonical=True)


def array(items: Sequence[bytes]) -> bytes:
    """Return an array of items, each as `following` gives it, as it stands in another array."""
    count = len(items)
    if count < 24:
        return b"".join((bytes([0x80 | count]), *items))
    octets = (count.bit_length() + 7) // 8
    width = next(each for each in (1, 2, 4) if each >= octets)
    return b"".join((bytes([0x98 + width.bit_length() - 1]), count.to_bytes(width), *items))


def decode(label: str, octets: bytes, *, most: int = MAX_OCTETS, most_items: int = MAX_ITEMS) -> list[Item]:
    """Decode one labelled array of at most so many octets and items; return what follows the label.

    An array that says that it has more is refused before any of its items is read.

    Raises MalformedError MALFORMED for everything that `encode` does not give.
    """
    if len(octets) > most:
        raise MalformedError(Reason.MALFORMED, f"more than {most} octets")
    try:
        value = _Reader(octets, most_items).whole()
    except ValueError:
        raise MalformedError(Reason.MALFORMED, "the octets are not CBOR of the kind used here") from None
    if not isinstance(value, list) or not value or value[0] != label:
        raise MalformedError(Reason.MALFORMED, f"the octets are no {label}")
    if cbor2.dumps(value, canonical=True) != octets:
        raise MalformedError(Reason.MALFORMED, "the encoding is not the canonical one")
    return value[1:]


def first(octets: bytes) -> Item:
    """Return the item behind the label, of octets that were decoded before; MalformedError MALFORMED.

    For who lists many and needs no more than this of each.
    """
    try:
        return _Reader(octets).second()
    except ValueError:
        raise MalformedError(Reason.MALFORMED, "the octets are no labelled array") from None


class _Reader:
    """One pass over octets, in time and memory bounded by their number; ValueError for what has no place.

    Whether lengths and numbers are written in their shortest form is left to the comparison with what
    encoding gives.
    """

    def __init__(self, octets: bytes, most_items: int = MAX_ITEMS) -> None:
        self._octets, self._left = octets, most_items
        self._at = 0

    def whole(self) -> Item:
        """Read one item that ends where the octets end."""
        item = self._item(1)
        if self._at != len(self._octets):
            raise ValueError
        return item

    def second(self) -> Item:
        """Read the second item of an array of less than 24."""
        if self._take(1)[0] >> 5 != _ARRAY:
            raise ValueError
        self._item(2)
        return self._item(2)

    def _item(self, depth: int) -> Item:
        head = self._take(1)[0]
        if head in _SIMPLE:
            return _SIMPLE[head]
        number = self._number(head & 31)
        match head >> 5:
            case 0:
                return number
            case 1 if number < 1 << 63:
                return -1 - number
            case 2:
                return self._take(number)
            case 3:
                return self._take(number).decode()
            case 4 if depth <= _MAX_DEPTH:
                self._left -= number
                if self._left < 0 or number > len(self._octets) - self._at:
                    raise ValueError
                return [self._item(depth + 1) for _ in range(number)]
        raise ValueError

    def _number(self, information: int) -> int:
        if information < 24:
            return information
        if information > 27:
            raise ValueError
        return int.from_bytes(self._take(1 << (information - 24)))

    def _take(self, count: int) -> bytes:
        taken = self._octets[self._at : self._at + count]
        if len(taken) != count:
            raise ValueError
        self._at += count
        return taken


def digest(label: str, octets: bytes) -> bytes:
    """Return SHA-256 over a label, a zero octet and the octets."""
    return hashlib.sha256(label.encode() + b"\x00" + octets).digest()
