"""What the regulator sees: counters by the day, and what is still to be counted."""

from sqlalchemy import BigInteger, Column, Date, ForeignKey, LargeBinary, String, Table, Text

from zkservice.storage.tables.base import metadata

statistic = Table(
    "statistic",
    metadata,
    Column("day", Date, primary_key=True),
    Column("what", String(20), primary_key=True),
    Column("verifier", String(100), primary_key=True),
    Column("policy", String(200), primary_key=True),
    Column("department", String(100), primary_key=True),
    Column("n", BigInteger, nullable=False),
)

# With what a regulator reads the counters; by its hash, as that of a department.
regulator_access = Table(
    "regulator_access",
    metadata,
    Column("regulator", ForeignKey("regulator.name"), primary_key=True),
    Column("token_hash", LargeBinary(32), nullable=False, unique=True),
)

# What was counted as asking too much, until it is accepted no more: sent again, it counts nothing.
over_asking = Table(
    "over_asking",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("until", BigInteger, nullable=False, index=True),
)

# An exchange that has neither been answered nor declined nor ended: gone with any of these.
open_exchange = Table(
    "open_exchange",
    metadata,
    Column("exchange", ForeignKey("exchange.id"), primary_key=True),
    Column("verifier", String(100), nullable=False),
    Column("policy", String(200), nullable=False),
    Column("departments", Text, nullable=False),
    Column("expires", BigInteger, nullable=False, index=True),
)
