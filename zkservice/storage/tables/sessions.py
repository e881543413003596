"""What several servers remember together, so that nothing is good once at each of them."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table

from zkservice.storage.tables.base import metadata

# The digest of a statement that has opened a session, for as long as another copy of it could open one.
session_statement = Table(
    "session_statement",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("party", String(100), nullable=False),
    Column("expires", BigInteger, nullable=False),
    Index("ix_session_statement_party", "party", "expires"),
    Index("ix_session_statement_expires", "expires"),
)

# How often an exchange, an errand or an offer was answered with what does not hold.
false_answer = Table(
    "false_answer",
    metadata,
    Column("subject", String(64), primary_key=True),
    Column("times", Integer, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Index("ix_false_answer_expires", "expires"),
)
