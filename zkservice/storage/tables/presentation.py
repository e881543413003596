"""Exchanges, their answers, and what was seen."""

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary, String, Table, UniqueConstraint

from zkservice.storage.tables.base import metadata

exchange = Table(
    "exchange",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("verifier", ForeignKey("verifier.name"), nullable=False),
    Column("request_id", String(36), nullable=False),
    Column("request_digest", LargeBinary(32), nullable=False, unique=True),
    Column("payload", LargeBinary, nullable=False),
    Column("signature", LargeBinary(64), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    UniqueConstraint("verifier", "request_id"),
)

answer = Table(
    "answer",
    metadata,
    Column("exchange", ForeignKey("exchange.id"), primary_key=True),
    Column("request_id", String(36), nullable=False),
    Column("submission_digest", LargeBinary(32), nullable=False),
    Column("sealed_presentation", LargeBinary, nullable=False),
    Column("sealed_opening", LargeBinary, nullable=False),
    Column("outbox", ForeignKey("outbox.id"), nullable=False),
    Column("created", BigInteger, nullable=False),
)

seen = Table(
    "seen",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("exchange", ForeignKey("exchange.id"), nullable=False),
)

# Exchanges that take a pairing code, which is computed and stored nowhere, with the wrong ones that came.
pairing = Table(
    "pairing",
    metadata,
    Column("exchange", ForeignKey("exchange.id"), primary_key=True),
    Column("wrong", Integer, nullable=False),
)
