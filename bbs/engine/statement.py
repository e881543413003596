"""Statements: what a composite presentation proves.

A statement is put together by `bbs.engine.Builder`; the classes here are what comes out, and every rule that
a statement keeps is checked in the constructor of `Statement`, whoever put it together.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NewType, TypeVar

from bbs.engine.suite import Suite
from bbs.errors import InputError, Reason
from bbs.groups.protocol import G1Point, PreparedBases

_T = TypeVar("_T")

Witness = NewType("Witness", str)
"""The name of a secret scalar. In two equations it is the same scalar: that is how equality is proven."""
Sent = NewType("Sent", str)
"""The name of a point that the prover sends. It is part of the proof, and never the identity's encoding."""


@dataclass(frozen=True, eq=False, repr=False)
class Base:
    """A point that is multiplied: one that both sides know, or in the prover's values one of its own.

    Never the identity: InputError INVALID_STATEMENT. `fixed` says that it is multiplied again and again: the
    group then keeps tables for it, as long as the base or an equal one lives. Equal bases are merged wherever
    they meet, in a batch across presentations. `made_of` is for a point of the prover's own that it once
    computed as such a sum: the prover then sees without computing it again that its values are true.
    """

    suite: Suite
    point: G1Point
    fixed: bool = False
    made_of: "Mapping[Base, int] | None" = None
    octets: bytes = field(init=False)
    _tables: PreparedBases | None = field(init=False, repr=False)

    def __post_init__(self) -> None:
        group = self.suite.group
        if group.is_identity(self.point):
            raise invalid("a base is the identity")
        object.__setattr__(self, "octets", group.g1s_to_octets((self.point,)))
        object.__setattr__(self, "_tables", group.prepare((self.point,)) if self.fixed else None)


Point = Base | Sent
"""What stands in an equation: a point that both know, or the name of one that is sent."""


@dataclass(frozen=True, repr=False)
class Equation:
    """sum_k y_k * Y_k = sum_j x_j * B_j, where the y_k are public and not 0 and the x_j are witnesses.

    The left side is the design's Y. It is a sum so that a batch can merge it: nobody has to compute it.
    """

    label: str
    Y: tuple[tuple[Point, int], ...]
    terms: tuple[tuple[Witness, Point], ...]


@dataclass(frozen=True)
class Constraint:
    """x_0 = k + sum_j a_j * x_j, with public scalars k and a_j, no a_j 0."""

    defined: Witness
    k: int
    terms: tuple[tuple[Witness, int], ...]


@dataclass(frozen=True)
class SignatureCheck:
    """D = x*C for the secret scalar x of a key: e(C, key) = e(D, P2) in a suite with pairings."""

    C: Sent
    D: Sent
    key: bytes


@dataclass(frozen=True, eq=False, repr=False)
class Statement:
    """Equations, constraints and signature checks that keep the rules; InputError INVALID_STATEMENT.

    No name and no label occurs twice. Whatever is named is declared, and whatever is declared occurs in an
    equation. A witness is defined by at most one constraint, and only from witnesses that none defines.
    Public scalars are in [0, r), and none is 0 but a constraint's k. Bases and keys are of the suite. It
    shows nothing of itself: its public scalars are a person's attributes.

    A sent point is read outside the statement, or is among the `inner`, which only the equations and checks
    see: such a point counts as its projection into the group, and is handed to nobody (docs/composite.md,
    "Points outside the subgroup"). Of the inner ones those that are `nonzero`, and the C of every check, do
    not count as the identity.
    """

    suite: Suite
    witnesses: tuple[Witness, ...]
    sent: tuple[Sent, ...]
    equations: tuple[Equation, ...]
    constraints: tuple[Constraint, ...]
    checks: tuple[SignatureCheck, ...]
    inner: frozenset[Sent] = frozenset()
    nonzero: frozenset[Sent] = frozenset()

    def __post_init__(self) -> None:
        _refuse_unless(self.equations, "there is no equation")
        _refuse_twice(self.witnesses, "the witness")
        _refuse_twice(self.sent, "the point")
        _refuse_twice([equation.label for equation in self.equations], "the equation")
        _refuse_twice([constraint.defined for constraint in self.constraints], "the constraint on")
        _refuse_unless(self.inner <= set(self.sent), "an inner point is none that is sent")
        _refuse_unless(self.nonzero <= self.inner, "only an inner point has to be declared nonzero")
        self._check_names()
        for equation in self.equations:
            self._check_equation(equation)
        for constraint in self.constraints:
            self._check_constraint(constraint)
        for key in {check.key for check in self.checks}:
            self.suite.check_key(key)

    @cached_property
    def free(self) -> tuple[Witness, ...]:
        """The witnesses that no constraint defines, in their order: those whose responses are sent."""
        defined = {constraint.defined for constraint in self.constraints}
        return tuple(witness for witness in self.witnesses if witness not in defined)

    @cached_property
    def read(self) -> tuple[bool, ...]:
        """Of each sent point whether it is read."""
        return tuple([name not in self.inner for name in self.sent])

    @cached_property
    def guarded(self) -> tuple[int, ...]:
        """The places among the sent points of the inner ones that must not count as the identity."""
        names = self.inner & {*self.nonzero, *(check.C for check in self.checks)}
        return tuple(place for place, name in enumerate(self.sent) if name in names)

    def complete(self, free: Mapping[Witness, int], factor: int) -> dict[Witness, int]:
        """Return the scalars of all witnesses, those of the free ones given.

        Each constraint's k counts `factor` times: once for values, never for blindings, c times for
        responses.
        """
        r, scalars = self.suite.group.r, dict(free)
        for constraint in self.constraints:
            terms = sum(a * free[witness] for witness, a in constraint.terms)
            scalars[constraint.defined] = (factor * constraint.k + terms) % r
        return scalars

    def _check_names(self) -> None:
        in_equations = {name for equation in self.equations for name, _ in equation.terms}
        in_constraints = {constraint.defined for constraint in self.constraints}
        in_constraints |= {name for constraint in self.constraints for name, _ in constraint.terms}
        _refuse_unless_equal(in_equations, self.witnesses, "the witness", "in an equation")
        _refuse_unless(in_constraints <= in_equations, "a constraint names what is in no equation")
        points = {point for equation in self.equations for _, point in equation.terms}
        points |= {point for equation in self.equations for point, _ in equation.Y}
        in_equations_sent = {point for point in points if isinstance(point, str)}
        _refuse_unless_equal(in_equations_sent, self.sent, "the point", "in an equation")
        in_checks = {name for check in self.checks for name in (check.C, check.D)}
        _refuse_unless(in_checks <= in_equations_sent, "a check names a point that is in no equation")
        suites = {id(point.suite): point.suite for point in points if isinstance(point, Base)}
        _refuse_unless(all(suite == self.suite for suite in suites.values()), "a base is of another suite")

    def _check_equation(self, equation: Equation) -> None:
        _refuse_unless(equation.Y and equation.terms, "an equation has two sides", equation.label)
        scalars = [scalar for _, scalar in equation.Y]
        _refuse_unless(self._nonzero(scalars), "a public scalar is outside [1, r)", equation.label)

    def _check_constraint(self, constraint: Constraint) -> None:
        label, free = constraint.defined, set(self.free)
        _refuse_unless(constraint.terms, "a constraint has a witness on its right side", label)
        _refuse_unless(all(name in free for name, _ in constraint.terms), "it refers to a constraint", label)
        _refuse_twice([name for name, _ in constraint.terms], "the witness")
        _refuse_unless(self._nonzero([a for _, a in constraint.terms]), "a factor is outside [1, r)", label)
        _refuse_unless(0 <= constraint.k < self.suite.group.r, "a constant is outside [0, r)", label)

    def _nonzero(self, scalars: Sequence[int]) -> bool:
        return min(scalars) > 0 and max(scalars) < self.suite.group.r


def invalid(detail: str) -> InputError:
    """Return the error of a statement that breaks a rule: the compiler's mistake, never the prover's."""
    return InputError(Reason.INVALID_STATEMENT, detail)


def _refuse_unless(holds: object, detail: str, label: str = "") -> None:
    if not holds:
        raise invalid(f"{detail} ({label})" if label else detail)


def _refuse_twice(names: Sequence[str], what: str) -> None:
    if len(set(names)) != len(names):
        twice = next(name for name, count in Counter(names).items() if count > 1)
        raise invalid(f"{what} {twice} is there twice")


def _refuse_unless_equal(used: set[_T], declared: Iterable[_T], what: str, where: str) -> None:
    for name in used.symmetric_difference(declared):
        missing = "is not declared" if name in used else f"does not occur {where}"
        raise invalid(f"{what} {name} {missing}")
