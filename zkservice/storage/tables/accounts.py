"""Accounts of people and companies, what is delivered to them, what they apply for, whom they appoint.

Whose an account is stands here as a keyed fingerprint only. What an application says is sealed, and gone once
it is decided.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
)

from zkservice.storage.tables.base import SERIAL, metadata

account = Table(
    "account",
    metadata,
    Column("name", String(60), primary_key=True),
    Column("mark", LargeBinary(32), nullable=False, unique=True),
    Column("kind", String(16), nullable=False),
    Column("public_key", LargeBinary(32), nullable=False),
    Column("created", BigInteger, nullable=False),
    CheckConstraint("kind in ('person', 'company')", name="kind"),
)

# The keys that an account had before: whoever has one of them is told who took the account over.
former_key = Table(
    "former_key",
    metadata,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("account", ForeignKey("account.name"), nullable=False),
    Column("public_key", LargeBinary(32), nullable=False),
    Column("department", ForeignKey("department.name"), nullable=False),
    Column("replaced", BigInteger, nullable=False),
    Index("ix_former_key_account", "account", "id"),
)

# A department's word that whoever has the code is this subject: good once, until a time, until a newer one.
registration = Table(
    "registration",
    metadata,
    Column("code_hash", LargeBinary(32), primary_key=True),
    Column("department", ForeignKey("department.name"), nullable=False),
    Column("mark", LargeBinary(32), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("state", String(8), nullable=False),
    Column("account", ForeignKey("account.name")),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("wrong", Integer, nullable=False, server_default="0"),
    CheckConstraint("state in ('open', 'used', 'void')", name="state"),
    CheckConstraint("(account is null) = (state <> 'used')", name="account"),
)
Index(
    "ix_registration_mark",
    registration.c.mark,
    unique=True,
    sqlite_where=registration.c.state == "open",
    postgresql_where=registration.c.state == "open",
)

# Which account an offer is for; `replaces` is the offer whose credential it takes the place of.
delivery = Table(
    "delivery",
    metadata,
    Column("offer", ForeignKey("offer.id"), primary_key=True),
    Column("account", ForeignKey("account.name"), nullable=False),
    Column("replaces", ForeignKey("offer.id")),
    Index("ix_delivery_account", "account", "offer"),
)

# What has come to an account, in order: a vault that was away goes on after the last that it has seen.
arrival = Table(
    "arrival",
    metadata,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("account", ForeignKey("account.name"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("about", String(120), nullable=False),
    Column("created", BigInteger, nullable=False, index=True),
    Index("ix_arrival_account", "account", "id"),
    sqlite_autoincrement=True,
)

application = Table(
    "application",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("account", ForeignKey("account.name"), nullable=False),
    Column("beneficiary", ForeignKey("account.name"), nullable=False),
    Column("department", ForeignKey("department.name"), nullable=False),
    Column("schema", ForeignKey("schema.name"), nullable=False),
    Column("request_id", String(36), nullable=False),
    Column("place", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    # What is asked and why, while it is open; why it was refused, afterwards.
    Column("sealed", LargeBinary),
    Column("decision", LargeBinary(32)),
    Column("offer", ForeignKey("offer.id")),
    Column("created", BigInteger, nullable=False),
    Column("decided", BigInteger),
    UniqueConstraint("account", "request_id", "place"),
    CheckConstraint("state in ('open', 'approved', 'refused', 'cancelled')", name="state"),
    CheckConstraint("(offer is not null) = (state = 'approved')", name="offer"),
    CheckConstraint("(decided is null) = (state = 'open')", name="decided"),
    CheckConstraint("(sealed is not null) = (state in ('open', 'refused'))", name="sealed"),
    Index("ix_application_queue", "department", "state", "id"),
    # All that is counted of applications is read from here; what waits is not decided.
    Index("ix_application_decided", "decided", "department", "schema", "state", "created"),
    Index("ix_application_account", "account", "id"),
)

appointment = Table(
    "appointment",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("company", ForeignKey("account.name"), nullable=False),
    Column("agent", ForeignKey("account.name"), nullable=False),
    Column("request_id", String(36), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("until", Date, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("ended", BigInteger),
    UniqueConstraint("company", "request_id"),
    Index("ix_appointment_company", "company", "id"),
    Index("ix_appointment_until", "ended", "until"),
)

# Of an appointment each element of its scope is an application, and then a credential, by itself.
appointment_part = Table(
    "appointment_part",
    metadata,
    Column("application", ForeignKey("application.id"), primary_key=True),
    Column("appointment", ForeignKey("appointment.id"), nullable=False, index=True),
)
