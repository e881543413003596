"""A log's resources over HTTP, static and cacheable, from any source (c2sp.org/tlog-tiles).

Nothing beyond the published size is served, whatever the source has. Bundles of entries go out compressed to
whoever says that it takes that; tiles and notes do not, being random octets.
"""

import asyncio
import gzip
import re
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from consortium.errors import Reason, SourceError
from consortium.serving import application, plain
from consortium.source import Source, parse_notes_path
from tlog import Checkpoint, MalformedError, TileId
from tlog.note import text_unverified
from tlog.tiles import parse_entries_path, parse_tile_path, tile_width

_OCTETS: Final = "application/octet-stream"
_NO_SNIFFING: Final = {"X-Content-Type-Options": "nosniff"}
_FOREVER: Final = {"Cache-Control": "public, max-age=31536000, immutable", **_NO_SNIFFING}
_SOON_OLD: Final = {"Cache-Control": "public, max-age=1", **_NO_SNIFFING}
_ENTRIES: Final = "tile/entries/"
_LARGE_OCTETS: Final = 1 << 20
"""Ordinary bundles have a few times ten thousand; of records of 60 kB they have 16 MB."""
_LARGE_AT_ONCE: Final = 16
_NEVER: Final = re.compile(r" *[qQ]=0(?:\.0*)? *")


def tiles_app(source: Source) -> Starlette:
    """Return the application; what is published is what the source's checkpoint says."""
    app = _Tiles(source)
    routes = [
        Route("/checkpoint", app.checkpoint, methods=["GET"]),
        Route("/tile/{rest:path}", app.tile, methods=["GET"]),
        Route("/notes/{rest:path}", app.notes, methods=["GET"]),
    ]
    return application(routes)


class _Tiles:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._large = asyncio.Semaphore(_LARGE_AT_ONCE)

    async def checkpoint(self, _: Request) -> Response:
        try:
            note = await self._source.checkpoint()
        except SourceError as error:
            return _refused(error)
        return Response(note, 200, _SOON_OLD, "text/plain; charset=utf-8")

    async def tile(self, request: Request) -> Response:
        try:
            path = _path(request)
            if path.startswith(_ENTRIES):
                index, width = parse_entries_path(path)
                await self._check(TileId(0, index), width)
                return await self._bundle(request, await self._source.entries(index, width))
            tile, width = parse_tile_path(path)
            await self._check(tile, width)
            return _found(await self._source.tile(tile, width))
        except (SourceError, MalformedError) as error:
            return _refused(error)

    async def _bundle(self, request: Request, octets: bytes) -> Response:
        """Return a bundle; of those that are large so many at most are held for slow readers."""
        if len(octets) < _LARGE_OCTETS:
            return await _compressed(request, octets)
        if self._large.locked():
            return plain(503, "too many large bundles are being read", {"Retry-After": "5"})
        await self._large.acquire()
        try:
            return _Held(await _compressed(request, octets), self._large)
        except BaseException:
            self._large.release()
            raise

    async def notes(self, request: Request) -> Response:
        try:
            index, width = parse_notes_path(_path(request))
            await self._check(TileId(0, index), width)
            return _found(await self._source.notes(index, width))
        except (SourceError, MalformedError) as error:
            return _refused(error)

    async def _check(self, tile: TileId, width: int) -> None:
        """Refuse what the published tree does not have; SourceError NOT_FOUND."""
        size = Checkpoint.parse(text_unverified(await self._source.checkpoint())).size
        if not 0 < width <= tile_width(tile, size):
            raise SourceError(Reason.NOT_FOUND, "the published tree has no such tile, or not so wide")


class _Held(Response):
    """An answer that counts as large until it was taken, or its reader is gone."""

    def __init__(self, answer: Response, counted: asyncio.Semaphore) -> None:
        super().__init__(answer.body, answer.status_code)
        self.raw_headers, self._counted = answer.raw_headers, counted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def whole(message: Message) -> None:
            if message["type"] != "http.response.body":
                await send(message)
                return
            # The server waits for a slow reader only before it sends more.
            await send({**message, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})

        try:
            await super().__call__(scope, receive, whole)
        finally:
            self._counted.release()


def _path(request: Request) -> str:
    """Return the path as it was sent: each resource has one, and an escaped form is another."""
    sent: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    return sent.decode("latin-1").removeprefix("/")


def _found(octets: bytes) -> Response:
    return Response(octets, 200, _FOREVER, _OCTETS)


async def _compressed(request: Request, octets: bytes) -> Response:
    headers = {**_FOREVER, "Vary": "Accept-Encoding"}
    if not _takes_gzip(request):
        return Response(octets, 200, headers, _OCTETS)
    # The fastest level, beside the event loop: a bundle can have 16 MB, and others wait meanwhile.
    packed = await asyncio.to_thread(gzip.compress, octets, 1, mtime=0)
    return Response(packed, 200, {**headers, "Content-Encoding": "gzip"}, _OCTETS)


def _takes_gzip(request: Request) -> bool:
    for each in request.headers.get("accept-encoding", "").split(","):
        coding, _, weight = each.partition(";")
        if coding.strip().lower() == "gzip":
            return not _NEVER.fullmatch(weight)
    return False


def _refused(error: SourceError | MalformedError) -> Response:
    there = isinstance(error, SourceError) and error.reason != Reason.NOT_FOUND
    return plain(503 if there else 404, error.detail)
