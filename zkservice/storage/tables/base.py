"""What the tables share, and the one that holds the service's own secrets."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
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

SERIAL = BigInteger().with_variant(Integer, "sqlite")

service_secret = Table(
    "service_secret",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)

# The keys that the log has had; the secret halves of those that sign are in `service_secret`. `retired_at` is
# the size of the log at which a key was retired.
log_key = Table(
    "log_key",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("verifier_key", String(1000), nullable=False),
    Column("state", String(16), nullable=False),
    Column("outbox", ForeignKey("outbox.id")),
    Column("retired_at", BigInteger),
    CheckConstraint("state in ('signing', 'next', 'retired')", name="state"),
)
