"""The outbox and the log that the sequencer makes of it."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, LargeBinary, String, Table

from zkservice.storage.tables.base import SERIAL, metadata

outbox = Table(
    "outbox",
    metadata,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("entry", LargeBinary, nullable=False),
    Column("holder_note", LargeBinary),
    Column("entry_index", BigInteger, unique=True),
    sqlite_autoincrement=True,
)
Index("ix_outbox_pending", outbox.c.id, sqlite_where=outbox.c.entry_index.is_(None))

ledger_state = Table(
    "ledger_state",
    metadata,
    Column("role", String(16), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("checkpoint", LargeBinary, nullable=False),
    CheckConstraint("role in ('lock', 'published')", name="role"),
)

ledger_staged = Table(
    "ledger_staged",
    metadata,
    Column("size", BigInteger, primary_key=True),
    Column("header", LargeBinary, nullable=False),
    Column("outbox_ids", LargeBinary, nullable=False),
)

ledger_entry = Table(
    "ledger_entry",
    metadata,
    Column("index", BigInteger, primary_key=True, autoincrement=False),
    Column("entry", LargeBinary, nullable=False),
    Column("holder_note", LargeBinary),
)

ledger_tile = Table(
    "ledger_tile",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("index", BigInteger, primary_key=True, autoincrement=False),
    Column("hashes", LargeBinary, nullable=False),
)

ledger_block = Table(
    "ledger_block",
    metadata,
    Column("height", BigInteger, primary_key=True, autoincrement=False),
    Column("first_index", BigInteger, nullable=False, unique=True),
    Column("size", BigInteger, nullable=False, unique=True),
    Column("header", LargeBinary, nullable=False),
    Column("checkpoint", LargeBinary, nullable=False),
)
