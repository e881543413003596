"""Proofs of a signature that disclose some of its messages.

Source: draft-irtf-cfrg-bbs-signatures-09, sections 3.5.3, 3.5.4, 3.6.3, 3.6.4 and 3.7. Indexes count from 0.
The core operations and subroutines take scalars, generators and an api_id, so that other interfaces can use
them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bbs.ciphersuite import Ciphersuite, resolve
from bbs.credential import PreparedCredential, core_prepare_credential
from bbs.errors import InputError, Reason, VerificationError
from bbs.generators import Generators, create_generators
from bbs.groups.protocol import G1Point, PreparedBases, Terms
from bbs.hashing import hash_to_scalar
from bbs.scalars import (
    RandomScalars,
    calculate_random_scalars,
    check_indexes,
    check_octets,
    check_scalars,
    draw,
    messages_to_scalars,
)
from bbs.serialization import (
    Proof,
    Signature,
    integer_to_octets,
    octets_to_prepared_pubkey,
    octets_to_proof,
    octets_to_signature,
    points_to_octets,
    proof_to_octets,
    scalars_to_octets,
    undisclosed_count,
)
from bbs.signature import calculate_domain

ChallengeExtension = Callable[[Sequence[int], int], tuple[tuple[G1Point, ...], bytes]]
"""What an interface proves besides, with the same blindings, about the hidden messages.

Given their blindings and 0 by the prover, their responses and the challenge by the verifier, it returns the
points that the challenge covers after T2, and the octets that it covers after the presentation header.
"""


def no_extension(m: Sequence[int], c: int) -> tuple[tuple[G1Point, ...], bytes]:
    """Return the extension of the draft's own proofs: nothing."""
    return (), b""


@dataclass(frozen=True)
class InitResult:
    """What the challenge commits to: the proof's points, the two commitments and the domain."""

    Abar: G1Point
    Bbar: G1Point
    D: G1Point
    T1: G1Point
    T2: G1Point
    domain: int


@dataclass(frozen=True, repr=False)
class RandomScalarsOfProof:
    """The random scalars of one proof, in the order in which they are drawn. Secret."""

    r1: int
    r2: int
    e_tilde: int
    r1_tilde: int
    r3_tilde: int
    m_tilde: tuple[int, ...]

    @classmethod
    def drawn(cls, rng: RandomScalars, U: int, *, suite: Ciphersuite) -> "RandomScalarsOfProof":
        """Draw them for U hidden messages; InputError INVALID_RANDOMNESS."""
        r1, r2, e_tilde, r1_tilde, r3_tilde, *m_tilde = draw(rng, 5 + U, suite=suite)
        return cls(r1, r2, e_tilde, r1_tilde, r3_tilde, tuple(m_tilde))


def undisclosed(disclosed_indexes: Sequence[int], L: int) -> tuple[int, ...]:
    """Return the indexes of [0, L) that are not disclosed, ascending."""
    disclosed = frozenset(disclosed_indexes)
    return tuple(j for j in range(L) if j not in disclosed)


def proof_init(
    PK: bytes,
    signature: Signature,
    generators: Generators,
    random_scalars: RandomScalarsOfProof,
    header: bytes,
    messages: Sequence[int],
    undisclosed_indexes: Sequence[int],
    api_id: bytes,
) -> InitResult:
    """Randomise the signature and commit to the hidden values (section 3.7.1, ProofInit)."""
    credential = core_prepare_credential(PK, signature, generators, header, messages, api_id)
    return proof_init_prepared(credential, random_scalars, undisclosed_indexes)


def proof_init_prepared(
    credential: PreparedCredential, random_scalars: RandomScalarsOfProof, undisclosed_indexes: Sequence[int]
) -> InitResult:
    """Do the same for a prepared credential (section 3.7.1, ProofInit, from step 3).

    Every point is a combination of A, B and the generators, whose tables the group may keep, and of no fresh
    point. All scalars are secret; which messages are hidden is not.
    """
    group, s, e = credential.suite.group, random_scalars, credential.signature.e
    if len(s.m_tilde) != len(undisclosed_indexes):
        raise InputError(Reason.COUNT_MISMATCH, "random scalars and hidden messages are not equally many")
    r1_r2 = s.r1 * s.r2
    A_and_B = credential.A_and_B
    B_and_H = group.prepare((credential.B, *(credential.generators.H[j] for j in undisclosed_indexes)))

    def over(bases: PreparedBases, *scalars: int) -> Terms:
        return Terms((), (), bases, scalars)

    sums = (
        over(A_and_B, r1_r2),
        over(A_and_B, -e * r1_r2, r1_r2),
        over(B_and_H, s.r2),
        over(A_and_B, s.e_tilde * r1_r2, s.r1_tilde * s.r2),
        over(B_and_H, s.r3_tilde * s.r2, *s.m_tilde),
    )
    Abar, Bbar, D, T1, T2 = group.msms(sums, secret=True)
    return InitResult(Abar, Bbar, D, T1, T2, credential.domain)


def proof_finalize(
    init_res: InitResult,
    challenge: int,
    e: int,
    random_scalars: RandomScalarsOfProof,
    undisclosed_messages: Sequence[int],
    *,
    suite: Ciphersuite,
) -> Proof:
    """Answer the challenge (section 3.7.2, ProofFinalize)."""
    s, r, c = random_scalars, suite.r, challenge
    r3 = suite.group.invert(s.r2)
    return Proof(
        Abar=init_res.Abar,
        Bbar=init_res.Bbar,
        D=init_res.D,
        e_hat=(s.e_tilde + e * c) % r,
        r1_hat=(s.r1_tilde - s.r1 * c) % r,
        r3_hat=(s.r3_tilde - r3 * c) % r,
        m_hat=tuple((m_j + msg * c) % r for m_j, msg in zip(s.m_tilde, undisclosed_messages, strict=True)),
        c=c,
    )


def proof_verify_init(
    PK: bytes,
    proof: Proof,
    generators: Generators,
    header: bytes,
    disclosed_messages: Sequence[int],
    disclosed_indexes: Sequence[int],
    api_id: bytes,
) -> InitResult:
    """Recompute the commitments from the responses (section 3.7.3, ProofVerifyInit)."""
    group, c = generators.suite.group, proof.c
    domain = calculate_domain(PK, generators, header, api_id)
    T1 = group.msm((proof.Bbar, proof.Abar, proof.D), (c, proof.e_hat, proof.r1_hat))
    shown = {i: msg * c for i, msg in zip(disclosed_indexes, disclosed_messages, strict=True)}
    hidden = dict(zip(undisclosed(disclosed_indexes, generators.L), proof.m_hat, strict=True))
    factors = shown | hidden
    T2 = generators.combine(
        (c, domain * c, *(factors[i] for i in range(generators.L))), (proof.D,), (proof.r3_hat,)
    )
    return InitResult(proof.Abar, proof.Bbar, proof.D, T1, T2, domain)


def calculate_challenge(
    init_res: InitResult,
    disclosed_messages: Sequence[int],
    disclosed_indexes: Sequence[int],
    ph: bytes,
    api_id: bytes,
    extended: tuple[tuple[G1Point, ...], bytes] = ((), b""),
    *,
    suite: Ciphersuite,
) -> int:
    """Hash everything that the proof is about into the challenge (section 3.7.4).

    `extended` is what a `ChallengeExtension` returned.
    """
    more_points, more_octets = extended
    c_octs = integer_to_octets(len(disclosed_indexes))
    for index, message in zip(disclosed_indexes, disclosed_messages, strict=True):
        c_octs += integer_to_octets(index) + scalars_to_octets(message, suite=suite)
    t = init_res
    c_octs += points_to_octets(t.Abar, t.Bbar, t.D, t.T1, t.T2, *more_points, suite=suite)
    c_octs += scalars_to_octets(t.domain, suite=suite) + integer_to_octets(len(ph)) + ph + more_octets
    return hash_to_scalar(c_octs, api_id + b"H2S_", suite=suite)


def core_proof_gen(
    PK: bytes,
    signature: bytes,
    generators: Generators,
    header: bytes,
    ph: bytes,
    messages: Sequence[int],
    disclosed_indexes: Sequence[int],
    api_id: bytes,
    *,
    rng: RandomScalars = calculate_random_scalars,
    extend: ChallengeExtension = no_extension,
) -> bytes:
    """Prove a signature on message scalars, disclosing some (section 3.6.3, CoreProofGen).

    Raises DecodingError (signature); InputError INVALID_INDEXES, COUNT_MISMATCH, SCALAR_OUT_OF_RANGE,
    INVALID_RANDOMNESS.
    """
    suite = generators.suite
    parsed = octets_to_signature(signature, suite=suite)
    disclosed_indexes = check_indexes(disclosed_indexes, len(messages))
    credential = core_prepare_credential(PK, parsed, generators, header, messages, api_id)
    return core_proof_gen_prepared(credential, ph, disclosed_indexes, rng=rng, extend=extend)


def core_proof_gen_prepared(
    credential: PreparedCredential,
    ph: bytes,
    disclosed_indexes: Sequence[int],
    *,
    rng: RandomScalars = calculate_random_scalars,
    extend: ChallengeExtension = no_extension,
) -> bytes:
    """Prove a prepared credential, disclosing some of its message scalars (section 3.6.3, CoreProofGen).

    Raises InputError INVALID_INDEXES, INVALID_RANDOMNESS.
    """
    suite, messages, e = credential.suite, credential.messages, credential.signature.e
    disclosed_indexes = check_indexes(disclosed_indexes, len(messages))
    undisclosed_indexes = undisclosed(disclosed_indexes, len(messages))
    disclosed_messages = [messages[i] for i in disclosed_indexes]
    undisclosed_messages = [messages[j] for j in undisclosed_indexes]
    random_scalars = RandomScalarsOfProof.drawn(rng, len(undisclosed_indexes), suite=suite)
    init_res = proof_init_prepared(credential, random_scalars, undisclosed_indexes)
    extended = extend(random_scalars.m_tilde, 0)
    challenge = calculate_challenge(
        init_res, disclosed_messages, disclosed_indexes, ph, credential.api_id, extended, suite=suite
    )
    proof = proof_finalize(init_res, challenge, e, random_scalars, undisclosed_messages, suite=suite)
    return proof_to_octets(proof, suite=suite)


@dataclass(frozen=True)
class PairingClaim:
    """What is left of a proof once its challenge holds: e(Abar, W) = e(Bbar, P2), with W the key PK."""

    PK: bytes
    Abar: G1Point
    Bbar: G1Point


def core_proof_verify_challenge(
    PK: bytes,
    proof: bytes,
    generators: Generators,
    header: bytes,
    ph: bytes,
    disclosed_messages: Sequence[int],
    disclosed_indexes: Sequence[int],
    api_id: bytes,
    extend: ChallengeExtension = no_extension,
) -> PairingClaim:
    """Verify all of a proof but its pairing equation (section 3.6.4, CoreProofVerify, to its last check).

    Raises as `core_proof_verify` does, except that a malformed key is found when the claim is checked.
    """
    suite = generators.suite
    parsed = octets_to_proof(proof, suite=suite)
    disclosed_indexes = check_indexes(disclosed_indexes, generators.L)
    disclosed_messages = check_scalars(disclosed_messages, suite=suite)
    if len(disclosed_messages) != len(disclosed_indexes):
        raise InputError(Reason.COUNT_MISMATCH, "disclosed messages and indexes are not equally many")
    if len(disclosed_indexes) + len(parsed.m_hat) != generators.L:
        raise InputError(Reason.COUNT_MISMATCH, "the proof is not for this number of generators")
    init_res = proof_verify_init(
        PK, parsed, generators, header, disclosed_messages, disclosed_indexes, api_id
    )
    extended = extend(parsed.m_hat, parsed.c)
    challenge = calculate_challenge(
        init_res, disclosed_messages, disclosed_indexes, ph, api_id, extended, suite=suite
    )
    if parsed.c != challenge:
        raise does_not_hold()
    return PairingClaim(PK, parsed.Abar, parsed.Bbar)


def does_not_hold() -> VerificationError:
    """Return the one error of a well-formed proof that is false, wherever it is."""
    return VerificationError(Reason.PROOF_INVALID, "the proof does not hold")


def core_proof_verify(
    PK: bytes,
    proof: bytes,
    generators: Generators,
    header: bytes,
    ph: bytes,
    disclosed_messages: Sequence[int],
    disclosed_indexes: Sequence[int],
    api_id: bytes,
    *,
    extend: ChallengeExtension = no_extension,
) -> None:
    """Verify a proof for disclosed message scalars (section 3.6.4, CoreProofVerify).

    Raises DecodingError (key or proof), VerificationError PROOF_INVALID, InputError INVALID_INDEXES,
    COUNT_MISMATCH, SCALAR_OUT_OF_RANGE.
    """
    group = generators.suite.group
    W = octets_to_prepared_pubkey(PK, suite=generators.suite)
    claim = core_proof_verify_challenge(
        PK, proof, generators, header, ph, disclosed_messages, disclosed_indexes, api_id, extend
    )
    if not group.pairing_product_is_one([(claim.Abar, W), (claim.Bbar, group.BP2_negated)]):
        raise does_not_hold()


def proof_gen(
    pk: bytes,
    signature: bytes,
    header: bytes,
    ph: bytes,
    messages: Sequence[bytes],
    disclosed_indexes: Sequence[int],
    *,
    suite: Ciphersuite | str,
    rng: RandomScalars = calculate_random_scalars,
) -> bytes:
    """Prove a signature, disclosing the messages at `disclosed_indexes` (section 3.5.3, ProofGen).

    `ph` is the presentation header, usually the verifier's nonce. The proof has 272 octets and 32 more for
    each hidden message. The signature is not verified: a proof from a false one is false. Raises
    DecodingError if the signature is malformed; InputError INVALID_INDEXES, TOO_MANY_MESSAGES,
    INVALID_RANDOMNESS, INVALID_TYPE, UNKNOWN_CIPHERSUITE.
    """
    suite = resolve(suite)
    check_octets(pk, "the public key")
    check_octets(header, "the header")
    check_octets(ph, "the presentation header")
    message_scalars = messages_to_scalars(messages, suite.api_id, suite=suite)
    generators = create_generators(len(message_scalars) + 1, suite.api_id, suite=suite)
    return core_proof_gen(
        pk, signature, generators, header, ph, message_scalars, disclosed_indexes, suite.api_id, rng=rng
    )


def proof_gen_prepared(
    credential: PreparedCredential,
    ph: bytes,
    disclosed_indexes: Sequence[int],
    *,
    rng: RandomScalars = calculate_random_scalars,
) -> bytes:
    """Prove a prepared credential as `proof_gen` does (section 3.5.3, ProofGen), for less.

    Raises InputError INVALID_INDEXES, INVALID_RANDOMNESS, INVALID_TYPE.
    """
    check_octets(ph, "the presentation header")
    return core_proof_gen_prepared(credential, ph, disclosed_indexes, rng=rng)


def proof_verify(
    pk: bytes,
    proof: bytes,
    header: bytes,
    ph: bytes,
    disclosed_messages: Sequence[bytes],
    disclosed_indexes: Sequence[int],
    *,
    suite: Ciphersuite | str,
) -> None:
    """Verify a proof for the disclosed messages and where they stood (section 3.5.4, ProofVerify).

    Returns nothing if it holds. Raises VerificationError PROOF_INVALID; DecodingError if the public key or
    the proof is malformed; InputError INVALID_INDEXES, COUNT_MISMATCH, TOO_MANY_MESSAGES, INVALID_TYPE,
    UNKNOWN_CIPHERSUITE.
    """
    suite = resolve(suite)
    check_octets(header, "the header")
    check_octets(ph, "the presentation header")
    message_scalars = messages_to_scalars(disclosed_messages, suite.api_id, suite=suite)
    count = undisclosed_count(proof, suite=suite) + len(disclosed_indexes) + 1
    generators = create_generators(count, suite.api_id, suite=suite)
    core_proof_verify(pk, proof, generators, header, ph, message_scalars, disclosed_indexes, suite.api_id)
