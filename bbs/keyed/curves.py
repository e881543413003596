"""The two curves: y^2 = x^3 + a*x + b over the integers modulo p, of prime order n, so without a cofactor.

P-256 with SHA-256 hashes by the suite P256_XMD:SHA-256_SSWU_RO_ (RFC 9380, section 8.2). For SM2 (GB/T
32918.5-2017, the recommended curve) with SM3 (GB/T 32905-2016) no suite is registered. Ours follows the same
section with SM3 in place of SHA-256, of which block and output have the same lengths, and with the Z that the
procedure of RFC 9380, appendix H.2, finds for this curve: the first in the order 1, -1, 2, -2, .. that is no
square, not -1, for which x^3 + a*x + b - Z is irreducible and the right side at b/(Z*a) is a square. It is
experimental: nobody but us has looked at it.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives import hashes


@dataclass(frozen=True, eq=False)
class Curve:
    """Parameters of a curve and of hashing to it; p is 3 modulo 4. A constant, equal to itself only.

    `nid` is the curve's number in OpenSSL, `Z` the constant of the map to the curve, `digest` the hash under
    expand_message_xmd, `identifier` what tells the suite of this curve from every other.
    """

    name: str
    identifier: bytes
    nid: int
    p: int
    a: int
    b: int
    n: int
    Z: int
    digest: Callable[[bytes], bytes]


def _sha_256(octets: bytes) -> bytes:
    return hashlib.sha256(octets).digest()


def _sm3(octets: bytes) -> bytes:
    # Not hashlib's: whether that has SM3 depends on how the interpreter was built.
    context = hashes.Hash(hashes.SM3())
    context.update(octets)
    return context.finalize()


_P256_P: Final = 2**256 - 2**224 + 2**192 + 2**96 - 1
_SM2_P: Final = 2**256 - 2**224 - 2**96 + 2**64 - 1

P256: Final = Curve(
    name="P-256",
    identifier=b"ZK_KEYED_P256_XMD:SHA-256_SSWU_RO_",
    nid=415,
    p=_P256_P,
    a=_P256_P - 3,
    b=0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    n=0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    Z=_P256_P - 10,
    digest=_sha_256,
)
"""NIST P-256 (SP 800-186, section 3.2.1.3)."""

SM2: Final = Curve(
    name="SM2",
    identifier=b"ZK_KEYED_EXPERIMENTAL_SM2_XMD:SM3_SSWU_RO_",
    nid=1172,
    p=_SM2_P,
    a=_SM2_P - 3,
    b=0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93,
    n=0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123,
    Z=_SM2_P - 9,
    digest=_sm3,
)
"""SM2, experimental."""
