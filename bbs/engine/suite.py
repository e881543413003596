"""What the engine asks of a suite: points of one group of prime order, hashing, and signatures under a key.

A key is octets here. Whether a signature under it is checked by a pairing or by whoever holds the secret key
is the suite's business: the engine only ever asks whether some sums C_W and a sum D satisfy
D = sum_W x_W * C_W, where x_W is the secret scalar of the key W.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bbs.ciphersuite import Ciphersuite
from bbs.groups.protocol import G1Point, PreparedBases
from bbs.hashing import hash_to_curve_g1s, hash_to_scalar
from bbs.serialization import octets_to_prepared_pubkey


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
