"""The board of an errand bundle: clerks see the parts that come to their counters, and say how far each is.

The sessions are the counter's. Whoever stands behind the board (`Board`) asks, verifies and tells; the page
is told what it needs to show. What was proven and declared is told of one part at a time, to who opens it.
The stream of events carries a number and nothing of a part: a page that hears of a change looks again.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Protocol
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from web_edge.sessions import FRESH, RefusedError, Sessions, guarded

STREAMS: Final = 64
"""So many streams of events are open at once, of all sessions; another is refused."""
ACTS: Final = ("in-progress", "done", "rejected")
MESSAGE_OCTETS: Final = 1000
DOCUMENT_OCTETS: Final = 200
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{22}", re.ASCII)
_TEXTS: Final = {"act": 36, "seen": 20, "state": 20, "message": MESSAGE_OCTETS, "document": DOCUMENT_OCTETS}
"""What an act says, each a text of at most so many octets."""
_BEAT_SECONDS: Final = 15.0
_BREATH_SECONDS: Final = 0.25
"""Changes that come faster than this are told as one."""


@dataclass(frozen=True)
class Named:
    """A text in both languages."""

    zh: str
    en: str


@dataclass(frozen=True)
class Step:
    """One counter of the bundle. `here` tells whether its parts are on this board."""

    part: str
    name: Named
    depends_on: Sequence[str]
    settle_days: int
    here: bool


@dataclass(frozen=True)
class Row:
    """One part as the list shows it; moments as ISO 8601, empty where nothing is known.

    `since` is when it came to its state as far as this board knows, `came` when what was submitted was
    verified, `due` the last day that was promised. `ready` tells whether what it depends on is done, and
    `reason` is the stable reason, `why` its text, of what was not accepted.
    """

    name: str
    part: str
    state: str
    since: str
    came: str = ""
    due: str = ""
    ready: bool = False
    reason: str = ""
    why: Named | None = None


@dataclass(frozen=True)
class Declared:
    """One field of a form, and what a person has written there."""

    name: Named
    value: Named = field(repr=False)


@dataclass(frozen=True)
class Decision:
    """What a clerk has told the holder of a part."""

    state: str
    time: str
    message: str = field(repr=False)
    document: str = field(repr=False)


@dataclass(frozen=True)
class Sheet:
    """What a clerk reads of one part: what was proven, line by line, and declared; what was decided.

    `record` tells whether there is a record's file.
    """

    row: Row
    zh: Sequence[str] = field(default=(), repr=False)
    en: Sequence[str] = field(default=(), repr=False)
    declared: Sequence[Declared] = field(default=(), repr=False)
    decisions: Sequence[Decision] = field(default=(), repr=False)
    record: bool = False


@dataclass(frozen=True)
class Listed:
    """What a board shows: the bundle with its steps, and the parts of those that are here.

    `more` counts the parts that are not listed. `failed` says in words why the service is not heard; before
    it was heard for the first time, bundle and steps are empty.
    """

    bundle: Named
    about: Named
    steps: Sequence[Step]
    rows: Sequence[Row]
    more: int
    failed: Sequence[Named]


@dataclass(frozen=True)
class Beginning:
    """What somebody's vault begins the bundle's errand with: a link, and its QR code as rows of modules."""

    link: str
    modules: Sequence[str]


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

    def __init__(self, status: int, reason: str, text: Named) -> None:
        super().__init__(reason)
        self.status, self.reason, self.text = status, reason, text


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

    def beginning(self) -> Beginning | None:
        """Return what an errand is begun with; None before the bundle is known."""
        ...

    async def sheet(self, name: str) -> Sheet | None:
        """Return one part; None if this board has none of that name."""
        ...

    async def record(self, name: str) -> bytes | None:
        """Return the record's file of a part; None where there is none."""
        ...

    async def act(self, name: str, act: Act) -> None:
        """Tell how far a part is. The same act sent again changes nothing. Raises BoardError."""
        ...


class BoardRoutes:
    """The routes of a board, for who is signed in at its counter."""

    def __init__(self, board: Board, sessions: Sessions[Any]) -> None:
        self._board, self._sessions, self._streams = board, sessions, 0

    def routes(self) -> list[Route]:
        """Return the routes, to stand before the pages; no word here is as long as the name of a part."""
        return [
            Route("/counter/parts", guarded(self._list), methods=["GET"]),
            Route("/counter/parts/begin", guarded(self._begin), methods=["GET"]),
            Route("/counter/parts/events", guarded(self._watch), methods=["GET"]),
            Route("/counter/parts/{name}", guarded(self._show), methods=["GET"]),
            Route("/counter/parts/{name}", guarded(self._act), methods=["POST"]),
            Route("/counter/parts/{name}/record", guarded(self._record), methods=["GET"]),
        ]

    async def _list(self, request: Request) -> Response:
        self._sessions.of(request)
        return JSONResponse(asdict(self._board.listed()), headers=FRESH)

    async def _begin(self, request: Request) -> Response:
        self._sessions.of(request)
        begun = self._board.beginning()
        if begun is None:
            raise RefusedError(503, "BUNDLE_UNKNOWN")
        return JSONResponse(asdict(begun), headers=FRESH)

    async def _show(self, request: Request) -> Response:
        self._sessions.of(request)
        return await self._told(_name(request))

    async def _record(self, request: Request) -> Response:
        self._sessions.of(request)
        record = await self._board.record(_name(request))
        if record is None:
            raise RefusedError(404, "RECORD_UNKNOWN")
        headers = FRESH | {"Content-Disposition": 'attachment; filename="record.json"'}
        return Response(record, 200, headers, "application/json")

    async def _act(self, request: Request) -> Response:
        document = await self._sessions.document(request)
        self._sessions.of(request)
        name, act = _name(request), act_of(document)
        try:
            await self._board.act(name, act)
        except BoardError as error:
            failed = {"reason": error.reason, **asdict(error.text)}
            return JSONResponse(failed, error.status, headers=FRESH)
        return await self._told(name)

    async def _told(self, name: str) -> Response:
        sheet = await self._board.sheet(name)
        if sheet is None:
            raise RefusedError(404, "PART_UNKNOWN")
        return JSONResponse(asdict(sheet), headers=FRESH)

    async def _watch(self, request: Request) -> Response:
        self._sessions.of(request)
        if self._streams >= STREAMS:
            raise RefusedError(429, "TOO_MANY_STREAMS")
        headers = {**FRESH, "X-Accel-Buffering": "no"}
        return StreamingResponse(self._events(request), 200, headers, "text/event-stream")

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


def _name(request: Request) -> str:
    name: str = request.path_params["name"]
    if not _NAME.fullmatch(name):
        raise RefusedError(404, "PART_UNKNOWN")
    return name


def act_of(document: dict[str, Any]) -> Act:
    """Read an act; RefusedError 400 unless it is one."""
    if not document.keys() <= _TEXTS.keys():
        raise RefusedError(400, "ACT_INVALID")
    said = {name: _text(document.get(name, ""), most) for name, most in _TEXTS.items()}
    if said["state"] not in ACTS or not said["seen"]:
        raise RefusedError(400, "ACT_INVALID")
    if said["state"] == "rejected" and not said["message"].strip():
        raise RefusedError(400, "MESSAGE_MISSING")
    return Act(_uuid(said["act"]), said["seen"], said["state"], said["message"], said["document"])


def _uuid(written: str) -> UUID:
    """Read a UUID, which is written in one way only."""
    try:
        found = UUID(written)
    except ValueError:
        raise RefusedError(400, "ACT_INVALID") from None
    if str(found) != written:
        raise RefusedError(400, "ACT_INVALID")
    return found


def _text(said: object, most: int) -> str:
    """Read a text of one line; JSON may escape half a character, which is no text."""
    try:
        if isinstance(said, str) and len(said.encode()) <= most and said.isprintable():
            return said
    except UnicodeEncodeError:
        pass
    raise RefusedError(400, "ACT_INVALID")
