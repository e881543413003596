"""The tables. Times are UTC milliseconds, octets are octets, personal data and secrets are sealed (`keys`).

A change here comes with a migration (`migrations/versions`), and a test compares the two.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_Serial = BigInteger().with_variant(Integer, "sqlite")

service_secret = Table(
    "service_secret",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)

department = Table(
    "department",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("zh", String(1000), nullable=False),
    Column("en", String(1000), nullable=False),
    Column("token_hash", LargeBinary(32), nullable=False, unique=True),
    Column("created", BigInteger, nullable=False),
)

schema = Table(
    "schema",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("department", ForeignKey("department.name"), nullable=False),
    Column("canonical", LargeBinary, nullable=False),
    Column("outbox", _Serial),
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
    Column("outbox", _Serial),
    Column("created", BigInteger, nullable=False),
)

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
    Column("suite", String(200), nullable=False),
    Column("public_key", LargeBinary(48), nullable=False),
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

outbox = Table(
    "outbox",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("entry", LargeBinary, nullable=False),
    Column("holder_note", LargeBinary),
    Column("entry_index", BigInteger, unique=True),
    sqlite_autoincrement=True,
)
Index("ix_outbox_pending", outbox.c.id, sqlite_where=outbox.c.entry_index.is_(None))

ledger_state = Table(
    "ledger_state",
    metadata,
    Column("role", String(16), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("checkpoint", LargeBinary, nullable=False),
    CheckConstraint("role in ('lock', 'published')", name="role"),
)

ledger_staged = Table(
    "ledger_staged",
    metadata,
    Column("size", BigInteger, primary_key=True),
    Column("header", LargeBinary, nullable=False),
    Column("outbox_ids", LargeBinary, nullable=False),
)

ledger_entry = Table(
    "ledger_entry",
    metadata,
    Column("index", BigInteger, primary_key=True, autoincrement=False),
    Column("entry", LargeBinary, nullable=False),
    Column("holder_note", LargeBinary),
)

ledger_tile = Table(
    "ledger_tile",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("index", BigInteger, primary_key=True, autoincrement=False),
    Column("hashes", LargeBinary, nullable=False),
)

ledger_block = Table(
    "ledger_block",
    metadata,
    Column("height", BigInteger, primary_key=True, autoincrement=False),
    Column("first_index", BigInteger, nullable=False, unique=True),
    Column("size", BigInteger, nullable=False, unique=True),
    Column("header", LargeBinary, nullable=False),
    Column("checkpoint", LargeBinary, nullable=False),
)
