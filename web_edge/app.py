"""The application and its serving."""

import contextlib
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from consortium.serving import application, listening
from web_edge.board import Board
from web_edge.bridge import Bridge
from web_edge.centre import Books, Centre
from web_edge.counter import Counter, Desk
from web_edge.headers import Guarded
from web_edge.origins import LOCAL, Origins
from web_edge.pages import Pages
from web_edge.watched import Watched
from wire.client import Endpoint


@dataclass(frozen=True)
class Edge:
    """What an edge is given.

    `names` are those that people reach it by, beside the local ones. With a certificate chain and its key
    (PEM files) it speaks TLS; `behind_tls` says that a proxy before it does. `desk` opens a counter's desk in
    the loop that serves, and `counter_code` is what its clerks sign in with; `board` opens the board of the
    errands that are served at that counter. `books` and `centre_code` are what `desk` and its code are,
    of the resource centre.
    """

    endpoint: Endpoint
    pages: Pages
    host: str = "127.0.0.1"
    port: int = 0
    names: Collection[str] = ()
    certificate: Path | None = None
    private_key: Path | None = field(default=None, repr=False)
    behind_tls: bool = False
    watched: Watched = field(default_factory=Watched)
    desk: Callable[[], contextlib.AbstractAsyncContextManager[Desk]] | None = None
    counter_code: str = field(default="", repr=False)
    board: Callable[[], contextlib.AbstractAsyncContextManager[Board]] | None = None
    books: Callable[[], contextlib.AbstractAsyncContextManager[Books]] | None = None
    centre_code: str = field(default="", repr=False)

    @property
    def origins(self) -> Origins:
        """Whose requests are heard."""
        names = frozenset(each.lower() for each in self.names) | LOCAL
        return Origins(names, secure=self.certificate is not None or self.behind_tls)

    async def give_service(self, _: Request) -> Response:
        """Name the service, host:port: the vault takes links of no other, since its calls all go there."""
        return JSONResponse({"server": self.endpoint.server}, headers={"Cache-Control": "no-store"})


def edge_app(edge: Edge, bridge: Bridge, more: Sequence[Route] = ()) -> ASGIApp:
    """Return the application over a bridge that was entered; `more` routes stand before the pages."""
    routes = [
        Route("/rpc/{method:path}", bridge.answer, methods=["POST"]),
        Route("/watched/service", edge.give_service, methods=["GET"]),
        Route("/watched/policy", edge.watched.give_policy, methods=["GET"]),
        Route("/watched/alarms", edge.watched.give_alarms, methods=["GET"]),
        Route("/watched/alarms/{name}", edge.watched.give_evidence, methods=["GET"]),
        *more,
        Route("/{path:path}", edge.pages.answer, methods=["GET"]),
    ]
    return Guarded(application(routes), edge.origins)


@contextlib.asynccontextmanager
async def serving(edge: Edge) -> AsyncIterator[int]:
    """Serve an edge until the block ends; gives its port. Raises OSError if it cannot listen."""
    async with contextlib.AsyncExitStack() as stack:
        bridge = await stack.enter_async_context(Bridge(edge.endpoint, edge.origins, proxied=edge.behind_tls))
        more = [*await _counter(edge, stack), *await _centre(edge, stack)]
        server = listening(
            edge_app(edge, bridge, more),
            edge.host,
            edge.port,
            certificate=edge.certificate,
            private_key=edge.private_key,
        )
        yield await stack.enter_async_context(server)


async def _counter(edge: Edge, stack: contextlib.AsyncExitStack) -> Sequence[Route]:
    if edge.desk is None:
        return ()
    desk = await stack.enter_async_context(edge.desk())
    board = None if edge.board is None else await stack.enter_async_context(edge.board())
    counter = Counter(desk, edge.counter_code, edge.origins, board=board)
    stack.callback(counter.close)
    return counter.routes()


async def _centre(edge: Edge, stack: contextlib.AsyncExitStack) -> Sequence[Route]:
    if edge.books is None:
        return ()
    centre = Centre(await stack.enter_async_context(edge.books()), edge.centre_code, edge.origins)
    stack.callback(centre.close)
    return centre.routes()
