"""the first schema"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "department",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("zh", sa.String(length=1000), nullable=False),
        sa.Column("en", sa.String(length=1000), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_department")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_department_token_hash")),
    )
    op.create_table(
        "ledger_block",
        sa.Column("height", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first_index", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("header", sa.LargeBinary(), nullable=False),
        sa.Column("checkpoint", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("height", name=op.f("pk_ledger_block")),
        sa.UniqueConstraint("first_index", name=op.f("uq_ledger_block_first_index")),
        sa.UniqueConstraint("size", name=op.f("uq_ledger_block_size")),
    )
    op.create_table(
        "ledger_entry",
        sa.Column("index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.Column("holder_note", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("index", name=op.f("pk_ledger_entry")),
    )
    op.create_table(
        "ledger_staged",
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("header", sa.LargeBinary(), nullable=False),
        sa.Column("outbox_ids", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_ledger_staged")),
    )
    op.create_table(
        "ledger_state",
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("checkpoint", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("role in ('lock', 'published')", name=op.f("ck_ledger_state_role")),
        sa.PrimaryKeyConstraint("role", name=op.f("pk_ledger_state")),
    )
    op.create_table(
        "ledger_tile",
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "index", name=op.f("pk_ledger_tile")),
    )
    op.create_table(
        "outbox",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.Column("holder_note", sa.LargeBinary(), nullable=True),
        sa.Column("entry_index", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("entry_index", name=op.f("uq_outbox_entry_index")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index(
            "ix_outbox_pending", ["id"], unique=False, sqlite_where=sa.text("entry_index IS NULL")
        )

    op.create_table(
        "service_secret",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_service_secret")),
    )
    op.create_table(
        "verifier",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("zh", sa.String(length=1000), nullable=False),
        sa.Column("en", sa.String(length=1000), nullable=False),
        sa.Column("public_key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_verifier")),
    )
    op.create_table(
        "exchange",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("verifier", sa.String(length=100), nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("request_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(length=64), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["verifier"], ["verifier.name"], name=op.f("fk_exchange_verifier_verifier")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange")),
        sa.UniqueConstraint("request_digest", name=op.f("uq_exchange_request_digest")),
        sa.UniqueConstraint("verifier", "request_id", name=op.f("uq_exchange_verifier_request_id")),
    )
    op.create_table(
        "issuer_key",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("department", sa.String(length=100), nullable=False),
        sa.Column("suite", sa.String(length=200), nullable=False),
        sa.Column("public_key", sa.LargeBinary(length=96), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("outbox", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state in ('active', 'verify-only', 'retired')", name=op.f("ck_issuer_key_state")),
        sa.ForeignKeyConstraint(
            ["department"], ["department.name"], name=op.f("fk_issuer_key_department_department")
        ),
        sa.ForeignKeyConstraint(["outbox"], ["outbox.id"], name=op.f("fk_issuer_key_outbox_outbox")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_issuer_key")),
        sa.UniqueConstraint("department", "request_id", name=op.f("uq_issuer_key_department_request_id")),
    )
    op.create_table(
        "schema",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("department", sa.String(length=100), nullable=False),
        sa.Column("canonical", sa.LargeBinary(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["department"], ["department.name"], name=op.f("fk_schema_department_department")
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_schema")),
    )
    op.create_table(
        "answer",
        sa.Column("exchange", sa.String(length=32), nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("submission_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("sealed_presentation", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_opening", sa.LargeBinary(), nullable=False),
        sa.Column("outbox", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["exchange"], ["exchange.id"], name=op.f("fk_answer_exchange_exchange")),
        sa.ForeignKeyConstraint(["outbox"], ["outbox.id"], name=op.f("fk_answer_outbox_outbox")),
        sa.PrimaryKeyConstraint("exchange", name=op.f("pk_answer")),
    )
    op.create_table(
        "offer",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("department", sa.String(length=100), nullable=False),
        sa.Column("schema", sa.String(length=200), nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("request_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("claim_request_id", sa.String(length=36), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("(sealed is null) = (state in ('done', 'expired'))", name=op.f("ck_offer_sealed")),
        sa.CheckConstraint("state in ('offered', 'claimed', 'done', 'expired')", name=op.f("ck_offer_state")),
        sa.ForeignKeyConstraint(
            ["department"], ["department.name"], name=op.f("fk_offer_department_department")
        ),
        sa.ForeignKeyConstraint(["schema"], ["schema.name"], name=op.f("fk_offer_schema_schema")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offer")),
        sa.UniqueConstraint("department", "request_id", name=op.f("uq_offer_department_request_id")),
    )
    with op.batch_alter_table("offer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_offer_expires"), ["expires"], unique=False)

    op.create_table(
        "seen",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("exchange", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["exchange"], ["exchange.id"], name=op.f("fk_seen_exchange_exchange")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_seen")),
    )


def downgrade() -> None:
    op.drop_table("seen")
    with op.batch_alter_table("offer", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_offer_expires"))

    op.drop_table("offer")
    op.drop_table("answer")
    op.drop_table("schema")
    op.drop_table("issuer_key")
    op.drop_table("exchange")
    op.drop_table("verifier")
    op.drop_table("service_secret")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index("ix_outbox_pending", sqlite_where=sa.text("entry_index IS NULL"))

    op.drop_table("outbox")
    op.drop_table("ledger_tile")
    op.drop_table("ledger_state")
    op.drop_table("ledger_staged")
    op.drop_table("ledger_entry")
    op.drop_table("ledger_block")
    op.drop_table("department")
