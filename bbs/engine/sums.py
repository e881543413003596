"""Sums of points times scalars, put together before they are computed once."""

from collections.abc import Iterable

from bbs.engine.statement import Base
from bbs.engine.suite import Suite
from bbs.groups.protocol import G1Point, Terms


class Sum:
    """A sum in the making. Equal bases are merged as they come, whichever statement they come from."""

    def __init__(self, suite: Suite) -> None:
        self._suite = suite
        self._bases: dict[bytes, Base] = {}
        self._factors: dict[bytes, int] = {}
        self._points: list[G1Point] = []
        self._scalars: list[int] = []

    def add(self, base: Base, scalar: int) -> None:
        """Add a base times a scalar."""
        octets = base.octets
        if octets in self._factors:
            self._factors[octets] += scalar
        else:
            self._factors[octets] = scalar
            self._bases[octets] = base

    def add_points(self, points: Iterable[G1Point], scalars: Iterable[int]) -> None:
        """Add received points times scalars."""
        self._points += points
        self._scalars += scalars

    def cancels(self) -> bool:
        """Tell whether the scalars alone show that the sum is the identity; it may be without."""
        factors = dict(self._factors)
        for octets, base in self._bases.items():
            if base.made_of is not None:
                factor = factors.pop(octets)
                for part, scalar in base.made_of.items():
                    factors[part.octets] = factors.get(part.octets, 0) + factor * scalar
        return not self._points and not any(scalar % self._suite.group.r for scalar in factors.values())

    def value(self, *, secret: bool = False) -> G1Point:
        """Compute the sum, in the group's constant-time way if the scalars are secret."""
        if self._scalars == [1] and not self._bases and not secret:
            return self._points[0]
        return self._suite.group.msm(*self.terms(), secret=secret)

    def terms(self) -> Terms:
        """Return what the group adds up."""
        fixed = {octets: base for octets, base in self._bases.items() if base.fixed}
        others = [base for base in self._bases.values() if not base.fixed]
        return Terms(
            [*self._points, *(base.point for base in others)],
            [*self._scalars, *(self._factors[base.octets] for base in others)],
            self._suite.group.prepare([base.point for base in fixed.values()]),
            [self._factors[octets] for octets in fixed],
        )
