"""Pseudonyms: a holder's own name in each context, the same at every visit, unlinkable between contexts.

Source: draft-irtf-cfrg-bbs-per-verifier-linkability, revision -03. The vectors are those of -02 and -03, and
all of them are reproduced byte for byte; an older text could be read in full, of -03 what public code says
about it. Sections are cited as numbered in -03. As with blind signatures, e = hash_to_scalar(SK, B).

A blind signature covers N secrets after the committed messages. The holder chooses them all (prover_nyms);
the issuer adds entropy to the last one without seeing it, so that nobody can choose another's pseudonyms.
They are the coefficients of a polynomial that is evaluated at a point that the context gives: any N
pseudonyms of one holder are independent even for who can compute discrete logarithms.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bbs.blind import (
    Committed,
    blind_generators,
    check_count,
    core_blind_sign,
    disclosed_messages_of,
    joint_generators,
    joint_indexes,
    joint_scalars,
    verified_commitment,
)
from bbs.ciphersuite import INTERFACE_ID, Ciphersuite, resolve
from bbs.commitment import CommitmentBinding, core_commit
from bbs.errors import DecodingError, InputError, Reason
from bbs.groups.protocol import G1Point
from bbs.hashing import hash_to_curve_g1, hash_to_scalar
from bbs.keys import SecretKey, as_key_pair
from bbs.proof import ChallengeExtension, core_proof_gen, core_proof_verify
from bbs.scalars import (
    RandomScalars,
    calculate_random_scalars,
    check_octets,
    check_scalars,
    messages_to_scalars,
)
from bbs.serialization import integer_to_octets
from bbs.signature import core_verify

PSEUDONYM_INTERFACE_ID: Final = INTERFACE_ID + b"PSEUDONYM_"


@dataclass(frozen=True)
class Context:
    """Where a pseudonym is valid: its base point OP and the point z at which the polynomial is evaluated."""

    context_id: bytes
    OP: G1Point
    z: int
    suite: Ciphersuite

    @classmethod
    def of(cls, context_id: bytes, api_id: bytes, *, suite: Ciphersuite) -> "Context":
        """Hash a context's identifier to both (section 7.3.1); InputError INVALID_TYPE."""
        OP = hash_to_curve_g1(check_octets(context_id, "the context's identifier"), api_id, suite=suite)
        z = hash_to_scalar(context_id, api_id + b"VECT_NYM_SECRETS", suite=suite)
        return cls(context_id, OP, z, suite)

    def evaluate(self, coefficients: Sequence[int]) -> int:
        """Return the polynomial's value at z; the first coefficient is the constant one."""
        value = 0
        for coefficient in reversed(coefficients):
            value = (value * self.z + coefficient) % self.suite.r
        return value

    def pseudonym(self, nym_secrets: Sequence[int]) -> G1Point:
        """Return the pseudonym of these secrets; InputError DEGENERATE if it would be the identity."""
        point = self.suite.group.msm((self.OP,), (self.evaluate(nym_secrets),), secret=True)
        if self.suite.group.is_identity(point):
            raise InputError(Reason.DEGENERATE, "these secrets give no pseudonym in this context")
        return point

    def extension(self, pseudonym: G1Point, N: int) -> ChallengeExtension:
        """Return what the challenge covers besides (sections 7.3.1 and 7.3.2, PseudonymProofInit).

        Ut commits the prover to the blindings of the last N hidden scalars, as T2 does: one response answers
        for both, so the pseudonym comes from the signed secrets.
        """

        def extend(m: Sequence[int], c: int) -> tuple[tuple[G1Point, ...], bytes]:
            scalars = (self.evaluate(m[len(m) - N :]), -c)
            Ut = self.suite.group.msm((self.OP, pseudonym), scalars, secret=True)
            return (pseudonym, Ut), integer_to_octets(len(self.context_id)) + self.context_id

        return extend


def octets_to_pseudonym(octets: bytes, *, suite: Ciphersuite) -> G1Point:
    """Decode a pseudonym of 48 octets; neither the identity nor the base point is one (section 3.3).

    Raises InputError INVALID_TYPE; DecodingError INVALID_LENGTH, INVALID_POINT, NOT_IN_SUBGROUP,
    IDENTITY_POINT.
    """
    point = suite.group.g1_from_octets(check_octets(octets, "the pseudonym"))
    if octets == suite.group.g1_to_octets(suite.group.BP1):
        raise DecodingError(Reason.INVALID_POINT, "the base point is no pseudonym")
    return point


def _api_id(suite: Ciphersuite) -> bytes:
    return suite.ciphersuite_id + PSEUDONYM_INTERFACE_ID


def _check_nyms(nyms: Sequence[int], *, suite: Ciphersuite) -> tuple[int, ...]:
    if not nyms:
        raise InputError(Reason.COUNT_MISMATCH, "there is at least one pseudonym secret")
    return check_scalars(nyms, suite=suite)


def _combined_header(header: bytes, N: int) -> bytes:
    """Bind the number of secrets into the domain: with fewer, one signature would give other pseudonyms."""
    return check_octets(header, "the header") + integer_to_octets(N)


def calculate_pseudonym(context_id: bytes, nym_secrets: Sequence[int], *, suite: Ciphersuite | str) -> bytes:
    """Return a holder's pseudonym in a context, 48 octets (section 4).

    Raises InputError COUNT_MISMATCH, SCALAR_OUT_OF_RANGE, DEGENERATE, INVALID_TYPE, UNKNOWN_CIPHERSUITE.
    """
    suite = resolve(suite)
    secrets = _check_nyms(nym_secrets, suite=suite)
    point = Context.of(context_id, _api_id(suite), suite=suite).pseudonym(secrets)
    return suite.group.g1_to_octets(point)


def commit_with_nym(
    committed_messages: Sequence[bytes],
    prover_nyms: Sequence[int],
    *,
    suite: Ciphersuite | str,
    binding: CommitmentBinding | None = None,
    rng: RandomScalars = calculate_random_scalars,
) -> tuple[bytes, Committed]:
    """Commit to messages and pseudonym secrets (section 6.1.1, CommitWithNym).

    `prover_nyms` are independent, uniform and secret. Returns what goes to the issuer and what the holder
    keeps together with them. `binding` is as for `commit`. Raises InputError COUNT_MISMATCH,
    SCALAR_OUT_OF_RANGE, TOO_MANY_MESSAGES, INVALID_RANDOMNESS, INVALID_TYPE, UNKNOWN_CIPHERSUITE.
    """
    suite = resolve(suite)
    api_id = _api_id(suite)
    nyms = _check_nyms(prover_nyms, suite=suite)
    scalars = (*messages_to_scalars(committed_messages, api_id, suite=suite), *nyms)
    generators = blind_generators(len(scalars), api_id, suite=suite)
    octets, blind = core_commit(scalars, generators, api_id, binding=binding, rng=rng)
    return octets, Committed(tuple(committed_messages), blind)


def blind_sign_with_nym(
    sk: bytes | SecretKey,
    pk: bytes,
    commitment_with_proof: bytes,
    N: int,
    signer_nym_entropy: int,
    header: bytes,
    messages: Sequence[bytes],
    M: int,
    *,
    suite: Ciphersuite | str,
    binding: CommitmentBinding | None = None,
) -> bytes:
    """Sign messages with M hidden messages and N pseudonym secrets (section 6.1.2, BlindSignWithNym).

    M and N are the issuer's to say: a holder that could choose N would have as many independent names in one
    context. `signer_nym_entropy` is a uniform scalar, fresh for each issuance and sent to the holder with the
    signature; the same one again for the same holder keeps its pseudonyms. Raises as `blind_sign`, and
    InputError SCALAR_OUT_OF_RANGE.
    """
    suite = resolve(suite)
    api_id = _api_id(suite)
    SK = as_key_pair(sk, pk, suite=suite)
    if check_count(N, "N") == 0:
        raise InputError(Reason.COUNT_MISMATCH, "there is at least one pseudonym secret")
    hidden = check_count(M, "M") + N
    known = messages_to_scalars(messages, api_id, suite=suite)
    combined = _combined_header(header, N)
    commitment = verified_commitment(commitment_with_proof, hidden, api_id, binding, pk, suite=suite)
    generators = joint_generators(len(known), hidden, api_id, suite=suite)
    zeros = (0,) * hidden  # at Q_2 and all J but the last
    scalars = (*known, *zeros, signer_nym_entropy)
    return core_blind_sign(SK, pk, commitment, generators, combined, scalars, api_id)


def verify_finalize_with_nym(
    pk: bytes,
    signature: bytes,
    header: bytes,
    messages: Sequence[bytes],
    committed: Committed,
    prover_nyms: Sequence[int],
    signer_nym_entropy: int,
    *,
    suite: Ciphersuite | str,
) -> tuple[int, ...]:
    """Verify a signature as its holder; return the signed pseudonym secrets (6.1.3, VerifyFinalizeWithNym).

    Raises VerificationError SIGNATURE_INVALID; DecodingError if the public key or the signature is malformed;
    InputError COUNT_MISMATCH, SCALAR_OUT_OF_RANGE, TOO_MANY_MESSAGES, INVALID_TYPE, UNKNOWN_CIPHERSUITE.
    """
    suite = resolve(suite)
    api_id = _api_id(suite)
    *others, last = _check_nyms(prover_nyms, suite=suite)
    (entropy,) = check_scalars((signer_nym_entropy,), suite=suite)
    nym_secrets = (*others, (last + entropy) % suite.r)
    N, L, M = len(nym_secrets), len(messages), len(committed.messages)
    scalars = (*joint_scalars(messages, committed, api_id, suite=suite), *nym_secrets)
    generators = joint_generators(L, M + N, api_id, suite=suite)
    core_verify(pk, signature, generators, _combined_header(header, N), scalars, api_id)
    return nym_secrets


def proof_gen_with_nym(
    pk: bytes,
    signature: bytes,
    header: bytes,
    ph: bytes,
    nym_secrets: Sequence[int],
    context_id: bytes,
    messages: Sequence[bytes],
    committed: Committed,
    disclosed_indexes: Sequence[int],
    disclosed_committed_indexes: Sequence[int],
    *,
    suite: Ciphersuite | str,
    rng: RandomScalars = calculate_random_scalars,
) -> tuple[bytes, bytes]:
    """Prove a signature and the holder's pseudonym in a context (sections 6.2 and 7.1, ProofGenWithNym).

    Returns the proof and the pseudonym of 48 octets. The pseudonym secrets are never among what can be
    disclosed. Raises as `blind_proof_gen`, and InputError COUNT_MISMATCH, SCALAR_OUT_OF_RANGE, DEGENERATE.
    """
    suite = resolve(suite)
    api_id = _api_id(suite)
    check_octets(pk, "the public key")
    check_octets(ph, "the presentation header")
    secrets = _check_nyms(nym_secrets, suite=suite)
    N, L, M = len(secrets), len(messages), len(committed.messages)
    context = Context.of(context_id, api_id, suite=suite)
    pseudonym = context.pseudonym(secrets)
    proof = core_proof_gen(
        pk,
        signature,
        joint_generators(L, M + N, api_id, suite=suite),
        _combined_header(header, N),
        ph,
        (*joint_scalars(messages, committed, api_id, suite=suite), *secrets),
        joint_indexes(disclosed_indexes, disclosed_committed_indexes, L, M),
        api_id,
        rng=rng,
        extend=context.extension(pseudonym, N),
    )
    return proof, suite.group.g1_to_octets(pseudonym)


def proof_verify_with_nym(
    pk: bytes,
    proof: bytes,
    header: bytes,
    ph: bytes,
    pseudonym: bytes,
    context_id: bytes,
    L: int,
    N: int,
    disclosed_messages: Sequence[bytes],
    disclosed_committed_messages: Sequence[bytes],
    disclosed_indexes: Sequence[int],
    disclosed_committed_indexes: Sequence[int],
    *,
    suite: Ciphersuite | str,
) -> None:
    """Verify a proof of a signature and a pseudonym (sections 6.3 and 7.2, ProofVerifyWithNym).

    `context_id` is the verifier's own; `L` is the number of the issuer's messages and `N` that of the
    pseudonym secrets. Returns nothing if it holds. Raises VerificationError PROOF_INVALID; DecodingError if
    the public key, the proof or the pseudonym is malformed; InputError INVALID_INDEXES, COUNT_MISMATCH,
    TOO_MANY_MESSAGES, INVALID_TYPE, UNKNOWN_CIPHERSUITE.
    """
    suite = resolve(suite)
    api_id = _api_id(suite)
    check_octets(ph, "the presentation header")
    if check_count(N, "N") == 0:
        raise InputError(Reason.COUNT_MISMATCH, "there is at least one pseudonym secret")
    point = octets_to_pseudonym(pseudonym, suite=suite)
    shown = disclosed_messages_of(
        proof,
        L,
        N,
        (disclosed_messages, disclosed_committed_messages),
        (disclosed_indexes, disclosed_committed_indexes),
        api_id,
        suite=suite,
    )
    core_proof_verify(
        pk,
        proof,
        joint_generators(L, shown.M + N, api_id, suite=suite),
        _combined_header(header, N),
        ph,
        shown.scalars,
        shown.indexes,
        api_id,
        extend=Context.of(context_id, api_id, suite=suite).extension(point, N),
    )
