"""what several servers on one database remember: statements of sessions, answers that did not hold"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "session_statement",
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("party", sa.String(100), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_session_statement"),
    )
    op.create_index("ix_session_statement_party", "session_statement", ["party", "expires"])
    op.create_index("ix_session_statement_expires", "session_statement", ["expires"])
    op.create_table(
        "false_answer",
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_false_answer"),
    )
    op.create_index("ix_false_answer_expires", "false_answer", ["expires"])


def downgrade() -> None:
    op.drop_table("false_answer")
    op.drop_table("session_statement")
