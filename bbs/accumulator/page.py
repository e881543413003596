"""Pages: slices of the list of revocations, however it is cut."""

import secrets
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from typing import Final

from bbs.accumulator.key import AccumulatorKey
from bbs.accumulator.position import MAX_REVOCATIONS, Position, check_count, octets_to_count
from bbs.errors import DecodingError, InputError, Reason, VerificationError
from bbs.groups.bls12_381 import G1_UNCOMPRESSED_OCTETS, SCALAR_OCTETS, r
from bbs.groups.protocol import G1Point
from bbs.scalars import check_octets
from bbs.serialization import integer_to_octets

MAX_PAGE: Final = 1 << 14
"""How many pairs a page has at most, which is 2 MB: what bounds a holder's memory."""

_PAGE: Final = b"zk-revocation/page/v1\n"
PAIR_OCTETS: Final = SCALAR_OCTETS + G1_UNCOMPRESSED_OCTETS
_COEFFICIENT_OCTETS: Final = 16


@dataclass(frozen=True)
class Revocation:
    """A revoked handle y and the value after it, uncompressed in 96 octets, which a `Page` looks into.

    Raises InputError SCALAR_OUT_OF_RANGE, INVALID_TYPE; DecodingError INVALID_LENGTH.
    """

    y: int
    V: bytes

    def __post_init__(self) -> None:
        check_handle(self.y)
        if len(check_octets(self.V, "the value")) != G1_UNCOMPRESSED_OCTETS:
            raise DecodingError(Reason.INVALID_LENGTH, f"a value has {G1_UNCOMPRESSED_OCTETS} octets")

    @property
    def octets(self) -> bytes:
        """The handle in 32 octets and the value."""
        return self.y.to_bytes(SCALAR_OCTETS) + self.V


@dataclass(frozen=True, repr=False)
class Page:
    """Consecutive pairs of the list of a key, from the one with the number `first`, counted from 0.

    `pairs` has each pair in 128 octets. Its handles are in [1, r) and differ, its values are on the curve and
    not the identity. They are not checked to be in the subgroup: who needs that uses `verify_page`, and a
    holder clears what it makes of them. Raises DecodingError INVALID_LENGTH (no pair, too many, or not of 128
    octets), INVALID_COUNT, INVALID_SCALAR, ALREADY_REVOKED (a handle is there twice), INVALID_POINT,
    IDENTITY_POINT; InputError INVALID_COUNT, ACCUMULATOR_FULL, INVALID_TYPE.
    """

    key: AccumulatorKey
    first: int
    pairs: tuple[bytes, ...]
    handles: tuple[int, ...] = field(init=False, compare=False)
    values: tuple[G1Point, ...] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        check_count(self.first)
        if not 0 < len(self.pairs) <= MAX_PAGE:
            raise DecodingError(Reason.INVALID_LENGTH, f"a page has 1 to {MAX_PAGE} pairs")
        if self.end > MAX_REVOCATIONS:
            raise DecodingError(Reason.INVALID_COUNT, f"a list has {MAX_REVOCATIONS} revocations at most")
        if set(map(type, self.pairs)) != {bytes}:
            raise InputError(Reason.INVALID_TYPE, "a pair is not bytes")
        if set(map(len, self.pairs)) != {PAIR_OCTETS}:
            raise DecodingError(Reason.INVALID_LENGTH, f"a pair has {PAIR_OCTETS} octets")
        handles = tuple([int.from_bytes(pair[:SCALAR_OCTETS]) for pair in self.pairs])
        if not 0 < min(handles) <= max(handles) < r:
            raise DecodingError(Reason.INVALID_SCALAR, "a handle is 0 or not less than r")
        if len(set(handles)) != len(handles):
            raise DecodingError(Reason.ALREADY_REVOKED, "a handle is in the page twice")
        decode = self.key.group.g1s_from_octets_uncompressed_unchecked_subgroup
        object.__setattr__(self, "handles", handles)
        object.__setattr__(self, "values", tuple(decode(self._encodings)))

    @classmethod
    def of(cls, key: AccumulatorKey, first: int, revocations: Iterable[Revocation]) -> "Page":
        """Return the page of some revocations, cut out of the list at `first`; errors as of the class."""
        return cls(key, first, tuple([each.octets for each in revocations]))

    @property
    def end(self) -> int:
        """The number of revocations up to the end of the page."""
        return self.first + len(self.pairs)

    @property
    def revocations(self) -> tuple[Revocation, ...]:
        """The pairs one by one, as a store keeps them."""
        return tuple(Revocation(y, V) for y, V in zip(self.handles, self._encodings, strict=True))

    def to_octets(self) -> bytes:
        """Encode: label, suite, key, `first` in 8 octets, and the pairs, 128 octets each."""
        return self.octets_of(self.key, self.first, self.pairs)

    @staticmethod
    def octets_of(key: AccumulatorKey, first: int, pairs: Iterable[bytes]) -> bytes:
        """Encode pairs that a store has kept of pages, cut as one likes, without looking into them."""
        return key.label(_PAGE) + integer_to_octets(first) + b"".join(pairs)

    @classmethod
    def from_octets(cls, octets: bytes, *, key: AccumulatorKey) -> "Page":
        """Decode a page of a key that the caller knows; DecodingError INVALID_LABEL, or as the class."""
        fields = key.unlabel(octets, _PAGE, 8)
        count, rest = divmod(len(fields) - 8, PAIR_OCTETS)
        if rest or not 0 < count <= MAX_PAGE:
            raise DecodingError(
                Reason.INVALID_LENGTH, f"a page has 1 to {MAX_PAGE} pairs of {PAIR_OCTETS} octets"
            )
        starts = range(8, len(fields), PAIR_OCTETS)
        pairs = tuple([fields[at : at + PAIR_OCTETS] for at in starts])
        return cls(key, octets_to_count(fields[:8]), pairs)

    @property
    def _encodings(self) -> list[bytes]:
        return [pair[SCALAR_OCTETS:] for pair in self.pairs]

    def __repr__(self) -> str:
        return f"Page({self.first} to {self.end})"


def verify_page(page: Page, at: Position, revoked: Container[int]) -> Position:
    """Check a page that begins at a checked position, and return the position after it.

    `revoked` has every handle before the page: a handle that is revoked twice would give its holder a witness
    for the value between. All values are checked to be in the subgroup and all pairs by one batch, with an
    error of 2^-128: e(V_j, (a + y'_j)*P2) = e(V_(j-1), P2). Raises VerificationError PAGE_INVALID,
    ALREADY_REVOKED; DecodingError NOT_IN_SUBGROUP.
    """
    after = at.after(page)
    if any(y in revoked for y in page.handles):
        raise VerificationError(Reason.ALREADY_REVOKED, "a handle of the page was revoked before it")
    group = page.key.group
    V = group.g1s_from_octets_uncompressed(page._encodings)
    coefficients = _coefficients(len(V))
    # sum of c_j * (y'_j*V_j - V_(j-1)), each value once
    following = [*coefficients[1:], 0]
    factors = [c * y - next_c for c, y, next_c in zip(coefficients, page.handles, following, strict=True)]
    left = group.msm(V, coefficients)
    right = group.msm([at.V, *V], [-coefficients[0], *factors])
    if not group.pairing_product_is_one([(left, page.key.prepared), (right, group.BP2)]):
        raise VerificationError(Reason.PAGE_INVALID, "a value does not follow from the one before")
    return after


def check_handle(y: int) -> int:
    """Return a handle; InputError SCALAR_OUT_OF_RANGE unless it is in [1, r). The error does not show it."""
    if type(y) is not int or not 0 < y < r:
        raise InputError(Reason.SCALAR_OUT_OF_RANGE, "a handle is outside [1, r)")
    return y


def _coefficients(count: int) -> list[int]:
    octets = secrets.token_bytes(_COEFFICIENT_OCTETS * count)
    starts = range(0, len(octets), _COEFFICIENT_OCTETS)
    return [int.from_bytes(octets[at : at + _COEFFICIENT_OCTETS]) + 1 for at in starts]
