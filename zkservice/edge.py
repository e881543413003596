"""The HTTP edge: the log as static resources (c2sp.org/tlog-tiles), for mirrors, monitors and caches.

It reads the same tables as the gRPC service and changes nothing. What is published here is what its
checkpoint says: with a policy that demands witnesses the newest anchored one, so that nobody who reads this
way is shown what no quorum has seen. It is a server beside gRPC's with limits of its own
(`consortium.serving`): whatever comes in here, the other one goes on.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Final, TypeVar

from sqlalchemy import Connection

from consortium.errors import Reason, SourceError
from consortium.serving import listening
from consortium.source import Source
from consortium.tiles_app import tiles_app
from tlog.merkle import HASH_OCTETS
from tlog.tiles import TILE_WIDTH, TileId, entry_bundle
from zkservice import tls
from zkservice.anchored import Anchored
from zkservice.config import Settings
from zkservice.errors import ServiceError, StartError
from zkservice.sequencer import Sequencer
from zkservice.server_certificate import Certificates
from zkservice.storage import ledger
from zkservice.storage.database import Database

Newest = Callable[[], bytes]
"""Returns the signed note of the newest checkpoint that is shown; empty while there is none."""

_TOO_FEW: Final = "the log has not so many entries"
_READS: Final = 2
"""So many reads of the database at once: the others that there are stay for gRPC, however many ask here."""
_Result = TypeVar("_Result")


def newest(sequencer: Sequencer, anchored: Anchored, *, witnessed: bool) -> Newest:
    """Return what gives the checkpoint that is shown: the anchored one where witnesses are demanded."""

    def shown() -> bytes:
        return anchored.newest.checkpoint if anchored.newest is not None else b""

    return shown if witnessed else lambda: sequencer.published.checkpoint


class DatabaseSource:
    """The log's tables as a source (`consortium.source.Source`)."""

    def __init__(self, database: Database, shown: Newest) -> None:
        self._database, self._shown = database, shown
        self._turns = asyncio.Semaphore(_READS)

    async def checkpoint(self) -> bytes:
        """Return the newest checkpoint that is shown."""
        note = self._shown()
        if not note:
            raise SourceError(Reason.NOT_FOUND, "no checkpoint is anchored yet")
        return note

    async def tile(self, tile: TileId, width: int) -> bytes:
        """Return the first `width` hashes of a tile, which may be stored wider."""
        with _unavailable():
            tiles = await self._read(lambda each: ledger.read_tiles(each, [tile]))
        octets = tiles(tile)[: width * HASH_OCTETS]
        if len(octets) < width * HASH_OCTETS:
            raise SourceError(Reason.NOT_FOUND, "the tile is not so wide")
        return octets

    async def entries(self, index: int, width: int) -> bytes:
        """Return the bundle of the first `width` entries beside the tile (0, index)."""
        return entry_bundle([entry for _, entry, _ in await self._rows(index, width)])

    async def notes(self, index: int, width: int) -> bytes:
        """Return the bundle of the notes beside these entries."""
        return entry_bundle([note or b"" for _, _, note in await self._rows(index, width)])

    async def _rows(self, index: int, width: int) -> Sequence[tuple[int, bytes, bytes | None]]:
        with _unavailable():
            first = index * TILE_WIDTH
            rows = await self._read(lambda each: ledger.entries(each, first, width))
        if len(rows) < width:
            raise SourceError(Reason.NOT_FOUND, _TOO_FEW)
        return rows

    async def _read(self, act: Callable[[Connection], _Result]) -> _Result:
        async with self._turns:
            return await self._database.read(act)


@contextlib.contextmanager
def _unavailable() -> Iterator[None]:
    """Let a reader hear that the storage does not answer, and nothing of why."""
    try:
        yield
    except ServiceError as error:
        raise SourceError(Reason.UNREACHABLE, "the log cannot be read now") from error


@contextlib.asynccontextmanager
async def serving(
    settings: Settings,
    source: Source,
    certificates: Certificates,
    *,
    shared: bool = False,
) -> AsyncIterator[int | None]:
    """Serve a source on `http_port` until the block ends; give the port, None if none is set.

    With the server's own certificate, which `certificates` changes there as well, unless `http_plain` is set.
    Others may listen on it too if it is `shared`. Raises StartError.
    """
    port = settings.http_port
    if port is None:
        yield None
        return
    certificate, private_key = (None, None) if settings.http_plain else tls.server_files(settings)
    host = settings.http_host
    async with contextlib.AsyncExitStack() as stack:
        server = listening(
            tiles_app(source),
            host,
            port,
            certificate=certificate,
            private_key=private_key,
            password=certificates.key_password,
            secured=certificates.follow,
            shared=shared,
        )
        try:
            taken = await stack.enter_async_context(server)
        except OSError:
            raise StartError(f"{host}:{port} (http_port) cannot be listened on") from None
        yield taken
