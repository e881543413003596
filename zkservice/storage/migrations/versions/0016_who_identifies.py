"""which departments say whose an account is, who had one before, and how often whose a code is was guessed"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    # Nobody is guessed to have this power: the administrator says of which departments it is.
    op.add_column("department", sa.Column("identifies", sa.String(40), nullable=False, server_default=""))
    op.add_column("registration", sa.Column("wrong", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "former_key",
        sa.Column("id", _SERIAL, nullable=False, autoincrement=True),
        sa.Column("account", sa.String(60), nullable=False),
        sa.Column("public_key", sa.LargeBinary(32), nullable=False),
        sa.Column("department", sa.String(100), nullable=False),
        sa.Column("replaced", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_former_key"),
        sa.ForeignKeyConstraint(["account"], ["account.name"], name="fk_former_key_account_account"),
        sa.ForeignKeyConstraint(
            ["department"], ["department.name"], name="fk_former_key_department_department"
        ),
    )
    op.create_index("ix_former_key_account", "former_key", ["account", "id"])


def downgrade() -> None:
    op.drop_table("former_key")
    op.drop_column("registration", "wrong")
    op.drop_column("department", "identifies")
