"""The site: a parent's session, one open question at a time, the form, and an enrolment that is made once.

A session's name is drawn here when the parent presses the button; a cookie that this process did not set
opens nothing. What changes something is heard from this site's own page alone. What was proven stays in the
session: the browser sees it, and what it sends back of it is not read.
"""

import asyncio
import contextlib
import hashlib
import json
import os
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from enrolment_site.asking import AnyExchange, Outcome, School, SchoolError, qr_path
from enrolment_site.headers import Guarded
from tlog import bounded_json

COOKIE: Final = "__Host-enrolment"
SESSION_SECONDS: Final = 3600
SESSIONS: Final = 500
"""So many sessions are kept. Beyond them one that waits for nothing is forgotten, or the site asks nobody."""
HOLD_SECONDS: Final = 20.0
"""So long an answer is held back that would only say that the question is still open."""
BODY_OCTETS: Final = 4096
FIELD_CHARACTERS: Final = 100
TYPED: Final = ("child", "phone")
"""What the parent types; everything else of the form is proven."""
FRESH: Final = {"Cache-Control": "no-store"}
STATIC: Final = Path(__file__).parent / "static"
_FILES: Final = {"/": "index.html", "/site.js": "site.js", "/site.css": "site.css", "/icon.svg": "icon.svg"}

Act = Callable[[Request], Awaitable[Response]]


@dataclass(eq=False)
class _Session:
    """A parent's way through the form; `attempt` names the question that its page is about."""

    ends: float
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    attempt: str = ""
    exchange: AnyExchange | None = field(default=None, repr=False)
    outcome: "asyncio.Task[Outcome] | None" = field(default=None, repr=False)
    number: str = ""
    seen: bool = False

    @property
    def state(self) -> str:
        """none, waiting, submitted, enrolled (by another answer), or how the question ended."""
        if self.number:
            return "submitted"
        if self.seen:
            return "enrolled"
        if self.outcome is None:
            return "none"
        return self.outcome.result().state if self.outcome.done() else "waiting"

    def drop(self) -> None:
        """End waiting for an answer, and forget it."""
        if self.outcome is not None:
            self.outcome.cancel()
        self.attempt, self.exchange, self.outcome, self.number, self.seen = "", None, None, "", False


class _RefusedError(Exception):
    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


class Site:
    """The sessions of one school's site. They are in memory: after a restart a parent begins again."""

    def __init__(
        self,
        school: School,
        folder: Path,
        vault: str = "",
        sessions: int = SESSIONS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._school, self._folder, self._vault, self._clock = school, folder, vault, clock
        self._most = sessions
        self._sessions: dict[bytes, _Session] = {}

    def routes(self) -> list[Route]:
        """Return the routes of the site."""
        return [
            *(Route(path, _file(name), methods=["GET"]) for path, name in _FILES.items()),
            Route("/enrolment", _guarded(self._look), methods=["GET"]),
            Route("/enrolment", _guarded(self._ask), methods=["POST"]),
            Route("/enrolment", _guarded(self._begin_again), methods=["DELETE"]),
            Route("/enrolment/form", _guarded(self._submit), methods=["POST"]),
        ]

    async def close(self) -> None:
        """End all sessions and what they wait for."""
        tasks = [each.outcome for each in self._sessions.values() if each.outcome is not None]
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._sessions.clear()

    async def _look(self, request: Request) -> Response:
        """Tell how the question stands; where it is known to be open, when it ends or after a while."""
        session = self._found(request)
        if session is None:
            return JSONResponse({"state": "none"}, headers=FRESH)
        known, outcome = request.query_params.get("known"), session.outcome
        if known == "waiting" == session.state and outcome is not None:
            await asyncio.wait([outcome], timeout=HOLD_SECONDS)
        return self._told(session)

    async def _ask(self, request: Request) -> Response:
        """Ask; a question that is open or answered is told again, to who presses twice or in two tabs."""
        await _document(request)
        session = self._found(request)
        cookie = ""
        if session is None:
            cookie, session = self._opened()
        async with session.asking:
            if session not in self._sessions.values():
                raise _RefusedError(409, "ATTEMPT_ENDED")
            if session.state not in {"waiting", "proven", "submitted"}:
                try:
                    exchange = await self._school.ask()
                except SchoolError as error:
                    raise _RefusedError(502, error.reason) from None
                session.drop()
                session.attempt, session.exchange = secrets.token_urlsafe(16), exchange
                session.outcome = asyncio.create_task(self._school.outcome(exchange))
        answer = self._told(session)
        if cookie:
            answer.set_cookie(
                COOKIE, cookie, SESSION_SECONDS, path="/", secure=True, httponly=True, samesite="strict"
            )
        return answer

    async def _begin_again(self, request: Request) -> Response:
        """Forget the question and the session: the next parent at this browser sees nothing of it."""
        session = self._found(request)
        if session is not None:
            async with session.asking:
                self._sessions.pop(_digest(request.cookies[COOKIE]), None)
                session.drop()
        answer = Response(status_code=204, headers=FRESH)
        answer.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")
        return answer

    async def _submit(self, request: Request) -> Response:
        """Enrol with what was proven; a form that comes again is told the number that it has."""
        document = await _document(request)
        session = self._found(request)
        if session is None:
            raise _RefusedError(409, "ATTEMPT_ENDED")
        typed = {each: _text(document, each) for each in TYPED}
        async with session.asking:
            if not session.attempt or document.get("attempt") != session.attempt:
                raise _RefusedError(409, "ATTEMPT_ENDED")
            if session.state not in {"proven", "submitted"} or session.outcome is None:
                raise _RefusedError(409, "NOT_PROVEN")
            if not session.number:
                await self._enrol(session, typed, session.outcome.result())
        return self._told(session)

    async def _enrol(self, session: _Session, typed: dict[str, str], outcome: Outcome) -> None:
        """Write the enrolment, then keep its record; what a crash leaves between has `.pending` after it."""
        number = secrets.token_hex(8)
        path, record = self._folder / f"enrolment-{number}.json", f"record-{number}.json"
        proven = {each.name: each.value for each in outcome.proven}
        pending = path.with_name(f"{path.name}.pending")
        try:
            _write(pending, {"number": number, "typed": typed, "proven": proven, "record": record})
            if outcome.answered is not None:  # what is proven has an answer
                await self._school.keep(outcome.answered, record)
        except OSError:
            pending.unlink(missing_ok=True)
            raise _RefusedError(502, "NOT_KEPT") from None
        except SchoolError as error:
            pending.unlink()
            session.seen = error.reason == "PSEUDONYM_SEEN"
            if not session.seen:
                raise _RefusedError(502, error.reason) from None
            return
        pending.rename(path)
        session.number = number

    def _told(self, session: _Session) -> JSONResponse:
        told: dict[str, Any] = {"state": session.state, "attempt": session.attempt}
        if session.state == "waiting" and session.exchange is not None:
            link = str(session.exchange.link)
            path, size = qr_path(link)
            told |= {
                "link": f"{self._vault}#{quote(link, safe='')}" if self._vault else link,
                "qr": {"path": path, "size": size},
                "code": session.exchange.pairing_code,
                "expires": session.exchange.expires.isoformat(timespec="seconds"),
            }
        if session.state in {"proven", "submitted"} and session.outcome is not None:
            told["proven"] = [asdict(each) for each in session.outcome.result().proven]
        if session.number:
            told["number"] = session.number
        return JSONResponse(told, headers=FRESH)

    def _found(self, request: Request) -> _Session | None:
        session = self._sessions.get(_digest(request.cookies.get(COOKIE, "")))
        return session if session is not None and session.ends > self._clock() else None

    def _opened(self) -> tuple[str, _Session]:
        now = self._clock()
        for name in [name for name, each in self._sessions.items() if each.ends <= now]:
            self._sessions.pop(name).drop()
        if len(self._sessions) >= self._most:
            self._make_room()
        token, session = secrets.token_urlsafe(32), _Session(now + SESSION_SECONDS)
        self._sessions[_digest(token)] = session
        return token, session

    def _make_room(self) -> None:
        """Forget the oldest session that neither asks, nor waits, nor has a form to send."""
        for name, each in self._sessions.items():
            if not each.asking.locked() and each.state not in {"waiting", "proven"}:
                self._sessions.pop(name).drop()
                return
        raise _RefusedError(503, "TOO_MANY_SESSIONS")


def application(site: Site, origin: str) -> Starlette:
    """Return the application, which hears only requests for `origin`, as `https://school.example`."""
    return Starlette(routes=site.routes(), middleware=[Middleware(Guarded, origin=origin)])


def _guarded(act: Act) -> Act:
    async def guarded(request: Request) -> Response:
        try:
            return await act(request)
        except _RefusedError as error:
            return JSONResponse({"reason": error.reason}, error.status, headers=FRESH)

    return guarded


def _file(name: str) -> Act:
    async def answered(_: Request) -> Response:
        return FileResponse(STATIC / name, headers={"Cache-Control": "no-cache"})

    return answered


async def _document(request: Request) -> dict[str, Any]:
    """Read a body strictly: JSON of this site's page, an object, no longer than a form is."""
    if request.headers.get("content-type") != "application/json":
        raise _RefusedError(415, "NOT_JSON")
    body = bytearray()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(10):
            async for piece in request.stream():
                body += piece
                if len(body) > BODY_OCTETS:
                    raise _RefusedError(413, "TOO_LONG")
    try:
        document = bounded_json.loads(body)
    except ValueError:
        raise _RefusedError(400, "NOT_JSON") from None
    if not isinstance(document, dict):
        raise _RefusedError(400, "NOT_JSON")
    return document


def _write(path: Path, document: dict[str, Any]) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8") as file:
        json.dump(document, file, ensure_ascii=False, indent=1)
        file.flush()
        os.fsync(file.fileno())


def _text(document: dict[str, Any], name: str) -> str:
    """Return what the parent typed into a field: one printable line that is not empty."""
    value = document.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > FIELD_CHARACTERS:
        raise _RefusedError(400, f"{name.upper()}_INVALID")
    if not value.isprintable():
        raise _RefusedError(400, f"{name.upper()}_INVALID")
    return value.strip()


def _digest(text: str) -> bytes:
    return hashlib.sha256(b"enrolment-site/session/v1\n" + text.encode("utf-8", "surrogateescape")).digest()
