"""Attackers that speak TLS and HTTP/2 by themselves, as cheaply as they can, from an address of their own."""

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RESET, SETTINGS, PING, CONTINUATION = 0, 1, 3, 4, 6, 9
END_STREAM, END_HEADERS = 1, 4
_GIVEN_BACK_SECONDS: Final = 60.0
ATTACKER: Final = "127.0.0.66"
"""Loopback has many addresses, and honest callers have another one."""


TRUSTING: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # made once: an attacker does not waste its time
TRUSTING.check_hostname, TRUSTING.verify_mode = False, ssl.CERT_NONE
TRUSTING.set_alpn_protocols(["h2"])


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + payload


def _octets(text: bytes) -> bytes:
    """Return a string as HPACK has it, without Huffman coding."""
    if len(text) < 127:
        return bytes([len(text)]) + text
    rest, head = len(text) - 127, b"\x7f"
    while rest >= 128:
        head, rest = head + bytes([rest % 128 + 128]), rest // 128
    return head + bytes([rest]) + text


def opening(stream: int, path: str, **more: bytes) -> bytes:
    """Return the headers of a call."""
    fields = {
        b":method": b"POST", b":scheme": b"https", b":path": path.encode(), b":authority": b"localhost",
        b"content-type": b"application/grpc", b"te": b"trailers",
        **{name.replace("_", "-").encode(): value for name, value in more.items()},
    }  # fmt: skip
    block = b"".join(b"\0" + _octets(name) + _octets(value) for name, value in fields.items())
    first, rest = block[:16_000], block[16_000:]
    head = frame(HEADERS, 0 if rest else END_HEADERS, stream, first)
    while rest:
        part, rest = rest[:16_000], rest[16_000:]
        head += frame(CONTINUATION, 0 if rest else END_HEADERS, stream, part)
    return head


def message(stream: int, octets: bytes, *, ends: bool = True) -> bytes:
    """Return a call's message, in frames that every receiver takes."""
    whole = b"\0" + struct.pack(">I", len(octets)) + octets
    parts = [whole[at : at + 16_000] for at in range(0, len(whole), 16_000)]
    last = len(parts) - 1
    return b"".join(
        frame(DATA, END_STREAM if ends and place == last else 0, stream, part)
        for place, part in enumerate(parts)
    )


@asynccontextmanager
async def connected(
    address: str, settings: bytes = b""
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Open a connection from the attacker's address; what comes back is read and thrown away."""
    port = int(address.rsplit(":", 1)[1])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=TRUSTING, local_addr=(ATTACKER, 0))
    draining = asyncio.create_task(_drained(reader))
    try:
        writer.write(PREFACE + frame(SETTINGS, 0, 0, settings))
        yield reader, writer
    finally:
        draining.cancel()
        writer.transport.abort()  # whatever has not been sent


async def _drained(reader: asyncio.StreamReader) -> None:
    with suppress(OSError):
        while await reader.read(1 << 16):
            pass


Sent = Callable[[int], bytes]
"""What is sent in the n-th turn of a connection."""


async def flood(address: str, seconds: float, connections: int, sent: Sent, settings: bytes = b"") -> int:
    """Send as fast as the server reads, over so many connections, again when cut; return the turns."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + seconds

    turns = 0

    def counted(turn: int) -> bytes:
        nonlocal turns
        turns += 1
        return sent(turn)

    async def one() -> None:
        while loop.time() < ends:
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout_at(ends):
                    await _sending(address, counted, settings)
            await asyncio.sleep(0.01)

    await asyncio.gather(*(one() for _ in range(connections)))
    return turns


async def _sending(address: str, sent: Sent, settings: bytes) -> None:
    turn = 0
    async with connected(address, settings) as (_, writer):
        while not writer.is_closing():
            writer.write(sent(turn))
            await writer.drain()
            turn += 1
            await asyncio.sleep(0)


@asynccontextmanager
async def silent(address: str, count: int) -> AsyncIterator[None]:
    """Hold connections that never say a word."""
    port = int(address.rsplit(":", 1)[1])
    opened = [
        await asyncio.open_connection("127.0.0.1", port, local_addr=(ATTACKER, 0)) for _ in range(count)
    ]
    try:
        yield
    finally:
        for _, writer in opened:
            writer.close()


def streams(turn: int, each: int = 16) -> Iterator[int]:
    """Give the numbers of a turn's streams."""
    return (2 * (turn * each + number) + 1 for number in range(each))


Attack = Callable[[str, float], Awaitable[int]]


def resident(pid: int) -> int:
    """Return the resident memory of a process, in octets."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) << 10
    raise AssertionError("the process has ended")


async def shrinks(pid: int, size: int) -> bool:
    """Wait until a process is as small as that; tell whether it was in time."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + _GIVEN_BACK_SECONDS
    while resident(pid) > size:
        if loop.time() > ends:
            return False
        await asyncio.sleep(0.5)
    return True
