"""The counter's own routes: a clerk signs in, asks for a purpose, and sees the result come in.

The page holds no key and no token of the verifier's. Whoever stands behind the counter (`Desk`) asks and
verifies; the page is told what it needs to show. A clerk signs in with the counter's code and has a session
in a cookie that no script reads and no other site's request carries. Whatever changes something is demanded
from a page of this origin too. All answers of an exchange are for the session that asked alone.
"""

import asyncio
import contextlib
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from consortium.serving import BodyError, body_of, plain
from web_edge.origins import Origins

COOKIE: Final = "__Host-counter"
SESSION_SECONDS: Final = 8 * 3600
SESSIONS: Final = 64
TRIES: Final = 10
TRIES_SECONDS: Final = 300.0
ASKS: Final = 32
"""So many asks of a session are remembered; the oldest that has ended is forgotten first."""
_BODY_OCTETS: Final = 4096
_BEAT_SECONDS: Final = 15.0
_FRESH: Final = {"Cache-Control": "no-store"}
_SENT: Final = {**_FRESH, "X-Accel-Buffering": "no"}


@dataclass(frozen=True)
class Purpose:
    """What a counter may ask for: its policy's name, and what it is for in both languages."""

    id: str
    zh: str
    en: str


@dataclass(frozen=True)
class Question:
    """An open question: the link for the holder, its QR code as rows of modules, when it ends."""

    link: str = field(repr=False)
    modules: Sequence[Sequence[bool]] = field(repr=False)
    expires: str
    pairing_code: str = field(repr=False)


@dataclass(frozen=True)
class Outcome:
    """How a question ended: a state, what a person reads of it in both languages, the record's file."""

    state: str
    zh: Sequence[str]
    en: Sequence[str]
    record: bytes | None = field(default=None, repr=False)


class Desk(Protocol):
    """Whoever asks and verifies for a counter."""

    @property
    def verifier(self) -> str:
        """The verifier's name."""
        ...

    @property
    def purposes(self) -> Sequence[Purpose]:
        """What may be asked for."""
        ...

    async def ask(
        self, purpose: str, pairing: bool
    ) -> tuple[Question, Callable[[], "asyncio.Task[Outcome]"]]:
        """Ask; return the question, and what begins to wait for its outcome, which raises nothing.

        With `pairing` the holder has to type the question's pairing code. Raises DeskError.
        """
        ...


class DeskError(Exception):
    """A question that could not be asked; `reason` is stable, the text in both languages for the clerk."""

    def __init__(self, reason: str, zh: str, en: str) -> None:
        super().__init__(reason)
        self.reason, self.zh, self.en = reason, zh, en


@dataclass
class _Ask:
    question: Question
    outcome: "asyncio.Task[Outcome]"


@dataclass
class _Session:
    ends: float
    asks: dict[str, _Ask] = field(default_factory=dict, repr=False)


class _RefusedError(Exception):
    def __init__(self, status: int, text: str) -> None:
        super().__init__(status)
        self.status, self.text = status, text


class Counter:
    """One counter: its desk, its code, the sessions of its clerks. It forgets all of them when it ends."""

    def __init__(
        self, desk: Desk, code: str, origins: Origins, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._desk, self._code, self._origins, self._clock = desk, _digest(code), origins, clock
        self._sessions: dict[bytes, _Session] = {}
        self._tried: list[float] = []

    def routes(self) -> list[Route]:
        """Return the routes, to stand before the pages."""
        return [
            Route("/counter/session", _guarded(self._sign_in), methods=["POST"]),
            Route("/counter/session", _guarded(self._sign_out), methods=["DELETE"]),
            Route("/counter/purposes", _guarded(self._purposes), methods=["GET"]),
            Route("/counter/asks", _guarded(self._ask), methods=["POST"]),
            Route("/counter/asks/{ask}", _guarded(self._watch), methods=["GET"]),
            Route("/counter/asks/{ask}/record", _guarded(self._record), methods=["GET"]),
        ]

    def close(self) -> None:
        """End all sessions, and what they wait for."""
        for each in self._sessions.values():
            _drop(each)
        self._sessions.clear()

    async def _sign_in(self, request: Request) -> Response:
        given = (await self._document(request)).get("code")
        now = self._clock()
        if not isinstance(given, str) or not hmac.compare_digest(_digest_of(given), self._code):
            raise self._wrong(now)
        self._forget(now)
        token = secrets.token_urlsafe(32)
        self._sessions[_digest(token)] = _Session(now + SESSION_SECONDS)
        answer = Response(status_code=204, headers=_FRESH)
        answer.set_cookie(
            COOKIE, token, max_age=SESSION_SECONDS, path="/", secure=True, httponly=True, samesite="strict"
        )
        return answer

    def _wrong(self, now: float) -> _RefusedError:
        """Count a wrong code, and return its refusal.

        The right code is let in however many wrong ones came: they may be anybody's, who would else close the
        counter to its clerks, and nobody comes upon 64 bits by trying.
        """
        self._tried = [each for each in self._tried if now - each < TRIES_SECONDS]
        if len(self._tried) >= TRIES:
            return _RefusedError(429, "TOO_MANY_ATTEMPTS")
        self._tried.append(now)
        return _RefusedError(403, "CODE_WRONG")

    async def _sign_out(self, request: Request) -> Response:
        self._check_own(request)
        self._session(request)
        _drop(self._sessions.pop(_digest(request.cookies[COOKIE])))
        answer = Response(status_code=204, headers=_FRESH)
        answer.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")
        return answer

    async def _purposes(self, request: Request) -> Response:
        self._session(request)
        purposes = [{"id": each.id, "zh": each.zh, "en": each.en} for each in self._desk.purposes]
        return JSONResponse({"verifier": self._desk.verifier, "purposes": purposes}, headers=_FRESH)

    async def _ask(self, request: Request) -> Response:
        document = await self._document(request)
        session = self._session(request)
        purpose = document.get("purpose")
        if not isinstance(purpose, str) or purpose not in {each.id for each in self._desk.purposes}:
            raise _RefusedError(404, "PURPOSE_UNKNOWN")
        pairing = document.get("pairing", False)
        if not isinstance(pairing, bool):
            raise _RefusedError(400, "PAIRING_INVALID")
        _make_room(session)
        try:
            question, begin = await self._desk.ask(purpose, pairing)
        except DeskError as error:
            failed = {"reason": error.reason, "zh": error.zh, "en": error.en}
            return JSONResponse(failed, 502, headers=_FRESH)
        name = secrets.token_urlsafe(16)
        session.asks[name] = _Ask(question, begin())
        modules = ["".join("1" if each else "0" for each in row) for row in question.modules]
        told: dict[str, Any] = {
            "ask": name,
            "link": question.link,
            "modules": modules,
            "expires": question.expires,
        }
        return JSONResponse({**told, "pairing_code": question.pairing_code}, headers=_FRESH)

    async def _watch(self, request: Request) -> Response:
        ask = self._found(request)
        return StreamingResponse(_events(ask), 200, _SENT, "text/event-stream")

    async def _record(self, request: Request) -> Response:
        ask = self._found(request)
        record = ask.outcome.result().record if ask.outcome.done() else None
        if record is None:
            raise _RefusedError(404, "RECORD_UNKNOWN")
        headers = _FRESH | {"Content-Disposition": 'attachment; filename="record.json"'}
        return Response(record, 200, headers, "application/json")

    def _found(self, request: Request) -> _Ask:
        ask = self._session(request).asks.get(request.path_params["ask"])
        if ask is None:
            raise _RefusedError(404, "ASK_UNKNOWN")
        return ask

    def _session(self, request: Request) -> _Session:
        if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            raise _RefusedError(403, "NOT_THIS_ORIGIN")
        session = self._sessions.get(_digest(request.cookies.get(COOKIE, "")))
        if session is None or session.ends <= self._clock():
            raise _RefusedError(401, "SIGNED_OUT")
        return session

    def _check_own(self, request: Request) -> None:
        if not self._origins.is_own(request):
            raise _RefusedError(403, "NOT_THIS_ORIGIN")

    async def _document(self, request: Request) -> dict[str, Any]:
        self._check_own(request)
        if request.headers.get("content-type") != "application/json":
            raise _RefusedError(415, "NOT_JSON")
        try:
            document = json.loads(await body_of(request, _BODY_OCTETS))
        except BodyError as error:
            raise _RefusedError(error.status, "TOO_LONG") from None
        except (ValueError, RecursionError):
            raise _RefusedError(400, "NOT_JSON") from None
        if not isinstance(document, dict):
            raise _RefusedError(400, "NOT_JSON")
        return document

    def _forget(self, now: float) -> None:
        """Make room for one more session: what has ended goes, then the oldest."""
        for name in [name for name, each in self._sessions.items() if each.ends <= now]:
            _drop(self._sessions.pop(name))
        while len(self._sessions) >= SESSIONS:
            _drop(self._sessions.pop(next(iter(self._sessions))))


def _guarded(act: Callable[[Request], Any]) -> Callable[[Request], Any]:
    async def guarded(request: Request) -> Response:
        try:
            answer: Response = await act(request)
        except _RefusedError as error:
            return plain(error.status, error.text)
        return answer

    return guarded


async def _events(ask: _Ask) -> AsyncIterator[bytes]:
    """Tell that it waits, again and again so that a line that is cut is noticed, and then how it ended."""
    while not ask.outcome.done():
        yield b'data: {"state":"waiting"}\n\n'
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(ask.outcome), _BEAT_SECONDS)
    outcome = ask.outcome.result()
    told = {"state": outcome.state, "zh": list(outcome.zh), "en": list(outcome.en)}
    written = json.dumps({**told, "record": outcome.record is not None}, ensure_ascii=False)
    yield f"data: {written}\n\n".encode()


def _make_room(session: _Session) -> None:
    if len(session.asks) < ASKS:
        return
    oldest = next((name for name, each in session.asks.items() if each.outcome.done()), None)
    if oldest is None:
        raise _RefusedError(429, "TOO_MANY_ASKS")
    del session.asks[oldest]


def _drop(session: _Session) -> None:
    for each in session.asks.values():
        each.outcome.cancel()


def _digest_of(text: str) -> bytes:
    """Hash what came as JSON, which may escape half a character: that is no text."""
    try:
        return _digest(text)
    except UnicodeEncodeError:
        raise _RefusedError(400, "NOT_JSON") from None


def _digest(text: str) -> bytes:
    return hashlib.sha256(b"zk-disclosure/counter/v1\n" + text.encode()).digest()
