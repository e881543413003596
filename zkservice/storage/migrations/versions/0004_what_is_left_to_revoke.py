"""credentials of a person whose holder's secret another has taken the place of: what is left to revoke"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "due_revocation",
        sa.Column("offer", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["offer"], ["composite_offer.offer"], name=op.f("fk_due_revocation_offer_composite_offer")
        ),
        sa.PrimaryKeyConstraint("offer", name=op.f("pk_due_revocation")),
    )


def downgrade() -> None:
    op.drop_table("due_revocation")
