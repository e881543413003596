"""anchored checkpoints; marks of a log that was restored, or that is behind its witnesses"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ledger_anchor",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("checkpoint", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("size", name="pk_ledger_anchor"),
    )
    op.create_table(
        "ledger_mark",
        sa.Column("name", sa.String(16), nullable=False),
        sa.Column("value", sa.String(1000), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_ledger_mark"),
    )


def downgrade() -> None:
    op.drop_table("ledger_mark")
    op.drop_table("ledger_anchor")
