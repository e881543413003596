"""Repetition and timeouts on a channel, blocking or asynchronous: `wire.repeating` decides, this does it."""

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import grpc

from wire import repeating, scope
from wire.failures import failure, service_error
from wire.repeating import Attempts, Budget, Policy

DEFAULT_SECONDS: Final = 20.0


class Unchosen(float):
    """A timeout that nobody chose: an endpoint's own takes its place."""


UNCHOSEN: Final = Unchosen(DEFAULT_SECONDS)


@dataclass(frozen=True)
class Calling:
    """How an endpoint's calls are made: seconds for each with its repetitions, and when it is made again.

    All channels of an endpoint share its budget.
    """

    timeout: float = DEFAULT_SECONDS
    policy: Policy = field(default_factory=Policy)
    budget: Budget = field(default_factory=Budget, repr=False)

    def __post_init__(self) -> None:
        if not self.timeout > 0:
            raise ValueError("a timeout is longer than nothing")

    def seconds(self, asked: float | None) -> float | None:
        """Return how long a call may take."""
        chosen = self.timeout if asked is None or isinstance(asked, Unchosen) else asked
        return repeating.seconds_left(chosen)


class _Details(grpc.ClientCallDetails):
    """What a call is made with, with another timeout."""

    def __init__(self, details: Any, timeout: float | None) -> None:
        self.method, self.timeout, self.metadata = details.method, timeout, details.metadata
        self.credentials, self.wait_for_ready = details.credentials, details.wait_for_ready
        self.compression = getattr(details, "compression", None)


class Repeated:
    """A call that is made again when its result is asked for and it has failed; else the call itself."""

    def __init__(
        self,
        call: Any,
        again: Callable[[float], Any],
        attempts: Attempts,
        sleep: Callable[[float], None] | None,
    ) -> None:
        self._call, self._again, self._attempts, self._sleep = call, again, attempts, sleep
        self._cancelled = threading.Event()

    def result(self, timeout: float | None = None) -> Any:
        """Return the answer; raises grpc.RpcError of the last attempt."""
        while True:
            try:
                answer = self._call.result(timeout)
            except grpc.RpcError as error:
                pause = self._attempts.pause_after(service_error(error), time.monotonic())
                if pause is None or not self._paused(pause):
                    raise
            else:
                self._attempts.budget.succeeded()
                return answer
            self._call = self._again(max(0.0, self._attempts.until - time.monotonic()))
            if self._cancelled.is_set():
                self._call.cancel()

    def cancel(self) -> bool:
        """End the attempt under way; there is no other one."""
        self._cancelled.set()
        return bool(self._call.cancel())

    def _paused(self, seconds: float) -> bool:
        """Pause; tell whether to go on."""
        if self._sleep is None:
            self._cancelled.wait(seconds)
        else:
            self._sleep(seconds)
        return not self._cancelled.is_set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._call, name)


class Repeating(grpc.UnaryUnaryClientInterceptor):
    """Makes the calls of a blocking channel of one message and one answer by an endpoint's rules."""

    def __init__(self, calling: Calling) -> None:
        self._calling = calling

    def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        """Make the first attempt; the others when the result is asked for."""
        seconds = self._calling.seconds(client_call_details.timeout)
        attempts, sleep = _attempts(self._calling, client_call_details.method, seconds)

        def attempt(left: float | None) -> Any:
            return continuation(_Details(client_call_details, left), request)

        return Repeated(attempt(seconds), attempt, attempts, sleep)


class RepeatingAio(grpc.aio.UnaryUnaryClientInterceptor):
    """Makes the calls of an asynchronous channel of one message and one answer by an endpoint's rules."""

    def __init__(self, calling: Calling) -> None:
        self._calling = calling

    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        """Make the attempts; return the last one."""
        seconds = self._calling.seconds(client_call_details.timeout)
        method = client_call_details.method  # octets here, text on a blocking channel
        name = method.decode() if isinstance(method, bytes) else method
        attempts, _ = _attempts(self._calling, name, seconds)
        while True:
            left = None if seconds is None else max(0.0, attempts.until - time.monotonic())
            call = await continuation(client_call_details._replace(timeout=left), request)
            if await call.code() is grpc.StatusCode.OK:
                attempts.budget.succeeded()
                return call
            pause = attempts.pause_after(await _error(call), time.monotonic())
            if pause is None:
                return call
            await asyncio.sleep(pause)


async def _error(call: Any) -> Any:
    try:
        await call
    except grpc.RpcError as error:
        return service_error(error)
    return failure(await call.code(), await call.details() or "")


def _attempts(
    calling: Calling, method: str, seconds: float | None
) -> tuple[Attempts, Callable[[float], None] | None]:
    """Return a call's attempts, and how to pause between them where that was chosen."""
    until = float("inf") if seconds is None else time.monotonic() + seconds
    policy, sleep = repeating.insisted() or (calling.policy, None)
    around = scope.current()
    return Attempts(method, policy, calling.budget, until), around.sleep if around is not None else sleep
