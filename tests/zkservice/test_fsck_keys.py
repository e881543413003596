"""fsck of a log that has retired a key: what that key signs later, and what is left of it, are faults."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic import command

from tests.zkservice.damaging import NAME, Made, settings_of
from tests.zkservice.stealing import Robbed, rob
from tlog import open_checkpoint
from zkservice import key_change
from zkservice.storage import schema_version
from zkservice.storage.database import open_engine
from zkservice.upkeep.faults import FaultReason as Reason


@pytest.fixture(scope="module")
def robbed(tmp_path_factory: pytest.TempPathFactory) -> Robbed:
    return rob(tmp_path_factory.mktemp("ledger") / "server")


@pytest.fixture
def made(robbed: Robbed, tmp_path: Path) -> Made:
    return robbed.made.copy(tmp_path / "copy")


def fault(made: Made) -> tuple[str, str]:
    found = made.fault()
    return found.reason, found.place.table


def test_a_log_that_has_retired_a_key_is_sound(robbed: Robbed, made: Made) -> None:
    for key in (robbed.old, robbed.new):
        assert Made(made.folder, key).check().size > 0


def head(made: Made, robbed: Robbed) -> tuple[int, bytes]:
    ((size, note),) = made.rows("SELECT size, checkpoint FROM ledger_state WHERE role = 'published'")
    return size, open_checkpoint(note, robbed.new).root


def test_a_head_that_only_the_retired_key_signed_is_a_fault(robbed: Robbed, made: Made) -> None:
    size, root = head(made, robbed)
    forged = robbed.signs(size, root)
    assert made.change("UPDATE ledger_state SET checkpoint = ?", forged) == 2
    assert made.change("UPDATE ledger_block SET checkpoint = ? WHERE size = ?", forged, size) == 1
    assert fault(made) == (Reason.STATE_INVALID, "ledger_state")


def test_a_block_that_only_the_retired_key_signed_is_a_fault(robbed: Robbed, made: Made) -> None:
    """From the block of the record on, while both keys sign and after; before it the old one signs alone."""
    index = made.rows("SELECT entry_index FROM outbox, log_key WHERE outbox.id = log_key.outbox")[0][0]
    for size, note in made.rows("SELECT size, checkpoint FROM ledger_block"):
        root = open_checkpoint(note, (robbed.old, robbed.new)).root
        made.change("UPDATE ledger_block SET checkpoint = ? WHERE size = ?", robbed.signs(size, root), size)
        if size <= index:
            made.check()
        elif size < head(made, robbed)[0]:
            assert fault(made) == (Reason.BLOCK_CHANGED, "ledger_block")
        made.change("UPDATE ledger_block SET checkpoint = ? WHERE size = ?", note, size)
    made.check()


def test_an_anchor_that_only_the_retired_key_signed_is_a_fault(robbed: Robbed, made: Made) -> None:
    size, root = head(made, robbed)
    made.change("INSERT INTO ledger_anchor VALUES (?, ?, 0)", size, robbed.signs(size, root))
    assert fault(made) == (Reason.ANCHOR_INVALID, "ledger_anchor")


def test_a_retired_keys_secret_that_is_put_back_is_a_fault(tmp_path: Path, robbed: Robbed) -> None:
    made = robbed.made.copy(tmp_path / "again")
    key_change.begin(settings_of(made.folder))
    with closing(sqlite3.connect(made.folder / NAME)) as connection:
        rows: list[tuple[Any, ...]] = connection.execute("SELECT * FROM service_secret").fetchall()
    assert made.check().waiting == 1
    for each in rows:
        made.change(
            "INSERT OR IGNORE INTO service_secret VALUES ('log-key/' || ?, ?)", robbed.old.name, each[1]
        )
    assert fault(made) == (Reason.LOG_KEY_INVALID, "service_secret")


@pytest.mark.parametrize("value", [None, -1, 0, 5, "x", 10**6])
def test_where_a_key_was_retired_fits_to_the_log(made: Made, value: object) -> None:
    made.change("UPDATE log_key SET retired_at = ? WHERE number = 1", value)
    assert fault(made) == (Reason.LOG_KEY_INVALID, "log_key")


def test_a_database_from_before_this_was_noted_is_upgraded_to_what_is_known(made: Made) -> None:
    """That a key was retired by now."""
    engine = open_engine(settings_of(made.folder).database_url)
    config = schema_version._config(engine)
    command.downgrade(config, "0020")
    schema_version.upgrade(engine)
    engine.dispose()
    lock = "SELECT size FROM ledger_state WHERE role = 'lock'"
    rows = made.rows("SELECT retired_at FROM log_key ORDER BY number")
    assert rows == [*made.rows(lock), (None,)]
    made.check()
