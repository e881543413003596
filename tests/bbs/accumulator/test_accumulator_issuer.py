"""Issuing and revoking: how the value changes, a handle is revoked once, a key is rotated in time."""

import copy
import pickle

import pytest

from bbs import SHA_256, SHAKE_256, BbsError, InputError, SecretKey
from bbs.accumulator import MAX_REVOCATIONS, AccumulatorKey, AccumulatorSecret, MembershipWitness, Position
from bbs.errors import DecodingError, VerificationError
from bbs.groups.bls12_381 import r
from bbs.hashing import hash_to_curve_g1
from tests.bbs.accumulator.cases import FAST, Department, department, handle, same, secret

MANY = [handle(i) for i in range(5)]


@pytest.fixture(params=FAST)
def group(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def test_issuing_changes_nothing_and_revoking_divides_the_value(group: str) -> None:
    mine = department(group=group)
    before = mine.now
    witnesses = [mine.witness(y) for y in MANY]
    assert mine.now == before
    mine.revoke(MANY[:2])
    a = int.from_bytes(mine.secret.to_octets_secret())
    divisor = (a + MANY[0]) * (a + MANY[1]) % r
    expected = mine.key.group.msm([before.V], [pow(divisor, -1, r)])
    assert mine.key.group.g1s_to_octets_uncompressed([expected]) == mine.now.V_octets
    for witness in witnesses:
        C = mine.key.group.msm([before.V], [pow(a + witness.y, -1, r)])
        assert same(witness, MembershipWitness(witness.y, C, before))


def test_all_groups_make_the_same_list() -> None:
    octets = {department(MANY[:2], group=group).epochs[-1].octets for group in (*FAST, "py_ecc")}
    assert len(octets) == 1


def test_the_first_value_follows_from_the_key_alone() -> None:
    key = secret().key
    point = hash_to_curve_g1(key.octets, SHA_256.ciphersuite_id + b"ZK_REVOCATION_V1_START_", suite=SHA_256)
    assert key.start.V_octets == key.group.g1s_to_octets_uncompressed([point])
    assert key.start.count == 0
    other = secret(b"S").key
    assert key.start.digest != other.start.digest
    assert key.start.V_octets != other.start.V_octets
    shake = AccumulatorKey(SHAKE_256, key.octets)
    assert key.start.digest != shake.start.digest
    assert key.start.V_octets != shake.start.V_octets


def test_a_key_of_its_own_even_from_the_same_randomness() -> None:
    mine = AccumulatorSecret.generate(suite=SHA_256, rng=bytes)
    theirs = SecretKey.generate(suite=SHA_256, rng=bytes)
    assert mine.to_octets_secret() != theirs.to_octets_secret()
    assert AccumulatorSecret.generate(suite=SHA_256).key != AccumulatorSecret.generate(suite=SHA_256).key


def test_a_handle_is_revoked_once() -> None:
    mine = department(MANY[:3])
    for handles in ([MANY[0]], [MANY[3], MANY[2]], [MANY[3], MANY[3]]):
        before = (mine.now, set(mine.revoked), list(mine.pairs))
        with pytest.raises(InputError, match="ALREADY_REVOKED"):
            mine.revoke(handles)
        assert (mine.now, mine.revoked, mine.pairs) == before


def test_revoked_twice_the_second_value_would_be_a_witness_for_the_revoked() -> None:
    """What the rule is for: the issuer that forgets the first revocation publishes this."""
    mine = department([MANY[0], MANY[1]])
    between = mine.now
    mine.revoked.clear()
    mine.revoke([MANY[0]])
    published = MembershipWitness(MANY[0], mine.now.V, between)
    assert published.verified() is published


def test_no_witness_for_a_revoked_handle() -> None:
    mine = department(MANY[:2])
    with pytest.raises(InputError, match="ALREADY_REVOKED"):
        mine.witness(MANY[0])


@pytest.mark.parametrize("y", [0, r, -1, r + 1, True, "1", None])
def test_a_handle_is_a_scalar_and_not_zero(y: object) -> None:
    mine = department()
    with pytest.raises(InputError, match="SCALAR_OUT_OF_RANGE"):
        mine.revoke([y])  # type: ignore[list-item]
    with pytest.raises(InputError, match="SCALAR_OUT_OF_RANGE"):
        mine.witness(y)  # type: ignore[arg-type]


@pytest.mark.parametrize("count", [0, 16385])
def test_a_page_is_revoked_at_once(count: int) -> None:
    with pytest.raises(InputError, match="COUNT_MISMATCH"):
        department().revoke(range(1, count + 1))


def test_the_key_is_rotated_before_two_to_the_twentieth_revocation() -> None:
    key = secret().key

    def at(count: int) -> Position:
        return Position(key, count, key.start.V_octets, key.start.digest)

    last = secret().revoke(MANY[:1], at(MAX_REVOCATIONS - 1), set())
    assert last.end == MAX_REVOCATIONS == 2**20 - 1
    for count, handles in ((MAX_REVOCATIONS, MANY[:1]), (MAX_REVOCATIONS - 1, MANY[:2])):
        with pytest.raises(InputError, match=r"ACCUMULATOR_FULL: .*rotate"):
            secret().revoke(handles, at(count), set())
    with pytest.raises(InputError, match="ACCUMULATOR_FULL"):
        at(MAX_REVOCATIONS + 1)


def test_a_position_of_another_accumulator_is_refused() -> None:
    theirs = secret(b"S").key.start
    with pytest.raises(InputError, match="KEY_MISMATCH"):
        secret().revoke(MANY, theirs, set())
    with pytest.raises(InputError, match="KEY_MISMATCH"):
        secret().witness(MANY[0], theirs, set())


def test_minus_the_key_as_a_handle_is_refused() -> None:
    a = int.from_bytes(secret().to_octets_secret())
    for attempt in (lambda: department().witness(r - a), lambda: department().revoke([r - a])):
        with pytest.raises(InputError, match="DEGENERATE"):
            attempt()


def test_a_witness_is_verified_under_its_own_key_handle_and_value(group: str) -> None:
    mine, other = department(MANY[:1], group=group), department(MANY[:1], seed=b"S", group=group)
    true, theirs = mine.witness(MANY[3]), other.witness(MANY[3])
    earlier = mine.positions[0]
    C2 = mine.key.group.msm([true.C], [2])
    for false in (
        MembershipWitness(MANY[4], true.C, true.at),
        MembershipWitness(true.y, true.C, earlier),
        MembershipWitness(true.y, C2, true.at),
        MembershipWitness(true.y, theirs.C, true.at),
        MembershipWitness(true.y, true.C, theirs.at),
        MembershipWitness(true.y, true.at.V, true.at),
    ):
        with pytest.raises(VerificationError, match="WITNESS_INVALID"):
            false.verified()
    with pytest.raises(DecodingError, match="IDENTITY_POINT"):
        MembershipWitness(true.y, mine.key.group.msm([], []), true.at)


def test_secrets_are_neither_shown_nor_copied() -> None:
    mine = secret()
    hidden = [mine.to_octets_secret().hex(), str(int.from_bytes(mine.to_octets_secret()))]
    witness = department().witness(MANY[0])
    shown = repr(mine) + repr(witness) + repr(witness.at)
    assert not any(each in shown for each in (*hidden, str(MANY[0]), hex(MANY[0])[2:]))
    with pytest.raises(TypeError):
        pickle.dumps(mine)
    with pytest.raises(TypeError):
        copy.deepcopy(mine)


def test_no_error_shows_a_handle() -> None:
    mine: Department = department(MANY[:1])
    caught = list[BbsError]()
    for attempt in (
        lambda: mine.witness(MANY[0]),
        lambda: mine.revoke([MANY[0]]),
        lambda: mine.witness(MANY[0] + r),
        lambda: MembershipWitness(MANY[2], mine.now.V, mine.now).verified(),
    ):
        try:
            attempt()
        except BbsError as error:
            caught.append(error)
    assert len(caught) == 4
    shown = "".join(map(str, caught))
    assert not any(str(y) in shown or hex(y)[2:] in shown for y in (MANY[0], MANY[0] + r, MANY[2]))
