"""Offers of both forms, who has claimed them, and what is left to revoke."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
)

from zkservice.storage.tables.base import metadata

offer = Table(
    "offer",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("department", ForeignKey("department.name"), nullable=False),
    Column("schema", ForeignKey("schema.name"), nullable=False),
    Column("request_id", String(36), nullable=False),
    Column("request_digest", LargeBinary(32), nullable=False),
    Column("state", String(16), nullable=False),
    Column("claim_request_id", String(36)),
    Column("sealed", LargeBinary),
    # Of a claim that asked for a W3C document: the hash of what its holder committed to, until acknowledged.
    Column("document_holder", LargeBinary(32)),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False, index=True),
    UniqueConstraint("department", "request_id"),
    CheckConstraint("state in ('offered', 'claimed', 'done', 'expired')", name="state"),
    CheckConstraint("(sealed is null) = (state in ('done', 'expired'))", name="sealed"),
)

composite_offer = Table(
    "composite_offer",
    metadata,
    Column("offer", ForeignKey("offer.id"), primary_key=True),
    Column("terms", LargeBinary, nullable=False),
    Column("request", LargeBinary),
    Column("person", LargeBinary(32)),
    Column("replaces", LargeBinary(32)),
    Column("claim_digest", LargeBinary(32)),
    # The handle's keyed fingerprint: of two credentials with one handle, revoking one would revoke both.
    Column("handle", LargeBinary(32), unique=True),
    Column("sealed_handle", LargeBinary),
    Column("accumulator", ForeignKey("accumulator.name")),
    CheckConstraint("(person is null) = (request is not null)", name="identified"),
    CheckConstraint("(handle is null) = (claim_digest is null)", name="claimed"),
    CheckConstraint("(handle is null) = (sealed_handle is null)", name="handle"),
)

# What the owner of a lost vault had is revoked in the course of the claim that takes its place: a row for
# each offer whose handle is still to be, written with the claim, so that a crash in between loses nothing.
due_revocation = Table(
    "due_revocation",
    metadata,
    Column("offer", ForeignKey("composite_offer.offer"), primary_key=True),
)

# Whoever has claimed base credentials, by keyed fingerprints: a person has one pseudonym at a time, and a
# pseudonym belongs to one person for ever, also when another has taken its place.
holder = Table(
    "holder",
    metadata,
    Column("department", ForeignKey("department.name"), primary_key=True),
    Column("pseudonym", LargeBinary(32), primary_key=True),
    Column("person", LargeBinary(32), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("replaced", BigInteger),
)
Index(
    "ix_holder_person",
    holder.c.department,
    holder.c.person,
    unique=True,
    sqlite_where=holder.c.replaced.is_(None),
    postgresql_where=holder.c.replaced.is_(None),
)
