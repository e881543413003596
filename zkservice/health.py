"""What the health service tells (grpc.health.v1), for whoever watches the server from outside.

Each service by its full name and the server as the empty name are SERVING until the server ends. `anchoring`
is there where a policy demands witnesses: NOT_SERVING while their quorum has been missing for too long. Its
absence keeps nobody from being served, so nothing else changes with it. `certificate` is NOT_SERVING while
the certificate ends soon, or what lies in its files is not taken (`certificates`).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

from grpc_health.v1 import health_pb2
from grpc_health.v1._async import HealthServicer

from zkservice.lateness import Lateness

ANCHORING: Final = "anchoring"
CERTIFICATE: Final = "certificate"
_SERVING: Final = health_pb2.HealthCheckResponse.SERVING
_IF_LATE: Final = {False: _SERVING, True: health_pb2.HealthCheckResponse.NOT_SERVING}


@asynccontextmanager
async def telling(
    health: HealthServicer, names: Sequence[str], lateness: Lateness | None
) -> AsyncIterator[None]:
    """Tell that the services of these names are there, and how anchoring goes; at the end, that all end."""
    for name in ("", *names):
        await health.set(name, _SERVING)
    following = None
    if lateness is not None:
        late = lateness.late
        await health.set(ANCHORING, _IF_LATE[late])
        following = asyncio.create_task(_follow(health, lateness, late))
    try:
        yield
    finally:
        if following is not None:
            following.cancel()
        await health.enter_graceful_shutdown()


def of_certificate(health: HealthServicer) -> Callable[[bool], Awaitable[None]]:
    """Return what tells how the certificate is."""

    async def tell(well: bool) -> None:
        await health.set(CERTIFICATE, _IF_LATE[not well])

    return tell


async def _follow(health: HealthServicer, lateness: Lateness, told: bool) -> None:
    while True:
        told = await lateness.other_than(told)
        await health.set(ANCHORING, _IF_LATE[told])
