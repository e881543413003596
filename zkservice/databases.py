"""The database that the settings name: held alone, and opened in the schema that this program has."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import structlog
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from zkservice.config import Settings
from zkservice.errors import StartError
from zkservice.hosting import only_process, only_user
from zkservice.storage import schema_version
from zkservice.storage.database import open_engine, sqlite_file

_UNUSABLE: Final = "the setting `database` is no URL of a database that can be used here"
"""What its URL says is not repeated: it may hold a password."""


@contextmanager
def held(settings: Settings) -> Iterator[None]:
    """Hold the data folder and the database's file alone, as whoever writes to a log does; StartError.

    Replicas on PostgreSQL have a folder each: between them the lease decides (`storage.lease`).
    """
    try:
        file = sqlite_file(settings.database_url)
    except (SQLAlchemyError, ValueError):
        raise StartError(_UNUSABLE) from None
    with only_process(settings.data), only_user(file):
        yield


def opened_engine(settings: Settings, *, upgrade: bool = False) -> Engine:
    """Open the database, which gets the schema if it has no tables, or is brought to it; StartError.

    One that a newer program has upgraded is opened as it is if its schema tolerates this program.
    """
    try:
        engine = open_engine(settings.database_url)
    except (SQLAlchemyError, ImportError, ValueError):
        raise StartError(_UNUSABLE) from None
    try:
        if upgrade:
            schema_version.upgrade(engine)
        schema = schema_version.require_newest(engine)
        if schema != (mine := schema_version.newest()):
            structlog.get_logger().warning("the schema is a newer one", schema=schema, program=mine)
    except SQLAlchemyError as error:
        engine.dispose()
        raise StartError(f"the database cannot be opened ({type(error).__name__})") from None
    except BaseException:
        engine.dispose()
        raise
    return engine
