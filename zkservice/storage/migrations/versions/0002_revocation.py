"""accumulators, revocations, epochs"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "accumulator",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("department", sa.String(length=100), nullable=False),
        sa.Column("suite", sa.String(length=200), nullable=False),
        sa.Column("public_key", sa.LargeBinary(length=96), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("outbox", _SERIAL, nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["department"], ["department.name"], name=op.f("fk_accumulator_department_department")
        ),
        sa.ForeignKeyConstraint(["outbox"], ["outbox.id"], name=op.f("fk_accumulator_outbox_outbox")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_accumulator")),
        sa.UniqueConstraint("department", "request_id", name=op.f("uq_accumulator_department_request_id")),
    )
    with op.batch_alter_table("accumulator", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_accumulator_department"), ["department"], unique=False)

    op.create_table(
        "revocation",
        sa.Column("accumulator", sa.String(length=200), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("handle", sa.LargeBinary(length=32), nullable=False),
        sa.Column("value", sa.LargeBinary(length=96), nullable=False),
        sa.ForeignKeyConstraint(
            ["accumulator"], ["accumulator.name"], name=op.f("fk_revocation_accumulator_accumulator")
        ),
        sa.PrimaryKeyConstraint("accumulator", "number", name=op.f("pk_revocation")),
        sa.UniqueConstraint("accumulator", "handle", name=op.f("uq_revocation_accumulator_handle")),
    )
    op.create_table(
        "epoch",
        sa.Column("accumulator", sa.String(length=200), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("octets", sa.LargeBinary(), nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("request_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("outbox", _SERIAL, nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["accumulator"], ["accumulator.name"], name=op.f("fk_epoch_accumulator_accumulator")
        ),
        sa.ForeignKeyConstraint(["outbox"], ["outbox.id"], name=op.f("fk_epoch_outbox_outbox")),
        sa.PrimaryKeyConstraint("accumulator", "number", name=op.f("pk_epoch")),
        sa.UniqueConstraint("accumulator", "request_id", name=op.f("uq_epoch_accumulator_request_id")),
    )


def downgrade() -> None:
    op.drop_table("epoch")
    op.drop_table("revocation")
    with op.batch_alter_table("accumulator", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_accumulator_department"))

    op.drop_table("accumulator")
