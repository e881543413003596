"""Who is signed in to a part of the edge: a code is exchanged for a session in a cookie.

The cookie is one that no script reads and no other site's request carries. Whatever changes something is
demanded from a page of this origin too. Of a code and of a cookie a hash is kept, each part's under a domain
of its own, so that what opens one part is nothing to another.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from consortium.serving import BodyError, body_of, plain
from tlog import bounded_json
from web_edge.origins import Origins

SESSION_SECONDS: Final = 8 * 3600
SESSIONS: Final = 64
TRIES: Final = 10
TRIES_SECONDS: Final = 300.0
FRESH: Final = {"Cache-Control": "no-store"}
_BODY_OCTETS: Final = 4096

Held = TypeVar("Held")


class RefusedError(Exception):
    """A request that is refused, with the status of HTTP and the stable reason that say so."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(status)
        self.status, self.text = status, text


@dataclass
class _Session(Generic[Held]):
    ends: float
    held: Held = field(repr=False)


class Sessions(Generic[Held]):
    """The sessions of one part of the edge, `part`, each holding what `begin` makes and `end` lets go.

    They are kept in this process alone: all are forgotten when it ends. `clock` gives seconds.
    """

    def __init__(
        self,
        part: str,
        code: str,
        origins: Origins,
        begin: Callable[[], Held],
        end: Callable[[Held], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._part, self._origins, self._clock = part, origins, clock
        self._begin, self._end = begin, end
        self._code = self._digest(code)
        self._sessions: dict[bytes, _Session[Held]] = {}
        self._tried: list[float] = []

    @property
    def cookie(self) -> str:
        """The cookie's name."""
        return cookie_of(self._part)

    def routes(self) -> list[Route]:
        """Return the routes for signing in and out."""
        path = f"/{self._part}/session"
        return [
            Route(path, guarded(self._sign_in), methods=["POST"]),
            Route(path, guarded(self._sign_out), methods=["DELETE"]),
        ]

    def close(self) -> None:
        """End all sessions."""
        for each in self._sessions.values():
            self._end(each.held)
        self._sessions.clear()

    def of(self, request: Request) -> Held:
        """Return what the session of a request holds; RefusedError 401, 403."""
        if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            raise RefusedError(403, "NOT_THIS_ORIGIN")
        session = self._sessions.get(self._digest(request.cookies.get(self.cookie, "")))
        if session is None or session.ends <= self._clock():
            raise RefusedError(401, "SIGNED_OUT")
        return session.held

    async def document(self, request: Request) -> dict[str, Any]:
        """Read the object that a page of this origin has sent as JSON; RefusedError 400, 403, 413, 415."""
        self._check_own(request)
        if request.headers.get("content-type") != "application/json":
            raise RefusedError(415, "NOT_JSON")
        try:
            document = bounded_json.loads(await body_of(request, _BODY_OCTETS))
        except BodyError as error:
            raise RefusedError(error.status, "TOO_LONG") from None
        except ValueError:
            raise RefusedError(400, "NOT_JSON") from None
        if not isinstance(document, dict):
            raise RefusedError(400, "NOT_JSON")
        return document

    async def _sign_in(self, request: Request) -> Response:
        given = (await self.document(request)).get("code")
        now = self._clock()
        if not isinstance(given, str) or not self.is_code(given):
            raise self._wrong(now)
        self._forget(now)
        token = secrets.token_urlsafe(32)
        self._sessions[self._digest(token)] = _Session(now + SESSION_SECONDS, self._begin())
        answer = Response(status_code=204, headers=FRESH)
        answer.set_cookie(
            self.cookie,
            token,
            max_age=SESSION_SECONDS,
            path="/",
            secure=True,
            httponly=True,
            samesite="strict",
        )
        return answer

    def is_code(self, given: str) -> bool:
        """Tell, in constant time, whether a text is the part's code; RefusedError 400 if it is no text."""
        return hmac.compare_digest(self._digest_of(given), self._code)

    def _wrong(self, now: float) -> RefusedError:
        """Count a wrong code, and return its refusal.

        The right code is let in however many wrong ones came: they may be anybody's, who would else close the
        part to those who work there, and nobody comes upon 64 bits by trying.
        """
        self._tried = [each for each in self._tried if now - each < TRIES_SECONDS]
        if len(self._tried) >= TRIES:
            return RefusedError(429, "TOO_MANY_ATTEMPTS")
        self._tried.append(now)
        return RefusedError(403, "CODE_WRONG")

    async def _sign_out(self, request: Request) -> Response:
        self._check_own(request)
        self.of(request)
        self._end(self._sessions.pop(self._digest(request.cookies[self.cookie])).held)
        answer = Response(status_code=204, headers=FRESH)
        answer.delete_cookie(self.cookie, path="/", secure=True, httponly=True, samesite="strict")
        return answer

    def _check_own(self, request: Request) -> None:
        if not self._origins.is_own(request):
            raise RefusedError(403, "NOT_THIS_ORIGIN")

    def _forget(self, now: float) -> None:
        """Make room for one more session: what has ended goes, then the oldest."""
        for name in [name for name, each in self._sessions.items() if each.ends <= now]:
            self._end(self._sessions.pop(name).held)
        while len(self._sessions) >= SESSIONS:
            self._end(self._sessions.pop(next(iter(self._sessions))).held)

    def _digest_of(self, text: str) -> bytes:
        """Hash what came as JSON, which may escape half a character: that is no text."""
        try:
            return self._digest(text)
        except UnicodeEncodeError:
            raise RefusedError(400, "NOT_JSON") from None

    def _digest(self, text: str) -> bytes:
        return hashlib.sha256(f"zk-disclosure/{self._part}/v1\n".encode() + text.encode()).digest()


def cookie_of(part: str) -> str:
    """Return the name of the cookie of a part's sessions."""
    return f"__Host-{part}"


def guarded(act: Callable[[Request], Any]) -> Callable[[Request], Any]:
    """Answer what `act` refuses by its status and reason."""

    async def answered(request: Request) -> Response:
        try:
            answer: Response = await act(request)
        except RefusedError as error:
            return plain(error.status, error.text)
        return answer

    return answered
