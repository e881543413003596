"""A proxy of TCP between client and server, which holds answers back and cuts connections when told to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from wire.client import Calling, Endpoint


@dataclass
class Cutter:
    """Where it listens, where it leads to, and what it does meanwhile; it sees only what TLS lets it see."""

    address: str
    target: str
    lets_through: asyncio.Event = field(default_factory=asyncio.Event)
    connections: int = 0
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    def hold_answers(self) -> None:
        """Hand on what clients send, and keep what servers answer."""
        self.lets_through.clear()

    def cut(self) -> None:
        """Cut all connections; what was kept is lost, and new ones are handed on as usual."""
        for each in self._open:
            each.transport.abort()
        self._open.clear()
        self.lets_through = asyncio.Event()
        self.lets_through.set()

    def endpoint(self, root: bytes, calling: Calling | None = None) -> Endpoint:
        return Endpoint(self.address, root, calling or Calling())

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            host, _, port = self.target.rpartition(":")
            behind, ahead = await asyncio.open_connection(host, int(port))
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, ahead}
        through = self.lets_through
        with suppress(OSError):
            await asyncio.gather(_passed(reader, ahead), _passed(behind, writer, through))

    async def _serving(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.CancelledError):  # the end of the test is no error of the proxy's
            await self._connected(reader, writer)


async def _passed(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, through: asyncio.Event | None = None
) -> None:
    while octets := await reader.read(1 << 16):
        if through is not None:
            await through.wait()
        writer.write(octets)
        await writer.drain()
    writer.close()


@asynccontextmanager
async def cutter(target: str) -> AsyncIterator[Cutter]:
    """Stand before a server, at localhost, until the block ends."""
    made = Cutter("", target)
    made.lets_through.set()
    server = await asyncio.start_server(made._serving, "127.0.0.1", 0)
    made.address = f"localhost:{server.sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        server.close()
        made.cut()


async def until(holds: Callable[[], bool] | Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
    """Wait until something holds; TimeoutError."""
    async with asyncio.timeout(seconds):
        while True:
            found = holds()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.02)
