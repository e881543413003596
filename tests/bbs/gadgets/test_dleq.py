"""Equality of discrete logarithms, for one pair and many: what is false or changed is refused."""

from dataclasses import replace

import pytest

from bbs.dleq import Logarithms
from bbs.engine import Base
from bbs.errors import DecodingError, InputError, VerificationError
from bbs.gadgets import hashed_base
from bbs.groups.bls12_381 import r
from tests.bbs.engine.cases import FAST, suite

X = 123456789


def base(group: str, i: int) -> Base:
    return hashed_base(suite(group), "test", bytes([i]))


def times(point: Base, scalar: int) -> Base:
    return Base(point.suite, point.suite.group.msm([point.point], [scalar]))


def logarithms(group: str, count: int) -> Logarithms:
    G, bases = base(group, 0), [base(group, i) for i in range(1, count + 1)]
    pairs = tuple((B, times(B, X)) for B in bases)
    return Logarithms(suite(group), "test", G, times(G, X), pairs, (("case", b"1"),))


@pytest.fixture(params=[(group, count) for group in FAST for count in (1, 2, 7)])
def true(request: pytest.FixtureRequest) -> Logarithms:
    return logarithms(*request.param)


def test_what_is_true_is_proven_in_one_size(true: Logarithms) -> None:
    proof = true.prove(X)
    true.verify(proof)
    assert len(proof) == 2 * 48 + 32


def test_what_is_false_is_not_proven(true: Logarithms) -> None:
    for x in (X + 1, X - r + 1):
        with pytest.raises(InputError, match="UNSATISFIED"):
            true.prove(x)
    for i, (B, _) in enumerate(true.pairs):
        pairs = [*true.pairs]
        pairs[i] = (B, times(B, X + 1))
        with pytest.raises(InputError, match="UNSATISFIED"):
            replace(true, pairs=pairs).prove(X)


def test_a_false_pair_is_refused_whatever_the_prover_does(
    true: Logarithms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bbs.engine.prover._Expansion.check", lambda *_: None)
    for i, (B, _) in enumerate(true.pairs):
        pairs = [*true.pairs]
        pairs[i] = (B, times(B, X + 1))
        false = replace(true, pairs=pairs)
        for x in (X, X + 1):
            with pytest.raises(VerificationError):
                false.verify(false.prove(x))


def test_errors_that_cancel_without_weights_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    true = logarithms(FAST[0], 2)
    (B1, X1), (B2, X2) = true.pairs
    group, E = true.suite.group, base(FAST[0], 99)
    false = replace(
        true,
        pairs=(
            (B1, Base(true.suite, group.msm([X1.point, E.point], [1, 1]))),
            (B2, Base(true.suite, group.msm([X2.point, E.point], [1, -1]))),
        ),
    )
    with pytest.raises(InputError, match="UNSATISFIED"):
        false.prove(X)
    # The attack is real: with equal weights the two would pass.
    monkeypatch.setattr(Logarithms, "_weights", lambda self: [1] * len(self.pairs))
    false.verify(false.prove(X))


def test_a_proof_is_of_one_relation_purpose_and_context_only(true: Logarithms) -> None:
    proof = true.prove(X)
    other = times(true.G, 2)
    changed = [
        replace(true, purpose="other"),
        replace(true, context=()),
        replace(true, context=(("case", b"2"),)),
        replace(true, context=(("cas", b"e1"),)),
        replace(true, G=other),
        replace(true, X=other),
        replace(true, G=true.X, X=true.G),
        replace(true, pairs=[(X_i, B_i) for B_i, X_i in true.pairs]),
        replace(true, pairs=[*true.pairs, (true.G, true.X)]),
    ]
    if len(true.pairs) > 1:
        changed += [replace(true, pairs=true.pairs[::-1]), replace(true, pairs=true.pairs[1:])]
    for each in changed:
        with pytest.raises(VerificationError):
            each.verify(proof)


def test_a_proof_changed_anywhere_is_refused(true: Logarithms) -> None:
    proof = true.prove(X)
    for at in range(len(proof)):
        with pytest.raises((VerificationError, DecodingError)):
            true.verify(proof[:at] + bytes([proof[at] ^ 1]) + proof[at + 1 :])
    for wrong in (b"", proof[:-1], proof + b"\x00", proof[:-32] + r.to_bytes(32)):
        with pytest.raises(DecodingError):
            true.verify(wrong)


def test_there_is_at_least_one_pair() -> None:
    with pytest.raises(InputError, match="COUNT_MISMATCH"):
        replace(logarithms(FAST[0], 1), pairs=())
