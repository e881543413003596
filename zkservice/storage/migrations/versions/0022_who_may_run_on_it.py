"""which programs may run on this database, and which servers do"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None
oldest_program = "0022"  # the first that asks: those before it run on the schema that is theirs and no other


def upgrade() -> None:
    op.create_table(
        "schema_rule",
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("oldest_program", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("role", name="pk_schema_rule"),
        sa.CheckConstraint("role = 'schema'", name="ck_schema_rule_role"),
    )
    op.create_table(
        "running_server",
        sa.Column("id", sa.String(128), nullable=False),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("schema", sa.String(32), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_running_server"),
    )


def downgrade() -> None:
    op.drop_table("running_server")
    op.drop_table("schema_rule")
