"""policies of verifiers, and exchanges that take a pairing code"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "policy",
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("verifier", sa.String(100), nullable=False),
        sa.Column("canonical", sa.LargeBinary(), nullable=False),
        sa.Column("deprecated", sa.Boolean(), nullable=False),
        sa.Column("outbox", _SERIAL, nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_policy"),
        sa.ForeignKeyConstraint(["verifier"], ["verifier.name"], name="fk_policy_verifier_verifier"),
        sa.ForeignKeyConstraint(["outbox"], ["outbox.id"], name="fk_policy_outbox_outbox"),
    )
    op.create_index("ix_policy_verifier", "policy", ["verifier"])
    op.create_table(
        "pairing",
        sa.Column("exchange", sa.String(32), nullable=False),
        sa.Column("wrong", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("exchange", name="pk_pairing"),
        sa.ForeignKeyConstraint(["exchange"], ["exchange.id"], name="fk_pairing_exchange_exchange"),
    )


def downgrade() -> None:
    op.drop_table("pairing")
    op.drop_table("policy")
