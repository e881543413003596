"""An epoch: a position of the list at a time. What a department signs, a ledger keeps and a request names."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from bbs.accumulator.key import AccumulatorKey
from bbs.accumulator.position import Position
from bbs.errors import InputError, Reason
from bbs.serialization import integer_to_octets

_EPOCH: Final = b"zk-revocation/epoch/v1\n"


@dataclass(frozen=True)
class Epoch:
    """The `number`-th epoch of an accumulator, `time` in seconds since 1970-01-01 UTC.

    Values between two epochs' count for nothing. Raises InputError INVALID_COUNT (a number or a time outside
    [0, 2^64)).
    """

    number: int
    position: Position
    time: int

    def __post_init__(self) -> None:
        if not all(type(each) is int and 0 <= each < 1 << 64 for each in (self.number, self.time)):
            raise InputError(Reason.INVALID_COUNT, "a number or a time is not in [0, 2^64)")

    @property
    def key(self) -> AccumulatorKey:
        """The accumulator's key."""
        return self.position.key

    @cached_property
    def octets(self) -> bytes:
        """The canonical octets, to be signed as they are.

        They begin with their own label, then suite and key; the rest is number and time in 8 octets each, and
        the position. No other structure has octets that begin like this.
        """
        numbers = integer_to_octets(self.number) + integer_to_octets(self.time)
        return self.key.label(_EPOCH) + numbers + self.position.to_octets()

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of the octets: names this epoch and no other, in a request or a statement."""
        return hashlib.sha256(self.octets).digest()

    def followed_by(self, position: Position, time: int) -> "Epoch":
        """Return the next epoch; InputError EPOCH_MISMATCH unless time goes on and the list does not go back.

        Whoever watches a list compares this with the epoch that it was given, after it has checked the pages
        between the two.
        """
        if position.key != self.key or position.count < self.position.count:
            raise InputError(Reason.EPOCH_MISMATCH, "the list is another, or shorter than before")
        if position.count == self.position.count and position != self.position:
            raise InputError(Reason.EPOCH_MISMATCH, "without a revocation the value stays what it is")
        if time <= self.time:
            raise InputError(Reason.EPOCH_MISMATCH, "the time is not later")
        return Epoch(self.number + 1, position, time)

    @classmethod
    def from_octets(cls, octets: bytes, *, key: AccumulatorKey) -> "Epoch":
        """Decode an epoch of a key that the caller knows, strictly.

        Raises DecodingError INVALID_LABEL, INVALID_LENGTH, INVALID_COUNT, INVALID_POINT, NOT_IN_SUBGROUP,
        IDENTITY_POINT; InputError INVALID_TYPE.
        """
        fields = key.unlabel(octets, _EPOCH, 16)
        position = Position.from_octets(fields[16:], key=key)
        return cls(int.from_bytes(fields[:8]), position, int.from_bytes(fields[8:16]))
