"""Attempts: a ticket buys so many false presentations, one after the other or all at once."""

import asyncio
from contextlib import suppress

import pytest

from disclosure import Reason, RefusedError
from zkservice.attempts import Attempts
from zkservice.errors import ServiceError, ServiceReason

FALSE = RefusedError(Reason.PROOF_INVALID, "false")


def attempt(attempts: Attempts, error: BaseException | None = None) -> None:
    with attempts.one("x"):
        if error is not None:
            raise error


@pytest.mark.parametrize("error", [FALSE, asyncio.CancelledError()])
def test_a_false_presentation_and_one_that_was_left_halfway_count(error: BaseException) -> None:
    attempts = Attempts(most=3)
    for _ in range(3):
        with pytest.raises(type(error)):
            attempt(attempts, error)
    with pytest.raises(ServiceError) as caught:
        attempt(attempts)
    assert caught.value.reason == "TOO_MANY_ATTEMPTS"


@pytest.mark.parametrize(
    "error",
    [
        None,
        RefusedError(Reason.REQUEST_EXPIRED, "late"),
        ServiceError(ServiceReason.OVERLOADED, "later"),
        RuntimeError("a fault"),
    ],
)
def test_what_is_no_false_presentation_does_not_count(error: BaseException | None) -> None:
    attempts = Attempts(most=3)
    for _ in range(10):
        with suppress(RefusedError, ServiceError, RuntimeError):
            attempt(attempts, error)
    assert not attempts._spent


def test_many_attempts_at_once_are_no_way_around() -> None:
    attempts = Attempts(most=2)
    with attempts.one("x"), attempts.one("x"):
        with pytest.raises(ServiceError):
            attempt(attempts)
        with attempts.one("y"):
            pass
    attempt(attempts)


def test_of_exchanges_only_so_many_are_remembered() -> None:
    attempts = Attempts(most=1, kept=3)
    for number in range(10):
        with pytest.raises(RefusedError), attempts.one(str(number)):
            raise FALSE
    assert list(attempts._spent) == ["7", "8", "9"]
