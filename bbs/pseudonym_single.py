"""Pseudonyms from one secret, as bbs-2023 has them: an earlier revision of the pseudonym draft.

Source: Data Integrity BBS Cryptosuites v1.0 (W3C, 3 April 2025) and its published vectors, which were made
with a revision of draft-irtf-cfrg-bbs-per-verifier-linkability before `bbs.pseudonym`'s. It differs in this:

* There is one secret, and the pseudonym is the context's base point times it: no polynomial.
* The header is signed as it is, without the number of secrets behind it.
* The challenge covers the pseudonym, the base point and Ut after T2, and the context's identifier nowhere
  else.

What differs changes the signature's domain or the challenge, so neither kind of signature or proof passes for
the other. Use `bbs.pseudonym` for everything but bbs-2023.
"""

from collections.abc import Sequence

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
from bbs.ciphersuite import Ciphersuite, resolve
from bbs.commitment import core_commit
from bbs.errors import InputError, Reason
from bbs.groups.protocol import G1Point
from bbs.keys import SecretKey, as_key_pair
from bbs.proof import ChallengeExtension, core_proof_gen, core_proof_verify
from bbs.pseudonym import PSEUDONYM_INTERFACE_ID, Context, octets_to_pseudonym
from bbs.scalars import (
    RandomScalars,
    calculate_random_scalars,
    check_octets,
    check_scalars,
    messages_to_scalars,
)
from bbs.signature import core_verify


def _api_id(suite: Ciphersuite) -> bytes:
    return suite.ciphersuite_id + PSEUDONYM_INTERFACE_ID


def _extension(context: Context, pseudonym: G1Point) -> ChallengeExtension:
    """Return what the challenge covers besides; Ut has the blinding of the last hidden scalar, as T2 has."""

    def extend(m: Sequence[int], c: int) -> tuple[tuple[G1Point, ...], bytes]:
        Ut = context.suite.group.msm((context.OP, pseudonym), (m[-1], -c), secret=True)
        return (pseudonym, context.OP, Ut), b""

    return extend


def commit_with_single_nym(
    committed_messages: Sequence[bytes],
    prover_nym: int,
    *,
    suite: Ciphersuite | str,
    rng: RandomScalars = calculate_random_scalars,
) -> tuple[bytes, Committed]:
    """Commit to messages and a pseudonym secret; as `bbs.pseudonym.commit_with_nym`."""
    suite = resolve(suite)
    api_id = _api_id(suite)
    hidden = messages_to_scalars(committed_messages, api_id, suite=suite)
    scalars = (*hidden, *check_scalars((prover_nym,), suite=suite))
    generators = blind_generators(len(scalars), api_id, suite=suite)
    octets, blind = core_commit(scalars, generators, api_id, rng=rng)
    return octets, Committed(tuple(committed_messages), blind)


def blind_sign_with_single_nym(
    sk: bytes | SecretKey,
    pk: bytes,
    commitment_with_proof: bytes,
    signer_nym_entropy: int,
    header: bytes,
    messages: Sequence[bytes],
    M: int,
    *,
    suite: Ciphersuite | str,
) -> bytes:
    """Sign messages with M hidden messages and a pseudonym secret; as `bbs.pseudonym.blind_sign_with_nym`."""
    suite = resolve(suite)
    api_id = _api_id(suite)
    SK = as_key_pair(sk, pk, suite=suite)
    check_octets(header, "the header")
    hidden = check_count(M, "M") + 1
    known = messages_to_scalars(messages, api_id, suite=suite)
    commitment = verified_commitment(commitment_with_proof, hidden, api_id, None, pk, suite=suite)
    generators = joint_generators(len(known), hidden, api_id, suite=suite)
    scalars = (*known, *(0,) * hidden, signer_nym_entropy)
    return core_blind_sign(SK, pk, commitment, generators, header, scalars, api_id)


def verify_finalize_with_single_nym(
    pk: bytes,
    signature: bytes,
    header: bytes,
    messages: Sequence[bytes],
    committed: Committed,
    prover_nym: int,
    signer_nym_entropy: int,
    *,
    suite: Ciphersuite | str,
) -> int:
    """Verify a signature as its holder, as `verify_finalize_with_nym` does; return the signed secret."""
    suite = resolve(suite)
    api_id = _api_id(suite)
    nym_secret = sum(check_scalars((prover_nym, signer_nym_entropy), suite=suite)) % suite.r
    scalars = (*joint_scalars(messages, committed, api_id, suite=suite), nym_secret)
    generators = joint_generators(len(messages), len(committed.messages) + 1, api_id, suite=suite)
    core_verify(pk, signature, generators, check_octets(header, "the header"), scalars, api_id)
    return nym_secret


def proof_gen_with_single_nym(
    pk: bytes,
    signature: bytes,
    header: bytes,
    ph: bytes,
    nym_secret: int,
    context_id: bytes,
    messages: Sequence[bytes],
    committed: Committed,
    disclosed_indexes: Sequence[int],
    *,
    suite: Ciphersuite | str,
    rng: RandomScalars = calculate_random_scalars,
) -> tuple[bytes, bytes]:
    """Prove a signature and the pseudonym in a context; as `bbs.pseudonym.proof_gen_with_nym`.

    No committed message is ever disclosed.
    """
    suite = resolve(suite)
    api_id = _api_id(suite)
    check_octets(pk, "the public key")
    check_octets(ph, "the presentation header")
    check_octets(header, "the header")
    (secret,) = check_scalars((nym_secret,), suite=suite)
    L, M = len(messages), len(committed.messages)
    context = Context.of(context_id, api_id, suite=suite)
    pseudonym = context.pseudonym((secret,))
    proof = core_proof_gen(
        pk,
        signature,
        joint_generators(L, M + 1, api_id, suite=suite),
        header,
        ph,
        (*joint_scalars(messages, committed, api_id, suite=suite), secret),
        joint_indexes(disclosed_indexes, (), L, M),
        api_id,
        rng=rng,
        extend=_extension(context, pseudonym),
    )
    return proof, suite.group.g1_to_octets(pseudonym)


def proof_verify_with_single_nym(
    pk: bytes,
    proof: bytes,
    header: bytes,
    ph: bytes,
    pseudonym: bytes,
    context_id: bytes,
    L: int,
    M: int,
    disclosed_messages: Sequence[bytes],
    disclosed_indexes: Sequence[int],
    *,
    suite: Ciphersuite | str,
) -> None:
    """Verify a proof of a signature and a pseudonym; as `bbs.pseudonym.proof_verify_with_nym`.

    `M` is how many messages the holder committed to besides the secret: with another number the proof does
    not hold. Raises as that does.
    """
    suite = resolve(suite)
    api_id = _api_id(suite)
    check_octets(ph, "the presentation header")
    check_octets(header, "the header")
    point = octets_to_pseudonym(pseudonym, suite=suite)
    kinds = ((disclosed_messages, ()), (disclosed_indexes, ()))
    shown = disclosed_messages_of(proof, L, 1, *kinds, api_id, suite=suite)
    if shown.M != M:
        raise InputError(Reason.COUNT_MISMATCH, "the proof is not for this number of committed messages")
    context = Context.of(context_id, api_id, suite=suite)
    generators = joint_generators(L, M + 1, api_id, suite=suite)
    extend = _extension(context, point)
    core_proof_verify(pk, proof, generators, header, ph, shown.scalars, shown.indexes, api_id, extend=extend)
