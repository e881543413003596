"""Waiting for an answer as steps without I/O: what to do next, and what follows from how it went.

A blocking client and an asynchronous one do the steps, each in its own way; what is believed, and when it is
over, is decided here once.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import grpc

import tlog
from verifier.anchoring import AnyRecord
from verifier.client.calls import pauses
from verifier.client.exchange import (
    Answered,
    CompositeAnswered,
    CompositeExchange,
    OpenExchange,
    PendingError,
    anchored_by,
    check_demands,
)
from verifier.errors import (
    AnswerError,
    DeclinedError,
    ExpiredError,
    PairingFailedError,
    TimedOutError,
    WithdrawnError,
)
from wire.client import ServiceError, stream
from zkproto.v1 import presentation_pb2

BROKEN: Final = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
}
FULL: Final = {"TOO_MANY_WATCHERS", "RATE_LIMITED", "OVERLOADED", "TOO_MANY_CALLS"}
"""Reasons that say nothing of the exchange: there was no room for one who waits, and there will be."""
_State = presentation_pb2.WatchExchangeResponse
_ENDS: Final[dict[Any, tuple[type[Exception], str]]] = {
    _State.STATE_EXPIRED: (ExpiredError, "nobody answered the request in time"),
    _State.STATE_DECLINED: (DeclinedError, "the holder declined the request"),
    _State.STATE_WITHDRAWN: (WithdrawnError, "the holder has withdrawn the standing consent"),
    _State.STATE_PAIRING_FAILED: (PairingFailedError, "five wrong pairing codes were sent; ask again"),
}
AnyAnswered: TypeAlias = Answered | CompositeAnswered
AnyExchange: TypeAlias = OpenExchange | CompositeExchange


@dataclass(frozen=True)
class Look:
    """Get the stream's next state, None at its end; if need be it is opened for so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Pause:
    """Wait for so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Do:
    """Verify, or ask the service something: what may take long. Whatever it raises comes back."""

    work: Callable[[], Any]


Step: TypeAlias = Look | Pause | Do


@dataclass(frozen=True)
class Waiting:
    """One waiting, which ends at `deadline` by the monotonic clock; see VerifierClient.wait.

    `sees_to` are the states of the receipt that the caller waits for by itself before it accepts the answer.
    """

    deadline: float
    accept: Callable[[presentation_pb2.WatchExchangeResponse], AnyAnswered]
    anchor: Callable[[AnyRecord, tlog.Policy], AnyRecord | None]
    policy: tlog.Policy | None = None
    sees_to: frozenset[tlog.ReceiptState] = frozenset()

    def steps(self) -> Generator[Step, Any, AnyAnswered]:
        """Give the steps; each is answered with what came of it, or with what it raised."""
        waits, detail = pauses(), "nobody has answered yet"
        while True:
            state, least = None, 0.0
            try:
                state = yield Look(self._left(detail))
                if state is not None and self._is_answered(state):
                    answered = yield Do(lambda told=state: self.accept(told))  # type: ignore[misc]
                    check_demands(answered, self._met)
                    return (yield from self._anchored(answered))
            except ServiceError as error:  # the stream, or the catalogue: the next one tells the state again
                if error.code not in BROKEN and error.reason not in FULL:
                    raise
                state, least = None, error.retry_after or 0.0
                detail = _why(error) or detail
            if state is None:
                yield Pause(max(0.0, min(max(next(waits), least), self.deadline - time.monotonic())))

    @property
    def _met(self) -> frozenset[tlog.ReceiptState]:
        """The states of the receipt that are waited for, here or by the caller."""
        return self.sees_to | anchored_by(self.policy)

    def _left(self, detail: str) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimedOutError(detail)
        return left

    @staticmethod
    def _is_answered(told: presentation_pb2.WatchExchangeResponse) -> bool:
        """Tell whether there is an answer; raise how it ended without one."""
        if told.state in _ENDS:
            kind, detail = _ENDS[told.state]
            raise kind(detail)
        if told.state not in (_State.STATE_PENDING, _State.STATE_VERIFIED):
            raise AnswerError("the exchange is in no known state", field="state")
        return told.state == _State.STATE_VERIFIED

    def _anchored(self, answered: AnyAnswered) -> Generator[Step, Any, AnyAnswered]:
        """Wait until an answer is anchored, if it has to be; PendingError if it is not in time."""
        policy, waits = self.policy, pauses()
        if policy is None:
            return answered
        while (record := (yield Do(lambda: self.anchor(answered.record, policy)))) is None:
            left = self.deadline - time.monotonic()
            if left <= 0:
                raise PendingError(answered)
            yield Pause(min(next(waits), left))
        return answered.with_record(record)


def _why(error: ServiceError) -> str:
    """Return what to tell of a stream that broke, if it was for more than its time."""
    if error.reason in FULL:
        return f"the service had no room ({error.detail})"
    if error.code is grpc.StatusCode.UNAVAILABLE:
        return f"the service could not be reached ({error.detail})"
    return ""


class States:
    """A blocking client's streams of an exchange's states, one after the other."""

    def __init__(self, watch: Any, exchange: AnyExchange) -> None:
        self._watch, self._message = watch, watching(exchange)
        self._stream: Generator[presentation_pb2.WatchExchangeResponse, None, None] | None = None

    def look(self, seconds: float) -> presentation_pb2.WatchExchangeResponse | None:
        """Do a Look."""
        if self._stream is None:
            self._stream = stream(self._watch, self._message, timeout=seconds)
        told = None
        try:
            told = next(self._stream, None)
        finally:
            if told is None:
                self.close()
        return told

    def close(self) -> None:
        """End the stream, if there is one."""
        if self._stream is not None:
            self._stream.close()
        self._stream = None


def watching(exchange: AnyExchange) -> presentation_pb2.WatchExchangeRequest:
    """Return what asks for an exchange's states."""
    return presentation_pb2.WatchExchangeRequest(
        exchange=exchange.exchange, result_token=exchange.result_token
    )


def done(
    steps: Generator[Step, Any, AnyAnswered], states: States, pause: Callable[[float], None]
) -> AnyAnswered:
    """Do steps one after the other, blocking; return what they come to, or raise it."""

    def do(step: Step) -> Any:
        if isinstance(step, Look):
            return states.look(step.seconds)
        return pause(step.seconds) if isinstance(step, Pause) else step.work()

    try:
        step = next(steps)
        while True:
            try:
                told = do(step)
            except Exception as error:  # the steps decide what it means
                step = steps.throw(error)
            else:
                step = steps.send(told)
    except StopIteration as end:
        answered: AnyAnswered = end.value
        return answered
    finally:
        states.close()


async def done_aio(
    steps: Generator[Step, Any, AnyAnswered],
    look: Callable[[float], Awaitable[presentation_pb2.WatchExchangeResponse | None]],
    run: Callable[[Callable[[], Any]], Awaitable[Any]],
) -> AnyAnswered:
    """Do steps one after the other in a loop: `run` does what takes long elsewhere."""

    async def do(step: Step) -> Any:
        if isinstance(step, Look):
            return await look(step.seconds)
        return await (asyncio.sleep(step.seconds) if isinstance(step, Pause) else run(step.work))

    try:
        step = next(steps)
        while True:
            try:
                told = await do(step)
            except Exception as error:  # the steps decide what it means
                step = steps.throw(error)
            else:
                step = steps.send(told)
    except StopIteration as end:
        answered: AnyAnswered = end.value
        return answered
