"""What a witness has cosigned: one row a log, and the requests that a known log signed and that did not
follow.

State rules: reading the stored checkpoint, deciding and storing are one transaction that no other write comes
between, and it is durable (WAL, synchronous FULL) before a cosignature leaves. So whatever left this process
was stored before, and a crash at any point loses at most an answer that nobody got. The time of a log's
cosignatures never goes back, whatever the clock does: a checkpoint that is larger was never seen earlier.
"""

import fcntl
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from consortium.errors import ConsortiumError, FolderError, Reason
from tlog import AddCheckpoint, Checkpoint, CosignatureSigner, Decision, decide
from tlog.checkpoint import checkpoint_of
from tlog.errors import TlogError
from tlog.note import open_note
from tlog.witness import KnownLogs

STORE_FILE: Final = "witness.sqlite3"
MAX_REFUSED: Final = 16
"""So many signed requests that did not follow are kept of each log; further ones show nothing new."""

_SCHEMA: Final = """
create table if not exists cosigned (
    origin text primary key, size integer not null, root blob not null, note blob not null,
    lines blob not null, time integer not null
) strict;
create table if not exists refused (
    origin text not null, text blob not null, note blob not null, primary key (origin, text)
) strict;
"""


@dataclass(frozen=True)
class Cosigned:
    """A log's newest checkpoint here: the log's signed note, the cosignature lines, their POSIX time."""

    checkpoint: Checkpoint
    note: bytes
    lines: bytes
    time: int


class WitnessStore:
    """The one connection to the file; its calls come from any thread, one after the other."""

    def __init__(self, path: Path, known_logs: KnownLogs, signers: tuple[CosignatureSigner, ...]) -> None:
        self._known, self._signers = known_logs, signers
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode = wal", "synchronous = full", "busy_timeout = 5000"):
            self._connection.execute(f"pragma {pragma}")
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def add(self, body: bytes, now: int) -> tuple[Decision, bytes]:
        """Decide on a request at a POSIX time; return the decision and, with 200, the cosignature lines.

        Raises ConsortiumError STORE_FAILED: whether the checkpoint was stored is then not known, and no
        cosignature is given out; the log asks again.
        """
        with self._transaction():
            decision = decide(body, known_logs=self._known, stored=self._checkpoint)
            if decision.new_state is None:
                self._keep_refused(body, decision)
                return decision, b""
            before = self.cosigned(decision.new_state.origin)
            time = max(now, before.time if before else 0)
            lines = decision.cosigned(time, *self._signers)
            self._store(decision.new_state, decision.note, lines, time)
        return decision, lines  # the transaction has ended: it is durable

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock:
            try:
                self._connection.execute("begin immediate")
                try:
                    yield
                except BaseException:
                    self._connection.execute("rollback")
                    raise
                self._commit()
            except sqlite3.Error as error:
                if self._connection.in_transaction:
                    self._connection.rollback()
                detail = f"the store failed ({type(error).__name__}): ask again"
                raise ConsortiumError(Reason.STORE_FAILED, detail) from None

    def _commit(self) -> None:
        self._connection.execute("commit")

    def _checkpoint(self, origin: str) -> Checkpoint | None:
        found = self.cosigned(origin)
        return found.checkpoint if found else None

    def cosigned(self, origin: str) -> Cosigned | None:
        """Return what was cosigned last of a log; None if nothing was."""
        query = "select size, root, note, lines, time from cosigned where origin = ?"
        row = self._connection.execute(query, (origin,)).fetchone()
        if row is None:
            return None
        size, root, note, lines, time = row
        return Cosigned(Checkpoint(origin, size, root), note, lines, time)

    def refused(self, origin: str) -> list[bytes]:
        """Return the notes that the log signed and that did not go with what was cosigned."""
        query = "select note from refused where origin = ? order by rowid"
        return [note for (note,) in self._connection.execute(query, (origin,))]

    def _store(self, state: Checkpoint, note: bytes, lines: bytes, time: int) -> None:
        self._connection.execute(
            "insert or replace into cosigned values (?, ?, ?, ?, ?, ?)",
            (state.origin, state.size, state.root, note, lines, time),
        )

    def _keep_refused(self, body: bytes, decision: Decision) -> None:
        """Keep a checkpoint that a known log signed and that may be of another view than the cosigned one.

        A request that is merely late (409 with another size) is a log's ordinary life and is not kept, unless
        it states the cosigned size with another root.
        """
        if decision.status not in (409, 422):
            return
        try:
            request = AddCheckpoint.parse(body)
            opened = open_note(request.note, self._known[request.origin])
            checkpoint = checkpoint_of(opened, opened.verified[0])
        except (TlogError, KeyError):
            return
        before = self._checkpoint(checkpoint.origin)
        same = before is not None and before.size == checkpoint.size
        if before is None or (decision.status == 409 and not (same and before.root != checkpoint.root)):
            return
        (count,) = self._connection.execute(
            "select count(*) from refused where origin = ?", (checkpoint.origin,)
        ).fetchone()
        if count < MAX_REFUSED:
            self._connection.execute(
                "insert or ignore into refused values (?, ?, ?)",
                (checkpoint.origin, opened.text.encode(), request.note),
            )


@contextmanager
def opened_store(
    folder: Path,
    known_logs: KnownLogs,
    signers: tuple[CosignatureSigner, ...],
    make: Callable[..., WitnessStore] = WitnessStore,
) -> Iterator[WitnessStore]:
    """Open a folder's store and hold the folder alone; FolderError FOLDER_BUSY, FOLDER_INVALID."""
    with (folder / "witness.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderError(Reason.FOLDER_BUSY, f"another witness is running on {folder}") from None
        try:
            store = make(folder / STORE_FILE, known_logs, signers)
        except sqlite3.Error as error:
            detail = f"{folder / STORE_FILE} cannot be opened ({type(error).__name__})"
            raise FolderError(Reason.FOLDER_INVALID, detail) from None
        try:
            yield store
        finally:
            store.close()
