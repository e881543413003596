"""Putting a statement together, gadget by gadget."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bbs.engine.statement import (
    Constraint,
    Equation,
    Point,
    Sent,
    SignatureCheck,
    Statement,
    Witness,
    invalid,
)
from bbs.engine.suite import Suite

_PART = re.compile("[ -.0-~]{1,64}")


@dataclass(eq=False, repr=False)
class Scope:
    """One gadget's part of a statement: every name that it makes begins with the scope's own.

    So no two gadgets meet by accident. They meet on purpose when one is handed a witness or a point that
    another made: `Witness` and `Sent` are full names, and mean the same in every scope of a builder.
    """

    suite: Suite
    _prefix: str
    _parts: "_Parts"

    def scope(self, name: str) -> "Scope":
        """Return a scope within this one; InputError INVALID_STATEMENT if there is one of this name."""
        path = self._name(name)
        if path in self._parts.scopes:
            raise invalid(f"the scope {path} is there twice")
        self._parts.scopes.add(path)
        return Scope(self.suite, path + "/", self._parts)

    def witness(self, name: str) -> Witness:
        """Declare a secret scalar."""
        witness = Witness(self._name(name))
        self._parts.witnesses.append(witness)
        return witness

    def sent(self, name: str, *, read: bool = True, nonzero: bool = False) -> Sent:
        """Declare a point that the prover sends.

        `read` says that it means something outside the statement: `Verified` hands it out, so it is checked
        in full and has one encoding. Without, it is for equations and signature checks only, where it counts
        as its projection into the group, which is cheaper to verify; that may be the identity, unless it is
        `nonzero` or the C of a signature check.
        """
        sent = Sent(self._name(name))
        self._parts.sent.append(sent)
        if not read:
            self._parts.inner.add(sent)
            if nonzero:
                self._parts.nonzero.add(sent)
        return sent

    def equation(self, label: str, Y: Mapping[Point, int], terms: Iterable[tuple[Witness, Point]]) -> None:
        """Add sum of y_k * Y_k = sum of x_j * B_j; the y_k are public and taken modulo r."""
        r = self.suite.group.r
        left = tuple([(point, scalar % r) for point, scalar in Y.items()])
        self._parts.equations.append(Equation(self._name(label), left, tuple(terms)))

    def constraint(self, defined: Witness, k: int, terms: Mapping[Witness, int]) -> None:
        """Define a witness as k + sum of a_j * x_j; k and the a_j are public and taken modulo r."""
        r = self.suite.group.r
        right = tuple((witness, a % r) for witness, a in terms.items())
        self._parts.constraints.append(Constraint(defined, k % r, right))

    def signature(self, C: Sent, D: Sent, key: bytes) -> None:
        """Ask that D = x*C for the secret scalar x of a key."""
        self._parts.checks.append(SignatureCheck(C, D, key))

    def _name(self, name: str) -> str:
        if not _PART.fullmatch(name):
            raise invalid("a name has 1 to 64 printable ASCII characters and no slash")
        return self._prefix + name


@dataclass
class _Parts:
    scopes: set[str] = field(default_factory=set)
    witnesses: list[Witness] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    equations: list[Equation] = field(default_factory=list)
    constraints: list[Constraint] = field(default_factory=list)
    checks: list[SignatureCheck] = field(default_factory=list)
    inner: set[Sent] = field(default_factory=set)
    nonzero: set[Sent] = field(default_factory=set)


class Builder(Scope):
    """The outermost scope; `build` gives the statement."""

    def __init__(self, suite: Suite) -> None:
        super().__init__(suite, "", _Parts())

    def build(self) -> Statement:
        """Return what was put together; InputError INVALID_STATEMENT unless it keeps every rule."""
        parts = self._parts
        return Statement(
            self.suite,
            tuple(parts.witnesses),
            tuple(parts.sent),
            tuple(parts.equations),
            tuple(parts.constraints),
            tuple(parts.checks),
            frozenset(parts.inner),
            frozenset(parts.nonzero),
        )
