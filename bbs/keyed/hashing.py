"""Hashing to scalars and to points of a curve, by RFC 9380 (sections 3, 5.2, 5.3.1 and 6.6.2).

Not constant-time: what is hashed here is public.
"""

from bbs.hashing import expand_message_xmd
from bbs.keyed.curves import Curve

_L = 48
"""Octets for one element of a field or of the scalars: 256 bits and 128 more against bias."""


def hash_to_scalar(octets: bytes, dst: bytes, curve: Curve) -> int:
    """Hash octets to a scalar in [0, n); InputError INVALID_DST."""
    return int.from_bytes(expand_message_xmd(octets, dst, _L, curve.digest)) % curve.n


def hash_to_field(octets: bytes, dst: bytes, curve: Curve) -> tuple[int, int]:
    """Hash octets to two elements of the field (section 5.2); InputError INVALID_DST."""
    uniform = expand_message_xmd(octets, dst, 2 * _L, curve.digest)
    return int.from_bytes(uniform[:_L]) % curve.p, int.from_bytes(uniform[_L:]) % curve.p


def map_to_curve(u: int, curve: Curve) -> tuple[int, int]:
    """Map an element of the field to the affine coordinates of a point (section 6.6.2)."""
    p, a, b, Z = curve.p, curve.a, curve.b, curve.Z
    Zu2 = Z * u * u % p
    denominator = (Zu2 * Zu2 + Zu2) % p
    x = b * pow(Z * a, -1, p) % p  # the exceptional case
    if denominator:
        x = -b * pow(a, -1, p) * (1 + pow(denominator, -1, p)) % p
    y = _square_root(_right_side(x, curve), p)
    if y is None:
        x = Zu2 * x % p
        y = _square_root(_right_side(x, curve), p)
    if y is None:
        raise ArithmeticError("the curve's Z is wrong: one of the two is a square")
    return x, y if y % 2 == u % 2 else p - y


def _right_side(x: int, curve: Curve) -> int:
    return ((x * x + curve.a) * x + curve.b) % curve.p


def _square_root(value: int, p: int) -> int | None:
    """Return a square root modulo p, which is 3 modulo 4, or None."""
    root = pow(value, (p + 1) // 4, p)
    return root if root * root % p == value else None
