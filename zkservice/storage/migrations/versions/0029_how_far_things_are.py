"""how far things are: an index that applications are counted by, and when a push had its last group"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_application_decided", "application", ["decided", "department", "schema", "state", "created"]
    )
    op.add_column("push", sa.Column("changed", sa.BigInteger()))


def downgrade() -> None:
    op.drop_column("push", "changed")
    op.drop_index("ix_application_decided", "application")
