"""A holder's witness that its handle is not revoked."""

from dataclasses import dataclass, field
from typing import Final

from bbs.accumulator.key import AccumulatorKey
from bbs.accumulator.page import check_handle
from bbs.accumulator.position import Position
from bbs.errors import DecodingError, InputError, Reason, VerificationError
from bbs.groups.bls12_381 import G1_UNCOMPRESSED_OCTETS, SCALAR_OCTETS, r
from bbs.groups.protocol import G1Point, PreparedBases

_WITNESS: Final = b"zk-revocation/witness/v1\n"
_POINT_ENDS: Final = SCALAR_OCTETS + G1_UNCOMPRESSED_OCTETS


@dataclass(frozen=True, eq=False, repr=False)
class MembershipWitness:
    """C = V / (a + y) for a handle y and the value V of a position. As secret as the handle: it tells who.

    The group's tables for C, built when a first proof needs them, come with it and go with it: keep the
    object for as long as its epoch lasts. Raises InputError SCALAR_OUT_OF_RANGE; DecodingError
    IDENTITY_POINT.
    """

    y: int
    C: G1Point
    at: Position
    tables: PreparedBases = field(init=False)

    def __post_init__(self) -> None:
        check_handle(self.y)
        if self.at.key.group.is_identity(self.C):
            raise DecodingError(Reason.IDENTITY_POINT, "a witness is not the identity")
        object.__setattr__(self, "tables", self.at.key.group.prepare((self.C,)))

    def verified(self) -> "MembershipWitness":
        """Return it if e(C, (a + y)*P2) = e(V, P2), before it is stored or takes another's place.

        C has to be in the subgroup, which decoding has checked. VerificationError WITNESS_INVALID.
        """
        key = self.at.key
        right = key.group.msm([self.C, self.at.V], [self.y, r - 1], secret=True)
        if not key.group.pairing_product_is_one([(self.C, key.prepared), (right, key.group.BP2)]):
            raise VerificationError(Reason.WITNESS_INVALID, "the witness is not one of this handle and value")
        return self

    def to_octets_secret(self) -> bytes:
        """Encode, for the holder's own store: label, suite, key, handle, C uncompressed, position."""
        C = self.at.key.group.g1s_to_octets_uncompressed((self.C,))
        return self.at.key.label(_WITNESS) + self.y.to_bytes(SCALAR_OCTETS) + C + self.at.to_octets()

    @classmethod
    def from_octets(cls, octets: bytes, *, key: AccumulatorKey) -> "MembershipWitness":
        """Decode a witness under a key that the caller knows; it is not verified.

        Raises DecodingError INVALID_LABEL, INVALID_LENGTH, INVALID_SCALAR, INVALID_COUNT, INVALID_POINT,
        NOT_IN_SUBGROUP, IDENTITY_POINT; InputError INVALID_TYPE.
        """
        fields = key.unlabel(octets, _WITNESS, _POINT_ENDS)
        y = int.from_bytes(fields[:SCALAR_OCTETS])
        if not 0 < y < r:
            raise DecodingError(Reason.INVALID_SCALAR, "a handle is 0 or not less than r")
        (C,) = key.group.g1s_from_octets_uncompressed([fields[SCALAR_OCTETS:_POINT_ENDS]])
        return cls(y, C, Position.from_octets(fields[_POINT_ENDS:], key=key))


def other_epoch(detail: str) -> InputError:
    """Return the error of a witness and an epoch that do not belong together."""
    return InputError(Reason.EPOCH_MISMATCH, detail)
