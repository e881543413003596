"""who administers, what takes two of them, and to whom a department's token was given"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A department of before has no row: then it is root, who made all of them.
    op.create_table(
        "given_token",
        sa.Column("department", sa.String(100), nullable=False),
        sa.Column("person", sa.String(100), nullable=False),
        sa.PrimaryKeyConstraint("department", "person", name="pk_given_token"),
        sa.ForeignKeyConstraint(
            ["department"], ["department.name"], name="fk_given_token_department_department"
        ),
    )
    op.create_table(
        "administrator",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("zh", sa.String(1000), nullable=False),
        sa.Column("en", sa.String(1000), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(32), nullable=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_administrator"),
        sa.UniqueConstraint("secret_hash", name="uq_administrator_secret_hash"),
        sa.CheckConstraint("state in ('active', 'removed')", name="ck_administrator_state"),
    )
    op.create_table(
        "admin_action",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("proposer", sa.String(100), nullable=False),
        sa.Column("mark", sa.String(22), nullable=False),
        sa.Column("request_id", sa.String(36), nullable=False),
        sa.Column("method", sa.String(120), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("decider", sa.String(100), nullable=True),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("response", sa.LargeBinary(), nullable=True),
        sa.Column("outbox", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("decided", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_admin_action"),
        sa.UniqueConstraint("outbox", name="uq_admin_action_outbox"),
        sa.UniqueConstraint("proposer", "request_id", name="uq_admin_action_proposer_request_id"),
        sa.ForeignKeyConstraint(["outbox"], ["outbox.id"], name="fk_admin_action_outbox_outbox"),
        sa.CheckConstraint(
            "state in ('proposed', 'approved', 'done', 'failed', 'rejected')", name="ck_admin_action_state"
        ),
    )
    op.create_table(
        "admin_action_record",
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("step", sa.String(16), nullable=False),
        sa.Column("sealed_opening", sa.LargeBinary(), nullable=False),
        sa.Column("outbox", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("action", "step", name="pk_admin_action_record"),
        sa.ForeignKeyConstraint(
            ["action"], ["admin_action.id"], name="fk_admin_action_record_action_admin_action"
        ),
        sa.ForeignKeyConstraint(["outbox"], ["outbox.id"], name="fk_admin_action_record_outbox_outbox"),
    )


def downgrade() -> None:
    op.drop_table("admin_action_record")
    op.drop_table("admin_action")
    op.drop_table("administrator")
    op.drop_table("given_token")
