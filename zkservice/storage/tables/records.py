"""Records that departments push, and pushes. What a record says stands in its offer until it is claimed."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
)

from zkservice.storage.tables.base import SERIAL, metadata

push = Table(
    "push",
    metadata,
    # Grows with time: what a complete push did not have is what no push since it began has had.
    Column("number", SERIAL, primary_key=True, autoincrement=True),
    Column("department", ForeignKey("department.name"), nullable=False),
    Column("id", String(36), nullable=False),
    Column("schema", ForeignKey("schema.name"), nullable=False),
    Column("done", BigInteger, nullable=False),
    Column("issued", BigInteger, nullable=False),
    Column("unchanged", BigInteger, nullable=False),
    Column("replaced", BigInteger, nullable=False),
    Column("renewed", BigInteger, nullable=False),
    Column("rejected", BigInteger, nullable=False),
    Column("not_revocable", BigInteger, nullable=False),
    Column("withdrawn", BigInteger, nullable=False),
    Column("finished", Boolean, nullable=False),
    Column("created", BigInteger, nullable=False),
    # When it had its last group; not known of what a former program has kept.
    Column("changed", BigInteger),
    UniqueConstraint("department", "id"),
    sqlite_autoincrement=True,
)

push_rejection = Table(
    "push_rejection",
    metadata,
    Column("push", ForeignKey("push.number"), primary_key=True),
    Column("place", BigInteger, primary_key=True, autoincrement=False),
    Column("reason", String(40), nullable=False),
    Column("field", String(200), nullable=False),
)

# One row a record, whatever was pushed how often: `mark` and `digest` are keyed fingerprints of the
# department's name of it and of all that it said. `renews` is the offer whose credential goes on until this
# one is claimed.
record = Table(
    "record",
    metadata,
    Column("department", String(100), primary_key=True),
    Column("item", String(100), primary_key=True),
    Column("mark", LargeBinary(32), primary_key=True),
    Column("digest", LargeBinary(32), nullable=False),
    Column("offer", ForeignKey("offer.id"), nullable=False, unique=True),
    Column("renews", ForeignKey("offer.id")),
    Column("ends", Date, nullable=False),
    Column("seen", BigInteger, nullable=False),
    ForeignKeyConstraint(["department"], ["department.name"]),
    Index("ix_record_seen", "department", "item", "seen"),
)
