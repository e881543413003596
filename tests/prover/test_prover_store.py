import datetime as dt
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from prover import VaultFileError
from prover.store import APPLICATION_ID, Store
from tests.prover.making import refused

HEADER = b"a header"
ONE, TWO = bytes(16), bytes(range(16))
SHORT = dt.timedelta(milliseconds=50)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    Store.create(tmp_path / "a.vault", HEADER).close()
    return tmp_path / "a.vault"


def contents(file: Path) -> dict[bytes, bytes]:
    with Store.open(file) as store, store.reading() as transaction:
        return dict(transaction.records())


def test_what_is_committed_stays(file: Path) -> None:
    with Store.open(file) as store, store.writing() as transaction:
        transaction.put(ONE, b"one")
        transaction.put(TWO, b"two")
    with Store.open(file) as store, store.writing() as transaction:
        transaction.put(ONE, b"another")
        transaction.delete(TWO)
        transaction.put_header(b"new header")
    with Store.open(file) as store, store.reading() as transaction:
        assert transaction.records() == [(ONE, b"another")]
        assert (transaction.record(ONE), transaction.record(TWO)) == (b"another", None)
        assert transaction.header() == b"new header"


def put_and_fail(store: Store) -> None:
    with store.writing() as transaction:
        transaction.put(ONE, b"one")
        transaction.put_header(b"new header")
        raise KeyError


def test_a_transaction_that_fails_changes_nothing(file: Path) -> None:
    with Store.open(file) as store:
        with pytest.raises(KeyError):
            put_and_fail(store)
        with store.reading() as transaction:
            assert transaction.header() == HEADER
            transaction.put(TWO, b"two")
    assert contents(file) == {}


def test_only_the_owner_reads_the_file_and_its_side_files(tmp_path: Path) -> None:
    umask = os.umask(0)
    try:
        file = tmp_path / "a.vault"
        with Store.create(file, HEADER) as store:
            with store.writing() as transaction:
                transaction.put(ONE, b"one")
            modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir()}
    finally:
        os.umask(umask)
    assert modes == {"a.vault": 0o600, "a.vault-wal": 0o600, "a.vault-shm": 0o600}


def test_writes_go_through_wal_and_to_the_disk(file: Path) -> None:
    with Store.open(file) as store, store.reading() as transaction:
        connection = transaction._connection
        pragmas = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")
        ]
    assert pragmas == ["wal", 2]


def test_a_file_that_is_there_is_not_touched(file: Path, tmp_path: Path) -> None:
    with Store.open(file) as store, store.writing() as transaction:
        transaction.put(ONE, b"one")
    other, database = tmp_path / "letter.txt", tmp_path / "other.sqlite3"
    other.write_text("Dear Sir, " * 1000)
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE mine (x)")
    connection.close()
    for each in (file, other, database):
        before = each.read_bytes()
        refused(VaultFileError, "VAULT_EXISTS", Store.create, each, b"new")
        assert each.read_bytes() == before
    for each in (other, database):
        refused(VaultFileError, "VAULT_DAMAGED", Store.open, each)
    assert contents(file) == {ONE: b"one"}


def test_a_link_is_not_followed_when_a_vault_is_made(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic link"):
        Store.create(tmp_path / "link", HEADER)
    assert not (tmp_path / "elsewhere").exists()


def test_nothing_there(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    for each in (tmp_path / "none.vault", tmp_path, empty):
        refused(VaultFileError, "VAULT_NOT_FOUND", Store.open, each)
    assert {each.name for each in tmp_path.iterdir()} == {"empty"}


def test_an_empty_file_becomes_a_vault_of_its_owner_alone(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.touch(mode=0o644)
    Store.create(empty, HEADER).close()
    assert stat.S_IMODE(empty.stat().st_mode) == 0o600
    assert contents(empty) == {}


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("PRAGMA user_version = 2", "VERSION_UNKNOWN"),
        ("PRAGMA user_version = 0", "VERSION_UNKNOWN"),
        ("PRAGMA application_id = 0", "VAULT_DAMAGED"),
        ("DELETE FROM header", "VAULT_DAMAGED"),
        ("DROP TABLE header", "VAULT_DAMAGED"),
        ("UPDATE header SET octets = 'text'", "VAULT_DAMAGED"),
    ],
)
def test_another_format_is_refused(file: Path, statement: str, reason: str) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute(statement)
    connection.close()
    refused(VaultFileError, reason, Store.open, file)


def test_records_of_another_type_are_refused(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("INSERT INTO record VALUES ('id', 5)")
    connection.close()
    refused(VaultFileError, "VAULT_DAMAGED", contents, file)


def test_a_file_cut_off_is_damaged_and_says_so(file: Path) -> None:
    with Store.open(file) as store, store.writing() as transaction:
        for number in range(50):
            transaction.put(number.to_bytes(16), bytes(1000))
    os.truncate(file, 4096 * 3)
    refused(VaultFileError, "VAULT_DAMAGED", contents, file)


def test_one_writes_the_other_waits_and_is_told(file: Path) -> None:
    with Store.open(file) as first, Store.open(file, patience=SHORT) as second:
        with first.writing() as transaction:
            transaction.put(ONE, b"one")
            with second.reading() as reading:
                assert reading.records() == []
            with pytest.raises(VaultFileError) as caught, second.writing():
                pytest.fail("two wrote at once")
        assert caught.value.reason == "VAULT_BUSY"
        with second.writing() as transaction:
            assert transaction.record(ONE) == b"one"
            transaction.put(TWO, b"two")
    assert contents(file) == {ONE: b"one", TWO: b"two"}


KILLED = """
import os, signal, sys
from pathlib import Path
from prover import store

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

path, step = Path(sys.argv[1]), sys.argv[2]
if step == "making":
    store.insert = die
    store.Store.create(path, b"a header")
opened = store.Store.create(path, b"a header")
with opened.writing() as transaction:
    transaction.put(bytes(16), b"one")
with opened.writing() as transaction:
    transaction.put(bytes(range(16)), b"two")
    if step == "writing":
        die()
die()
"""


@pytest.mark.parametrize(
    ("step", "kept"), [("writing", {ONE: b"one"}), ("written", {ONE: b"one", TWO: b"two"})]
)
def test_killed(tmp_path: Path, step: str, kept: dict[bytes, bytes]) -> None:
    file = tmp_path / "a.vault"
    ended = subprocess.run([sys.executable, "-c", KILLED, str(file), step], check=False)
    assert ended.returncode == -9
    assert contents(file) == kept


def test_killed_while_a_vault_is_made_it_can_be_made_again(tmp_path: Path) -> None:
    file = tmp_path / "a.vault"
    ended = subprocess.run([sys.executable, "-c", KILLED, str(file), "making"], check=False)
    assert ended.returncode == -9
    assert file.exists()
    refused(VaultFileError, "VAULT_NOT_FOUND", Store.open, file)
    Store.create(file, HEADER).close()
    assert contents(file) == {}


def test_errors_do_not_show_what_was_written(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store.open(file) as store, pytest.raises(VaultFileError) as caught, store.writing() as transaction:
        transaction.put(ONE, None)  # type: ignore[arg-type]
    assert caught.value.reason == "VAULT_UNAVAILABLE"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_the_number_that_marks_a_vault_is_in_the_file(file: Path) -> None:
    assert file.read_bytes()[68:72] == APPLICATION_ID.to_bytes(4)
