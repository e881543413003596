"""The bridge: a page's call, in gRPC-Web, made as a call of gRPC, in octets that nobody here reads.

Handed on are the message, the authorization that the page gives, the time that it has, and the address that
it comes from, appended to `x-forwarded-for` as docs/limits.md says that a proxy does. Cookies are not, nor is
any other header. Every refusal of the service's comes back with its status and its reason. A stream has a
connection of its own to the service, which counts streams by connection, and ends with the page's.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

import grpc
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from consortium.serving import BodyError, body_of, plain
from web_edge.frames import CONTENT_TYPES, FrameError, message_frame, message_of, trailers_frame
from web_edge.methods import ALLOWED, Kind
from web_edge.origins import Origins
from wire.client import Calling, Endpoint
from wire.repeating import NEVER

MESSAGE_OCTETS: Final = 256 << 10
CALL_SECONDS: Final = 60.0
STREAM_SECONDS: Final = 600.0
STREAMS: Final = 256
_SECONDS: Final = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}
_TIMEOUT: Final = re.compile(r"([0-9]{1,8})([HMSmun])")
_AUTHORIZATION: Final = re.compile(r"Bearer [!-~]{1,4096}")
_FORWARDED_OCTETS: Final = 1024
_ANSWER: Final = {"Cache-Control": "no-store"}
_TYPE: Final = "application/grpc-web+proto"


@dataclass(frozen=True)
class _Call:
    """One call as it is made of the service."""

    method: str
    message: bytes = field(repr=False)
    metadata: tuple[tuple[str, str], ...] = field(repr=False)
    seconds: float


class _RefusedError(Exception):
    """A request that is no call, with the status of HTTP that says so."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(status)
        self.status, self.text = status, text


class Bridge:
    """Pages' calls to one service; enter it in the loop that serves. It holds one channel for short calls."""

    def __init__(self, endpoint: Endpoint, origins: Origins) -> None:
        # The page decides itself what it sends again.
        self._endpoint = Endpoint(endpoint.server, endpoint.root_certificate, Calling(policy=NEVER))
        self._origins = origins
        self._stack = AsyncExitStack()
        self._channel: grpc.aio.Channel | None = None
        self._streams = 0

    async def __aenter__(self) -> Self:
        """Open the channel."""
        self._channel = await self._stack.enter_async_context(self._endpoint.channel_aio())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it; calls under way end."""
        await self._stack.aclose()

    async def answer(self, request: Request) -> Response:
        """Answer one call."""
        method = request.path_params["method"]
        try:
            call = await self._read(method, request)
        except _RefusedError as error:
            return plain(error.status, error.text)
        if ALLOWED[method] is Kind.UNARY:
            return Response(await self._unary(call), 200, _ANSWER, _TYPE)
        if self._streams >= STREAMS:
            ended = trailers_frame(grpc.StatusCode.RESOURCE_EXHAUSTED, "no place is left for a stream")
            return Response(ended, 200, _ANSWER, _TYPE)
        return StreamingResponse(self._stream(call), 200, _ANSWER, _TYPE)

    async def _read(self, method: str, request: Request) -> _Call:
        if method not in ALLOWED:
            raise _RefusedError(404, "no page calls this")
        if not self._origins.is_own(request):
            raise _RefusedError(403, "only pages of this origin call")
        if request.headers.get("content-type", "") not in CONTENT_TYPES:
            raise _RefusedError(415, "the body is not binary gRPC-Web")
        most = CALL_SECONDS if ALLOWED[method] is Kind.UNARY else STREAM_SECONDS
        metadata = _metadata(request)
        seconds = min(_timeout(request), most)
        try:
            message = message_of(await body_of(request, MESSAGE_OCTETS))
        except BodyError as error:
            raise _RefusedError(error.status, "the message is too long, or too slow") from None
        except FrameError:
            raise _RefusedError(400, "the body is not one message") from None
        return _Call(f"/{method}", message, metadata, seconds)

    async def _unary(self, call: _Call) -> bytes:
        assert self._channel is not None, "the bridge was not entered"  # noqa: S101
        made: Any = self._channel.unary_unary(call.method)
        try:
            answer: bytes = await made(call.message, metadata=call.metadata, timeout=call.seconds)
        except grpc.aio.AioRpcError as error:
            return _ended(error)
        return message_frame(answer) + trailers_frame(grpc.StatusCode.OK)

    async def _stream(self, call: _Call) -> AsyncIterator[bytes]:
        self._streams += 1
        try:
            async with self._endpoint.channel_aio() as channel:
                made: Any = channel.unary_stream(call.method)
                answers = made(call.message, metadata=call.metadata, timeout=call.seconds)
                try:
                    async with aclosing(_messages(answers)) as frames:
                        async for each in frames:
                            yield each
                finally:
                    answers.cancel()
        finally:
            self._streams -= 1


async def _messages(answers: Any) -> AsyncGenerator[bytes, None]:
    try:
        async for each in answers:
            yield message_frame(each)
    except grpc.aio.AioRpcError as error:
        yield _ended(error)
    else:
        yield trailers_frame(grpc.StatusCode.OK)


def _ended(error: grpc.aio.AioRpcError) -> bytes:
    trailing = [(str(name), value) for name, value in error.trailing_metadata() or ()]
    return trailers_frame(error.code(), error.details() or "", trailing)


def _metadata(request: Request) -> tuple[tuple[str, str], ...]:
    client = request.client.host if request.client else ""
    before = ", ".join(request.headers.getlist("x-forwarded-for"))
    forwarded = f"{before}, {client}" if before and len(before) <= _FORWARDED_OCTETS else client
    authorization = request.headers.getlist("authorization")
    if not authorization:
        return (("x-forwarded-for", forwarded),)
    if len(authorization) > 1 or not _AUTHORIZATION.fullmatch(authorization[0]):
        raise _RefusedError(400, "the authorization is not one bearer token")
    return ("x-forwarded-for", forwarded), ("authorization", authorization[0])


def _timeout(request: Request) -> float:
    given = request.headers.get("grpc-timeout")
    if given is None:
        return float("inf")
    match = _TIMEOUT.fullmatch(given)
    if match is None:
        raise _RefusedError(400, "the timeout is none of gRPC's")
    return int(match[1]) * _SECONDS[match[2]]
