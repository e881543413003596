"""The counter's own routes: a clerk signs in, asks for a purpose, and sees the result come in.

The page holds no key and no token of the verifier's. Whoever stands behind the counter (`Desk`) asks and
verifies; the page is told what it needs to show. A clerk signs in with the counter's code and has a session
in a cookie that no script reads and no other site's request carries. Whatever changes something is demanded
from a page of this origin too. All answers of an exchange are for the session that asked alone.
"""

import asyncio
import contextlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from web_edge.board import Board, BoardRoutes
from web_edge.origins import Origins
from web_edge.sessions import FRESH, RefusedError, Sessions, cookie_of, guarded

PART: Final = "counter"
COOKIE: Final = cookie_of(PART)
ASKS: Final = 32
"""So many asks of a session are remembered; the oldest that has ended is forgotten first."""
_BEAT_SECONDS: Final = 15.0
_SENT: Final = {**FRESH, "X-Accel-Buffering": "no"}


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


_Asks = dict[str, _Ask]


class Counter:
    """One counter: its desk, its code, the sessions of its clerks, perhaps the board of an errand bundle.

    It forgets all sessions when it ends.
    """

    def __init__(
        self,
        desk: Desk,
        code: str,
        origins: Origins,
        clock: Callable[[], float] = time.monotonic,
        board: Board | None = None,
    ) -> None:
        self._desk, self._board = desk, board
        self._sessions: Sessions[_Asks] = Sessions(PART, code, origins, dict, _drop, clock)

    def routes(self) -> list[Route]:
        """Return the routes, to stand before the pages."""
        return [
            *self._sessions.routes(),
            Route("/counter/purposes", guarded(self._purposes), methods=["GET"]),
            Route("/counter/asks", guarded(self._ask), methods=["POST"]),
            Route("/counter/asks/{ask}", guarded(self._watch), methods=["GET"]),
            Route("/counter/asks/{ask}/question", guarded(self._question), methods=["GET"]),
            Route("/counter/asks/{ask}/record", guarded(self._record), methods=["GET"]),
            *([] if self._board is None else BoardRoutes(self._board, self._sessions).routes()),
        ]

    def close(self) -> None:
        """End all sessions, and what they wait for."""
        self._sessions.close()

    async def _purposes(self, request: Request) -> Response:
        self._sessions.of(request)
        purposes = [{"id": each.id, "zh": each.zh, "en": each.en} for each in self._desk.purposes]
        board = {} if self._board is None else {"board": True}
        told = {"verifier": self._desk.verifier, "purposes": purposes, **board}
        return JSONResponse(told, headers=FRESH)

    async def _ask(self, request: Request) -> Response:
        document = await self._sessions.document(request)
        asks = self._sessions.of(request)
        purpose = document.get("purpose")
        if not isinstance(purpose, str) or purpose not in {each.id for each in self._desk.purposes}:
            raise RefusedError(404, "PURPOSE_UNKNOWN")
        pairing = document.get("pairing", False)
        if not isinstance(pairing, bool):
            raise RefusedError(400, "PAIRING_INVALID")
        _make_room(asks)
        try:
            question, begin = await self._desk.ask(purpose, pairing)
        except DeskError as error:
            failed = {"reason": error.reason, "zh": error.zh, "en": error.en}
            return JSONResponse(failed, 502, headers=FRESH)
        name = secrets.token_urlsafe(16)
        asks[name] = _Ask(question, begin())
        return _shown(name, question)

    async def _question(self, request: Request) -> Response:
        """Show a question once more to the session that asked: its page was loaded again."""
        return _shown(request.path_params["ask"], self._found(request).question)

    async def _watch(self, request: Request) -> Response:
        ask = self._found(request)
        return StreamingResponse(_events(ask), 200, _SENT, "text/event-stream")

    async def _record(self, request: Request) -> Response:
        ask = self._found(request)
        record = ask.outcome.result().record if ask.outcome.done() else None
        if record is None:
            raise RefusedError(404, "RECORD_UNKNOWN")
        headers = FRESH | {"Content-Disposition": 'attachment; filename="record.json"'}
        return Response(record, 200, headers, "application/json")

    def _found(self, request: Request) -> _Ask:
        ask = self._sessions.of(request).get(request.path_params["ask"])
        if ask is None:
            raise RefusedError(404, "ASK_UNKNOWN")
        return ask


def _shown(name: str, question: Question) -> Response:
    modules = ["".join("1" if each else "0" for each in row) for row in question.modules]
    told: dict[str, Any] = {
        "ask": name,
        "link": question.link,
        "modules": modules,
        "expires": question.expires,
        "pairing_code": question.pairing_code,
    }
    return JSONResponse(told, headers=FRESH)


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


def _make_room(asks: _Asks) -> None:
    if len(asks) < ASKS:
        return
    oldest = next((name for name, each in asks.items() if each.outcome.done()), None)
    if oldest is None:
        raise RefusedError(429, "TOO_MANY_ASKS")
    del asks[oldest]


def _drop(asks: _Asks) -> None:
    for each in asks.values():
        each.outcome.cancel()
