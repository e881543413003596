"""A verifier's sessions with browsers and wallets: one question each, answered once, forgotten when it ends.

Three secrets lead to a session, each to one party and one purpose: the handle in `request_uri` fetches the
request object, `state` posts an answer, the browser's cookie sees the result. On the same device the result
is shown only to who brings both the cookie and the response code that the wallet was answered with: so
nobody sees what another answered in a session that was planted with him (OpenID4VP 1.0, section 13.3).

Kept by SHA-256 of the secrets, in memory. `state` is derived from the handle, with which everybody who has it
fetches the state anyway: so the handle need not be kept for the object that is fetched later. The exchange at
the service is opened when the object is first fetched, and not before: a page that is only looked at costs
the service nothing. What has ended takes no room that a new question wants, and is forgotten after a few
minutes; so is an answer that nobody comes for. State rules: every change is one of the methods below, made
between two awaits; what is refused has changed nothing.
"""

import asyncio
import datetime as dt
import hashlib
import heapq
import hmac
import itertools
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeAlias

from openid.errors import OpenIdError, OpenIdReason
from openid.strict_json import to_base64url
from verifier.client import Answered, CompositeAnswered, CompositeExchange, OpenExchange

AnyExchange: TypeAlias = OpenExchange | CompositeExchange
AnyAnswered: TypeAlias = Answered | CompositeAnswered
MAX_SESSIONS: Final = 10_000
MAX_FROM_ONE: Final = 200
"""So many questions of one client may be open at a time."""
MAX_REFUSED: Final = 5
"""So many answers of a session may be refused; then it is over."""
FETCHED_WITHIN: Final = dt.timedelta(minutes=15)
"""So long a question waits for a wallet that fetches it; from then on its exchange says how long."""
KEPT: Final = dt.timedelta(minutes=10)
"""So long an answer waits for its browser, and a session that has ended is still told of."""
_LOOK_AGAIN: Final = dt.timedelta(minutes=1)
_OCTETS: Final = 32
_RENEWED: Final = b"zk-disclosure/openid/renewed-cookie/v1\x00"
_STATE_OF: Final = b"zk-disclosure/openid/state-of-handle/v1\x00"


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
    KEEPING = "keeping"
    """The browser has brought the code, which is used up by it, or needs none; the answer is being kept."""
    ACCEPTED = "accepted"
    DECLINED = "declined"
    REFUSED = "refused"
    EXPIRED = "expired"


_BUSY: Final = (State.ANSWERING, State.KEEPING)
_ENDED: Final = (State.ACCEPTED, State.DECLINED, State.REFUSED, State.EXPIRED)


@dataclass(eq=False)
class Session:
    """One question. What is marked as secret is never logged and stands in no repr.

    `keys` are the hashes of handle, state and cookie; `until` is when its state ends by itself. `exchange` is
    none until a wallet has fetched the question, and `expires` is then the exchange's.
    """

    policy: str
    device: Device
    expires: dt.datetime
    client: str = field(repr=False)
    keys: tuple[bytes, bytes, bytes] = field(repr=False)
    until: dt.datetime
    state: State = State.OPEN
    exchange: AnyExchange | None = None
    opening: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)
    """Held by who opens the exchange: of wallets that fetch at the same time, one does."""
    refused: int = 0
    code: bytes | None = field(default=None, repr=False)
    """The hash of the response code, until it was brought."""
    former: tuple[bytes, bytes] | None = field(default=None, repr=False)
    """The hashes of the cookie and the code that brought a new cookie, while the answer is being kept."""
    answered: AnyAnswered | None = field(default=None, repr=False)
    record: str | None = None
    """The name of the record in which the answer is kept, if it has one."""
    reason: str = ""
    """Why an answer that holds is not accepted yet, or was not in time; empty where nothing is to be said."""


@dataclass(frozen=True)
class Begun:
    """A session that has begun, and the secrets that go to the wallet and to the browser."""

    session: Session
    handle: str = field(repr=False)
    cookie: str = field(repr=False)


class Sessions:
    """All sessions of an edge, `most` of them open at a time, and `from_one` of one client.

    `clock` gives times with a zone. As many as may be open are remembered after their end.
    """

    def __init__(
        self, clock: Callable[[], dt.datetime], most: int = MAX_SESSIONS, from_one: int = MAX_FROM_ONE
    ) -> None:
        self._clock, self._most, self._from_one = clock, most, from_one
        self._by_handle, self._by_state, self._by_cookie = (dict[bytes, Session]() for _ in range(3))
        self._by_former = dict[bytes, Session]()
        self._open_of = Counter[str]()
        self._ended = dict[Session, None]()  # in the order of their ends
        self._due = list[tuple[dt.datetime, int, Session]]()
        self._numbers = itertools.count()

    def check_room(self, client: str = "") -> None:
        """Raise OpenIdError SESSIONS_FULL if there is no room for one more, or none for one of this client.

        A client without a name is one that the edge trusts.
        """
        self._sweep()
        if self._open_of.total() >= self._most:
            raise OpenIdError(OpenIdReason.SESSIONS_FULL, "too many questions are open")
        if client and self._open_of[client] >= self._from_one:
            raise OpenIdError(OpenIdReason.SESSIONS_FULL, "too many questions of this client are open")

    def begin(self, policy: str, device: Device, client: str = "") -> Begun:
        """Begin a session under secrets that nobody has seen, whatever cookie the browser brought.

        Raises OpenIdError SESSIONS_FULL.
        """
        self.check_room(client)
        handle, cookie = _new(), _new()
        keys = (_key(handle), _key(state_of(handle)), _key(cookie))
        expires = self._clock() + FETCHED_WITHIN
        made = Session(policy, device, expires, client, keys, expires)
        for where, key in zip(self._all(), keys, strict=True):
            where[key] = made
        self._open_of[client] += 1
        self._queue(made, made.until)
        return Begun(made, handle, cookie)

    def to_fetch(self, handle: str) -> Session:
        """Return the session whose request may be fetched; OpenIdError SESSION_UNKNOWN, SESSION_OVER."""
        return self._open(self._by_handle, handle)

    def opened(self, session: Session, exchange: AnyExchange) -> None:
        """Note the exchange that was opened for who fetches; OpenIdError SESSION_OVER: it is too late."""
        self.check_fetch(session)
        session.exchange, session.expires, session.until = exchange, exchange.expires, exchange.expires
        self._queue(session, session.until)

    def to_answer(self, state: str) -> Session:
        """Return the session that may be answered; OpenIdError SESSION_UNKNOWN, SESSION_OVER."""
        return self._open(self._by_state, state)

    def seen_by(self, cookie: str) -> Session:
        """Return the browser's session, in whatever state; OpenIdError SESSION_UNKNOWN."""
        return self._found(self._by_cookie, cookie)

    def check_fetch(self, session: Session) -> None:
        """Raise OpenIdError SESSION_OVER if it is too late to open the exchange of a session."""
        self._settle(session, self._clock())
        self._check_open(session)

    def answering(self, session: Session) -> None:
        """Note that an answer is being judged: a second one is not taken meanwhile."""
        session.state = State.ANSWERING

    def answered(self, session: Session, answered: AnyAnswered) -> str | None:
        """Note an answer that holds; return the response code, on the same device."""
        session.answered = answered
        if session.device is Device.CROSS:
            self._end(session, State.ACCEPTED)
            return None
        code = _new()
        session.state, session.code = State.ANSWERED, _key(code)
        session.until = min(session.expires, self._clock() + KEPT)
        self._queue(session, session.until)
        return code

    def not_held(self, session: Session) -> None:
        """Note an answer that did not hold: another may come, a few times."""
        session.refused += 1
        if session.refused >= MAX_REFUSED:
            self._end(session, State.REFUSED)
        else:
            session.state = State.OPEN

    def undecided(self, session: Session) -> None:
        """Note that nothing was found out about an answer: it may be posted again."""
        session.state = State.OPEN

    def declined(self, session: Session) -> None:
        """Note that the wallet will not answer."""
        self._end(session, State.DECLINED)

    def not_accepted(self, session: Session, reason: str = "") -> None:
        """Note that the answer holds, and that this verifier does not accept it; the reason is told."""
        session.reason = reason
        self._end(session, State.REFUSED)

    def brought(self, cookie: str, code: str) -> Session:
        """Return the browser's session, whose answer may be kept now; its response code counts once.

        Raises OpenIdError SESSION_UNKNOWN: no such cookie, or a code that is not this session's, of which
        the browser learns no more.
        """
        session = self.seen_by(cookie)
        expected = session.code
        if session.state is not State.ANSWERED or expected is None:
            raise _unknown()
        if not hmac.compare_digest(expected, _key(code)):
            raise _unknown()
        session.state, session.code = State.KEEPING, None
        return session

    def keeping(self, session: Session, answered: AnyAnswered) -> None:
        """Note an answer of another device that holds, and that is told once it is kept."""
        session.answered, session.state = answered, State.KEEPING

    def waits(self, session: Session, reason: str) -> None:
        """Note why an answer that is being kept is not accepted yet; of a session that has ended nothing."""
        if session.state is State.KEEPING:
            session.reason = reason

    def brought_again(self, cookie: str, code: str) -> Session | None:
        """Return the session whose answer is being kept for who brings what has renewed its cookie once more.

        So does a browser whose answer was lost, or in which somebody taps twice; it may have the new cookie.
        """
        self._sweep()
        brought = _key(cookie)
        session = self._by_former.get(brought) or self._by_cookie.get(brought)
        if session is None or session.former is None:
            return None
        return session if hmac.compare_digest(session.former[1], _key(code)) else None

    def renewed(self, session: Session, cookie: str, code: str) -> str:
        """Return the new cookie of a session whose code was brought; the old one leads to it no more.

        What is told later is told to the browser that brought the code, not to others who knew its cookie.
        Whoever brings both again gets the same: it is derived from both, and so need not be kept.
        """
        if session.former is None:
            made, (handle, state, old) = _renewed(cookie, code), session.keys
            session.keys, session.former = (handle, state, _key(made)), (old, _key(code))
            del self._by_cookie[old]
            self._by_cookie[session.keys[2]] = self._by_former[old] = session
            return made
        return cookie if _key(cookie) == session.keys[2] else _renewed(cookie, code)

    def kept(self, session: Session) -> None:
        """Note that the answer that a browser came for is kept: from now on it is told."""
        self._end(session, State.ACCEPTED)

    def not_kept(self, session: Session, code: str) -> None:
        """Note that an answer could not be kept: the browser may bring the same code again."""
        session.state, session.code = State.ANSWERED, _key(code)

    def told(self, session: Session) -> None:
        """Note that a browser was told how its session stands: an answer is told once."""
        if session.state is State.ACCEPTED:
            session.answered = None

    def _end(self, session: Session, state: State) -> None:
        session.state, session.code, session.until = state, None, self._clock() + KEPT
        if state is not State.ACCEPTED:
            session.answered = None
        if state is not State.REFUSED:
            session.reason = ""
        if session.former is not None:
            self._by_former.pop(session.former[0], None)
            session.former = None
        self._open_of[session.client] -= 1
        if not self._open_of[session.client]:
            del self._open_of[session.client]
        self._ended[session] = None
        self._queue(session, session.until)
        if len(self._ended) > self._most:
            self._drop(next(iter(self._ended)))

    def _found(self, where: dict[bytes, Session], secret: str) -> Session:
        self._sweep()
        session = where.get(_key(secret))
        if session is None:
            raise _unknown()
        self._settle(session, self._clock())
        return session

    def _open(self, where: dict[bytes, Session], secret: str) -> Session:
        session = self._found(where, secret)
        self._check_open(session)
        return session

    @staticmethod
    def _check_open(session: Session) -> None:
        if session.state is not State.OPEN:
            raise OpenIdError(OpenIdReason.SESSION_OVER, "the question was answered, or has ended")

    def _queue(self, session: Session, moment: dt.datetime) -> None:
        heapq.heappush(self._due, (moment, next(self._numbers), session))

    def _sweep(self) -> None:
        """End and forget whatever is due."""
        now = self._clock()
        while self._due and self._due[0][0] <= now:
            _, _, session = heapq.heappop(self._due)
            if session.until <= now and session.state in _BUSY:
                self._queue(session, now + _LOOK_AGAIN)
            else:
                self._settle(session, now)

    def _settle(self, session: Session, now: dt.datetime) -> None:
        if session.until > now or session.state in _BUSY:
            return
        if session.state in _ENDED:
            self._drop(session)
        else:
            self._end(session, State.EXPIRED)

    def _drop(self, session: Session) -> None:
        session.answered = None
        self._ended.pop(session, None)
        for where, key in zip(self._all(), session.keys, strict=True):
            where.pop(key, None)

    def _all(self) -> tuple[dict[bytes, Session], ...]:
        return self._by_handle, self._by_state, self._by_cookie


def state_of(handle: str) -> str:
    """Return the `state` of a handle's session, which does not lead back to the handle."""
    return to_base64url(hashlib.sha256(_STATE_OF + _octets(handle)).digest())


def _renewed(cookie: str, code: str) -> str:
    return to_base64url(
        hashlib.sha256(_RENEWED + hashlib.sha256(_octets(cookie)).digest() + _octets(code)).digest()
    )


def _new() -> str:
    return secrets.token_urlsafe(_OCTETS)


def _key(secret: str) -> bytes:
    return hashlib.sha256(_octets(secret)).digest()


def _octets(secret: str) -> bytes:
    return secret.encode("utf-8", "surrogatepass")


def _unknown() -> OpenIdError:
    return OpenIdError(OpenIdReason.SESSION_UNKNOWN, "there is no such session")
