"""BLS12-381 by py_ecc: pure Python, slow, the reference for the others. Not constant-time."""

from collections.abc import Sequence
from typing import Any, cast

import py_ecc.optimized_bls12_381 as ecc
from py_ecc.bls import point_compression
from py_ecc.fields import optimized_bls12_381_FQ as FQ
from py_ecc.fields import optimized_bls12_381_FQ2 as FQ2
from py_ecc.fields import optimized_bls12_381_FQ12 as FQ12

from bbs.errors import DecodingError, InputError, Reason
from bbs.groups.bls12_381 import (
    G1_OCTETS,
    G1_UNCOMPRESSED_OCTETS,
    G2_OCTETS,
    H_EFF,
    IntegerSecretKey,
    check_encoding,
    check_encoding_uncompressed,
    invert,
    p,
    r,
)
from bbs.groups.protocol import (
    G1Point,
    G2Point,
    Group,
    GroupSecretKey,
    Hashing,
    PreparedBases,
    PreparedG2,
    Terms,
)

_Point = Any  # py_ecc's triple of projective coordinates; its modules are not followed by the type checker


def _x_and_sign(octets: bytes) -> tuple[int, bool]:
    """Return the first coordinate of an encoding and whether y is the larger of the two."""
    return int.from_bytes(octets[:G1_OCTETS]) & (1 << 381) - 1, bool(octets[0] & 0x20)


def _check_subgroup(point: _Point) -> _Point:
    if not ecc.is_inf(ecc.multiply(point, r)):
        raise DecodingError(Reason.NOT_IN_SUBGROUP, "the point is outside the subgroup of order r")
    return point


def _decode(octets: bytes, *, identity: bool, check_subgroup: bool) -> G1Point:
    if check_encoding(octets, G1_OCTETS, identity=identity):
        return G1Point(ecc.Z1)
    x, upper = _x_and_sign(octets)
    y = pow(x**3 + 4, (p + 1) // 4, p)
    if (y * y - x**3 - 4) % p:
        raise DecodingError(Reason.INVALID_POINT, "no point of the curve has this coordinate")
    point = (FQ(x), FQ(y if (2 * y > p) == upper else p - y), FQ(1))
    return G1Point(_check_subgroup(point) if check_subgroup else point)


def _decode_uncompressed(octets: bytes, *, identity: bool, check_subgroup: bool) -> G1Point:
    if check_encoding_uncompressed(octets, identity=identity):
        return G1Point(ecc.Z1)
    x, y = int.from_bytes(octets[:G1_OCTETS]), int.from_bytes(octets[G1_OCTETS:])
    if (y * y - x**3 - 4) % p:
        raise DecodingError(Reason.INVALID_POINT, "the coordinates are those of no point of the curve")
    point = (FQ(x), FQ(y), FQ(1))
    return G1Point(_check_subgroup(point) if check_subgroup else point)


def _encode_uncompressed(point: _Point) -> bytes:
    if ecc.is_inf(point):
        return b"\x40" + bytes(G1_UNCOMPRESSED_OCTETS - 1)
    return b"".join(int(coordinate).to_bytes(G1_OCTETS) for coordinate in ecc.normalize(point))


class PyEcc:
    """BLS12-381 by py_ecc."""

    name = "py_ecc"
    r = r
    hashing: Hashing | None = None

    def __init__(self) -> None:
        self.BP1 = G1Point(ecc.G1)
        self.BP2 = PreparedG2(ecc.G2)
        self.BP2_negated = PreparedG2(ecc.neg(ecc.G2))

    def g1_from_octets(self, octets: bytes, *, identity: bool = False) -> G1Point:
        """Decode one point of G1, checked."""
        return _decode(octets, identity=identity, check_subgroup=True)

    def g1s_from_octets(self, encodings: Sequence[bytes], *, identity: bool = False) -> list[G1Point]:
        """Decode many points of G1, checked."""
        return [self.g1_from_octets(octets, identity=identity) for octets in encodings]

    def g1s_from_octets_uncompressed(
        self, encodings: Sequence[bytes], *, identity: bool = False
    ) -> list[G1Point]:
        """Decode many uncompressed points of G1, checked."""
        return [_decode_uncompressed(octets, identity=identity, check_subgroup=True) for octets in encodings]

    def g1s_from_octets_uncompressed_unchecked_subgroup(
        self, encodings: Sequence[bytes], *, identity: bool = False
    ) -> list[G1Point]:
        """Decode many uncompressed points of the curve, which somebody else found to be in G1."""
        return [_decode_uncompressed(octets, identity=identity, check_subgroup=False) for octets in encodings]

    def g1s_from_octets_unchecked_subgroup(
        self, encodings: Sequence[bytes], *, identity: bool = False
    ) -> list[G1Point]:
        """Decode many points of the curve that need not be in G1."""
        return [_decode(octets, identity=identity, check_subgroup=False) for octets in encodings]

    def clear_cofactor(self, points: Sequence[G1Point]) -> list[G1Point]:
        """Multiply each point of the curve by 1 - z."""
        return [G1Point(ecc.multiply(point, H_EFF)) for point in points]

    def g2_from_octets(self, octets: bytes, *, identity: bool = False) -> G2Point:
        """Decode one point of G2, checked."""
        if check_encoding(octets, G2_OCTETS, identity=identity):
            return G2Point(ecc.Z2)
        imaginary, upper = _x_and_sign(octets)
        x = FQ2([int.from_bytes(octets[G1_OCTETS:]), imaginary])
        y = point_compression.modular_squareroot_in_FQ2(x**3 + ecc.b2)
        if y is None:
            raise DecodingError(Reason.INVALID_POINT, "no point of the curve has this coordinate")
        decisive = int(y.coeffs[1]) or int(y.coeffs[0])
        return G2Point(_check_subgroup((x, y if (2 * decisive > p) == upper else -y, FQ2.one())))

    def g2s_from_octets(self, encodings: Sequence[bytes], *, identity: bool = False) -> list[G2Point]:
        """Decode many points of G2, checked."""
        return [self.g2_from_octets(octets, identity=identity) for octets in encodings]

    def g1_to_octets(self, point: G1Point) -> bytes:
        """Encode a point of G1."""
        return int(point_compression.compress_G1(point)).to_bytes(G1_OCTETS)

    def g1s_to_octets(self, points: Sequence[G1Point]) -> bytes:
        """Encode points of G1 one after the other."""
        return b"".join(map(self.g1_to_octets, points))

    def g1s_to_octets_uncompressed(self, points: Sequence[G1Point]) -> bytes:
        """Encode points of G1 in uncompressed form, one after the other."""
        return b"".join(map(_encode_uncompressed, points))

    def g2_to_octets(self, point: G2Point) -> bytes:
        """Encode a point of G2."""
        return b"".join(int(half).to_bytes(G1_OCTETS) for half in point_compression.compress_G2(point))

    def is_identity(self, point: G1Point) -> bool:
        """Tell whether a point of G1 is the identity."""
        return bool(ecc.is_inf(point))

    def map_to_g1(self, u0: int, u1: int) -> G1Point:
        """Finish hash_to_curve."""
        first, second = (ecc.iso_map_G1(*ecc.optimized_swu_G1(FQ(u))) for u in (u0, u1))
        return G1Point(ecc.multiply_clear_cofactor_G1(ecc.add(first, second)))

    def prepare(self, bases: Sequence[G1Point]) -> PreparedBases:
        """Prepare points for `msm`."""
        return PreparedBases(tuple(bases))

    def prepare_g2(self, point: G2Point) -> PreparedG2:
        """Prepare a point for `pairing_product_is_one`."""
        return PreparedG2(point)

    def msm(
        self,
        points: Sequence[G1Point],
        scalars: Sequence[int],
        prepared: PreparedBases | None = None,
        prepared_scalars: Sequence[int] = (),
        *,
        secret: bool = False,
    ) -> G1Point:
        """Add up points times scalars and prepared bases times theirs, sharing one chain of doublings.

        `secret` changes nothing here.
        """
        bases = cast(tuple[G1Point, ...], prepared or ())
        if len(points) != len(scalars) or len(prepared_scalars) > len(bases):
            raise InputError(Reason.COUNT_MISMATCH, "points and scalars are not equally many")
        terms = [(point, scalar % r) for point, scalar in zip(points, scalars, strict=True)]
        terms += [(base, scalar % r) for base, scalar in zip(bases, prepared_scalars, strict=False)]
        total: _Point = ecc.Z1
        for bit in reversed(range(r.bit_length())):
            total = ecc.double(total)
            for point, scalar in terms:
                if scalar >> bit & 1:
                    total = ecc.add(total, point)
        return G1Point(total)

    def msms(self, sums: Sequence[Terms], *, secret: bool = False) -> list[G1Point]:
        """Compute many sums, one after the other."""
        return [self.msm(*terms, secret=secret) for terms in sums]

    def invert(self, scalar: int) -> int:
        """Return 1 / scalar modulo r; InputError DEGENERATE for 0."""
        return invert(scalar)

    def pairing_product_is_one(self, pairs: Sequence[tuple[G1Point, PreparedG2]]) -> bool:
        """Tell whether the product of the pairings is the identity of GT."""
        product: Any = FQ12.one()
        for first, second in pairs:
            product = product * ecc.pairing(second, first, final_exponentiate=False)
        return bool(ecc.final_exponentiate(product) == FQ12.one())

    def secret_key(self, octets: bytes) -> GroupSecretKey:
        """Take in a secret scalar of 32 octets."""
        return IntegerSecretKey(
            octets,
            lambda x: G2Point(ecc.multiply(ecc.G2, x)),
            lambda point, x: G1Point(ecc.multiply(point, x)),
        )


GROUP: Group = PyEcc()
