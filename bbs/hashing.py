"""Hashing to octets, scalars and points.

Sources: RFC 9380, sections 3, 5.2 and 5.3; draft-irtf-cfrg-bbs-signatures-09, section 4.2.2 (hash_to_scalar).
Tags longer than 255 octets are refused, as the draft's hash_to_scalar does, not hashed down.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from bbs.errors import InputError, Reason
from bbs.groups.bls12_381 import SCALAR_OCTETS, p
from bbs.groups.protocol import Expander, G1Point

if TYPE_CHECKING:
    from bbs.ciphersuite import Ciphersuite

_FIELD_EXPAND_LEN = 64


def _dst_prime(dst: bytes) -> bytes:
    if not 0 < len(dst) <= 255:
        raise InputError(Reason.INVALID_DST, "a domain separation tag has 1 to 255 octets")
    return dst + bytes([len(dst)])


def _sha_256(octets: bytes) -> bytes:
    return hashlib.sha256(octets).digest()


def expand_message_xmd(
    msg: bytes, dst: bytes, len_in_bytes: int, digest: Callable[[bytes], bytes] = _sha_256
) -> bytes:
    """Expand a message with SHA-256 (RFC 9380, section 5.3.1).

    `digest` may be another hash of 32 octets with blocks of 64: SM3 is one. Raises InputError INVALID_DST, or
    INPUT_TOO_LONG if more than 255 blocks of output are asked for.
    """
    dst_prime = _dst_prime(dst)
    ell = -(-len_in_bytes // 32)
    if ell > 255:
        raise InputError(Reason.INPUT_TOO_LONG, "the hash expands to 8160 octets at most")
    b_0 = digest(bytes(64) + msg + len_in_bytes.to_bytes(2) + b"\x00" + dst_prime)
    blocks = [digest(b_0 + b"\x01" + dst_prime)]
    for i in range(2, ell + 1):
        mixed = bytes(a ^ b for a, b in zip(b_0, blocks[-1], strict=True))
        blocks.append(digest(mixed + bytes([i]) + dst_prime))
    return b"".join(blocks)[:len_in_bytes]


def expand_message_xof(msg: bytes, dst: bytes, len_in_bytes: int) -> bytes:
    """Expand a message with SHAKE-256 (RFC 9380, section 5.3.2).

    Raises InputError INVALID_DST, or INPUT_TOO_LONG if more than 65535 octets of output are asked for.
    """
    dst_prime = _dst_prime(dst)
    if len_in_bytes > 65535:
        raise InputError(Reason.INPUT_TOO_LONG, "SHAKE-256 expands to 65535 octets at most")
    return hashlib.shake_256(msg + len_in_bytes.to_bytes(2) + dst_prime).digest(len_in_bytes)


_EXPANDERS: Final[dict[Callable[[bytes, bytes, int], bytes], Expander]] = {
    expand_message_xmd: "xmd-sha-256",
    expand_message_xof: "xof-shake-256",
}


def hash_to_scalar_octets(messages: Sequence[bytes], dst: bytes, *, suite: "Ciphersuite") -> bytes:
    """Hash each of some octets to a scalar (draft -09, section 4.2.2); 32 octets each, one after the other.

    In one call where the group has it. Raises InputError INVALID_DST.
    """
    expander = _EXPANDERS.get(suite.expand_message)
    if suite.group.hashing is not None and expander is not None:
        return suite.group.hashing.hash_to_scalars(messages, dst, expander)
    uniform = (suite.expand_message(message, dst, suite.expand_len) for message in messages)
    return b"".join((int.from_bytes(octets) % suite.r).to_bytes(SCALAR_OCTETS) for octets in uniform)


def hash_to_scalars(messages: Sequence[bytes], dst: bytes, *, suite: "Ciphersuite") -> list[int]:
    """Hash each of some octets to a scalar in [0, r), as `hash_to_scalar` does."""
    octets = hash_to_scalar_octets(messages, dst, suite=suite)
    starts = range(0, len(octets), SCALAR_OCTETS)
    return [int.from_bytes(octets[at : at + SCALAR_OCTETS]) for at in starts]


def hash_to_scalar(msg_octets: bytes, dst: bytes, *, suite: "Ciphersuite") -> int:
    """Hash octets to a scalar in [0, r) (draft -09, section 4.2.2). Raises InputError INVALID_DST."""
    return int.from_bytes(hash_to_scalar_octets((msg_octets,), dst, suite=suite))


def hash_to_curve_g1(msg: bytes, dst: bytes, *, suite: "Ciphersuite") -> G1Point:
    """Hash octets to a point of G1 (RFC 9380, section 3, with hash_to_field of section 5.2)."""
    return hash_to_curve_g1s((msg,), dst, suite=suite)[0]


def hash_to_curve_g1s(messages: Sequence[bytes], dst: bytes, *, suite: "Ciphersuite") -> list[G1Point]:
    """Hash each of some octets to a point of G1, in one call where the group has it."""
    expander = _EXPANDERS.get(suite.expand_message)
    if suite.group.hashing is not None and expander is not None:
        return suite.group.hashing.hash_to_g1s(messages, dst, expander)
    points = []
    for message in messages:
        uniform_bytes = suite.expand_message(message, dst, 2 * _FIELD_EXPAND_LEN)
        u0 = int.from_bytes(uniform_bytes[:_FIELD_EXPAND_LEN]) % p
        u1 = int.from_bytes(uniform_bytes[_FIELD_EXPAND_LEN:]) % p
        points.append(suite.group.map_to_g1(u0, u1))
    return points
