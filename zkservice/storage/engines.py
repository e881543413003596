"""Engines on SQLite and PostgreSQL: how connections are set up, and what one server can hold up at most.

`database` writes and reads over an engine.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import QueuePool

from zkservice.storage.readers import THREADS

_WRITING: Final = int.from_bytes(b"zkwrite")
"""The lock that each write transaction takes first on PostgreSQL; a number of the database it stands in."""


def open_engine(url: str) -> Engine:
    """Open an engine on SQLite or PostgreSQL. Its errors do not hold the values of a statement, since these
    may reach a log. Raises SQLAlchemyError, ImportError.
    """
    parsed = make_url(url)
    if (kind := parsed.get_backend_name()) not in {"sqlite", "postgresql"}:
        raise ArgumentError("only SQLite and PostgreSQL")
    postgresql = kind == "postgresql"
    engine = create_engine(
        parsed,
        poolclass=QueuePool,
        pool_size=THREADS + 2,
        max_overflow=0,
        hide_parameters=True,
        connect_args=_missing_from(parsed) if postgresql else {},
    )
    if postgresql:
        _configure_postgresql(engine)
    else:
        _configure_sqlite(engine)
    return engine


def sqlite_file(url: str) -> Path | None:
    """Return the file of a SQLite database, by the one path that all its names lead to; None of another kind.

    Raises ValueError for one that is in no file, or named in SQLite's own way of writing URLs.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return None
    if not parsed.database or parsed.database.startswith((":", "file:")):
        raise ValueError
    return Path(parsed.database).resolve()


def _configure_sqlite(engine: Engine) -> None:
    """Set WAL, synchronous FULL, foreign keys, transactions that begin when we say.

    What is forgotten is also overwritten (secure_delete); copies of pages in the WAL live until it is.
    """

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _: object) -> None:
        connection.isolation_level = None
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            "secure_delete = ON",
            "busy_timeout = 10000",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writing = connection.get_execution_options().get("writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


_NETWORK: Final = {
    "connect_timeout": 3,
    "keepalives_idle": 2,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 5000,
}
"""By when a server that has vanished without a word is given up: at most five seconds. libpq's names."""

_SESSION: Final = {
    "synchronous_commit": "on",
    # A replica that is frozen or cut off within a transaction holds up all others until it is thrown out.
    "idle_in_transaction_session_timeout": "3s",
    "client_connection_check_interval": "1s",
    "tcp_keepalives_idle": "1",
    "tcp_keepalives_interval": "1",
    "tcp_keepalives_count": "2",
    "tcp_user_timeout": "3s",
    # Longer than that, so that whoever waits for its lock outlives it.
    "lock_timeout": "10s",
    "statement_timeout": "30s",
}


def _missing_from(url: URL) -> dict[str, int]:
    """Return what the operator's URL does not say itself."""
    return {name: value for name, value in _NETWORK.items() if name not in url.query}


def _configure_postgresql(engine: Engine) -> None:
    """Bound what one replica can hold up; let writes wait for one another, and reads see one state."""
    from psycopg import Cursor  # noqa: PLC0415, who stores in SQLite need not have it

    class OneByOne(Cursor[Any]):
        """PostgreSQL throws nobody out who idles in a transaction after a pipeline, which is psycopg's way of
        running a statement for several rows."""

        def executemany(self, query: Any, params_seq: Iterable[Any], *, returning: bool = False) -> None:
            for each in params_seq:
                self.execute(query, each)

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _: object) -> None:
        connection.cursor_factory = OneByOne
        connection.autocommit = True
        connection.execute("".join(f"SET {name} = '{value}';" for name, value in _SESSION.items()))
        connection.autocommit = False

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # READ COMMITTED: each statement after this one sees all that others committed before they gave it up.
        if connection.get_execution_options().get("writing", False):
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITING})")
