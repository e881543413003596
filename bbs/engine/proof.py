"""A proof and its octets.

Canonical octets: the sent points, the T, the responses of the free witnesses, each in the statement's order.
What they are and how many follows from the statement that the verifier compiled, so there is nothing else to
send. The form of the points is the caller's argument and no octet of the proof: a proof has one encoding in
each form, and whoever stores digests of proofs decides on one form.

Compressed is the default: it is half as long, and the challenge hashes it anyway. Uncompressed spares the
verifier a square root for each point, which is the larger part of its work in a batch (docs/composite.md).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from bbs.engine.statement import Statement
from bbs.engine.suite import Suite
from bbs.errors import DecodingError, Reason
from bbs.groups.protocol import G1Point
from bbs.scalars import check_octets


class WireForm(Enum):
    """How the points of a proof are sent."""

    COMPRESSED = "compressed"
    UNCOMPRESSED = "uncompressed"

    def size(self, suite: Suite) -> int:
        """Return the length of a point."""
        return suite.point_octets if self is WireForm.COMPRESSED else suite.uncompressed_octets


@dataclass(frozen=True, repr=False)
class Proof:
    """The sent points, one T an equation, and one response a free witness."""

    points: tuple[G1Point, ...]
    T: tuple[G1Point, ...]
    responses: tuple[int, ...]


def scalar_octets(suite: Suite) -> int:
    """Return the length of a scalar."""
    return -(-suite.group.r.bit_length() // 8)


def proof_octets(statement: Statement, form: WireForm = WireForm.COMPRESSED) -> int:
    """Return the length of every proof of a statement."""
    points = len(statement.sent) + len(statement.equations)
    return points * form.size(statement.suite) + len(statement.free) * scalar_octets(statement.suite)


def proof_to_octets(statement: Statement, proof: Proof, form: WireForm = WireForm.COMPRESSED) -> bytes:
    """Encode a proof of a statement."""
    group, size = statement.suite.group, scalar_octets(statement.suite)
    encode = group.g1s_to_octets if form is WireForm.COMPRESSED else group.g1s_to_octets_uncompressed
    responses = b"".join(response.to_bytes(size) for response in proof.responses)
    return encode([*proof.points, *proof.T]) + responses


def octets_to_proof(statement: Statement, octets: bytes, form: WireForm = WireForm.COMPRESSED) -> Proof:
    """Decode a proof of a statement, strictly.

    Raises InputError INVALID_TYPE; DecodingError INVALID_LENGTH, INVALID_SCALAR (a response not less than r),
    INVALID_POINT, NOT_IN_SUBGROUP, IDENTITY_POINT (a sent point is the identity; a T may be).
    """
    suite, r = statement.suite, statement.suite.group.r
    expected = proof_octets(statement, form)
    if len(check_octets(octets, "the proof")) != expected:
        raise DecodingError(Reason.INVALID_LENGTH, f"this proof has {expected} octets, not {len(octets)}")
    ends = [len(statement.sent) * form.size(suite)]
    ends.append(ends[0] + len(statement.equations) * form.size(suite))
    responses = [int.from_bytes(part) for part in _parts(octets[ends[1] :], scalar_octets(suite))]
    if not all(response < r for response in responses):
        raise DecodingError(Reason.INVALID_SCALAR, "a response is not less than r")
    compressed = form is WireForm.COMPRESSED
    decode = suite.group.g1s_from_octets if compressed else suite.group.g1s_from_octets_uncompressed
    points = decode(list(_parts(octets[: ends[0]], form.size(suite))))
    T = decode(list(_parts(octets[ends[0] : ends[1]], form.size(suite))), identity=True)
    return Proof(tuple(points), tuple(T), tuple(responses))


def _parts(octets: bytes, size: int) -> Iterable[bytes]:
    return (octets[at : at + size] for at in range(0, len(octets), size))
