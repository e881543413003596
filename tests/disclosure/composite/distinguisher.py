"""A distinguisher of pairs of uses: it looks for anything that tells by whom the second one is.

A game tosses a fair coin for each pair, and the second use is made accordingly: by the first one's holder or
by another, by a prover or by a simulator. The distinguisher makes yes-or-no questions of what is seen and
counts for each how often yes goes with heads. If what is seen tells nothing of the coins, each count is
binomial with 1/2, whatever the question: no assumption is made of what is seen, and the bound is exact. With
M tests a finding is a count whose two tails have probability at most 2^-20 / M together, so that an honest
game is accused once in a million at most.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import comb, sqrt

from bbs.groups.bls12_381 import r
from bbs.groups.protocol import G1Point

FALSE_ALARM_BITS = 20


@dataclass(frozen=True)
class Sight:
    """Everything of one use that verifier, ledger and network see, and what they can compute of it.

    `octets` by what they are; `points`, sent ones and T, by name, with the octets of each point without its
    sign; `multiples` the same of these times scalars that departments know; `responses` by witness, all of
    them, to the challenge `c`; `verdict` in words.
    """

    octets: Mapping[str, bytes]
    points: Mapping[str, G1Point]
    unsigned: frozenset[bytes]
    multiples: frozenset[bytes]
    responses: Mapping[str, int]
    c: int
    verdict: str


Pair = tuple[Sight, Sight]
Close = Callable[[Pair], int]
"""How many points of the second are those of the first plus a small multiple of a known base."""


@dataclass(frozen=True)
class Game:
    """Pairs, and the coin of each: True is heads."""

    pairs: Sequence[Pair]
    coins: Sequence[bool]


@dataclass(frozen=True)
class Count:
    """One test: of `n` coins `k` were heads; binomial with 1/2 unless something tells of the coins."""

    question: str
    n: int
    k: int


def toss(count: int) -> list[bool]:
    """Toss fair coins, of the system's generator."""
    return [bool(secrets.randbits(1)) for _ in range(count)]


class Columns:
    """Adds up words of bits, column by column: a carry-save adder over all columns at once."""

    def __init__(self) -> None:
        self._planes = list[int]()

    def add(self, word: int) -> None:
        """Add one to each column where the word has a one."""
        for place, plane in enumerate(self._planes):
            self._planes[place], word = plane ^ word, plane & word
            if not word:
                return
        self._planes.append(word)

    def totals(self, width: int) -> list[int]:
        """Return the sum of each column, the lowest bit's last."""
        totals = [0] * width
        for weight, plane in enumerate(self._planes):
            for column, bit in enumerate(f"{plane:0{width}b}"):
                totals[column] += (bit == "1") << weight
        return totals


def counted(question: str, words: Sequence[int], width: int, coins: Sequence[bool]) -> Iterator[Count]:
    """Ask each column of the words: by its yes, by its no, and by how often it guesses the coin."""
    ones, heads, games, all_heads = Columns(), Columns(), len(coins), sum(coins)
    for word, coin in zip(words, coins, strict=True):
        ones.add(word)
        if coin:
            heads.add(word)
    for column, (n, k) in enumerate(zip(ones.totals(width), heads.totals(width), strict=True)):
        name = f"{question}, {width - 1 - column}"
        yield Count(name, n, k)
        yield Count(name, games - n, all_heads - k)
        yield Count(name, games, k + (games - n) - (all_heads - k))


def numbers(question: str, values: Sequence[float], coins: Sequence[bool]) -> Iterator[Count]:
    """Ask a number whether it is at least some of the values that occur: the ends, and seven between."""
    occurring = sorted(set(values))
    cuts = {occurring[place * (len(occurring) - 1) // 8] for place in range(9)} | {*occurring[:2]}
    for cut in sorted(cuts):
        words = [int(value >= cut) for value in values]
        yield from counted(f"{question} >= {cut:g}", words, 1, coins)


# --- the questions


def bits(game: Game) -> tuple[list[int], int]:
    """Return all octets of each second use and, beside them, where they agree with the first one's."""
    names = list(game.pairs[0][0].octets)
    sizes = {name: max(len(each.octets[name]) for pair in game.pairs for each in pair) for name in names}
    width = 8 * sum(sizes.values())

    def word(sight: Sight) -> int:
        return int.from_bytes(b"".join(sight.octets[name].ljust(sizes[name], b"\x00") for name in names))

    everything = (1 << width) - 1
    pairs = [(word(first), word(second)) for first, second in game.pairs]
    return [(two << width) | (one ^ two ^ everything) for one, two in pairs], 2 * width


def lengths(game: Game) -> Iterator[tuple[str, list[float]]]:
    """Lengths, of all and of the sum."""
    for name in game.pairs[0][0].octets:
        yield f"length of {name}", [len(second.octets[name]) for _, second in game.pairs]
    yield "length", [sum(map(len, second.octets.values())) for _, second in game.pairs]


def common(game: Game) -> Iterator[tuple[str, list[float]]]:
    """Substrings of four octets that both have, wherever they stand."""

    def parts(sight: Sight) -> set[bytes]:
        octets = b"".join(sight.octets.values())
        return {octets[at : at + 4] for at in range(len(octets) - 3)}

    yield "common substrings", [len(parts(first) & parts(second)) for first, second in game.pairs]


def related(game: Game, close: Close) -> Iterator[tuple[str, list[float]]]:
    """Points of the second that are points of the first, or of these the multiples, or near to them."""

    pairs = game.pairs
    yield "equal points", [len(first.unsigned & second.unsigned) for first, second in pairs]
    yield "multiples of points", [len(first.multiples & second.unsigned) for first, second in pairs]
    yield "differences of points", [close(pair) for pair in pairs]


def reused(game: Game) -> Iterator[tuple[str, list[float]]]:
    """What blindings that were used twice would give away: witnesses that are small, or come out again."""
    found = list[dict[str, int]]()
    for first, second in game.pairs:
        inverse = pow(first.c - second.c, -1, r)
        answers = [(name, x, second.responses.get(name)) for name, x in first.responses.items()]
        found.append({name: (x - y) * inverse % r for name, x, y in answers if y is not None})
    seen: dict[int, int] = {}
    for values in found:
        for value in values.values():
            seen[value] = seen.get(value, 0) + 1
    yield "small witnesses", [sum(x < 1 << 72 for x in values.values()) for values in found]
    yield "witnesses again", [sum(seen[x] > 1 for x in values.values()) for values in found]


def guessed(game: Game, guesses: Mapping[str, Iterable[int]]) -> tuple[list[int], int]:
    """Return the lowest bit of the blinding of each witness that can be guessed, guess by guess."""
    words, candidates = list[int](), {name: tuple(values) for name, values in guesses.items()}
    for _, second in game.pairs:
        word, c = 0, second.c
        for name, values in candidates.items():
            x = second.responses[name]
            for value in values:
                word = word << 1 | (x - c * value) % r & 1
        words.append(word)
    return words, sum(map(len, candidates.values()))


def votes(game: Game) -> Iterator[Count]:
    """Learn of the first half which bits go with heads, and let all of a kind vote on the second half."""
    coins, half = game.coins, len(game.coins) // 2
    share = sum(coins[:half]) / half
    for name in game.pairs[0][0].octets:
        words = [int.from_bytes(second.octets[name]) for _, second in game.pairs]
        width, ones, heads = max(1, max(words).bit_length()), Columns(), Columns()
        for word, coin in zip(words[:half], coins[:half], strict=True):
            ones.add(word)
            heads.add(word if coin else 0)
        weights = [k - n * share for n, k in zip(ones.totals(width), heads.totals(width), strict=True)]
        # A bit has a vote if it is further from even than two in three are by chance.
        least = sqrt(half) / 4
        plus = int("".join("1" if weight > least else "0" for weight in weights), 2)
        minus = int("".join("1" if weight < -least else "0" for weight in weights), 2)
        scores = [(word & plus).bit_count() - (word & minus).bit_count() for word in words]
        middle = (mean(scores[:half], coins, True) + mean(scores[:half], coins, False)) / 2
        right = sum((score > middle) == coin for score, coin in zip(scores[half:], coins[half:], strict=True))
        yield Count(f"vote of the {name}", len(words) - half, right)


def mean(scores: Sequence[int], coins: Sequence[bool], side: bool) -> float:
    """Return the mean score of heads, or of tails."""
    chosen = [score for score, coin in zip(scores, coins, strict=False) if coin is side]
    return sum(chosen) / max(1, len(chosen))


# --- the verdict


@dataclass
class Distinguisher:
    """What it knows besides: which values witnesses could have, and which points are near each other."""

    guesses: Mapping[str, Iterable[int]]
    close: Close

    def findings(self, game: Game) -> list[str]:
        """Return the questions whose answers tell of the coins."""
        coins, (words, width) = game.coins, bits(game)
        guesses, count = guessed(game, self.guesses)
        verdicts = sorted({second.verdict for _, second in game.pairs})
        tests = [
            *counted("bit", words, width, coins),
            *counted("guess", guesses, count, coins),
            *votes(game),
        ]
        for questions in (lengths(game), common(game), related(game, self.close), reused(game)):
            for question, values in questions:
                tests += numbers(question, values, coins)
        ranks = [float(verdicts.index(second.verdict)) for _, second in game.pairs]
        tests += numbers("verdict", ranks, coins)
        bound = Bound(len(tests))
        return [each.question for each in tests if bound.exceeded_by(each)]


class Bound:
    """The exact bound of one test among many."""

    def __init__(self, tests: int) -> None:
        self.tests = tests
        self._least: dict[int, int] = {}

    def exceeded_by(self, count: Count) -> bool:
        """Tell whether both tails beyond the count have probability at most 2^-20 / M."""
        return max(count.k, count.n - count.k) >= self.least(count.n)

    def least(self, n: int) -> int:
        """Return the least number of heads, or of tails, of n coins that is a finding; n + 1 if none is."""
        if n not in self._least:
            tail, heads = 0, n
            while heads >= 0:
                tail += comb(n, heads)
                if 2 * tail * self.tests << FALSE_ALARM_BITS > 1 << n:
                    break
                heads -= 1
            self._least[n] = heads + 1
        return self._least[n]
