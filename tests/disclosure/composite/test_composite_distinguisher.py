"""Nothing that verifier, ledger and network see tells whether two uses are of one holder.

A thousand pairs of uses, each by one holder or by two by a coin, and the distinguisher finds nothing in them:
by its bound it would find something in honest pairs once in a million runs of the tests. The same
distinguisher finds each of the leaks of one bit that are planted, in fewer pairs, and nothing between real
and simulated uses.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from math import comb

import pytest

from bbs.engine import Context, Statement
from bbs.engine.transcript import challenge as real
from disclosure.composite import CompositeDirectory, scalars
from tests.disclosure.composite.adversary import NATIVE
from tests.disclosure.composite.distinguisher import Bound, Count, Distinguisher, Game, counted, numbers, toss
from tests.disclosure.composite.leaks import (
    Leak,
    bit_of_the_tag,
    counted_u,
    doubled_randomness_in_A,
    longer_note,
    low_bits_of_blindings,
    own_epoch,
    parity_of_a_response,
    private_epoch,
    private_value,
    same_blindings,
    same_randomness_in_A,
    smeared_over_the_tag,
)
from tests.disclosure.composite.uses import Use, close, sights, simulate, two_holders
from tests.disclosure.composite.world import DIRECTORY, TODAY

PAIRS, SIMULATED = (1000, 300) if NATIVE else (100, 60)
"""Honest pairs. Portable groups take ten times as long, so there they are fewer: the bound is for as many as
there are, and a leak would have to be plainer to be found."""
SOME, FEW = 300, 60
"""Pairs in which a leak shows now and then, and those in which it shows each time."""
OFFSET = 1 << 63
GUESSES: Mapping[str, Sequence[int]] = {
    # What the attributes of a person could be: months, and the last day of a permit of 90 days.
    "credential 0/m7": [OFFSET + months for months in range(601)],
    "credential 0/m2": [scalars.number(TODAY + dt.timedelta(days=day)) for day in range(91)],
}


def game(
    count: int,
    first: Callable[[int], Use],
    heads: Callable[[int], Use],
    tails: Callable[[int], Use],
    known: CompositeDirectory = DIRECTORY,
) -> Game:
    """Toss a coin for each pair and look at both uses."""
    coins, uses = toss(count), list[Use]()
    for number, coin in enumerate(coins):
        uses += [first(2 * number), (heads if coin else tails)(2 * number + 1)]
    seen = sights(uses, known)
    return Game(list(zip(seen[::2], seen[1::2], strict=True)), coins)


def found(played: Game) -> set[str]:
    """Return what kinds of questions tell."""
    return {each.split(",")[0].split(" >=")[0] for each in Distinguisher(GUESSES, close).findings(played)}


def test_one_holder_and_two_look_the_same() -> None:
    alice, bob = two_holders()
    played = game(PAIRS, alice.use, alice.use, bob.use)
    assert {sight.verdict for pair in played.pairs for sight in pair} == {"OK"}
    assert found(played) == set()


LEAKS: dict[str, tuple[Leak, set[str]]] = {
    "the lowest bit of all blindings": (low_bits_of_blindings, {"guess"}),
    "the parity of a response": (parity_of_a_response, {"bit"}),
    "a bit of the usage tag": (bit_of_the_tag, {"bit"}),
    "a little of each bit of the usage tag": (smeared_over_the_tag, {"vote of the usage tag"}),
    "A' with the randomness of before": (same_randomness_in_A, {"equal points", "common substrings", "bit"}),
    "A' with twice the randomness of before": (doubled_randomness_in_A, {"multiples of points"}),
    "an escrow with a counter": (counted_u, {"differences of points"}),
    "the blindings of before": (same_blindings, {"witnesses again"}),
    "an epoch of one's own": (private_epoch, {"bit"}),
    "a value of one's own under the common number": (private_value, {"verdict"}),
    "a note that is longer by one octet": (longer_note, {"length of note", "length"}),
}


@pytest.mark.parametrize(("leak", "kinds"), LEAKS.values(), ids=LEAKS.keys())
def test_a_planted_leak_of_one_bit_is_found(leak: Leak, kinds: set[str]) -> None:
    alice, bob = (leak(each) for each in two_holders())
    known = own_epoch() if leak is private_epoch else DIRECTORY
    count = SOME if leak in (low_bits_of_blindings, smeared_over_the_tag) else FEW
    assert kinds <= found(game(count, alice.use, alice.use, bob.use, known))


@pytest.fixture
def oracle(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[bytes, bytes], int]:
    """A random oracle that is programmed at the points of simulated proofs, and the real one elsewhere."""
    programmed = dict[tuple[bytes, bytes], int]()

    def challenge(statement: Statement, context: Context, points: bytes, T: bytes) -> int:
        at = (points, T)
        return programmed[at] if at in programmed else real(statement, context, points, T)

    monkeypatch.setattr("bbs.engine.verifier.challenge", challenge)
    return programmed


def test_a_real_use_and_a_simulated_one_look_the_same(oracle: dict[tuple[bytes, bytes], int]) -> None:
    """The simulator has no credential, and is believed: what is seen of a use can be made without it."""
    alice, _ = two_holders()
    played = game(SIMULATED, alice.use, alice.use, lambda number: simulate(number, oracle))
    assert len(oracle) == SIMULATED - sum(played.coins)
    assert {sight.verdict for pair in played.pairs for sight in pair} == {"OK"}
    assert found(played) == set()


@pytest.mark.parametrize(
    ("leak", "kind", "count"),
    [
        (longer_note, "length", FEW),
        pytest.param(
            parity_of_a_response,
            "bit",
            SOME,
            marks=pytest.mark.skipif(not NATIVE, reason="300 pairs take minutes with a portable group"),
        ),
    ],
)
def test_a_leaking_use_and_a_simulated_one_do_not(
    leak: Leak, kind: str, count: int, oracle: dict[tuple[bytes, bytes], int]
) -> None:
    alice = leak(two_holders()[0])
    assert kind in found(game(count, alice.use, alice.use, lambda number: simulate(number, oracle)))


def test_without_its_oracle_a_simulated_use_is_nothing() -> None:
    seen = sights([simulate(number, {}) for number in range(3)])
    assert [each.verdict for each in seen] == ["PROOF_INVALID"] * 3


# The distinguisher itself.


def test_the_bound_is_the_binomial_tail() -> None:
    for tests in (1, 1000, 300_000):
        bound = Bound(tests)
        for n in (0, 1, 30, 60, 240, 1000):
            least = bound.least(n)
            tails = [2 * sum(comb(n, heads) for heads in range(from_, n + 1)) for from_ in (least, least - 1)]
            limit = (1 << n) / (tests << 20)
            assert tails[0] <= limit
            assert least > n // 2
            assert tails[1] > limit or least - 1 <= n // 2
        assert bound.exceeded_by(Count("", 1000, 0))
        assert not bound.exceeded_by(Count("", 1000, 520))


def test_columns_are_counted_as_one_would_by_hand() -> None:
    words, coins = [0b101, 0b001, 0b111, 0b000], [True, False, True, True]
    counts = list(counted("x", words, 3, coins))
    assert [(each.n, each.k) for each in counts[::3]] == [(2, 2), (1, 1), (3, 2)]
    assert [(each.n, each.k) for each in counts[1::3]] == [(2, 1), (3, 2), (1, 1)]
    assert [each.k for each in counts[2::3]] == [3, 2, 2]
    assert [(each.n, each.k) for each in numbers("y", [1, 1, 5, 1], coins)][3:5] == [(1, 1), (3, 2)]
