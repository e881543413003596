"""Damages of the log itself, one by one: entries, tiles, blocks, states; and what fsck has to say of each."""

from typing import Final

from tests.zkservice.damaging import Case, Made, first_of, flip, sql
from tlog import Signer
from tlog.checkpoint import Checkpoint, sign_checkpoint
from zkservice.upkeep.faults import FaultReason as Reason

LAST_TILE = '(level, "index") = (0, (SELECT max("index") FROM ledger_tile WHERE level = 0))'


def swap_entries(made: Made) -> None:
    first = first_of(made, note=True, after=40)
    second = first_of(made, note=True, after=first)
    for old, new in ((first, -1), (second, first), (-1, second)):
        made.change('UPDATE ledger_entry SET "index" = ? WHERE "index" = ?', new, old)


def other_checkpoint(made: Made) -> None:
    """Another checkpoint that the log's own key signed must not pass for the block's."""
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


CASES: Final = (
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
)
