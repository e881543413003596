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

from consortium.errors import Reason, SourceError
from consortium.serving import plain
from consortium.source import Source, parse_notes_path
from tlog import Checkpoint, MalformedError, TileId
from tlog.note import text_unverified
from tlog.tiles import parse_entries_path, parse_tile_path, tile_width

_OCTETS: Final = "application/octet-stream"
_NO_SNIFFING: Final = {"X-Content-Type-Options": "nosniff"}
_FOREVER: Final = {"Cache-Control": "public, max-age=31536000, immutable", **_NO_SNIFFING}
_SOON_OLD: Final = {"Cache-Control": "public, max-age=1", **_NO_SNIFFING}
_ENTRIES: Final = "tile/entries/"
_NEVER: Final = re.compile(r" *[qQ]=0(?:\.0*)? *")


def tiles_app(source: Source) -> Starlette:
    """Return the application; what is published is what the source's checkpoint says."""
    app = _Tiles(source)
    routes = [
        Route("/checkpoint", app.checkpoint, methods=["GET"]),
        Route("/tile/{rest:path}", app.tile, methods=["GET"]),
        Route("/notes/{rest:path}", app.notes, methods=["GET"]),
    ]
    made = Starlette(routes=routes)
    made.router.redirect_slashes = False  # each resource has one path, and no answer names a host
    return made


class _Tiles:
    def __init__(self, source: Source) -> None:
        self._source = source

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
                return await _compressed(request, await self._source.entries(index, width))
            tile, width = parse_tile_path(path)
            await self._check(tile, width)
            return _found(await self._source.tile(tile, width))
        except (SourceError, MalformedError) as error:
            return _refused(error)

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
