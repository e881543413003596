"""Departments, schemas, issuer keys, verifiers."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
)

from zkservice.storage.tables.base import SERIAL, metadata

department = Table(
    "department",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("zh", String(1000), nullable=False),
    Column("en", String(1000), nullable=False),
    Column("token_hash", LargeBinary(32), nullable=False, unique=True),
    Column("created", BigInteger, nullable=False),
    # Kinds of subject with spaces between, in order.
    Column("identifies", String(40), nullable=False),
)

schema = Table(
    "schema",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("department", ForeignKey("department.name"), nullable=False),
    Column("canonical", LargeBinary, nullable=False),
    Column("outbox", SERIAL),
    Column("created", BigInteger, nullable=False),
)

issuer_key = Table(
    "issuer_key",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("department", ForeignKey("department.name"), nullable=False),
    Column("suite", String(200), nullable=False),
    Column("public_key", LargeBinary(96), nullable=False),
    Column("sealed_secret", LargeBinary, nullable=False),
    Column("state", String(16), nullable=False),
    Column("request_id", String(36), nullable=False),
    Column("outbox", ForeignKey("outbox.id"), nullable=False),
    # None for an active key; the record of its present state for another.
    Column("state_outbox", SERIAL),
    Column("created", BigInteger, nullable=False),
    UniqueConstraint("department", "request_id"),
    CheckConstraint("state in ('active', 'verify-only', 'retired')", name="state"),
)

verifier = Table(
    "verifier",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("zh", String(1000), nullable=False),
    Column("en", String(1000), nullable=False),
    Column("public_key", LargeBinary(32), nullable=False),
    # None until the service has recorded what was registered before there were such records.
    Column("outbox", SERIAL),
    Column("created", BigInteger, nullable=False),
)
