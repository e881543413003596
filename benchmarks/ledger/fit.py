"""A straight line over the binary logarithm of the size: what growth is called logarithmic by."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import correlation, linear_regression


@dataclass(frozen=True)
class Fit:
    """`start + step * log2(size)`, by least squares; `explained` is the part of the variance (r squared)."""

    start: float
    step: float
    explained: float

    def at(self, size: float) -> float:
        return self.start + self.step * math.log2(size)


def fit(points: Sequence[tuple[float, float]]) -> Fit:
    """Fit sizes with what was measured at each, two sizes or more; statistics.StatisticsError."""
    logarithms, values = [math.log2(size) for size, _ in points], [value for _, value in points]
    line = linear_regression(logarithms, values)
    explained = correlation(logarithms, values) ** 2 if len(set(values)) > 1 else 1.0
    return Fit(line.intercept, line.slope, explained)
