"""Trace context of a verifier's own process, sent along where that process traces what it does.

A `traceparent` (W3C) and nothing else: no tracestate, no baggage. OpenTelemetry is not imported here: a
process that has a span has imported it. The service takes it over for the methods that only institutions
call. The holder's side has nothing of this.
"""

import sys
from collections import namedtuple
from collections.abc import Callable
from typing import Any, Final

import grpc

from wire.client import Endpoint

TRACEPARENT: Final = "traceparent"
_API: Final = "opentelemetry.trace"


class _Details(
    namedtuple("_Details", ("method", "timeout", "metadata", "credentials", "wait_for_ready", "compression")),
    grpc.ClientCallDetails,
):
    """The details of a call."""


def traceparent() -> str | None:
    """Return the trace context of the span that is current in this thread; None if there is none."""
    api: Any = sys.modules.get(_API)
    if api is None:
        return None
    context = api.get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"


class _Carrying(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
    def intercept_unary_unary(
        self, continuation: Callable[..., Any], client_call_details: Any, request: Any
    ) -> Any:
        return continuation(_with_context(client_call_details), request)

    def intercept_unary_stream(
        self, continuation: Callable[..., Any], client_call_details: Any, request: Any
    ) -> Any:
        return continuation(_with_context(client_call_details), request)


def _with_context(details: Any) -> Any:
    current = traceparent()
    if current is None:
        return details
    metadata = (*(details.metadata or ()), (TRACEPARENT, current))
    return _Details(
        details.method,
        details.timeout,
        metadata,
        details.credentials,
        details.wait_for_ready,
        details.compression,
    )


def channel(endpoint: Endpoint) -> grpc.Channel:
    """Open a channel whose calls carry the current trace context; the caller closes it."""
    return grpc.intercept_channel(endpoint.channel(), _Carrying())
