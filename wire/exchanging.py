"""Calls with a secret made with a short-lived token instead, which the service makes of it.

A channel that does so sends the secret itself only when it has no token that is good: once a quarter of an
hour. With a service of before tokens it is sent as ever. What is not a secret, a session's token for one,
is left alone. Nothing is written down: a token lives as long as its channel. One that the service refuses, as
it does when an operator has ended all tokens at once, is forgotten, and a call of one message and one answer
is made once more with another; a call with a stream is its caller's to make again.
"""

import base64
import binascii
import hashlib
import threading
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import grpc

from wire.failures import service_error
from zkproto.v1 import token_pb2

CREATE: Final = "/zkproto.v1.TokenService/CreateToken"
AS_IT_IS: Final = {
    CREATE,
    "/zkproto.v1.TokenService/ReplaceSecret",
    "/zkproto.v1.AdministrationService/SetAdministratorSecret",
}
"""Methods that take the secret itself: of a token no other one is made, and no other secret."""
BEARER: Final = "Bearer "
_RENEWED_SECONDS: Final = 60.0
"""So long before its end a token is renewed: a call must have begun before it."""
TIMEOUT_SECONDS: Final = 20.0
_PARTIES: Final = (b"verifiers/", b"accounts/", b"consents/")
REFUSED: Final = "TOKEN_INVALID"
UNMADE: Final = {grpc.StatusCode.UNIMPLEMENTED}


class _Details(NamedTuple):
    """What a call is made with."""

    method: str
    timeout: float | None
    metadata: Any
    credentials: Any
    wait_for_ready: bool | None
    compression: Any


class Used(NamedTuple):
    """The token that a call was made with: of which secret, by its hash, and whether another call had it."""

    mark: bytes
    token: str
    was_kept: bool


class Kept:
    """The tokens that a channel has, by their secrets' hashes, and when each is to be renewed.

    By this machine's monotonic clock: what is counted from the answer is how long a token is good, so the
    clocks need not agree.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._tokens: dict[bytes, tuple[str, float]] = {}

    def good(self, secret: str) -> Used | None:
        """Return a token of a secret that need not be renewed, None if there is none."""
        mark = _mark(secret)
        token, renewed = self._tokens.get(mark, ("", 0.0))
        return Used(mark, token, was_kept=True) if token and self.clock() < renewed else None

    def take(self, secret: str, made: token_pb2.CreateTokenResponse, asked: float) -> Used:
        """Keep a token that was asked for at a moment of the clock."""
        mark = _mark(secret)
        self._tokens[mark] = made.token, asked + made.lifetime_seconds - _RENEWED_SECONDS
        return Used(mark, made.token, was_kept=False)

    def forget(self, used: Used) -> None:
        """Have another token made by the next call, unless one was made already."""
        if self._tokens.get(used.mark, ("", 0.0))[0] == used.token:
            del self._tokens[used.mark]


def _mark(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def secret_in(metadata: Any) -> str | None:
    """Return the secret that a call's metadata have, None if there is none."""
    for name, value in metadata or ():
        text = str(value)
        if name == "authorization" and text.startswith(BEARER) and is_secret(text[len(BEARER) :]):
            return text[len(BEARER) :]
    return None


def with_token(metadata: Any, token: str) -> list[tuple[str, Any]]:
    """Return a call's metadata with a token in the place of the secret."""
    said = f"{BEARER}{token}"
    return [(name, said if name == "authorization" else value) for name, value in metadata]


class _Once:
    """A call that is made once more when its result is asked for and its token was refused."""

    def __init__(self, call: Any, again: Callable[[], Any]) -> None:
        self._call, self._again, self._cancelled = call, again, False

    def result(self, timeout: float | None = None) -> Any:
        """Return the answer; raises grpc.RpcError of the last attempt."""
        try:
            return self._call.result(timeout)
        except grpc.RpcError as error:
            if self._cancelled or not _is_refused(error):
                raise
        self._call = self._again()
        return self._call.result(timeout)

    def cancel(self) -> bool:
        """End the attempt under way; there is no other one."""
        self._cancelled = True
        return bool(self._call.cancel())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._call, name)


def _is_refused(call: Any) -> bool:
    """Tell whether a call has ended because its token counts no more, or never was one of who may."""
    return call.code() is not grpc.StatusCode.OK and service_error(call).reason == REFUSED


def exchanging(channel: grpc.Channel) -> grpc.Channel:
    """Return a channel over another one, whose calls have a token in the place of a secret."""
    return grpc.intercept_channel(channel, Exchanger(channel))


def is_secret(token: str) -> bool:
    """Tell whether this is a secret that a token can be made of: no signed token, and no session's."""
    if token.startswith("eyJ") and token.count(".") == 2:
        return False
    try:
        octets = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (binascii.Error, ValueError):
        return True
    return not octets.startswith(_PARTIES)


class Exchanger(
    grpc.UnaryUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamUnaryClientInterceptor,
    grpc.StreamStreamClientInterceptor,
):
    """Puts tokens in the place of secrets. Of any number of threads one at a time asks for a token."""

    def __init__(self, channel: grpc.Channel, clock: Callable[[], float] = time.monotonic) -> None:
        self._create = channel.unary_unary(
            CREATE,
            request_serializer=token_pb2.CreateTokenRequest.SerializeToString,
            response_deserializer=token_pb2.CreateTokenResponse.FromString,
        )
        self._kept, self._lock = Kept(clock), threading.Lock()
        self._makes_tokens = True

    def _instead(self, secret: str) -> Used | None:
        """Return the token of a secret; None if the service makes none. Raises grpc.RpcError."""
        with self._lock:
            if not self._makes_tokens:
                return None
            if (used := self._kept.good(secret)) is not None:
                return used
            asked = self._kept.clock()
            try:
                made = self._create(
                    token_pb2.CreateTokenRequest(),
                    metadata=(("authorization", f"{BEARER}{secret}"),),
                    timeout=TIMEOUT_SECONDS,
                )
            except grpc.RpcError as error:
                if error.code() not in UNMADE:
                    raise
                self._makes_tokens = False
                return None
            return self._kept.take(secret, made, asked)

    def _forget(self, used: Used) -> None:
        with self._lock:
            self._kept.forget(used)

    def _with_token(self, details: Any) -> tuple[Any, Used | None]:
        """Return what a call is made with, and the token in it, if that is one that was made here."""
        if details.method in AS_IT_IS:
            return details, None
        secret, metadata = secret_in(details.metadata), details.metadata
        used = None if secret is None else self._instead(secret)
        if used is not None:
            metadata = with_token(metadata, used.token)
        made = _Details(
            details.method,
            details.timeout,
            metadata,
            details.credentials,
            details.wait_for_ready,
            details.compression,
        )
        return made, used

    def _forgetting(self, continuation: Any, details: Any, sent: Any) -> Any:
        """Make a call that is not made again; its token is forgotten if it is refused."""
        made, used = self._with_token(details)
        call = continuation(made, sent)
        if used is not None:
            call.add_done_callback(lambda ended: self._forget(used) if _is_refused(ended) else None)
        return call

    def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        """Make a call of one message that is answered with one."""
        made, used = self._with_token(client_call_details)
        call = continuation(made, request)
        # Who is refused with a token of this moment is refused with any.
        if used is None or not used.was_kept:
            return call

        def again() -> Any:
            self._forget(used)
            return continuation(self._with_token(client_call_details)[0], request)

        return _Once(call, again)

    def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        """Make a call of one message that is answered with a stream."""
        return self._forgetting(continuation, client_call_details, request)

    def intercept_stream_unary(
        self, continuation: Any, client_call_details: Any, request_iterator: Any
    ) -> Any:
        """Make a call of a stream that is answered with one message."""
        return self._forgetting(continuation, client_call_details, request_iterator)

    def intercept_stream_stream(
        self, continuation: Any, client_call_details: Any, request_iterator: Any
    ) -> Any:
        """Make a call of a stream that is answered with a stream."""
        return self._forgetting(continuation, client_call_details, request_iterator)
