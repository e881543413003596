"""HTTP/2 written by hand (RFC 9113), for what no gRPC client does: a call is opened and nothing is sent."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_HEADERS, _SETTINGS, _END_OF_HEADERS = 1, 4, 4


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + payload


def _literal(name: bytes, value: bytes) -> bytes:
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


def _opening(stream: int, path: str) -> bytes:
    fields = {
        b":method": b"POST",
        b":scheme": b"https",
        b":path": path.encode(),
        b":authority": b"localhost",
        b"content-type": b"application/grpc",
        b"te": b"trailers",
    }
    block = b"".join(_literal(name, value) for name, value in fields.items())
    return _frame(_HEADERS, _END_OF_HEADERS, stream, block)


@asynccontextmanager
async def half_open(address: str, path: str, count: int) -> AsyncIterator[None]:
    """Hold a connection with so many calls of which only the headers were sent."""
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    trusting.set_alpn_protocols(["h2"])
    host, port = address.rsplit(":", 1)
    reader, writer = await asyncio.open_connection(host, int(port), ssl=trusting)
    try:
        writer.write(_PREFACE + _frame(_SETTINGS, 0, 0, b""))
        await reader.readexactly(9)  # the server's settings: it speaks HTTP/2
        writer.write(b"".join(_opening(2 * number + 1, path) for number in range(count)))
        await writer.drain()
        yield
    finally:
        writer.close()
