"""The engine's encoding (Protocol Buffers, spec/core/encoding), as far as headers and votes need it.

Fields that are zero or empty are left out, as there; what is never left out says so.
"""

import hashlib
from collections.abc import Sequence

from tlog.merkle import leaf_hash, root_of

Time = tuple[int, int]
"""Seconds since 1970 and nanoseconds."""


def varint(value: int) -> bytes:
    """Encode an integer, a negative one as 64 bits of its two's complement."""
    value &= (1 << 64) - 1
    octets = bytearray()
    while value > 0x7F:
        octets.append(value & 0x7F | 0x80)
        value >>= 7
    octets.append(value)
    return bytes(octets)


def number(field: int, value: int) -> bytes:
    """Encode a field of a variable length integer."""
    return varint(field << 3) + varint(value) if value else b""


def fixed(field: int, value: int) -> bytes:
    """Encode a field of eight octets (sfixed64)."""
    return varint(field << 3 | 1) + value.to_bytes(8, "little", signed=True) if value else b""


def octets(field: int, value: bytes) -> bytes:
    """Encode a field of octets or text."""
    return message(field, value) if value else b""


def message(field: int, value: bytes) -> bytes:
    """Encode a field that is never left out."""
    return varint(field << 3 | 2) + varint(len(value)) + value


def time(value: Time) -> bytes:
    """Encode a google.protobuf.Timestamp."""
    seconds, nanoseconds = value
    return number(1, seconds) + number(2, nanoseconds)


def merkle_root(items: Sequence[bytes]) -> bytes:
    """Hash a list (spec/core/data_structures, MerkleRoot: the tree of RFC 6962)."""
    return root_of([leaf_hash(each) for each in items]) if items else hashlib.sha256().digest()
