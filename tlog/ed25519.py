"""Which 32 octets are taken as an Ed25519 public key (RFC 8032, section 5.1.3, decoded strictly).

Libraries verify under any 32 octets. Under a point of small order one signature holds for every message and
anybody can write it, and a point that has a second encoding is a second key for the same secret: neither is
taken. What is computed here is public.
"""

from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PUBLIC_KEY_OCTETS: Final = 32
SIGNATURE_OCTETS: Final = 64

_P: Final = 2**255 - 19
_D: Final = -121665 * pow(121666, -1, _P) % _P
_SIGN: Final = 1 << 255


def is_public_key(octets: bytes) -> bool:
    """Tell whether octets are the one encoding of a point of the curve whose order is not 1, 2, 4 or 8."""
    if len(octets) != PUBLIC_KEY_OCTETS:
        return False
    y = int.from_bytes(octets, "little") & (_SIGN - 1)
    if y >= _P or pow(_x_squared(y), (_P - 1) // 2, _P) == _P - 1:
        return False
    return not _has_small_order(
        y
    )  # the points with x = 0, whose sign could be written in two ways, are of these


def _x_squared(y: int) -> int:
    return (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P


def _has_small_order(y: int) -> bool:
    """Double three times; only the identity has y = 1. The y of a double follows from y alone."""
    for _ in range(3):
        x_squared = _x_squared(y)
        y = (y * y + x_squared) * pow(2 - y * y + x_squared, -1, _P) % _P
    return y == 1


def public_key(octets: bytes) -> Ed25519PublicKey:
    """Return the library's key."""
    return Ed25519PublicKey.from_public_bytes(octets)


def secret_key(seed: bytes) -> Ed25519PrivateKey:
    """Return the library's key of a seed of 32 octets."""
    return Ed25519PrivateKey.from_private_bytes(seed)
