"""What owners publish: tables, regulators, openings."""

from sqlalchemy import BigInteger, Column, ForeignKey, LargeBinary, String, Table

from zkservice.storage.tables.base import metadata

published_table = Table(
    "published_table",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("owner", String(100), nullable=False, index=True),
    Column("suite", String(200), nullable=False),
    Column("code_system", String(200), nullable=False),
    Column("codes", LargeBinary, nullable=False),
    Column("octets", LargeBinary, nullable=False),
    # One key for two tables would let a signature of one stand for one of the other.
    Column("public_key", LargeBinary(96), nullable=False, unique=True),
    Column("outbox", ForeignKey("outbox.id"), nullable=False),
    Column("created", BigInteger, nullable=False),
)

regulator = Table(
    "regulator",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("zh", String(1000), nullable=False),
    Column("en", String(1000), nullable=False),
    Column("shares", LargeBinary, nullable=False),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("outbox", ForeignKey("outbox.id"), nullable=False),
    Column("created", BigInteger, nullable=False),
)

opening = Table(
    "opening",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("outbox", ForeignKey("outbox.id"), nullable=False),
)
