"""The resource centre's own routes: whoever is signed in reads what the service tells a regulator.

The page holds no token. Whoever stands behind it (`Books`) reads with the regulator's; nothing here changes
anything. A listing comes by pages, each of a bounded size, and is kept by nobody on the way: `no-store`.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from web_edge.origins import Origins
from web_edge.sessions import FRESH, RefusedError, Sessions, cookie_of, guarded

PART: Final = "centre"
COOKIE: Final = cookie_of(PART)
AT_ONCE: Final = 8
"""So many readings are under way at once; more wait for `PATIENCE_SECONDS`."""
PATIENCE_SECONDS: Final = 10.0
VALUE_OCTETS: Final = 1024


class Books(Protocol):
    """Whoever reads for a centre."""

    @property
    def listings(self) -> Mapping[str, Collection[str]]:
        """What there is to read, each with the names of what may be asked of it."""
        ...

    async def read(self, listing: str, asked: Mapping[str, str]) -> Mapping[str, Any]:
        """Return one page of a listing as JSON has it; raises BooksError."""
        ...


class BooksError(Exception):
    """A reading that failed; `reason` is stable, `status` HTTP's."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


class Centre:
    """One centre: its books, its code, who is signed in. It forgets all of them when it ends."""

    def __init__(
        self, books: Books, code: str, origins: Origins, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._books = books
        self._sessions: Sessions[None] = Sessions(PART, code, origins, lambda: None, clock=clock)
        self._places = asyncio.Semaphore(AT_ONCE)

    def routes(self) -> list[Route]:
        """Return the routes, to stand before the pages."""
        return [
            *self._sessions.routes(),
            Route("/centre/books/{listing}", guarded(self._read), methods=["GET"]),
        ]

    def close(self) -> None:
        """End all sessions."""
        self._sessions.close()

    async def _read(self, request: Request) -> Response:
        self._sessions.of(request)
        listing = request.path_params["listing"]
        if listing not in self._books.listings:
            raise RefusedError(404, "LISTING_UNKNOWN")
        asked = _asked(request, self._books.listings[listing])
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._places.acquire()
        except TimeoutError:
            raise RefusedError(503, "TOO_MANY_READINGS") from None
        try:
            told = await self._books.read(listing, asked)
        except BooksError as error:
            raise RefusedError(error.status, error.reason) from None
        finally:
            self._places.release()
        return JSONResponse(told, headers=FRESH)


def _asked(request: Request, known: Collection[str]) -> Mapping[str, str]:
    """Return what a query says, each thing once; RefusedError 400 for anything that is not known."""
    pairs = request.query_params.multi_items()
    names = [name for name, _ in pairs]
    if not set(names) <= set(known) or len(set(names)) != len(names):
        raise RefusedError(400, "QUERY_UNKNOWN")
    for _, value in pairs:
        # What was no UTF-8 comes as U+FFFD.
        if len(value.encode()) > VALUE_OCTETS or "\ufffd" in value or not value.isprintable():
            raise RefusedError(400, "QUERY_INVALID")
    return dict(pairs)
