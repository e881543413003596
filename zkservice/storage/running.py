"""The servers that run on a database: each says so every minute, with the schema that its program has.

Times are the database's own, so no server's clock matters. On SQLite there is one server, which holds the
file alone: the rows that it finds were left by servers that were killed.
"""

import time
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, delete, inspect, select

from zkservice.storage import tables
from zkservice.storage.rows import put_all

LIVE_MS: Final = 180_000
"""Who was seen within so many milliseconds counts as running."""


@dataclass(frozen=True)
class Server:
    """A server: who it is, the version of its program, and the schema that this is written for."""

    id: str
    version: str
    schema: str


def seen(connection: Connection, server: Server) -> None:
    """Say that a server runs, in the transaction of whoever has checked that it may."""
    row = server.id, server.version, server.schema, _now_ms(connection)
    put_all(connection, tables.running_server, [row])


def gone(connection: Connection, server: Server) -> None:
    """Say that a server has ended; forget those that were not seen for long."""
    table = tables.running_server
    over = table.c.seen < _now_ms(connection) - LIVE_MS
    connection.execute(delete(table).where((table.c.id == server.id) | over))


def live(connection: Connection) -> list[Server]:
    """Return the servers that run beside whoever asks, in the order of their names."""
    table = tables.running_server
    if connection.dialect.name == "sqlite" or not inspect(connection).has_table(table.name):
        return []
    query = select(table.c.id, table.c.version, table.c.schema)
    recent = query.where(table.c.seen >= _now_ms(connection) - LIVE_MS).order_by(table.c.id)
    return [Server(*row) for row in connection.execute(recent)]


def _now_ms(connection: Connection) -> int:
    if connection.dialect.name == "sqlite":
        return time.time_ns() // 1_000_000
    asked = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint"
    now: int = connection.exec_driver_sql(asked).scalar_one()
    return now
