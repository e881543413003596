"""Commitments to messages that an issuer signs unseen, with a proof that whoever sends one can open it.

Source: draft-irtf-cfrg-bbs-blind-signatures (see `bbs.blind` for the revision), sections 4.3.1, 4.3.2 and 5.2
as numbered in -03. The operations take scalars, generators and an api_id, so that other interfaces can use
them.

The draft's proof says only that somebody could open the commitment once: whoever sees it can send it again,
to the same issuer or to another. With a `CommitmentBinding` the challenge covers an issuer's nonce as well,
its public key and what is being issued, under a tag of its own. The commitment itself and the signature on it
stay the draft's, so any conforming library verifies what comes of either form. Which form counts is the
issuer's choice alone: neither proof passes for the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bbs.errors import InputError, Reason, VerificationError
from bbs.generators import Generators
from bbs.groups.protocol import G1Point
from bbs.hashing import hash_to_scalar
from bbs.scalars import RandomScalars, calculate_random_scalars, check_octets, check_scalars, draw
from bbs.serialization import (
    CommitmentWithProof,
    commitment_with_proof_to_octets,
    integer_to_octets,
    octets_to_commitment_with_proof,
    points_to_octets,
)

MIN_NONCE: Final = 16
_BOUND_ID: Final = b"ZK_DISCLOSURE_BOUND_COMMITMENT_V1_"


@dataclass(frozen=True)
class CommitmentBinding:
    """What the proof of one commitment is good for. Not secret.

    `pk` is the issuer's public key. `nonce` has at least 16 octets; the issuer draws it at random for one
    issuance, and accepts it once: that memory is the issuer's, this package keeps no state. `context` says
    what is being issued, in the application's own encoding. Raises InputError INVALID_NONCE, INVALID_TYPE.
    """

    pk: bytes
    nonce: bytes
    context: bytes

    def __post_init__(self) -> None:
        check_octets(self.pk, "the public key")
        check_octets(self.context, "the context")
        if len(check_octets(self.nonce, "the nonce")) < MIN_NONCE:
            raise InputError(Reason.INVALID_NONCE, f"a nonce has {MIN_NONCE} octets at least")

    @property
    def octets(self) -> bytes:
        """All of it, each part with its length before it, so that no two bindings meet."""
        parts = (self.pk, self.nonce, self.context)
        return b"".join(integer_to_octets(len(part)) + part for part in parts)


def calculate_blind_challenge(
    C: G1Point,
    Cbar: G1Point,
    blind_generators: Generators,
    api_id: bytes,
    *,
    binding: CommitmentBinding | None = None,
) -> int:
    """Hash what a commitment's proof is about into its challenge (section 5.2)."""
    suite = blind_generators.suite
    c_octs = integer_to_octets(blind_generators.L) + blind_generators.octets
    c_octs += points_to_octets(C, Cbar, suite=suite)
    if binding is None:
        return hash_to_scalar(c_octs, api_id + b"H2S_", suite=suite)
    return hash_to_scalar(c_octs + binding.octets, api_id + _BOUND_ID + b"H2S_", suite=suite)


def core_commit(
    committed_messages: Sequence[int],
    blind_generators: Generators,
    api_id: bytes,
    *,
    binding: CommitmentBinding | None = None,
    rng: RandomScalars = calculate_random_scalars,
) -> tuple[bytes, int]:
    """Commit to message scalars and prove that they can be shown (section 4.3.1, CoreCommit).

    Returns the commitment with its proof, and the secret blind. `blind_generators` are Q_2 and J_1..J_M.
    Raises InputError COUNT_MISMATCH, SCALAR_OUT_OF_RANGE, INVALID_RANDOMNESS.
    """
    suite, M = blind_generators.suite, blind_generators.L
    messages = check_scalars(committed_messages, suite=suite)
    if len(messages) != M:
        raise InputError(Reason.COUNT_MISMATCH, f"{len(messages)} committed messages, {M} generators")
    secret_prover_blind, s_tilde, *m_tilde = draw(rng, 2 + M, suite=suite)
    C = blind_generators.combine((0, secret_prover_blind, *messages), secret=True)
    Cbar = blind_generators.combine((0, s_tilde, *m_tilde), secret=True)
    c = calculate_blind_challenge(C, Cbar, blind_generators, api_id, binding=binding)
    proven = CommitmentWithProof(
        C=C,
        s_hat=(s_tilde + secret_prover_blind * c) % suite.r,
        m_hat=tuple((m_i + msg * c) % suite.r for m_i, msg in zip(m_tilde, messages, strict=True)),
        c=c,
    )
    return commitment_with_proof_to_octets(proven, suite=suite), secret_prover_blind


def core_commit_verify(
    commitment_with_proof: bytes,
    blind_generators: Generators,
    api_id: bytes,
    *,
    binding: CommitmentBinding | None = None,
) -> G1Point:
    """Return a commitment whose proof holds (sections 4.1.2 and 4.3.2, CoreCommitVerify).

    Raises DecodingError, among it INVALID_LENGTH if it is not to as many messages as there are generators;
    VerificationError COMMITMENT_INVALID; InputError INVALID_TYPE.
    """
    suite = blind_generators.suite
    parsed = octets_to_commitment_with_proof(commitment_with_proof, blind_generators.L, suite=suite)
    Cbar = blind_generators.combine((0, parsed.s_hat, *parsed.m_hat), (parsed.C,), (-parsed.c,))
    c = calculate_blind_challenge(parsed.C, Cbar, blind_generators, api_id, binding=binding)
    if c != parsed.c:
        raise VerificationError(Reason.COMMITMENT_INVALID, "the commitment's proof does not hold")
    return parsed.C
