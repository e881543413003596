"""An errand bundle's board: a clerk sees the parts that wait for this counter, and says how far each is.

The sessions are the counter's. Whoever stands behind the board (`Board`) asks, verifies and tells; the page
is told what it needs to show. What was proven and declared is told of one part at a time, to who opens it.
The stream of events carries a number and nothing of a part: a page that hears of a change looks again.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from web_edge.sessions import FRESH, RefusedError, Sessions, guarded

STREAMS: Final = 64
"""So many streams of events are open at once, of all sessions; another is refused."""
ACTS: Final = ("in-progress", "done", "rejected")
TEXT_OCTETS: Final = 1000
DOCUMENT_OCTETS: Final = 200
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{22}")
_FIELDS: Final = {"act", "seen", "state", "message", "document"}
_BEAT_SECONDS: Final = 15.0
_BREATH_SECONDS: Final = 0.25
"""Changes that come faster than this are told as one."""
_SENT: Final = {**FRESH, "X-Accel-Buffering": "no"}


@dataclass(frozen=True)
class Named:
    """What people call something, in both languages."""

    zh: str
    en: str

    def told(self) -> dict[str, str]:
        """Return it as JSON has it."""
        return {"zh": self.zh, "en": self.en}


@dataclass(frozen=True)
class Row:
    """One part as the list shows it; moments as ISO 8601, empty where nothing is known.

    `since` is when it came to its state as far as this board knows, `came` when what was submitted was
    verified, `due` the last day that was promised. `ready` tells whether what it depends on is done, and
    `note` is the stable reason why it cannot be accepted now.
    """

    name: str
    state: str
    since: str
    came: str = ""
    due: str = ""
    ready: bool = False
    note: str = ""
    document: str = field(default="", repr=False)


@dataclass(frozen=True)
class Sheet:
    """What a clerk reads of one part: what was proven, in both languages, and what was declared."""

    row: Row
    zh: Sequence[str] = field(default=(), repr=False)
    en: Sequence[str] = field(default=(), repr=False)
    declared: Sequence[tuple[Named, str]] = field(default=(), repr=False)


@dataclass(frozen=True)
class Listed:
    """What a board shows: of whom it is, what it waits for, its parts.

    `more` counts the parts that are not listed. `holds` is whether the service is heard; where it is not,
    `failed` says in words why.
    """

    bundle: Named
    part: Named
    depends_on: Sequence[Named]
    settle_days: int
    rows: Sequence[Row]
    more: int
    holds: bool
    failed: Named | None = None


@dataclass(frozen=True)
class Act:
    """What a clerk says of a part: `id` is of this one act, `seen` the state that the clerk acts upon."""

    id: UUID
    seen: str
    state: str
    message: str = field(default="", repr=False)
    document: str = field(default="", repr=False)


class BoardError(Exception):
    """An act that was refused; `status` is HTTP's, `reason` stable, the text in both languages."""

    def __init__(self, status: int, reason: str, zh: str, en: str) -> None:
        super().__init__(reason)
        self.status, self.reason, self.zh, self.en = status, reason, zh, en


class Board(Protocol):
    """Whoever stands behind a board."""

    @property
    def revision(self) -> int:
        """A number that grows whenever something of the board changes."""
        ...

    async def changed(self, since: int) -> None:
        """Wait until the revision is another one."""
        ...

    def listed(self) -> Listed:
        """Return what there is."""
        ...

    def sheet(self, name: str) -> Sheet | None:
        """Return one part; None if this board has none of that name."""
        ...

    async def act(self, name: str, act: Act) -> None:
        """Tell how far a part is. The same act sent again changes nothing. Raises BoardError."""
        ...


class BoardRoutes:
    """The routes of a board, for who is signed in at its counter."""

    def __init__(self, board: Board, sessions: Sessions[Any]) -> None:
        self._board, self._sessions, self._streams = board, sessions, 0

    def routes(self) -> list[Route]:
        """Return the routes, to stand before the pages."""
        return [
            Route("/counter/parts", guarded(self._list), methods=["GET"]),
            Route("/counter/parts/events", guarded(self._watch), methods=["GET"]),
            Route("/counter/parts/{name}", guarded(self._show), methods=["GET"]),
            Route("/counter/parts/{name}", guarded(self._act), methods=["POST"]),
        ]

    async def _list(self, request: Request) -> Response:
        self._sessions.of(request)
        listed = self._board.listed()
        told = {
            "bundle": listed.bundle.told(),
            "part": listed.part.told(),
            "depends_on": [each.told() for each in listed.depends_on],
            "settle_days": listed.settle_days,
            "parts": [_row(each) for each in listed.rows],
            "more": listed.more,
            "holds": listed.holds,
            "failed": None if listed.failed is None else listed.failed.told(),
        }
        return JSONResponse(told, headers=FRESH)

    async def _show(self, request: Request) -> Response:
        self._sessions.of(request)
        return JSONResponse(_sheet(self._found(request)), headers=FRESH)

    async def _act(self, request: Request) -> Response:
        document = await self._sessions.document(request)
        self._sessions.of(request)
        act = _act_of(document)
        name = self._found(request).row.name
        try:
            await self._board.act(name, act)
        except BoardError as error:
            failed = {"reason": error.reason, "zh": error.zh, "en": error.en}
            return JSONResponse(failed, error.status, headers=FRESH)
        return JSONResponse(_sheet(self._found(request)), headers=FRESH)

    def _found(self, request: Request) -> Sheet:
        name = request.path_params["name"]
        sheet = self._board.sheet(name) if _NAME.fullmatch(name) else None
        if sheet is None:
            raise RefusedError(404, "PART_UNKNOWN")
        return sheet

    async def _watch(self, request: Request) -> Response:
        self._sessions.of(request)
        if self._streams >= STREAMS:
            raise RefusedError(429, "TOO_MANY_STREAMS")
        return StreamingResponse(self._events(request), 200, _SENT, "text/event-stream")

    async def _events(self, request: Request) -> AsyncIterator[bytes]:
        """Tell each revision, and the last one again so that a line that is cut is noticed.

        It ends with the session: whoever has signed out is told nothing more.
        """
        self._streams += 1
        try:
            while self._signed_in(request):
                told = self._board.revision
                yield f'data: {{"revision":{told}}}\n\n'.encode()
                await asyncio.sleep(_BREATH_SECONDS)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._board.changed(told), _BEAT_SECONDS)
        finally:
            self._streams -= 1

    def _signed_in(self, request: Request) -> bool:
        try:
            self._sessions.of(request)
        except RefusedError:
            return False
        return True


def _row(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "state": row.state,
        "since": row.since,
        "came": row.came,
        "due": row.due,
        "ready": row.ready,
        "note": row.note,
        "document": row.document,
    }


def _sheet(sheet: Sheet) -> dict[str, Any]:
    declared = [{**name.told(), "value": value} for name, value in sheet.declared]
    return {**_row(sheet.row), "lines": {"zh": [*sheet.zh], "en": [*sheet.en]}, "declared": declared}


def _act_of(document: dict[str, Any]) -> Act:
    """Read an act; RefusedError 400 unless it is one."""
    given = {name: document.get(name, "") for name in _FIELDS}
    if document.keys() - _FIELDS or not all(isinstance(each, str) for each in given.values()):
        raise RefusedError(400, "ACT_INVALID")
    if given["state"] not in ACTS or not given["seen"]:
        raise RefusedError(400, "ACT_INVALID")
    for name, most in (("message", TEXT_OCTETS), ("document", DOCUMENT_OCTETS), ("seen", 20), ("act", 36)):
        _check_text(given[name], most)
    if given["state"] == "rejected" and not given["message"].strip():
        raise RefusedError(400, "MESSAGE_MISSING")
    return Act(_uuid(given["act"]), given["seen"], given["state"], given["message"], given["document"])


def _uuid(written: str) -> UUID:
    """Read a UUID as it is written in one way only."""
    try:
        found = UUID(written)
    except ValueError:
        raise RefusedError(400, "ACT_INVALID") from None
    if str(found) != written:
        raise RefusedError(400, "ACT_INVALID")
    return found


def _check_text(text: str, most: int) -> None:
    try:
        octets = len(text.encode())
    except UnicodeEncodeError:  # JSON may escape half a character: that is no text
        raise RefusedError(400, "ACT_INVALID") from None
    if octets > most or not text.isprintable():
        raise RefusedError(400, "ACT_INVALID")
