"""A position in the list of revocations: how many there were, the value after them, and their digest.

The digest runs over the pairs: h_0 is that of the key, h_(i+1) = SHA-256(label || h_i || y' || V), V
uncompressed. So whoever knows one position that it trusts knows every pair before it, and pages need no
signature of their own.
"""

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from bbs.errors import DecodingError, InputError, Reason, VerificationError
from bbs.groups.bls12_381 import G1_UNCOMPRESSED_OCTETS
from bbs.groups.protocol import G1Point
from bbs.scalars import check_octets
from bbs.serialization import integer_to_octets

if TYPE_CHECKING:
    from bbs.accumulator.key import AccumulatorKey
    from bbs.accumulator.page import Page

MAX_REVOCATIONS: Final = (1 << 20) - 1
"""A list gives away powers of a, and n powers shorten the search for it by a factor of up to sqrt(n)."""

DIGEST_OCTETS: Final = 32
POSITION_OCTETS: Final = 8 + G1_UNCOMPRESSED_OCTETS + DIGEST_OCTETS
_START: Final = b"zk-revocation/start/v1\n"
# 23 octets: with digest and pair the most that SHA-256 takes in three blocks.
_ENTRY: Final = b"zk-revocation/entry/v1\n"


def start_digest(name: bytes) -> bytes:
    """Return the digest of no revocation, for what names an accumulator."""
    return hashlib.sha256(_START + name).digest()


@dataclass(frozen=True, repr=False)
class Position:
    """The list of a key up to some count of revocations; `V_octets` is the value, uncompressed.

    That the value and the digest belong to each other is known of a position that is trusted, and of one that
    a checked page leads to from there. Raises InputError ACCUMULATOR_FULL (count above 2^20 - 1),
    INVALID_COUNT, INVALID_TYPE; DecodingError INVALID_LENGTH, INVALID_POINT, NOT_IN_SUBGROUP, IDENTITY_POINT.
    """

    key: "AccumulatorKey"
    count: int
    V_octets: bytes
    digest: bytes
    V: G1Point = field(init=False, compare=False)

    def __post_init__(self) -> None:
        check_count(self.count)
        if len(check_octets(self.digest, "the digest")) != DIGEST_OCTETS:
            raise DecodingError(Reason.INVALID_LENGTH, f"a digest has {DIGEST_OCTETS} octets")
        check_octets(self.V_octets, "the value")
        (V,) = self.key.group.g1s_from_octets_uncompressed([self.V_octets])
        object.__setattr__(self, "V", V)

    def after(self, page: "Page") -> "Position":
        """Return the position after a page that begins here.

        Nothing is checked of the page but that: its pairs by `verify_page`, or by who trusts the position
        that the pages lead to. Raises VerificationError PAGE_INVALID if the page begins elsewhere or is of
        another accumulator; DecodingError NOT_IN_SUBGROUP (its last value).
        """
        if page.key != self.key:
            raise VerificationError(Reason.PAGE_INVALID, "the page is of another accumulator")
        if page.first != self.count:
            raise VerificationError(
                Reason.PAGE_INVALID, f"the page begins at {page.first}, not at {self.count}"
            )
        digest, sha256 = self.digest, hashlib.sha256
        for pair in page.pairs:
            digest = sha256(_ENTRY + digest + pair).digest()
        return Position(self.key, page.end, page.pairs[-1][-G1_UNCOMPRESSED_OCTETS:], digest)

    def to_octets(self) -> bytes:
        """Encode in 136 octets, without the key: the count in 8, the value, the digest."""
        return integer_to_octets(self.count) + self.V_octets + self.digest

    @classmethod
    def from_octets(cls, octets: bytes, *, key: "AccumulatorKey") -> "Position":
        """Decode 136 octets.

        Raises DecodingError INVALID_LENGTH, INVALID_COUNT, INVALID_POINT, NOT_IN_SUBGROUP, IDENTITY_POINT.
        """
        if len(octets) != POSITION_OCTETS:
            raise DecodingError(Reason.INVALID_LENGTH, f"a position has {POSITION_OCTETS} octets")
        count, V, digest = octets_to_count(octets[:8]), octets[8:-DIGEST_OCTETS], octets[-DIGEST_OCTETS:]
        return cls(key, count, V, digest)

    def __repr__(self) -> str:
        return f"Position({self.count}, {self.digest.hex()})"


def check_count(count: int) -> int:
    """Return a count of revocations; InputError INVALID_COUNT, ACCUMULATOR_FULL unless in [0, 2^20)."""
    if type(count) is not int or count < 0:
        raise InputError(Reason.INVALID_COUNT, "a count is an integer and not negative")
    if count > MAX_REVOCATIONS:
        raise InputError(
            Reason.ACCUMULATOR_FULL, f"a key has {MAX_REVOCATIONS} revocations at most: rotate it"
        )
    return count


def octets_to_count(octets: bytes) -> int:
    """Decode a count of revocations; DecodingError INVALID_COUNT unless in [0, 2^20)."""
    count = int.from_bytes(octets)
    if count > MAX_REVOCATIONS:
        raise DecodingError(Reason.INVALID_COUNT, f"a list has {MAX_REVOCATIONS} revocations at most")
    return count
