"""Administrators, and what takes two of them."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from zkservice.storage.tables.base import metadata

# Of a removed one the name stays, so that nobody else is ever called so, and the hash goes.
administrator = Table(
    "administrator",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("zh", String(1000), nullable=False),
    Column("en", String(1000), nullable=False),
    Column("secret_hash", LargeBinary(32), unique=True),
    Column("state", String(16), nullable=False),
    Column("created", BigInteger, nullable=False),
    CheckConstraint("state in ('active', 'removed')", name="state"),
)

# Which persons were given a token of a department, the first or a later one. Nobody is ever taken out:
# whoever has had one could have replaced it by the next. No row for a department that was there before these.
given_token = Table(
    "given_token",
    metadata,
    Column("department", ForeignKey("department.name"), primary_key=True),
    Column("person", String(100), primary_key=True),
)

# `decider` is who approved or rejected it. `reason` and `detail` say why it failed.
admin_action = Table(
    "admin_action",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("proposer", String(100), nullable=False),
    # Of the secret that it was proposed with: another one of the proposer's voids it.
    Column("mark", String(22), nullable=False),
    Column("request_id", String(36), nullable=False),
    Column("method", String(120), nullable=False),
    Column("request", LargeBinary, nullable=False),
    Column("state", String(16), nullable=False),
    Column("decider", String(100)),
    Column("reason", String(64), nullable=False),
    Column("detail", Text, nullable=False),
    Column("response", LargeBinary),
    # Where its proposal stands in the outbox: actions are listed in this order.
    Column("outbox", ForeignKey("outbox.id"), nullable=False, unique=True),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("decided", BigInteger),
    UniqueConstraint("proposer", "request_id"),
    CheckConstraint("state in ('proposed', 'approved', 'done', 'failed', 'rejected')", name="state"),
)

# A step of an action on the ledger, with its opening sealed.
admin_action_record = Table(
    "admin_action_record",
    metadata,
    Column("action", ForeignKey("admin_action.id"), primary_key=True),
    Column("step", String(16), primary_key=True),
    Column("sealed_opening", LargeBinary, nullable=False),
    Column("outbox", ForeignKey("outbox.id"), nullable=False),
)
