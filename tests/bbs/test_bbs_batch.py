"""Batches: the verdict of each proof is the one that it gets alone."""

import secrets
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bbs
from bbs import SHA_256, SHAKE_256, Ciphersuite, ProofClaim
from bbs.generators import create_generators
from bbs.proof import InitResult, calculate_challenge
from bbs.scalars import calculate_random_scalars, messages_to_scalars
from bbs.serialization import Proof, proof_to_octets
from bbs.signature import calculate_domain

MESSAGES = [b"a", b"b", b"c", b"d"]


def claim(
    suite: Ciphersuite, key: bytes, nonce: bytes = b"nonce", shown: tuple[int, ...] = (1, 3)
) -> ProofClaim:
    sk = bbs.keygen(key * 32, suite=suite)
    pk = bbs.sk_to_pk(sk, suite=suite)
    signature = bbs.sign(sk, pk, b"header", MESSAGES, suite=suite)
    proof = bbs.proof_gen(pk, signature, b"header", nonce, MESSAGES, shown, suite=suite)
    return ProofClaim(pk, proof, b"header", nonce, [MESSAGES[i] for i in shown], shown, suite)


def changed(good: ProofClaim, **fields: Any) -> ProofClaim:
    return ProofClaim(**{**good.__dict__, **fields})


def alone(each: ProofClaim) -> str:
    try:
        bbs.proof_verify(
            each.pk,
            each.proof,
            each.header,
            each.ph,
            each.disclosed_messages,
            each.disclosed_indexes,
            suite=each.suite,
        )
    except bbs.BbsError as error:
        return error.reason
    return "OK"


def verdicts(claims: list[ProofClaim]) -> list[str]:
    return ["OK" if each is None else each.reason for each in bbs.proof_verify_batch(claims)]


def forged(suite: Ciphersuite, pk: bytes, sign: int) -> ProofClaim:
    """A proof without a signature whose challenge holds; two of opposite sign cancel under equal factors.

    Whoever knows r1 and e with Bbar = r1*D - e*Abar passes all but the pairing equation.
    """
    group, r = suite.group, suite.r
    generators = create_generators(len(MESSAGES) + 1, suite.api_id, suite=suite)
    scalars = messages_to_scalars(MESSAGES, suite.api_id, suite=suite)
    domain = calculate_domain(pk, generators, b"header", suite.api_id)
    B = generators.combine((1, domain, *scalars))
    a, e, r1, r2 = 5, 7, 11 * sign, 13
    D, Abar = group.msm((B,), (r2,)), group.msm((group.BP1,), (a * sign,))
    Bbar = group.msm((D, Abar), (r1, -e))
    e_tilde, r1_tilde, r3_tilde, *m_tilde = calculate_random_scalars(3 + len(MESSAGES))
    T1 = group.msm((Abar, D), (e_tilde, r1_tilde))
    T2 = generators.combine((0, 0, *m_tilde), (D,), (r3_tilde,))
    c = calculate_challenge(
        InitResult(Abar, Bbar, D, T1, T2, domain), [], [], b"ph", suite.api_id, suite=suite
    )
    hats = [(tilde + scalar * c) % r for tilde, scalar in zip(m_tilde, scalars, strict=True)]
    proof = Proof(
        Abar,
        Bbar,
        D,
        (e_tilde + e * c) % r,
        (r1_tilde - r1 * c) % r,
        (r3_tilde - pow(r2, -1, r) * c) % r,
        tuple(hats),
        c,
    )
    return ProofClaim(pk, proof_to_octets(proof, suite=suite), b"header", b"ph", [], [], suite)


def test_good_batches_of_every_size(suite: Ciphersuite) -> None:
    claims = [claim(suite, bytes([65 + i % 3]), b"%d" % i) for i in range(5)]
    for size in (0, 1, 2, 5):
        assert verdicts(claims[:size]) == ["OK"] * size


def test_bad_members_are_named_with_their_own_reasons() -> None:
    good = [claim(SHA_256, bytes([65 + i % 3]), b"%d" % i) for i in range(12)]
    good += [claim(SHAKE_256, bytes([65 + i % 2]), b"%d" % i) for i in range(4)]
    mixed = list(good)
    mixed[0] = changed(good[0], ph=b"other")
    mixed[3] = changed(good[3], pk=good[4].pk)
    mixed[5] = changed(good[5], proof=good[5].proof[:-1])
    mixed[7] = changed(good[7], proof=b"\xff" * 48 + good[7].proof[48:])
    mixed[9] = changed(good[9], disclosed_messages=[b"x", b"d"])
    mixed[10] = changed(good[10], disclosed_indexes=(3, 1))
    mixed[11] = changed(good[11], pk=bytes(96))
    mixed[14] = changed(good[14], suite=SHA_256)
    assert verdicts(good) == ["OK"] * len(good)
    expected = [alone(each) for each in mixed]
    assert verdicts(mixed) == expected
    assert sum(each != "OK" for each in expected) == 8


def test_errors_that_cancel_under_equal_coefficients_are_refused(
    suite: Ciphersuite, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = claim(suite, b"A")
    pair = [forged(suite, good.pk, 1), forged(suite, good.pk, -1)]
    assert [alone(each) for each in pair] == ["PROOF_INVALID"] * 2
    for _ in range(3):
        assert verdicts([good, *pair]) == ["OK", "PROOF_INVALID", "PROOF_INVALID"]
    # The attack is real: with equal coefficients the two would pass.
    monkeypatch.setattr("bbs.batch.secrets.randbits", lambda _: 1)
    assert verdicts([good, *pair]) == ["OK"] * 3


def test_a_false_one_in_a_hundred(monkeypatch: pytest.MonkeyPatch) -> None:
    one = claim(SHA_256, b"A")
    good = [one] * 50 + [claim(SHA_256, b"B")] * 50
    for place in (0, 49, 50, 99):
        mixed = [*good[:place], forged(SHA_256, one.pk, 1), *good[place + 1 :]]
        found = verdicts(mixed)
        assert [i for i, each in enumerate(found) if each != "OK"] == [place]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.booleans()), max_size=9))
def test_the_verdict_is_the_one_alone(members: list[tuple[int, bool, bool]]) -> None:
    claims = []
    for key, shake, bad in members:
        each = claim(SHAKE_256 if shake else SHA_256, bytes([65 + key]))
        claims.append(changed(each, ph=b"other") if bad else each)
    assert verdicts(claims) == [alone(each) for each in claims]


def test_coefficients_are_fresh_and_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = list[int]()
    real = secrets.randbits

    def record(bits: int) -> int:
        drawn.append(real(bits))
        return drawn[-1]

    monkeypatch.setattr("bbs.batch.secrets.randbits", record)
    claims = [claim(SHA_256, b"A")] * 8
    verdicts(claims), verdicts(claims)
    assert len(drawn) == len(set(drawn)) == 16
    assert max(drawn).bit_length() > 100


def test_the_first_false_proof_of_a_group_is_named() -> None:
    good = [claim(SHA_256, b"A", b"%d" % i) for i in range(4)] + [claim(SHAKE_256, b"B")]
    for places in ([], [0], [3], [1, 2], [2, 4], [0, 1, 2, 3, 4], [4]):
        group = [
            forged(each.suite, each.pk, 1) if i in places else each  # type: ignore[arg-type]
            for i, each in enumerate(good)
        ]
        first, other = bbs.proof_verify_groups([group, good])
        assert other is None
        assert (first.index if first else None) == (places[0] if places else None)


def test_a_group_ends_at_its_first_false_challenge() -> None:
    good = [claim(SHA_256, b"A", b"%d" % i) for i in range(3)]
    group = [good[0], changed(good[1], ph=b"other"), changed(good[2], proof=b"")]
    (first,) = bbs.proof_verify_groups([group])
    assert first is not None
    assert (first.index, first.error.reason) == (1, "PROOF_INVALID")
    # A false pairing before it is found only where all challenges hold: the challenge is the cheaper check.
    (first,) = bbs.proof_verify_groups([[forged(SHA_256, good[0].pk, 1), *group[1:]]])
    assert first is not None
    assert first.index == 1
    assert bbs.proof_verify_groups([]) == ()
    assert bbs.proof_verify_groups([[]]) == (None,)
