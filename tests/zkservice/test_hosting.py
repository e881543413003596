"""A log's files are held alone: whatever name leads to them, and by whoever writes, not by servers only."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.zkservice.damaging import NAME, settings_of
from tests.zkservice.support import reopened
from zkservice import key_change
from zkservice.beginning import begin
from zkservice.config import Settings
from zkservice.errors import StartError
from zkservice.hosting import only_user
from zkservice.upkeep.stopped import opened

TAKEN = "another server is running on"
HOLD = """
import sys
from pathlib import Path
from zkservice.errors import StartError
from zkservice.hosting import only_user
try:
    with only_user(Path(sys.argv[1])):
        print("held", flush=True)
        sys.stdin.read()
except StartError as error:
    print(error, flush=True)
"""
WRITE = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=0.1, isolation_level=None)
try:
    connection.execute("BEGIN IMMEDIATE")
    print("written")
except sqlite3.OperationalError as error:
    print(error)
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database that is written to by its log-structured journal, as a server's."""
    (tmp_path / "one").mkdir()
    path = tmp_path / "one" / NAME
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE t (x)")
    return path


def refused(path: Path, said: str) -> None:
    with pytest.raises(StartError, match=said), only_user(path):
        pass


def by_another(program: str, path: Path) -> str:
    """Run a program in a process of its own; return what it says."""
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.strip()


def test_a_file_of_two_names_is_refused(database: Path, tmp_path: Path) -> None:
    (tmp_path / "two").mkdir()
    os.link(database, tmp_path / "two" / NAME)
    for path in (database, tmp_path / "two" / NAME):
        refused(path, "has another name")
    (tmp_path / "two" / NAME).unlink()
    with only_user(database):
        pass


@pytest.mark.parametrize("move", [Path.rename, os.link], ids=["renamed", "linked"])
def test_a_file_that_is_held_is_held_under_any_name(
    database: Path, tmp_path: Path, move: Callable[[Path, Path], object]
) -> None:
    """The name may change while a server runs: here, and as another process finds it."""
    other = tmp_path / "other"
    with only_user(database):
        move(database, other)
        refused(other, TAKEN)
        assert TAKEN in by_another(HOLD, other)


def test_whoever_holds_it_in_another_process_holds_it(database: Path, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        refused(database, TAKEN)
        database.rename(tmp_path / "other")
        refused(tmp_path / "other", TAKEN)
        holder.kill()
    with only_user(tmp_path / "other"):
        pass


def test_to_be_refused_costs_nobody_the_locks_of_sqlite(database: Path, tmp_path: Path) -> None:
    """Closing any descriptor of the file would end those of this process."""
    with only_user(database), closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("BEGIN IMMEDIATE")
        assert by_another(WRITE, database) == "database is locked"
        refused(database, TAKEN)
        database.rename(tmp_path / "other")
        refused(tmp_path / "other", TAKEN)
        assert by_another(WRITE, tmp_path / "other") == "database is locked"
        connection.execute("ROLLBACK")


def test_a_database_that_is_not_there_yet_is_held_too(tmp_path: Path) -> None:
    with only_user(tmp_path / NAME):
        assert TAKEN in by_another(HOLD, tmp_path / NAME)
    assert (tmp_path / NAME).stat().st_mode & 0o077 == 0
    refused(tmp_path / "nowhere" / NAME, "is not there")
    (tmp_path / "folder").mkdir()
    refused(tmp_path / "folder", "cannot be opened: Is a directory")


async def _opened(settings: Settings) -> None:
    async with opened(settings):
        pass


@pytest.mark.parametrize(
    "act",
    [begin, key_change.begin, key_change.finish, lambda settings: asyncio.run(_opened(settings))],
    ids=["init", "rotate-key", "rotate-key --finish", "forward"],
)
async def test_nobody_writes_beside_a_server_of_another_folder(
    tmp_path: Path, act: Callable[[Settings], object]
) -> None:
    url = f"sqlite:///{tmp_path / 'server' / NAME}"
    (tmp_path / "other").mkdir()
    async with reopened(tmp_path / "server"):
        with pytest.raises(StartError, match=TAKEN):
            await asyncio.to_thread(act, Settings(data=tmp_path / "other", database=url))


@pytest.mark.parametrize(
    "url", ["postgresql://u:hunter2@host:port/x", "mysql://u:hunter2@host/x", "hunter2", "sqlite://"]
)
def test_a_url_that_is_none_is_refused_without_its_password(tmp_path: Path, url: str) -> None:
    settings = Settings(data=tmp_path, database=url)
    for act in (begin, key_change.begin):
        with pytest.raises(StartError, match="no URL of a database") as caught:
            act(settings)
        assert "hunter2" not in str(caught.value)


def test_a_log_is_begun_where_nothing_is(tmp_path: Path) -> None:
    key = begin(settings_of(tmp_path / "server"))
    assert begin(settings_of(tmp_path / "server")) == key
