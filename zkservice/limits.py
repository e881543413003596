"""Before anything else of a call: who is charged for it, whether there is room, and until when it may take.

Nothing of the call's message has been read when it is refused here. Each tenant (`tenants`) has a bucket of
units (`costs`) and so many calls at a time; the last places of all are for tenants that have few. Anonymous
tenants are addresses, named ones whoever has shown a token that held.
"""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import lru_cache, partial
from typing import Any, Final, TypeAlias

import grpc
import structlog
from grpc_status import rpc_status

from zkservice import certificates, slow, tenants
from zkservice.buckets import Allowance, Bucket, Buckets
from zkservice.config import Settings
from zkservice.costs import cost_of, cost_of_answer
from zkservice.errors import ServiceError, ServiceReason
from zkservice.keys import token_hash
from zkservice.observing import request_ids
from zkservice.shown import Shown, mark_of_certificate
from zkservice.status import status_of
from zkservice.tenants import Call

_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
_Continuation = Callable[[grpc.HandlerCallDetails], Awaitable["_Handler | None"]]
_Act = Callable[[Any, Any], Awaitable[Any]]

KEPT: Final = 10_000
"""So many anonymous tenants are remembered, and so many named ones."""
_RESERVE: Final = 10
"""The last tenth of all places is for tenants that have few calls under way."""
_FEW: Final = 4
_OF_A_SITE: Final = 2
"""Half of all places are for one IPv6 site's addresses together, unless one of them may have more."""
_SILENT: Final = 4
"""While more than a quarter of all places is taken by calls that have sent no message, the oldest of these
make room for others."""
_GRACE_SECONDS: Final = 0.5
"""So long a call has in any case: a message comes with its call, or not much later."""
MAX_OCTETS: Final = 64 << 20
"""Octets of all messages that are served at the same time."""
_SHARE: Final = 8
"""One tenant may have an eighth of them."""


class Limits(grpc.aio.ServerInterceptor):
    """The interceptor of all services; belongs to the event loop."""

    def __init__(self, settings: Settings, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._trusted = tenants.networks(settings.trusted_proxies)
        self._most, self._seconds = settings.max_concurrent_calls, settings.call_seconds
        anonymous = Allowance(settings.rate_anonymous, settings.burst_anonymous, settings.calls_anonymous)
        named = Allowance(settings.rate_named, settings.burst_named, settings.calls_named)
        self._anonymous, self._named = Buckets(anonymous, KEPT, monotonic), Buckets(named, KEPT, monotonic)
        self._shown = Shown(monotonic)
        self._calls = self._octets = 0
        self._sites, self._site_most = Counter[str](), max(settings.calls_anonymous, self._most // _OF_A_SITE)
        self._silent: dict[_Held, float] = {}
        self._wrapped: dict[str, _Handler] = {}
        self._refused, self._told = Counter[str](), -math.inf
        self._forwarded = False

    async def intercept_service(
        self, continuation: _Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> "_Handler | None":
        """Return a method's handler with its limits, made once; None for a method that there is not."""
        method = handler_call_details.method
        if method not in self._wrapped:
            handler: Any = await continuation(handler_call_details)
            if handler is None:
                return None
            self._wrapped[method] = self._wrap(handler, cost_of(method))
        return self._wrapped[method]

    def _wrap(self, handler: Any, cost: float) -> "_Handler":
        if handler.response_streaming:
            return grpc.stream_stream_rpc_method_handler(
                self._stream(handler.stream_stream, cost),
                handler.request_deserializer,
                handler.response_serializer,
            )
        return grpc.stream_unary_rpc_method_handler(
            self._single(handler.stream_unary, cost),
            handler.request_deserializer,
            handler.response_serializer,
        )

    def _stream(self, act: _Act, cost: float) -> _Act:
        async def call(requests: Any, context: Any) -> None:
            await self._admit(context, cost, math.inf)
            await act(requests, context)

        return call

    def _single(self, act: _Act, cost: float) -> _Act:
        async def call(requests: Any, context: Any) -> Any:
            await self._admit(context, cost, self._seconds)
            try:
                async with asyncio.timeout(self._seconds):
                    answer = await act(requests, context)
            except TimeoutError:
                await self._refuse(context, tenants.out_of_time())
            tenants.owe(cost_of_answer(answer.ByteSize()))
            slow.answering(context)
            return answer

        return call

    async def _admit(self, context: Any, cost: float, seconds: float) -> None:
        """Charge a call to its tenant, and give it a place until it has ended; or end it with a status."""
        try:
            call = self._charged(context, cost, seconds)
        except ServiceError as error:
            await self._refuse(context, error)
            raise
        tenants.enter(call)

    def _charged(self, context: Any, cost: float, seconds: float) -> Call:
        if self._calls >= self._most and not self._hurry():
            raise _overloaded("as many calls as there may be are served already")
        peer, metadata = context.peer(), context.invocation_metadata() or ()
        address, proxied = tenants.address_of(peer, metadata, self._trusted)
        if not (proxied or self._forwarded) and tenants.is_forwarded(metadata):
            self._tell_forwarded()
        mark = _mark(context, metadata)
        name = self._shown.name_of(mark)
        bucket = self._anonymous.of(address) if name is None else self._named.of(name)
        if bucket.full_of_calls:
            raise _too_many(bucket.calls, "an address" if name is None else "a caller")
        site = tenants.site_of(address) if name is None else None
        if site is not None and self._sites[site] >= self._site_most:
            raise _too_many(self._sites[site], "a network")
        if self._calls >= self._most - self._most // _RESERVE and bucket.calls >= _FEW:
            raise _overloaded("the last places are for those who have few calls")
        spend = partial(self._spend, bucket, "an address" if name is None else "a caller")
        spend(cost)
        held = _Held(self, bucket, site)
        self._enter(held)
        context.add_done_callback(held.end)
        left = context.time_remaining()
        return Call(
            tenant=name or address,
            peer=peer,
            proxied=proxied,
            ends=self._monotonic() + (seconds if left is None else min(left, seconds)),
            spend=spend,
            prove=partial(self._prove, mark),
            owe=partial(self._owe, bucket),
            hold=held.hold,
            hurried=held.hurried,
        )

    def _tell_forwarded(self) -> None:
        """Say once that a header counts for nothing: a proxy of ours may have been forgotten."""
        self._forwarded = True
        structlog.get_logger().warning("x-forwarded-for comes from no trusted proxy")

    def _enter(self, held: "_Held") -> None:
        """Count a call that has sent nothing yet; the oldest of too many such calls makes room."""
        if len(self._silent) >= max(1, self._most // _SILENT):
            self._hurry()
        self._silent[held] = self._monotonic()
        self._calls += 1
        held.bucket.calls += 1
        if held.site is not None:
            self._sites[held.site] += 1

    def _hurry(self) -> bool:
        """End the call that has been silent for longest; tell whether there was one that may be ended."""
        if not self._silent:
            return False
        oldest, since = next(iter(self._silent.items()))
        if self._monotonic() - since < _GRACE_SECONDS:
            return False
        del self._silent[oldest]
        if not oldest.hurried.done():
            oldest.hurried.set_result(None)
        return True

    def _spend(self, bucket: Bucket, whose: str, cost: float) -> None:
        seconds = bucket.spend(cost, self._monotonic())
        if seconds > 0:
            detail = f"{whose} takes more than its rate; try again later"
            raise ServiceError(ServiceReason.RATE_LIMITED, detail, retry_seconds=seconds, quota=whose)

    def _owe(self, bucket: Bucket, cost: float) -> None:
        bucket.owe(cost, self._monotonic())

    def _prove(self, mark: bytes | None, name: str | None) -> None:
        if mark is not None and name is not None:
            self._shown.held(mark, name)
        elif mark is not None:
            self._shown.forget(mark)

    async def _refuse(self, context: Any, error: ServiceError) -> None:
        self._refused[error.reason] += 1
        now = self._monotonic()
        if now - self._told >= 1:
            # One line a second at most: whoever floods a server must not flood its log.
            structlog.get_logger().warning("calls refused", **self._refused)
            self._refused.clear()
            self._told = now
        seconds = error.retry_seconds
        retry = None if seconds is None else math.ceil(seconds * 10) / 10
        status = _status(error.reason, error.detail, retry, error.quota)
        await context.abort(status.code, status.details, (*status.trailing_metadata, *request_ids.trailer()))

    # What a call holds, counted here for all of them together.

    def take(self, bucket: Bucket, octets: int) -> None:
        """Count octets of a message; ServiceError OVERLOADED."""
        if self._octets + octets > MAX_OCTETS or bucket.octets + octets > MAX_OCTETS // _SHARE:
            raise _overloaded("the messages that are served are too large together")
        self._octets += octets
        bucket.octets += octets

    def give_back(self, bucket: Bucket, octets: int) -> None:
        """No longer count octets of a message."""
        self._octets -= octets
        bucket.octets -= octets

    def heard(self, held: "_Held") -> None:
        """No longer count a call among those that have sent nothing."""
        self._silent.pop(held, None)

    def left(self, held: "_Held") -> None:
        """No longer count a call."""
        self.heard(held)
        self._calls -= 1
        held.bucket.calls -= 1
        if held.site is not None:
            self._sites[held.site] -= 1
            if not self._sites[held.site]:
                del self._sites[held.site]


class _Held:
    """What one call holds: its place, and the octets of its newest message."""

    __slots__ = ("_limits", "_octets", "bucket", "hurried", "site")

    def __init__(self, limits: Limits, bucket: Bucket, site: str | None) -> None:
        self._limits, self._octets, self.bucket, self.site = limits, 0, bucket, site
        self.hurried: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def hold(self, octets: int) -> None:
        self._limits.heard(self)
        self._limits.give_back(self.bucket, self._octets)
        self._octets = 0
        self._limits.take(self.bucket, octets)
        self._octets = octets

    def end(self, _: Any) -> None:
        self._limits.give_back(self.bucket, self._octets)
        self._limits.left(self)


@lru_cache(1024)
def _status(reason: str, detail: str, seconds: float | None, quota: str) -> Any:
    """Return a refusal's status; those of a flood are alike."""
    error = ServiceError(ServiceReason(reason), detail, retry_seconds=seconds, quota=quota)
    return rpc_status.to_status(status_of(error))


def _mark(context: Any, metadata: Any) -> bytes | None:
    """Return what a caller is known by: its token, or the certificate of its connection alone."""
    for name, value in metadata:
        if name == "authorization":
            scheme, _, token = str(value).partition(" ")
            return token_hash(token) if scheme.lower() == "bearer" and token else None
    certificate = certificates.shown(context)
    return None if certificate is None else mark_of_certificate(certificate)


def _overloaded(detail: str) -> ServiceError:
    return ServiceError(ServiceReason.OVERLOADED, f"{detail}; try again later")


def _too_many(calls: int, whose: str) -> ServiceError:
    detail = f"{whose} has {calls} calls under way; wait for some of them"
    return ServiceError(ServiceReason.TOO_MANY_CALLS, detail, quota=whose)
