"""What happened to holders besides uses: each with its entry's place in the log's outbox."""

from sqlalchemy import BigInteger, Column, ForeignKey, LargeBinary, String, Table

from zkservice.storage.tables.base import metadata

# `scope` is whose request_id it is: an exchange, a consent, an account. The same call finds its row again.
event = Table(
    "event",
    metadata,
    Column("scope", String(120), primary_key=True),
    Column("request_id", String(36), primary_key=True),
    Column("digest", LargeBinary(32), nullable=False),
    Column("sealed_opening", LargeBinary, nullable=False),
    Column("outbox", ForeignKey("outbox.id"), nullable=False),
    Column("created", BigInteger, nullable=False),
)
