"""whom a claim's W3C document is bound to: the hash of the first commitment, until it is acknowledged"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("offer", sa.Column("document_holder", sa.LargeBinary(32)))


def downgrade() -> None:
    op.drop_column("offer", "document_holder")
