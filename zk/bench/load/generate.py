"""The load generator: calls that start when a schedule says so, whether or not earlier ones were answered.

Each of some callers has a connection of its own and takes the next call of the schedule. When all of them
wait for answers, calls start late; their latency counts from when they were due, so a server that stalls is
charged for everything that should have happened meanwhile (no coordinated omission). Without a rate all calls
are due at once and each caller sends one after the other: that measures throughput, and latency then counts
from the sending.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any, Final

import grpc

from zk.bench.load.parties import Job
from zk.bench.load.processes import cpu_seconds
from zk.local_server import LocalServer

Call = grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]
_LEAD_SECONDS: Final = 0.05
_TIMEOUT_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Latency:
    """Percentiles in milliseconds."""

    p50: float
    p90: float
    p99: float
    p999: float
    most: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Latency":
        """Return the percentiles of some latencies in seconds."""
        ordered = sorted(each * 1e3 for each in seconds)

        def at(part: float) -> float:
            return ordered[min(len(ordered) - 1, int(len(ordered) * part))]

        return cls(at(0.5), at(0.9), at(0.99), at(0.999), ordered[-1])


@dataclass(frozen=True)
class Outcome:
    """What some calls cost. Processor times are those of the processes, in seconds a call or in cores."""

    callers: int
    calls: int
    rate: float | None
    per_second: float
    server_seconds: float
    server_cores: float
    generator_cores: float
    latency: Latency

    def document(self) -> dict[str, Any]:
        """Return the figures for a machine to read."""
        return asdict(self)


@asynccontextmanager
async def connections(server: LocalServer, count: int) -> AsyncIterator[list[grpc.aio.Channel]]:
    """Open that many TLS connections to a server."""
    credentials = grpc.ssl_channel_credentials(server.root.read_bytes())
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with AsyncExitStack() as stack:
        channels = [grpc.aio.secure_channel(server.address, credentials, options) for _ in range(count)]
        for channel in channels:
            await stack.enter_async_context(channel)
        await asyncio.gather(*(channel.channel_ready() for channel in channels))
        yield channels


async def drive(
    server: LocalServer, channels: Sequence[grpc.aio.Channel], job: Job, count: int, rate: float | None = None
) -> Outcome:
    """Make `count` calls, `rate` of them each second, and tell what they cost. Every call must succeed."""
    if count > len(job.messages) and not job.again:
        raise ValueError("each of these messages can be sent only once")
    waits = [0.0] * count
    todo = iter(range(count))
    begin = time.perf_counter() + _LEAD_SECONDS

    async def caller(channel: grpc.aio.Channel) -> None:
        call: Call = channel.unary_unary(job.method)
        for index in todo:
            due = begin + index / rate if rate else time.perf_counter()
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            message = job.messages[index % len(job.messages)]
            await call(message, metadata=job.metadata, timeout=_TIMEOUT_SECONDS)
            waits[index] = time.perf_counter() - due

    server_before, own_before, start = cpu_seconds(server.process), time.process_time(), time.perf_counter()
    await asyncio.gather(*(caller(channel) for channel in channels))
    seconds = time.perf_counter() - start
    server_cpu, own_cpu = cpu_seconds(server.process) - server_before, time.process_time() - own_before
    return Outcome(
        callers=len(channels),
        calls=count,
        rate=rate,
        per_second=count / seconds,
        server_seconds=server_cpu / count,
        server_cores=server_cpu / seconds,
        generator_cores=own_cpu / seconds,
        latency=Latency.of(waits),
    )
