"""An HTTP server inside the running event loop, bounded against whoever connects.

uvicorn with nothing of a process of its own: no signals, no log of accesses. A connection gets so many
seconds for the head of each request and for taking its answer, and a body so many octets, of which nobody
reads what comes after the answer. How many connections there are at once, and from one address, is limited
too: what comes beyond is closed without an answer. Behind a proxy all come from its address, so it opens few.
"""

import asyncio
import contextlib
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

import h11
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

CONNECTIONS: Final = 512
FROM_ONE: Final = 128
"""Connections of one address, or of one network of 64 bits where it is of IPv6."""
HEAD_SECONDS: Final = 10.0
BODY_SECONDS: Final = 10.0
ANSWER_SECONDS: Final = 30.0
_HEAD_OCTETS: Final = 16 << 10
_IDLE_SECONDS: Final = 60
_END_SECONDS: Final = 3


class BodyError(Exception):
    """A request's body that is too long (413) or too slow (408)."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


async def body_of(request: Request, most: int) -> bytes:
    """Read a request's body; BodyError if it has more than `most` octets or does not end in time."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for piece in request.stream():
                body += piece
                if len(body) > most:
                    raise BodyError(413)
    except TimeoutError:
        raise BodyError(408) from None
    return bytes(body)


def application(routes: Sequence[Route], handlers: Mapping[Any, Any] | None = None) -> Starlette:
    """Return an application whose resources have one path each: no answer leads elsewhere, or names hosts."""
    made = Starlette(routes=routes, exception_handlers=handlers)
    made.router.redirect_slashes = False
    return made


def plain(status: int, text: str, headers: dict[str, str] | None = None) -> Response:
    """Return an answer of one line of text, which nobody keeps unless `headers` say so."""
    given = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"} | (headers or {})
    return Response(f"{text}\n", status, given, "text/plain; charset=utf-8")


@contextlib.asynccontextmanager
async def listening(
    app: ASGIApp,
    host: str,
    port: int,
    *,
    certificate: Path | None = None,
    private_key: Path | None = None,
    password: str | None = None,
    secured: Callable[[ssl.SSLContext], None] = lambda _: None,
    connections: int = CONNECTIONS,
    from_one: int = FROM_ONE,
    shared: bool = False,
) -> AsyncIterator[int]:
    """Serve an application until the block ends; gives the port, which 0 lets the system choose.

    With a certificate chain and its key (PEM files) it speaks TLS; an encrypted key takes its password.
    `secured` is given the context, of which whoever has another pair later may change the certificate. Other
    processes of the same user may listen on the port too if it is `shared`. Raises OSError if the address
    cannot be listened on or the certificate not be read.
    """
    config = uvicorn.Config(
        app,
        http=cast(Any, partial(_ImpatientProtocol, from_one)),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        # By itself uvicorn believes x-forwarded-for of whoever is on this machine. Whose word counts is the
        # service's to know (docs/limits.md): a client is who is connected.
        proxy_headers=False,
        limit_concurrency=connections,
        timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=_END_SECONDS,
        h11_max_incomplete_event_size=_HEAD_OCTETS,
        ssl_certfile=certificate,
        ssl_keyfile=private_key,
        ssl_keyfile_password=password,
    )
    config.load()
    if config.ssl is not None:
        secured(config.ssl)
    server = _Server(config)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family, backlog=connections, reuse_port=shared) as bound:
        bound.setblocking(False)
        # Connections inherit it; without it an answer's second packet waits 40 ms for the first's receipt.
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        task = asyncio.create_task(server.serve(sockets=[bound]))
        try:
            while not server.started and not task.done():
                await asyncio.sleep(0.01)
            if task.done():
                await task
            yield bound.getsockname()[1]
        finally:
            server.should_exit = True
            await task


class _Server(uvicorn.Server):
    """A server that leaves the process's signals alone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _ImpatientProtocol(H11Protocol):
    """Closes a connection whose next request's head does not come, or does not end, or whose answer is not
    taken, in time.
    """

    _waiting: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    def __init__(self, from_one: int, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._most, self._from_one = self.limit_concurrency or CONNECTIONS, from_one
        self.limit_concurrency = None  # an answer to each of too many, and a line in the log, is too much

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        others = self.connections - {self}
        if len(others) >= self._most or sum(_of(each) == _of(self) for each in others) >= self._from_one:
            transport.abort()
        else:
            self._expect()

    def on_response_complete(self) -> None:
        # Who has its answer and still sends a body would hold the connection for as long as it likes.
        if self.conn.their_state is h11.SEND_BODY and not self.transport.is_closing():
            self.transport.close()
        super().on_response_complete()

    def data_received(self, data: bytes) -> None:
        if self._waiting is None and self.conn.their_state is h11.IDLE:
            self._expect()
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._settled()

    def connection_lost(self, exc: Exception | None) -> None:
        self._settled()
        self._taken()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread = self.loop.call_later(ANSWER_SECONDS, self._drop)

    def resume_writing(self) -> None:
        self._taken()
        super().resume_writing()

    def _expect(self) -> None:
        self._waiting = self.loop.call_later(HEAD_SECONDS, self._close)

    def _settled(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _taken(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _drop(self) -> None:
        # Closing would wait for the peer to take what is buffered, which is what it does not do.
        self._unread = None
        self.transport.abort()

    def _close(self) -> None:
        self._waiting = None
        if not self.transport.is_closing():
            self.transport.close()


def _of(connection: Any) -> str:
    """Return whose a connection is: the address that it comes from, or its network's."""
    return network_of(connection.client[0] if connection.client else "")


def network_of(address: str) -> str:
    """Return an address, or the network of 64 bits that one of IPv6 belongs to; "" for what is none."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None and not parsed.is_loopback:
        return str(ipaddress.IPv6Network((int(parsed) >> 64 << 64, 64)))
    return address
