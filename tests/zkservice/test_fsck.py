"""fsck: what a sound ledger is said to hold, and every single damage of every table named where it is."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.zkservice.damaging import ANCHORS, ENTRIES, WAITING, Made, grow, make, receipt
from tlog import BlockHeader, Signer
from tlog.checkpoint import Checkpoint, sign_checkpoint
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


@dataclass(frozen=True)
class Case:
    """A damage, and what has to be said of it."""

    name: str
    damage: Callable[[Made], object]
    reason: Reason
    table: str
    index: int | None = None
    block: int | None = None


def sql(statement: str, *values: object) -> Callable[[Made], object]:
    def damage(made: Made) -> None:
        assert made.change(statement, *values) > 0, "nothing was damaged"

    return damage


def flip(table: str, column: str, where: str, at: int) -> Callable[[Made], object]:
    return lambda made: made.flip(table, column, where, at)


RECEIPT, RECORD, HEADER = 50, 4, 37
"""Indexes of the base: a receipt in the second block, a record, the header of the first block."""
PREFIX = len(b"zk-disclosure/receipt/v1\n")


def kinds(made: Made) -> dict[int, int]:
    return dict(made.rows('SELECT "index", length(holder_note) FROM ledger_entry'))


def first_of(made: Made, *, note: bool, after: int) -> int:
    """Return an entry of the second block that is a receipt, or a record."""
    rows = made.rows('SELECT "index", holder_note, entry FROM ledger_entry WHERE "index" > ?', after)
    found: int = next(
        index
        for index, held, entry in rows
        if (held is not None) == note and not entry.startswith(b"zk-disclosure/block")
    )
    return found


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


def swap_entries(made: Made) -> None:
    first = first_of(made, note=True, after=40)
    second = first_of(made, note=True, after=first)
    for old, new in ((first, -1), (second, first), (-1, second)):
        made.change('UPDATE ledger_entry SET "index" = ? WHERE "index" = ?', new, old)


def other_checkpoint(made: Made) -> None:
    """Another checkpoint that the log's own key signed, of the right size: it must not pass "
    "for the block's."""
    (row,) = made.rows("SELECT size, checkpoint FROM ledger_block WHERE height = 3")
    (other,) = made.rows("SELECT checkpoint FROM ledger_block WHERE height = 4")
    assert row[1] != other[0]
    made.change("UPDATE ledger_block SET checkpoint = ? WHERE height = 3", other[0])


def strangers_checkpoint(made: Made) -> None:
    ((size,),) = made.rows("SELECT size FROM ledger_state WHERE role = 'published'")
    root = made.check().root
    signer = Signer.generate(made.key.name)
    forged = sign_checkpoint(Checkpoint(made.key.name, size, root), signer)
    made.change("UPDATE ledger_state SET checkpoint = ?", forged)


def extra_line(made: Made) -> None:
    (note,) = made.rows("SELECT checkpoint FROM ledger_block WHERE height = 2")[0]
    stranger = Signer.generate(made.key.name)
    line = sign_checkpoint(Checkpoint(made.key.name, 1, bytes(32)), stranger).split(b"\n\n")[1]
    made.change("UPDATE ledger_block SET checkpoint = ? WHERE height = 2", note + line)


def doubled(made: Made) -> None:
    """Let a receipt that stands already wait once more."""
    index = first_of(made, note=True, after=60)
    ((entry, note),) = made.rows('SELECT entry, holder_note FROM ledger_entry WHERE "index" = ?', index)
    made.change("INSERT INTO outbox (entry_index) VALUES (NULL)")
    ((row,),) = made.rows("SELECT max(id) FROM outbox")
    made.change("INSERT INTO outbox_content VALUES (?, ?, ?)", row, entry, note)


def waiting_twice(made: Made) -> None:
    ((entry, note),) = made.rows(
        "SELECT entry, holder_note FROM outbox_content WHERE holder_note NOT NULL LIMIT 1"
    )
    made.change("INSERT INTO outbox (entry_index) VALUES (NULL)")
    ((row,),) = made.rows("SELECT max(id) FROM outbox")
    made.change("INSERT INTO outbox_content VALUES (?, ?, ?)", row, entry, note)


def content_of(made: Made, entry: bytes) -> None:
    made.change(
        "UPDATE outbox_content SET entry = ?, holder_note = NULL WHERE outbox = (SELECT "
        "max(outbox) FROM outbox_content)",
        entry,
    )


def header_waits(made: Made) -> None:
    ((octets,),) = made.rows("SELECT header FROM ledger_block WHERE height = 2")
    content_of(made, octets)


def outbox_at_header(made: Made) -> None:
    index = first_of(made, note=True, after=0)
    ((octets,),) = made.rows("SELECT header FROM ledger_block WHERE height = 0")
    made.change(
        "UPDATE outbox SET entry_index = ? WHERE entry_index = ?", BlockHeader.parse(octets).index, index
    )


WAITS = "outbox = (SELECT min(outbox) FROM outbox_content WHERE holder_note NOT NULL)"
ANCHOR = "size = (SELECT max(size) FROM ledger_anchor)"
LAST_TILE = '(level, "index") = (0, (SELECT max("index") FROM ledger_tile WHERE level = 0))'
CASES = [
    Case(
        "an entry too many",
        sql('INSERT INTO ledger_entry SELECT max("index") + 1, entry, holder_note FROM ledger_entry'),
        Reason.ENTRY_EXTRA,
        "ledger_entry",
    ),
    Case(
        "an entry far out",
        sql("INSERT INTO ledger_entry VALUES (99999, x'00', NULL)"),
        Reason.ENTRY_EXTRA,
        "ledger_entry",
        99999,
    ),
    Case(
        "an entry before all",
        sql("INSERT INTO ledger_entry VALUES (-1, x'00', NULL)"),
        Reason.ENTRY_EXTRA,
        "ledger_entry",
    ),
    Case("two entries swapped", swap_entries, Reason.ENTRY_CHANGED, "ledger_entry", 41),
    Case("no entries", sql("DELETE FROM ledger_entry"), Reason.ENTRY_MISSING, "ledger_entry", 0),
    Case(
        "a first tile",
        flip("ledger_tile", "hashes", '(level, "index") = (0, 0)', 32 * 7),
        Reason.TILE_CHANGED,
        "ledger_tile",
        7,
    ),
    Case(
        "a middle tile",
        flip("ledger_tile", "hashes", '(level, "index") = (0, 1)', -1),
        Reason.TILE_CHANGED,
        "ledger_tile",
        511,
    ),
    Case("the last tile", flip("ledger_tile", "hashes", LAST_TILE, 0), Reason.TILE_CHANGED, "ledger_tile"),
    Case(
        "the upper tile", flip("ledger_tile", "hashes", "level = 1", 40), Reason.TILE_CHANGED, "ledger_tile"
    ),
    Case(
        "a longer tile",
        sql(f"UPDATE ledger_tile SET hashes = hashes || x'{'00' * 32}' WHERE {LAST_TILE}"),
        Reason.TILE_CHANGED,
        "ledger_tile",
    ),
    Case(
        "a shorter tile",
        sql("UPDATE ledger_tile SET hashes = substr(hashes, 1, 64) WHERE level = 1"),
        Reason.TILE_CHANGED,
        "ledger_tile",
    ),
    Case(
        "a full tile cut",
        sql('UPDATE ledger_tile SET hashes = substr(hashes, 1, 320) WHERE (level, "index") = (0, 0)'),
        Reason.TILE_MISSING,
        "ledger_tile",
        10,
    ),
    Case(
        "a tile of text",
        sql("UPDATE ledger_tile SET hashes = 'x' WHERE level = 1"),
        Reason.TILE_CHANGED,
        "ledger_tile",
    ),
    Case(
        "no first tile",
        sql('DELETE FROM ledger_tile WHERE (level, "index") = (0, 0)'),
        Reason.TILE_MISSING,
        "ledger_tile",
        0,
    ),
    Case(
        "no last tile", sql(f"DELETE FROM ledger_tile WHERE {LAST_TILE}"), Reason.TILE_MISSING, "ledger_tile"
    ),
    Case("no upper tile", sql("DELETE FROM ledger_tile WHERE level = 1"), Reason.TILE_MISSING, "ledger_tile"),
    Case(
        "a tile elsewhere",
        sql('UPDATE ledger_tile SET "index" = 77 WHERE (level, "index") = (0, 1)'),
        Reason.TILE_MISSING,
        "ledger_tile",
        256,
    ),
    Case(
        "a tile of another level",
        sql('UPDATE ledger_tile SET level = 3 WHERE (level, "index") = (0, 1)'),
        Reason.TILE_MISSING,
        "ledger_tile",
        256,
    ),
    Case(
        "a tile beyond",
        sql('INSERT INTO ledger_tile SELECT 0, 99, hashes FROM ledger_tile WHERE (level, "index") = (0, 0)'),
        Reason.TILE_EXTRA,
        "ledger_tile",
    ),
    Case(
        "a tile before",
        sql('INSERT INTO ledger_tile SELECT 0, -1, hashes FROM ledger_tile WHERE (level, "index") = (0, 0)'),
        Reason.TILE_EXTRA,
        "ledger_tile",
    ),
    Case(
        "a tile above",
        sql('INSERT INTO ledger_tile SELECT 2, 0, hashes FROM ledger_tile WHERE (level, "index") = (0, 0)'),
        Reason.TILE_EXTRA,
        "ledger_tile",
    ),
    Case(
        "a tile of no level",
        sql('INSERT INTO ledger_tile SELECT -1, 0, hashes FROM ledger_tile WHERE (level, "index") = (0, 0)'),
        Reason.TILE_EXTRA,
        "ledger_tile",
    ),
    Case(
        "a block's height",
        sql("UPDATE ledger_block SET height = 999 WHERE height = 3"),
        Reason.BLOCK_MISSING,
        "ledger_block",
        None,
        3,
    ),
    Case(
        "a block's first index",
        sql("UPDATE ledger_block SET first_index = first_index + 1 WHERE height = 3"),
        Reason.BLOCK_CHANGED,
        "ledger_block",
        None,
        3,
    ),
    Case(
        "a block's size",
        sql("UPDATE ledger_block SET size = size + 1 WHERE height = 3"),
        Reason.BLOCK_CHANGED,
        "ledger_block",
        None,
        3,
    ),
    Case(
        "a checkpoint's text",
        flip("ledger_block", "checkpoint", "height = 3", 3),
        Reason.BLOCK_CHANGED,
        "ledger_block",
        None,
        3,
    ),
    Case(
        "a checkpoint's signature",
        flip("ledger_block", "checkpoint", "height = 3", -5),
        Reason.BLOCK_CHANGED,
        "ledger_block",
        None,
        3,
    ),
    Case("another block's checkpoint", other_checkpoint, Reason.BLOCK_CHANGED, "ledger_block", None, 3),
    Case("a stranger's line", extra_line, Reason.BLOCK_CHANGED, "ledger_block", None, 2),
    Case(
        "a checkpoint of text",
        sql("UPDATE ledger_block SET checkpoint = 'x' WHERE height = 3"),
        Reason.BLOCK_CHANGED,
        "ledger_block",
        None,
        3,
    ),
    Case(
        "no block",
        sql("DELETE FROM ledger_block WHERE height = 3"),
        Reason.BLOCK_MISSING,
        "ledger_block",
        None,
        3,
    ),
    Case(
        "no last block",
        sql("DELETE FROM ledger_block WHERE height = (SELECT max(height) FROM ledger_block)"),
        Reason.BLOCK_MISSING,
        "ledger_block",
    ),
    Case(
        "a block beyond",
        sql(
            "INSERT INTO ledger_block SELECT 999, 99999, 99999, header, checkpoint FROM "
            "ledger_block WHERE height = 0"
        ),
        Reason.BLOCK_EXTRA,
        "ledger_block",
        None,
        999,
    ),
    Case(
        "a block before",
        sql(
            "INSERT INTO ledger_block SELECT -1, 99999, 99999, header, checkpoint FROM "
            "ledger_block WHERE height = 0"
        ),
        Reason.BLOCK_EXTRA,
        "ledger_block",
    ),
    Case(
        "a state's size",
        sql("UPDATE ledger_state SET size = size + 1 WHERE role = 'lock'"),
        Reason.STATE_INVALID,
        "ledger_state",
    ),
    Case(
        "a state's checkpoint",
        flip("ledger_state", "checkpoint", "role = 'published'", 1),
        Reason.STATE_INVALID,
        "ledger_state",
    ),
    Case(
        "a state's signature",
        flip("ledger_state", "checkpoint", "role = 'lock'", -9),
        Reason.STATE_INVALID,
        "ledger_state",
    ),
    Case("a stranger's state", strangers_checkpoint, Reason.STATE_INVALID, "ledger_state"),
    Case(
        "a state of text",
        sql("UPDATE ledger_state SET checkpoint = 'x' WHERE role = 'published'"),
        Reason.STATE_INVALID,
        "ledger_state",
    ),
    Case(
        "no lock", sql("DELETE FROM ledger_state WHERE role = 'lock'"), Reason.STATE_INVALID, "ledger_state"
    ),
    Case(
        "a third state",
        sql("INSERT INTO ledger_state SELECT 'x', size, checkpoint FROM ledger_state LIMIT 1"),
        Reason.STATE_INVALID,
        "ledger_state",
    ),
    Case("no states", sql("DELETE FROM ledger_state"), Reason.STATE_INVALID, "ledger_state"),
    Case(
        "an older published state",
        sql(
            "UPDATE ledger_state SET (size, checkpoint) = (SELECT size, checkpoint FROM "
            "ledger_block WHERE height = 4) WHERE role = 'published'"
        ),
        Reason.STAGED_INVALID,
        "ledger_staged",
    ),
    Case(
        "an older lock",
        sql(
            "UPDATE ledger_state SET (size, checkpoint) = (SELECT size, checkpoint FROM "
            "ledger_block WHERE height = 4) WHERE role = 'lock'"
        ),
        Reason.STATE_INVALID,
        "ledger_state",
    ),
    Case(
        "a staged size",
        sql("UPDATE ledger_staged SET size = size + 1"),
        Reason.STAGED_INVALID,
        "ledger_staged",
    ),
    Case("a staged header", flip("ledger_staged", "header", "1", 80), Reason.STAGED_INVALID, "ledger_staged"),
    Case("a staged height", flip("ledger_staged", "header", "1", 30), Reason.STAGED_INVALID, "ledger_staged"),
    Case("staged text", sql("UPDATE ledger_staged SET header = 'x'"), Reason.STAGED_INVALID, "ledger_staged"),
    Case("staged rows", flip("ledger_staged", "outbox_ids", "1", 7), Reason.STAGED_INVALID, "ledger_staged"),
    Case(
        "staged rows cut",
        sql("UPDATE ledger_staged SET outbox_ids = substr(outbox_ids, 1, 9)"),
        Reason.STAGED_INVALID,
        "ledger_staged",
    ),
    Case(
        "two staged",
        sql("INSERT INTO ledger_staged SELECT size + 9, header, outbox_ids FROM ledger_staged"),
        Reason.STAGED_INVALID,
        "ledger_staged",
    ),
    Case(
        "an outbox index",
        sql("UPDATE outbox SET entry_index = 99999 WHERE entry_index = 45"),
        Reason.OUTBOX_MISSING,
        "outbox",
        45,
    ),
    Case(
        "an outbox index of text",
        sql("UPDATE outbox SET entry_index = 'x' WHERE entry_index = 45"),
        Reason.OUTBOX_MISSING,
        "outbox",
        45,
    ),
    Case("an outbox row at a header", outbox_at_header, Reason.OUTBOX_MISSING, "outbox", 1),
    Case(
        "an outbox row too many",
        sql("INSERT INTO outbox (entry_index) VALUES (99999)"),
        Reason.OUTBOX_INVALID,
        "outbox",
        99999,
    ),
    Case(
        "an outbox row before",
        sql("INSERT INTO outbox (entry_index) VALUES (-1)"),
        Reason.OUTBOX_INVALID,
        "outbox",
        -1,
    ),
    Case(
        "no outbox row", sql("DELETE FROM outbox WHERE entry_index = 45"), Reason.OUTBOX_MISSING, "outbox", 45
    ),
    Case(
        "an index forgotten",
        sql("UPDATE outbox SET entry_index = NULL WHERE entry_index = 45"),
        Reason.OUTBOX_MISSING,
        "outbox_content",
    ),
    Case(
        "no content",
        sql("DELETE FROM outbox_content WHERE outbox = (SELECT max(outbox) FROM outbox_content)"),
        Reason.OUTBOX_MISSING,
        "outbox_content",
    ),
    Case(
        "content of nothing",
        sql(
            "UPDATE outbox_content SET outbox = 999999 WHERE outbox = (SELECT max(outbox) FROM "
            "outbox_content)"
        ),
        Reason.OUTBOX_INVALID,
        "outbox_content",
    ),
    Case(
        "content of an integrated row",
        sql(
            "INSERT INTO outbox_content SELECT (SELECT id FROM outbox WHERE entry_index = 45), "
            "entry, holder_note FROM outbox_content LIMIT 1"
        ),
        Reason.OUTBOX_INVALID,
        "outbox_content",
    ),
    Case(
        "an entry that waits",
        flip("outbox_content", "entry", WAITS, -1),
        Reason.OUTBOX_INVALID,
        "outbox_content",
    ),
    Case(
        "a note that waits",
        flip("outbox_content", "holder_note", WAITS, 1),
        Reason.OUTBOX_INVALID,
        "outbox_content",
    ),
    Case(
        "text that waits",
        sql("UPDATE outbox_content SET entry = 'x'"),
        Reason.OUTBOX_INVALID,
        "outbox_content",
    ),
    Case("a header that waits", header_waits, Reason.OUTBOX_INVALID, "outbox_content"),
    Case("a receipt that stands and waits", doubled, Reason.OUTBOX_DOUBLED, "outbox_content"),
    Case("a receipt that waits twice", waiting_twice, Reason.OUTBOX_DOUBLED, "outbox_content"),
    Case(
        "an anchor's size",
        sql("UPDATE ledger_anchor SET size = size + 1 WHERE size = (SELECT max(size) FROM ledger_anchor)"),
        Reason.ANCHOR_INVALID,
        "ledger_anchor",
    ),
    Case(
        "an anchor's checkpoint",
        flip("ledger_anchor", "checkpoint", ANCHOR, 2),
        Reason.ANCHOR_INVALID,
        "ledger_anchor",
    ),
    Case(
        "an anchor's cosignature",
        flip("ledger_anchor", "checkpoint", ANCHOR, -9),
        Reason.ANCHOR_INVALID,
        "ledger_anchor",
    ),
    Case("an anchor's time", sql("UPDATE ledger_anchor SET at = -1"), Reason.ANCHOR_INVALID, "ledger_anchor"),
    Case(
        "an anchor of another",
        sql("UPDATE ledger_anchor SET checkpoint = (SELECT checkpoint FROM ledger_block WHERE height = 0)"),
        Reason.ANCHOR_INVALID,
        "ledger_anchor",
    ),
    Case(
        "an anchor beyond",
        sql("INSERT INTO ledger_anchor SELECT 99999, checkpoint, at FROM ledger_anchor LIMIT 1"),
        Reason.ANCHOR_INVALID,
        "ledger_anchor",
    ),
    Case(
        "an anchor without cosignatures",
        sql(
            "UPDATE ledger_anchor SET checkpoint = (SELECT b.checkpoint FROM ledger_block b "
            "WHERE b.size = ledger_anchor.size)"
        ),
        Reason.ANCHOR_INVALID,
        "ledger_anchor",
    ),
    Case("a mark's name", sql("UPDATE ledger_mark SET name = 'x'"), Reason.MARK_INVALID, "ledger_mark"),
    Case("a mark's value", sql("UPDATE ledger_mark SET value = ''"), Reason.MARK_INVALID, "ledger_mark"),
    Case("a lease's role", sql("UPDATE ledger_lease SET role = 'x'"), Reason.LEASE_INVALID, "ledger_lease"),
    Case(
        "a lease's holder",
        sql("UPDATE ledger_lease SET holder = x'01'"),
        Reason.LEASE_INVALID,
        "ledger_lease",
    ),
    Case("a lease's term", sql("UPDATE ledger_lease SET term = -1"), Reason.LEASE_INVALID, "ledger_lease"),
    Case("a lease's beat", sql("UPDATE ledger_lease SET beat = 'x'"), Reason.LEASE_INVALID, "ledger_lease"),
    Case(
        "a key's number",
        sql("UPDATE log_key SET number = 7 WHERE number = 2"),
        Reason.LOG_KEY_INVALID,
        "log_key",
    ),
    Case(
        "a key",
        sql("UPDATE log_key SET verifier_key = 'x' WHERE number = 2"),
        Reason.LOG_KEY_INVALID,
        "log_key",
    ),
    Case(
        "a stranger's key",
        lambda made: made.change(
            "UPDATE log_key SET verifier_key = ? WHERE number = 2",
            str(Signer.generate(made.key.name).verifier),
        ),
        Reason.LOG_KEY_INVALID,
        "log_key",
    ),
    Case(
        "a key's state",
        sql("UPDATE log_key SET state = 'retired' WHERE number = 2"),
        Reason.LOG_KEY_INVALID,
        "log_key",
    ),
    Case(
        "a first key's record",
        sql("UPDATE log_key SET outbox = 1 WHERE number = 1"),
        Reason.LOG_KEY_INVALID,
        "log_key",
    ),
    Case(
        "a next key's record",
        sql("UPDATE log_key SET outbox = outbox + 1 WHERE number = 2"),
        Reason.LOG_KEY_INVALID,
        "log_key",
    ),
    Case("no first key", sql("DELETE FROM log_key WHERE number = 1"), Reason.LOG_KEY_INVALID, "log_key"),
    Case(
        "a schema",
        sql("UPDATE alembic_version SET version_num = '0001'"),
        Reason.SCHEMA_MISMATCH,
        "alembic_version",
    ),
    Case(
        "no table", sql("ALTER TABLE ledger_tile RENAME TO something"), Reason.DATABASE_UNREADABLE, "database"
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[each.name for each in CASES])
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
    """Whoever adds a column adds a damage of it here. What cannot be told is named in "
    "fsck's own docstring."""
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
        "log_key": {"number", "verifier_key", "state", "outbox"},
    }
    names = [
        name
        for (name,) in sound.rows("SELECT name FROM sqlite_schema WHERE type = 'table'")
        if name.startswith(("ledger_", "outbox", "log_"))
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
