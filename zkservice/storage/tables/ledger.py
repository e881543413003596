"""The outbox and the log that the sequencer makes of it."""

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Integer, LargeBinary, String, Table

from zkservice.storage.tables.base import SERIAL, metadata

outbox = Table(
    "outbox",
    metadata,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("entry_index", BigInteger, unique=True),
    sqlite_autoincrement=True,
)

# What an outbox row holds until its block is published. Rows of their own, so that their room is used again:
# a row that gave up its content in place would keep the pages that it had, as much as the log itself takes.
outbox_content = Table(
    "outbox_content",
    metadata,
    Column("outbox", ForeignKey("outbox.id"), primary_key=True),
    Column("entry", LargeBinary, nullable=False),
    Column("holder_note", LargeBinary),
)

ledger_state = Table(
    "ledger_state",
    metadata,
    Column("role", String(16), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("checkpoint", LargeBinary, nullable=False),
    CheckConstraint("role in ('lock', 'published')", name="role"),
)

# Who sequences now. Of one row, which is there from the first start on: no holder is nobody.
ledger_lease = Table(
    "ledger_lease",
    metadata,
    Column("role", String(16), primary_key=True),
    Column("holder", LargeBinary(16), nullable=False),
    Column("term", BigInteger, nullable=False),
    Column("beat", BigInteger, nullable=False),
    CheckConstraint("role = 'sequencer'", name="role"),
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

# The checkpoints that reached their quorum, each with the cosignatures that are known of it. None is removed:
# the first that is larger than an entry's index is that entry's anchor.
ledger_anchor = Table(
    "ledger_anchor",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("checkpoint", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False),
)

# What has to be remembered about the log as a whole until it is dealt with.
ledger_mark = Table(
    "ledger_mark",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("value", String(1000), nullable=False),
)
