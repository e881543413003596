"""the keys that the log has had, the one that signs, and the one that will"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "log_key",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("verifier_key", sa.String(1000), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("outbox", sa.BigInteger().with_variant(sa.Integer(), "sqlite")),
        sa.CheckConstraint("state in ('signing', 'next', 'retired')", name=op.f("ck_log_key_state")),
        sa.ForeignKeyConstraint(["outbox"], ["outbox.id"], name=op.f("fk_log_key_outbox_outbox")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_log_key")),
    )


def downgrade() -> None:
    op.drop_table("log_key")
