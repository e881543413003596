"""Signatures (draft-irtf-cfrg-bbs-signatures-09, sections 3.5.1, 3.5.2, 3.6.1, 3.6.2 and 4.2.3).

The core operations take scalars, generators and an api_id, so that other interfaces can use them.
"""

from collections.abc import Sequence

from bbs.ciphersuite import Ciphersuite, resolve
from bbs.errors import InputError, Reason, VerificationError
from bbs.generators import Generators, create_generators
from bbs.groups.protocol import G1Point
from bbs.hashing import hash_to_scalar
from bbs.keys import SecretKey, as_key_pair
from bbs.scalars import check_octets, check_scalars, messages_to_scalars
from bbs.serialization import (
    Signature,
    integer_to_octets,
    octets_to_prepared_pubkey,
    octets_to_signature,
    scalars_to_octets,
    signature_to_octets,
)


def calculate_domain(PK: bytes, generators: Generators, header: bytes, api_id: bytes) -> int:
    """Bind a public key, the generators, a header and an interface into one scalar (section 4.2.3)."""
    dom_octs = integer_to_octets(generators.L) + generators.octets + api_id
    dom_input = PK + dom_octs + integer_to_octets(len(header)) + header
    return hash_to_scalar(dom_input, api_id + b"H2S_", suite=generators.suite)


def calculate_B(
    generators: Generators, domain: int, messages: Sequence[int], *, secret: bool = False
) -> G1Point:
    """Return B, the point that a signature on these message scalars divides (section 3.6.1, step 3).

    `secret` asks for the group's constant-time way.
    """
    if len(messages) != generators.L:
        raise InputError(Reason.COUNT_MISMATCH, f"{len(messages)} messages, {generators.L} generators")
    scalars = (1, domain, *check_scalars(messages, suite=generators.suite))
    return generators.combine(scalars, secret=secret)


def finalize_sign(SK: SecretKey, B: G1Point, e: int) -> Signature:
    """Return the signature of B with a given e; InputError DEGENERATE if it would be the identity.

    Two different B under one key must never get the same e.
    """
    A = SK.group_key.divide(B, e)
    if SK.suite.group.is_identity(A):
        raise InputError(Reason.DEGENERATE, "these messages cannot be signed")
    return Signature(A, e)


def core_sign(
    SK: SecretKey, PK: bytes, generators: Generators, header: bytes, messages: Sequence[int], api_id: bytes
) -> bytes:
    """Sign message scalars (section 3.6.1, CoreSign).

    Raises InputError COUNT_MISMATCH, SCALAR_OUT_OF_RANGE, DEGENERATE.
    """
    suite = generators.suite
    domain = calculate_domain(PK, generators, header, api_id)
    B = calculate_B(generators, domain, messages)
    e_octs = SK.to_octets_secret() + scalars_to_octets(*messages, domain, suite=suite)
    e = hash_to_scalar(e_octs, api_id + b"H2S_", suite=suite)
    return signature_to_octets(finalize_sign(SK, B, e), suite=suite)


def core_verify(
    PK: bytes,
    signature: bytes,
    generators: Generators,
    header: bytes,
    messages: Sequence[int],
    api_id: bytes,
) -> None:
    """Verify a signature on message scalars (section 3.6.2, CoreVerify).

    Raises DecodingError (key or signature), VerificationError SIGNATURE_INVALID, InputError COUNT_MISMATCH,
    SCALAR_OUT_OF_RANGE.
    """
    suite, group = generators.suite, generators.suite.group
    parsed = octets_to_signature(signature, suite=suite)
    W = octets_to_prepared_pubkey(PK, suite=suite)
    if len(messages) != generators.L:
        raise InputError(Reason.COUNT_MISMATCH, f"{len(messages)} messages, {generators.L} generators")
    domain = calculate_domain(PK, generators, header, api_id)
    negated = [-scalar for scalar in (1, domain, *check_scalars(messages, suite=suite))]
    eA_minus_B = generators.combine(negated, (parsed.A,), (parsed.e,))
    if not group.pairing_product_is_one([(parsed.A, W), (eA_minus_B, group.BP2)]):
        raise VerificationError(Reason.SIGNATURE_INVALID, "the signature does not hold")


def sign(
    sk: bytes | SecretKey,
    pk: bytes,
    header: bytes,
    messages: Sequence[bytes],
    *,
    suite: Ciphersuite | str,
) -> bytes:
    """Sign messages and a header; the signature has 80 octets and is deterministic (section 3.5.1, Sign).

    `sk` is a SecretKey or its 32 octets, `pk` its own public key of 96 octets. Raises DecodingError
    INVALID_LENGTH, INVALID_SCALAR (secret key); InputError KEY_MISMATCH, TOO_MANY_MESSAGES, INVALID_TYPE,
    DEGENERATE, UNKNOWN_CIPHERSUITE.
    """
    suite = resolve(suite)
    SK = as_key_pair(sk, pk, suite=suite)
    message_scalars = messages_to_scalars(messages, suite.api_id, suite=suite)
    generators = create_generators(len(message_scalars) + 1, suite.api_id, suite=suite)
    return core_sign(SK, pk, generators, check_octets(header, "the header"), message_scalars, suite.api_id)


def verify(
    pk: bytes,
    signature: bytes,
    header: bytes,
    messages: Sequence[bytes],
    *,
    suite: Ciphersuite | str,
) -> None:
    """Verify a signature on messages and a header (section 3.5.2, Verify).

    Returns nothing if it holds. Raises VerificationError SIGNATURE_INVALID; DecodingError if the public key
    or the signature is malformed; InputError TOO_MANY_MESSAGES, INVALID_TYPE, UNKNOWN_CIPHERSUITE.
    """
    suite = resolve(suite)
    message_scalars = messages_to_scalars(messages, suite.api_id, suite=suite)
    generators = create_generators(len(message_scalars) + 1, suite.api_id, suite=suite)
    core_verify(pk, signature, generators, check_octets(header, "the header"), message_scalars, suite.api_id)
