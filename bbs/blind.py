"""Blind signatures: an issuer signs its own messages together with some of the holder's that it never sees.

Source: draft-irtf-cfrg-bbs-blind-signatures. Implemented is revision -02, by its published vectors, all of
which are reproduced byte for byte. The text that could be read in full is the working group's source of -03
(26 June 2026), and sections are cited as numbered there. Where text and vectors differ the vectors decided:

* e = hash_to_scalar(SK, B), without the domain after B. B comes from the domain, the issuer's messages and
  the commitment, so two different B share an e only by a collision; the same e on two B would be a forgery.
* A proof is a plain proof of the core draft over Q_1, H_1..H_L, Q_2, J_1..J_M for the scalars domain,
  messages, blind, committed messages, in this order: committed message i has the index L + 1 + i. The framed
  proofs with disclosed commitments of -03 have no vectors and are not implemented.

The holder keeps `Committed`. All that the issuer gets of it is the commitment with its proof.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from bbs.ciphersuite import Ciphersuite, resolve
from bbs.commitment import CommitmentBinding, core_commit, core_commit_verify
from bbs.errors import InputError, Reason
from bbs.generators import Generators, create_generators, hash_to_generators
from bbs.groups.bls12_381 import r
from bbs.groups.protocol import G1Point
from bbs.hashing import hash_to_scalar
from bbs.keys import SecretKey, as_key_pair
from bbs.proof import core_proof_gen, core_proof_verify
from bbs.scalars import (
    RandomScalars,
    calculate_random_scalars,
    check_indexes,
    check_octets,
    check_scalars,
    messages_to_scalars,
)
from bbs.serialization import points_to_octets, signature_to_octets, undisclosed_count
from bbs.signature import calculate_domain, core_verify, finalize_sign

BLIND_INTERFACE_ID: Final = b"BLIND_H2G_HM2S_"


@dataclass(frozen=True, repr=False)
class Committed:
    """What a holder committed to, and the blind that hides it. Secret, and does not show itself.

    `Committed()` stands for no commitment. A blind of 0 would hide nothing, so it is refused with messages.
    Raises InputError INVALID_TYPE, SCALAR_OUT_OF_RANGE.
    """

    messages: tuple[bytes, ...] = ()
    secret_prover_blind: int = 0

    def __post_init__(self) -> None:
        for message in self.messages:
            check_octets(message, "a committed message")
        smallest = 1 if self.messages else 0
        if type(self.secret_prover_blind) is not int or not smallest <= self.secret_prover_blind < r:
            raise InputError(Reason.SCALAR_OUT_OF_RANGE, "the blind is outside its range")


def blind_generators(M: int, api_id: bytes, *, suite: Ciphersuite) -> Generators:
    """Return Q_2 and J_1..J_M of an interface; InputError TOO_MANY_MESSAGES."""
    return create_generators(M + 1, b"BLIND_" + api_id, suite=suite)


@lru_cache(maxsize=64)
def joint_generators(L: int, M: int, api_id: bytes, *, suite: Ciphersuite) -> Generators:
    """Return Q_1, H_1..H_L, Q_2, J_1..J_M, prepared, in the order of the scalars of a blind signature.

    Raises InputError TOO_MANY_MESSAGES.
    """
    known = hash_to_generators(L + 1, api_id, suite=suite)
    return Generators((*known, *blind_generators(M, api_id, suite=suite).points), suite)


def joint_scalars(
    messages: Sequence[bytes], committed: Committed, api_id: bytes, *, suite: Ciphersuite
) -> tuple[int, ...]:
    """Return the scalars of H_1..H_L, Q_2, J_1..J_M; InputError INVALID_TYPE, TOO_MANY_MESSAGES."""
    known = messages_to_scalars(messages, api_id, suite=suite)
    hidden = messages_to_scalars(committed.messages, api_id, suite=suite)
    return (*known, committed.secret_prover_blind, *hidden)


def joint_indexes(
    disclosed_indexes: Sequence[int], disclosed_committed_indexes: Sequence[int], L: int, M: int
) -> tuple[int, ...]:
    """Return where both kinds of disclosed messages stand among the joint scalars.

    Where the blind stands cannot come out. Raises InputError INVALID_INDEXES.
    """
    known = check_indexes(disclosed_indexes, L)
    return (*known, *(L + 1 + j for j in check_indexes(disclosed_committed_indexes, M)))


def check_count(count: int, name: str) -> int:
    """Return a number of messages; InputError COUNT_MISMATCH unless it is an integer and not negative."""
    if type(count) is not int or count < 0:
        raise InputError(Reason.COUNT_MISMATCH, f"{name} is not a number of messages")
    return count


@dataclass(frozen=True)
class DisclosedMessages:
    """The messages of both kinds that a proof discloses: scalars, and their indexes among the joint ones."""

    M: int
    scalars: tuple[int, ...]
    indexes: tuple[int, ...]


def disclosed_messages_of(
    proof: bytes,
    L: int,
    N: int,
    messages: tuple[Sequence[bytes], Sequence[bytes]],
    indexes: tuple[Sequence[int], Sequence[int]],
    api_id: bytes,
    *,
    suite: Ciphersuite,
) -> DisclosedMessages:
    """Put together what a verifier was shown, known messages first, committed ones second.

    `N` is how many hidden scalars follow the committed messages. M follows from the proof's length; a wrong
    one changes the domain, so the proof does not hold. Each kind has as many messages as indexes: only their
    sum would let a message pass from one kind to the other. Raises DecodingError INVALID_LENGTH; InputError
    COUNT_MISMATCH, INVALID_INDEXES, INVALID_TYPE, TOO_MANY_MESSAGES.
    """
    if any(len(some) != len(at) for some, at in zip(messages, indexes, strict=True)):
        raise InputError(Reason.COUNT_MISMATCH, "disclosed messages and indexes are not equally many")
    R = len(indexes[0]) + len(indexes[1])
    M = undisclosed_count(proof, suite=suite) + R - check_count(L, "L") - 1 - N
    if M < 0:
        raise InputError(Reason.COUNT_MISMATCH, "the proof hides too little for this number of messages")
    scalars = [messages_to_scalars(some, api_id, suite=suite) for some in messages]
    return DisclosedMessages(M, (*scalars[0], *scalars[1]), joint_indexes(*indexes, L, M))


def verified_commitment(
    commitment_with_proof: bytes,
    M: int,
    api_id: bytes,
    binding: CommitmentBinding | None,
    pk: bytes,
    *,
    suite: Ciphersuite,
) -> G1Point:
    """Return a commitment to M scalars whose proof holds for an issuer's key (section 4.1.2).

    Raises as `core_commit_verify`; InputError KEY_MISMATCH if the binding names another issuer's key.
    """
    if binding is not None and binding.pk != pk:
        raise InputError(Reason.KEY_MISMATCH, "the commitment is to be bound to another issuer's key")
    generators = blind_generators(M, api_id, suite=suite)
    return core_commit_verify(commitment_with_proof, generators, api_id, binding=binding)


def core_blind_sign(
    SK: SecretKey,
    PK: bytes,
    commitment: G1Point | None,
    generators: Generators,
    header: bytes,
    known_scalars: Sequence[int],
    api_id: bytes,
) -> bytes:
    """Sign a verified commitment with what the issuer knows (sections 4.3.3 and 5.1, FinalizeBlindSign).

    `generators` are the joint ones; `known_scalars` are the issuer's part of their scalars, to which the
    commitment adds the holder's; those left out at the end count as 0. Raises InputError SCALAR_OUT_OF_RANGE,
    DEGENERATE.
    """
    suite = generators.suite
    domain = calculate_domain(PK, generators, header, api_id)
    points = () if commitment is None else (commitment,)
    scalars = (1, domain, *check_scalars(known_scalars, suite=suite))
    B = generators.combine(scalars, points, (1,) * len(points))
    e_octs = SK.to_octets_secret() + points_to_octets(B, suite=suite)
    e = hash_to_scalar(e_octs, api_id + b"H2S_", suite=suite)
    return signature_to_octets(finalize_sign(SK, B, e), suite=suite)


def _api_id(suite: Ciphersuite) -> bytes:
    return suite.ciphersuite_id + BLIND_INTERFACE_ID


def commit(
    committed_messages: Sequence[bytes],
    *,
    suite: Ciphersuite | str,
    binding: CommitmentBinding | None = None,
    rng: RandomScalars = calculate_random_scalars,
) -> tuple[bytes, Committed]:
    """Commit to messages for a blind signature (section 4.1.1, Commit).

    Returns what goes to the issuer, 112 octets and 32 more for each message, and what the holder keeps.
    `binding` is what the issuer asked the proof to be bound to; without it the proof is the draft's own.
    Raises InputError TOO_MANY_MESSAGES, INVALID_RANDOMNESS, INVALID_TYPE, UNKNOWN_CIPHERSUITE.
    """
    suite = resolve(suite)
    api_id = _api_id(suite)
    scalars = messages_to_scalars(committed_messages, api_id, suite=suite)
    generators = blind_generators(len(scalars), api_id, suite=suite)
    octets, blind = core_commit(scalars, generators, api_id, binding=binding, rng=rng)
    return octets, Committed(tuple(committed_messages), blind)


def blind_sign(
    sk: bytes | SecretKey,
    pk: bytes,
    commitment_with_proof: bytes,
    header: bytes,
    messages: Sequence[bytes],
    M: int,
    *,
    suite: Ciphersuite | str,
    binding: CommitmentBinding | None = None,
) -> bytes:
    """Sign messages, a header and M messages of the holder that stay hidden (section 4.2.1, BlindSign).

    The signature has 80 octets and is deterministic. M is the issuer's to say, as `messages` are; the draft
    takes it from the commitment's length. An empty commitment stands for none. With `binding` only a proof
    that was made for it is accepted, and there has to be one. Raises VerificationError COMMITMENT_INVALID;
    DecodingError (commitment or secret key); InputError KEY_MISMATCH, COUNT_MISMATCH, TOO_MANY_MESSAGES,
    INVALID_TYPE, DEGENERATE, UNKNOWN_CIPHERSUITE.
    """
    suite = resolve(suite)
    api_id = _api_id(suite)
    SK = as_key_pair(sk, pk, suite=suite)
    check_octets(header, "the header")
    scalars = messages_to_scalars(messages, api_id, suite=suite)
    commitment = None
    if check_count(M, "M") or check_octets(commitment_with_proof, "the commitment") or binding is not None:
        commitment = verified_commitment(commitment_with_proof, M, api_id, binding, pk, suite=suite)
    generators = joint_generators(len(scalars), M, api_id, suite=suite)
    return core_blind_sign(SK, pk, commitment, generators, header, scalars, api_id)


def verify_blind_sign(
    pk: bytes,
    signature: bytes,
    header: bytes,
    messages: Sequence[bytes],
    committed: Committed,
    *,
    suite: Ciphersuite | str,
) -> None:
    """Verify a blind signature as its holder (section 4.2.2, VerifyBlindSign).

    Returns nothing if it holds. Raises VerificationError SIGNATURE_INVALID; DecodingError if the public key
    or the signature is malformed; InputError TOO_MANY_MESSAGES, INVALID_TYPE, UNKNOWN_CIPHERSUITE.
    """
    suite = resolve(suite)
    api_id = _api_id(suite)
    scalars = joint_scalars(messages, committed, api_id, suite=suite)
    generators = joint_generators(len(messages), len(committed.messages), api_id, suite=suite)
    core_verify(pk, signature, generators, check_octets(header, "the header"), scalars, api_id)


def blind_proof_gen(
    pk: bytes,
    signature: bytes,
    header: bytes,
    ph: bytes,
    messages: Sequence[bytes],
    committed: Committed,
    disclosed_indexes: Sequence[int],
    disclosed_committed_indexes: Sequence[int],
    *,
    suite: Ciphersuite | str,
    rng: RandomScalars = calculate_random_scalars,
) -> bytes:
    """Prove a blind signature, disclosing some messages of either kind (section 4.2.3, BlindProofGen).

    Indexes count from 0 in `messages` and in the committed messages. The proof has 304 octets, since the
    blind is hidden too, and 32 more for each hidden message. The signature is not verified: a proof from a
    false one is false. Raises DecodingError if the signature is malformed; InputError INVALID_INDEXES,
    TOO_MANY_MESSAGES, INVALID_RANDOMNESS, INVALID_TYPE, UNKNOWN_CIPHERSUITE.
    """
    suite = resolve(suite)
    api_id = _api_id(suite)
    L, M = len(messages), len(committed.messages)
    check_octets(pk, "the public key")
    check_octets(header, "the header")
    check_octets(ph, "the presentation header")
    scalars = joint_scalars(messages, committed, api_id, suite=suite)
    indexes = joint_indexes(disclosed_indexes, disclosed_committed_indexes, L, M)
    generators = joint_generators(L, M, api_id, suite=suite)
    return core_proof_gen(pk, signature, generators, header, ph, scalars, indexes, api_id, rng=rng)


def blind_proof_verify(
    pk: bytes,
    proof: bytes,
    header: bytes,
    ph: bytes,
    L: int,
    disclosed_messages: Sequence[bytes],
    disclosed_committed_messages: Sequence[bytes],
    disclosed_indexes: Sequence[int],
    disclosed_committed_indexes: Sequence[int],
    *,
    suite: Ciphersuite | str,
) -> None:
    """Verify a proof of a blind signature (section 4.2.4, BlindProofVerify).

    `L` is the number of the issuer's messages, hidden ones among them. Returns nothing if it holds. Raises
    VerificationError PROOF_INVALID; DecodingError if the public key or the proof is malformed; InputError
    INVALID_INDEXES, COUNT_MISMATCH, TOO_MANY_MESSAGES, INVALID_TYPE, UNKNOWN_CIPHERSUITE.
    """
    suite = resolve(suite)
    api_id = _api_id(suite)
    check_octets(header, "the header")
    check_octets(ph, "the presentation header")
    shown = disclosed_messages_of(
        proof,
        L,
        0,
        (disclosed_messages, disclosed_committed_messages),
        (disclosed_indexes, disclosed_committed_indexes),
        api_id,
        suite=suite,
    )
    generators = joint_generators(L, shown.M, api_id, suite=suite)
    core_proof_verify(pk, proof, generators, header, ph, shown.scalars, shown.indexes, api_id)
