"""what happened to holders besides uses"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "event",
        sa.Column("scope", sa.String(120), nullable=False),
        sa.Column("request_id", sa.String(36), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("sealed_opening", sa.LargeBinary(), nullable=False),
        sa.Column("outbox", _SERIAL, nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "request_id", name="pk_event"),
        sa.ForeignKeyConstraint(["outbox"], ["outbox.id"], name="fk_event_outbox_outbox"),
    )


def downgrade() -> None:
    op.drop_table("event")
