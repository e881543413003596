"""the generations of the master key, and which server knows which"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "master_key",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("check_value", sa.String(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("sealed", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("number", name="pk_master_key"),
        sa.CheckConstraint(
            "state in ('announced', 'current', 'former', 'retired')", name="ck_master_key_state"
        ),
    )
    op.create_table(
        "server_keys",
        sa.Column("server", sa.String(128), nullable=False),
        sa.Column("known", sa.Integer(), nullable=False),
        sa.Column("sealing", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("server", name="pk_server_keys"),
    )


def downgrade() -> None:
    op.drop_table("server_keys")
    op.drop_table("master_key")
