"""The vault's file: an SQLite database that holds a header and sealed records, and nothing else.

What can be read without the passphrase: the header, how many records there are, and the length of each in
steps of 512 octets. Identifiers of records are random and the table has no row numbers, so not even the order
of writing shows. Names, values, kinds and times are sealed.

What is durable when: every use case is one transaction. When `writing` has ended without an error its changes
survive a crash of the process and of the machine (WAL with synchronous FULL); when it ended with one, or the
process died in it, none of its changes is there. A vault whose making was cut short counts as not made, and
making it again succeeds.

Two processes may have one vault open: SQLite lets one write at a time, the other waits for `patience` and is
then told VAULT_BUSY. The cipher shows any change to a record; that a record was taken out, or that one or all
were put back to an older state, it cannot show.
"""

import datetime as dt
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    create_engine,
    delete,
    event,
    insert,
    select,
    update,
)
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from prover.errors import VaultFileError, VaultReason

RECORD_ID_OCTETS: Final = 16
PATIENCE: Final = dt.timedelta(seconds=5)
VERSION: Final = 1
APPLICATION_ID: Final = 0x7A6B_7661
_HEADER_ROW: Final = 1
_MODE: Final = 0o600

_METADATA: Final = MetaData()
_HEADER: Final = Table(
    "header",
    _METADATA,
    Column("id", Integer, primary_key=True),
    Column("octets", LargeBinary, nullable=False),
)
_RECORD: Final = Table(
    "record",
    _METADATA,
    Column("id", LargeBinary, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)


class Transaction:
    """What can be read and written in one transaction; ends with the `with` statement that gave it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def header(self) -> bytes:
        """Return the header; VaultFileError VAULT_DAMAGED if there is none."""
        octets: object = self._connection.scalar(select(_HEADER.c.octets).where(_HEADER.c.id == _HEADER_ROW))
        if not isinstance(octets, bytes):
            raise _damaged()
        return octets

    def put_header(self, octets: bytes) -> None:
        """Put another header in the place of the one there is."""
        self._connection.execute(update(_HEADER).where(_HEADER.c.id == _HEADER_ROW).values(octets=octets))

    def records(self) -> list[tuple[bytes, bytes]]:
        """Return all records, each as its identifier and its sealed octets."""
        rows = self._connection.execute(select(_RECORD.c.id, _RECORD.c.sealed)).all()
        if not all(isinstance(each, bytes) for row in rows for each in row):
            raise _damaged()
        return [(row.id, row.sealed) for row in rows]

    def record(self, record_id: bytes) -> bytes | None:
        """Return one record's sealed octets, if there is such a record."""
        found: object = self._connection.scalar(select(_RECORD.c.sealed).where(_RECORD.c.id == record_id))
        if found is not None and not isinstance(found, bytes):
            raise _damaged()
        return found

    def put(self, record_id: bytes, sealed: bytes) -> None:
        """Write a record, in the place of the one of the same identifier if there is one."""
        values = {"id": record_id, "sealed": sealed}
        self._connection.execute(insert(_RECORD).prefix_with("OR REPLACE").values(**values))

    def delete(self, record_id: bytes) -> None:
        """Remove a record; what it held is overwritten."""
        self._connection.execute(delete(_RECORD).where(_RECORD.c.id == record_id))


class Store:
    """An opened file. Usable by several threads, each in a transaction of its own."""

    def __init__(self, engine: Engine) -> None:
        """Wrap an engine; use `create` or `open`."""
        self._engine = engine

    @classmethod
    def create(cls, path: Path, header: bytes, *, patience: dt.timedelta = PATIENCE) -> "Store":
        """Make the file with its header; VaultFileError VAULT_EXISTS, VAULT_BUSY, VAULT_UNAVAILABLE; OSError.

        The file has mode 0600 before anything is written to it; SQLite gives its side files the same mode.
        """
        # The header is committed before WAL is switched on, so that a crash before leaves an empty file.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, _MODE))
        store = cls(_engine(path, patience))
        try:
            with store.writing() as transaction:
                store._make(transaction._connection, path, header)
            store._outside("PRAGMA journal_mode = WAL")
        except VaultFileError as error:
            store.close()
            if error.reason == VaultReason.VAULT_DAMAGED:
                raise _exists() from None
            raise
        return store

    @staticmethod
    def _make(connection: Connection, path: Path, header: bytes) -> None:
        if connection.exec_driver_sql("SELECT count(*) FROM sqlite_schema").scalar_one():
            raise _exists()
        path.chmod(_MODE)
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")
        _METADATA.create_all(connection, checkfirst=False)
        connection.execute(insert(_HEADER).values(id=_HEADER_ROW, octets=header))

    @classmethod
    def open(cls, path: Path, *, patience: dt.timedelta = PATIENCE) -> "Store":
        """Open the file; VaultFileError VAULT_NOT_FOUND, VERSION_UNKNOWN, VAULT_DAMAGED, VAULT_BUSY."""
        if not path.is_file() or not path.stat().st_size:
            raise VaultFileError(VaultReason.VAULT_NOT_FOUND, "there is no vault here; make one first")
        store = cls(_engine(path, patience))
        try:
            with store.reading() as transaction:
                _check_version(transaction._connection)
                transaction.header()
            store._outside("PRAGMA journal_mode = WAL")
        except VaultFileError:
            store.close()
            raise
        return store

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections. Idempotent."""
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """Give a transaction that sees one state; what it writes is undone."""
        with self._errors(), self._engine.connect() as connection, connection.begin() as transaction:
            yield Transaction(connection)
            transaction.rollback()

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """Give the one transaction that may write; durable when `with` has ended without an error."""
        with (
            self._errors(),
            self._engine.connect().execution_options(writing=True) as connection,
            connection.begin(),
        ):
            yield Transaction(connection)

    def forget_replaced(self) -> None:
        """Move everything into the main file and cut the log off, so that replaced octets are gone from it.

        Does what it can: while another process reads, the log stays until that one is done.
        """
        self._outside("PRAGMA wal_checkpoint(TRUNCATE)")

    def _outside(self, pragma: str) -> None:
        """Run a pragma that has no place in a transaction."""
        with self._errors(), closing(self._engine.raw_connection()) as connection:
            connection.cursor().execute(pragma).close()

    @staticmethod
    @contextmanager
    def _errors() -> Iterator[None]:
        """Turn the database's errors into this package's; their own texts may hold what was written."""
        try:
            yield
        except DBAPIError as error:
            raise _file_error(error.orig) from None
        except sqlite3.Error as error:
            raise _file_error(error) from None


def _engine(path: Path, patience: dt.timedelta) -> Engine:
    def connect() -> sqlite3.Connection:
        return sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None, check_same_thread=False
        )

    engine = create_engine(
        "sqlite+pysqlite://", creator=connect, poolclass=QueuePool, pool_size=2, hide_parameters=True
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _: object) -> None:
        milliseconds = patience // dt.timedelta(milliseconds=1)
        for pragma in (
            f"busy_timeout = {milliseconds}",
            "synchronous = FULL",
            "secure_delete = ON",
            "cell_size_check = ON",
            "trusted_schema = OFF",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writing = connection.get_execution_options().get("writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def _check_version(connection: Connection) -> None:
    application = connection.exec_driver_sql("PRAGMA application_id").scalar_one()
    version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    if application != APPLICATION_ID:
        raise _damaged()
    if version != VERSION:
        detail = f"the vault has format {version}, this program knows format {VERSION}"
        raise VaultFileError(VaultReason.VERSION_UNKNOWN, detail)


def _exists() -> VaultFileError:
    return VaultFileError(VaultReason.VAULT_EXISTS, "there is a file here already; it was not touched")


def _damaged() -> VaultFileError:
    return VaultFileError(VaultReason.VAULT_DAMAGED, "the file is no vault, or it was damaged")


def _file_error(error: BaseException | None) -> VaultFileError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return VaultFileError(VaultReason.VAULT_BUSY, "another program is writing to the vault; try again")
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_SCHEMA}:
        return _damaged()
    name = getattr(error, "sqlite_errorname", "unknown error")
    return VaultFileError(VaultReason.VAULT_UNAVAILABLE, f"the vault's file cannot be used ({name})")
