"""The generations of the master key, as all servers on the database know them, and how far each server is.

No row exists before the first rotation. No key is here in the open (docs/keys.md).
"""

from sqlalchemy import CheckConstraint, Column, Integer, LargeBinary, String, Table

from zkservice.storage.tables.base import metadata

# `check_value` tells a master key from others. `sealed` hands a generation over to the servers that do not
# have it: wrapped by the provider, that sealed under the generation before; gone when that one is retired.
master_key = Table(
    "master_key",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("check_value", String(32), nullable=False),
    Column("state", String(16), nullable=False),
    Column("sealed", LargeBinary),
    CheckConstraint("state in ('announced', 'current', 'former', 'retired')", name="state"),
)

# A server each: the newest generation that it opens, and the one that it seals under.
server_keys = Table(
    "server_keys",
    metadata,
    Column("server", String(128), primary_key=True),
    Column("known", Integer, nullable=False),
    Column("sealing", Integer, nullable=False),
)
