"""The octets of epochs, pages and witnesses: each has one encoding, and every other one is refused."""

import hashlib
from collections.abc import Callable
from dataclasses import replace

import pytest

from bbs import SHA_256, SHAKE_256, DecodingError, InputError
from bbs.accumulator import (
    MAX_PAGE,
    MAX_REVOCATIONS,
    AccumulatorKey,
    Epoch,
    MembershipWitness,
    Page,
    Position,
    Revocation,
)
from bbs.groups.bls12_381 import p, r
from tests.bbs.accumulator.cases import department, handle, moved, same, secret, value
from tests.bbs.test_bbs_serialization import G1_SMALL_ORDERS

MINE = department([handle(i) for i in range(4)])
KEY = MINE.key
EPOCH, PAGE, WITNESS = MINE.epochs[-1], MINE.page(0, 4), MINE.witness(handle(9))
NAME = bytes([len(SHA_256.ciphersuite_id)]) + SHA_256.ciphersuite_id + KEY.octets
IDENTITY = b"\x40" + bytes(95)

Decode = Callable[[bytes], object]
KINDS: dict[str, tuple[Decode, bytes]] = {
    "epoch": (lambda octets: Epoch.from_octets(octets, key=KEY), EPOCH.octets),
    "page": (lambda octets: Page.from_octets(octets, key=KEY), PAGE.to_octets()),
    "witness": (lambda octets: MembershipWitness.from_octets(octets, key=KEY), WITNESS.to_octets_secret()),
}


def outcome(decode: Decode, octets: bytes) -> str:
    try:
        decode(octets)
    except DecodingError as error:
        return error.reason
    return "OK"


def test_what_is_encoded_comes_back() -> None:
    assert Epoch.from_octets(EPOCH.octets, key=KEY) == EPOCH
    assert Page.from_octets(PAGE.to_octets(), key=KEY) == PAGE
    assert Page.of(KEY, 0, PAGE.revocations) == PAGE
    assert same(MembershipWitness.from_octets(WITNESS.to_octets_secret(), key=KEY), WITNESS)


def test_the_layout() -> None:
    position = (4).to_bytes(8) + MINE.now.V_octets + MINE.now.digest
    numbers = (1).to_bytes(8) + (3600).to_bytes(8)
    assert EPOCH.octets == b"zk-revocation/epoch/v1\n" + NAME + numbers + position
    assert EPOCH.digest == hashlib.sha256(EPOCH.octets).digest()
    assert PAGE.to_octets() == b"zk-revocation/page/v1\n" + NAME + bytes(8) + b"".join(MINE.pairs)
    C = KEY.group.g1s_to_octets_uncompressed([WITNESS.C])
    assert WITNESS.to_octets_secret() == (
        b"zk-revocation/witness/v1\n" + NAME + handle(9).to_bytes(32) + C + position
    )
    digest = hashlib.sha256(b"zk-revocation/start/v1\n" + NAME).digest()
    for pair in MINE.pairs:
        digest = hashlib.sha256(b"zk-revocation/entry/v1\n" + digest + pair).digest()
    assert MINE.now.digest == digest
    assert [pair[:32] for pair in MINE.pairs] == [handle(i).to_bytes(32) for i in range(4)]


@pytest.mark.parametrize("kind", KINDS)
def test_octets_of_another_kind_suite_or_accumulator_are_refused(kind: str) -> None:
    decode, octets = KINDS[kind]
    for other, (_, theirs) in KINDS.items():
        assert outcome(decode, theirs) == ("OK" if other == kind else "INVALID_LABEL")
    label = octets.index(b"\n") + 1
    for at in range(label + len(NAME)):
        changed = octets[:at] + bytes([octets[at] ^ 1]) + octets[at + 1 :]
        assert outcome(decode, changed) == "INVALID_LABEL"
    foreign = octets.replace(KEY.octets, secret(b"S").key.octets)
    shake = octets.replace(NAME, AccumulatorKey(SHAKE_256, KEY.octets).label(b""))
    assert {outcome(decode, each) for each in (foreign, shake, b"", octets[: label + 5])} == {"INVALID_LABEL"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_other_length_is_refused(kind: str) -> None:
    decode, octets = KINDS[kind]
    start = octets.index(b"\n") + 1 + len(NAME)
    for end in range(start, len(octets)):
        if kind == "page" and end > start + 8 and (end - start - 8) % 128 == 0:
            continue
        assert outcome(decode, octets[:end]) == "INVALID_LENGTH"
    assert outcome(decode, octets + b"\x00") == "INVALID_LENGTH"
    with pytest.raises(InputError, match="INVALID_TYPE"):
        decode(bytearray(octets))  # type: ignore[arg-type]


POINTS = {
    "the identity": (IDENTITY, "IDENTITY_POINT"),
    "zeros": (bytes(96), "INVALID_POINT"),
    "off the curve": (MINE.now.V_octets[:-1] + bytes([MINE.now.V_octets[-1] ^ 1]), "INVALID_POINT"),
    "a coordinate plus p": (
        MINE.now.V_octets[:48] + (int.from_bytes(MINE.now.V_octets[48:]) + p).to_bytes(48),
        "INVALID_POINT",
    ),
} | {
    f"plus a point of order {order}": (moved(MINE.now.V_octets, order), "NOT_IN_SUBGROUP")
    for order in G1_SMALL_ORDERS
}


@pytest.mark.parametrize("name", POINTS)
def test_every_point_is_checked(name: str) -> None:
    """In pages but for the subgroup, which is left to who uses the page; tests of pages and updates."""
    point, reason = POINTS[name]
    V = MINE.now.V_octets
    for kind in ("epoch", "witness"):
        decode, octets = KINDS[kind]
        assert outcome(decode, octets.replace(V, point)) == reason
    decode, octets = KINDS["page"]
    assert outcome(decode, octets.replace(V, point)) == (reason if reason != "NOT_IN_SUBGROUP" else "OK")
    decode, octets = KINDS["witness"]
    C = KEY.group.g1s_to_octets_uncompressed([WITNESS.C])
    assert outcome(decode, octets.replace(C, point)) == reason


@pytest.mark.parametrize("scalar", [0, r, 2**256 - 1])
def test_handles_are_canonical(scalar: int) -> None:
    for kind, y in (("page", handle(2)), ("witness", handle(9))):
        decode, octets = KINDS[kind]
        assert outcome(decode, octets.replace(y.to_bytes(32), scalar.to_bytes(32))) == "INVALID_SCALAR"
    with pytest.raises(InputError, match="SCALAR_OUT_OF_RANGE"):
        Revocation(scalar, MINE.now.V_octets)


def test_a_page_with_a_handle_twice_is_refused() -> None:
    decode, octets = KINDS["page"]
    twice = octets.replace(handle(3).to_bytes(32), handle(0).to_bytes(32))
    assert outcome(decode, twice) == "ALREADY_REVOKED"


def test_counts_end_with_the_list() -> None:
    start = len(b"zk-revocation/page/v1\n" + NAME)
    decode, octets = KINDS["page"]

    def page(first: int) -> bytes:
        return octets[:start] + first.to_bytes(8) + octets[start + 8 :]

    assert outcome(decode, page(MAX_REVOCATIONS - 4)) == "OK"
    for first in (MAX_REVOCATIONS - 3, MAX_REVOCATIONS, 2**20, 2**64 - 1):
        assert outcome(decode, page(first)) == "INVALID_COUNT"
    for kind in ("epoch", "witness"):
        decode, octets = KINDS[kind]
        for count in (2**20, 2**64 - 1):
            changed = octets.replace(
                (4).to_bytes(8) + MINE.now.V_octets, count.to_bytes(8) + MINE.now.V_octets
            )
            assert outcome(decode, changed) == "INVALID_COUNT"


def test_a_page_bounds_the_work_before_any_is_done() -> None:
    decode, octets = KINDS["page"]
    start = len(b"zk-revocation/page/v1\n" + NAME) + 8
    assert outcome(decode, octets[:start] + bytes(128 * (MAX_PAGE + 1))) == "INVALID_LENGTH"
    assert outcome(decode, octets[:start] + bytes(128)) == "INVALID_SCALAR"


def test_constructors_check_what_decoding_checks() -> None:
    now = MINE.now
    for changes, reason in (
        ({"count": -1}, "INVALID_COUNT"),
        ({"count": True}, "INVALID_COUNT"),
        ({"digest": now.digest[:-1]}, "INVALID_LENGTH"),
        ({"digest": "x"}, "INVALID_TYPE"),
        ({"V_octets": IDENTITY}, "IDENTITY_POINT"),
        ({"V_octets": now.V_octets[:-1]}, "INVALID_LENGTH"),
    ):
        with pytest.raises((DecodingError, InputError), match=reason):
            replace(now, **changes)
    for numbers in ((-1, 0), (0, -1), (2**64, 0), (0, 2**64), (1.0, 0), (0, True)):
        with pytest.raises(InputError, match="INVALID_COUNT"):
            Epoch(numbers[0], now, numbers[1])  # type: ignore[arg-type]
    for pairs, reason in (
        ((), "INVALID_LENGTH"),
        ((MINE.pairs[0][:-1],), "INVALID_LENGTH"),
        ((bytearray(MINE.pairs[0]),), "INVALID_TYPE"),
    ):
        with pytest.raises((DecodingError, InputError), match=reason):
            Page(KEY, 0, pairs)  # type: ignore[arg-type]
    with pytest.raises(DecodingError, match="INVALID_LENGTH"):
        Revocation(handle(0), b"")
    with pytest.raises(DecodingError, match="IDENTITY_POINT"):
        AccumulatorKey(SHA_256, b"\xc0" + bytes(95))


def test_epochs_differ_in_octets_and_digest_if_they_differ_in_anything() -> None:
    other = department([handle(7)], seed=b"S")
    near = Position(KEY, 5, MINE.now.V_octets, MINE.now.digest)
    epochs = [
        EPOCH,
        replace(EPOCH, number=2),
        replace(EPOCH, time=3601),
        replace(EPOCH, position=MINE.positions[2]),
        replace(EPOCH, position=near),
        replace(EPOCH, position=replace(near, count=4, digest=bytes(32))),
        replace(EPOCH, position=replace(near, count=4, V_octets=value(MINE.pairs[0]))),
        other.epochs[-1],
    ]
    assert len({each.digest for each in epochs}) == len({each.octets for each in epochs}) == len(epochs)


def test_an_epoch_follows_another_only_forwards() -> None:
    position, start = MINE.now, MINE.positions[0]
    assert EPOCH.followed_by(position, 3601) == Epoch(2, position, 3601)
    assert MINE.epochs[0].followed_by(position, 3600) == EPOCH
    lied = replace(position, V_octets=start.V_octets)
    theirs = department([handle(i) for i in range(9)], seed=b"S").now
    for following, time in ((position, 3600), (position, 0), (start, 4000), (lied, 4000), (theirs, 4000)):
        with pytest.raises(InputError, match="EPOCH_MISMATCH"):
            EPOCH.followed_by(following, time)
