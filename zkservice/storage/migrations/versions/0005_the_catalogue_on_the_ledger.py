"""where the records of schemas and verifiers stand on the ledger; the service records earlier ones itself"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TABLES = ("schema", "verifier")


def upgrade() -> None:
    for name in _TABLES:
        op.add_column(name, sa.Column("outbox", _SERIAL, nullable=True))


def downgrade() -> None:
    for name in _TABLES:
        op.drop_column(name, "outbox")
