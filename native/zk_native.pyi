"""BLS12-381 arithmetic by blst. Use it through `bbs.groups.blst`.

Scalars are 32 octets each, most significant first, less than r; lists of scalars are their concatenation. An
expander is "xmd-sha-256" or "xof-shake-256". Everything is immutable and safe to share between threads, and
lets other threads run while it computes, except what takes a few microseconds only.
"""

from collections.abc import Sequence
from typing import NoReturn, final

class NativeError(Exception):
    """A refusal; its only argument is the reason, a stable string of `bbs.errors.Reason`."""

@final
class G1Point:
    """A point of G1."""

    def is_identity(self) -> bool:
        """Whether this is the identity."""

    __hash__ = None  # type: ignore[assignment]

@final
class G2Point:
    """A point of G2."""

    def negated(self) -> G2Point:
        """The opposite point."""

    __hash__ = None  # type: ignore[assignment]

@final
class PreparedBases:
    """Points of G1 with tables, which are built when they are first needed and shared by equal points."""

    def __new__(cls, points: Sequence[G1Point]) -> PreparedBases: ...
    def __len__(self) -> int: ...

@final
class PreparedG2:
    """A point of G2 with the lines of its Miller loop."""

    def __new__(cls, point: G2Point) -> PreparedG2: ...

@final
class SecretKey:
    """A secret scalar in [1, r): wiped when dropped, neither shown nor copied nor pickled, constant-time."""

    @staticmethod
    def from_octets(octets: bytes) -> SecretKey:
        """Take in 32 octets; NativeError INVALID_LENGTH, INVALID_SCALAR."""

    def public_key(self) -> G2Point:
        """Return the key times the generator of G2."""

    def divide(self, point: G1Point, e: bytes) -> G1Point:
        """Return `point` / (key + `e`); NativeError INVALID_LENGTH, INVALID_SCALAR, DEGENERATE."""

    def to_octets_secret(self) -> bytes:
        """Return the 32 secret octets, for key storage and for deriving e only."""

    def __copy__(self) -> NoReturn: ...
    def __deepcopy__(self, memo: object, /) -> NoReturn: ...

def g1_generator() -> G1Point:
    """Return the generator of G1."""

def g2_generator() -> G2Point:
    """Return the generator of G2."""

def g1s_from_octets(encodings: Sequence[bytes], identity: bool, check_subgroup: bool = True) -> list[G1Point]:
    """Decode points in compressed form.

    NativeError INVALID_LENGTH, INVALID_POINT, NOT_IN_SUBGROUP, IDENTITY_POINT.

    Without `check_subgroup` they are on the curve, but not known to be in G1: pairings with a point outside
    mean nothing, and sums with one only once their cofactor is cleared.
    """

def g1s_from_octets_uncompressed(
    encodings: Sequence[bytes], identity: bool, check_subgroup: bool
) -> list[G1Point]:
    """Decode points of 96 octets in uncompressed form; as `g1s_from_octets`."""

def g2s_from_octets(encodings: Sequence[bytes], identity: bool) -> list[G2Point]:
    """Decode points in compressed form, checked; the errors of `g1s_from_octets`."""

def g1s_to_octets(points: Sequence[G1Point]) -> bytes:
    """Encode points one after the other, with one inversion for all."""

def g1s_to_octets_uncompressed(points: Sequence[G1Point]) -> bytes:
    """Encode points in uncompressed form, 96 octets each, one after the other, with one inversion for all."""

def g2_to_octets(point: G2Point) -> bytes:
    """Encode a point."""

def g1s_clear_cofactor(points: Sequence[G1Point]) -> list[G1Point]:
    """Multiply each point by 1 - z: into G1, and to the identity only from an order of the cofactor."""

def map_to_g1(u: bytes, v: bytes) -> G1Point:
    """Finish hash_to_curve from two field elements of 48 octets; NativeError INVALID_LENGTH."""

def msm(
    points: Sequence[G1Point],
    scalars: bytes,
    prepared: PreparedBases | None,
    prepared_scalars: bytes,
    secret: bool,
) -> G1Point:
    """Add up points times scalars and the first prepared bases times theirs; constant-time if `secret`.

    NativeError COUNT_MISMATCH, INVALID_LENGTH, INVALID_SCALAR.
    """

def msms(
    sums: Sequence[tuple[Sequence[G1Point], bytes, PreparedBases | None, bytes]], secret: bool
) -> list[G1Point]:
    """Do many `msm`, each given by its first four arguments, in one call and for less; its errors."""

def invert_scalar(scalar: bytes) -> bytes:
    """Return 1 / scalar modulo r, constant-time; NativeError INVALID_LENGTH, INVALID_SCALAR (also for 0)."""

def pairing_product_is_one(firsts: Sequence[G1Point], seconds: Sequence[PreparedG2]) -> bool:
    """Tell whether the product of the pairings is the identity of GT; NativeError COUNT_MISMATCH."""

def pairing_check_unprepared(a: G1Point, b: G2Point, c: G1Point, d: G2Point) -> bool:
    """Tell whether e(a, b) e(c, d) = 1 by two Miller loops of blst and one final exponentiation.

    The unit of the benchmarks: nothing is prepared. NativeError IDENTITY_POINT.
    """

def expand_messages(messages: Sequence[bytes], dst: bytes, length: int, expander_name: str) -> list[bytes]:
    """Expand each message to `length` octets (RFC 9380, section 5.3).

    NativeError INVALID_DST, INPUT_TOO_LONG.
    """

def hash_to_scalars(messages: Sequence[bytes], dst: bytes, expander_name: str) -> bytes:
    """Hash each message to a scalar; NativeError INVALID_DST."""

def hash_to_g1s(messages: Sequence[bytes], dst: bytes, expander_name: str) -> list[G1Point]:
    """Hash each message to a point (RFC 9380, section 3); NativeError INVALID_DST."""
