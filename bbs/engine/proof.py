"""A proof and its octets.

Canonical octets: the sent points, the T, the responses of the free witnesses, each in the statement's order.
What they are and how many follows from the statement that the verifier compiled, so there is nothing else to
send. The form of the points is the caller's argument and no octet of the proof: a proof has one encoding in
each form, and whoever stores digests of proofs decides on one form.

Compressed is the default: it is half as long, and the challenge hashes it anyway. Uncompressed spares the
verifier a square root for each point.

A point that only equations and checks see is decoded without the check that it is in the group's subgroup: it
counts as its projection (docs/composite.md, "Points outside the subgroup").
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import compress

from bbs.engine.statement import Statement
from bbs.engine.suite import Suite, cleared, cofactor_group
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
    INVALID_POINT, NOT_IN_SUBGROUP (a point that is read), IDENTITY_POINT (a sent point is the identity, or
    counts as it and must not; a T may be).
    """
    suite, r = statement.suite, statement.suite.group.r
    expected = proof_octets(statement, form)
    if len(check_octets(octets, "the proof")) != expected:
        raise DecodingError(Reason.INVALID_LENGTH, f"this proof has {expected} octets, not {len(octets)}")
    size, sent = form.size(suite), len(statement.sent)
    end = (sent + len(statement.equations)) * size
    responses = [int.from_bytes(part) for part in parts(octets[end:], scalar_octets(suite))]
    if max(responses) >= r:
        raise DecodingError(Reason.INVALID_SCALAR, "a response is not less than r")
    encodings = parts(octets[:end], size)
    checked, unchecked = _decoders(suite, form)
    points = _decode_sent(statement, encodings[:sent], checked, unchecked)
    T = unchecked(encodings[sent:], identity=True)
    guarded = cleared(suite.group, [points[place] for place in statement.guarded])
    if any(suite.group.is_identity(point) for point in guarded):
        raise DecodingError(Reason.IDENTITY_POINT, "a point counts as the identity and must not")
    return Proof(tuple(points), tuple(T), tuple(responses))


_Decode = Callable[..., list[G1Point]]


def _decoders(suite: Suite, form: WireForm) -> tuple[_Decode, _Decode]:
    """Return how points are decoded that are read and that are not."""
    group, curve = suite.group, cofactor_group(suite.group)
    if form is WireForm.COMPRESSED:
        checked = group.g1s_from_octets
        return checked, curve.g1s_from_octets_unchecked_subgroup if curve else checked
    checked = group.g1s_from_octets_uncompressed
    return checked, curve.g1s_from_octets_uncompressed_unchecked_subgroup if curve else checked


def _decode_sent(
    statement: Statement, encodings: Sequence[bytes], checked: _Decode, unchecked: _Decode
) -> list[G1Point]:
    read = statement.read
    points = iter(checked(list(compress(encodings, read))))
    inner = iter(unchecked(list(compress(encodings, [not each for each in read]))))
    return [next(points if each else inner) for each in read]


def parts(octets: bytes, size: int) -> list[bytes]:
    """Return octets in parts of a size."""
    return [octets[at : at + size] for at in range(0, len(octets), size)]
