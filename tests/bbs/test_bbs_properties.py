"""Properties: the groups agree with each other, and nothing that is signed or proven can be changed."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import bbs
from bbs import SHA_256, SHAKE_256, BbsError, Ciphersuite, groups
from bbs.groups.bls12_381 import r
from bbs.groups.protocol import Group
from bbs.scalars import calculate_random_scalars
from tests.bbs.mocked import mocked_rng

REFERENCE = groups.by_name("py_ecc")
OTHERS = [groups.by_name(name) for name in groups.available() if name != "py_ecc"]
SUITES = [SHA_256, SHAKE_256]
by_suite = pytest.mark.parametrize("suite", SUITES, ids=["SHA", "SHAKE"])
by_group = pytest.mark.parametrize("group", OTHERS, ids=lambda group: group.name)
scalars = st.one_of(st.integers(0, r - 1), st.sampled_from([0, 1, 2, r - 1]))
texts = st.lists(st.binary(max_size=40), max_size=6)
quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
slow = settings(quick, max_examples=8)


def multiples(group: Group, factors: list[int]) -> list[Any]:
    return [group.msm([group.BP1], [factor]) for factor in factors]


@by_group
@slow
@given(st.lists(st.tuples(scalars, scalars), max_size=4), st.lists(st.tuples(scalars, scalars), max_size=4))
def test_groups_agree_on_sums(
    group: Group, variable: list[tuple[int, int]], fixed: list[tuple[int, int]]
) -> None:
    def compute(group: Group) -> bytes:
        points = multiples(group, [factor for factor, _ in variable])
        bases = multiples(group, [factor for factor, _ in fixed] + [9])
        prepared = group.prepare(bases)
        total = group.msm(points, [x for _, x in variable], prepared, [x for _, x in fixed])
        return group.g1_to_octets(total)

    total = sum(factor * x for factor, x in variable + fixed)
    assert compute(group) == compute(REFERENCE) == group.g1_to_octets(group.msm([group.BP1], [total]))


@by_group
@slow
@given(scalars, scalars, st.integers(1, r - 1))
def test_groups_agree_on_pairings(group: Group, a: int, b: int, k: int) -> None:
    for each in (group, REFERENCE):
        key = each.prepare_g2(each.secret_key(k.to_bytes(32)).public_key())
        left, right, wrong = multiples(each, [a, a * k, a * k + b])
        assert each.pairing_product_is_one([(left, key), (right, each.BP2_negated)])
        assert each.pairing_product_is_one([(left, key), (wrong, each.BP2_negated)]) == (b == 0)
        assert each.pairing_product_is_one([])


@by_group
@slow
@given(st.integers(1, r - 1), st.integers(0, 2**64), st.integers(0, 2**64))
def test_groups_agree_on_keys_and_maps(group: Group, k: int, u0: int, u1: int) -> None:
    def key(each: Group) -> bytes:
        return each.g2_to_octets(each.secret_key(k.to_bytes(32)).public_key())

    assert key(group) == key(REFERENCE)
    assert group.g1_to_octets(group.map_to_g1(u0, u1)) == REFERENCE.g1_to_octets(REFERENCE.map_to_g1(u0, u1))


def outcome(decode: Callable[[bytes], object], octets: bytes) -> str:
    try:
        decode(octets)
    except BbsError as error:
        return error.reason
    return "ok"


@by_group
@quick
@given(st.data())
def test_groups_agree_on_what_decodes(group: Group, data: st.DataObject) -> None:
    """Valid encodings, encodings with some bits flipped, and noise."""
    factor, curve = data.draw(st.integers(1, r - 1)), data.draw(st.sampled_from([1, 2]))
    if curve == 1:
        valid = group.g1_to_octets(group.msm([group.BP1], [factor]))
    else:
        valid = group.g2_to_octets(group.secret_key(factor.to_bytes(32)).public_key())
    flipped = int.from_bytes(valid)
    for bit in data.draw(st.lists(st.integers(0, len(valid) * 8 - 1), max_size=3)):
        flipped ^= 1 << bit
    noise = data.draw(st.binary(min_size=len(valid), max_size=len(valid)))
    for octets in (flipped.to_bytes(len(valid)), noise, flags(noise)):
        mine, reference = (
            outcome(each.g1_from_octets if curve == 1 else each.g2_from_octets, octets)
            for each in (group, REFERENCE)
        )
        assert mine == reference


def flags(octets: bytes) -> bytes:
    return bytes([octets[0] & 0x1F | 0x80]) + octets[1:]


@by_suite
@by_group
@settings(slow, max_examples=4)
@given(st.binary(min_size=32, max_size=40), st.binary(max_size=20), st.binary(max_size=20), texts, st.data())
def test_groups_agree_on_signatures_and_proofs(
    suite: Ciphersuite,
    group: Group,
    seed: bytes,
    header: bytes,
    ph: bytes,
    texts: list[bytes],
    data: st.DataObject,
) -> None:
    indexes = sorted(data.draw(st.sets(st.integers(0, len(texts) - 1)))) if texts else []

    def compute(suite: Ciphersuite) -> tuple[bytes, ...]:
        sk = bbs.keygen(seed, suite=suite)
        pk = bbs.sk_to_pk(sk, suite=suite)
        signature = bbs.sign(sk, pk, header, texts, suite=suite)
        rng = mocked_rng(suite)
        proof = bbs.proof_gen(pk, signature, header, ph, texts, indexes, suite=suite, rng=rng)
        return sk, pk, signature, proof

    mine = compute(suite.with_group(group))
    assert mine == compute(suite.with_group(REFERENCE))
    shown = [texts[i] for i in indexes]
    for each in (group, REFERENCE):
        over = suite.with_group(each)
        bbs.verify(mine[1], mine[2], header, texts, suite=over)
        bbs.proof_verify(mine[1], mine[3], header, ph, shown, indexes, suite=over)


class Session:
    """A signature on ten messages and a proof that shows some."""

    def __init__(self, suite: Ciphersuite, header: bytes = b"header", ph: bytes = b"nonce") -> None:
        self.suite, self.header, self.ph = suite, header, ph
        self.sk = bbs.keygen(b"k" * 32, suite=suite)
        self.pk = bbs.sk_to_pk(self.sk, suite=suite)
        self.messages = [b"message %d" % i for i in range(10)]
        self.signature = bbs.sign(self.sk, self.pk, header, self.messages, suite=suite)
        self.indexes = [0, 3, 8]
        self.shown = [self.messages[i] for i in self.indexes]
        self.proof = bbs.proof_gen(
            self.pk, self.signature, header, ph, self.messages, self.indexes, suite=suite
        )

    def verify(self, **changed: Any) -> None:
        given = {"pk": self.pk, "signature": self.signature, "header": self.header, "messages": self.messages}
        bbs.verify(**(given | changed), suite=self.suite)

    def proof_verify(self, **changed: Any) -> None:
        given = {
            "pk": self.pk, "proof": self.proof, "header": self.header, "ph": self.ph,
            "disclosed_messages": self.shown, "disclosed_indexes": self.indexes,
        }  # fmt: skip
        bbs.proof_verify(**(given | changed), suite=self.suite)


SESSIONS = {suite.ciphersuite_id: Session(suite) for suite in SUITES}


def flip(octets: bytes, bit: int) -> bytes:
    return (int.from_bytes(octets) ^ 1 << bit).to_bytes(len(octets))


def refused(act: Callable[..., None], **changed: Any) -> None:
    with pytest.raises((bbs.VerificationError, bbs.DecodingError)):
        act(**changed)


@by_suite
@pytest.mark.parametrize("field", ["signature", "pk", "header"])
def test_every_flipped_bit_of_a_signature_is_refused(suite: Ciphersuite, field: str) -> None:
    session = SESSIONS[suite.ciphersuite_id]
    session.verify()
    octets = getattr(session, field)
    for bit in range(len(octets) * 8):
        refused(session.verify, **{field: flip(octets, bit)})


@by_suite
@pytest.mark.parametrize("field", ["proof", "pk", "header", "ph"])
def test_every_flipped_bit_of_a_proof_is_refused(suite: Ciphersuite, field: str) -> None:
    session = SESSIONS[suite.ciphersuite_id]
    session.proof_verify()
    octets = getattr(session, field)
    for bit in range(len(octets) * 8):
        refused(session.proof_verify, **{field: flip(octets, bit)})


@by_suite
@quick
@given(st.data())
def test_a_changed_message_is_refused(suite: Ciphersuite, data: st.DataObject) -> None:
    session = SESSIONS[suite.ciphersuite_id]
    for messages, key, act in (
        (session.messages, "messages", session.verify),
        (session.shown, "disclosed_messages", session.proof_verify),
    ):
        at = data.draw(st.integers(0, len(messages) - 1))
        changed = flip(messages[at], data.draw(st.integers(0, len(messages[at]) * 8 - 1)))
        refused(act, **{key: [*messages[:at], changed, *messages[at + 1 :]]})


@by_suite
def test_a_flipped_bit_is_refused_by_the_reference_too(suite: Ciphersuite) -> None:
    session, over = SESSIONS[suite.ciphersuite_id], suite.with_group(REFERENCE)
    for bit in (0, 40 * 8, 300 * 8, 368 * 8 + 7):
        changed = flip(session.proof, bit)
        with pytest.raises((bbs.VerificationError, bbs.DecodingError)):
            bbs.proof_verify(
                session.pk, changed, session.header, session.ph, session.shown, session.indexes, suite=over
            )


@by_suite
@quick
@given(texts, st.binary(max_size=20), st.binary(max_size=20), st.data())
def test_any_subset_can_be_disclosed(
    suite: Ciphersuite, texts: list[bytes], header: bytes, ph: bytes, data: st.DataObject
) -> None:
    key = bbs.SecretKey.generate(suite=suite)
    pk = key.public_key()
    signature = bbs.sign(key, pk, header, texts, suite=suite)
    indexes = sorted(data.draw(st.sets(st.integers(0, len(texts) - 1)))) if texts else []
    proof = bbs.proof_gen(pk, signature, header, ph, texts, indexes, suite=suite)
    assert len(proof) == 272 + 32 * (len(texts) - len(indexes))
    bbs.proof_verify(pk, proof, header, ph, [texts[i] for i in indexes], indexes, suite=suite)
    if indexes:
        refused_or_input = (bbs.VerificationError, bbs.InputError)
        with pytest.raises(refused_or_input):
            bbs.proof_verify(pk, proof, header, ph, [texts[i] for i in indexes[1:]], indexes[1:], suite=suite)


@by_suite
@quick
@given(st.sets(st.integers(0, 9), min_size=3, max_size=3))
def test_messages_are_bound_to_their_places(suite: Ciphersuite, places: set[int]) -> None:
    session = SESSIONS[suite.ciphersuite_id]
    indexes = sorted(places)
    if indexes == session.indexes:
        session.proof_verify(disclosed_indexes=indexes)
    else:
        refused(session.proof_verify, disclosed_indexes=indexes)


@by_suite
def test_proofs_of_two_sessions_do_not_mix(suite: Ciphersuite) -> None:
    """Any field of one proof in another of the same signature, header and presentation header."""
    session, other = SESSIONS[suite.ciphersuite_id], Session(suite)
    other.proof_verify()
    assert other.signature == session.signature
    edges = [0, 48, 96, *range(144, len(session.proof) + 1, 32)]
    for start, end in pairwise(edges):
        mixed = session.proof[:start] + other.proof[start:end] + session.proof[end:]
        assert mixed != session.proof
        refused(session.proof_verify, proof=mixed)
    for edge in edges[1:-1]:
        refused(session.proof_verify, proof=session.proof[:edge] + other.proof[edge:])


@by_suite
def test_proofs_do_not_cross_ciphersuites(suite: Ciphersuite) -> None:
    session = SESSIONS[suite.ciphersuite_id]
    other = next(each for each in SESSIONS.values() if each is not session)
    refused(session.proof_verify, proof=other.proof, pk=other.pk)
    refused(session.verify, signature=other.signature, pk=other.pk)


@by_suite
def test_two_proofs_share_nothing(suite: Ciphersuite) -> None:
    session, other = SESSIONS[suite.ciphersuite_id], Session(suite)
    edges = [0, 48, 96, *range(144, len(session.proof) + 1, 32)]
    for start, end in pairwise(edges):
        assert session.proof[start:end] != other.proof[start:end]


@by_suite
def test_a_repeated_draw_is_the_callers_choice(suite: Ciphersuite) -> None:
    """Randomness is asked for once a proof, and for as many scalars as the draft counts."""
    session, asked = SESSIONS[suite.ciphersuite_id], list[int]()

    def rng(count: int) -> list[int]:
        asked.append(count)
        return calculate_random_scalars(count)

    bbs.proof_gen(
        session.pk, session.signature, b"header", b"", session.messages, [0, 1, 2], suite=suite, rng=rng
    )
    assert asked == [5 + 7]
