"""The database of a folder whose server is stopped, with the log's keys, for whoever writes in its place."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from zkservice.config import Settings
from zkservice.databases import held, opened_engine
from zkservice.errors import ServiceError, StartError
from zkservice.keyring.following import open_stored
from zkservice.keyring.opening import open_keys
from zkservice.log_keys import LogKeys
from zkservice.presence import present
from zkservice.storage.database import Database


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[tuple[Database, LogKeys]]:
    """Hold a data folder and its database alone and give that with the log's keys; StartError."""
    if not settings.data.is_dir():
        raise StartError(f"{settings.data} is no data folder of a server")
    with held(settings):
        kept = open_keys(settings, make=False)
        database = Database(opened_engine(settings))
        try:
            async with present(database):
                keys = (await database.read(lambda each: open_stored(each, kept))).keys
                found = await database.write(lambda each: LogKeys.load(each, keys, settings.log_origin))
                yield database, found
        except ServiceError as error:
            raise StartError(f"the database failed: {error.detail}") from None
        finally:
            await asyncio.to_thread(database.close)
