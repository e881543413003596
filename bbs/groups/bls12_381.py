"""What the BLS12-381 groups share: constants, the rules of the compressed encoding, an integer secret key.

Source: draft-irtf-cfrg-pairing-friendly-curves-11, section 4.2.1 and appendix C.
"""

from collections.abc import Callable

from bbs.errors import DecodingError, InputError, Reason
from bbs.groups.protocol import G1Point, G2Point

p = 0x1A0111EA397FE69A4B1BA7B6434BACD764774B84F38512BF6730D2A0F6B0F6241EABFFFEB153FFFFB9FEFFFFFFFFAAAB
r = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001

H_EFF = 0xD201000000010001
"""1 - z: clears the cofactor (z - 1)^2 / 3 of the curve of G1 (RFC 9380, section 8.8.1)."""

G1_OCTETS = 48
G1_UNCOMPRESSED_OCTETS = 96
G2_OCTETS = 96
SCALAR_OCTETS = 32

_COMPRESSED, _INFINITY, _SIGN = 0x80, 0x40, 0x20


def check_encoding(octets: bytes, length: int, *, identity: bool) -> bool:
    """Check length, flags and coordinates of a compressed point; return whether it is the identity.

    There is one encoding of each point: the compression flag is set, the identity has nothing but its flag,
    every coordinate is less than p. Raises DecodingError INVALID_LENGTH, INVALID_POINT, or IDENTITY_POINT if
    the identity is not allowed. That the point is on the curve and in the subgroup is left to the group.
    """
    if len(octets) != length:
        raise DecodingError(Reason.INVALID_LENGTH, f"a point has {length} octets, not {len(octets)}")
    flags = octets[0] & 0xE0
    rest = bytes([octets[0] & 0x1F]) + octets[1:]
    if not flags & _COMPRESSED:
        raise DecodingError(Reason.INVALID_POINT, "the point is not in compressed form")
    if flags & _INFINITY:
        if flags & _SIGN or any(rest):
            raise DecodingError(Reason.INVALID_POINT, "the identity has one encoding, and this is another")
        if not identity:
            raise DecodingError(Reason.IDENTITY_POINT, "the identity is not allowed here")
        return True
    _check_coordinates(rest)
    return False


def check_encoding_uncompressed(octets: bytes, *, identity: bool) -> bool:
    """Check length, flags and coordinates of an uncompressed point of G1; return whether it is the identity.

    The only flag that may be set is that of the identity, which has nothing else. Raises what
    `check_encoding` raises, and leaves the same to the group.
    """
    if len(octets) != G1_UNCOMPRESSED_OCTETS:
        raise DecodingError(
            Reason.INVALID_LENGTH,
            f"an uncompressed point has {G1_UNCOMPRESSED_OCTETS} octets, not {len(octets)}",
        )
    if octets[0] & _COMPRESSED:
        raise DecodingError(Reason.INVALID_POINT, "the point is in compressed form")
    if octets[0] & _INFINITY:
        if octets[0] & ~_INFINITY or any(octets[1:]):
            raise DecodingError(Reason.INVALID_POINT, "the identity has one encoding, and this is another")
        if not identity:
            raise DecodingError(Reason.IDENTITY_POINT, "the identity is not allowed here")
        return True
    if octets[0] & _SIGN:
        raise DecodingError(Reason.INVALID_POINT, "an uncompressed point has no sign")
    _check_coordinates(octets)
    return False


def invert(scalar: int) -> int:
    """Return 1 / scalar modulo r, not constant-time; InputError DEGENERATE for 0."""
    if not scalar % r:
        raise InputError(Reason.DEGENERATE, "0 has no inverse")
    return pow(scalar, -1, r)


def _check_coordinates(octets: bytes) -> None:
    if any(int.from_bytes(octets[at : at + G1_OCTETS]) >= p for at in range(0, len(octets), G1_OCTETS)):
        raise DecodingError(Reason.INVALID_POINT, "a coordinate is not less than p")


class IntegerSecretKey:
    """A secret key for reference groups: a Python integer, not constant-time, not wiped."""

    __slots__ = ("_multiply_g1", "_public_key", "_x")

    def __init__(
        self,
        octets: bytes,
        public_key: Callable[[int], G2Point],
        multiply_g1: Callable[[G1Point, int], G1Point],
    ) -> None:
        if len(octets) != SCALAR_OCTETS:
            raise DecodingError(Reason.INVALID_LENGTH, f"a secret key has {SCALAR_OCTETS} octets")
        self._x = int.from_bytes(octets)
        if not 0 < self._x < r:
            raise DecodingError(Reason.INVALID_SCALAR, "a secret key is in [1, r)")
        self._public_key, self._multiply_g1 = public_key, multiply_g1

    def public_key(self) -> G2Point:
        """Return x times the generator of G2."""
        return self._public_key(self._x)

    def divide(self, B: G1Point, e: int) -> G1Point:
        """Return B / (x + e); InputError DEGENERATE if x + e is 0 modulo r."""
        denominator = (self._x + e) % r
        if not denominator:
            raise InputError(Reason.DEGENERATE, "the key and e add up to 0")
        return self._multiply_g1(B, pow(denominator, -1, r))

    def to_octets_secret(self) -> bytes:
        """Return the 32 octets of x."""
        return self._x.to_bytes(SCALAR_OCTETS)

    def __repr__(self) -> str:
        return "IntegerSecretKey(<hidden>)"
