"""A witness over HTTP (c2sp.org/tlog-witness), and what it has cosigned for whoever wants to compare.

    POST add-checkpoint                 as the specification says
    GET <SHA-256 of origin>/checkpoint  the newest note with the log's signatures and this witness's lines
    GET <SHA-256 of origin>/refused     notes that the log signed and that may be of two views of it, each
                                        after a line with its length

The place by the hash of the origin is that of C2SP's mirrors. Monitors compare what several witnesses have.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from consortium.errors import FolderError
from consortium.origins import origin_hash
from consortium.serving import BodyError, application, body_of, plain
from consortium.witness.store import WitnessStore
from tlog.witness import MAX_REQUEST_OCTETS, TEXT_TYPE, KnownLogs

_Found = TypeVar("_Found")

MOST_NOTES: Final = 512
"""So many notes are read of one answer, and a monitor tells no more."""

_FRESH = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def witness_app(store: WitnessStore, known_logs: KnownLogs, clock: Callable[[], int]) -> Starlette:
    """Return the application; `clock` gives POSIX seconds."""
    app = _Witness(store, known_logs, clock)
    return application(
        [
            Route("/add-checkpoint", app.add_checkpoint, methods=["POST"]),
            Route("/{place:str}/checkpoint", app.checkpoint, methods=["GET"]),
            Route("/{place:str}/refused", app.refused, methods=["GET"]),
        ],
        {BodyError: _bad_body, FolderError: _no_store},
    )


class _Witness:
    def __init__(self, store: WitnessStore, known_logs: KnownLogs, clock: Callable[[], int]) -> None:
        self._store, self._clock = store, clock
        self._origins = {origin_hash(each): each for each in known_logs}
        # The store does one thing after the other anyhow, and the event loop must not wait for a disk.
        self._thread = ThreadPoolExecutor(1, "witness")

    async def add_checkpoint(self, request: Request) -> Response:
        body = await body_of(request, MAX_REQUEST_OCTETS)
        decision, lines = await self._call(self._store.add, body, self._clock())
        answer = lines if decision.new_state is not None else decision.body
        # Given as a header: as a media type it would get a charset, which the specification has not.
        return Response(answer, decision.status, _FRESH | {"Content-Type": decision.content_type})

    async def checkpoint(self, request: Request) -> Response:
        origin = self._origins.get(request.path_params["place"])
        found = await self._call(self._store.cosigned, origin) if origin is not None else None
        if found is None:
            return plain(404, "nothing was cosigned of such a log")
        return Response(found.note + found.lines, 200, _FRESH, TEXT_TYPE)

    async def refused(self, request: Request) -> Response:
        origin = self._origins.get(request.path_params["place"])
        if origin is None:
            return plain(404, "no such log is known")
        notes = await self._call(self._store.refused, origin)
        return Response(b"".join(b"%d\n%s" % (len(each), each) for each in notes), 200, _FRESH, TEXT_TYPE)

    async def _call(self, call: Callable[..., _Found], *given: object) -> _Found:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call, *given)


async def _bad_body(_: Request, error: Exception) -> Response:
    return plain(getattr(error, "status", 400), "the request is too long, or too slow")


async def _no_store(_: Request, error: Exception) -> Response:
    return plain(503, getattr(error, "detail", "ask again"))


def split_refused(body: bytes) -> list[bytes]:
    """Return the notes of an answer to `refused`, `MOST_NOTES` at most; what is not framed as it must be ends
    the list, and so does a note of no octets: an answer has room for millions of them."""
    notes, at = list[bytes](), 0
    while at < len(body) and len(notes) < MOST_NOTES:
        end = body.find(b"\n", at, at + 8)
        if end < 0 or not body[at:end].isdigit():
            break
        start = end + 1
        at = start + int(body[at:end])
        if at > len(body) or at == start:
            break
        notes.append(body[start:at])
    return notes
