"""What short-lived tokens are signed with, and which challenges have opened a session."""

from sqlalchemy import BigInteger, Column, LargeBinary, String, Table

from zkservice.storage.tables.base import metadata

# `ends` is null for the one that signs; when it has passed, the row goes.
token_key = Table(
    "token_key",
    metadata,
    Column("kid", String(43), primary_key=True),
    Column("public_key", LargeBinary(32), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("ends", BigInteger),
)

# Challenges follow from the master key: only those that were used have to be known, while they count.
spent_challenge = Table(
    "spent_challenge",
    metadata,
    Column("nonce", LargeBinary(32), primary_key=True),
    Column("spent", BigInteger, nullable=False),
)
