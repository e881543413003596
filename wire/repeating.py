"""Which failed calls are made again, when, and when no more: for blocking and asynchronous calls alike.

A call is made again only if its method says in the contract that it may be (`idempotency_level`): readers,
and writers that answer the same call the same way, by its request_id or by what it says. It is made again
where the service was not reached or could do nothing (UNAVAILABLE), and where it was too much and the service
said when to come again (RESOURCE_EXHAUSTED with google.rpc.RetryInfo), which is then waited for. Pauses
double, with full jitter, so that callers who failed together do not come back together. Nothing is repeated
past the caller's deadline, nor when the budget of the endpoint is used up (gRFC A6): while most calls fail,
each is made once.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from typing import Final

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool

from wire.failures import UNTRUSTED, ServiceError

Draw = Callable[[float], float]
"""Gives a number between nothing and the one that it gets, all alike."""
_Options = descriptor_pb2.MethodOptions
_REPEATABLE: Final = {_Options.NO_SIDE_EFFECTS, _Options.IDEMPOTENT}


def _drawn(longest: float) -> float:
    return random.uniform(0.0, longest)  # noqa: S311  (nobody gains by guessing a pause)


@cache
def _level(method: str) -> int:
    """Return the idempotency level of a full method name; KeyError for one that no loaded file has."""
    found = descriptor_pool.Default().FindMethodByName(method.lstrip("/").replace("/", "."))
    return int(found.GetOptions().idempotency_level)


def is_repeatable(method: str) -> bool:
    """Tell whether a method ("/zkproto.v1.LedgerService/GetCheckpoint") may be called twice for once."""
    try:
        return _level(method) in _REPEATABLE
    except KeyError:
        return False


@dataclass(frozen=True)
class Policy:
    """How often and how long. Times are seconds; `attempts` counts the first one, None for no limit.

    RESOURCE_EXHAUSTED without a hint is repeated for reasons in `unhinted` only.
    """

    attempts: int | None = 5
    first: float = 0.2
    factor: float = 2.0
    longest: float = 2.0
    unhinted: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if self.attempts is not None and self.attempts < 1:
            raise ValueError("a call is made once at least")
        if not (0 < self.first <= self.longest and self.factor >= 1):
            raise ValueError("pauses are longer than nothing and do not shrink")


NEVER: Final = Policy(attempts=1)
"""For whoever repeats calls itself."""


class Budget:
    """How many repetitions an endpoint bears: of `most` tokens a failure takes one, a success gives some.

    Nothing is repeated while half or less of them are left. Used by any number of threads.
    """

    def __init__(self, most: float = 100.0, given_back: float = 0.1) -> None:
        if most <= 0 or given_back <= 0:
            raise ValueError("a budget has tokens and gets some back")
        self._most, self._given_back, self._tokens = most, given_back, most
        self._lock = threading.Lock()

    def succeeded(self) -> None:
        """Give back a part of a token."""
        with self._lock:
            self._tokens = min(self._most, self._tokens + self._given_back)

    def failed(self) -> bool:
        """Take a token; tell whether the call may be repeated."""
        with self._lock:
            self._tokens = max(0.0, self._tokens - 1)
            return self._tokens > self._most / 2


@dataclass
class Attempts:
    """The attempts of one call, which ends at `until` by the monotonic clock."""

    method: str
    policy: Policy
    budget: Budget
    until: float
    draw: Draw = _drawn
    made: int = field(default=1, init=False)

    def pause_after(self, error: ServiceError, now: float) -> float | None:
        """Return how many seconds to wait before the call is made again, None if it is not."""
        passing = self._passing(error)
        if not passing:
            return None
        within = self.budget.failed()
        last = self.policy.attempts is not None and self.made >= self.policy.attempts
        if not within or last or not is_repeatable(self.method):
            return None
        longest = min(self.policy.longest, self.policy.first * self.policy.factor ** min(self.made - 1, 60))
        pause = self.draw(longest) + (error.retry_after or 0.0)
        if now + pause >= self.until:
            return None
        self.made += 1
        return pause

    def _passing(self, error: ServiceError) -> bool:
        if error.code is grpc.StatusCode.RESOURCE_EXHAUSTED:
            return error.retry_after is not None or error.reason in self.policy.unhinted
        untrusted = any(each in error.detail for each in UNTRUSTED)  # and no more so a second later
        return error.code is grpc.StatusCode.UNAVAILABLE and not untrusted


@dataclass(frozen=True)
class _Insisting:
    policy: Policy
    sleep: Callable[[float], None]


_INSISTING: ContextVar[_Insisting | None] = ContextVar("insisting", default=None)
_UNTIL: ContextVar[float | None] = ContextVar("until", default=None)


@contextmanager
def insisting(policy: Policy, sleep: Callable[[float], None] | None = None) -> Iterator[None]:
    """Have the calls of a block repeated by another policy than their endpoint's; `sleep` pauses."""
    mark = _INSISTING.set(_Insisting(policy, sleep or time.sleep))
    try:
        yield
    finally:
        _INSISTING.reset(mark)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Have all calls of a block, with repetitions, end within so many seconds; inner blocks only shorten.

    A call that is made later fails at once, as DEADLINE_EXCEEDED.
    """
    until, outer = time.monotonic() + seconds, _UNTIL.get()
    mark = _UNTIL.set(until if outer is None else min(until, outer))
    try:
        yield
    finally:
        _UNTIL.reset(mark)


def seconds_left(timeout: float | None) -> float | None:
    """Return a timeout as it is within the blocks around; never negative."""
    until = _UNTIL.get()
    if until is None:
        return timeout
    left = max(0.0, until - time.monotonic())
    return left if timeout is None else min(timeout, left)


def insisted() -> tuple[Policy, Callable[[float], None]] | None:
    """Return the policy of the block around and how it pauses, if there is such a block."""
    found = _INSISTING.get()
    return None if found is None else (found.policy, found.sleep)
