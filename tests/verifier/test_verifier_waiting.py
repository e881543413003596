"""Waiting as steps: what a stream that broke, or that found no room, is followed by."""

import time
from typing import Any

import grpc
import pytest

from verifier.client.waiting import FULL, Look, Pause, Waiting
from verifier.errors import TimedOutError
from wire.client import ServiceError

EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED


def waiting(seconds: float) -> Any:
    """Return steps that end after so many seconds, whose first look was begun."""

    def never(*_: Any) -> Any:
        raise AssertionError("nobody has answered")

    steps = Waiting(time.monotonic() + seconds, never, never).steps()
    assert isinstance(next(steps), Look)
    return steps


@pytest.mark.parametrize("reason", sorted(FULL))
def test_where_there_is_no_room_the_service_says_when_to_look_again(reason: str) -> None:
    steps = waiting(60)
    paused = steps.throw(ServiceError(EXHAUSTED, reason, "all places are taken", retry_after=5.0))
    assert isinstance(paused, Pause)
    assert paused.seconds >= 5
    assert isinstance(next(steps), Look)
    paused = steps.throw(ServiceError(EXHAUSTED, reason, "all places are taken"))
    assert isinstance(paused, Pause), "a service that says nothing is asked again all the same"
    assert isinstance(next(steps), Look)


def test_nobody_pauses_longer_than_it_waits() -> None:
    steps = waiting(0.2)
    error = ServiceError(EXHAUSTED, "TOO_MANY_WATCHERS", "4 wait already", retry_after=5.0)
    paused = steps.throw(error)
    assert 0 <= paused.seconds <= 0.2
    time.sleep(0.25)
    with pytest.raises(TimedOutError, match="no room"):
        next(steps)


@pytest.mark.parametrize("reason", ["TOO_MANY_ATTEMPTS", "DELIVERIES_FULL", ""])
def test_another_refusal_ends_the_waiting(reason: str) -> None:
    steps = waiting(60)
    with pytest.raises(ServiceError):
        steps.throw(ServiceError(EXHAUSTED, reason, "not this time"))
