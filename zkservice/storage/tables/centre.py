"""What the resource centre holds besides schemas and keys: purposes, data items, code lists."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from zkservice.storage.tables.base import metadata

purpose = Table(
    "purpose",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("zh", String(1000), nullable=False),
    Column("en", String(1000), nullable=False),
    Column("basis_zh", String(1000), nullable=False),
    Column("basis_en", String(1000), nullable=False),
    Column("created", BigInteger, nullable=False),
)

item = Table(
    "item",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("department", ForeignKey("department.name"), nullable=False),
    Column("zh", String(1000), nullable=False),
    Column("en", String(1000), nullable=False),
    Column("sensitivity", String(16), nullable=False),
    Column("validity_days", Integer, nullable=False),
    Column("refresh", String(16), nullable=False),
    Column("refresh_days", Integer, nullable=False),
    Column("subject", String(16), nullable=False),
    Column("applicable", Boolean, nullable=False),
    Column("source_zh", String(1000), nullable=False),
    Column("source_en", String(1000), nullable=False),
    Column("purposes", LargeBinary, nullable=False),
    Column("state", String(16), nullable=False),
    Column("successor", ForeignKey("item.name")),
    # Its newest version, if it has one.
    Column("newest", ForeignKey("schema.name")),
    # What a search looks through, made of the names above, and of the attributes of the newest version.
    Column("words", Text, nullable=False),
    Column("attribute_words", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
    CheckConstraint("state in ('active', 'deprecated')", name="state"),
)

code_list = Table(
    "code_list",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("owner", ForeignKey("department.name"), nullable=False),
    Column("code_system", String(200), nullable=False),
    Column("zh", String(1000), nullable=False),
    Column("en", String(1000), nullable=False),
    Column("codes", LargeBinary, nullable=False),
    Column("created", BigInteger, nullable=False),
    # One owner's list of a system is the one that its signed tables stand for.
    UniqueConstraint("owner", "code_system"),
)
