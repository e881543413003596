"""who receives what is sent unasked, and what waits for them"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "receiving_card",
        sa.Column("party", sa.String(100), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(64), nullable=False),
        sa.Column("public_key", sa.LargeBinary(32), nullable=False),
        sa.Column("receiving", sa.Boolean(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("party", name="pk_receiving_card"),
    )
    op.create_table(
        "unasked_delivery",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("recipient", sa.String(100), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("event_scope", sa.String(120), nullable=False),
        sa.Column("request_id", sa.String(36), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_unasked_delivery"),
        sa.UniqueConstraint("digest", name="uq_unasked_delivery_digest"),
        sa.ForeignKeyConstraint(
            ["recipient"], ["receiving_card.party"], name="fk_unasked_delivery_recipient_receiving_card"
        ),
        sa.ForeignKeyConstraint(
            ["event_scope", "request_id"],
            ["event.scope", "event.request_id"],
            name="fk_unasked_delivery_event_scope_event",
        ),
    )
    op.create_index("ix_unasked_delivery_recipient", "unasked_delivery", ["recipient", "created"])
    op.create_index("ix_unasked_delivery_expires", "unasked_delivery", ["expires"])


def downgrade() -> None:
    op.drop_table("unasked_delivery")
    op.drop_table("receiving_card")
