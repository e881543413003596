"""Spans by OpenTelemetry, exported by OTLP over HTTP, where the setting `trace_endpoint` names a receiver.

Only what stands in `ATTRIBUTES` is ever written on a span. Spans wait in a bounded queue for a thread of
their own; when the receiver is away or slow some are dropped, and no call waits or fails. OpenTelemetry is
the optional extra `tracing`, imported only where it is used.
"""

import asyncio
import logging
import random
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol

import structlog

from zkservice.config import Settings
from zkservice.errors import StartError
from zkservice.observing.carried import CARRYING, TRACEPARENT
from zkservice.observing.metrics import version

if TYPE_CHECKING:
    from opentelemetry.context import Context as TraceContext
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.sdk.trace.sampling import Sampler
    from opentelemetry.trace import Tracer

ATTRIBUTES: Final = frozenset({"rpc.system", "rpc.method", "rpc.grpc.status_code", "zk.reason", "zk.count"})
"""All that a span may say of what it stands for, besides its name and its times."""
QUEUE: Final = 2048
"""Spans that wait for export at most."""
_EXPORT_SECONDS: Final = 3.0
_END_SECONDS: Final = 4.0
_QUIET_SECONDS: Final = 60.0


class Outcome(Protocol):
    """How a call ended."""

    code: str
    reason: str


class Tracing:
    """Makes no spans. What does is `_Spans`."""

    @contextmanager
    def call(self, method: str, name: str, context: Any, outcome: Outcome) -> Iterator[None]:
        """Make a span of a call, which ends with the block; `outcome` is read then."""
        yield

    def work(self, name: str, seconds: float, members: int) -> None:
        """Make a span of work that has just ended, within the call that waits for it if one does."""


NO_TRACING: Final = Tracing()


class _Spans(Tracing):
    def __init__(self, tracer: "Tracer") -> None:
        from opentelemetry import trace  # noqa: PLC0415, an optional extra
        from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415
            TraceContextTextMapPropagator,
        )

        self._tracer, self._trace = tracer, trace
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def call(self, method: str, name: str, context: Any, outcome: Outcome) -> Iterator[None]:
        parent = self._parent(context.invocation_metadata()) if method in CARRYING else self._root()
        span = self._tracer.start_span(
            name,
            parent,
            kind=self._trace.SpanKind.SERVER,
            attributes=allowed({"rpc.system": "grpc", "rpc.method": name}),
            record_exception=False,
            set_status_on_exception=False,
        )
        try:
            # What fails stays unsaid: an error's text may hold what a person sent.
            with self._trace.use_span(span, record_exception=False, set_status_on_exception=False):
                yield
        finally:
            ended = {"rpc.grpc.status_code": outcome.code, "zk.reason": outcome.reason}
            span.set_attributes(allowed({key: value for key, value in ended.items() if value}))
            span.end()

    def work(self, name: str, seconds: float, members: int) -> None:
        end = time.time_ns()
        start = end - int(seconds * 1e9)
        span = self._tracer.start_span(name, start_time=start, attributes=allowed({"zk.count": members}))
        span.end(end)

    def _root(self) -> "TraceContext":
        from opentelemetry.context import Context  # noqa: PLC0415

        return Context()

    def _parent(self, metadata: Any) -> "TraceContext":
        """Return the context that a call brings, if it brings one that is well formed."""
        given = [value for key, value in metadata or () if key == TRACEPARENT and isinstance(value, str)]
        if len(given) != 1:
            return self._root()
        return self._propagator.extract({TRACEPARENT: given[0]}, self._root())


def allowed(attributes: Mapping[str, str | int]) -> dict[str, str | int]:
    """Return those attributes that may be exported."""
    return {name: value for name, value in attributes.items() if name in ATTRIBUTES}


@asynccontextmanager
async def tracing(settings: Settings) -> AsyncIterator[Tracing]:
    """Give what makes spans, none where no receiver is set; at the end export what waits, within seconds.

    Raises StartError where the extra `tracing` is not installed.
    """
    if not settings.trace_endpoint:
        yield NO_TRACING
        return
    try:
        provider = _provider(settings, _exporter(settings.trace_endpoint))
    except ImportError:
        raise StartError("trace_endpoint is set and the extra `tracing` is not installed") from None
    _quieten()
    try:
        yield _Spans(provider.get_tracer("zkservice"))
    finally:
        await _ended(provider)


async def _ended(provider: "TracerProvider") -> None:
    """Export what waits, for a few seconds at most; a thread that still tries then holds up no end."""
    ending = threading.Thread(target=provider.shutdown, name="tracing-end", daemon=True)
    ending.start()
    until = time.monotonic() + _END_SECONDS
    while ending.is_alive() and time.monotonic() < until:
        await asyncio.sleep(0.02)


def _exporter(endpoint: str) -> "SpanExporter":
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

    return OTLPSpanExporter(endpoint=endpoint, timeout=_EXPORT_SECONDS)


def _provider(settings: Settings, exporter: "SpanExporter") -> "TracerProvider":
    """Return what makes spans. Its resource has what is said here and nothing of the environment or host.

    How many traces are kept is for this server to say, not for who sends a traceparent: neither its flag nor
    its trace id, which that share could be told by, decides.
    """
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    from opentelemetry.sdk.trace.sampling import ParentBased  # noqa: PLC0415

    drawn = _drawn(settings.trace_share)
    provider = TracerProvider(
        sampler=ParentBased(drawn, remote_parent_sampled=drawn, remote_parent_not_sampled=drawn),
        resource=Resource({"service.name": "zkservice", "service.version": version()}),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(
        BatchSpanProcessor(
            exporter,
            max_queue_size=QUEUE,
            max_export_batch_size=QUEUE // 4,
            schedule_delay_millis=1000,
            export_timeout_millis=_EXPORT_SECONDS * 1000,
        )
    )
    return provider


def _drawn(share: float) -> "Sampler":
    """Return what keeps this share of the traces, drawn anew for each call."""
    from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult  # noqa: PLC0415

    class Drawn(Sampler):
        def should_sample(
            self,
            parent_context: Any,
            trace_id: int,
            name: str,
            kind: Any = None,
            attributes: Any = None,
            *_: Any,
            **__: Any,
        ) -> SamplingResult:
            if random.random() < share:  # noqa: S311, no secret depends on it
                return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes)
            return SamplingResult(Decision.DROP)

        def get_description(self) -> str:
            return f"Drawn({share})"

    return Drawn()


class _Telling(logging.Handler):
    """Says that something is wrong with the exporting, once a minute at most, in the form of our own log."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._told = -_QUIET_SECONDS

    def emit(self, record: logging.LogRecord) -> None:
        if (now := time.monotonic()) - self._told >= _QUIET_SECONDS:
            self._told = now
            structlog.get_logger().warning("spans are not exported", kind=record.name)


def _quieten() -> None:
    log = logging.getLogger("opentelemetry")
    log.propagate = False
    log.handlers = [_Telling()]
