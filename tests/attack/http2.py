"""One connection of TLS and HTTP/2 frames written by hand, and what the server says to them."""

import asyncio
from contextlib import suppress

from tests.reliability.flooding import ATTACKER, PREFACE, SETTINGS, TRUSTING, frame

SETTLED_SECONDS = 0.3
"""A server that has said nothing for so long has answered. A slower one is heard less of, never more."""


async def answer_to(address: str, octets: bytes, *, seconds: float = 20) -> bytes:
    """Open a connection, send octets, return what is answered until the server falls silent or hangs up."""
    port = int(address.rsplit(":", 1)[1])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=TRUSTING, local_addr=(ATTACKER, 0))
    told = b""
    try:
        with suppress(OSError, TimeoutError):
            writer.write(PREFACE + frame(SETTINGS, 0, 0) + octets)
            await writer.drain()
            while part := await asyncio.wait_for(reader.read(1 << 16), SETTLED_SECONDS if told else seconds):
                told += part
    finally:
        writer.transport.abort()
    return told
