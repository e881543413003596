"""Octets that must be refused. Each case names the valid vector that it is made from."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import py_ecc.optimized_bls12_381 as ecc
import pytest
from py_ecc.bls import point_compression
from py_ecc.fields import optimized_bls12_381_FQ as FQ
from py_ecc.fields import optimized_bls12_381_FQ2 as FQ2

import bbs
from bbs import BbsError, Ciphersuite, DecodingError, InputError, groups
from bbs.errors import Reason
from bbs.groups.bls12_381 import p, r
from bbs.groups.protocol import Group
from bbs.serialization import (
    Proof,
    Signature,
    octets_to_proof,
    octets_to_pubkey,
    octets_to_signature,
    proof_to_octets,
    signature_to_octets,
)
from tests.bbs.mocked import GROUPS, load, octets

H1 = 0x396C8C005555E1568C00AAAB0000AAAB
H2 = 0x5D543A95414E7F1091D50792876A202CD91DE4547085ABAA68A205B2E5A7DDFA628F1CB4D9E82EF21537E293A6691AE1616EC6E786F0C70CF1C38E31C7238E5  # noqa: E501
G1_SMALL_ORDERS = [3, 11, 10177, 859267, 52437899]
G2_SMALL_ORDERS = [13, 23, 2713, 11953, 262069]
IDENTITY_G1, IDENTITY_G2 = b"\xc0" + bytes(47), b"\xc0" + bytes(95)
R = r.to_bytes(32)


def compress_g1(point: Any) -> bytes:
    return int(point_compression.compress_G1(point)).to_bytes(48)


def compress_g2(point: Any) -> bytes:
    return b"".join(int(half).to_bytes(48) for half in point_compression.compress_G2(point))


def decompress_g1(encoding: bytes) -> Any:
    return point_compression.decompress_G1(int.from_bytes(encoding))


def decompress_g2(encoding: bytes) -> Any:
    return point_compression.decompress_G2((int.from_bytes(encoding[:48]), int.from_bytes(encoding[48:])))


def curve_points_g1() -> Any:
    """Points of E1 with small x, nearly all outside the subgroup."""
    for x in range(1, 1000):
        y = pow(x**3 + 4, (p + 1) // 4, p)
        if (y * y - x**3 - 4) % p == 0:
            yield FQ(x), FQ(y), FQ(1)


def curve_points_g2() -> Any:
    for x in range(1, 1000):
        y = point_compression.modular_squareroot_in_FQ2(FQ2([x, 1]) ** 3 + ecc.b2)
        if y is not None:
            yield FQ2([x, 1]), y, FQ2([1, 0])


def of_order(order: int, cofactor: int, points: Any) -> Any:
    """Return a point of exactly this prime order."""
    rest = cofactor * r
    assert cofactor % order == 0
    while rest % order == 0:
        rest //= order
    for point in points:
        candidate = ecc.multiply(point, rest)
        if ecc.is_inf(candidate):
            continue
        while not ecc.is_inf(smaller := ecc.multiply(candidate, order)):
            candidate = smaller
        return candidate
    raise AssertionError(order)


@cache
def small_g1(order: int) -> Any:
    return of_order(order, H1, curve_points_g1())


@cache
def small_g2(order: int) -> Any:
    return of_order(order, H2, curve_points_g2())


def flags(encoding: bytes, *, set_: int = 0, clear: int = 0) -> bytes:
    return bytes([encoding[0] & ~clear | set_]) + encoding[1:]


def off_curve(encoding: bytes) -> bytes:
    """Step x until there is no point with it."""
    x = int.from_bytes(encoding[-48:])
    for candidate in range(x + 1, x + 100):
        changed = encoding[:-48] + candidate.to_bytes(48)
        try:
            decompress_g1(changed) if len(changed) == 48 else decompress_g2(changed)
        except ValueError:
            return changed
    raise AssertionError


def plus_p(encoding: bytes) -> bytes:
    """The same point of G2 with its second coordinate not reduced, or the nearest thing of G1: x = p."""
    if len(encoding) == 48:
        return flags(p.to_bytes(48), set_=0x80)
    return encoding[:48] + (int.from_bytes(encoding[48:]) + p).to_bytes(48)


G1_CHANGES: dict[str, tuple[Callable[[bytes], bytes], Reason]] = {
    "identity": (lambda _: IDENTITY_G1, Reason.IDENTITY_POINT),
    "identity with the sign flag": (lambda _: flags(IDENTITY_G1, set_=0x20), Reason.INVALID_POINT),
    "identity with a stray bit": (lambda _: IDENTITY_G1[:-1] + b"\x01", Reason.INVALID_POINT),
    "identity, not compressed": (lambda _: b"\x40" + bytes(47), Reason.INVALID_POINT),
    "zeros": (lambda _: bytes(48), Reason.INVALID_POINT),
    "no compression flag": (lambda A: flags(A, clear=0x80), Reason.INVALID_POINT),
    "infinity flag on a point": (lambda A: flags(A, set_=0x40), Reason.INVALID_POINT),
    "x not less than p": (plus_p, Reason.INVALID_POINT),
    "largest x": (lambda _: b"\x9f" + b"\xff" * 47, Reason.INVALID_POINT),
    "not on the curve": (off_curve, Reason.INVALID_POINT),
    "outside the subgroup": (lambda _: compress_g1(next(curve_points_g1())), Reason.NOT_IN_SUBGROUP),
    "x = 0": (lambda _: b"\x80" + bytes(47), Reason.NOT_IN_SUBGROUP),
} | {
    f"of order {q}": (lambda _, q=q: compress_g1(small_g1(q)), Reason.NOT_IN_SUBGROUP)
    for q in G1_SMALL_ORDERS
} | {
    f"plus a point of order {q}": (
        lambda A, q=q: compress_g1(ecc.add(decompress_g1(A), small_g1(q))),
        Reason.NOT_IN_SUBGROUP,
    )
    for q in G1_SMALL_ORDERS
}  # fmt: skip

G2_CHANGES: dict[str, tuple[Callable[[bytes], bytes], Reason]] = {
    "identity": (lambda _: IDENTITY_G2, Reason.IDENTITY_POINT),
    "identity with the sign flag": (lambda _: flags(IDENTITY_G2, set_=0x20), Reason.INVALID_POINT),
    "identity with a stray bit": (lambda _: IDENTITY_G2[:-1] + b"\x01", Reason.INVALID_POINT),
    "zeros": (lambda _: bytes(96), Reason.INVALID_POINT),
    "no compression flag": (lambda W: flags(W, clear=0x80), Reason.INVALID_POINT),
    "infinity flag on a point": (lambda W: flags(W, set_=0x40), Reason.INVALID_POINT),
    "flag in the second half": (lambda W: W[:48] + flags(W[48:], set_=0x80), Reason.INVALID_POINT),
    "second half not less than p": (plus_p, Reason.INVALID_POINT),
    "first half not less than p": (lambda W: b"\x9f" + b"\xff" * 47 + W[48:], Reason.INVALID_POINT),
    "not on the curve": (off_curve, Reason.INVALID_POINT),
    "outside the subgroup": (lambda _: compress_g2(next(curve_points_g2())), Reason.NOT_IN_SUBGROUP),
    "one octet less": (lambda W: W[:-1], Reason.INVALID_LENGTH),
    "one octet more": (lambda W: W + b"\x00", Reason.INVALID_LENGTH),
    "empty": (lambda _: b"", Reason.INVALID_LENGTH),
    "a point of G1": (lambda W: W[:48], Reason.INVALID_LENGTH),
} | {
    f"of order {q}": (lambda _, q=q: compress_g2(small_g2(q)), Reason.NOT_IN_SUBGROUP)
    for q in G2_SMALL_ORDERS
} | {
    f"plus a point of order {q}": (
        lambda W, q=q: compress_g2(ecc.add(decompress_g2(W), small_g2(q))),
        Reason.NOT_IN_SUBGROUP,
    )
    for q in G2_SMALL_ORDERS
}  # fmt: skip

SCALAR_CHANGES: dict[str, bytes] = {
    "0": bytes(32),
    "r": R,
    "r + 1": (r + 1).to_bytes(32),
    "2^256 - 1": b"\xff" * 32,
}


@dataclass(frozen=True)
class Case:
    """One refusal: what is changed at which offset of the valid octets, and why it is refused."""

    name: str
    change: Callable[[bytes], bytes]
    reason: Reason

    def __str__(self) -> str:
        return self.name.replace(" ", "_")


def at(offset: int, size: int, change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    return lambda whole: whole[:offset] + change(whole[offset : offset + size]) + whole[offset + size :]


def changes(points: dict[str, int], scalars: dict[str, int], lengths: list[int]) -> list[Case]:
    cases = [
        Case(f"{field} {name}", at(offset, 48, change), reason)
        for field, offset in points.items()
        for name, (change, reason) in G1_CHANGES.items()
    ]
    cases += [
        Case(f"{field} = {name}", at(offset, 32, lambda _, v=value: v), Reason.INVALID_SCALAR)  # type: ignore[misc]
        for field, offset in scalars.items()
        for name, value in SCALAR_CHANGES.items()
    ]
    cases += [
        Case(f"{n} octets", lambda whole, n=n: (whole + bytes(64))[:n], Reason.INVALID_LENGTH)  # type: ignore[misc]
        for n in lengths
    ]
    return cases


SIGNATURE_CASES = changes({"A": 0}, {"e": 48}, [0, 1, 48, 79, 81, 112])
PROOF_CASES = changes(
    {"Abar": 0, "Bbar": 48, "D": 96},
    {"e^": 144, "r1^": 176, "r3^": 208, "first m^": 240, "last m^": 400, "c": 432},
    [0, 1, 144, 240, 271, 273, 463, 465],
)


def refused(reason: Reason, decode: Callable[[], object]) -> None:
    with pytest.raises(DecodingError) as caught:
        decode()
    assert caught.value.reason == reason


@pytest.mark.parametrize("case", SIGNATURE_CASES, ids=str)
def test_signature_refused_made_from_signature004(suite: Ciphersuite, case: Case) -> None:
    valid = bytes.fromhex(load(suite, "signature/signature004.json")["signature"])
    refused(case.reason, lambda: octets_to_signature(case.change(valid), suite=suite))


@pytest.mark.parametrize("case", PROOF_CASES, ids=str)
def test_proof_refused_made_from_proof003(suite: Ciphersuite, case: Case) -> None:
    valid = bytes.fromhex(load(suite, "proof/proof003.json")["proof"])
    refused(case.reason, lambda: octets_to_proof(case.change(valid), suite=suite))


@pytest.mark.parametrize("name", G2_CHANGES)
def test_public_key_refused_made_from_keypair(suite: Ciphersuite, name: str) -> None:
    valid = bytes.fromhex(load(suite, "keypair.json")["keyPair"]["publicKey"])
    change, reason = G2_CHANGES[name]
    refused(reason, lambda: octets_to_pubkey(change(valid), suite=suite))


@pytest.mark.parametrize("value", [*SCALAR_CHANGES.values(), b"", bytes(31), b"\x01" * 33])
def test_secret_key_refused_made_from_keypair(suite: Ciphersuite, value: bytes) -> None:
    reason = Reason.INVALID_SCALAR if len(value) == 32 else Reason.INVALID_LENGTH
    refused(reason, lambda: bbs.sk_to_pk(value, suite=suite))


def test_the_interface_refuses_what_does_not_decode(suite: Ciphersuite) -> None:
    """Made from signature004 and proof003: one case of each kind, through the public operations."""
    data, shown = load(suite, "proof/proof003.json"), load(suite, "proof/proof003.json")["disclosedIndexes"]
    names = ["signerPublicKey", "signature", "header", "presentationHeader", "proof"]
    pk, signature, header, ph, proof = octets([data[name] for name in names])
    messages = octets(data["messages"])
    disclosed = [messages[i] for i in shown]

    def proves(pk: bytes, proof: bytes) -> None:
        bbs.proof_verify(pk, proof, header, ph, disclosed, shown, suite=suite)

    refused(Reason.IDENTITY_POINT, lambda: proves(IDENTITY_G2, proof))
    refused(Reason.IDENTITY_POINT, lambda: proves(pk, IDENTITY_G1 + proof[48:]))
    refused(Reason.INVALID_LENGTH, lambda: proves(pk, proof[:-1]))
    refused(Reason.INVALID_SCALAR, lambda: proves(pk, proof[:-32] + bytes(32)))
    refused(Reason.IDENTITY_POINT, lambda: bbs.verify(IDENTITY_G2, signature, header, messages, suite=suite))
    broken = signature[:48] + R
    refused(Reason.INVALID_SCALAR, lambda: bbs.verify(pk, broken, header, messages, suite=suite))
    refused(
        Reason.INVALID_SCALAR, lambda: bbs.proof_gen(pk, broken, header, ph, messages, shown, suite=suite)
    )


def test_what_decodes_encodes_to_the_same(suite: Ciphersuite) -> None:
    signature = bytes.fromhex(load(suite, "signature/signature004.json")["signature"])
    proof = bytes.fromhex(load(suite, "proof/proof003.json")["proof"])
    pk = bytes.fromhex(load(suite, "keypair.json")["keyPair"]["publicKey"])
    assert signature_to_octets(octets_to_signature(signature, suite=suite), suite=suite) == signature
    assert proof_to_octets(octets_to_proof(proof, suite=suite), suite=suite) == proof
    assert suite.group.g2_to_octets(octets_to_pubkey(pk, suite=suite)) == pk


@pytest.mark.parametrize("wrong", [0, r, -1])
def test_values_out_of_range_cannot_be_built(wrong: int) -> None:
    point = groups.default().BP1
    with pytest.raises(InputError, match="SCALAR_OUT_OF_RANGE"):
        Signature(point, wrong)
    for position in range(5):
        scalars = [1, 1, 1, 1, 1]
        scalars[position] = wrong
        e_hat, r1_hat, r3_hat, m_hat, c = scalars
        with pytest.raises(InputError, match="SCALAR_OUT_OF_RANGE"):
            Proof(point, point, point, e_hat, r1_hat, r3_hat, (m_hat,), c)


@pytest.mark.parametrize("group", [groups.by_name(name) for name in GROUPS], ids=GROUPS)
def test_the_identity_decodes_only_where_it_is_allowed(group: Group) -> None:
    point = group.g1_from_octets(IDENTITY_G1, identity=True)
    assert group.is_identity(point)
    assert group.g1_to_octets(point) == IDENTITY_G1
    assert group.g2_to_octets(group.g2_from_octets(IDENTITY_G2, identity=True)) == IDENTITY_G2
    one, two = group.g1_to_octets(group.BP1), IDENTITY_G1
    assert [group.is_identity(q) for q in group.g1s_from_octets([one, two], identity=True)] == [False, True]
    with pytest.raises(DecodingError, match="IDENTITY_POINT"):
        group.g1s_from_octets([one, two])
    with pytest.raises(DecodingError, match="IDENTITY_POINT"):
        group.g2s_from_octets([IDENTITY_G2])


def test_errors_say_their_reason_first() -> None:
    error = DecodingError(Reason.INVALID_POINT, "why")
    assert (error.reason, str(error)) == ("INVALID_POINT", "INVALID_POINT: why")
    assert isinstance(error, BbsError)
    assert all(reason.value == reason.name for reason in Reason)
