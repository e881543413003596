"""Accumulators with their revocations and epochs."""

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary, String, Table, UniqueConstraint

from zkservice.storage.tables.base import metadata

accumulator = Table(
    "accumulator",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("department", ForeignKey("department.name"), nullable=False, index=True),
    Column("suite", String(200), nullable=False),
    Column("public_key", LargeBinary(96), nullable=False),
    Column("sealed_secret", LargeBinary, nullable=False),
    Column("request_id", String(36), nullable=False),
    Column("outbox", ForeignKey("outbox.id"), nullable=False),
    Column("created", BigInteger, nullable=False),
    UniqueConstraint("department", "request_id"),
)

revocation = Table(
    "revocation",
    metadata,
    Column("accumulator", ForeignKey("accumulator.name"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("handle", LargeBinary(32), nullable=False),
    Column("value", LargeBinary(96), nullable=False),
    # A handle that were revoked twice would come with a witness: refused here whoever asks at once.
    UniqueConstraint("accumulator", "handle"),
)

epoch = Table(
    "epoch",
    metadata,
    Column("accumulator", ForeignKey("accumulator.name"), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("count", Integer, nullable=False),
    Column("octets", LargeBinary, nullable=False),
    Column("request_id", String(36), nullable=False),
    Column("request_digest", LargeBinary(32), nullable=False),
    Column("outbox", ForeignKey("outbox.id"), nullable=False),
    Column("created", BigInteger, nullable=False),
    UniqueConstraint("accumulator", "request_id"),
)
