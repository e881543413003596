"""Standing consents, the exchanges that are addressed to them, and exchanges that ended without an answer."""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
)

from zkservice.storage.tables.base import metadata

consent = Table(
    "consent",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("verifier", ForeignKey("verifier.name"), nullable=False),
    Column("request_id", String(36), nullable=False),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("payload", LargeBinary, nullable=False),
    Column("signature", LargeBinary(64), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("until", Date, nullable=False),
    Column("state", String(16), nullable=False),
    Column("public_key", LargeBinary(32)),
    Column("used", Integer, nullable=False),
    Column("last_used", BigInteger),
    UniqueConstraint("verifier", "request_id"),
)

consent_exchange = Table(
    "consent_exchange",
    metadata,
    Column("exchange", ForeignKey("exchange.id"), primary_key=True),
    Column("consent", ForeignKey("consent.id"), nullable=False, index=True),
)

# How an exchange ended before its time and without an answer: "declined" or "withdrawn".
ended_exchange = Table(
    "ended_exchange",
    metadata,
    Column("exchange", ForeignKey("exchange.id"), primary_key=True),
    Column("how", String(16), nullable=False),
    Column("created", BigInteger, nullable=False),
)
