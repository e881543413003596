"""standing consents, and exchanges that ended without an answer"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "consent",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("verifier", sa.String(100), nullable=False),
        sa.Column("request_id", sa.String(36), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(64), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("public_key", sa.LargeBinary(32), nullable=True),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("last_used", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_consent"),
        sa.UniqueConstraint("digest", name="uq_consent_digest"),
        sa.UniqueConstraint("verifier", "request_id", name="uq_consent_verifier_request_id"),
        sa.ForeignKeyConstraint(["verifier"], ["verifier.name"], name="fk_consent_verifier_verifier"),
    )
    op.create_table(
        "consent_exchange",
        sa.Column("exchange", sa.String(32), nullable=False),
        sa.Column("consent", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("exchange", name="pk_consent_exchange"),
        sa.ForeignKeyConstraint(["exchange"], ["exchange.id"], name="fk_consent_exchange_exchange_exchange"),
        sa.ForeignKeyConstraint(["consent"], ["consent.id"], name="fk_consent_exchange_consent_consent"),
    )
    op.create_index("ix_consent_exchange_consent", "consent_exchange", ["consent"])
    op.create_table(
        "ended_exchange",
        sa.Column("exchange", sa.String(32), nullable=False),
        sa.Column("how", sa.String(16), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("exchange", name="pk_ended_exchange"),
        sa.ForeignKeyConstraint(["exchange"], ["exchange.id"], name="fk_ended_exchange_exchange_exchange"),
    )


def downgrade() -> None:
    op.drop_table("ended_exchange")
    op.drop_table("consent_exchange")
    op.drop_table("consent")
