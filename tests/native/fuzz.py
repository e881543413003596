"""A fuzz target for atheris: the native group and the others, given the same octets, do the same.

Every input is one operation. It decodes, multiplies, pairs or hashes on all groups, and any difference in
what comes back, a value or the reason of a refusal, is a finding; so is every error that is no refusal. What
is guided by coverage is the Python side, where the reference groups branch as the native code should.
`scripts/native-fuzz.sh` runs it.
"""

import importlib
import sys
from collections.abc import Callable, Sequence
from typing import Any

import zk_native as native

atheris: Any = importlib.import_module("atheris")

with atheris.instrument_imports(include=["bbs"]):
    from bbs import SHA_256, SHAKE_256, BbsError, DecodingError, groups
    from bbs.groups.bls12_381 import r
    from bbs.groups.protocol import Group, Terms
    from bbs.hashing import hash_to_curve_g1s, hash_to_scalar_octets
    from bbs.serialization import octets_to_pubkey

    # loaded here, since each is a module that is imported when it is first asked for
    BLST, ARKWORKS, PY_ECC = (groups.by_name(name) for name in ("blst", "arkworks", "py_ecc"))

ALL = (BLST, ARKWORKS, PY_ECC)

Outcome = Callable[[Group], object]


class Difference(Exception):
    """Two groups that do not agree; it shows what each did."""


def compare(act: Outcome, among: Sequence[Group] = ALL) -> object:
    """Return what all groups return, a value or a reason."""

    def outcome(group: Group) -> object:
        try:
            return act(group)
        except BbsError as error:
            return type(error).__name__, error.reason

    found = {group.name: outcome(group) for group in among}
    if any(each != found["blst"] for each in found.values()):
        raise Difference(found)
    return found["blst"]


def scalar(data: Any) -> int:
    """Return a scalar: small, near the order, or of any size and sign."""
    kind = data.ConsumeIntInRange(0, 3)
    if kind == 0:
        return int(data.ConsumeIntInRange(0, 3))
    if kind == 1:
        return r - int(data.ConsumeIntInRange(-3, 3))
    size = 16 if kind == 2 else 40
    value = int.from_bytes(data.ConsumeBytes(size))
    return -value if data.ConsumeBool() else value


def damaged(data: Any, valid: bytes) -> bytes:
    """Return octets of any kind: valid ones, with bits flipped, cut, extended, or none of that."""
    kind = data.ConsumeIntInRange(0, 4)
    if kind == 0:
        return bytes(data.ConsumeBytes(len(valid) + 8))
    value = int.from_bytes(valid)
    for _ in range(kind - 1):
        value ^= 1 << data.ConsumeIntInRange(0, 8 * len(valid) - 1)
    octets = value.to_bytes(len(valid))
    if data.ConsumeIntInRange(0, 9) == 0:
        return octets[: data.ConsumeIntInRange(0, len(octets))] + bytes(data.ConsumeBytes(3))
    return octets


def g1(data: Any) -> None:
    """Decode a compressed point, with and without the check of the subgroup."""
    octets = damaged(data, BLST.g1_to_octets(BLST.msm([BLST.BP1], [scalar(data)])))
    identity = data.ConsumeBool()

    def both(group: Group) -> object:
        (point,) = group.g1s_from_octets_unchecked_subgroup([octets], identity=identity)
        if group.g1_to_octets(point) != octets:
            raise Difference(group.name, octets)
        return group.g1_to_octets(group.g1_from_octets(octets, identity=identity))

    compare(both)


def outside(data: Any) -> None:
    """Add up points of the curve, in the subgroup or not, and clear the cofactor."""
    drawn = [(data.ConsumeBytes(48), scalar(data)) for _ in range(data.ConsumeIntInRange(0, 40))]
    drawn = [(bytes([octets[0] & 0x3F | 0x80]) + octets[1:], k) for octets, k in drawn if len(octets) == 48]

    def add(group: Group) -> object:
        points, scalars = list[Any](), list[int]()
        for octets, k in drawn:
            try:
                points += group.g1s_from_octets_unchecked_subgroup([octets])
            except DecodingError:
                continue
            scalars.append(k)
        return group.g1s_to_octets(group.clear_cofactor([*points, group.msm(points, scalars)]))

    compare(add, ALL if len(drawn) < 4 else (BLST, ARKWORKS))


def g1_uncompressed(data: Any) -> None:
    """Decode an uncompressed point, with and without the check of the subgroup."""
    octets = damaged(data, BLST.g1s_to_octets_uncompressed([BLST.msm([BLST.BP1], [scalar(data)])]))
    identity = data.ConsumeBool()

    def both(group: Group) -> object:
        (point,) = group.g1s_from_octets_uncompressed_unchecked_subgroup([octets], identity=identity)
        if group.g1s_to_octets_uncompressed([point]) != octets:
            raise Difference(group.name, octets)
        (point,) = group.g1s_from_octets_uncompressed([octets], identity=identity)
        return group.g1s_to_octets([point])

    compare(both)


def public_key(data: Any) -> None:
    """Decode a point of G2 as such and as a public key."""
    key = BLST.secret_key((scalar(data) % (r - 1) + 1).to_bytes(32))
    octets = damaged(data, BLST.g2_to_octets(key.public_key()))
    identity = data.ConsumeBool()
    compare(lambda group: group.g2_to_octets(group.g2_from_octets(octets, identity=identity)))
    compare(lambda group: group.g2_to_octets(octets_to_pubkey(octets, suite=SHA_256.with_group(group))))


def secret_key(data: Any) -> None:
    """Take in a secret key, derive its public key and divide by it."""
    octets = damaged(data, (scalar(data) % r).to_bytes(32))
    e = scalar(data) if data.ConsumeBool() else -int.from_bytes(octets)

    def use(group: Group) -> object:
        key = group.secret_key(octets)
        quotient = group.g1_to_octets(key.divide(group.BP1, e))
        return key.to_octets_secret(), group.g2_to_octets(key.public_key()), quotient

    compare(use)


def sums(data: Any) -> None:
    """Add up points times scalars and prepared bases times theirs, in one call and one by one."""

    def drawn(most: int) -> list[int]:
        return [scalar(data) for _ in range(data.ConsumeIntInRange(0, most))]

    lists = [
        (drawn(3), drawn(3), drawn(3), drawn(3) if data.ConsumeBool() else None)
        for _ in range(data.ConsumeIntInRange(1, 2))
    ]
    secret, repeats = data.ConsumeBool(), 6 if data.ConsumeBool() else 1

    def add(group: Group) -> object:
        def points(factors: Sequence[int]) -> Any:
            return [group.msm([group.BP1], [factor]) for factor in factors]

        terms = [
            Terms(points(factors), scalars, None if bases is None else group.prepare(points(bases)), fixed)
            for factors, scalars, fixed, bases in lists
        ]
        together = group.g1s_to_octets(group.msms(terms, secret=secret))
        for _ in range(repeats if group is BLST else 1):
            if together != group.g1s_to_octets([group.msm(*each, secret=secret) for each in terms]):
                raise Difference(group.name, lists)
        return together

    compare(add)


def pairing(data: Any) -> None:
    """Multiply two pairings, of which the second may undo the first."""
    a, b = scalar(data), scalar(data) % (r - 1) + 1
    c = a * b + (0 if data.ConsumeBool() else scalar(data))

    def multiply(group: Group) -> object:
        key = group.prepare_g2(group.secret_key(b.to_bytes(32)).public_key())
        first, second = (group.msm([group.BP1], [factor]) for factor in (a, c))
        return group.pairing_product_is_one([(first, key), (second, group.BP2_negated)])

    # the reference takes a second or two for each
    holds = compare(multiply, ALL if data.ConsumeIntInRange(0, 19) == 0 else (BLST, ARKWORKS))
    if holds != ((c - a * b) % r == 0):
        raise Difference(holds, a, b, c)


def hashing(data: Any) -> None:
    """Hash to scalars and to points."""
    suite = SHA_256 if data.ConsumeBool() else SHAKE_256
    dst = bytes(data.ConsumeBytes(data.ConsumeIntInRange(0, 260)))
    messages = [bytes(data.ConsumeBytes(data.ConsumeIntInRange(0, 80))) for _ in range(2)]
    compare(lambda group: hash_to_scalar_octets(messages, dst, suite=suite.with_group(group)))
    compare(
        lambda group: group.g1s_to_octets(hash_to_curve_g1s(messages[:1], dst, suite=suite.with_group(group)))
    )


def inverse(data: Any) -> None:
    """Invert a scalar."""
    value = scalar(data)
    compare(lambda group: group.invert(value))


def raw(data: Any) -> None:
    """Give the module itself octets of any length for scalars: it takes them or refuses them, no more."""
    g = native.g1_generator()
    octets = [bytes(data.ConsumeBytes(data.ConsumeIntInRange(0, 70))) for _ in range(3)]
    bases = native.PreparedBases([g] * data.ConsumeIntInRange(0, 2)) if data.ConsumeBool() else None
    points, secret = [g] * data.ConsumeIntInRange(0, 2), data.ConsumeBool()
    key = native.SecretKey.from_octets(bytes(31) + b"\x05")
    acts: list[Callable[[], object]] = [
        lambda: native.msm(points, octets[0], bases, octets[1], secret),
        lambda: native.msms([(points, octets[0], bases, octets[1]), ([], b"", None, b"")], secret),
        lambda: native.invert_scalar(octets[2]),
        lambda: native.map_to_g1(octets[0], octets[1]),
        lambda: key.divide(g, octets[2]),
        lambda: native.expand_messages(octets, octets[0], len(octets[1]) * 1000, "xmd-sha-256"),
        lambda: native.g1s_from_octets(octets, secret, False),
        lambda: native.g1s_from_octets_uncompressed(octets, secret, False),
        lambda: native.g2s_from_octets(octets, secret),
    ]
    for act in acts:
        try:
            act()
        except native.NativeError as error:
            if error.args[0] not in _REASONS:
                raise


_REASONS = {
    "COUNT_MISMATCH",
    "INVALID_LENGTH",
    "INVALID_SCALAR",
    "INVALID_POINT",
    "NOT_IN_SUBGROUP",
    "IDENTITY_POINT",
    "INVALID_DST",
    "INPUT_TOO_LONG",
    "DEGENERATE",
}
_OPERATIONS = (g1, g1_uncompressed, outside, public_key, secret_key, sums, pairing, hashing, inverse, raw)


def run(octets: bytes) -> None:
    """Do the operation that the first octet chooses with the rest."""
    data = atheris.FuzzedDataProvider(octets)
    _OPERATIONS[data.ConsumeIntInRange(0, len(_OPERATIONS) - 1)](data)


if __name__ == "__main__":
    atheris.Setup(sys.argv, run)
    atheris.Fuzz()
