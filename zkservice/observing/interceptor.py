"""The outermost interceptor: whatever becomes of a call further in is seen here.

A call gets its id before anything else is done with it, and it is counted and traced however it ends:
answered, refused by whichever interceptor, given up by its caller.
"""

import inspect
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, TypeAlias

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from zkservice.errors import ServiceError, ServiceReason
from zkservice.hosting import MAX_METADATA_OCTETS
from zkservice.observing import request_ids
from zkservice.observing.given_up import GivenUp
from zkservice.observing.metrics import CallMetrics
from zkservice.observing.roles import role_of
from zkservice.observing.tracing import NO_TRACING, Tracing
from zkservice.status import status_of

_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
_Continuation = Callable[[grpc.HandlerCallDetails], Awaitable["_Handler | None"]]
_Act = Callable[[Any, Any], Any]

_OWN: Final = "/zkproto.v1."
_ENTRY_OCTETS: Final = 32
_DETAILS: Final = "grpc-status-details-bin"
_SHORT_STATUS: Final = 256
_CODES: Final = {code: each for each in grpc.StatusCode for code in [each.value[0]]}


@dataclass
class _Outcome:
    code: str = "OK"
    reason: str = ""


@dataclass
class _Wrapped:
    """What a method's handler became, and of which handler."""

    inner: _Handler
    outer: _Handler = field(repr=False)


class Observing(grpc.aio.ServerInterceptor):
    """Goes before all other interceptors. `metrics` is None where nobody reads them."""

    def __init__(self, metrics: CallMetrics | None, tracing: Tracing = NO_TRACING) -> None:
        self._metrics, self._tracing, self._given_up = metrics, tracing, GivenUp()
        self._wrapped: dict[str, _Wrapped] = {}

    async def intercept_service(
        self, continuation: _Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> "_Handler | None":
        """Begin a call; return its handler, which is observed; None for a method that there is not."""
        metadata = handler_call_details.invocation_metadata or ()
        if _too_large(metadata):
            return _REFUSED
        method = handler_call_details.method
        request_ids.begin(metadata, role_of(metadata), method)
        handler = await continuation(handler_call_details)
        if handler is None:
            if self._metrics is not None:
                self._metrics.unknown()
            return None
        known = self._wrapped.get(method)
        if known is None or known.inner is not handler:  # who is further in may give another
            known = self._wrapped[method] = _Wrapped(handler, self._wrap(method, handler))
        return known.outer

    def _wrap(self, method: str, handler: Any) -> "_Handler":
        make, act = _shape(handler)
        acts = self._given if inspect.isasyncgenfunction(act) else self._awaited
        observed = acts(method, act, streams=bool(handler.response_streaming))
        made: _Handler = make(observed, handler.request_deserializer, handler.response_serializer)
        return made

    def _awaited(self, method: str, act: _Act, *, streams: bool) -> _Act:
        async def call(request: Any, context: Any) -> Any:
            with self._observed(method, context, streams):
                return await act(request, context)

        return call

    def _given(self, method: str, act: _Act, *, streams: bool) -> _Act:
        async def call(request: Any, context: Any) -> AsyncIterator[Any]:
            with self._observed(method, context, streams):
                async for each in act(request, context):
                    yield each

        return call

    @contextmanager
    def _observed(self, method: str, context: Any, streams: bool) -> Iterator[None]:
        started, outcome, name = time.monotonic(), _Outcome(), named(method)
        context.set_trailing_metadata(request_ids.trailer())
        if self._metrics is not None:
            self._metrics.began(name)
        try:
            with self._tracing.call(method, name, context, outcome):
                try:
                    yield
                except grpc.aio.AbortError:
                    outcome.code, outcome.reason = _refusal(context)
                    raise
                except Exception:
                    outcome.code = grpc.StatusCode.UNKNOWN.name
                    raise
                except BaseException:  # its caller has gone, or the server ends
                    outcome.code = grpc.StatusCode.CANCELLED.name
                    raise
        finally:
            seconds = time.monotonic() - started
            if self._metrics is not None:
                self._metrics.ended(name, outcome.code, outcome.reason, None if streams else seconds)
            if outcome.code == grpc.StatusCode.CANCELLED.name and method.startswith(_OWN):
                self._given_up.log(method, seconds)


def _too_large(metadata: Any) -> bool:
    """Tell whether a call's metadata is larger than any may be.

    gRPC ends such a call by itself, but has it begin first, with all that a few octets of HPACK unpack to: it
    is looked at once here, and by nobody else.
    """
    most = MAX_METADATA_OCTETS // _ENTRY_OCTETS
    return len(metadata) > most or (
        sum(_ENTRY_OCTETS + len(name) + len(value) for name, value in metadata) > MAX_METADATA_OCTETS
    )


async def _refuse(_: Any, context: Any) -> None:
    detail = f"the metadata of a call has at most {MAX_METADATA_OCTETS} octets"
    error = ServiceError(ServiceReason.MESSAGE_TOO_LARGE, detail)
    await context.abort_with_status(rpc_status.to_status(status_of(error)))


_REFUSED: Final[_Handler] = grpc.stream_stream_rpc_method_handler(_refuse)
"""Stands for the handler of any method: nothing is read of such a call."""


def named(method: str) -> str:
    """Return a method's name as metrics and spans have it: `LedgerService/GetCheckpoint`."""
    return method.removeprefix(_OWN).removeprefix("/")


def _shape(handler: Any) -> tuple[Callable[..., Any], _Act]:
    """Return what makes a handler of the kind that a handler is, and what it does."""
    kinds = {
        (False, False): (grpc.unary_unary_rpc_method_handler, handler.unary_unary),
        (False, True): (grpc.unary_stream_rpc_method_handler, handler.unary_stream),
        (True, False): (grpc.stream_unary_rpc_method_handler, handler.stream_unary),
        (True, True): (grpc.stream_stream_rpc_method_handler, handler.stream_stream),
    }
    return kinds[bool(handler.request_streaming), bool(handler.response_streaming)]


def _refusal(context: Any) -> tuple[str, str]:
    """Return code and reason of a call that was refused, as its caller is told."""
    code = context.code()
    told = code if isinstance(code, grpc.StatusCode) else _CODES.get(code, grpc.StatusCode.UNKNOWN)
    for name, value in context.trailing_metadata() or ():
        if name == _DETAILS:
            return told.name, _reason(value)
    return told.name, ""


def _reason(octets: bytes) -> str:
    """Return the reason in a status. Those of a flood are alike and short; what a caller sent is not kept."""
    return _short_reason(octets) if len(octets) <= _SHORT_STATUS else _long_reason(octets)


def _long_reason(octets: bytes) -> str:
    with suppress(DecodeError):
        info = error_details_pb2.ErrorInfo()
        for packed in status_pb2.Status.FromString(octets).details:
            if packed.Unpack(info):
                return str(info.reason)
    return ""


_short_reason = lru_cache(256)(_long_reason)
