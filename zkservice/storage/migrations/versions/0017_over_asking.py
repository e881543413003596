"""what was counted as asking too much, so that it counts once; finding the errands that ended"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "over_asking",
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_over_asking"),
    )
    op.create_index("ix_over_asking_until", "over_asking", ["until"])
    op.create_index("ix_errand_ended", "errand", ["state", "expires"])


def downgrade() -> None:
    op.drop_index("ix_errand_ended", table_name="errand")
    op.drop_table("over_asking")
