"""Few public values without a table: a hidden m is one of them, or none of them, or not another hidden one.

With K_0 = G and K_j = (m - s_j)*K_(j-1) + u_j*H, the commitment K_n is to the product of all m - s_j: it is 0
if m is among the values, and has an inverse if it is not.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bbs.engine import Point, Scope, Sent, Values, Witness
from bbs.engine.prover import unsatisfied
from bbs.engine.statement import invalid
from bbs.engine.suite import inverse
from bbs.gadgets.commitment import commitment_bases

MAX_VALUES = 8
"""Beyond, a table is smaller and faster."""


@dataclass(frozen=True)
class OneOf:
    """Proves that the witness m of another gadget is one of 2 to 8 public scalars.

    Sent are K_1 to K_(n-1); the last equation is that of K_n = 0.
    """

    values: tuple[int, ...]
    m: Witness
    K: tuple[Sent, ...]
    u: tuple[Witness, ...]

    @classmethod
    def add_to(cls, scope: Scope, m: Witness, values: Iterable[int]) -> "OneOf":
        """State it; the order of the values does not matter.

        Raises InputError INVALID_STATEMENT: less than 2 values or more than 8, one outside [0, r) or twice.
        """
        ordered = _ordered(values, scope.suite.group.r, 2)
        K, u = _chain(scope, m, ordered, len(ordered) - 1)
        last, H = scope.witness(f"u{len(ordered)}"), commitment_bases(scope.suite).H
        # The values ascend, so the last one is not 0 and the left side is one.
        scope.equation("product", {K[-1]: ordered[-1]}, [(m, K[-1]), (last, H)])
        return cls(ordered, m, K, (*u, last))

    def assign(self, values: Values, m: int) -> None:
        """Give m; if it is none of the values, `prove` finds that: UNSATISFIED."""
        _, blind = _assign_chain(values, m, self.values, self.m, self.K, self.u)
        values.set(self.u[-1], (self.values[-1] - m) * blind)


@dataclass(frozen=True)
class NoneOf:
    """Proves that the witness m of another gadget is none of 1 to 8 public scalars.

    So not equal to one value; with the scalar of an absent attribute among the values, that an optional
    attribute is there as well. Sent are K_1 to K_n; G = w*K_n + z*H with w the inverse of the product.
    """

    values: tuple[int, ...]
    m: Witness
    K: tuple[Sent, ...]
    u: tuple[Witness, ...]
    inverse: "_Inverse"

    @classmethod
    def add_to(cls, scope: Scope, m: Witness, values: Iterable[int]) -> "NoneOf":
        """State it; the order of the values does not matter.

        Raises InputError INVALID_STATEMENT: no value or more than 8, one outside [0, r) or twice.
        """
        ordered = _ordered(values, scope.suite.group.r, 1)
        K, u = _chain(scope, m, ordered, len(ordered))
        return cls(ordered, m, K, u, _Inverse.add_to(scope, K[-1]))

    def assign(self, values: Values, m: int) -> None:
        """Give m; InputError UNSATISFIED if it is one of the values."""
        if m % values.statement.suite.group.r in self.values:
            raise unsatisfied("the value is one of those that it must not be")
        product, blind = _assign_chain(values, m, self.values, self.m, self.K, self.u)
        self.inverse.assign(values, product, blind)


@dataclass(frozen=True)
class Different:
    """Proves that two witnesses of other gadgets differ; that K, which is sent, is to their difference."""

    m: Witness
    other: Witness
    difference: Witness
    u: Witness
    K: Sent
    inverse: "_Inverse"

    @classmethod
    def add_to(cls, scope: Scope, m: Witness, other: Witness) -> "Different":
        """State it about witnesses that no constraint defines; INVALID_STATEMENT if they are one."""
        if m == other:
            raise invalid("a witness does not differ from itself")
        G, H = commitment_bases(scope.suite)
        difference, u = scope.witness("difference"), scope.witness("u")
        scope.constraint(difference, 0, {m: 1, other: -1})
        K = scope.sent("K", read=False)
        scope.equation("K", {K: 1}, [(difference, G), (u, H)])
        return cls(m, other, difference, u, K, _Inverse.add_to(scope, K))

    def assign(self, values: Values, m: int, other: int) -> None:
        """Give both; InputError UNSATISFIED if they are equal."""
        G, H = commitment_bases(values.statement.suite)
        if not (m - other) % values.statement.suite.group.r:
            raise unsatisfied("two values are equal that must differ")
        (u,) = values.random(1)
        values.set(self.m, m)
        values.set(self.other, other)
        values.set(self.u, u)
        values.send(self.K, {G: m - other, H: u})
        self.inverse.assign(values, m - other, u)


@dataclass(frozen=True)
class _Inverse:
    """Proves that a commitment K is to no 0: G = w*K + z*H, where K = p*G + v*H, w = 1/p and z = -v/p."""

    w: Witness
    z: Witness

    @classmethod
    def add_to(cls, scope: Scope, K: Sent) -> "_Inverse":
        G, H = commitment_bases(scope.suite)
        w, z = scope.witness("w"), scope.witness("z")
        scope.equation("inverse", {G: 1}, [(w, K), (z, H)])
        return cls(w, z)

    def assign(self, values: Values, product: int, blind: int) -> None:
        # The product is of secrets, and Euclid's steps would tell of it by their time.
        group = values.statement.suite.group
        w = inverse(group, product % group.r)
        values.set(self.w, w)
        values.set(self.z, -blind * w)


def _ordered(values: Iterable[int], r: int, least: int) -> tuple[int, ...]:
    values = list(values)
    if not least <= len(values) <= MAX_VALUES:
        raise invalid(f"there are {least} to {MAX_VALUES} values; a list has a table")
    if not all(type(value) is int and 0 <= value < r for value in values):
        raise invalid("a value is outside [0, r)")
    if len(set(values)) != len(values):
        raise invalid("a value is there twice")
    return tuple(sorted(values))


def _chain(
    scope: Scope, m: Witness, values: Sequence[int], count: int
) -> tuple[tuple[Sent, ...], tuple[Witness, ...]]:
    """State K_j + s_j*K_(j-1) = m*K_(j-1) + u_j*H for the first `count` values."""
    G, H = commitment_bases(scope.suite)
    before: Point = G
    K, u = list[Sent](), list[Witness]()
    for place, value in enumerate(values[:count], 1):
        K.append(scope.sent(f"K{place}", read=False))
        u.append(scope.witness(f"u{place}"))
        left: dict[Point, int] = {K[-1]: 1, before: value} if value else {K[-1]: 1}
        scope.equation(f"K{place}", left, [(m, before), (u[-1], H)])
        before = K[-1]
    return tuple(K), tuple(u)


def _assign_chain(
    values: Values, m: int, public: Sequence[int], name: Witness, K: Sequence[Sent], u: Sequence[Witness]
) -> tuple[int, int]:
    """Give m and every K with a fresh u; return what the last K is made of: product and blind."""
    r, (G, H) = values.statement.suite.group.r, commitment_bases(values.statement.suite)
    product, blind = 1, 0
    values.set(name, m)
    fresh = values.random(len(K))
    for sent, witness, value, each in zip(K, u, public, fresh, strict=False):
        product, blind = (m - value) * product % r, ((m - value) * blind + each) % r
        values.set(witness, each)
        values.send(sent, {G: product, H: blind})
    return product, blind
