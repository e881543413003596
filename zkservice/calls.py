"""Around every call: strict decoding, errors as statuses, a log line without personal data.

A message that does not decode would be answered by gRPC with INTERNAL; here decoding gives a refusal instead,
which the wrapped method raises. A log line holds the method, the outcome and the time, never a name, value or
token.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import grpc
import structlog
from google.protobuf.message import DecodeError
from grpc_status import rpc_status

from zkservice.errors import ServiceError, ServiceReason
from zkservice.status import CODES, known, status_of

_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
_Continuation = Callable[[grpc.HandlerCallDetails], Awaitable["_Handler | None"]]


@dataclass(frozen=True)
class _Undecoded:
    error: ServiceError


class Calls(grpc.aio.ServerInterceptor):
    """The interceptor of all of the project's own services; health and reflection pass untouched."""

    def __init__(self, max_message_octets: int) -> None:
        self._max = max_message_octets

    async def intercept_service(
        self, continuation: _Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> "_Handler | None":
        """Wrap a method's handler."""
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or not method.startswith("/zkproto.v1."):
            return handler
        wrapped: Any = handler
        decode = self._decoder(wrapped.request_deserializer)
        if handler.response_streaming:
            return grpc.unary_stream_rpc_method_handler(
                _streaming(method, wrapped.unary_stream), decode, wrapped.response_serializer
            )
        return grpc.unary_unary_rpc_method_handler(
            _single(method, wrapped.unary_unary), decode, wrapped.response_serializer
        )

    def _decoder(self, decode: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
        def checked(octets: bytes) -> Any:
            if len(octets) > self._max:
                detail = f"a message has at most {self._max} octets"
                return _Undecoded(ServiceError(ServiceReason.MESSAGE_TOO_LARGE, detail))
            try:
                return decode(octets)
            except (DecodeError, ValueError):
                detail = "the octets are no message of this method"
                return _Undecoded(ServiceError(ServiceReason.MESSAGE_MALFORMED, detail))

        return checked


def _single(method: str, act: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def call(request: Any, context: Any) -> Any:
        started = time.monotonic()
        try:
            if isinstance(request, _Undecoded):
                raise request.error
            answer = await act(request, context)
        except Exception as error:  # everything becomes a status
            await _refuse(method, started, error, context)
        _log(method, started, "OK", "")
        return answer

    return call


def _streaming(method: str, act: Callable[..., AsyncIterator[Any]]) -> Callable[..., AsyncIterator[Any]]:
    async def call(request: Any, context: Any) -> AsyncIterator[Any]:
        started = time.monotonic()
        try:
            if isinstance(request, _Undecoded):
                raise request.error
            async for answer in act(request, context):
                yield answer
        except Exception as error:  # everything becomes a status
            await _refuse(method, started, error, context)
        _log(method, started, "OK", "")

    return call


async def _refuse(method: str, started: float, error: Exception, context: Any) -> None:
    if isinstance(error, grpc.aio.AbortError):
        raise error
    told = known(error)
    if told is not error:
        _log_fault(method, error)
    _log(method, started, CODES[told.reason].name, told.reason)
    await context.abort_with_status(rpc_status.to_status(status_of(told)))


def _log(method: str, started: float, code: str, reason: str) -> None:
    milliseconds = round((time.monotonic() - started) * 1000, 1)
    structlog.get_logger().info("call", method=method, code=code, reason=reason, ms=milliseconds)


def _log_fault(method: str, error: Exception) -> None:
    """Log where a fault arose; not its text, which may hold what a person sent."""
    places, trace = [], error.__traceback__
    while trace is not None:
        places.append(f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}")
        trace = trace.tb_next
    structlog.get_logger().error("fault", method=method, kind=type(error).__name__, at=places[-6:])
