"""A verifier's sessions with browsers and wallets: one question each, answered once, forgotten when it ends.

Three secrets lead to a session, each to one party and one purpose: the handle in `request_uri` fetches the
request object, `state` posts an answer, the browser's cookie sees the result. On the same device the result
is shown only to who brings both the cookie and the response code that the wallet was answered with: so
nobody sees what another answered in a session that was planted with him (OpenID4VP 1.0, section 13.3).

Kept by SHA-256 of the secrets, in memory; a session ends with its request. State rules: every change is one
of the methods below, made between two awaits; what is refused has changed nothing.
"""

import datetime as dt
import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeAlias

from openid.errors import OpenIdError, OpenIdReason
from verifier.client import Answered, CompositeAnswered, CompositeExchange, OpenExchange

AnyExchange: TypeAlias = OpenExchange | CompositeExchange
AnyAnswered: TypeAlias = Answered | CompositeAnswered
MAX_SESSIONS: Final = 10_000
MAX_REFUSED: Final = 5
"""So many answers of a session may be refused; then it is over."""
_OCTETS: Final = 32


class Device(StrEnum):
    """Where the wallet is: beside the browser, or on another device that scans a code."""

    SAME = "same"
    CROSS = "cross"


class State(StrEnum):
    """How far a session has come. Ends are the last four."""

    OPEN = "open"
    ANSWERING = "answering"
    ANSWERED = "answered"
    """The answer holds; on the same device it is not yet shown, until the browser brings the code."""
    ACCEPTED = "accepted"
    DECLINED = "declined"
    REFUSED = "refused"
    EXPIRED = "expired"


@dataclass
class Session:
    """One question. What is marked as secret is never logged and stands in no repr."""

    policy: str
    device: Device
    exchange: AnyExchange
    expires: dt.datetime
    handle: str = field(repr=False)
    state_secret: str = field(repr=False)
    cookie: str = field(repr=False)
    state: State = State.OPEN
    refused: int = 0
    response_code: str | None = field(default=None, repr=False)
    answered: AnyAnswered | None = field(default=None, repr=False)


class Sessions:
    """All sessions of an edge. `clock` gives times with a zone."""

    def __init__(self, clock: Callable[[], dt.datetime], most: int = MAX_SESSIONS) -> None:
        self._clock, self._most = clock, most
        self._by_handle, self._by_state, self._by_cookie = (dict[bytes, Session]() for _ in range(3))

    def check_room(self) -> None:
        """Raise OpenIdError SESSIONS_FULL if there is no room for one more."""
        if len(self._by_cookie) >= self._most:
            self._drop_ended()
        if len(self._by_cookie) >= self._most:
            raise OpenIdError(OpenIdReason.SESSIONS_FULL, "too many questions are open")

    def begin(self, policy: str, device: Device, exchange: AnyExchange) -> Session:
        """Begin a session under secrets that nobody has seen, whatever cookie the browser brought."""
        self.check_room()
        made = Session(policy, device, exchange, exchange.expires, _new(), _new(), _new())
        self._by_handle[_key(made.handle)] = made
        self._by_state[_key(made.state_secret)] = made
        self._by_cookie[_key(made.cookie)] = made
        return made

    def to_fetch(self, handle: str) -> Session:
        """Return the session whose request may be fetched; OpenIdError SESSION_UNKNOWN, SESSION_OVER."""
        return self._open(self._by_handle, handle)

    def to_answer(self, state: str) -> Session:
        """Return the session that may be answered; OpenIdError SESSION_UNKNOWN, SESSION_OVER."""
        return self._open(self._by_state, state)

    def seen_by(self, cookie: str) -> Session:
        """Return the browser's session, in whatever state; OpenIdError SESSION_UNKNOWN."""
        return self._found(self._by_cookie, cookie)

    def answering(self, session: Session) -> None:
        """Note that an answer is being judged: a second one is not taken meanwhile."""
        session.state = State.ANSWERING

    def answered(self, session: Session, answered: AnyAnswered) -> str | None:
        """Note an answer that holds; return the response code, on the same device."""
        session.answered = answered
        if session.device is Device.CROSS:
            session.state = State.ACCEPTED
            return None
        session.state, session.response_code = State.ANSWERED, _new()
        return session.response_code

    def not_held(self, session: Session) -> None:
        """Note an answer that did not hold: another may come, a few times."""
        session.refused += 1
        session.state = State.REFUSED if session.refused >= MAX_REFUSED else State.OPEN

    def undecided(self, session: Session) -> None:
        """Note that nothing was found out about an answer: it may be posted again."""
        session.state = State.OPEN

    def declined(self, session: Session) -> None:
        """Note that the wallet will not answer."""
        session.state = State.DECLINED

    def accept(self, cookie: str, code: str) -> Session:
        """Return the browser's session, now accepted; its response code counts once.

        Raises OpenIdError SESSION_UNKNOWN: no such cookie, or a code that is not this session's, of which
        the browser learns no more.
        """
        session = self.seen_by(cookie)
        expected = session.response_code
        if session.state is not State.ANSWERED or expected is None:
            raise _unknown()
        if not hmac.compare_digest(expected.encode(), code.encode()):
            raise _unknown()
        session.state, session.response_code = State.ACCEPTED, None
        return session

    def _found(self, where: dict[bytes, Session], secret: str) -> Session:
        session = where.get(_key(secret))
        if session is None:
            raise _unknown()
        if self._clock() >= session.expires and session.state in (State.OPEN, State.ANSWERED):
            session.state, session.answered, session.response_code = State.EXPIRED, None, None
        return session

    def _open(self, where: dict[bytes, Session], secret: str) -> Session:
        session = self._found(where, secret)
        if session.state is not State.OPEN:
            raise OpenIdError(OpenIdReason.SESSION_OVER, "the question was answered, or has ended")
        return session

    def _drop_ended(self) -> None:
        now = self._clock()
        for each in [one for one in self._by_cookie.values() if now >= one.expires]:
            if each.state is not State.ANSWERING:
                del self._by_handle[_key(each.handle)]
                del self._by_state[_key(each.state_secret)]
                del self._by_cookie[_key(each.cookie)]


def _new() -> str:
    return secrets.token_urlsafe(_OCTETS)


def _key(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _unknown() -> OpenIdError:
    return OpenIdError(OpenIdReason.SESSION_UNKNOWN, "there is no such session")
