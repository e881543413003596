"""Before every method: whether the table of roles lets its caller through.

Stands inside `Calls`, which reads the message and turns what is raised here into a status. What is refused
here has read nothing but what says who calls, and has written nothing.
"""

import inspect
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, Final, TypeAlias

import grpc

from disclosure import MalformedError, Reason
from zkservice.callers import Caller, Callers, Proof, admit, check_secret, secret_wanted
from zkservice.errors import ServiceError, ServiceReason
from zkservice.fields import required
from zkservice.roles import TABLE, Row

_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
_Continuation = Callable[[grpc.HandlerCallDetails], Awaitable["_Handler | None"]]
_Act = Callable[[Any, Any], Any]

_OWNER: Final = re.compile(r"((?:departments|verifiers)/[a-z][a-z0-9-]{0,62})(?:/.*)?", re.ASCII | re.DOTALL)
"""The name of whoever may own what a request names; what comes after it the method reads."""


class Guard(grpc.aio.ServerInterceptor):
    """The interceptor that enforces the table. A method without a row is answered as one that there is
    not."""

    def __init__(self, callers: Callers, *, takes_secrets: bool) -> None:
        self._callers, self._takes_secrets = callers, takes_secrets

    async def intercept_service(
        self, continuation: _Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> "_Handler | None":
        """Return a method's handler, guarded; None for a method that there is not."""
        row = TABLE.get(handler_call_details.method)
        handler: Any = await continuation(handler_call_details)
        if row is None or handler is None:
            return None
        return self._guarded(row, handler) if row.roles else handler

    def _guarded(self, row: Row, handler: Any) -> "_Handler":
        coders = handler.request_deserializer, handler.response_serializer
        if handler.request_streaming:
            act = self._many(row, handler.stream_stream)
            return grpc.stream_stream_rpc_method_handler(act, *coders)
        if handler.response_streaming:
            return grpc.unary_stream_rpc_method_handler(self._watch(row, handler.unary_stream), *coders)
        return grpc.unary_unary_rpc_method_handler(self._single(row, handler.unary_unary), *coders)

    async def _admit(self, row: Row, context: Any) -> Caller:
        caller = await self._callers.resolve(context, row.roles)
        if row.shows_secret(caller.role) and caller.proof is not Proof.SECRET:
            raise secret_wanted()
        if caller.proof is Proof.SECRET and not (row.takes_secrets or self._takes_secrets):
            detail = "this service takes tokens that CreateToken makes of a secret, and no secret"
            raise ServiceError(ServiceReason.SECRET_NOT_ACCEPTED, detail)
        admit(caller)
        return caller

    def _single(self, row: Row, act: _Act) -> _Act:
        async def call(request: Any, context: Any) -> Any:
            check(row, await self._admit(row, context), request)
            return await act(request, context)

        return call

    def _watch(self, row: Row, act: _Act) -> _Act:
        assert inspect.isasyncgenfunction(act), "a guarded stream yields what it sends"  # noqa: S101

        async def call(request: Any, context: Any) -> AsyncIterator[Any]:
            check(row, await self._admit(row, context), request)
            async with aclosing(act(request, context)) as answers:
                async for answer in answers:
                    yield answer

        return call

    def _many(self, row: Row, act: _Act) -> _Act:
        async def call(requests: Any, context: Any) -> AsyncIterator[Any]:
            caller = await self._admit(row, context)
            async with aclosing(act(_from_first(row, caller, requests), context)) as answers:
                async for answer in answers:
                    yield answer

        return call


async def _from_first(row: Row, caller: Caller, requests: Any) -> AsyncIterator[Any]:
    """Give the messages of a stream, of which the first says whose it is."""
    is_first = True
    async for request in requests:
        if is_first:
            check(row, caller, request)
        is_first = False
        yield request


def check(row: Row, caller: Caller, request: Any) -> None:
    """Raise ServiceError TOKEN_INVALID unless a caller may call a row's method with a request.

    Also MalformedError NAME_INVALID, ServiceError FIELD_MISSING, where the request does not say whose it is.
    """
    whose = row.roles.get(caller.role)
    if whose is None:
        raise ServiceError(ServiceReason.TOKEN_INVALID, f"a {caller.role} may not call this")
    if caller.role is row.own_secret and request.name == caller.name:
        check_secret(caller)
    if whose.anybodys or whose.stored is not None or not whose.path:
        return
    owner = _owner(request, whose.path)
    is_own = owner.startswith(f"{whose.collection}/") if whose.collection else owner == caller.name
    if not is_own:
        raise ServiceError(ServiceReason.TOKEN_INVALID, f"the token is not that of {owner}")


def _owner(request: Any, path: str) -> str:
    """Return the name of the owner that a request names at a path."""
    *way, last = path.split(".")
    message = request
    for depth, each in enumerate(way):
        required(message.HasField(each), ".".join(way[: depth + 1]))
        message = getattr(message, each)
    found = _OWNER.fullmatch(getattr(message, last))
    if found is None:
        raise MalformedError(Reason.NAME_INVALID, "the name does not say whose it is", field=path)
    return found[1]
