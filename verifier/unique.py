"""Pseudonyms that may come once: a small file that knows which have come, and with which presentation.

A pseudonym is of one scope; another year's is another pseudonym that nobody can connect with it. Only
pseudonyms are stored, no values, with the digest of the presentation, by which the same answer is known when
it comes again, and when it was verified.

In each suite a person has another pseudonym, so a scope keeps to the suite of its first answer: else whoever
has come by keys of one would come again by keys of the other.

State rules: the file is the register's alone, and several processes may use it at once: each admission is one
transaction that takes SQLite's write lock before it reads. It is durable when `admit` returns; after a crash
before that, all of an answer's pseudonyms are noted or none.
"""

import contextlib
import datetime as dt
import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from disclosure.composite import CompositeRequest, VerifiedComposite
from verifier.errors import AlreadySeenError, RegisterError

_APPLICATION: Final = 0x7A6B7073  # "zkps": tells the file from any other of SQLite's
_VERSION: Final = 1
_PATIENCE: Final = 30.0
_SCHEMA: Final = (
    "CREATE TABLE scopes (scope BLOB NOT NULL PRIMARY KEY, suite TEXT NOT NULL) WITHOUT ROWID",
    """
    CREATE TABLE pseudonyms (
        scope BLOB NOT NULL REFERENCES scopes (scope),
        pseudonym BLOB NOT NULL,
        presentation BLOB NOT NULL,
        first_seen INTEGER NOT NULL,
        PRIMARY KEY (scope, pseudonym)
    ) WITHOUT ROWID
    """,
)


class PseudonymRegister:
    """The register in a file, which is made with mode 0600 when it is not there."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def admit(
        self,
        request: CompositeRequest,
        verified: VerifiedComposite,
        unique: Sequence[str],
        moment: dt.datetime,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> None:
        """Note pseudonyms of a verified answer, all or none; the same answer may be admitted again.

        `unique` has identifiers of the answered branch's pseudonyms, `moment` is when it was verified.
        `meanwhile` is called when all are new here, before they are noted for good: what it raises undoes
        them, and others wait for it. Raises AlreadySeenError if one of them has come with another
        presentation, RegisterError; also if answers in one of the scopes are of another suite.
        """
        _, branch = request.branch(verified.answer.branch)
        scopes = {each.id: each.scope.octets(request.verifier) for each in branch.pseudonyms}
        if not set(unique) <= set(scopes):
            raise RegisterError("the answered branch has no pseudonym of this name", field="unique")
        seen = int(moment.timestamp())
        with self._transaction() as transaction:
            for name in unique:
                key = (hashlib.sha256(scopes[name]).digest(), verified.pseudonyms[name])
                _keep_suite(transaction, key[0], verified.suite)
                row = transaction.execute(
                    "SELECT presentation, first_seen FROM pseudonyms WHERE scope = ? AND pseudonym = ?", key
                ).fetchone()
                if row is None:
                    transaction.execute(
                        "INSERT INTO pseudonyms VALUES (?, ?, ?, ?)", (*key, verified.digest, seen)
                    )
                elif row[0] != verified.digest:
                    raise AlreadySeenError(name, dt.datetime.fromtimestamp(row[1], dt.UTC))
            meanwhile()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Open the file and give one write transaction; what is raised inside undoes it."""
        try:
            with contextlib.closing(self._connection()) as connection:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    _prepare(connection)
                    yield connection
                except BaseException:
                    connection.execute("ROLLBACK")
                    raise
                connection.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            raise RegisterError(f"the register cannot be used: {type(error).__name__}") from None

    def _connection(self) -> sqlite3.Connection:
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = sqlite3.connect(self._path, timeout=_PATIENCE, isolation_level=None)
        connection.execute("PRAGMA synchronous = EXTRA")  # the journal's removal is on disk too
        return connection


def _keep_suite(transaction: sqlite3.Connection, scope: bytes, suite: str) -> None:
    """Pin a new scope to its suite; RegisterError if it is pinned to another."""
    transaction.execute("INSERT INTO scopes VALUES (?, ?) ON CONFLICT DO NOTHING", (scope, suite))
    (pinned,) = transaction.execute("SELECT suite FROM scopes WHERE scope = ?", (scope,)).fetchone()
    if pinned != suite:
        detail = f"answers in this scope are of {pinned}: in {suite} everybody has another pseudonym"
        raise RegisterError(detail, field="unique")


def _prepare(connection: sqlite3.Connection) -> None:
    """Make the table in a new file; RegisterError if the file is another program's, or a later version's."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if not tables and not application:
        for statement in _SCHEMA:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {_APPLICATION}")
        connection.execute(f"PRAGMA user_version = {_VERSION}")
    elif (application, version) != (_APPLICATION, _VERSION):
        raise RegisterError("the file is no register of pseudonyms, or one of another version")
