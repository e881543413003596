"""The argument of docs/composite.md as far as it can be run: completeness, extractor, simulator."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import count
from math import sqrt

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from bbs.engine import Base, Builder, Point, Sent, Statement, Values, Witness, prove, verify
from bbs.engine.proof import Proof, proof_to_octets
from bbs.engine.prover import commit
from bbs.engine.transcript import challenge
from bbs.errors import InputError
from bbs.gadgets import Commitment, hashed_base
from bbs.groups.bls12_381 import r
from bbs.scalars import calculate_random_scalars
from tests.bbs.engine.cases import CONTEXT, FAST, Public, assigned, held, secret_key, suite

Forced = Callable[[int], None]


@pytest.fixture
def forced(monkeypatch: pytest.MonkeyPatch) -> Forced:
    """A verifier whose random oracle is programmed: every challenge is the one that is given."""

    def force(c: int) -> None:
        monkeypatch.setattr("bbs.engine.verifier.challenge", lambda *_: c)

    return force


# --- completeness


@dataclass(frozen=True)
class Recipe:
    """A statement that the values satisfy.

    Each equation is scale * K + extra * base = sum of witnesses times bases, which defines K. Bases below
    `KNOWN` are public, the others are the K of earlier equations; `sent` says whether K is sent or public.
    """

    values: tuple[int, ...]
    constraints: tuple[tuple[int, int, tuple[int, ...]], ...]
    equations: tuple[tuple[tuple[tuple[int, int], ...], int, int, bool], ...]


KNOWN = 3
SCALARS = st.one_of(st.integers(0, 3), st.integers(r - 3, r - 1), st.integers(0, r - 1))
FACTORS = st.one_of(st.integers(1, 3), st.integers(r - 2, r - 1))


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    values = draw(st.lists(SCALARS, min_size=1, max_size=5))
    free = draw(st.integers(1, len(values)))
    constraints = tuple(
        (defined, draw(SCALARS), tuple(draw(st.lists(FACTORS, min_size=1, max_size=free))))
        for defined in range(free, len(values))
    )
    equations = list[tuple[tuple[tuple[int, int], ...], int, int, bool]]()
    for number in range(draw(st.integers(1, 4))):
        term = st.tuples(st.integers(0, len(values) - 1), st.integers(0, KNOWN + number - 1))
        terms = draw(st.lists(term, min_size=1, max_size=4))
        equations.append((tuple(terms), draw(FACTORS), draw(st.integers(0, 2)), draw(st.booleans())))
    everything = tuple((i, i % KNOWN) for i in range(len(values)))
    equations.append((everything, 1, 0, True))
    return Recipe(tuple(values), constraints, tuple(equations))


def realised(recipe: Recipe, group: str, wrong: int | None = None) -> tuple[Statement, Values]:
    """Build the statement and give its values, one of them wrong by one if asked for.

    InputError INVALID_STATEMENT or UNSATISFIED if a point happens to be the identity.
    """
    builder, made = Builder(suite(group)), dict[Sent, dict[Base, int]]()
    bases = [hashed_base(suite(group), "test", bytes([i])) for i in range(KNOWN)]
    points: list[Point] = [*bases]
    witnesses = [builder.witness(f"x{i}") for i in range(len(recipe.values))]
    true = list(recipe.values)
    for defined, k, factors in recipe.constraints:
        builder.constraint(witnesses[defined], k, {witnesses[i]: a for i, a in enumerate(factors)})
        true[defined] = (k + sum(a * true[i] for i, a in enumerate(factors))) % r
    for number, (terms, scale, extra, sent) in enumerate(recipe.equations):
        sums = Counter[Base]({bases[0]: -extra})
        for i, at in terms:
            point = points[at]
            for base, scalar in ({point: 1} if isinstance(point, Base) else made[point]).items():
                sums[base] += true[i] * scalar
        K = {base: scalar * pow(scale, -1, r) % r for base, scalar in sums.items()}
        left: Point
        if sent:
            left = builder.sent(f"K{number}")
            made[left] = K
        else:
            left = Base(suite(group), suite(group).group.msm([base.point for base in K], list(K.values())))
        Y: dict[Point, int] = {left: scale}
        Y |= {bases[0]: extra} if extra else {}
        builder.equation(f"{number}", Y, [(witnesses[i], points[at]) for i, at in terms])
        points.append(left)
    statement = builder.build()
    values = Values(statement)
    for i, witness in enumerate(witnesses):
        values.set(witness, true[i] + (i == wrong))
    for name, K in made.items():
        values.send(name, K)
    return statement, values


def check_completeness(recipe: Recipe, group: str) -> None:
    """True values verify; with one value wrong there is nothing to verify."""
    try:
        statement, values = realised(recipe, group)
        proof = prove(statement, CONTEXT, values)
    except InputError:
        reject()  # a point of this statement is the identity
    verify(statement, CONTEXT, proof)
    for wrong in range(len(recipe.values)):
        statement, values = realised(recipe, group, wrong)
        with pytest.raises(InputError, match="UNSATISFIED"):
            prove(statement, CONTEXT, values)


@pytest.mark.parametrize("group", FAST)
@settings(max_examples=50, deadline=None)
@given(recipe=recipes())
def test_what_is_true_verifies_and_nothing_else_is_proven(group: str, recipe: Recipe) -> None:
    check_completeness(recipe, group)


@settings(max_examples=2, deadline=None)
@given(recipe=recipes())
def test_so_does_the_reference_group(recipe: Recipe) -> None:
    small = Recipe(recipe.values[:1], (), ((((0, 0), (0, 1)), 2, 1, True), (((0, 3),), 1, 0, True)))
    check_completeness(small, "py_ecc")


# --- the special-soundness extractor


def extracted(statement: Statement, first: Proof, second: Proof, c: tuple[int, int]) -> Mapping[Witness, int]:
    """Compute the witnesses from two answers to two challenges after the same commitment."""
    assert (first.points, first.T) == (second.points, second.T)
    inverse = pow(c[0] - c[1], -1, r)
    pairs = zip(first.responses, second.responses, strict=True)
    free = [(one - other) * inverse % r for one, other in pairs]
    return statement.complete(dict(zip(statement.free, free, strict=True)), 1)


def test_two_answers_give_all_witnesses(forced: Forced) -> None:
    """The forked prover: same points and T, two challenges, both answers accepted."""
    public = Public()
    compiled = public.compile()
    statement, mine = compiled.statement, held()
    commitment = commit(statement, assigned(compiled, public))
    challenges = (1234567, r - 5)
    answers = [commitment.respond(c) for c in challenges]
    for c, answer in zip(challenges, answers, strict=True):
        forced(c)
        verify(statement, CONTEXT, proof_to_octets(statement, answer))
    x = extracted(statement, answers[0], answers[1], challenges)
    credential = compiled.credential
    for i, witness in credential.messages.items():
        assert x[witness] == mine.messages[i]
    assert x[credential.e] == mine.signature.e
    # From these and the points that were sent follows a signature, and the table's signature on the handle.
    group = suite().group
    sent = dict(zip(statement.sent, answers[0].points, strict=True))
    A = group.msm([sent[credential.A]], [x[credential.r3] * pow(x[credential.r1], -1, r)])
    assert group.g1s_to_octets([A]) == group.g1s_to_octets([mine.signature.A])
    C = group.msm([sent[compiled.member.C1]], [pow(-x[compiled.member.t], -1, r)])
    y = x[credential.messages[1]]
    true = secret_key(public.table).group_key.divide(public.V.point, y)
    assert group.g1s_to_octets([C]) == group.g1s_to_octets([true])


@pytest.mark.parametrize("group", FAST)
@settings(max_examples=20, deadline=None)
@given(recipe=recipes(), first=st.integers(0, r - 1), second=st.integers(0, r - 1))
def test_the_extractor_works_on_every_shape(group: str, recipe: Recipe, first: int, second: int) -> None:
    try:
        statement, values = realised(recipe, group)
        commitment = commit(statement, values)
    except InputError:
        reject()
    if first == second:
        reject()
    x = extracted(statement, commitment.respond(first), commitment.respond(second), (first, second))
    assert x == values_of(values)


def values_of(values: Values) -> Mapping[Witness, int]:
    return values._witnesses


# --- the simulator


def simulated(statement: Statement, points: Sequence[object], c: int) -> Proof:
    """Choose the responses first and compute every T backwards: T = sum of x^_j * B_j - c*Y."""
    group = statement.suite.group
    free = dict(zip(statement.free, calculate_random_scalars(len(statement.free)), strict=True))
    responses = statement.complete(free, c)
    sent = dict(zip(statement.sent, points, strict=True))
    T = []
    for equation in statement.equations:
        terms = [(point, responses[name]) for name, point in equation.terms]
        terms += [(point, -c * scalar) for point, scalar in equation.Y]
        bases = [point.point if isinstance(point, Base) else sent[point] for point, _ in terms]
        T.append(group.msm(bases, [scalar for _, scalar in terms]))  # type: ignore[arg-type]
    return Proof(tuple(points), tuple(T), tuple(free.values()))  # type: ignore[arg-type]


def test_the_simulator_is_accepted_for_a_credential_that_it_does_not_hold(forced: Forced) -> None:
    """Of signatures it knows a pair (X, x*X) only, which any earlier proof under the key gives it."""
    public = Public()
    compiled = public.compile()
    statement, group = compiled.statement, suite().group
    pairs = {}
    for key in {check.key for check in statement.checks}:
        (seed,) = [seed for seed in (public.issuer, public.table) if secret_key(seed).public_key() == key]
        x = int.from_bytes(secret_key(seed).to_octets_secret())
        pairs[key] = (public.V.point, group.msm([public.V.point], [x]))
    for _ in range(3):
        sent = {name: group.msm([public.V.point], calculate_random_scalars(1)) for name in statement.sent}
        for check in statement.checks:
            (t,) = calculate_random_scalars(1)
            sent[check.C], sent[check.D] = (group.msm([point], [t]) for point in pairs[check.key])
        (c,) = calculate_random_scalars(1)
        proof = simulated(statement, [sent[name] for name in statement.sent], c)
        forced(c)
        verify(statement, CONTEXT, proof_to_octets(statement, proof))


def commitment_statement() -> tuple[Statement, Commitment]:
    builder = Builder(suite())
    commitment = Commitment.add_to(builder, builder.witness("m"))
    return builder.build(), commitment


def real_run(m: int) -> bytes:
    statement, commitment = commitment_statement()
    values = Values(statement)
    commitment.assign(values, m)
    return prove(statement, CONTEXT, values)


def leaking_run(m: int) -> bytes:
    """A prover that lets one bit out: the parity of its first response is that of its secret."""
    return next(proof for _ in count() if (proof := real_run(m))[-33] % 2 == m % 2)


def simulated_run(_: int) -> bytes:
    statement, _commitment = commitment_statement()
    (c, k) = calculate_random_scalars(2)
    K = suite().group.msm([hashed_base(suite(), "commitment-value").point], [k])
    return proof_to_octets(statement, simulated(statement, [K], c))


def distance(first: Sequence[bytes], second: Sequence[bytes]) -> float:
    """Return the largest difference of a bit's frequency over all bits, in standard deviations."""
    worst = 0.0
    for at in range(8 * len(first[0])):
        ones = [sum(run[at // 8] >> at % 8 & 1 for run in runs) for runs in (first, second)]
        n = len(first)
        mean = sum(ones) / (2 * n)
        spread = sqrt(2 * mean * (1 - mean) / n)
        if spread:
            worst = max(worst, abs(ones[0] - ones[1]) / n / spread)
    return worst


RUNS = 300
THRESHOLD = 6.5
"""About 1,400 bits are looked at; by chance one differs by so much once in ten million runs of the test."""


def test_real_runs_look_like_simulated_ones_and_like_those_of_another_secret() -> None:
    real = [real_run(6) for _ in range(RUNS)]
    assert distance(real, [simulated_run(6) for _ in range(RUNS)]) < THRESHOLD
    assert distance(real, [real_run(r - 7) for _ in range(RUNS)]) < THRESHOLD


def test_the_distinguisher_finds_a_planted_leak_of_one_bit() -> None:
    leaking = [leaking_run(6) for _ in range(RUNS)]
    assert distance(leaking, [leaking_run(7) for _ in range(RUNS)]) > THRESHOLD
    assert distance(leaking, [simulated_run(6) for _ in range(RUNS)]) > THRESHOLD


# --- what the challenge covers


def test_the_challenge_covers_every_sent_point_and_every_t() -> None:
    public = Public()
    statement = public.compile().statement
    size = 48 * len(statement.sent)
    points, T = bytes(range(256))[:size], bytes(range(256))[: 48 * len(statement.equations)]
    reference = challenge(statement, CONTEXT, points, T)
    seen = {reference}
    for at in range(0, size, 48):
        seen.add(challenge(statement, CONTEXT, points[:at] + b"x" + points[at + 1 :], T))
    for at in range(0, len(T), 48):
        seen.add(challenge(statement, CONTEXT, points, T[:at] + b"x" + T[at + 1 :]))
    seen.add(challenge(statement, CONTEXT, points + T[:48], T[48:]))
    assert len(seen) == 2 + len(statement.sent) + len(statement.equations)


def test_the_octets_of_a_proof_are_fixed() -> None:
    """A change of transcript or encoding shows here: both are part of the protocol's version."""
    for group in FAST:
        public = Public(group=group)
        compiled = public.compile()
        values = assigned(compiled, public, rng=lambda count: list(range(11, 11 + count)))
        proof = prove(compiled.statement, CONTEXT, values)
        assert sha256(proof).hexdigest() == "ea0da9fc81642be61be009092770318762659e8aef04987757d4655e9a776582"
