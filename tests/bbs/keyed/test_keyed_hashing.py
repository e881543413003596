"""Hashing to the curves: RFC 9380's vectors for P-256, and its procedure for Z, for P-256 and for SM2."""

import hashlib

import pytest

from bbs.errors import InputError
from bbs.hashing import expand_message_xmd
from bbs.keyed import P256, SM2, Curve, KeyedSuite
from bbs.keyed.curves import _sm3
from bbs.keyed.hashing import hash_to_field, hash_to_scalar, map_to_curve

DST = b"QUUX-V01-CS02-with-P256_XMD:SHA-256_SSWU_RO_"
VECTORS = [
    (
        b"",
        "2c15230b26dbc6fc9a37051158c95b79656e17a1a920b11394ca91c44247d3e4",
        "8a7a74985cc5c776cdfe4b1f19884970453912e9d31528c060be9ab5c43e8415",
    ),
    (
        b"abc",
        "0bb8b87485551aa43ed54f009230450b492fead5f1cc91658775dac4a3388a0f",
        "5c41b3d0731a27a7b14bc0bf0ccded2d8751f83493404c84a88e71ffd424212e",
    ),
    (
        b"abcdef0123456789",
        "65038ac8f2b1def042a5df0b33b1f4eca6bff7cb0f9c6c1526811864e544ed80",
        "cad44d40a656e7aff4002a8de287abc8ae0482b5ae825822bb870d6df9b56ca3",
    ),
    (
        b"q128_" + b"q" * 128,
        "4be61ee205094282ba8a2042bcb48d88dfbb609301c49aa8b078533dc65a0b5d",
        "98f8df449a072c4721d241a3b1236d3caccba603f916ca680f4539d2bfb3c29e",
    ),
    (
        b"a512_" + b"a" * 512,
        "457ae2981f70ca85d8e24c308b14db22f3e3862c5ea0f652ca38b5e49cd64bc5",
        "ecb9f0eadc9aeed232dabc53235368c1394c78de05dd96893eefa62b0f4757dc",
    ),
]
"""RFC 9380, appendix J.1.1: message, x and y of P."""
FIELD = [
    (
        b"",
        "ad5342c66a6dd0ff080df1da0ea1c04b96e0330dd89406465eeba11582515009",
        "8c0f1d43204bd6f6ea70ae8013070a1518b43873bcd850aafa0a9e220e2eea5a",
        "ab640a12220d3ff283510ff3f4b1953d09fad35795140b1c5d64f313967934d5",
        "dccb558863804a881d4fff3455716c836cef230e5209594ddd33d85c565b19b1",
    ),
    (
        b"abc",
        "afe47f2ea2b10465cc26ac403194dfb68b7f5ee865cda61e9f3e07a537220af1",
        "379a27833b0bfe6f7bdca08e1e83c760bf9a338ab335542704edcd69ce9e46e0",
        "5219ad0ddef3cc49b714145e91b2f7de6ce0a7a7dc7406c7726c7e373c58cb48",
        "7950144e52d30acbec7b624c203b1996c99617d0b61c2442354301b191d93ecf",
    ),
]
"""The same appendix: message, u[0], u[1], x and y of Q0."""


@pytest.mark.parametrize(("message", "x", "y"), VECTORS, ids=lambda _: "")
def test_the_points_of_the_rfc(message: bytes, x: str, y: str) -> None:
    suite = KeyedSuite(P256)
    (point,) = suite.hash_to_points([message], DST)
    assert suite.group.g1s_to_octets_uncompressed([point]).hex() == "04" + x + y


@pytest.mark.parametrize(("message", "u0", "u1", "x", "y"), FIELD, ids=lambda _: "")
def test_the_field_elements_and_the_map_of_the_rfc(message: bytes, u0: str, u1: str, x: str, y: str) -> None:
    assert hash_to_field(message, DST, P256) == (int(u0, 16), int(u1, 16))
    assert map_to_curve(int(u0, 16), P256) == (int(x, 16), int(y, 16))


def test_sm3_is_sm3() -> None:
    """GB/T 32905-2016, appendix A: its two examples."""
    assert _sm3(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert _sm3(b"abcd" * 16).hex() == "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"
    assert expand_message_xmd(b"m", b"dst", 200, _sm3) != expand_message_xmd(b"m", b"dst", 200)


@pytest.mark.parametrize("curve", [P256, SM2], ids=lambda curve: curve.name)
def test_every_element_of_the_field_maps_to_the_curve(curve: Curve) -> None:
    """Among them the exceptional ones: 0, and the u with Z*u^2 = -1, if there are such."""
    group, p = KeyedSuite(curve).group, curve.p
    exceptional = [0]
    candidate = -pow(curve.Z, -1, p) % p
    root = pow(candidate, (p + 1) // 4, p)
    if root * root % p == candidate:
        exceptional += [root, p - root]
    random = [int.from_bytes(hashlib.sha256(bytes([i])).digest()) % p for i in range(100)]
    for u in (*exceptional, 1, p - 1, *random):
        x, y = map_to_curve(u, curve)
        group.point(x, y)
        assert y % 2 == u % 2 or y == 0
    assert len({map_to_curve(u, curve)[0] for u in random}) == len(random)


@pytest.mark.parametrize("curve", [P256, SM2], ids=lambda curve: curve.name)
def test_scalars_are_less_than_the_order_and_depend_on_everything(curve: Curve) -> None:
    every = [hash_to_scalar(message, dst, curve) for message in (b"", b"a", b"b") for dst in (b"d", b"e")]
    assert len(set(every)) == len(every)
    assert all(scalar < curve.n for scalar in every)
    assert max(scalar.bit_length() for scalar in every) > 250
    for dst in (b"", bytes(256)):
        with pytest.raises(InputError, match="INVALID_DST"):
            hash_to_scalar(b"", dst, curve)
        with pytest.raises(InputError, match="INVALID_DST"):
            KeyedSuite(curve).hash_to_points([b""], dst)


# --- the procedure of appendix H.2


def is_square(value: int, p: int) -> bool:
    return pow(value % p, (p - 1) // 2, p) in (0, 1)


def has_no_root(c1: int, c0: int, p: int) -> bool:
    """Tell whether f = x^3 + c1*x + c0 has no root modulo p: f and x^p - x have no factor in common.

    A cubic without a root is irreducible. Polynomials are lists of coefficients, the constant first.
    """

    def reduced(f: list[int]) -> list[int]:
        f = f + [0] * (5 - len(f))
        for degree in (4, 3):
            f[degree - 2] -= f[degree] * c1
            f[degree - 3] -= f[degree] * c0
        return [each % p for each in f[:3]]

    def squared(f: list[int]) -> list[int]:
        product = [0] * 5
        for i, a in enumerate(f):
            for j, b in enumerate(f):
                product[i + j] += a * b
        return reduced(product)

    power = [1, 0, 0]
    for bit in bin(p)[2:]:
        power = squared(power)
        if bit == "1":
            power = reduced([0, *power])
    return degree_in_common([c0, c1, 0, 1], [power[0], power[1] - 1, power[2]], p) == 0


def degree_in_common(f: list[int], g: list[int], p: int) -> int:
    """Return the degree of the greatest common divisor, by Euclid's algorithm."""
    while any(each % p for each in g):
        while not g[-1] % p:
            g.pop()
        while len(f) >= len(g):
            factor, shift = f[-1] * pow(g[-1], -1, p), len(f) - len(g)
            f = [(a - factor * (g[i - shift] if i >= shift else 0)) % p for i, a in enumerate(f)][:-1]
        f, g = g, f
    return len(f) - 1


def find_Z(curve: Curve) -> int:
    """Return the first of 1, -1, 2, -2, .. that meets the four criteria of RFC 9380, appendix H.2."""
    p, a, b = curve.p, curve.a, curve.b
    for candidate in (sign * k for k in range(1, 100) for sign in (1, -1)):
        if is_square(candidate, p) or candidate == -1:
            continue
        x = b * pow(candidate * a, -1, p)
        if has_no_root(a, (b - candidate) % p, p) and is_square(x**3 + a * x + b, p):
            return candidate % p
    raise AssertionError("no Z")


def test_irreducibility_is_decided_rightly() -> None:
    for p in (7, 11, 13):
        for c1 in range(p):
            for c0 in range(p):
                roots = [x for x in range(p) if (x**3 + c1 * x + c0) % p == 0]
                assert has_no_root(c1, c0, p) == (not roots)


def test_the_procedure_gives_the_registered_constant_for_p256_and_ours_for_sm2() -> None:
    assert find_Z(P256) == P256.Z == P256.p - 10
    assert find_Z(SM2) == SM2.Z == SM2.p - 9
