"""records that departments push"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_COUNTS = ("done", "issued", "unchanged", "replaced", "renewed", "rejected", "not_revocable", "withdrawn")


def upgrade() -> None:
    op.create_table(
        "push",
        sa.Column("number", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("department", sa.String(100), nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("schema", sa.String(200), nullable=False),
        *(sa.Column(each, sa.BigInteger(), nullable=False) for each in _COUNTS),
        sa.Column("finished", sa.Boolean(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_push"),
        sa.UniqueConstraint("department", "id", name="uq_push_department_id"),
        sa.ForeignKeyConstraint(["department"], ["department.name"], name="fk_push_department_department"),
        sa.ForeignKeyConstraint(["schema"], ["schema.name"], name="fk_push_schema_schema"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "push_rejection",
        sa.Column("push", _SERIAL, nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.Column("field", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("push", "place", name="pk_push_rejection"),
        sa.ForeignKeyConstraint(["push"], ["push.number"], name="fk_push_rejection_push_push"),
    )
    op.create_table(
        "record",
        sa.Column("department", sa.String(100), nullable=False),
        sa.Column("item", sa.String(100), nullable=False),
        sa.Column("mark", sa.LargeBinary(32), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("offer", sa.String(32), nullable=False),
        sa.Column("renews", sa.String(32)),
        sa.Column("ends", sa.Date(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("department", "item", "mark", name="pk_record"),
        sa.UniqueConstraint("offer", name="uq_record_offer"),
        sa.ForeignKeyConstraint(["department"], ["department.name"], name="fk_record_department_department"),
        sa.ForeignKeyConstraint(["offer"], ["offer.id"], name="fk_record_offer_offer"),
        sa.ForeignKeyConstraint(["renews"], ["offer.id"], name="fk_record_renews_offer"),
    )
    op.create_index("ix_record_seen", "record", ["department", "item", "seen"])


def downgrade() -> None:
    op.drop_table("record")
    op.drop_table("push_rejection")
    op.drop_table("push")
