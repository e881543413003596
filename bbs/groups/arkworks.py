"""BLS12-381 by arkworks (Rust), through the wheel py-arkworks-bls12381. Not constant-time.

The wheel accepts identities with stray bits and drops surplus terms of an MSM in silence; both are checked
here. Its uncompressed form has no flags, and (0, 0) for the identity; flags are put in and taken out here.
"""

from collections.abc import Sequence
from typing import cast

import py_arkworks_bls12381 as ark

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

_UNCOMPRESSED_IDENTITY = b"\x40" + bytes(G1_UNCOMPRESSED_OCTETS - 1)

_Curve = type[ark.G1Point] | type[ark.G2Point]


def _decode(
    curve: _Curve, octets: bytes, length: int, *, identity: bool, check_subgroup: bool = True
) -> ark.G1Point | ark.G2Point:
    if check_encoding(octets, length, identity=identity):
        return curve.identity()
    try:
        if check_subgroup:
            return curve.from_compressed_bytes(octets)
    except ValueError:
        pass
    try:
        point = curve.from_compressed_bytes_unchecked(octets)
    except ValueError:
        raise DecodingError(Reason.INVALID_POINT, "no point of the curve has this coordinate") from None
    if check_subgroup:
        raise DecodingError(Reason.NOT_IN_SUBGROUP, "the point is outside the subgroup of order r")
    return point


def _decode_uncompressed(octets: bytes, *, identity: bool, check_subgroup: bool) -> G1Point:
    if check_encoding_uncompressed(octets, identity=identity):
        return G1Point(ark.G1Point.identity())
    try:
        point = ark.G1Point.from_xy_bytes_unchecked_be(octets)
    except ValueError:
        point = ark.G1Point.identity()
    if point == ark.G1Point.identity():
        raise DecodingError(Reason.INVALID_POINT, "the coordinates are those of no point of the curve")
    if check_subgroup and not point.is_in_subgroup():
        raise DecodingError(Reason.NOT_IN_SUBGROUP, "the point is outside the subgroup of order r")
    return G1Point(point)


def _cleared(point: ark.G1Point) -> ark.G1Point:
    # By doublings and additions: the wheel's own multiplication is right in the subgroup only.
    total = ark.G1Point.identity()
    for bit in reversed(range(H_EFF.bit_length())):
        total = total + total
        if H_EFF >> bit & 1:
            total = total + point
    return total


class Arkworks:
    """BLS12-381 by arkworks."""

    name = "arkworks"
    r = r
    hashing: Hashing | None = None

    def __init__(self) -> None:
        self.BP1 = G1Point(ark.G1Point())
        self.BP2 = PreparedG2(ark.G2Point())
        self.BP2_negated = PreparedG2(-ark.G2Point())

    def g1_from_octets(self, octets: bytes, *, identity: bool = False) -> G1Point:
        """Decode one point of G1, checked."""
        return G1Point(_decode(ark.G1Point, octets, G1_OCTETS, identity=identity))

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
        return [
            G1Point(_decode(ark.G1Point, octets, G1_OCTETS, identity=identity, check_subgroup=False))
            for octets in encodings
        ]

    def clear_cofactor(self, points: Sequence[G1Point]) -> list[G1Point]:
        """Multiply each point of the curve by 1 - z."""
        return [G1Point(_cleared(cast(ark.G1Point, point))) for point in points]

    def g2_from_octets(self, octets: bytes, *, identity: bool = False) -> G2Point:
        """Decode one point of G2, checked."""
        return G2Point(_decode(ark.G2Point, octets, G2_OCTETS, identity=identity))

    def g2s_from_octets(self, encodings: Sequence[bytes], *, identity: bool = False) -> list[G2Point]:
        """Decode many points of G2, checked."""
        return [self.g2_from_octets(octets, identity=identity) for octets in encodings]

    def g1_to_octets(self, point: G1Point) -> bytes:
        """Encode a point of G1."""
        return cast(ark.G1Point, point).to_compressed_bytes()

    def g1s_to_octets(self, points: Sequence[G1Point]) -> bytes:
        """Encode points of G1 one after the other."""
        return b"".join(map(self.g1_to_octets, points))

    def g1s_to_octets_uncompressed(self, points: Sequence[G1Point]) -> bytes:
        """Encode points of G1 in uncompressed form, one after the other."""
        return b"".join(
            _UNCOMPRESSED_IDENTITY if self.is_identity(point) else cast(ark.G1Point, point).to_xy_bytes_be()
            for point in points
        )

    def g2_to_octets(self, point: G2Point) -> bytes:
        """Encode a point of G2."""
        return cast(ark.G2Point, point).to_compressed_bytes()

    def is_identity(self, point: G1Point) -> bool:
        """Tell whether a point of G1 is the identity."""
        return bool(point == ark.G1Point.identity())

    def map_to_g1(self, u0: int, u1: int) -> G1Point:
        """Finish hash_to_curve; the cofactor is cleared of each summand, which gives the same sum."""
        first, second = (ark.G1Point.map_from_fp_be(u.to_bytes(G1_OCTETS)) for u in (u0, u1))
        return G1Point(first + second)

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
        """Add up points times scalars and prepared bases times theirs; `secret` changes nothing here."""
        bases = cast(tuple[G1Point, ...], prepared or ())
        if len(points) != len(scalars) or len(prepared_scalars) > len(bases):
            raise InputError(Reason.COUNT_MISMATCH, "points and scalars are not equally many")
        reduced = [(point, scalar % r) for point, scalar in zip(points, scalars, strict=True)]
        reduced += [(base, scalar % r) for base, scalar in zip(bases, prepared_scalars, strict=False)]
        terms = [(cast(ark.G1Point, point), scalar) for point, scalar in reduced if scalar]
        return G1Point(
            ark.G1Point.multiexp_unchecked(
                [point for point, _ in terms], [ark.Scalar(scalar) for _, scalar in terms]
            )
        )

    def msms(self, sums: Sequence[Terms], *, secret: bool = False) -> list[G1Point]:
        """Compute many sums, one after the other."""
        return [self.msm(*terms, secret=secret) for terms in sums]

    def invert(self, scalar: int) -> int:
        """Return 1 / scalar modulo r; InputError DEGENERATE for 0."""
        return invert(scalar)

    def pairing_product_is_one(self, pairs: Sequence[tuple[G1Point, PreparedG2]]) -> bool:
        """Tell whether the product of the pairings is the identity of GT."""
        return ark.GT.pairing_check(
            [cast(ark.G1Point, first) for first, _ in pairs],
            [cast(ark.G2Point, second) for _, second in pairs],
        )

    def secret_key(self, octets: bytes) -> GroupSecretKey:
        """Take in a secret scalar of 32 octets."""
        return IntegerSecretKey(
            octets,
            lambda x: G2Point(ark.G2Point() * ark.Scalar(x)),
            lambda point, x: G1Point(cast(ark.G1Point, point) * ark.Scalar(x)),
        )


GROUP: Group = Arkworks()
