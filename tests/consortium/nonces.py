"""Ed25519 (RFC 8032) with a nonce of the signer's choice: a text has as many signatures as nonces."""

import hashlib
from collections.abc import Iterable

from tlog import Signer
from tlog.note import SignatureLine

_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_BASE = (
    15112221349535400772501151409588531511454012693041857206046113283949847762202,
    4 * pow(5, -1, _P) % _P,
)


def signed_with(signer: Signer, text: str, nonces: Iterable[int]) -> bytes:
    """Return the note of a text with a line for each nonce."""
    lines = b"".join(
        SignatureLine(
            signer.name, signer.verifier.key_id, _signature(signer, text.encode(), nonce)
        ).to_bytes()
        for nonce in nonces
    )
    return text.encode() + b"\n" + lines


def _signature(signer: Signer, message: bytes, nonce: int) -> bytes:
    secret = int.from_bytes(hashlib.sha512(signer.to_secret()).digest()[:32], "little")
    secret = secret & ((1 << 254) - 8) | 1 << 254
    point = _encoded(_multiple(nonce))
    challenge = hashlib.sha512(point + signer.verifier.public_key + message).digest()
    scalar = (nonce + int.from_bytes(challenge, "little") * secret) % _ORDER
    return point + scalar.to_bytes(32, "little")


def _multiple(scalar: int) -> tuple[int, int]:
    found, power = (0, 1), _BASE
    while scalar:
        if scalar & 1:
            found = _sum(found, power)
        power, scalar = _sum(power, power), scalar >> 1
    return found


def _sum(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    (x, y), (u, v) = one, other
    both = _D * x * u * y * v % _P
    across = (x * v + u * y) * pow(1 + both, -1, _P) % _P
    along = (y * v + x * u) * pow(1 - both, -1, _P) % _P
    return across, along


def _encoded(point: tuple[int, int]) -> bytes:
    x, y = point
    return (y | (x & 1) << 255).to_bytes(32, "little")
