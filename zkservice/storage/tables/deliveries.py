"""Who receives what is sent unasked, and what waits for them: sealed to the recipients, from nobody known."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
)

from zkservice.storage.tables.base import metadata

# `public_key` is the one that signed the card: once the party is registered with another, the card is void.
receiving_card = Table(
    "receiving_card",
    metadata,
    Column("party", String(100), primary_key=True),
    Column("payload", LargeBinary, nullable=False),
    Column("signature", LargeBinary(64), nullable=False),
    Column("public_key", LargeBinary(32), nullable=False),
    Column("receiving", Boolean, nullable=False),
    Column("updated", BigInteger, nullable=False),
)

# `sealed` is gone once the recipient has acknowledged it; the row stays until it expires, so that how often a
# recipient was sent something is known, and nothing is sent twice meanwhile.
unasked_delivery = Table(
    "unasked_delivery",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("recipient", ForeignKey("receiving_card.party"), nullable=False),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("size", Integer, nullable=False),
    Column("sealed", LargeBinary),
    Column("event_scope", String(120), nullable=False),
    Column("request_id", String(36), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False, index=True),
    ForeignKeyConstraint(["event_scope", "request_id"], ["event.scope", "event.request_id"]),
    Index("ix_unasked_delivery_recipient", "recipient", "created"),
)
