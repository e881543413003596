"""A session that is kept: opened anew once where the service refuses it, and no more often."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import grpc
import pytest

from tests.wire.test_wire_exchanging import Service
from wire.client import ServiceError
from wire.sessions import Session

NOW = dt.datetime(2026, 11, 1, 12, 0, tzinfo=dt.UTC)
LIFE = dt.timedelta(minutes=15)


class Opening:
    """Opens sessions that are numbered, by a clock that a test sets."""

    def __init__(self) -> None:
        self.count, self.now = 0, NOW

    def session(self) -> Session:
        return Session(self._opened, lambda: self.now)

    def _opened(self, now: dt.datetime) -> tuple[str, dt.datetime]:
        self.count += 1
        return f"s{self.count}", now + LIFE


def methods(service: Service) -> tuple[Any, Callable[..., Any]]:
    channel = grpc.insecure_channel(f"127.0.0.1:{service.port}")
    return channel.unary_unary("/x/Y"), channel.unary_stream("/x/Told")


def test_a_session_is_opened_when_it_is_needed_and_before_it_ends() -> None:
    opening = Opening()
    session = opening.session()
    assert opening.count == 0
    with Service(900) as service:
        single, _ = methods(service)
        for minutes in (0, 14, 14.1, 20):
            opening.now = NOW + dt.timedelta(minutes=minutes)
            session.call(single, b"")
        assert service.seen == ["Bearer s1", "Bearer s1", "Bearer s2", "Bearer s2"]


def test_one_that_was_kept_and_is_refused_is_opened_anew_once() -> None:
    opening = Opening()
    session = opening.session()
    with Service(900) as service:
        single, watch = methods(service)
        session.call(single, b"")
        service.refuse(1)
        assert session.call(single, b"") == b""
        assert service.seen == ["Bearer s1", "Bearer s1", "Bearer s2"]
        service.refuse(1)
        assert list(session.stream(watch, b"")) == [b""]
        assert service.seen[3:] == ["Bearer s2", "Bearer s3"]


@pytest.mark.parametrize("kind", ["single", "stream"])
def test_whoever_is_refused_with_a_new_one_is_told(kind: str) -> None:
    opening = Opening()
    session = opening.session()
    with Service(900, refuses=100) as service:
        single, watch = methods(service)

        def made() -> object:
            return session.call(single, b"") if kind == "single" else list(session.stream(watch, b""))

        for count in (1, 2):
            with pytest.raises(ServiceError) as caught:
                made()
            assert caught.value.reason == "TOKEN_INVALID"
            assert (opening.count, len(service.seen)) == (count, count), "a refused one is not used again"
        service.refuse(0)
        made()
        service.refuse(100)
        with pytest.raises(ServiceError):
            made()
        assert (opening.count, len(service.seen)) == (4, 5), "once more, and no more than once"


def test_no_other_refusal_opens_another() -> None:
    opening = Opening()
    session = opening.session()
    with Service(900) as service:
        single, _ = methods(service)
        session.call(single, b"")
        service.refuse(2, reason="ACCOUNT_REPLACED")
        with pytest.raises(ServiceError, match="ACCOUNT_REPLACED"):
            session.call(single, b"")
    assert (opening.count, len(service.seen)) == (1, 2)


def test_a_stream_that_has_told_something_is_not_begun_again() -> None:
    opening = Opening()
    session = opening.session()
    with Service(900) as service:
        single, watch = methods(service)
        session.call(single, b"")
        service.refuse_after(1)
        stream = session.stream(watch, b"")
        assert next(stream) == b""
        with pytest.raises(ServiceError, match="TOKEN_INVALID"):
            next(stream)
        assert (opening.count, len(service.seen)) == (1, 2)
        assert list(session.stream(watch, b"")) == [b""]
        assert opening.count == 2, "the next one has another session"
