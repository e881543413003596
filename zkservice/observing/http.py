"""Metrics and readiness over HTTP, for an operator's own network: `/metrics`, `/live`, `/ready`.

A port of its own, by default on loopback, without TLS and without asking who comes: what it tells has no
person in it, but says how busy the service is. It answers while gRPC is overloaded, and tells of each
dependency whether it is there.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from consortium.serving import application, listening, plain
from zkservice.config import Settings
from zkservice.context import Context
from zkservice.errors import StartError
from zkservice.observing.dependencies import Dependencies
from zkservice.observing.metrics import version

_CONNECTIONS: Final = 32
_UNKEPT: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


@contextlib.asynccontextmanager
async def telling(
    settings: Settings,
    context: Context,
    registry: CollectorRegistry,
    dependencies: Dependencies,
    *,
    shared: bool = False,
) -> AsyncIterator[int | None]:
    """Serve on `metrics_port` until the block ends; give the port, None if none is set.

    Whoever takes this server's place may listen on it already if it is `shared`. Raises StartError.
    """
    if settings.metrics_port is None:
        yield None
        return
    host, port = settings.metrics_host, settings.metrics_port
    app = application(_routes(context, registry, dependencies))
    async with contextlib.AsyncExitStack() as stack:
        try:
            taken = await stack.enter_async_context(
                listening(app, host, port, connections=_CONNECTIONS, from_one=_CONNECTIONS, shared=shared)
            )
        except OSError:
            raise StartError(f"{host}:{port} (metrics_port) cannot be listened on") from None
        yield taken


def _routes(context: Context, registry: CollectorRegistry, dependencies: Dependencies) -> list[Route]:
    async def metrics(_: Request) -> Response:
        octets = await asyncio.to_thread(generate_latest, registry)
        return Response(octets, headers=_UNKEPT, media_type=CONTENT_TYPE_PLAIN_0_0_4)

    async def live(_: Request) -> Response:
        return plain(200, "live")

    async def ready(_: Request) -> Response:
        status = 200 if dependencies.ready else 503
        return JSONResponse(_told(context, dependencies), status, _UNKEPT)

    return [Route("/metrics", metrics), Route("/live", live), Route("/ready", ready)]


def _told(context: Context, looked: Dependencies) -> dict[str, object]:
    states = looked.states
    return {
        "ready": looked.ready,
        "stopping": looked.stopping,
        "missing": [name.value for name, well in states.items() if not well],
        "dependencies": {name.value: well for name, well in states.items()},
        "certificate_ends": looked.ends.isoformat(timespec="seconds"),
        "time": context.now().isoformat(timespec="milliseconds"),
        "version": version(),
    }
