"""Metrics of calls, in Prometheus's terms. Every label has a bounded set of values, whatever callers send."""

import platform
from importlib import metadata
from typing import Final

import grpc
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    disable_created_metrics,
)

from zkservice.status import CODES

_SECONDS: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_OTHER: Final = "OTHER"
UNKNOWN_METHOD: Final = "unknown"


def version() -> str:
    """Return this program's version."""
    try:
        return metadata.version("zk-disclosure")
    except metadata.PackageNotFoundError:  # run from its source
        return "-"


class CallMetrics:
    """Counts calls. Belongs to the event loop; `registry` may be read in any thread."""

    def __init__(self) -> None:
        # The time of a series' first sample would be as many series again.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self._ended = Counter(
            "zk_calls",
            "Calls that have ended, by method, gRPC code, and the reason of a refusal",
            ("method", "code", "reason"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "zk_call_seconds",
            "How long calls took that have one answer",
            ("method",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._running = Gauge(
            "zk_calls_in_flight", "Calls that have not ended", ("method",), registry=self.registry
        )
        build = Info("zk_build", "Versions of what runs", registry=self.registry)
        build.info({"version": version(), "python": platform.python_version(), "grpc": grpc.__version__})
        self._children: dict[tuple[str, str, str], Counter] = {}
        self._gauges: dict[str, Gauge] = {}
        self._histograms: dict[str, Histogram] = {}

    def began(self, method: str) -> None:
        """Count a call as running. `method` is one that there is."""
        gauge = self._gauges.get(method)
        if gauge is None:
            gauge = self._gauges[method] = self._running.labels(method)
        gauge.inc()

    def ended(self, method: str, code: str, reason: str, seconds: float | None) -> None:
        """Count a call that ended; `seconds` is None for one of which the time says nothing: a stream."""
        self._gauges[method].dec()
        self._count(method, code, reason)
        if seconds is not None:
            histogram = self._histograms.get(method)
            if histogram is None:
                histogram = self._histograms[method] = self._seconds.labels(method)
            histogram.observe(seconds)

    def unknown(self) -> None:
        """Count a call of a method that there is not: all as one, since callers choose the names."""
        self._count(UNKNOWN_METHOD, grpc.StatusCode.UNIMPLEMENTED.name, "")

    def _count(self, method: str, code: str, reason: str) -> None:
        key = method, code, reason if not reason or reason in CODES else _OTHER
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = self._ended.labels(*key)
        child.inc()
