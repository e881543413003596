"""The check service's process: opens its folder and keys, listens, and ends in order.

Start: the folder is locked, so there is one process with the key; certificate, keys and journals are opened,
and only then the port. End: no new calls, those in flight finish within the drain time.
"""

import asyncio
import contextlib
import datetime as dt
import signal
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import grpc
import structlog
import uvloop
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer

from wire.client import MAX_MESSAGE_OCTETS
from zkproto.v1 import keyed_pb2, keyed_pb2_grpc
from zkservice import logs, tls
from zkservice.calls import Calls
from zkservice.errors import StartError
from zkservice.hosting import (
    CONNECTION,
    SPARE_CALLS,
    bound,
    connections_of,
    only_process,
    warn_of_memory,
)
from zkservice.keyed.journal import Answered, Made
from zkservice.keyed.secret import load_secrets
from zkservice.keyed.service import KeyedCheck
from zkservice.keyed.settings import CheckSettings
from zkservice.keys import load_admin_token
from zkservice.limits import Limits
from zkservice.watching import Watching

_SERVICE: Final = keyed_pb2.DESCRIPTOR.services_by_name["KeyedCheckService"].full_name


@dataclass(frozen=True)
class CheckReady:
    """What a started check service tells: its address, and the digest of its keys, which everybody pins."""

    address: str
    keys: bytes


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def serve(settings: CheckSettings, on_ready: Callable[[CheckReady], None] = lambda _: None) -> None:
    """Run a check service until SIGINT or SIGTERM; raises StartError if it cannot start."""
    logs.configure(settings.log_level)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, on_ready))


async def _serve(settings: CheckSettings, on_ready: Callable[[CheckReady], None]) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with running(settings) as ready:
        on_ready(ready)
        structlog.get_logger().info("ready", address=ready.address, keys=ready.keys.hex())
        await stop.wait()
        structlog.get_logger().info("stopping")


@contextlib.asynccontextmanager
async def running(
    settings: CheckSettings, *, clock: Callable[[], dt.datetime] = _now
) -> AsyncIterator[CheckReady]:
    """Run a check service inside the running event loop; StartError."""
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with only_process(settings.data), contextlib.ExitStack() as stack:
        private_key, chain = tls.server_credentials(settings, clock())
        secrets = load_secrets(settings)
        staff_token = load_admin_token(settings.data)
        answered, made = Answered(settings.data, clock()), Made(settings.data)
        crypto = ThreadPoolExecutor(1, "crypto")
        for end in (answered.close, made.close, crypto.shutdown):
            stack.callback(end)
        service = KeyedCheck(settings.data, secrets, staff_token, answered, made, crypto, clock)
        async with _listening(settings, service, private_key, chain) as port:
            yield CheckReady(f"{settings.public_host}:{port}", secrets.published.digest)


@contextlib.asynccontextmanager
async def _listening(
    settings: CheckSettings, service: KeyedCheck, private_key: bytes, chain: bytes
) -> AsyncIterator[int]:
    watching = Watching(max(1, settings.max_concurrent_calls // 4))
    calls = Calls(settings.max_message_octets, watching)
    connections = connections_of(settings.max_connections, 1)
    server = grpc.aio.server(
        interceptors=[Limits(settings), calls],
        options=[
            *CONNECTION,
            bound(connections),
            ("grpc.max_receive_message_length", min(2 * settings.max_message_octets, MAX_MESSAGE_OCTETS)),
            ("grpc.so_reuseport", 0),
        ],
        # Beyond the places that Limits has: calls that are being refused, or whose answer nobody reads.
        maximum_concurrent_rpcs=2 * settings.max_concurrent_calls + SPARE_CALLS,
    )
    keyed_pb2_grpc.add_KeyedCheckServiceServicer_to_server(service, server)
    health = HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    credentials = grpc.ssl_server_credentials([(private_key, chain)])
    try:
        port = server.add_secure_port(f"{settings.host}:{settings.port}", credentials)
    except RuntimeError:
        raise StartError(f"{settings.host}:{settings.port} cannot be listened on") from None
    if not settings.dev:
        warn_of_memory(connections)
    await server.start()
    for name in ("", _SERVICE):
        await health.set(name, health_pb2.HealthCheckResponse.SERVING)
    try:
        yield port
    finally:
        await health.enter_graceful_shutdown()
        watching.end()
        await server.stop(settings.drain_seconds)
        calls.end()
