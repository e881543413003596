"""What a witness has cosigned: one row a log, and the checkpoints that a known log signed and that did not
follow.

State rules: reading the stored checkpoint, deciding and storing are one transaction that no other write comes
between, and it is durable (WAL, synchronous FULL) before a cosignature leaves. Reads wait for it, so that a
line that is not durable yet is not shown either. So whatever left this process was stored before, and a crash
at any point loses at most an answer that nobody got.

A witness that lost what it cosigned would cosign another history from the beginning: a store is made once,
with the first key, and one that is missing is never made anew.

The time of a log's cosignatures never goes back, whatever the clock does: "the largest by 9 o'clock" and then
a larger one "at 8 o'clock" contradict each other. A clock that was far ahead once so leaves that log's
cosignatures ahead until time has caught up, and logs refuse them meanwhile.
"""

import fcntl
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from consortium.errors import FolderError, Reason
from tlog import AddCheckpoint, Checkpoint, CosignatureSigner, Decision, MldsaCosignatureSigner, decide
from tlog.checkpoint import checkpoint_of
from tlog.note import OpenedNote, open_note
from tlog.statement import MAX_NAME_OCTETS
from tlog.witness import KnownLogs

STORE_FILE: Final = "witness.sqlite3"
LOCK_FILE: Final = "witness.lock"
MAX_REFUSED: Final = 16
"""So many refused checkpoints of each log and kind are kept."""

_SCHEMA: Final = """
create table if not exists cosigned (
    origin text primary key, size integer not null, root blob not null, note blob not null,
    lines blob not null, time integer not null
) strict;
create table if not exists refused (
    origin text not null, text blob not null, note blob not null, beside blob not null,
    proven integer not null, primary key (origin, text)
) strict;
"""
_KEEP_NEWEST: Final = """
delete from refused where origin = ?1 and not proven and rowid not in
    (select rowid from refused where origin = ?1 and not proven order by rowid desc limit ?2)
"""

Connect: TypeAlias = Callable[[Path], sqlite3.Connection]


@dataclass(frozen=True)
class Cosigned:
    """A log's newest checkpoint here: the log's signed note, the cosignature lines, their POSIX time.

    The note has the log's own signatures alone: whatever else stood under it in the request, anybody could
    have put there.
    """

    checkpoint: Checkpoint
    note: bytes
    lines: bytes
    time: int


def connect(path: Path) -> sqlite3.Connection:
    """Open a store that was made, so that what it commits is durable; sqlite3.Error."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None, check_same_thread=False
    )
    for pragma in ("journal_mode = wal", "synchronous = full", "busy_timeout = 5000"):
        connection.execute(f"pragma {pragma}")
    return connection


def make_store(folder: Path) -> None:
    """Make a folder's store, if there is none; FolderError FOLDER_INVALID."""
    path = folder / STORE_FILE
    try:
        path.touch(0o600)
        connection = connect(path)
        connection.executescript(_SCHEMA)
        connection.close()
    except (OSError, sqlite3.Error) as error:
        raise _unusable(path, error) from None


class WitnessStore:
    """The one connection to the file; its calls come from any thread, one after the other."""

    def __init__(
        self,
        path: Path,
        known_logs: KnownLogs,
        signers: tuple[CosignatureSigner, ...],
        connect: Connect = connect,
    ) -> None:
        """Open the file; sqlite3.Error; FolderError FOLDER_INVALID for a log that a key cannot cosign."""
        self._known, self._signers = known_logs, signers
        for origin in known_logs if any(isinstance(each, MldsaCosignatureSigner) for each in signers) else ():
            if len(origin.encode()) > MAX_NAME_OCTETS:
                raise FolderError(Reason.FOLDER_INVALID, f"an ML-DSA-44 key cannot cosign {origin}: too long")
        self._lock = threading.Lock()
        self._connection = connect(path)
        # A file without the tables is found out now.
        self._connection.execute("select 1 from cosigned, refused limit 1")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def add(self, body: bytes, now: int) -> tuple[Decision, bytes]:
        """Decide on a request at a POSIX time; return the decision and, with 200, the cosignature lines.

        Raises FolderError STORE_FAILED: whether the checkpoint was stored is then not known, and no
        cosignature is given out; the log asks again.
        """
        with self._transaction():
            before: Cosigned | None = None

            def stored(origin: str) -> Checkpoint | None:
                nonlocal before
                before = self._cosigned(origin)
                return before.checkpoint if before else None

            decision = decide(body, known_logs=self._known, stored=stored)
            if decision.new_state is None:
                self._keep_refused(body, decision, before)
                return decision, b""
            time = max(now, before.time if before else 0)
            lines = decision.cosigned(time, *self._signers)
            self._store(decision.new_state, decision.note, lines, time)
        return decision, lines  # the transaction has ended: it is durable

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._failing():
            try:
                self._connection.execute("begin immediate")
                yield
                self._connection.execute("commit")
            finally:
                self._settle()

    @contextmanager
    def _failing(self) -> Iterator[None]:
        with self._lock:
            try:
                self._settle()
                yield
            except sqlite3.Error as error:
                detail = f"the store failed ({type(error).__name__}): ask again"
                raise FolderError(Reason.STORE_FAILED, detail) from None

    def _settle(self) -> None:
        """End a transaction that failed; SQLite does so by itself for some. Nothing of it may be read."""
        if self._connection.in_transaction:
            self._connection.execute("rollback")

    def cosigned(self, origin: str) -> Cosigned | None:
        """Return what was cosigned last of a log, None if nothing was; FolderError STORE_FAILED."""
        with self._failing():
            return self._cosigned(origin)

    def refused(self, origin: str) -> list[bytes]:
        """Return notes that the log signed and that did not follow, and those that they did not go with.

        Two of one size and different roots prove by themselves that the log showed two views; they are kept
        as long as the store is. Of those that came with a proof that did not hold, which says nothing yet
        and which anybody can send, the newest are there. Raises FolderError STORE_FAILED.
        """
        query = "select beside, note from refused where origin = ? order by proven desc, rowid"
        with self._failing():
            rows = self._connection.execute(query, (origin,)).fetchall()
        return list(dict.fromkeys(note for row in rows for note in row))

    def all(self) -> list[Cosigned]:
        """Return what was cosigned last of each log; FolderError STORE_FAILED."""
        with self._failing():
            rows = self._connection.execute("select origin from cosigned order by origin").fetchall()
            return [found for (origin,) in rows if (found := self._cosigned(origin))]

    def _cosigned(self, origin: str) -> Cosigned | None:
        query = "select size, root, note, lines, time from cosigned where origin = ?"
        row = self._connection.execute(query, (origin,)).fetchone()
        if row is None:
            return None
        size, root, note, lines, time = row
        return Cosigned(Checkpoint(origin, size, root), note, lines, time)

    def _store(self, state: Checkpoint, note: bytes, lines: bytes, time: int) -> None:
        opened = open_note(note, self._known[state.origin])
        self._connection.execute(
            "insert or replace into cosigned values (?, ?, ?, ?, ?, ?)",
            (state.origin, state.size, state.root, _of_log(opened), lines, time),
        )
        # It came with a wrong proof before, from whomever, and turned out to follow.
        self._connection.execute(
            "delete from refused where origin = ? and text = ?", (state.origin, opened.text.encode())
        )

    def _keep_refused(self, body: bytes, decision: Decision, before: Cosigned | None) -> None:
        """Keep a checkpoint that a known log signed and that may be of another view than the cosigned one.

        A request that is merely late (409 with another size) is a log's ordinary life and is not kept.
        """
        if before is None or decision.status not in (409, 422):
            return
        opened = open_note(AddCheckpoint.parse(body).note, self._known[before.checkpoint.origin])
        checkpoint = checkpoint_of(opened, opened.verified)
        same_size = checkpoint.size == before.checkpoint.size
        proven = same_size and checkpoint.root != before.checkpoint.root
        if not proven and (same_size or decision.status == 409):
            return
        origin = checkpoint.origin
        count_proven = "select count(*) from refused where origin = ? and proven"
        if proven and self._connection.execute(count_proven, (origin,)).fetchone()[0] >= MAX_REFUSED:
            return
        self._connection.execute(
            "insert into refused values (?, ?, ?, ?, ?) on conflict do update set"
            " note = excluded.note, beside = excluded.beside, proven = excluded.proven where excluded.proven",
            (origin, opened.text.encode(), _of_log(opened), before.note, proven),
        )
        self._connection.execute(_KEEP_NEWEST, (origin, MAX_REFUSED))


def _of_log(opened: OpenedNote) -> bytes:
    """Return a note with one signature of each of the log's keys that signed it, and no other."""
    lines = {each.key_id: each.to_bytes() for each in opened.lines if any(map(each.is_by, opened.verified))}
    return opened.text.encode() + b"\n" + b"".join(lines.values())


@contextmanager
def opened_store(
    folder: Path,
    known_logs: KnownLogs,
    signers: tuple[CosignatureSigner, ...],
    connect: Connect = connect,
) -> Iterator[WitnessStore]:
    """Open a folder's store and hold the folder alone; FolderError FOLDER_BUSY, FOLDER_INVALID."""
    with _locked(folder), _opened(folder, known_logs, signers, connect) as store:
        yield store


@contextmanager
def read_store(folder: Path) -> Iterator[WitnessStore]:
    """Open a folder's store to look at it, also while a witness runs on it; FolderError FOLDER_INVALID."""
    with _opened(folder, {}, (), connect) as store:
        yield store


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    try:
        descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise _unusable(folder, error) from None
    try:
        _lock(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise FolderError(Reason.FOLDER_BUSY, f"another witness is running on {folder}") from None


@contextmanager
def _opened(
    folder: Path,
    known_logs: KnownLogs,
    signers: tuple[CosignatureSigner, ...],
    connect: Connect,
) -> Iterator[WitnessStore]:
    try:
        store = WitnessStore(folder / STORE_FILE, known_logs, signers, connect)
    except sqlite3.Error as error:
        raise _unusable(folder / STORE_FILE, error) from None
    try:
        yield store
    finally:
        store.close()


def _unusable(path: Path, error: Exception) -> FolderError:
    return FolderError(Reason.FOLDER_INVALID, f"{path} cannot be used ({type(error).__name__})")
