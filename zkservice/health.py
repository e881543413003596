"""What the health service tells (grpc.health.v1), for whoever watches the server from outside.

Each service by its full name and the server as the empty name are SERVING until the server ends. `database`,
`sequencer` and `workers` are NOT_SERVING while that is missing; calls that do not need it are answered all
the same. `certificate` is so while the certificate ends soon, or what lies in its files is not taken
(`server_certificate`). `anchoring` is there where a policy demands witnesses: NOT_SERVING while their quorum
has been missing for too long. Its absence keeps nobody from being served.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

from grpc_health.v1 import health_pb2
from grpc_health.v1._async import HealthServicer

from zkservice.lateness import Lateness
from zkservice.observing.dependencies import REQUIRED, Dependencies, Name

ANCHORING: Final = "anchoring"
CERTIFICATE: Final = "certificate"
_SERVING: Final = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING: Final = health_pb2.HealthCheckResponse.NOT_SERVING
_IF_LATE: Final = {False: _SERVING, True: _NOT_SERVING}


@asynccontextmanager
async def telling(
    health: HealthServicer, names: Sequence[str], lateness: Lateness | None, looked: Dependencies
) -> AsyncIterator[None]:
    """Tell that the services of these names are there, how anchoring goes and what else the server depends
    on; at the end, that all end."""
    for name in ("", *names):
        await health.set(name, _SERVING)
    states = looked.states
    await _tell(health, states)
    following = [asyncio.create_task(_follow_others(health, looked, states))]
    if lateness is not None:
        late = lateness.late
        await health.set(ANCHORING, _IF_LATE[late])
        following.append(asyncio.create_task(_follow(health, lateness, late)))
    try:
        yield
    finally:
        for each in following:
            each.cancel()
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


async def _follow_others(health: HealthServicer, looked: Dependencies, told: dict[Name, bool]) -> None:
    while True:
        told = await looked.other_than(told)
        await _tell(health, told)


async def _tell(health: HealthServicer, states: Mapping[Name, bool]) -> None:
    for each in sorted(REQUIRED - {Name.CERTIFICATE}):  # of which `of_certificate` tells more
        await health.set(each.value, _SERVING if states[each] else _NOT_SERVING)
