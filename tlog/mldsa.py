"""ML-DSA-44 (FIPS 204) as cosigners use it: with an empty context, and a seed of 32 octets as the secret key.

Every 1,312 octets decode as a public key. Where the second part of the key, t1, is zero or nearly so, the
signature scheme says nothing: one signature, made without a secret, then holds for a message of one's choice.
Such a key is refused; one that somebody made from a seed is never such a key.
"""

from functools import cache
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

PUBLIC_KEY_OCTETS: Final = 1312
SIGNATURE_OCTETS: Final = 2420

_SEED_OF_MATRIX_OCTETS: Final = 32
_GROUP_OCTETS, _GROUP = 5, 4
"""Of t1, so many octets hold so many coefficients."""
_COEFFICIENT_BITS: Final = 10
_LARGEST: Final = (1 << _COEFFICIENT_BITS) - 1
_SMALL: Final = 16
"""A coefficient of t1 stands for 2^13 times itself modulo q = 1023 * 2^13 + 1. So near to 0, from above or
below, the challenge times t1 hardly changes what the verifier rounds to."""


@cache
def is_supported() -> bool:
    """Tell whether the cryptographic library that is installed has ML-DSA-44."""
    try:
        MLDSA44PrivateKey.from_seed_bytes(bytes(32))
    except UnsupportedAlgorithm:
        return False
    return True


def is_public_key(octets: bytes) -> bool:
    """Tell whether octets are a public key that not anybody can sign for: half of t1 is not nearly zero."""
    if len(octets) != PUBLIC_KEY_OCTETS:
        return False
    coefficients = _coefficients(octets[_SEED_OF_MATRIX_OCTETS:])
    small = sum(min(each, _LARGEST - each) <= _SMALL for each in coefficients)
    return 2 * small < len(coefficients)


def _coefficients(t1: bytes) -> list[int]:
    """Decode t1 (FIPS 204, algorithm 23: pkDecode)."""
    groups = (
        int.from_bytes(t1[at : at + _GROUP_OCTETS], "little") for at in range(0, len(t1), _GROUP_OCTETS)
    )
    return [group >> place * _COEFFICIENT_BITS & _LARGEST for group in groups for place in range(_GROUP)]


def public_key(octets: bytes) -> MLDSA44PublicKey:
    """Return the library's key."""
    return MLDSA44PublicKey.from_public_bytes(octets)


def secret_key(seed: bytes) -> MLDSA44PrivateKey:
    """Return the library's key of a seed of 32 octets."""
    return MLDSA44PrivateKey.from_seed_bytes(seed)
