"""Batches of different shapes: the verdict of each proof is the one that it gets alone."""

import inspect
import secrets
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bbs.engine
from bbs import SHAKE_256
from bbs.engine import Builder, Claim, PairingSuite, Values, WireForm, prove, verify, verify_batch
from bbs.errors import DecodingError, InputError, VerificationError
from bbs.gadgets import Commitment, hashed_base
from tests.bbs.engine.cases import CONTEXT, Public, claim, outcome, outcomes, proof_of, suite

GOOD = [
    Public(),
    Public(shown=()),
    Public(scope=b"another"),
    Public(name="other"),
    Public(reordered=True),
]


def tiny(value: int = 5, other: PairingSuite | None = None) -> Claim:
    """A commitment only: no signature check, another shape."""
    builder = Builder(other or suite())
    m = builder.witness("m")
    commitment = Commitment.add_to(builder.scope("commitment"), m)
    statement = builder.build()
    values = Values(statement)
    commitment.assign(values, value)
    return Claim(statement, CONTEXT, prove(statement, CONTEXT, values))


def bad(each: Claim) -> Claim:
    return replace(each, context=[*each.context, ("other", b"")])


def test_good_batches_of_every_size_and_shape() -> None:
    claims = [claim(public, proof_of(public)) for public in GOOD] + [tiny(), tiny(0)]
    for size in range(len(claims) + 1):
        assert outcomes(claims[:size]) == ["OK"] * size
    assert verify_batch([]) == []


def test_a_bad_one_among_a_hundred_is_named() -> None:
    claims = [claim(public, proof_of(public)) for public in GOOD for _ in range(18)] + [tiny()] * 10
    assert outcomes(claims) == ["OK"] * 100
    forged = bad(claims[0])
    for place in (0, 49, 50, 99):
        mixed = [*claims[:place], forged, *claims[place + 1 :]]
        assert [i for i, each in enumerate(outcomes(mixed)) if each != "OK"] == [place]


def test_many_bad_ones_are_named_with_their_own_reasons() -> None:
    claims = [claim(public, proof_of(public)) for public in GOOD for _ in range(3)] + [tiny()]
    claims[0] = bad(claims[0])
    claims[2] = replace(claims[2], proof=b"")
    claims[5] = replace(claims[5], proof=b"\xff" * 48 + claims[5].proof[48:])
    claims[7] = claim(replace(GOOD[2], issuer=b"B"), claims[7].proof)
    claims[8] = replace(claims[8], proof=claims[9].proof)
    claims[15] = replace(claims[15], proof=claims[15].proof[:-1] + bytes([claims[15].proof[-1] ^ 1]))
    alone = [outcome(each) for each in claims]
    assert outcomes(claims) == alone
    assert sum(each != "OK" for each in alone) == 6


def test_two_suites_in_one_batch() -> None:
    shake = PairingSuite(SHAKE_256)
    claims = [tiny(), tiny(other=shake), bad(tiny(other=shake)), tiny()]
    assert outcomes(claims) == ["OK", "OK", "PROOF_INVALID", "OK"]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=9))
def test_the_verdict_is_the_one_alone(members: list[tuple[int, bool]]) -> None:
    claims = []
    for shape, false in members:
        each = tiny() if shape == 5 else claim(GOOD[shape], proof_of(GOOD[shape]))
        claims.append(bad(each) if false else each)
    assert outcomes(claims) == [outcome(each) for each in claims]


def test_both_forms_in_one_batch() -> None:
    public = Public()
    short = claim(public, proof_of(public))
    long = replace(claim(public, proof_of(public, form=WireForm.UNCOMPRESSED)), form=WireForm.UNCOMPRESSED)
    assert len(long.proof) > len(short.proof)
    assert outcomes([short, long, bad(long)]) == ["OK", "OK", "PROOF_INVALID"]


def test_what_was_sent_is_returned_and_nothing_else() -> None:
    public = Public()
    compiled = public.compile()
    verified = verify(compiled.statement, CONTEXT, proof_of(public))
    again = verify(compiled.statement, CONTEXT, proof_of(public))
    N, K = compiled.pseudonym.N, compiled.commitment.K
    assert verified.octets.keys() == verified.points.keys() == {N, K}
    assert verified.octets[N] == again.octets[N]
    assert verified.octets[K] != again.octets[K]
    (point,) = suite().group.g1s_from_octets([verified.octets[N]])
    assert suite().group.g1s_to_octets([verified.points[N]]) == suite().group.g1s_to_octets([point])


def test_single_verification_raises_and_says_which_part() -> None:
    public = Public()
    proof = proof_of(public)
    with pytest.raises(VerificationError, match="equation"):
        verify(public.compile().statement, (), proof)
    with pytest.raises(DecodingError, match="INVALID_LENGTH"):
        verify(public.compile().statement, CONTEXT, proof[1:])
    with pytest.raises(InputError, match="INVALID_TYPE"):
        verify(public.compile().statement, CONTEXT, bytearray(proof))  # type: ignore[arg-type]


def test_coefficients_are_fresh_of_the_system_and_cannot_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = list[int]()
    real = secrets.token_bytes

    def record(count: int) -> bytes:
        octets = real(count)
        drawn.extend(int.from_bytes(octets[at : at + 16]) for at in range(0, count, 16))
        return octets

    monkeypatch.setattr("bbs.engine.verifier.secrets.token_bytes", record)
    public = Public()
    claims = [claim(public, proof_of(public))] * 4
    drawn.clear()
    verify_batch(claims)
    verify_batch(claims)
    statement = public.compile().statement
    # of each sum all but the first, which is 1
    each = 4 * len(statement.equations) - 1 + 4 * len(statement.checks) - 1
    assert len(drawn) == len(set(drawn)) == 2 * each
    assert max(drawn).bit_length() > 100
    for function in (bbs.engine.verify, bbs.engine.verify_batch):
        assert not {"rng", "seed", "coefficients"} & inspect.signature(function).parameters.keys()


def test_equal_bases_are_merged_across_proofs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch multiplies each base once, however many proofs use it: only received points grow with it."""
    counted = list[tuple[int, int]]()
    group = suite().group
    real = type(group).msm

    def record(
        self: object, points: list[object], scalars: list[int], prepared: object, fixed: list[int], **k: bool
    ) -> object:
        counted.append((len(points), len(fixed)))
        return real(self, points, scalars, prepared, fixed, **k)  # type: ignore[arg-type]

    claims = [tiny(i) for i in range(10)]
    monkeypatch.setattr(type(group), "msm", record)
    verify_batch(claims)
    assert counted == [(20, 2)]
    assert hashed_base(suite(), "commitment-value") is hashed_base(suite(), "commitment-value")
