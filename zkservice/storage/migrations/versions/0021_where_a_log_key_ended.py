"""the size of the log at which a key of it was retired"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("log_key", sa.Column("retired_at", sa.BigInteger()))
    # Of a key that was retired before this was noted it is known that it was at no larger size than now.
    op.execute(
        "UPDATE log_key SET retired_at = (SELECT size FROM ledger_state WHERE role = 'lock')"
        " WHERE state = 'retired'"
    )


def downgrade() -> None:
    op.drop_column("log_key", "retired_at")
