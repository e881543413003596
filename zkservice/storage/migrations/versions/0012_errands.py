"""one-chain errands"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_ERRANDS = "state in ('open', 'submitted', 'abandoned')"
_PARTS = "state in ('waiting', 'asked', 'submitted', 'received', 'in-progress', 'done', 'rejected')"


def upgrade() -> None:
    op.create_table(
        "errand_bundle",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("canonical", sa.LargeBinary(), nullable=False),
        sa.Column("outbox", _SERIAL, nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_errand_bundle"),
        sa.ForeignKeyConstraint(["outbox"], ["outbox.id"], name="fk_errand_bundle_outbox_outbox"),
    )
    op.create_table(
        "errand",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("start_mark", sa.LargeBinary(32), nullable=False),
        sa.Column("bundle", sa.String(100), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_errand"),
        sa.ForeignKeyConstraint(["bundle"], ["errand_bundle.name"], name="fk_errand_bundle_errand_bundle"),
        sa.UniqueConstraint("start_mark", name="uq_errand_start_mark"),
        sa.CheckConstraint(_ERRANDS, name="ck_errand_state"),
    )
    op.create_index("ix_errand_waiting", "errand", ["bundle", "state", "expires"])
    op.create_table(
        "errand_part",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("errand", sa.String(32), nullable=False),
        sa.Column("part", sa.String(63), nullable=False),
        sa.Column("verifier", sa.String(100), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("exchange", sa.String(32)),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("due", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_errand_part"),
        sa.ForeignKeyConstraint(["errand"], ["errand.id"], name="fk_errand_part_errand_errand"),
        sa.ForeignKeyConstraint(["verifier"], ["verifier.name"], name="fk_errand_part_verifier_verifier"),
        sa.ForeignKeyConstraint(["exchange"], ["exchange.id"], name="fk_errand_part_exchange_exchange"),
        sa.UniqueConstraint("errand", "part", name="uq_errand_part_errand_part"),
        sa.CheckConstraint(_PARTS, name="ck_errand_part_state"),
    )
    op.create_index("ix_errand_part_due", "errand_part", ["due"])
    op.create_index("ix_errand_part_verifier", "errand_part", ["verifier", "state"])
    op.create_table(
        "errand_ask",
        sa.Column("exchange", sa.String(32), nullable=False),
        sa.Column("part", sa.String(32), nullable=False),
        sa.Column("form_key", sa.LargeBinary(32), nullable=False),
        sa.Column("signature", sa.LargeBinary(64), nullable=False),
        sa.Column("sealed_form", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("exchange", name="pk_errand_ask"),
        sa.ForeignKeyConstraint(["exchange"], ["exchange.id"], name="fk_errand_ask_exchange_exchange"),
        sa.ForeignKeyConstraint(["part"], ["errand_part.id"], name="fk_errand_ask_part_errand_part"),
    )
    op.create_index("ix_errand_ask_part", "errand_ask", ["part"])
    op.create_table(
        "errand_update",
        sa.Column("part", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("request_id", sa.String(36), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("part", "number", name="pk_errand_update"),
        sa.ForeignKeyConstraint(["part"], ["errand_part.id"], name="fk_errand_update_part_errand_part"),
        sa.UniqueConstraint("part", "request_id", name="uq_errand_update_part_request_id"),
    )


def downgrade() -> None:
    for name in ("errand_update", "errand_ask", "errand_part", "errand", "errand_bundle"):
        op.drop_table(name)
