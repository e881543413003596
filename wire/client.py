"""Channels to the service, and calls over them, whose failures are one tree of typed errors (wire.failures).

A channel is TLS under a given root, or the system's roots when none is given. Holders open a channel for each
use and close it after: nothing at the transport links two uses. Calls of one message and one answer are
repeated as wire.repeating says; streams are not, since only who reads them knows how to go on.
"""

import datetime as dt
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar, cast

import grpc

from wire import exchanging_aio, scope
from wire.failures import FieldViolation, ServiceError, refusal, service_error
from wire.intercepting import UNCHOSEN, Calling, Repeating, RepeatingAio, Unchosen
from wire.repeating import seconds_left

__all__ = [
    "DEFAULT_TIMEOUT",
    "ERROR_DOMAIN",
    "MAX_MESSAGE_OCTETS",
    "Calling",
    "Endpoint",
    "FieldViolation",
    "Seconds",
    "ServiceError",
    "call",
    "calls",
    "refusal",
    "service_error",
    "stream",
]

from wire.exchanging import exchanging

MAX_MESSAGE_OCTETS: Final = 4 << 20
DEFAULT_TIMEOUT: Final = UNCHOSEN
"""Stands for what the endpoint says, and for 20 seconds on a channel of another make."""
ERROR_DOMAIN: Final = "zk-disclosure"
_OPTIONS: Final = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_OCTETS),
    ("grpc.use_local_subchannel_pool", 1),
    # Else a repetition finds a server that is back again still waiting for its turn to be tried. The least
    # backoff stays as it is: gRPC takes it for the time that a connection has to stand.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2000),
)

Answer = TypeVar("Answer")
Seconds: TypeAlias = float | dt.timedelta
"""How long something may take: seconds, or what has a unit."""


@dataclass(frozen=True)
class Identity:
    """What a client shows on a port that demands a certificate: its chain and private key, both in PEM."""

    certificate: bytes = field(repr=False)
    private_key: bytes = field(repr=False)


@dataclass(frozen=True)
class Endpoint:
    """Where the service is: `host:port`, the PEM root that signs its certificate, and how calls are made.

    `identity` is what the client shows of itself. Holders have none: it would name them at each use.
    `interceptor` stands before every call of one message and one answer.
    """

    server: str
    root_certificate: bytes | None = field(default=None, repr=False)
    calling: Calling = field(default_factory=Calling, compare=False, repr=False)
    identity: Identity | None = field(default=None, repr=False)
    interceptor: grpc.UnaryUnaryClientInterceptor | None = field(default=None, repr=False, compare=False)

    @classmethod
    def at(cls, server: str, root: Path | None = None, calling: Calling | None = None) -> "Endpoint":
        """Read the root from a file."""
        return cls(server, root.read_bytes() if root else None, calling or Calling())

    def channel(self) -> grpc.Channel:
        """Open a channel of its own connection; the caller closes it.

        A secret that a call is given is exchanged for a token of it (wire/exchanging.py).
        """
        plain = grpc.secure_channel(self.server, self._credentials(), options=_OPTIONS)
        channel = exchanging(grpc.intercept_channel(plain, Repeating(self.calling)))
        return channel if self.interceptor is None else grpc.intercept_channel(channel, self.interceptor)

    def channel_aio(self) -> grpc.aio.Channel:
        """Open an asynchronous channel, in the loop that will use it; the caller closes it.

        A secret that a call is given is exchanged for a token of it, as by `channel`.
        """
        tokens = exchanging_aio.Tokens()
        channel = grpc.aio.secure_channel(
            self.server,
            self._credentials(),
            options=_OPTIONS,
            interceptors=[*exchanging_aio.interceptors(tokens), RepeatingAio(self.calling)],
        )
        tokens.over(channel)
        return channel

    def _credentials(self) -> grpc.ChannelCredentials:
        own = self.identity
        key, chain = (own.private_key, own.certificate) if own else (None, None)
        return grpc.ssl_channel_credentials(self.root_certificate, key, chain)


def call(
    method: Callable[..., Answer],
    request: Any,
    *,
    token: str | None = None,
    timeout: Seconds | None = DEFAULT_TIMEOUT,
) -> Answer:
    """Call a method of a stub, with a deadline and a bearer token; raises ServiceError.

    In the run of an asynchronous caller (wire.scope) it is given up as soon as that caller is cancelled.
    """
    around = scope.current()
    try:
        if around is None:
            return method(request, **_options(token, timeout))
        around.check()
        pending = cast(Any, method).future(request, **_options(token, timeout))
        with around.holding(pending):
            return cast(Answer, pending.result())
    except grpc.RpcError as error:
        raise service_error(error) from None


def calls(method: Any, requests: Iterable[Any]) -> list[Any]:
    """Call a method of a stub with several requests at once; the answers in their order; ServiceError."""
    around = scope.current()
    pending = [method.future(each, **_options(None, DEFAULT_TIMEOUT)) for each in requests]
    try:
        return [_result(each, around) for each in pending]
    except grpc.RpcError as error:
        raise service_error(error) from None
    finally:
        for each in pending:
            each.cancel()


def _result(pending: Any, around: scope.Scope | None) -> Any:
    with nullcontext() if around is None else around.holding(pending):
        return pending.result()


def stream(
    method: Callable[..., Iterator[Answer]],
    request: Any,
    *,
    token: str | None = None,
    timeout: Seconds | None = None,
) -> Generator[Answer, None, None]:
    """Call a streaming method of a stub; raises ServiceError while it is iterated over."""
    around = scope.current()
    answers = method(request, **_options(token, timeout))
    try:
        with nullcontext() if around is None else around.holding(cast(grpc.Call, answers)):
            yield from answers
    except grpc.RpcError as error:
        raise service_error(error) from None
    finally:
        cast(grpc.Call, answers).cancel()  # an iteration given up must not keep the stream open


def _options(token: str | None, timeout: Seconds | None) -> dict[str, Any]:
    return {
        "metadata": (("authorization", f"Bearer {token}"),) if token else (),
        "timeout": _seconds(timeout),
    }


def _seconds(timeout: Seconds | None) -> float | None:
    """Return a timeout in seconds; what nobody chose stays marked, for the channel to choose."""
    if isinstance(timeout, Unchosen):
        return timeout
    return seconds_left(timeout.total_seconds() if isinstance(timeout, dt.timedelta) else timeout)
