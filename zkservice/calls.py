"""Around every call: its message in time, strict decoding, errors as statuses, few streams that wait.

A message that does not decode would be answered by gRPC with INTERNAL; here decoding gives a refusal instead,
which the wrapped method raises. A call that is opened and then sends nothing would hold its place for as long
as its connection lives: methods of one message are served as methods of a stream of which one message is
read, since only so the waiting can be ended. A log line holds the method, the outcome and the time, never a
name, value or token; of calls that are refused only the first ones have a line (`observing/refused.py`).
"""

import asyncio
import inspect
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import grpc
import structlog
from google.protobuf.message import DecodeError
from grpc_status import rpc_status

from zkservice import slow, tenants
from zkservice.costs import cost_of_answer
from zkservice.errors import ServiceError, ServiceReason
from zkservice.observing import request_ids
from zkservice.observing.refused import Refused
from zkservice.status import CODES, known, status_of
from zkservice.watching import Watching

SILENCE_SECONDS: Final = 120.0
"""How long a stream of messages may say nothing."""
FIRST_MESSAGE_SECONDS: Final = 10.0
"""How long a call may take to send its message. A slow line that needs longer for 256 KiB is too slow."""
_HURRY_SECONDS: Final = 0.5
"""How long it may still take when others need its place."""
MAX_WATCH_OCTETS: Final = 4096
"""What asks for a stream holds a name and a token; it is kept for as long as the stream lives."""

_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
_Continuation = Callable[[grpc.HandlerCallDetails], Awaitable["_Handler | None"]]
_Act = Callable[[Any, Any], Any]

_OWN: Final = "/zkproto.v1."
_FOR_EVERYBODY: Final = {
    f"{_OWN}LedgerService/WatchCheckpoints",
    f"{_OWN}RevocationService/WatchEpochs",
    f"{_OWN}ErrandService/WatchErrand",
}
"""Streams that take no token, or one that anybody is given: of these one connection has a few."""
_REFUSED: Final = {
    ServiceReason.TOKEN_INVALID,
    ServiceReason.CERTIFICATE_INVALID,
    ServiceReason.CERTIFICATE_REVOKED,
    ServiceReason.SECRET_NOT_ACCEPTED,
    ServiceReason.ACCOUNT_REPLACED,
}
"""Reasons to charge the calls of a token, or of a certificate, by their address again."""
_OF_A_CONNECTION: Final = 8
_OF_ALL: Final = 16
"""For streams that operators use and nobody else has to: health and reflection."""


@dataclass(frozen=True)
class _Undecoded:
    error: ServiceError


class Calls(grpc.aio.ServerInterceptor):
    """The interceptor of all services, health and reflection among them; only our own calls are logged."""

    def __init__(self, max_message_octets: int, watching: Watching) -> None:
        self._max, self._watching = max_message_octets, watching
        self._refused = Refused()
        self._wrapped: dict[str, _Handler] = {}

    def end(self) -> None:
        """Log what was left out of the log so far."""
        self._refused.end()

    async def intercept_service(
        self, continuation: _Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> "_Handler | None":
        """Return a method's wrapped handler, wrapped once; None for a method that there is not."""
        method = handler_call_details.method
        if method not in self._wrapped:
            handler = await continuation(handler_call_details)
            if handler is None:
                return None
            self._wrapped[method] = self._wrap(method, handler)
        return self._wrapped[method]

    def _wrap(self, method: str, handler: Any) -> "_Handler":
        if handler.request_streaming:
            own = method.startswith(_OWN)
            return grpc.stream_stream_rpc_method_handler(
                self._many(method, handler.stream_stream),
                self._decoder(handler.request_deserializer) if own else handler.request_deserializer,
                handler.response_serializer,
            )
        if handler.response_streaming:
            act = self._streaming(method, handler.unary_stream)
            decode = self._decoder(handler.request_deserializer, MAX_WATCH_OCTETS)
            return grpc.stream_stream_rpc_method_handler(act, decode, handler.response_serializer)
        decode, single = (
            self._decoder(handler.request_deserializer),
            self._single(method, handler.unary_unary),
        )
        return grpc.stream_unary_rpc_method_handler(single, decode, handler.response_serializer)

    def _decoder(self, decode: Callable[[bytes], Any], most: int | None = None) -> Callable[[bytes], Any]:
        bound = self._max if most is None else min(most, self._max)

        def checked(octets: bytes) -> Any:
            if len(octets) > bound:
                detail = f"a message of this method has at most {bound} octets"
                return _Undecoded(ServiceError(ServiceReason.MESSAGE_TOO_LARGE, detail))
            try:
                tenants.hold(len(octets))
                return decode(octets)
            except ServiceError as error:
                return _Undecoded(error)
            except (DecodeError, ValueError):
                return _Undecoded(_malformed("the octets are no message of this method"))

        return checked

    def _streaming(self, method: str, act: _Act) -> _Act:
        async def call(_: Any, context: Any) -> None:
            with self._place(method, context):
                message = await _message(context)
                tenants.hold(0)  # its octets are gone, and the stream waits for long
                await _stream(act, message, context)

        return self._answered(method, call)

    def _many(self, method: str, act: _Act) -> _Act:
        async def call(requests: Any, context: Any) -> None:
            with self._place(method, context):
                own = method.startswith(_OWN)
                if not own:
                    tenants.hold(0)  # it reads by itself, and its places are few
                await _stream(act, _messages(context) if own else requests, context)

        return self._answered(method, call)

    @contextmanager
    def _place(self, method: str, context: Any) -> Iterator[None]:
        """Take a place that the method itself does not count: of a connection's few, or of all operators'."""
        if not method.startswith(_OWN):
            with self._watching.stream(method, _OF_ALL):
                yield
        elif method in _FOR_EVERYBODY:
            with self._watching.stream(f"{method} {context.peer()}", _OF_A_CONNECTION):
                yield
        else:
            yield

    def _single(self, method: str, act: _Act) -> _Act:
        async def call(_: Any, context: Any) -> Any:
            return await act(await _message(context), context)

        return self._answered(method, call)

    def _answered(self, method: str, act: _Act) -> _Act:
        """Turn whatever a method raises into a status, and log how the call ended."""

        async def call(request: Any, context: Any) -> Any:
            started = time.monotonic()
            try:
                answer = await act(request, context)
            except Exception as error:  # everything becomes a status
                await self._refuse(method, started, error, context)
            if method.startswith(_OWN):
                structlog.get_logger().info("call", method=method, code="OK", reason="", ms=_since(started))
            return answer

        return call

    async def _refuse(self, method: str, started: float, error: Exception, context: Any) -> None:
        if isinstance(error, grpc.aio.AbortError):
            raise error
        told = known(error)
        if told.reason in _REFUSED:
            tenants.disproven()
        if told is not error:
            self._refused.fault(method, type(error).__name__, _places(error))
        self._refused.call(method, CODES[told.reason].name, told.reason, _since(started))
        status = rpc_status.to_status(status_of(told))
        await context.abort(status.code, status.details, (*status.trailing_metadata, *request_ids.trailer()))


async def _message(context: Any) -> Any:
    """Return a call's only message; ServiceError MESSAGE_MALFORMED, MESSAGE_TOO_LARGE."""
    message = await _first(context)
    if message is grpc.aio.EOF:
        raise _malformed("the call was opened and ended without a message")
    return message


async def _messages(context: Any) -> AsyncGenerator[Any, None]:
    """Give the messages of a stream, each when it is asked for: what is not asked for holds up its sender."""
    message = await _first(context)
    while message is not grpc.aio.EOF:
        yield message
        message = await _next(context, SILENCE_SECONDS)


async def _first(context: Any) -> Any:
    """Return a call's first message, or EOF; ServiceError as `_next`."""
    return await _next(context, FIRST_MESSAGE_SECONDS, tenants.hurried())


async def _next(context: Any, seconds: float, hurried: "asyncio.Future[None] | None" = None) -> Any:
    """Return the next message, or EOF; ServiceError MESSAGE_MALFORMED, MESSAGE_TOO_LARGE.

    OVERLOADED if none has come when `hurried` is done: others need the place.
    The reading is not cancelled: gRPC writes into its memory until the call has ended, which refusing does.
    """
    reading = asyncio.ensure_future(context.read())
    reading.add_done_callback(_forget)
    ends = {reading} if hurried is None else {reading, hurried}
    done, _ = await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    if done == {hurried}:
        # It may have waited for its turn here, and its message has been with gRPC for long.
        done, _ = await asyncio.wait({reading}, timeout=_HURRY_SECONDS)
        if not done:
            detail = "the call has sent no message, and others need its place; try again later"
            raise ServiceError(ServiceReason.OVERLOADED, detail)
    if not done:
        raise _malformed("the call was opened and its message did not come in time")
    message = reading.result()
    if isinstance(message, _Undecoded):
        raise message.error
    return message


def _forget(reading: "asyncio.Future[Any]") -> None:
    """Look at the outcome of a reading that nobody may wait for any more, lest it is reported as lost."""
    if not reading.cancelled():
        reading.exception()


async def _stream(act: _Act, request: Any, context: Any) -> None:
    """Send what a method yields, and let go of it at once when the call ends; or let it write itself."""
    if not inspect.isasyncgenfunction(act):
        await act(request, context)
        return
    answers: AsyncIterator[Any]
    async with aclosing(act(request, context)) as answers:
        async for answer in answers:
            tenants.owe(cost_of_answer(answer.ByteSize()))
            with slow.sending():
                await context.write(answer)


def _malformed(detail: str) -> ServiceError:
    return ServiceError(ServiceReason.MESSAGE_MALFORMED, detail)


def _since(started: float) -> float:
    """Return the milliseconds since a moment."""
    return round((time.monotonic() - started) * 1000, 1)


def _places(error: Exception) -> list[str]:
    """Return where a fault arose; not its text, which may hold what a person sent."""
    places, trace = [], error.__traceback__
    while trace is not None:
        places.append(f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}")
        trace = trace.tb_next
    return places[-6:]
