"""What `wire.exchanging` does for the calls of an asynchronous channel: a token in the place of a secret.

gRPC takes one interceptor for each kind of call, so there are four, over one keeper of tokens.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import grpc

from wire.exchanging import (
    AS_IT_IS,
    BEARER,
    CREATE,
    REFUSED,
    TIMEOUT_SECONDS,
    UNMADE,
    Kept,
    Used,
    secret_in,
    with_token,
)
from wire.failures import service_error_aio
from zkproto.v1 import token_pb2


class Tokens:
    """The tokens of one channel, which is said once it is there. Belongs to the channel's loop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._kept, self._lock = Kept(clock), asyncio.Lock()
        self._makes_tokens = True
        self._create: Any = None
        self._looking = set[asyncio.Task[None]]()

    def over(self, channel: grpc.aio.Channel) -> None:
        """Have tokens made over a channel."""
        self._create = channel.unary_unary(
            CREATE,
            request_serializer=token_pb2.CreateTokenRequest.SerializeToString,
            response_deserializer=token_pb2.CreateTokenResponse.FromString,
        )

    async def put_in(self, details: Any) -> tuple[Any, Used | None]:
        """Return what a call is made with, and the token in it, if that is one that was made here."""
        method = details.method.decode() if isinstance(details.method, bytes) else details.method
        secret = None if method in AS_IT_IS else secret_in(details.metadata)
        used = None if secret is None else await self._instead(secret)
        if used is None:
            return details, None
        metadata = grpc.aio.Metadata(*with_token(details.metadata, used.token))
        return details._replace(metadata=metadata), used

    async def _instead(self, secret: str) -> Used | None:
        """Return the token of a secret; None if the service makes none. Raises grpc.aio.AioRpcError."""
        async with self._lock:
            if not self._makes_tokens:
                return None
            if (used := self._kept.good(secret)) is not None:
                return used
            asked = self._kept.clock()
            try:
                made = await self._create(
                    token_pb2.CreateTokenRequest(),
                    metadata=(("authorization", f"{BEARER}{secret}"),),
                    timeout=TIMEOUT_SECONDS,
                )
            except grpc.aio.AioRpcError as error:
                if error.code() not in UNMADE:
                    raise
                self._makes_tokens = False
                return None
            return self._kept.take(secret, made, asked)

    async def is_refused(self, call: Any, used: Used) -> bool:
        """Tell whether a call that has ended was refused for its token, which is forgotten then."""
        if (await service_error_aio(call)).reason != REFUSED:
            return False
        self._kept.forget(used)
        return True

    def follow(self, call: Any, used: Used | None) -> Any:
        """Return a call that is not made again; its token is forgotten if it is refused."""
        if used is not None:
            token = used

            async def look() -> None:
                if await call.code() is not grpc.StatusCode.OK:
                    await self.is_refused(call, token)

            def ended(_: Any) -> None:
                task = asyncio.get_running_loop().create_task(look())
                self._looking.add(task)
                task.add_done_callback(self._looking.discard)

            call.add_done_callback(ended)
        return call


def interceptors(tokens: Tokens) -> list[grpc.aio.ClientInterceptor]:
    """Return what goes before the other interceptors of a channel."""
    return [_UnaryUnary(tokens), _UnaryStream(tokens), _StreamUnary(tokens), _StreamStream(tokens)]


class _UnaryUnary(grpc.aio.UnaryUnaryClientInterceptor):
    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        made, used = await self._tokens.put_in(client_call_details)
        call = await continuation(made, request)
        if used is None or await call.code() is grpc.StatusCode.OK:
            return call
        # Who is refused with a token of this moment is refused with any.
        if not await self._tokens.is_refused(call, used) or not used.was_kept:
            return call
        again, _ = await self._tokens.put_in(client_call_details)
        return await continuation(again, request)


class _UnaryStream(grpc.aio.UnaryStreamClientInterceptor):
    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        made, used = await self._tokens.put_in(client_call_details)
        return self._tokens.follow(await continuation(made, request), used)


class _StreamUnary(grpc.aio.StreamUnaryClientInterceptor):
    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def intercept_stream_unary(
        self, continuation: Any, client_call_details: Any, request_iterator: Any
    ) -> Any:
        made, used = await self._tokens.put_in(client_call_details)
        return self._tokens.follow(await continuation(made, request_iterator), used)


class _StreamStream(grpc.aio.StreamStreamClientInterceptor):
    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def intercept_stream_stream(
        self, continuation: Any, client_call_details: Any, request_iterator: Any
    ) -> Any:
        made, used = await self._tokens.put_in(client_call_details)
        return self._tokens.follow(await continuation(made, request_iterator), used)
