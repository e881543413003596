"""Pseudonyms that may come once: a small file that knows which have come, and with which presentation.

A pseudonym is of one scope; another year's is another pseudonym that nobody can connect with it. Only
pseudonyms are stored, no values, with the digest of the presentation, by which the same answer is known when
it comes again, and when it was verified.

In each suite a person has another pseudonym, so a scope keeps to the suite of its first answer: else whoever
has come by keys of one would come again by keys of the other.

Where the order of all cities has to be asked first, an answer's pseudonyms are reserved meanwhile: another
answer that has one of them waits, and every other goes on. That something comes once rests on what is noted,
and on the order; a reservation keeps claims from being made in vain, and so it may end by itself, when its
process has ended without a word, or nobody knows what became of its claim.

State rules: the file is the register's alone, and several processes may use it at once: each admission is one
transaction that takes SQLite's write lock before it reads. It is durable when `admit` returns; after a crash
before that, all of an answer's pseudonyms are noted or none.
"""

import contextlib
import datetime as dt
import hashlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from disclosure.composite import CompositeRequest, VerifiedComposite
from verifier.errors import AlreadySeenError, FinalError, OtherSuiteError, RegisterError, ReservedError

RESERVED_SECONDS: Final = 300
"""So long a reservation counts at most; a claim takes less."""
PATIENCE: Final = 30.0
_APPLICATION: Final = 0x7A6B7073  # "zkps": tells the file from any other of SQLite's
_VERSION: Final = 2
_LOOK_SECONDS: Final = 0.05
_MOST_LOOK_SECONDS: Final = 1.0
"""A reservation is looked at again after pauses that grow from the one to the other."""
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
_SECOND: Final = """
    CREATE TABLE reservations (
        scope BLOB NOT NULL,
        pseudonym BLOB NOT NULL,
        presentation BLOB NOT NULL,
        ends INTEGER NOT NULL,
        PRIMARY KEY (scope, pseudonym)
    ) WITHOUT ROWID
    """
"""What version 2 has besides."""

_Key = tuple[bytes, bytes]
_waited = set[tuple[str, bytes, bytes]]()
"""What somebody in this process waits for: the register's file, scope and pseudonym."""
_waiting_lock = threading.Lock()


class PseudonymRegister:
    """The register in a file, which is made with mode 0600 when it is not there.

    Another answer's reservation is waited for so many seconds, by one answer of this process at a time: who
    waits keeps a thread.
    """

    def __init__(self, path: Path, patience: float = PATIENCE) -> None:
        self._path, self._patience = path, patience

    def admit(
        self,
        request: CompositeRequest,
        verified: VerifiedComposite,
        unique: Sequence[str],
        moment: dt.datetime,
    ) -> None:
        """Note pseudonyms of a verified answer, all or none; the same answer may be admitted again.

        `unique` has identifiers of the answered branch's pseudonyms, `moment` is when it was verified. Raises
        AlreadySeenError if one of them has come with another presentation, OtherSuiteError if answers in one
        of the scopes are of another suite; RegisterError, ReservedError if another answer's reservation does
        not end.
        """
        seen, keys = int(moment.timestamp()), _keys(request, verified, unique)
        with self._unreserved(keys, verified) as transaction:
            for key in keys.values():
                transaction.execute(
                    "INSERT INTO scopes VALUES (?, ?) ON CONFLICT DO NOTHING", (key[0], verified.suite)
                )
                transaction.execute(
                    "INSERT INTO pseudonyms VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    (*key, verified.digest, seen),
                )
                transaction.execute("DELETE FROM reservations WHERE scope = ? AND pseudonym = ?", key)

    @contextlib.contextmanager
    def reserved(
        self, request: CompositeRequest, verified: VerifiedComposite, unique: Sequence[str]
    ) -> Iterator[None]:
        """Have other answers with one of these pseudonyms wait while the block runs.

        It lasts for RESERVED_SECONDS at most; a FinalError ends it. When the block raises anything else
        nobody knows whether the claim stands. The same answer may reserve again. Raises
        as `admit` does: what that would refuse is refused here.
        """
        self._reserve(request, verified, unique)
        try:
            yield
        except FinalError:
            with contextlib.suppress(RegisterError):  # it ends by itself; what was raised first is told
                self._release(request, verified, unique)
            raise

    def _reserve(self, request: CompositeRequest, verified: VerifiedComposite, unique: Sequence[str]) -> None:
        keys, ends = _keys(request, verified, unique), int(time.time()) + RESERVED_SECONDS
        with self._unreserved(keys, verified) as transaction:
            for key in keys.values():
                transaction.execute(
                    "INSERT OR REPLACE INTO reservations VALUES (?, ?, ?, ?)", (*key, verified.digest, ends)
                )

    def _release(self, request: CompositeRequest, verified: VerifiedComposite, unique: Sequence[str]) -> None:
        with self._transaction() as transaction:
            for key in _keys(request, verified, unique).values():
                transaction.execute(
                    "DELETE FROM reservations WHERE scope = ? AND pseudonym = ? AND presentation = ?",
                    (*key, verified.digest),
                )

    @contextlib.contextmanager
    def _unreserved(self, keys: dict[str, _Key], verified: VerifiedComposite) -> Iterator[sqlite3.Connection]:
        """Give a write transaction in which an answer's pseudonyms are its own or nobody's.

        Raises AlreadySeenError, OtherSuiteError, RegisterError.
        """
        ends = time.monotonic() + self._patience
        while True:
            self._wait(keys, verified, ends)
            with self._transaction() as transaction:
                if self._is_free(transaction, keys, verified):
                    yield transaction
                    return

    def _wait(self, keys: dict[str, _Key], verified: VerifiedComposite, ends: float) -> None:
        """Wait until no other answer has reserved a pseudonym, as far as reading tells.

        Raises ReservedError when it lasts, or somebody else waits here already; AlreadySeenError,
        OtherSuiteError, RegisterError.
        """
        if self._looks_free(keys, verified):
            return
        with _waiting({(os.path.realpath(self._path), *key) for key in keys.values()}):
            pause = _LOOK_SECONDS
            while not self._looks_free(keys, verified):
                left = ends - time.monotonic()
                if left <= 0:
                    raise _reserved()
                time.sleep(min(pause, left))
                pause = min(_MOST_LOOK_SECONDS, pause * 2)

    def _looks_free(self, keys: dict[str, _Key], verified: VerifiedComposite) -> bool:
        """Tell whether an answer might go on, without the write lock; FinalError, RegisterError."""
        with self._transaction(writes=False) as transaction:
            (version,) = transaction.execute("PRAGMA user_version").fetchone()
            return version != _VERSION or self._is_free(transaction, keys, verified)

    @staticmethod
    def _is_free(transaction: sqlite3.Connection, keys: dict[str, _Key], verified: VerifiedComposite) -> bool:
        """Tell whether no other answer has reserved a pseudonym; AlreadySeenError, OtherSuiteError."""
        for name, key in keys.items():
            _check_suite(transaction, name, key[0], verified.suite)
            row = transaction.execute(
                "SELECT presentation, first_seen FROM pseudonyms WHERE scope = ? AND pseudonym = ?", key
            ).fetchone()
            if row is not None and row[0] != verified.digest:
                raise AlreadySeenError(name, dt.datetime.fromtimestamp(row[1], dt.UTC))
        now = int(time.time())
        others = (
            transaction.execute(
                "SELECT 1 FROM reservations"
                " WHERE scope = ? AND pseudonym = ? AND presentation != ? AND ends BETWEEN ? AND ?",
                (*key, verified.digest, now, now + RESERVED_SECONDS),
            ).fetchone()
            for key in keys.values()
        )
        return not any(others)

    @contextlib.contextmanager
    def _transaction(self, *, writes: bool = True) -> Iterator[sqlite3.Connection]:
        """Open the file and give one write transaction, or a reading one; what is raised inside undoes it."""
        try:
            with contextlib.closing(self._connection()) as connection:
                connection.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
                try:
                    if writes:
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
        connection = sqlite3.connect(self._path, timeout=PATIENCE, isolation_level=None)
        connection.execute("PRAGMA synchronous = EXTRA")  # the journal's removal is on disk too
        return connection


@contextlib.contextmanager
def _waiting(keys: set[tuple[str, bytes, bytes]]) -> Iterator[None]:
    """Be the one that waits for these pseudonyms while the block runs; ReservedError if another one does."""
    with _waiting_lock:
        if _waited & keys:
            raise _reserved()
        _waited.update(keys)
    try:
        yield
    finally:
        with _waiting_lock:
            _waited.difference_update(keys)


def _reserved() -> ReservedError:
    return ReservedError("another answer with this pseudonym is being claimed", field="unique")


def _keys(request: CompositeRequest, verified: VerifiedComposite, unique: Sequence[str]) -> dict[str, _Key]:
    """Return by identifier where pseudonyms of an answer stand; RegisterError if it has none of a name."""
    _, branch = request.branch(verified.answer.branch)
    scopes = {each.id: each.scope.octets(request.verifier) for each in branch.pseudonyms}
    if not set(unique) <= set(scopes):
        raise RegisterError("the answered branch has no pseudonym of this name", field="unique")
    return {name: (hashlib.sha256(scopes[name]).digest(), verified.pseudonyms[name]) for name in unique}


def _check_suite(transaction: sqlite3.Connection, name: str, scope: bytes, suite: str) -> None:
    """Raise OtherSuiteError if a pseudonym's scope is pinned to another suite."""
    row = transaction.execute("SELECT suite FROM scopes WHERE scope = ?", (scope,)).fetchone()
    if row is not None and row[0] != suite:
        raise OtherSuiteError(name, row[0], suite)


def _prepare(connection: sqlite3.Connection) -> None:
    """Make the tables that are missing; RegisterError for another program's file, or a later version's."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if not tables and not application:
        for statement in _SCHEMA:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {_APPLICATION}")
        version = 1
    elif application != _APPLICATION or not 0 < version <= _VERSION:
        raise RegisterError("the file is no register of pseudonyms, or one of another version")
    if version < _VERSION:
        connection.execute(_SECOND)
        connection.execute(f"PRAGMA user_version = {_VERSION}")
