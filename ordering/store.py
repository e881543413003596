"""What a machine keeps between blocks: one SQLite file, in which each block is one durable transaction.

State rules: rows, the tree's nodes, the height and the root of a block become visible together, or not at all
(WAL, synchronous FULL). After a crash the file is at the block before, and the engine sends the one after it
again. One process at a time holds the file: two that write would be two machines.
"""

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ordering.errors import StateError
from ordering.tree import Node
from ordering.tree import Path as TreePath

STORE_FILE: Final = "ordering.sqlite3"
LOCK_FILE: Final = "ordering.lock"
_APPLICATION: Final = 0x7A6B6F72  # "zkor"
_VERSION: Final = 1
_SCHEMA: Final = """
create table row (key blob primary key, value blob not null) strict, without rowid;
create table node (
    depth integer not null, place blob not null, hash blob not null, key blob not null, value blob not null,
    primary key (depth, place)
) strict, without rowid;
create table block (
    one integer primary key check (one = 1), height integer not null, app_hash blob not null
) strict;
"""
Connect = Callable[[Path], sqlite3.Connection]


@dataclass(frozen=True)
class Committed:
    """The newest block that is kept: its height, and the hash that the engine puts into the next header."""

    height: int
    app_hash: bytes


def connect(path: Path) -> sqlite3.Connection:
    """Open a file so that what it commits is durable; sqlite3.Error."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    for pragma in ("journal_mode = wal", "synchronous = full", "busy_timeout = 5000"):
        connection.execute(f"pragma {pragma}")
    return connection


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a machine's folder, which is made if it is not there; StateError if another process does."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StateError(f"another process holds {folder}") from None
        yield
    finally:
        os.close(descriptor)


class Store:
    """The file, for one thread at a time; its rows (`state.Kept`) and the tree's nodes (`tree.Kept`)."""

    def __init__(self, folder: Path, connect: Connect = connect) -> None:
        """Open or make the file; StateError for one that is not of this kind."""
        path = folder / STORE_FILE
        try:
            self._connection = connect(path)
            self._prepare()
        except sqlite3.Error as error:
            raise StateError(f"{path} cannot be opened: {error}") from None

    def _prepare(self) -> None:
        version = self._one("pragma user_version")
        if self._one("pragma application_id") == _APPLICATION and version == _VERSION:
            return
        if version or self._one("select count(*) from sqlite_schema"):
            raise StateError("the file is not an application's of this version")
        self._connection.executescript(
            f"begin immediate; {_SCHEMA} pragma application_id = {_APPLICATION}; "
            f"pragma user_version = {_VERSION}; commit;"
        )

    def _one(self, query: str) -> int:
        found: int = self._connection.execute(query).fetchone()[0]
        return found

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @property
    def committed(self) -> Committed | None:
        """The newest block; None before the first."""
        found = self._connection.execute("select height, app_hash from block").fetchone()
        return Committed(*found) if found else None

    def get(self, key: bytes) -> bytes | None:
        """Return a row's value."""
        found = self._connection.execute("select value from row where key = ?", (key,)).fetchone()
        return found[0] if found else None

    def node(self, path: TreePath) -> Node | None:
        """Return a subtree; None for an empty one."""
        query = "select hash, key, value from node where depth = ? and place = ?"
        found = self._connection.execute(query, _place(path)).fetchone()
        return Node(*found) if found else None

    def rows(self) -> Iterator[tuple[bytes, bytes]]:
        """Return all rows, by their keys."""
        yield from self._connection.execute("select key, value from row order by key")

    def commit(
        self, committed: Committed, rows: Mapping[bytes, bytes], nodes: Mapping[TreePath, Node]
    ) -> None:
        """Keep a block: what it wrote, and that it is the newest one; sqlite3.Error, and nothing is kept."""
        with self._transaction():
            self._write(committed, rows.items(), nodes)

    def replace(
        self, committed: Committed, rows: Mapping[bytes, bytes], nodes: Mapping[TreePath, Node]
    ) -> None:
        """Keep another state instead of the one that is there."""
        with self._transaction():
            for table in ("row", "node"):
                self._connection.execute(f"delete from {table}")  # noqa: S608 - two names from this line
            self._write(committed, rows.items(), nodes)

    def _write(
        self, committed: Committed, rows: Iterable[tuple[bytes, bytes]], nodes: Mapping[TreePath, Node]
    ) -> None:
        put = "insert or replace into"
        self._connection.executemany(f"{put} row values (?, ?)", rows)
        given = ((*_place(path), each.hash, each.key, each.value) for path, each in nodes.items())
        self._connection.executemany(f"{put} node values (?, ?, ?, ?, ?)", given)
        self._connection.execute(f"{put} block values (1, ?, ?)", (committed.height, committed.app_hash))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("begin immediate")
        try:
            yield
            self._connection.execute("commit")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("rollback")
            raise


def _place(path: TreePath) -> tuple[int, bytes]:
    depth, bits = path
    return depth, bits.to_bytes((depth + 7) // 8, "big")
