"""What a monitor remembers: of each log the tree that it has read, the notes that it has seen, its alarms.

All hashes of each tree are kept, 32 octets an entry: with them the monitor proves by itself that a checkpoint
contradicts what the log signed before, when the log has long stopped serving it.

    head      the newest checkpoint whose entries were all read and give its root
    read      how far beyond it entries were read that no checkpoint has vouched for yet
    seen      notes: PENDING until the tree reaches their size, then SETTLED, or FORKED if they contradict it
    header    the newest block headers
    alarm     each finding, once; `told` when the operator was told
    trouble   since when something has been so that becomes an alarm if it lasts

State rules: one process; each method is one transaction, durable (WAL, synchronous FULL) when it returns. A
crash loses what was read since the last bundle that was kept, and reads it again.
"""

import fcntl
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from consortium.errors import ConsortiumError, FolderError, Reason
from consortium.monitor.notes import Known, Seen
from tlog import EMPTY_ROOT, BlockHeader, TileId
from tlog.note import parse_unverified

STORE_FILE: Final = "monitor.sqlite3"
MOST_NOTES: Final = 256
"""So many notes are kept of each log and standing; the newest settled ones, the first of the others."""
MOST_FORKED: Final = 16
MOST_HEADERS: Final = 1024

_SCHEMA: Final = """
create table if not exists log (
    origin text primary key, size integer not null, root blob not null, note blob, header blob,
    read integer not null, read_header blob, sound integer not null
) strict;
create table if not exists tile (
    origin text not null, level integer not null, place integer not null, content blob not null,
    primary key (origin, level, place)
) strict, without rowid;
create table if not exists seen (
    origin text not null, key blob not null, size integer not null, standing integer not null,
    note blob not null, at integer not null, primary key (origin, key)
) strict;
create table if not exists header (
    origin text not null, place integer not null, entry blob not null, primary key (origin, place)
) strict;
create table if not exists alarm (
    id text primary key, at integer not null, line text not null, told integer not null
) strict;
create table if not exists trouble (id text primary key, since integer not null) strict;
"""


class Standing(IntEnum):
    """How a note stands to the tree that was read."""

    PENDING = 0
    SETTLED = 1
    FORKED = 2


@dataclass(frozen=True)
class State:
    """How far a log has been read. `sound` is False once its chain was found broken: from then on it is only
    the tree that is followed."""

    size: int = 0
    root: bytes = EMPTY_ROOT
    note: bytes | None = None
    header: BlockHeader | None = None
    read: int = 0
    read_header: BlockHeader | None = None
    sound: bool = True


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
        query = "select size, root, note, header, read, read_header, sound from log where origin = ?"
        row = self._connection.execute(query, (origin,)).fetchone()
        if row is None:
            return State()
        size, root, note, header, read, read_header, sound = row
        return State(size, root, note, _header(header), read, _header(read_header), bool(sound))

    def keep_state(self, origin: str, state: State, tiles: Mapping[TileId, bytes]) -> None:
        """Keep a state with the tiles that changed for it."""
        with self.transaction():
            self._connection.executemany(
                "insert or replace into tile values (?, ?, ?, ?)",
                [(origin, tile.level, tile.index, content) for tile, content in tiles.items()],
            )
            self._connection.execute(
                "insert or replace into log values (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    origin,
                    state.size,
                    state.root,
                    state.note,
                    _octets(state.header),
                    state.read,
                    _octets(state.read_header),
                    state.sound,
                ),
            )

    def tile(self, origin: str, tile: TileId) -> bytes:
        """Return what is kept of a tile: nothing, or as many hashes as were read."""
        query = "select content from tile where origin = ? and level = ? and place = ?"
        row = self._connection.execute(query, (origin, tile.level, tile.index)).fetchone()
        return row[0] if row else b""

    def headers(self, origin: str) -> list[bytes]:
        """Return the newest headers, in their order."""
        query = "select entry from header where origin = ? order by place"
        return [entry for (entry,) in self._connection.execute(query, (origin,))]

    def keep_headers(self, origin: str, headers: Mapping[int, bytes]) -> None:
        """Keep headers; only the newest of all stay."""
        with self.transaction():
            self._connection.executemany(
                "insert or replace into header values (?, ?, ?)",
                [(origin, place, entry) for place, entry in headers.items()],
            )
            self._connection.execute(
                "delete from header where origin = ?1 and place not in "
                "(select place from header where origin = ?1 order by place desc limit ?2)",
                (origin, MOST_HEADERS),
            )

    def seen(self, origin: str, standing: Standing | None = None) -> list[tuple[Seen, Standing, int]]:
        """Return notes with their standing and when they were first seen, smallest first."""
        query = "select note, standing, at from seen where origin = ? order by size, at"
        rows = self._connection.execute(query, (origin,)).fetchall()
        found = [(_seen(note), Standing(value), at) for note, value, at in rows]
        return [each for each in found if standing is None or each[1] is standing]

    def joined(self, seen: Seen, known: Known, *, with_room: bool = False) -> Seen | None:
        """Return a note joined with what is kept of its text; None if nothing is new, or there is no room.

        Of pending and forked notes the first ones stay, since whoever floods the monitor must not drive out
        what it has; of settled ones the newest. `with_room` is for one that is about to be settled.
        """
        origin = seen.checkpoint.origin
        query = "select note from seen where origin = ? and key = ?"
        row = self._connection.execute(query, (origin, seen.key)).fetchone()
        if row is None:
            full = self._count(origin, Standing.PENDING) >= MOST_NOTES
            return None if full and not with_room else seen
        before = _seen(row[0])
        joined = before.merged(seen, known)
        return None if set(joined.lines) == set(before.lines) else joined

    def keep_seen(self, seen: Seen, now: int) -> None:
        """Keep a note as it is joined; a new one is pending."""
        checkpoint = seen.checkpoint
        with self.transaction():
            self._connection.execute(
                "insert into seen values (?, ?, ?, ?, ?, ?) on conflict do update set note = excluded.note",
                (checkpoint.origin, seen.key, checkpoint.size, Standing.PENDING, seen.note, now),
            )

    def stand(self, seen: Seen, standing: Standing) -> None:
        """Keep how a note stands; beyond the bounds the oldest settled go, and further forked ones."""
        origin = seen.checkpoint.origin
        with self.transaction():
            if standing is Standing.FORKED and self._count(origin, standing) >= MOST_FORKED:
                self._connection.execute("delete from seen where origin = ? and key = ?", (origin, seen.key))
                return
            self._connection.execute(
                "update seen set standing = ? where origin = ? and key = ?", (standing, origin, seen.key)
            )
            self._connection.execute(
                "delete from seen where origin = ?1 and standing = ?2 and key not in (select key from seen "
                "where origin = ?1 and standing = ?2 order by size desc, at desc limit ?3)",
                (origin, Standing.SETTLED, MOST_NOTES),
            )

    def _count(self, origin: str, standing: Standing) -> int:
        query = "select count(*) from seen where origin = ? and standing = ?"
        (count,) = self._connection.execute(query, (origin, standing)).fetchone()
        return int(count)

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
def _seen(note: bytes) -> Seen:
    """Return a note that was verified before it was kept; the same ones are compared again and again."""
    opened = parse_unverified(note)
    return Seen(opened.text, opened.lines)


def _header(octets: bytes | None) -> BlockHeader | None:
    return None if octets is None else BlockHeader.parse(octets)


def _octets(header: BlockHeader | None) -> bytes | None:
    return None if header is None else header.to_bytes()
