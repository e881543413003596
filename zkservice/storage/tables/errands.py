"""Bundles of errands, errands, their parts, what counters asked and told."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
)

from zkservice.storage.tables.base import metadata

errand_bundle = Table(
    "errand_bundle",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("canonical", LargeBinary, nullable=False),
    Column("outbox", ForeignKey("outbox.id"), nullable=False),
    Column("created", BigInteger, nullable=False),
)

# `start_mark` is a keyed fingerprint of the request_id: who reads the table cannot start the errand again
# and so be given its ticket.
errand = Table(
    "errand",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("start_mark", LargeBinary(32), nullable=False, unique=True),
    Column("bundle", ForeignKey("errand_bundle.name"), nullable=False),
    Column("state", String(16), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    CheckConstraint("state in ('open', 'submitted', 'abandoned')", name="state"),
)
Index("ix_errand_waiting", errand.c.bundle, errand.c.state, errand.c.expires)
Index("ix_errand_ended", errand.c.state, errand.c.expires)

# `exchange` is the one that the counter opened last. `due` is when the counter should have settled it, gone
# once it has, or once that it had not was counted.
errand_part = Table(
    "errand_part",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("errand", ForeignKey("errand.id"), nullable=False),
    Column("part", String(63), nullable=False),
    Column("verifier", ForeignKey("verifier.name"), nullable=False),
    Column("state", String(16), nullable=False),
    Column("exchange", ForeignKey("exchange.id")),
    Column("revision", Integer, nullable=False),
    Column("due", BigInteger, index=True),
    UniqueConstraint("errand", "part"),
    CheckConstraint(
        "state in ('waiting', 'asked', 'submitted', 'received', 'in-progress', 'done', 'rejected')",
        name="state",
    ),
)
Index("ix_errand_part_verifier", errand_part.c.verifier, errand_part.c.state)

# What a counter asked of a part, each time that it did. The form is sealed to the counter.
errand_ask = Table(
    "errand_ask",
    metadata,
    Column("exchange", ForeignKey("exchange.id"), primary_key=True),
    Column("part", ForeignKey("errand_part.id"), nullable=False, index=True),
    Column("form_key", LargeBinary(32), nullable=False),
    Column("signature", LargeBinary(64), nullable=False),
    Column("sealed_form", LargeBinary),
)

errand_update = Table(
    "errand_update",
    metadata,
    Column("part", ForeignKey("errand_part.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("request_id", String(36), nullable=False),
    Column("digest", LargeBinary(32), nullable=False),
    Column("state", String(16), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("created", BigInteger, nullable=False),
    UniqueConstraint("part", "request_id"),
)
