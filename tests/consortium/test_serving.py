"""Bounds of the HTTP server against whoever only holds connections."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from types import SimpleNamespace

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from consortium import serving
from consortium.serving import application, listening, plain
from consortium.tiles_app import tiles_app
from tests.consortium.making import MemoryLog

GET = b"GET /checkpoint HTTP/1.1\r\nHost: x\r\n"


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def ended(reader: asyncio.StreamReader) -> bytes:
    """Return what still comes until the other side has closed, in whatever way."""
    async with asyncio.timeout(5):
        try:
            return await reader.read()
        except ConnectionError:
            return b""


async def test_a_body_that_nobody_reads_holds_no_connection() -> None:
    """It has its answer, and would go on sending an octet now and then for ever."""
    app = tiles_app(MemoryLog().grow(2))
    async with listening(app, "127.0.0.1", 0) as port, connected(port) as (reader, writer):
        writer.write(GET + b"Content-Length: 1000000\r\n\r\n")
        assert (await ended(reader)).startswith(b"HTTP/1.1 200")


async def test_a_client_is_who_is_connected_whatever_it_writes() -> None:
    """Also one of this machine, which uvicorn would believe by itself."""

    async def told(request: Request) -> Response:
        assert request.client is not None
        return plain(200, f"{request.url.scheme} {request.client.host}")

    written = b"X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n\r\n"
    app = application([Route("/checkpoint", told)])
    async with listening(app, "127.0.0.1", 0) as port, connected(port) as (reader, writer):
        writer.write(GET + written)
        assert (await ended(reader)).endswith(b"\r\n\r\nhttp 127.0.0.1\n")


@pytest.mark.parametrize(("in_all", "from_one"), [(3, 99), (99, 3)], ids=["in all", "from one address"])
async def test_what_is_too_many_is_closed_and_leaves_room_when_it_goes(
    in_all: int, from_one: int, capfd: pytest.CaptureFixture[str]
) -> None:
    app = tiles_app(MemoryLog().grow(2))
    async with listening(app, "127.0.0.1", 0, connections=in_all, from_one=from_one) as port:
        async with AsyncExitStack() as stack:
            for _ in range(3):
                reader, writer = await stack.enter_async_context(connected(port))
                writer.write(GET + b"\r\n")
                assert await reader.readuntil(b"\r\n\r\n")
            for _ in range(5):
                async with connected(port) as (reader, _writer):
                    assert await ended(reader) == b""
        async with asyncio.timeout(5):
            while True:
                async with connected(port) as (reader, writer):
                    writer.write(GET + b"Connection: close\r\n\r\n")
                    if (await ended(reader)).startswith(b"HTTP/1.1 200"):
                        break
    assert capfd.readouterr().err == ""


def test_an_address_of_ipv6_is_one_of_its_network() -> None:
    def of(address: str) -> str:
        return serving._of(SimpleNamespace(client=(address, 1)))

    assert of("2001:db8:1:2:3::4") == of("2001:db8:1:2:ffff::1") != of("2001:db8:1:3::4")
    assert of("192.0.2.1") != of("192.0.2.2")
    assert of("::1") != of("::2")
    assert serving._of(SimpleNamespace(client=None)) == ""
