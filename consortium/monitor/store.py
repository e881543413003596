"""What a monitor remembers: of each log the tree that it has read, the notes that it has seen, its alarms.

All hashes of each tree are kept, 32 octets an entry: with them the monitor proves by itself that a checkpoint
contradicts what the log signed before, when the log has long stopped serving it.

    log       the newest checkpoint whose entries were all read and give its root
    reading   of each source, how far beyond it entries were read that no checkpoint has vouched for yet
    tile      the hashes, those of the log's own reading too: what is beyond a tree's size does it no harm.
              Those of another source stand apart, under its name, until a checkpoint vouches for them
    seen      notes: PENDING until the tree reaches their size, then SETTLED, or FORKED if they contradict it
    header    the newest block headers, and under its name those of each reading
    alarm     each finding, once; `told` when the operator was told
    trouble   since when something has been so that becomes an alarm if it lasts

State rules: one process; each method is one transaction, durable (WAL, synchronous FULL) when it returns. A
crash loses what was read since the last bundle that was kept, and reads it again. Notes that cannot be read
are passed over and counted: one bad row must not silence the others.
"""

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from consortium.errors import ConsortiumError, FolderError, Reason
from consortium.monitor.notes import Known, Seen
from consortium.monitor.states import Fault, Progress, Read, Standing, State
from tlog import BlockHeader, TileId, TlogError
from tlog.note import parse_unverified

STORE_FILE: Final = "monitor.sqlite3"
MOST_NOTES: Final = 256
"""So many settled notes are kept of each log, the newest, and so many pending ones, the smallest."""
MOST_FORKED: Final = 16
"""So many notes that contradict the tree are kept of each log, the first ones."""
MOST_HEADERS: Final = 1024
OWN: Final = ""
"""Whose the hashes are that stand where the tree's stand."""

_SCHEMA: Final = """
create table if not exists log (
    origin text primary key, size integer not null, root blob not null, note blob, header blob,
    sound integer not null
) strict;
create table if not exists reading (
    origin text not null, source text not null, read integer not null, header blob,
    fault_index integer, fault_entry blob, fault_before blob, bad_note integer,
    primary key (origin, source)
) strict;
create table if not exists tile (
    origin text not null, source text not null, level integer not null, place integer not null,
    content blob not null, primary key (origin, source, level, place)
) strict, without rowid;
create table if not exists seen (
    origin text not null, key blob not null, size integer not null, standing integer not null,
    note blob not null, at integer not null, primary key (origin, key)
) strict;
create table if not exists header (
    origin text not null, source text not null, place integer not null, entry blob not null,
    primary key (origin, source, place)
) strict;
create table if not exists alarm (
    id text primary key, at integer not null, line text not null, told integer not null
) strict;
create table if not exists trouble (id text primary key, since integer not null) strict;
"""


# No reading has the empty name: what is dropped is never the tree's own.
_DROP_ONE: Final = (
    "delete from reading where origin = ? and source = ?",
    "delete from tile where origin = ? and source = ?",
    "delete from header where origin = ? and source = ?",
)
_DROP_ALL: Final = (
    "delete from reading where origin = ?",
    "delete from tile where origin = ? and source <> ''",
    "delete from header where origin = ? and source <> ''",
)
_VOUCHED: Final = (
    "update or replace tile set source = '' where origin = ? and source = ?",
    "update or replace header set source = '' where origin = ? and source = ?",
)
_BOUNDED: Final = (
    (
        "delete from seen where origin = ?1 and standing = ?2 and key not in (select key from seen "
        "where origin = ?1 and standing = ?2 order by size, at, rowid limit ?3)",
        Standing.PENDING,
        MOST_NOTES,
    ),
    (
        "delete from seen where origin = ?1 and standing = ?2 and key not in (select key from seen "
        "where origin = ?1 and standing = ?2 order by size desc, at desc limit ?3)",
        Standing.SETTLED,
        MOST_NOTES,
    ),
    (
        "delete from seen where origin = ?1 and standing = ?2 and key not in (select key from seen "
        "where origin = ?1 and standing = ?2 order by at, rowid limit ?3)",
        Standing.FORKED,
        MOST_FORKED,
    ),
)


class MonitorStore:
    """The one connection to the file; belongs to one thread."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode = wal", "synchronous = full", "busy_timeout = 5000"):
            self._connection.execute(f"pragma {pragma}")
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep all of it or nothing; ConsortiumError STORE_FAILED."""
        try:
            self._connection.execute("begin immediate")
            try:
                yield
            except BaseException:
                self._connection.execute("rollback")
                raise
            self._connection.execute("commit")
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.rollback()
            raise ConsortiumError(Reason.STORE_FAILED, f"the store failed ({type(error).__name__})") from None

    def state(self, origin: str) -> State:
        """Return how far a log has been read."""
        query = "select size, root, note, header, sound from log where origin = ?"
        row = self._connection.execute(query, (origin,)).fetchone()
        if row is None:
            return State()
        size, root, note, header, sound = row
        return State(size, root, note, _header(header), bool(sound))

    def progress(self, origin: str, source: str) -> Progress | None:
        """Return how far a source was read beyond the tree; None if it was not."""
        query = (
            "select read, header, fault_index, fault_entry, fault_before, bad_note from reading "
            "where origin = ? and source = ?"
        )
        row = self._connection.execute(query, (origin, source)).fetchone()
        if row is None:
            return None
        read, header, index, entry, before, bad_note = row
        fault = None if index is None else Fault(index, entry, _header(before))
        return Progress(read, _header(header), fault, bad_note)

    def keep_progress(self, origin: str, progress: Progress, read: Read, *, apart: bool) -> None:
        """Keep how far a source was read, and what of it is new; `apart` if it is not the log's own."""
        fault = progress.fault
        with self.transaction():
            self._put(origin, read, apart=apart)
            self._connection.execute(
                "insert or replace into reading values (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    origin,
                    read.source,
                    progress.read,
                    _octets(progress.header),
                    fault and fault.index,
                    fault and fault.entry,
                    _octets(fault.before) if fault else None,
                    progress.bad_note,
                ),
            )

    def drop_progress(self, origin: str, source: str) -> None:
        """Forget what was read of a source and nobody vouched for."""
        with self.transaction():
            for each in _DROP_ONE:
                self._connection.execute(each, (origin, source))

    def keep_state(self, origin: str, state: State, read: Read, *, apart: bool) -> None:
        """Keep how far the log has been read, by what was read of this source; all other readings end."""
        with self.transaction():
            self._put(origin, read, apart=apart)
            for each in _VOUCHED:
                self._connection.execute(each, (origin, read.source))
            self._keep_newest_headers(origin, OWN)
            for each in _DROP_ALL:
                self._connection.execute(each, (origin,))
            self._connection.execute(
                "insert or replace into log values (?, ?, ?, ?, ?, ?)",
                (origin, state.size, state.root, state.note, _octets(state.header), state.sound),
            )

    def _put(self, origin: str, read: Read, *, apart: bool) -> None:
        self._connection.executemany(
            "insert or replace into tile values (?, ?, ?, ?, ?)",
            [
                (origin, read.source if apart else OWN, tile.level, tile.index, content)
                for tile, content in read.tiles.items()
            ],
        )
        self._connection.executemany(
            "insert or replace into header values (?, ?, ?, ?)",
            [(origin, read.source, place, entry) for place, entry in read.headers.items()],
        )
        self._keep_newest_headers(origin, read.source)

    def _keep_newest_headers(self, origin: str, source: str) -> None:
        self._connection.execute(
            "delete from header where origin = ?1 and source = ?2 and place not in "
            "(select place from header where origin = ?1 and source = ?2 order by place desc limit ?3)",
            (origin, source, MOST_HEADERS),
        )

    def tile(self, origin: str, tile: TileId, source: str = OWN) -> bytes:
        """Return what is kept of a tile: nothing, or as many hashes as were read, of a source or the tree."""
        query = (
            "select content from tile where origin = ? and source in (?, ?) and level = ? and place = ? "
            "order by source desc limit 1"
        )
        row = self._connection.execute(query, (origin, source, OWN, tile.level, tile.index)).fetchone()
        return row[0] if row else b""

    def headers(self, origin: str) -> list[BlockHeader]:
        """Return the newest headers of the tree, in their order."""
        query = "select entry from header where origin = ? and source = ? order by place"
        return [BlockHeader.parse(entry) for (entry,) in self._connection.execute(query, (origin, OWN))]

    def seen(self, origin: str, standing: Standing | None = None) -> list[tuple[Seen, Standing, int]]:
        """Return notes with their standing and when they were first seen, smallest first."""
        query = "select note, standing, at from seen where origin = ? order by size, at, rowid"
        rows = self._connection.execute(query, (origin,)).fetchall()
        wanted = [row for row in rows if standing is None or row[1] == standing]
        return [(seen, Standing(value), at) for note, value, at in wanted if (seen := _seen(note))]

    def unreadable(self, origin: str) -> int:
        """Return how many notes are kept that cannot be read."""
        rows = self._connection.execute("select note from seen where origin = ?", (origin,)).fetchall()
        return sum(_seen(note) is None for (note,) in rows)

    def joined(self, seen: Seen, known: Known) -> Seen | None:
        """Return a note joined with what is kept of its text; None if nothing is new."""
        query = "select note from seen where origin = ? and key = ?"
        row = self._connection.execute(query, (seen.checkpoint.origin, seen.key)).fetchone()
        before = None if row is None else _seen(row[0])
        if before is None:
            return seen
        joined = before.merged(seen, known)
        return None if set(joined.lines) == set(before.lines) else joined

    def keep_seen(self, seen: Seen, standing: Standing, now: int) -> bool:
        """Keep a note with its standing; tell whether there was room for it.

        Of pending notes the largest go first, since the tree comes to the smaller ones before: whoever floods
        the monitor with sizes far away drives nothing out that will be compared soon.
        """
        checkpoint = seen.checkpoint
        with self.transaction():
            self._connection.execute(
                "insert into seen values (?, ?, ?, ?, ?, ?) on conflict do update "
                "set note = excluded.note, standing = excluded.standing",
                (checkpoint.origin, seen.key, checkpoint.size, standing, seen.note, now),
            )
            self._keep_bounded(checkpoint.origin)
        query = "select 1 from seen where origin = ? and key = ?"
        return self._connection.execute(query, (checkpoint.origin, seen.key)).fetchone() is not None

    def stand(self, seen: Seen, standing: Standing) -> None:
        """Keep how a note stands by now."""
        origin = seen.checkpoint.origin
        with self.transaction():
            self._connection.execute(
                "update seen set standing = ? where origin = ? and key = ?", (standing, origin, seen.key)
            )
            self._keep_bounded(origin)

    def _keep_bounded(self, origin: str) -> None:
        for statement, standing, most in _BOUNDED:
            self._connection.execute(statement, (origin, standing, most))

    def has_alarm(self, name: str) -> bool:
        """Tell whether a finding was alarmed already."""
        return self._connection.execute("select 1 from alarm where id = ?", (name,)).fetchone() is not None

    def keep_alarm(self, name: str, line: str, now: int) -> None:
        """Keep a finding that the operator is about to be told."""
        with self.transaction():
            self._connection.execute("insert or ignore into alarm values (?, ?, ?, 0)", (name, now, line))

    def untold(self) -> list[tuple[str, str]]:
        """Return the findings that the operator was perhaps not told, in their order."""
        return self._connection.execute("select id, line from alarm where not told order by rowid").fetchall()

    def told(self, name: str) -> None:
        """Keep that the operator was told."""
        with self.transaction():
            self._connection.execute("update alarm set told = 1 where id = ?", (name,))

    def lasting(self, name: str, now: int, *, so: bool) -> int:
        """Keep whether something is so; return since when it has been, `now` if it is not."""
        row = self._connection.execute("select since from trouble where id = ?", (name,)).fetchone()
        if so and row is not None:
            return min(int(row[0]), now)
        if so or row is not None:
            with self.transaction():
                change: tuple[str, tuple[Any, ...]] = ("delete from trouble where id = ?", (name,))
                if so:
                    change = ("insert into trouble values (?, ?)", (name, now))
                self._connection.execute(*change)
        return now


@contextmanager
def opened_store(folder: Path) -> Iterator[MonitorStore]:
    """Open a folder's store and hold the folder alone; FolderError FOLDER_BUSY, FOLDER_INVALID."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (folder / "monitor.lock").open("w")
    except OSError as error:
        raise FolderError(Reason.FOLDER_INVALID, f"{folder}: {error.strerror}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderError(Reason.FOLDER_BUSY, f"another monitor is running on {folder}") from None
        try:
            store = MonitorStore(folder / STORE_FILE)
        except sqlite3.Error as error:
            detail = f"{folder / STORE_FILE} cannot be opened ({type(error).__name__})"
            raise FolderError(Reason.FOLDER_INVALID, detail) from None
        try:
            yield store
        finally:
            store.close()


@lru_cache(maxsize=1 << 13)
def _seen(note: bytes) -> Seen | None:
    """Return a note that was verified before it was kept, None if it cannot be read; the same ones are
    compared again and again."""
    try:
        opened = parse_unverified(note)
        seen = Seen(opened.text, opened.lines)
        return seen if seen.checkpoint else None
    except TlogError:
        return None


def _header(octets: bytes | None) -> BlockHeader | None:
    return None if octets is None else BlockHeader.parse(octets)


def _octets(header: BlockHeader | None) -> bytes | None:
    return None if header is None else header.to_bytes()
