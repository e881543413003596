"""what the regulator sees, and keys that two officers share"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    # A key that one officer has alone is no regulator's any more: whoever has one registers anew. Its record
    # and what was opened with it stay on the ledger.
    op.drop_table("regulator")
    op.create_table(
        "regulator",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("zh", sa.String(length=1000), nullable=False),
        sa.Column("en", sa.String(length=1000), nullable=False),
        sa.Column("shares", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("outbox", _SERIAL, nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["outbox"], ["outbox.id"], name="fk_regulator_outbox_outbox"),
        sa.PrimaryKeyConstraint("name", name="pk_regulator"),
        sa.UniqueConstraint("digest", name="uq_regulator_digest"),
    )
    op.create_table(
        "regulator_access",
        sa.Column("regulator", sa.String(length=100), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["regulator"], ["regulator.name"], name="fk_regulator_access_regulator_regulator"
        ),
        sa.PrimaryKeyConstraint("regulator", name="pk_regulator_access"),
        sa.UniqueConstraint("token_hash", name="uq_regulator_access_token_hash"),
    )
    op.create_table(
        "statistic",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("what", sa.String(20), nullable=False),
        sa.Column("verifier", sa.String(100), nullable=False),
        sa.Column("policy", sa.String(200), nullable=False),
        sa.Column("department", sa.String(100), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "what", "verifier", "policy", "department", name="pk_statistic"),
    )
    op.create_table(
        "open_exchange",
        sa.Column("exchange", sa.String(32), nullable=False),
        sa.Column("verifier", sa.String(100), nullable=False),
        sa.Column("policy", sa.String(200), nullable=False),
        sa.Column("departments", sa.Text(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("exchange", name="pk_open_exchange"),
        sa.ForeignKeyConstraint(["exchange"], ["exchange.id"], name="fk_open_exchange_exchange_exchange"),
    )
    op.create_index("ix_open_exchange_expires", "open_exchange", ["expires"])


def downgrade() -> None:
    op.drop_table("open_exchange")
    op.drop_table("statistic")
    op.drop_table("regulator_access")
    op.drop_table("regulator")
    op.create_table(
        "regulator",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("zh", sa.String(length=1000), nullable=False),
        sa.Column("en", sa.String(length=1000), nullable=False),
        sa.Column("suite", sa.String(length=200), nullable=False),
        sa.Column("public_key", sa.LargeBinary(length=48), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("outbox", _SERIAL, nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["outbox"], ["outbox.id"], name="fk_regulator_outbox_outbox"),
        sa.PrimaryKeyConstraint("name", name="pk_regulator"),
        sa.UniqueConstraint("digest", name="uq_regulator_digest"),
    )
