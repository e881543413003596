"""Which programs may run on this database, and which servers do (docs/upgrade.md)."""

from sqlalchemy import BigInteger, CheckConstraint, Column, String, Table

from zkservice.storage.tables.base import metadata

# Of one row: the oldest schema a program may be written for to run here. A contract migration raises it.
schema_rule = Table(
    "schema_rule",
    metadata,
    Column("role", String(16), primary_key=True),
    Column("oldest_program", String(32), nullable=False),
    CheckConstraint("role = 'schema'", name="role"),
)

# A server each: its program's version and schema, and when it was seen last by the database's own clock.
running_server = Table(
    "running_server",
    metadata,
    Column("id", String(128), primary_key=True),
    Column("version", String(64), nullable=False),
    Column("schema", String(32), nullable=False),
    Column("seen", BigInteger, nullable=False),
)
