"""The database of a folder whose server is stopped, with the log's keys, for whoever writes in its place."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.exc import SQLAlchemyError

from zkservice.config import Settings
from zkservice.errors import ServiceError, StartError
from zkservice.hosting import only_process
from zkservice.keys import Keys
from zkservice.log_keys import LogKeys
from zkservice.storage import schema_version
from zkservice.storage.database import Database, open_engine


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[tuple[Database, LogKeys]]:
    """Hold a data folder alone and give its database with the log's keys; StartError."""
    if not settings.data.is_dir():
        raise StartError(f"{settings.data} is no data folder of a server")
    with only_process(settings.data):
        keys = Keys.load(settings.data / "keys", make=False)
        database = _database(settings)
        try:
            yield database, await database.write(lambda each: LogKeys.load(each, keys, settings.log_origin))
        except ServiceError as error:
            raise StartError(f"the database failed: {error.detail}") from None
        finally:
            await asyncio.to_thread(database.close)


def _database(settings: Settings) -> Database:
    try:
        engine = open_engine(settings.database_url)
    except (SQLAlchemyError, ImportError):  # the text may hold a password
        raise StartError("the setting `database` is no URL of a database that can be used here") from None
    try:
        schema_version.require_newest(engine)
    except SQLAlchemyError as error:
        engine.dispose()
        raise StartError(f"the database cannot be opened ({type(error).__name__})") from None
    except BaseException:
        engine.dispose()
        raise
    return Database(engine)
