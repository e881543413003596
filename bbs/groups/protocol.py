"""The arithmetic that the scheme stands on, as one protocol.

Points are opaque: only the group that made one can look inside, and points of two groups never meet. Scalars
are Python integers, reduced modulo `r` by the group. Decoding is always checked: canonical encoding, on the
curve, in the subgroup of order r (but for two methods that name what they leave out), not the identity unless
the caller allows it. Encodings are the compressed ones of BLS12-381
(draft-irtf-cfrg-pairing-friendly-curves-11, appendix C) where a name does not say otherwise.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple, NewType, Protocol

G1Point = NewType("G1Point", object)
G2Point = NewType("G2Point", object)
PreparedBases = NewType("PreparedBases", object)
"""Points of G1 that are multiplied often, with whatever tables the group keeps for them."""
PreparedG2 = NewType("PreparedG2", object)
"""A point of G2 that is paired often, with whatever lines the group keeps for it."""
Expander = Literal["xmd-sha-256", "xof-shake-256"]
"""How a message is expanded (RFC 9380, section 5.3)."""


class Terms(NamedTuple):
    """What one sum adds up, as `Group.msm` takes it."""

    points: Sequence[G1Point] = ()
    scalars: Sequence[int] = ()
    prepared: PreparedBases | None = None
    prepared_scalars: Sequence[int] = ()


class GroupSecretKey(Protocol):
    """A secret scalar x in [1, r) inside its group; a native group never lets it become a Python integer."""

    def public_key(self) -> G2Point:
        """Return x times the generator of G2."""
        ...

    def divide(self, B: G1Point, e: int) -> G1Point:
        """Return B / (x + e); InputError DEGENERATE if x + e is 0 modulo r."""
        ...

    def to_octets_secret(self) -> bytes:
        """Return the 32 octets of x, for key storage and for deriving e only."""
        ...


class Hashing(Protocol):
    """Hashing of lists in one call, by a group that has it; the results are those of `bbs.hashing`."""

    def hash_to_scalars(self, messages: Sequence[bytes], dst: bytes, expander: Expander) -> bytes:
        """Hash each message to a scalar of 32 octets, one after the other; InputError INVALID_DST."""
        ...

    def hash_to_g1s(self, messages: Sequence[bytes], dst: bytes, expander: Expander) -> list[G1Point]:
        """Hash each message to a point of G1; InputError INVALID_DST."""
        ...


class Group(Protocol):
    """A pairing-friendly group. Immutable and safe to share between threads."""

    @property
    def name(self) -> str:
        """The name it is registered under."""
        ...

    @property
    def r(self) -> int:
        """The order of G1, G2 and GT."""
        ...

    @property
    def hashing(self) -> Hashing | None:
        """The group's own hashing of lists, if it has any."""
        ...

    @property
    def BP1(self) -> G1Point:
        """The base point of G1."""
        ...

    @property
    def BP2(self) -> PreparedG2:
        """The base point of G2, prepared."""
        ...

    @property
    def BP2_negated(self) -> PreparedG2:
        """Minus the base point of G2, prepared."""
        ...

    def g1_from_octets(self, octets: bytes, *, identity: bool = False) -> G1Point:
        """Decode one point of G1, checked; `identity` allows the identity. Raises DecodingError."""
        ...

    def g1s_from_octets(self, encodings: Sequence[bytes], *, identity: bool = False) -> list[G1Point]:
        """Decode many points of G1, each as `g1_from_octets` does; all or none."""
        ...

    def g1s_from_octets_uncompressed(
        self, encodings: Sequence[bytes], *, identity: bool = False
    ) -> list[G1Point]:
        """Decode many points of G1 in uncompressed form, 96 octets each; all or none.

        Checked as `g1_from_octets` checks, with the same errors, and for less: no square root is taken.
        """
        ...

    def g1s_from_octets_uncompressed_unchecked_subgroup(
        self, encodings: Sequence[bytes], *, identity: bool = False
    ) -> list[G1Point]:
        """Do the same without the check that the points are in the subgroup of order r.

        For octets of which something else shows that they encode points of the subgroup, such as a digest
        that somebody trusted made over points that were checked; then nothing more is to be said. Otherwise a
        point is P + S with P in the subgroup and an order of S that divides the cofactor, and it may only be
        encoded, given to `clear_cofactor`, or be among the points of an `msm` whose scalars are not secret
        and whose result is given to `clear_cofactor`: that is then the cleared sum of the P. Before, and in
        `pairing_product_is_one`, it means nothing, and groups differ on what they return.
        """
        ...

    def g1s_from_octets_unchecked_subgroup(
        self, encodings: Sequence[bytes], *, identity: bool = False
    ) -> list[G1Point]:
        """Decode compressed points without that check, under the same conditions."""
        ...

    def clear_cofactor(self, points: Sequence[G1Point]) -> list[G1Point]:
        """Multiply each point of the curve by 1 - z (h_eff of RFC 9380, section 8.8.1).

        The result is in the subgroup, linear in the point, and the identity exactly if the order of the point
        divides the cofactor.
        """
        ...

    def g2_from_octets(self, octets: bytes, *, identity: bool = False) -> G2Point:
        """Decode one point of G2, checked; `identity` allows the identity. Raises DecodingError."""
        ...

    def g2s_from_octets(self, encodings: Sequence[bytes], *, identity: bool = False) -> list[G2Point]:
        """Decode many points of G2, each as `g2_from_octets` does; all or none."""
        ...

    def g1_to_octets(self, point: G1Point) -> bytes:
        """Encode a point of G1 in 48 octets."""
        ...

    def g1s_to_octets(self, points: Sequence[G1Point]) -> bytes:
        """Encode points of G1 one after the other."""
        ...

    def g1s_to_octets_uncompressed(self, points: Sequence[G1Point]) -> bytes:
        """Encode points of G1 in uncompressed form, 96 octets each, one after the other."""
        ...

    def g2_to_octets(self, point: G2Point) -> bytes:
        """Encode a point of G2 in 96 octets."""
        ...

    def is_identity(self, point: G1Point) -> bool:
        """Tell whether a point of G1 is the identity."""
        ...

    def map_to_g1(self, u0: int, u1: int) -> G1Point:
        """Finish hash_to_curve (RFC 9380, section 3): map two field elements, add, clear the cofactor."""
        ...

    def prepare(self, bases: Sequence[G1Point]) -> PreparedBases:
        """Prepare points for `msm`."""
        ...

    def prepare_g2(self, point: G2Point) -> PreparedG2:
        """Prepare a point for `pairing_product_is_one`."""
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
        """Add up points times scalars and prepared bases times theirs.

        Points and scalars are equally many. Prepared scalars may be fewer than the bases: the rest count as
        0. `secret` says that the scalars are: a constant-time group then takes its constant-time way, the
        others have none. How many points there are, and which, is never secret. Raises InputError
        COUNT_MISMATCH.
        """
        ...

    def msms(self, sums: Sequence[Terms], *, secret: bool = False) -> list[G1Point]:
        """Compute many sums as `msm` does, for less where the group lets them share work."""
        ...

    def invert(self, scalar: int) -> int:
        """Return 1 / scalar modulo r, constant-time in a group that is; InputError DEGENERATE for 0."""
        ...

    def pairing_product_is_one(self, pairs: Sequence[tuple[G1Point, PreparedG2]]) -> bool:
        """Tell whether the product of the pairings is the identity of GT."""
        ...

    def secret_key(self, octets: bytes) -> GroupSecretKey:
        """Take in a scalar of 32 octets in [1, r); DecodingError INVALID_LENGTH or INVALID_SCALAR."""
        ...
