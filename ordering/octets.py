"""The binary encoding of what the consortium orders: fields in a fixed order, one encoding for a value.

Integers are big-endian; octets and text carry their length before them. Whoever reads must come to the end.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from ordering.errors import Refusal, RefusedError

_Item = TypeVar("_Item")


class Writer:
    """Gathers fields."""

    def __init__(self) -> None:
        self._parts = list[bytes]()

    def number(self, value: int, octets: int) -> "Writer":
        """Add an integer of so many octets."""
        self._parts.append(value.to_bytes(octets, "big"))
        return self

    def fixed(self, value: bytes) -> "Writer":
        """Add octets whose length both sides know."""
        self._parts.append(value)
        return self

    def octets(self, value: bytes) -> "Writer":
        """Add octets, after their length in two octets."""
        return self.number(len(value), 2).fixed(value)

    def text(self, value: str) -> "Writer":
        """Add text in UTF-8, after its length."""
        return self.octets(value.encode())

    def to_bytes(self) -> bytes:
        """Return all fields."""
        return b"".join(self._parts)


class Reader:
    """Takes fields off; each method raises RefusedError MALFORMED."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def fixed(self, count: int) -> bytes:
        """Take so many octets."""
        taken = self._data[self._at : self._at + count]
        if len(taken) != count:
            raise malformed("it ends too early")
        self._at += count
        return taken

    def number(self, octets: int) -> int:
        """Take an integer of so many octets."""
        return int.from_bytes(self.fixed(octets), "big")

    def octets(self, most: int) -> bytes:
        """Take octets with their length, at most so many."""
        if (count := self.number(2)) > most:
            raise malformed("a field is too long")
        return self.fixed(count)

    def text(self, most: int) -> str:
        """Take text of at most so many octets."""
        try:
            return self.octets(most).decode()
        except UnicodeDecodeError:
            raise malformed("a text is not UTF-8") from None

    def several(self, take: Callable[["Reader"], _Item], most: int) -> Sequence[_Item]:
        """Take a number in one octet, and so many items."""
        if (count := self.number(1)) > most:
            raise malformed("too many items")
        return tuple(take(self) for _ in range(count))

    def rest(self) -> bytes:
        """Take all that is left."""
        return self.fixed(len(self._data) - self._at)

    def end(self) -> None:
        """Be at the end."""
        if self._at != len(self._data):
            raise malformed("something follows the end")


def malformed(detail: str) -> RefusedError:
    """Return the error of what cannot be read."""
    return RefusedError(Refusal.MALFORMED, detail)
