"""Registered policies of verifiers."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, LargeBinary, String, Table

from zkservice.storage.tables.base import metadata

policy = Table(
    "policy",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("verifier", ForeignKey("verifier.name"), nullable=False, index=True),
    Column("canonical", LargeBinary, nullable=False),
    Column("deprecated", Boolean, nullable=False),
    Column("outbox", ForeignKey("outbox.id"), nullable=False),
    Column("created", BigInteger, nullable=False),
)
