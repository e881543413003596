"""fsck: what a sound ledger is said to hold, and every single damage of every table named where it is."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.zkservice import cases_fsck_beside, cases_fsck_log
from tests.zkservice.damaging import ANCHORS, ENTRIES, WAITING, Case, Made, first_of, grow, make, receipt
from tlog import BlockHeader, Signer
from zkservice.errors import StartError
from zkservice.upkeep.faults import FaultReason as Reason


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("ledger") / "server")


def test_a_sound_ledger_is_said_to_hold_what_it_holds(sound: Made) -> None:
    report = sound.check(sound.policy)
    ((size, note),) = sound.rows("SELECT size, checkpoint FROM ledger_state WHERE role = 'published'")
    assert (report.size, report.checkpoint) == (size, note)
    assert report.receipts == ENTRIES
    assert report.records == ENTRIES // 4 + 1, "and the record of the next key"
    assert report.blocks == size - report.receipts - report.records
    assert (report.anchors, report.locked) == (ANCHORS, 0)
    assert report.waiting == WAITING + WAITING // 4
    assert report.marks == {"restored": "as the test wants it"}


def test_nothing_is_written(sound: Made) -> None:
    before = {each: each.read_bytes() for each in sound.folder.rglob("*") if each.is_file()}
    sound.check()
    assert {each: each.read_bytes() for each in sound.folder.rglob("*") if each.is_file()} == before


ALL = (*cases_fsck_log.CASES, *cases_fsck_beside.CASES)
PREFIX = len(b"zk-disclosure/receipt/v1\n")


ENTRY_DAMAGES: dict[str, tuple[Callable[[Made, int], object], Reason]] = {
    "a commitment": (
        lambda m, i: m.flip("ledger_entry", "entry", f'"index" = {i}', PREFIX + 3),
        Reason.ENTRY_CHANGED,
    ),
    "the hash of a note": (
        lambda m, i: m.flip("ledger_entry", "entry", f'"index" = {i}', -1),
        Reason.ENTRY_CHANGED,
    ),
    "a prefix": (lambda m, i: m.flip("ledger_entry", "entry", f'"index" = {i}', 0), Reason.ENTRY_CHANGED),
    "text for octets": (
        lambda m, i: m.change('UPDATE ledger_entry SET entry = ? WHERE "index" = ?', "x", i),
        Reason.ENTRY_CHANGED,
    ),
    "another receipt": (
        lambda m, i: m.change(
            'UPDATE ledger_entry SET entry = ?, holder_note = ? WHERE "index" = ?', *receipt(b"other"), i
        ),
        Reason.ENTRY_CHANGED,
    ),
    "a note": (
        lambda m, i: m.flip("ledger_entry", "holder_note", f'"index" = {i}', 700),
        Reason.NOTE_CHANGED,
    ),
    "a note's length": (
        lambda m, i: m.change('UPDATE ledger_entry SET holder_note = ? WHERE "index" = ?', b"x", i),
        Reason.NOTE_CHANGED,
    ),
    "a note that is gone": (
        lambda m, i: m.change('UPDATE ledger_entry SET holder_note = NULL WHERE "index" = ?', i),
        Reason.NOTE_CHANGED,
    ),
    "a note of text": (
        lambda m, i: m.change('UPDATE ledger_entry SET holder_note = ? WHERE "index" = ?', "x" * 1024, i),
        Reason.NOTE_CHANGED,
    ),
    "a row that is gone": (
        lambda m, i: m.change('DELETE FROM ledger_entry WHERE "index" = ?', i),
        Reason.ENTRY_MISSING,
    ),
    "a row elsewhere": (
        lambda m, i: m.change('UPDATE ledger_entry SET "index" = 99999 WHERE "index" = ?', i),
        Reason.ENTRY_MISSING,
    ),
    "an index of text": (
        lambda m, i: m.change('UPDATE ledger_entry SET "index" = ? WHERE "index" = ?', "x", i),
        Reason.ENTRY_MISSING,
    ),
}


@pytest.mark.parametrize("after", [0, 300, -9], ids=["in the first tile", "later", "in the last block"])
@pytest.mark.parametrize("damage", ENTRY_DAMAGES)
def test_a_damaged_entry_is_named(sound: Made, tmp_path: Path, damage: str, after: int) -> None:
    made = sound.copy(tmp_path / "copy")
    act, reason = ENTRY_DAMAGES[damage]
    index = first_of(made, note=True, after=after if after >= 0 else sound.check().size + after)
    act(made, index)
    fault = made.fault()
    assert (fault.reason, fault.place.table, fault.place.index) == (reason, "ledger_entry", index), fault


@pytest.mark.parametrize(
    "at", [23, 31, 63, 71, 79, 111], ids=["height", "previous", "first", "count", "root", "time"]
)
@pytest.mark.parametrize("block", [0, 9, -1])
def test_a_damaged_header_is_named_in_the_log_and_in_the_table(
    sound: Made, tmp_path: Path, at: int, block: int
) -> None:
    height = block % sound.check().blocks
    ((octets,),) = sound.rows("SELECT header FROM ledger_block WHERE height = ?", height)
    index = BlockHeader.parse(octets).index
    made = sound.copy(tmp_path / "log")
    made.flip("ledger_entry", "entry", f'"index" = {index}', at + 7 if at not in {31, 79} else at)
    fault = made.fault()
    assert (fault.reason, fault.place.table, fault.place.index) == (
        Reason.ENTRY_CHANGED,
        "ledger_entry",
        index,
    )
    made = sound.copy(tmp_path / "table")
    made.flip("ledger_block", "header", f"height = {height}", at)
    fault = made.fault()
    assert (fault.reason, fault.place.table, fault.place.block) == (
        Reason.BLOCK_CHANGED,
        "ledger_block",
        height,
    )


@pytest.mark.parametrize("case", ALL, ids=[each.name for each in ALL])
def test_a_damage_is_named_at_its_place(sound: Made, tmp_path: Path, case: Case) -> None:
    made = sound.copy(tmp_path / "copy")
    try:
        case.damage(made)
    except AssertionError:
        if case.name != "no table":
            raise
    fault = made.fault(made.policy)
    assert (fault.reason, fault.place.table) == (case.reason, case.table), fault
    if case.index is not None:
        assert fault.place.index == case.index, fault
    if case.block is not None:
        assert fault.place.block == case.block, fault


def test_every_column_of_every_table_of_the_ledger_is_among_the_cases(sound: Made) -> None:
    """Whoever adds a column adds a damage of it. What cannot be told is named in fsck's own docstring."""
    covered = {
        "outbox": {"id", "entry_index"},
        "outbox_content": {"outbox", "entry", "holder_note"},
        "ledger_state": {"role", "size", "checkpoint"},
        "ledger_staged": {"size", "header", "outbox_ids"},
        "ledger_entry": {"index", "entry", "holder_note"},
        "ledger_tile": {"level", "index", "hashes"},
        "ledger_block": {"height", "first_index", "size", "header", "checkpoint"},
        "ledger_anchor": {"size", "checkpoint", "at"},
        "ledger_mark": {"name", "value"},
        "ledger_lease": {"role", "holder", "term", "beat"},
        "log_key": {"number", "verifier_key", "state", "outbox", "retired_at"},
        "service_secret": {"name", "sealed"},
    }
    names = [
        name
        for (name,) in sound.rows("SELECT name FROM sqlite_schema WHERE type = 'table'")
        if name.startswith(("ledger_", "outbox", "log_", "service_"))
    ]
    found = {name: {row[1] for row in sound.rows(f"PRAGMA table_info({name})")} for name in names}
    assert found == covered


def test_an_outbox_row_that_something_refers_to_is_missed(sound: Made, tmp_path: Path) -> None:
    made = sound.copy(tmp_path / "copy")
    made.change("UPDATE outbox SET id = 888888 WHERE id = (SELECT outbox FROM log_key WHERE number = 2)")
    assert made.fault().reason in {Reason.LOG_KEY_INVALID, Reason.OUTBOX_MISSING}


def test_another_logs_key_is_refused(sound: Made) -> None:
    other = Made(sound.folder, Signer.generate(sound.key.name).verifier)
    assert other.fault().reason == Reason.LOG_KEY_INVALID


def test_a_log_that_grows_meanwhile_is_checked_as_it_was(sound: Made, tmp_path: Path) -> None:
    made = sound.copy(tmp_path / "copy")
    made.change("DELETE FROM ledger_mark")
    made.change("DELETE FROM ledger_mark")  # a restored log grows no more until its witnesses were asked
    before = made.check()
    asyncio.run(grow(made.folder, 60))
    after = made.check()
    assert after.size > before.size
    assert after.waiting == 0, "what waited is integrated"


def test_a_file_that_is_no_database_is_a_fault(sound: Made, tmp_path: Path) -> None:
    made = sound.copy(tmp_path / "copy")
    (made.folder / "service.sqlite3").write_bytes(b"not a database" * 1000)
    assert made.fault().reason == Reason.DATABASE_UNREADABLE
    (made.folder / "service.sqlite3").unlink()
    with pytest.raises(StartError, match="cannot be opened"):
        made.check()
