"""The prover: secret values for a statement, and one proof of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

from bbs.engine.proof import Proof, WireForm, proof_to_octets
from bbs.engine.statement import Base, Equation, Point, Sent, Statement, Witness, invalid
from bbs.engine.suite import msms
from bbs.engine.sums import Sum
from bbs.engine.transcript import Context, challenge
from bbs.errors import InputError, Reason
from bbs.groups.protocol import G1Point
from bbs.scalars import RandomScalars, calculate_random_scalars

Combination = Mapping[Base, int]
"""A point as a sum of bases times secret scalars."""


class Values:
    """What a prover knows: each free witness's scalar, and each sent point as a sum of bases.

    Good for one proof only: a second one would send the same points, so that everybody saw that both come
    from one holder. Shows nothing of itself.
    """

    def __init__(self, statement: Statement, rng: RandomScalars | None = None) -> None:
        """Begin with nothing; `rng` gives the gadgets' randomness and the proof's blindings.

        The default draws modulo the order of the statement's own group: blindings that were uniform in a
        smaller range would show the witnesses.
        """
        self.statement = statement
        self._rng = rng or partial(calculate_random_scalars, order=statement.suite.group.r)
        self._witnesses: dict[Witness, int] = {}
        self._points: dict[Sent, Combination] = {}
        self._used = False

    def random(self, count: int) -> list[int]:
        """Draw secret scalars in [1, r); InputError INVALID_RANDOMNESS."""
        scalars = list(self._rng(count))
        if len(scalars) != count or not all(0 < scalar < self.statement.suite.group.r for scalar in scalars):
            raise InputError(Reason.INVALID_RANDOMNESS, "a wrong count, or a scalar outside [1, r)")
        return scalars

    def set(self, witness: Witness, value: int) -> None:
        """Give a witness its scalar, modulo r. Gadgets that share it may both give it.

        Raises InputError UNSATISFIED if they give two: two holders' credentials, for instance. A witness that
        a constraint defines may be given too, and is compared.
        """
        value %= self.statement.suite.group.r
        if self._witnesses.setdefault(witness, value) != value:
            raise unsatisfied(f"the witness {witness} has two values")

    def send(self, sent: Sent, point: Combination) -> None:
        """Say of which bases a sent point is the sum, and with which secret scalars."""
        if self._points.setdefault(sent, point) is not point:
            raise invalid(f"the point {sent} is given twice")

    def take(self) -> "tuple[dict[Witness, int], dict[Sent, Combination]]":
        """Return all witnesses and all points, once: InputError ALREADY_USED, UNSATISFIED."""
        if self._used:
            raise InputError(Reason.ALREADY_USED, "these values have made a proof; a second needs fresh ones")
        self._used = True
        statement, given = self.statement, self._witnesses
        _refuse_others(given.keys() - set(statement.witnesses), self._points.keys() - set(statement.sent))
        _refuse_missing(set(statement.free) - given.keys(), set(statement.sent) - self._points.keys())
        witnesses = statement.complete({name: given[name] for name in statement.free}, 1)
        for name, value in given.items():
            if witnesses[name] != value:
                raise unsatisfied(f"the constraint on {name} does not hold")
        return witnesses, self._points


@dataclass(frozen=True, repr=False)
class Commitment:
    """A proof before its challenge: its points, its T and the secrets that answer."""

    statement: Statement
    points: tuple[G1Point, ...]
    T: tuple[G1Point, ...]
    _witnesses: Mapping[Witness, int] = field(repr=False)
    _blindings: Mapping[Witness, int] = field(repr=False)

    def respond(self, c: int) -> Proof:
        """Answer a challenge. Two answers give the witnesses away: never answer a second."""
        r, x, blinding = self.statement.suite.group.r, self._witnesses, self._blindings
        return Proof(
            self.points, self.T, tuple((blinding[name] + c * x[name]) % r for name in self.statement.free)
        )


def prove(
    statement: Statement, context: Context, values: Values, form: WireForm = WireForm.COMPRESSED
) -> bytes:
    """Prove a statement, bound to a context; the values are used up.

    Raises InputError UNSATISFIED if the values do not satisfy an equation or a constraint or are not
    complete, ALREADY_USED, INVALID_RANDOMNESS, INVALID_STATEMENT. Whether a signature holds under its key is
    not checked: a proof from a false one is false.
    """
    commitment = commit(statement, values)
    encode = statement.suite.group.g1s_to_octets
    c = challenge(statement, context, encode(commitment.points), encode(commitment.T))
    return proof_to_octets(statement, commitment.respond(c), form)


def commit(statement: Statement, values: Values) -> Commitment:
    """Choose the blindings and compute every sent point and every T; raises what `prove` does.

    A T is a sum over the bases that the sent points are made of, with their tables, and over no sent point.
    """
    if values.statement is not statement:
        raise invalid("the values are for another statement")
    group = statement.suite.group
    witnesses, points = values.take()
    expand = _Expansion(statement, points)
    for equation in statement.equations:
        expand.check(equation, witnesses)
    drawn = values.random(len(statement.free))
    blindings = statement.complete(dict(zip(statement.free, drawn, strict=True)), 0)
    sums = [expand.sent(name) for name in statement.sent]
    sums += [expand.right(equation, blindings) for equation in statement.equations]
    computed = msms(group, [total.terms() for total in sums], secret=True)
    sent, T = tuple(computed[: len(statement.sent)]), tuple(computed[len(statement.sent) :])
    if any(group.is_identity(point) for point in sent):
        raise unsatisfied("a point to send is the identity")
    return Commitment(statement, sent, T, witnesses, blindings)


@dataclass(frozen=True, repr=False)
class _Expansion:
    """Sums over bases only, every sent point replaced by what it is made of."""

    statement: Statement
    points: Mapping[Sent, Combination]

    def sent(self, name: Sent) -> Sum:
        total = Sum(self.statement.suite)
        self._add(total, name, 1)
        return total

    def right(self, equation: Equation, scalars: Mapping[Witness, int]) -> Sum:
        total = Sum(self.statement.suite)
        for witness, point in equation.terms:
            self._add(total, point, scalars[witness])
        return total

    def check(self, equation: Equation, witnesses: Mapping[Witness, int]) -> None:
        difference = self.right(equation, witnesses)
        for point, scalar in equation.Y:
            self._add(difference, point, -scalar)
        identity = self.statement.suite.group.is_identity
        # Nearly always the scalars alone show it, and no point has to be computed.
        if not difference.cancels() and not identity(difference.value(secret=True)):
            raise unsatisfied(f"the equation {equation.label} does not hold")

    def _add(self, total: Sum, point: Point, scalar: int) -> None:
        if isinstance(point, Base):
            total.add(point, scalar)
            return
        r = self.statement.suite.group.r
        for base, factor in self.points[point].items():
            total.add(base, scalar * factor % r)


def _refuse_missing(witnesses: Iterable[str], points: Iterable[str]) -> None:
    for name in sorted([*witnesses, *points]):
        raise unsatisfied(f"{name} has no value")


def _refuse_others(witnesses: Iterable[str], points: Iterable[str]) -> None:
    for name in sorted([*witnesses, *points]):
        raise invalid(f"{name} is not in the statement")


def unsatisfied(detail: str) -> InputError:
    """Return the error of values that do not satisfy their statement; names only, no value."""
    return InputError(Reason.UNSATISFIED, detail)
