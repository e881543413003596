"""Liars who change points, T and responses: each lie alone, and hidden among a hundred good ones.

| lie | here, by its name |
| --- | --- |
| swapped T | T |
| zero points | zero |
| points outside the subgroup | outside |
| response +- r | response |

What is changed `after` the challenge was drawn is changed by somebody on the way; a prover itself changes it
before, so that its challenge is the right one.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from bbs.engine import Statement
from bbs.engine.prover import Commitment
from bbs.groups.bls12_381 import r
from bbs.groups.protocol import G1Point
from disclosure.composite import (
    CompositeClaim,
    Holding,
)
from tests.bbs.engine.outside import point_of, shifted, small
from tests.bbs.test_bbs_serialization import G1_SMALL_ORDERS, IDENTITY_G1
from tests.disclosure.composite.adversary import (
    FALSE,
    MALFORMED,
    Draft,
    Lie,
    Move,
    Points,
    alone,
    among_a_hundred,
    check_alone,
    check_hidden,
    claim_of,
    claimed,
    generator,
    hundred,
    lean,
    same,
    told,
)
from tests.disclosure.composite.world import (
    PAIRING,
)

GROUP = PAIRING.group
POINT, SCALAR = 48, 32


def place(statement: Statement, begin: str, end: str) -> int:
    (found,) = (at for at, name in enumerate(statement.sent) if name.startswith(begin) and name.endswith(end))
    return found


# --- T and points in another order


def exchange(at: int, other: int, of: Callable[[Points, Points], Points]) -> Move:
    def move(_: Commitment, points: Points, T: Points) -> None:
        row = of(points, T)
        row[at], row[other] = row[other], row[at]

    return move


def the_T(_: Points, T: Points) -> Points:
    return T


def the_points(points: Points, _: Points) -> Points:
    return points


def spliced(make: Callable[[Statement, list[bytes], list[bytes], list[bytes]], None]) -> Lie:
    """Change points, T and responses of a good proof after its challenge was drawn, as octets."""

    def changed() -> CompositeClaim:
        statements = list[Statement]()
        presentation = told(move=lambda made, points, T: statements.append(made.statement))
        (statement,), proof = statements, presentation.proof
        first, second = len(statement.sent) * POINT, len(statement.equations) * POINT
        rows = [
            [part[at : at + size] for at in range(0, len(part), size)]
            for part, size in (
                (proof[:first], POINT),
                (proof[first : first + second], POINT),
                (proof[first + second :], SCALAR),
            )
        ]
        make(statement, *rows)
        octets = b"".join(b"".join(row) for row in rows)
        return claim_of(replace(presentation, proof=octets))

    return Lie(changed)


def reason(lie: Lie, reason: str) -> Lie:
    return Lie(lie.make, reason)


def swap(row: list[Any], at: int, other: int) -> None:
    row[at], row[other] = row[other], row[at]


def another_T(statement: Statement, points: list[bytes], T: list[bytes], responses: list[bytes]) -> None:
    """Take a T of a good presentation of somebody else."""
    T[1] = hundred()[1].presentation.proof[len(points) * POINT :][POINT : 2 * POINT]


def swaps() -> dict[str, Lie]:
    return {
        "T swapped by the prover": Lie(lambda: claimed(move=exchange(0, 1, the_T))),
        "T of two credentials swapped by the prover": Lie(lambda: claimed(move=exchange(1, 3, the_T))),
        "T of two digits swapped by the prover": Lie(lambda: claimed(move=exchange(6, 7, the_T))),
        "T swapped on the way": spliced(lambda _, points, T, responses: swap(T, 0, -1)),
        "T of two digits swapped on the way": spliced(lambda _, points, T, responses: swap(T, 6, 7)),
        "T of another presentation": spliced(another_T),
        "T and a point swapped": spliced(lambda _, points, T, responses: _across(points, T)),
        "points swapped by the prover": Lie(lambda: claimed(move=exchange(0, 1, the_points))),
        "points of two credentials swapped": Lie(lambda: claimed(move=exchange(0, 3, the_points))),
        "points swapped on the way": spliced(lambda _, points, T, responses: swap(points, 0, 3)),
        "responses swapped": spliced(lambda _, points, T, responses: swap(responses, 0, 1)),
    }


def _across(points: list[bytes], T: list[bytes]) -> None:
    points[0], T[0] = T[0], points[0]


# --- zero points, points outside the subgroup


def put(begin: str, end: str, make: Callable[[G1Point], G1Point]) -> Move:
    """Put another point in a sent one's place, before the challenge."""

    def move(made: Commitment, points: Points, _: Points) -> None:
        at = place(made.statement, begin, end)
        points[at] = make(points[at])

    return move


def zero(_: G1Point) -> G1Point:
    return GROUP.msm([PAIRING.hash_to_points([b"x"], b"ZK_TEST_ADVERSARY_V1_")[0]], [0])


def of_order(order: tuple[int, ...]) -> Callable[[G1Point], G1Point]:
    return lambda _: point_of(GROUP, small(order))


def moved_by(order: tuple[int, ...]) -> Callable[[G1Point], G1Point]:
    return lambda point: shifted(GROUP, point, order)


SENT = {
    "A'": ("credential 0/", "A'"),
    "B'": ("credential 0/", "B'"),
    "D": ("credential 0/", "D"),
    "C' of a witness": ("life 0/not revoked/", "C'"),
    "C'' of a digit": ("predicate 0/", "minimum/d1/C''"),
    "N": ("pseudonym 0/", "N"),
    "E1": ("escrow 0/", "E1"),
    "E2": ("escrow 0/", "E2"),
}


def nobodys_credential(draft: Draft) -> None:
    """A' and B' that count as zero, with r1' = 0 and e = 0, are right whatever is said of attributes."""
    draft.set("credential 0/", "/e", 0)
    draft.set("credential 0/", "/r1", 0)


def nobodys_digit(draft: Draft) -> None:
    """C' and C'' that count as zero, with t = 0, are a signature on any digit."""
    draft.set("predicate 0/", "/minimum/d0/t", 0)


def count_as_zero(begin: str, *ends: str) -> Move:
    """Send points of order 3, and the T that belong to them."""

    def move(made: Commitment, points: Points, T: Points) -> None:
        for at in (place(made.statement, begin, end) for end in ends):
            for row, equation in enumerate(made.statement.equations):
                for name, point in equation.terms:
                    if point == made.statement.sent[at]:
                        T[row] = GROUP.msm([T[row], points[at]], [1, -made._blindings[name]])
            points[at] = point_of(GROUP, small((3,)))

    return move


def a_credential_of_nobody() -> CompositeClaim:
    return claimed(tell=nobodys_credential, move=count_as_zero("credential 0/", "A'", "B'"))


def a_digit_of_nobody() -> CompositeClaim:
    ends = ("minimum/d0/C'", "minimum/d0/C''")
    return claimed(below(), nobodys_digit, move=count_as_zero("predicate 0/", *ends))


def below() -> dict[str, Holding]:
    return lean(permit={"months": 11}, insurance={"months": 100})


def points() -> dict[str, Lie]:
    lies = {
        f"zero: {name} is the identity": Lie(partial(_moved, put(*where, zero)), MALFORMED)
        for name, where in SENT.items()
    }
    lies["zero: every T is the identity"] = spliced(_no_T)
    lies["zero: a T is the identity"] = Lie(lambda: claimed(move=_one_T_is_zero))
    lies["zero: a credential of nobody"] = Lie(a_credential_of_nobody, MALFORMED)
    lies["zero: a digit of nobody"] = Lie(a_digit_of_nobody, MALFORMED)
    for q in G1_SMALL_ORDERS:
        for name in ("N", "E1", "E2"):
            move = put(*SENT[name], moved_by((q,)))
            lies[f"outside: {name} moved by order {q}"] = Lie(partial(_moved, move), MALFORMED)
    for name in ("A'", "C' of a witness"):
        move = put(*SENT[name], of_order(tuple(G1_SMALL_ORDERS)))
        lies[f"outside: {name} counts as zero"] = Lie(partial(_moved, move), MALFORMED)
    for name in ("A'", "D", "C'' of a digit", "N"):
        lies[f"outside: {name} moved on the way"] = reason(
            spliced(partial(_moved_on_the_way, name)), MALFORMED if name == "N" else FALSE
        )
    return lies


def _moved(move: Move) -> CompositeClaim:
    return claimed(move=move)


def _no_T(_: Statement, points: list[bytes], T: list[bytes], responses: list[bytes]) -> None:
    T[:] = [IDENTITY_G1] * len(T)


def _one_T_is_zero(_: Commitment, points: Points, T: Points) -> None:
    T[1] = zero(T[1])


def _moved_on_the_way(
    name: str, statement: Statement, points: list[bytes], T: list[bytes], responses: list[bytes]
) -> None:
    at = place(statement, *SENT[name])
    (point,) = GROUP.g1s_from_octets([points[at]])
    points[at] = GROUP.g1s_to_octets([shifted(GROUP, point, (3,))])


# --- responses


CHANGES: dict[str, tuple[Callable[[int], int], str]] = {
    "+ r": (lambda x: x + r, MALFORMED),
    "- r": (lambda x: x - r, MALFORMED),
    "+ 1": (lambda x: (x + 1) % r, FALSE),
    "- 1": (lambda x: (x - 1) % r, FALSE),
    "negated": (lambda x: -x % r, FALSE),
    "0": (lambda x: 0, FALSE),
    "r": (lambda x: r, MALFORMED),
}
ANSWERED = {"the holder's secret": "holder/secret", "the identifier": "equal/m0", "u": "escrow 0/u"}


def responses() -> dict[str, Lie]:
    return {
        f"response of {who} {how}": reason(spliced(partial(_answered, name, change)), why)
        for who, name in ANSWERED.items()
        for how, (change, why) in CHANGES.items()
    }


def _answered(
    name: str,
    change: Callable[[int], int],
    statement: Statement,
    points: list[bytes],
    T: list[bytes],
    responses: list[bytes],
) -> None:
    at = [str(each) for each in statement.free].index(name)
    # One in two sums is more than 32 octets hold: then it is sent as what is left of it.
    changed = change(int.from_bytes(responses[at]))
    responses[at] = (changed % (1 << 256)).to_bytes(SCALAR)


LIES = {**swaps(), **points(), **responses()}
each_lie = pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())


@each_lie
def test_a_lie_is_refused_for_its_reason(lie: Lie) -> None:
    check_alone(lie)


@each_lie
def test_a_lie_is_found_among_a_hundred_good_ones(lie: Lie) -> None:
    check_hidden(lie)


def test_all_lies_are_found_in_one_batch_with_a_hundred_good_ones() -> None:
    claims = [each.claim for each in LIES.values()]
    for found, claim in zip(among_a_hundred(claims), claims, strict=True):
        assert same(found, alone(claim))


def test_without_the_check_for_zero_a_credential_of_nobody_would_be_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So it is this check that stands between small orders and forgeries of everything."""
    forged = [LIES["zero: a credential of nobody"].claim, LIES["zero: a digit of nobody"].claim]
    assert [str(getattr(each, "reason", "OK")) for each in among_a_hundred(forged)] == [MALFORMED] * 2
    monkeypatch.setattr(Statement, "guarded", ())
    assert among_a_hundred(forged) == [None, None]


def test_an_inner_point_outside_the_subgroup_counts_as_its_projection_and_proves_the_same() -> None:
    """Moved by the prover itself it is no lie: what it proves is what is so, alone and among others."""
    inner = ("A'", "D", "C' of a witness", "C'' of a digit")
    moves = [put(*SENT[name], moved_by((q,))) for name in inner for q in G1_SMALL_ORDERS]
    truths = [claimed(move=move) for move in moves]
    assert among_a_hundred(truths) == [None] * len(truths)
    assert [alone(each) for each in truths] == [None] * len(truths)
    assert [getattr(alone(claimed(below(), move=move)), "reason", "OK") for move in moves] == [FALSE] * len(
        moves
    )


# Errors that cancel.


def shift(row: int, sign: int, of: Callable[[Points, Points], Points]) -> Move:
    def move(_: Commitment, points: Points, T: Points) -> None:
        changed = of(points, T)
        changed[row] = GROUP.msm([changed[row], generator().point], [1, sign])

    return move


def cancelling() -> list[CompositeClaim]:
    """Two whose T are false by X and by -X."""
    return [claimed(move=shift(4, sign, the_T)) for sign in (1, -1)]


def cancelling_signatures() -> list[CompositeClaim]:
    """Two whose C'' of one table are false by X and by -X, with all equations true."""

    def shifted_signature(sign: int) -> Callable[[Draft], None]:
        def tell(draft: Draft) -> None:
            # y*C' is moved by X, and so is C'', which is made of it: the check's D is false by X.
            C1, C2 = (draft.sent("predicate 0/", f"minimum/d0/{end}") for end in ("C'", "C''"))
            y = draft.x[draft.equation("predicate 0/", "/minimum/d0/C''").terms[0][0]]
            inverse = pow(y, -1, r)
            X = generator()
            draft.send(C1, {**draft.values._points[C1], X: -sign * inverse % r})
            draft.send(C2, {**draft.values._points[C2], X: sign})

        return tell

    return [claimed(tell=shifted_signature(sign)) for sign in (1, -1)]


@pytest.mark.parametrize("make", [cancelling, cancelling_signatures])
def test_two_lies_that_cancel_are_found_side_by_side(
    make: Callable[[], list[CompositeClaim]], monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = make()
    assert [getattr(alone(each), "reason", "OK") for each in pair] == [FALSE, FALSE]
    assert [getattr(each, "reason", "OK") for each in among_a_hundred(pair)] == [FALSE, FALSE]
    # The attack is real: with equal coefficients the two would pass.
    monkeypatch.setattr("bbs.engine.verifier._coefficients", lambda count: iter([1] * count))
    assert among_a_hundred(pair) == [None, None]
