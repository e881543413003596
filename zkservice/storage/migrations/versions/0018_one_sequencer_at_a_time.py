"""which of several servers on one database sequences the log"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ledger_lease",
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("holder", sa.LargeBinary(16), nullable=False),
        sa.Column("term", sa.BigInteger(), nullable=False),
        sa.Column("beat", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("role", name="pk_ledger_lease"),
        sa.CheckConstraint("role = 'sequencer'", name="ck_ledger_lease_role"),
    )


def downgrade() -> None:
    op.drop_table("ledger_lease")
