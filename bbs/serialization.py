"""Octets of integers, scalars, signatures, proofs, commitments and public keys.

Sources: draft-irtf-cfrg-bbs-signatures-09, section 4.2.4; for commitments sections 5.4.1 and 5.4.2 of
draft-irtf-cfrg-bbs-blind-signatures (see `bbs.blind`). Every decoding here is exact: one encoding for a
value, no identity where a secret or a commitment has to be, no scalar that is 0 or not less than r.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from bbs.ciphersuite import Ciphersuite
from bbs.errors import DecodingError, InputError, Reason
from bbs.groups.bls12_381 import r
from bbs.groups.protocol import G1Point, G2Point, PreparedG2
from bbs.scalars import check_octets


def _check_scalars_nonzero(scalars: Sequence[int]) -> None:
    if not 0 < min(scalars) <= max(scalars) < r:
        raise InputError(Reason.SCALAR_OUT_OF_RANGE, "a scalar is outside [1, r)")


@dataclass(frozen=True)
class Signature:
    """A signature (A, e)."""

    A: G1Point
    e: int

    def __post_init__(self) -> None:
        _check_scalars_nonzero((self.e,))


@dataclass(frozen=True)
class Proof:
    """A proof: three points, the responses, the challenge c. `m_hat` has one response a hidden message."""

    Abar: G1Point
    Bbar: G1Point
    D: G1Point
    e_hat: int
    r1_hat: int
    r3_hat: int
    m_hat: tuple[int, ...]
    c: int

    def __post_init__(self) -> None:
        _check_scalars_nonzero((self.e_hat, self.r1_hat, self.r3_hat, *self.m_hat, self.c))


@dataclass(frozen=True)
class CommitmentWithProof:
    """A commitment C with the responses and the challenge c of its proof; `m_hat` has one a message."""

    C: G1Point
    s_hat: int
    m_hat: tuple[int, ...]
    c: int

    def __post_init__(self) -> None:
        _check_scalars_nonzero((self.s_hat, *self.m_hat, self.c))


def integer_to_octets(value: int) -> bytes:
    """Encode a count, an index or a length in 8 octets (section 4.2.4.1)."""
    return value.to_bytes(8)


def scalars_to_octets(*scalars: int, suite: Ciphersuite) -> bytes:
    """Encode scalars one after the other (section 4.2.4.1)."""
    return b"".join(scalar.to_bytes(suite.octet_scalar_length) for scalar in scalars)


def points_to_octets(*points: G1Point, suite: Ciphersuite) -> bytes:
    """Encode points of G1 one after the other (section 4.2.4.1)."""
    return suite.group.g1s_to_octets(points)


def octets_to_scalars(octets: bytes, *, suite: Ciphersuite) -> list[int]:
    """Decode scalars in [1, r); DecodingError INVALID_LENGTH or INVALID_SCALAR."""
    size = suite.octet_scalar_length
    if len(octets) % size:
        raise DecodingError(Reason.INVALID_LENGTH, f"scalars have {size} octets each")
    scalars = [int.from_bytes(octets[at : at + size]) for at in range(0, len(octets), size)]
    if scalars and not 0 < min(scalars) <= max(scalars) < suite.r:
        raise DecodingError(Reason.INVALID_SCALAR, "a scalar is 0 or not less than r")
    return scalars


def signature_to_octets(signature: Signature, *, suite: Ciphersuite) -> bytes:
    """Encode a signature in 80 octets (section 4.2.4.2)."""
    return points_to_octets(signature.A, suite=suite) + scalars_to_octets(signature.e, suite=suite)


def octets_to_signature(octets: bytes, *, suite: Ciphersuite) -> Signature:
    """Decode a signature (section 4.2.4.3).

    Raises InputError INVALID_TYPE; DecodingError INVALID_LENGTH, INVALID_POINT, NOT_IN_SUBGROUP,
    IDENTITY_POINT, INVALID_SCALAR.
    """
    split, size = suite.octet_point_length, suite.octet_point_length + suite.octet_scalar_length
    if len(check_octets(octets, "the signature")) != size:
        raise DecodingError(Reason.INVALID_LENGTH, f"a signature has {size} octets, not {len(octets)}")
    (e,) = octets_to_scalars(octets[split:], suite=suite)
    return Signature(suite.group.g1_from_octets(octets[:split]), e)


def proof_to_octets(proof: Proof, *, suite: Ciphersuite) -> bytes:
    """Encode a proof in 272 octets and 32 more for each hidden message (section 4.2.4.4)."""
    points = points_to_octets(proof.Abar, proof.Bbar, proof.D, suite=suite)
    responses = (proof.e_hat, proof.r1_hat, proof.r3_hat, *proof.m_hat)
    return points + scalars_to_octets(*responses, proof.c, suite=suite)


def undisclosed_count(proof_octets: bytes, *, suite: Ciphersuite) -> int:
    """Return the number of hidden messages that a proof's length stands for.

    Raises InputError INVALID_TYPE; DecodingError INVALID_LENGTH.
    """
    floor = 3 * suite.octet_point_length + 4 * suite.octet_scalar_length
    U, rest = divmod(len(check_octets(proof_octets, "the proof")) - floor, suite.octet_scalar_length)
    if U < 0 or rest:
        raise DecodingError(Reason.INVALID_LENGTH, f"a proof does not have {len(proof_octets)} octets")
    return U


def octets_to_proof(octets: bytes, *, suite: Ciphersuite) -> Proof:
    """Decode a proof (section 4.2.4.5).

    Raises InputError INVALID_TYPE; DecodingError INVALID_LENGTH, INVALID_POINT, NOT_IN_SUBGROUP,
    IDENTITY_POINT, INVALID_SCALAR.
    """
    undisclosed_count(octets, suite=suite)
    size = suite.octet_point_length
    e_hat, r1_hat, r3_hat, *m_hat, c = octets_to_scalars(octets[3 * size :], suite=suite)
    encodings = [octets[at : at + size] for at in range(0, 3 * size, size)]
    Abar, Bbar, D = suite.group.g1s_from_octets(encodings)
    return Proof(Abar, Bbar, D, e_hat, r1_hat, r3_hat, tuple(m_hat), c)


def commitment_with_proof_to_octets(commitment: CommitmentWithProof, *, suite: Ciphersuite) -> bytes:
    """Encode a commitment with its proof in 112 octets and 32 more for each committed message."""
    scalars = (commitment.s_hat, *commitment.m_hat, commitment.c)
    return points_to_octets(commitment.C, suite=suite) + scalars_to_octets(*scalars, suite=suite)


def octets_to_commitment_with_proof(octets: bytes, M: int, *, suite: Ciphersuite) -> CommitmentWithProof:
    """Decode a commitment to M messages with its proof.

    The number comes from the issuer, not from the length: it bounds the work before any is done. Raises
    InputError INVALID_TYPE; DecodingError INVALID_LENGTH, INVALID_POINT, NOT_IN_SUBGROUP, IDENTITY_POINT,
    INVALID_SCALAR.
    """
    split = suite.octet_point_length
    size = split + (2 + M) * suite.octet_scalar_length
    if len(check_octets(octets, "the commitment")) != size:
        raise DecodingError(
            Reason.INVALID_LENGTH, f"a commitment to {M} messages has {size} octets, not {len(octets)}"
        )
    s_hat, *m_hat, c = octets_to_scalars(octets[split:], suite=suite)
    return CommitmentWithProof(suite.group.g1_from_octets(octets[:split]), s_hat, tuple(m_hat), c)


def octets_to_pubkey(PK: bytes, *, suite: Ciphersuite) -> G2Point:
    """Decode a public key of 96 octets (section 4.2.4.6).

    Raises InputError INVALID_TYPE; DecodingError INVALID_LENGTH, INVALID_POINT, NOT_IN_SUBGROUP,
    IDENTITY_POINT.
    """
    return suite.group.g2_from_octets(check_octets(PK, "the public key"))


@lru_cache(maxsize=256)
def _prepared_pubkey(PK: bytes, suite: Ciphersuite) -> PreparedG2:
    return suite.group.prepare_g2(octets_to_pubkey(PK, suite=suite))


def octets_to_prepared_pubkey(PK: bytes, *, suite: Ciphersuite) -> PreparedG2:
    """Decode a public key as `octets_to_pubkey` does and prepare it for pairings; 256 keys are kept."""
    return _prepared_pubkey(check_octets(PK, "the public key"), suite)
