"""What the engine asks of a suite: points of one group of prime order, hashing, and signatures under a key.

A key is octets here. Whether a signature under it is checked by a pairing or by whoever holds the secret key
is the suite's business: the engine only ever asks whether some sums C_W and a sum D satisfy
D = sum_W x_W * C_W, where x_W is the secret scalar of the key W.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from bbs.ciphersuite import Ciphersuite
from bbs.groups.protocol import G1Point, PreparedBases, Terms
from bbs.hashing import hash_to_curve_g1s, hash_to_scalar
from bbs.serialization import octets_to_prepared_pubkey


class SecretScalar(Protocol):
    """A secret scalar x in [1, r) that stays inside its group."""

    def divide(self, B: G1Point, e: int) -> G1Point:
        """Return B / (x + e); InputError DEGENERATE if x + e is 0 modulo r."""
        ...

    def to_octets_secret(self) -> bytes:
        """Return the octets of x, for storage and for a proof about it only."""
        ...


class PointGroup(Protocol):
    """The part of `bbs.groups.Group` that a suite without pairings has as well."""

    @property
    def r(self) -> int:
        """The order of the group, a prime."""
        ...

    def g1s_from_octets(self, encodings: Sequence[bytes], *, identity: bool = False) -> list[G1Point]:
        """Decode compressed points, checked; all or none."""
        ...

    def g1s_from_octets_uncompressed(
        self, encodings: Sequence[bytes], *, identity: bool = False
    ) -> list[G1Point]:
        """Decode uncompressed points, checked; all or none."""
        ...

    def g1s_to_octets(self, points: Sequence[G1Point]) -> bytes:
        """Encode points compressed, one after the other."""
        ...

    def g1s_to_octets_uncompressed(self, points: Sequence[G1Point]) -> bytes:
        """Encode points uncompressed, one after the other."""
        ...

    def is_identity(self, point: G1Point) -> bool:
        """Tell whether a point is the identity."""
        ...

    def prepare(self, bases: Sequence[G1Point]) -> PreparedBases:
        """Prepare points for `msm`."""
        ...

    def msm(
        self,
        points: Sequence[G1Point],
        scalars: Sequence[int],
        prepared: PreparedBases | None = None,
        prepared_scalars: Sequence[int] = (),
        *,
        secret: bool = False,
    ) -> G1Point:
        """Add up points times scalars and prepared bases times theirs."""
        ...

    def secret_key(self, octets: bytes) -> SecretScalar:
        """Take in a secret scalar in [1, r); DecodingError INVALID_LENGTH or INVALID_SCALAR."""
        ...


class SharingGroup(PointGroup, Protocol):
    """A group that computes many sums for less than one by one, and inverts as it multiplies. Optional."""

    def msms(self, sums: Sequence[Terms], *, secret: bool = False) -> list[G1Point]:
        """Compute many sums as `msm` does."""
        ...

    def invert(self, scalar: int) -> int:
        """Return 1 / scalar modulo r, constant-time in a group that is; InputError DEGENERATE for 0."""
        ...


def msms(group: PointGroup, sums: Sequence[Terms], *, secret: bool = False) -> list[G1Point]:
    """Compute many sums, together in a group that can."""
    if hasattr(group, "msms"):
        return cast(SharingGroup, group).msms(sums, secret=secret)
    return [group.msm(*terms, secret=secret) for terms in sums]


def inverse(group: PointGroup, scalar: int) -> int:
    """Return 1 / scalar modulo r for a scalar in [1, r), in the group's constant-time way if it has one."""
    if hasattr(group, "invert"):
        return cast(SharingGroup, group).invert(scalar)
    return pow(scalar, -1, group.r)


class CofactorGroup(PointGroup, Protocol):
    """A group whose curve has more points: those of the group plus points whose order divides a cofactor.

    A group need not offer this: of one without these methods the engine checks that every point is in it.
    """

    def g1s_from_octets_unchecked_subgroup(
        self, encodings: Sequence[bytes], *, identity: bool = False
    ) -> list[G1Point]:
        """Decode compressed points of the curve; all or none."""
        ...

    def g1s_from_octets_uncompressed_unchecked_subgroup(
        self, encodings: Sequence[bytes], *, identity: bool = False
    ) -> list[G1Point]:
        """Decode uncompressed points of the curve; all or none."""
        ...

    def clear_cofactor(self, points: Sequence[G1Point]) -> list[G1Point]:
        """Multiply points of the curve, or sums of such, by a number that takes them into the group."""
        ...


def cofactor_group(group: PointGroup) -> CofactorGroup | None:
    """Return a group whose curve has more points as such, None for any other."""
    return cast(CofactorGroup, group) if hasattr(group, "clear_cofactor") else None


def cleared(group: PointGroup, points: Sequence[G1Point]) -> Sequence[G1Point]:
    """Return the projections of points into the group, all times one factor that is not 0.

    Linear relations hold among these exactly if they hold among the projections.
    """
    curve = cofactor_group(group)
    return points if curve is None else curve.clear_cofactor(points)


class Suite(Protocol):
    """Everything that the engine computes with. Equal suites give equal challenges; hashable."""

    @property
    def identifier(self) -> bytes:
        """What tells this suite from every other, in every transcript and every tag."""
        ...

    @property
    def group(self) -> PointGroup:
        """The group of the statements' points."""
        ...

    @property
    def point_octets(self) -> int:
        """The length of a compressed point."""
        ...

    @property
    def uncompressed_octets(self) -> int:
        """The length of an uncompressed point."""
        ...

    def __hash__(self) -> int:
        """Hash consistently with equality: batches are put together by suite."""
        ...

    def hash_to_scalar(self, octets: bytes, dst: bytes) -> int:
        """Hash octets to a scalar in [0, r)."""
        ...

    def hash_to_points(self, messages: Sequence[bytes], dst: bytes) -> list[G1Point]:
        """Hash each of some octets to a point of which nobody knows a discrete logarithm."""
        ...

    def check_key(self, key: bytes) -> None:
        """Raise DecodingError unless the octets are a key of this suite."""
        ...

    def signatures_hold(self, sums: Mapping[bytes, G1Point], D: G1Point) -> bool:
        """Tell whether D is the sum of each key's secret scalar times its point."""
        ...


@dataclass(frozen=True)
class PairingSuite:
    """A ciphersuite of the draft; keys are points W = x*P2 and D = x*C is e(C, W) = e(D, P2)."""

    ciphersuite: Ciphersuite

    @property
    def identifier(self) -> bytes:
        """The ciphersuite's identifier."""
        return self.ciphersuite.ciphersuite_id

    @property
    def group(self) -> PointGroup:
        """The ciphersuite's group."""
        return self.ciphersuite.group

    @property
    def point_octets(self) -> int:
        """48."""
        return self.ciphersuite.octet_point_length

    @property
    def uncompressed_octets(self) -> int:
        """96."""
        return 2 * self.ciphersuite.octet_point_length

    def hash_to_scalar(self, octets: bytes, dst: bytes) -> int:
        """Hash by the draft's hash_to_scalar (draft-irtf-cfrg-bbs-signatures-09, section 4.2.2)."""
        return hash_to_scalar(octets, dst, suite=self.ciphersuite)

    def hash_to_points(self, messages: Sequence[bytes], dst: bytes) -> list[G1Point]:
        """Hash by the ciphersuite's hash_to_curve (RFC 9380, section 3)."""
        return hash_to_curve_g1s(messages, dst, suite=self.ciphersuite)

    def check_key(self, key: bytes) -> None:
        """Raise DecodingError unless the octets are a point of G2, in the subgroup, not the identity."""
        octets_to_prepared_pubkey(key, suite=self.ciphersuite)

    def signatures_hold(self, sums: Mapping[bytes, G1Point], D: G1Point) -> bool:
        """Compute one Miller loop a key, one for D, and one final exponentiation."""
        group = self.ciphersuite.group
        keys = [octets_to_prepared_pubkey(key, suite=self.ciphersuite) for key in sums]
        return group.pairing_product_is_one([*zip(sums.values(), keys, strict=True), (D, group.BP2_negated)])
