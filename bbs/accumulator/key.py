"""The public key of an accumulator, and what follows from it alone."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from bbs.accumulator.position import Position, start_digest
from bbs.ciphersuite import Ciphersuite
from bbs.errors import DecodingError, Reason
from bbs.groups.protocol import Group, PreparedG2
from bbs.hashing import hash_to_curve_g1
from bbs.scalars import check_octets
from bbs.serialization import octets_to_prepared_pubkey

START_DST: Final = b"ZK_REVOCATION_V1_START_"


@dataclass(frozen=True)
class AccumulatorKey:
    """A point a*P2 of a ciphersuite, in 96 octets; a is one accumulator's and signs nothing else.

    Raises DecodingError INVALID_LENGTH, INVALID_POINT, NOT_IN_SUBGROUP, IDENTITY_POINT; InputError
    INVALID_TYPE.
    """

    suite: Ciphersuite
    octets: bytes

    def __post_init__(self) -> None:
        octets_to_prepared_pubkey(self.octets, suite=self.suite)

    @property
    def group(self) -> Group:
        """The group of the ciphersuite."""
        return self.suite.group

    @property
    def prepared(self) -> PreparedG2:
        """The point, ready to be paired."""
        return octets_to_prepared_pubkey(self.octets, suite=self.suite)

    @cached_property
    def start(self) -> Position:
        """The position before the first revocation.

        Its value is hashed from the key, so that nobody chose it and the whole list can be checked from the
        key alone; so is its digest, so that lists of two accumulators have no digest in common.
        """
        dst = self.suite.ciphersuite_id + START_DST
        V = self.group.g1s_to_octets_uncompressed([hash_to_curve_g1(self.octets, dst, suite=self.suite)])
        return Position(self, 0, V, start_digest(self._name))

    def label(self, label: bytes) -> bytes:
        """Return what octets of a kind begin with: the label, then which accumulator they are of."""
        return label + self._name

    def unlabel(self, octets: bytes, label: bytes, size: int) -> bytes:
        """Return what follows the label and the key, of at least `size` octets.

        Raises DecodingError INVALID_LABEL for octets of another kind, suite or accumulator, INVALID_LENGTH;
        InputError INVALID_TYPE.
        """
        expected = self.label(label)
        if not check_octets(octets, "an encoding").startswith(expected):
            raise DecodingError(Reason.INVALID_LABEL, "octets of another kind, suite or accumulator")
        if len(octets) < len(expected) + size:
            raise DecodingError(Reason.INVALID_LENGTH, f"less than {len(expected) + size} octets")
        return octets[len(expected) :]

    @property
    def _name(self) -> bytes:
        suite = self.suite.ciphersuite_id
        return bytes([len(suite)]) + suite + self.octets
