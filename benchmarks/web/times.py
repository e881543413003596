"""A row of times that a person waits."""

import statistics
from collections.abc import Sequence

from benchmarks.results import Row


def row(operation: str, what: str, seconds: Sequence[float], limit: float | None = None) -> Row:
    """Return the median and the ends of some seconds, and what is promised of the median."""
    return {
        "operation": operation, "what": what, "rounds": len(seconds), "limit": limit,
        "seconds": statistics.median(seconds), "least": min(seconds), "most": max(seconds),
    }  # fmt: skip
