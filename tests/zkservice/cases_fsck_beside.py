"""Damages of what stands beside the log: what is staged, what waits, anchors, marks, leases, keys."""

from typing import Final

from tests.zkservice.damaging import Case, Made, first_of, flip, sql
from tlog import BlockHeader, Signer
from zkservice.upkeep.faults import FaultReason as Reason

WAITS = "outbox = (SELECT min(outbox) FROM outbox_content WHERE holder_note NOT NULL)"
ANCHOR = "size = (SELECT max(size) FROM ledger_anchor)"


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


CASES: Final = (
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
    Case(
        "where a key was retired that signs",
        sql("UPDATE log_key SET retired_at = 1 WHERE number = 1"),
        Reason.LOG_KEY_INVALID,
        "log_key",
    ),
    Case(
        "a secret that is gone",
        sql("DELETE FROM service_secret WHERE name LIKE 'log-key/2/%'"),
        Reason.LOG_KEY_INVALID,
        "service_secret",
    ),
    Case("no secrets", sql("DELETE FROM service_secret"), Reason.LOG_KEY_INVALID, "service_secret"),
    Case(
        "a secret of nothing",
        sql("UPDATE service_secret SET sealed = x''"),
        Reason.LOG_KEY_INVALID,
        "service_secret",
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
)
