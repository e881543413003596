"""The bridge: a page's call, in gRPC-Web, made as a call of gRPC, in octets that nobody here reads.

Handed on are the message, the authorization that the page gives, the time that it has, and the address that
it comes from, appended to `x-forwarded-for` as docs/limits.md says that a proxy does. Cookies are not, nor is
any other header. Every refusal of the service's comes back with its status and its reason. A stream has a
connection of its own to the service, which counts streams by connection, and ends with the page's.
"""

import re
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

import grpc
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from consortium.serving import BodyError, body_of, network_of, plain
from web_edge.frames import CONTENT_TYPES, FrameError, message_frame, message_of, trailers_frame
from web_edge.methods import ALLOWED, Kind
from web_edge.origins import Origins
from wire.client import Calling, Endpoint
from wire.repeating import NEVER

MESSAGE_OCTETS: Final = 256 << 10
CALL_SECONDS: Final = 60.0
STREAM_SECONDS: Final = 600.0
STREAMS: Final = 256
STREAMS_OF_ONE: Final = 8
"""Streams of one address, or of one network of 64 bits where it is of IPv6."""
_SECONDS: Final = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}
_TIMEOUT: Final = re.compile(r"([0-9]{1,8})([HMSmun])")
_AUTHORIZATION: Final = re.compile(r"Bearer [!-~]{1,4096}")
_FORWARDED: Final = re.compile(r"[ -~]*")
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
    client: str


class _RefusedError(Exception):
    """A request that is no call, with the status of HTTP that says so."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(status)
        self.status, self.text = status, text


class Bridge:
    """Pages' calls to one service; enter it in the loop that serves. It holds one channel for short calls.

    Behind a proxy of the operator's (`proxied`) a stream counts for the client that the proxy names last.
    """

    def __init__(self, endpoint: Endpoint, origins: Origins, *, proxied: bool = False) -> None:
        # The page decides itself what it sends again.
        self._endpoint = Endpoint(endpoint.server, endpoint.root_certificate, Calling(policy=NEVER))
        self._origins, self._proxied = origins, proxied
        self._stack = AsyncExitStack()
        self._channel: grpc.aio.Channel | None = None
        self._streams: Counter[str] = Counter()

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
        return _Call(f"/{method}", message, metadata, seconds, self._client(request))

    def _client(self, request: Request) -> str:
        """Return whose a stream is, for the count here alone; the service judges for itself."""
        named = _written(request)[-1:] if self._proxied else []
        return network_of(named[0] if named else _peer(request))

    async def _unary(self, call: _Call) -> bytes:
        assert self._channel is not None, "the bridge was not entered"  # noqa: S101
        made: Any = self._channel.unary_unary(call.method)
        try:
            answer: bytes = await made(call.message, metadata=call.metadata, timeout=call.seconds)
        except grpc.aio.AioRpcError as error:
            return _ended(error)
        return message_frame(answer) + trailers_frame(grpc.StatusCode.OK)

    async def _stream(self, call: _Call) -> AsyncIterator[bytes]:
        # No await between looking and taking: two do not get one place.
        if self._streams.total() >= STREAMS or self._streams[call.client] >= STREAMS_OF_ONE:
            yield trailers_frame(grpc.StatusCode.RESOURCE_EXHAUSTED, "no place is left for a stream")
            return
        self._streams[call.client] += 1
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
            self._streams -= Counter({call.client: 1})  # and nothing is left of a client without streams


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
    forwarded = ", ".join([*_fitting(_written(request)), _peer(request)])
    authorization = request.headers.getlist("authorization")
    if not authorization:
        return (("x-forwarded-for", forwarded),)
    if len(authorization) > 1 or not _AUTHORIZATION.fullmatch(authorization[0]):
        raise _RefusedError(400, "the authorization is not one bearer token")
    return ("x-forwarded-for", forwarded), ("authorization", authorization[0])


def _peer(request: Request) -> str:
    return request.client.host if request.client else ""


def _written(request: Request) -> list[str]:
    """Return what `x-forwarded-for` says, the nearest last."""
    said = ",".join(request.headers.getlist("x-forwarded-for"))
    if not _FORWARDED.fullmatch(said):
        raise _RefusedError(400, "x-forwarded-for has characters that no address has")
    return [each.strip() for each in said.split(",")] if said else []


def _fitting(entries: list[str]) -> list[str]:
    """Return the last entries that there is room for: the nearest proxies wrote them."""
    octets, first = 0, len(entries)
    while first > 0 and (octets := octets + len(entries[first - 1]) + 2) <= _FORWARDED_OCTETS:
        first -= 1
    return entries[first:]


def _timeout(request: Request) -> float:
    given = request.headers.get("grpc-timeout")
    if given is None:
        return float("inf")
    match = _TIMEOUT.fullmatch(given)
    if match is None:
        raise _RefusedError(400, "the timeout is none of gRPC's")
    return int(match[1]) * _SECONDS[match[2]]
