"""A server says that it runs, so that no upgrade takes away what it needs; and ends where one has.

Entering checks the schema and writes the server's row in one write, as an upgrade is one: either the upgrade
sees the server, or the server sees the upgrade. A server that was frozen or cut off for so long that it
counted as gone looks again with its next beat.
"""

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from importlib import metadata
from typing import Final, NoReturn

import structlog
from sqlalchemy import Connection

from zkservice.errors import ServiceError, StartError
from zkservice.storage import running, schema_version
from zkservice.storage.database import Database
from zkservice.storage.running import Server

_BEAT_SECONDS: Final = 60.0
_AGAIN_SECONDS: Final = 5.0


def myself() -> Server:
    """Return a name that tells an operator which process it is, and is no other's."""
    name = f"{socket.gethostname()[:64]}.{os.getpid()}.{secrets.token_hex(4)}"
    return Server(name, metadata.version("zk-disclosure")[:64], schema_version.newest())


@asynccontextmanager
async def present(database: Database, failed: asyncio.Event | None = None) -> AsyncIterator[Server]:
    """Say every minute that a server runs, until the block ends.

    Raises StartError if the schema does not tolerate this program, at once or, having set `failed`, at the
    end; ServiceError.
    """
    server = myself()
    await database.write(partial(_enter, server))
    beating = asyncio.create_task(_beat(database, server))
    if failed is not None:
        beating.add_done_callback(lambda _: failed.set())
    try:
        yield server
    finally:
        beating.cancel()
        await asyncio.wait((beating,))
        with suppress(ServiceError):  # then it counts as running for three minutes more
            await database.write(lambda each: running.gone(each, server))
    if not beating.cancelled():
        beating.result()


def _enter(server: Server, connection: Connection) -> None:
    schema_version.check(connection)
    running.seen(connection, server)


async def _beat(database: Database, server: Server) -> NoReturn:
    pause = _BEAT_SECONDS
    while True:
        await asyncio.sleep(pause)
        try:
            await database.write(partial(_enter, server))
            pause = _BEAT_SECONDS
        except ServiceError:
            pause = _AGAIN_SECONDS
        except StartError as error:
            structlog.get_logger().error("this server has to end", reason=str(error))
            raise
