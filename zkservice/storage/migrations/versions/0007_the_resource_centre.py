"""the resource centre: purposes, data items, code lists; when an issuer key's state changed"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "purpose",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("zh", sa.String(1000), nullable=False),
        sa.Column("en", sa.String(1000), nullable=False),
        sa.Column("basis_zh", sa.String(1000), nullable=False),
        sa.Column("basis_en", sa.String(1000), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_purpose"),
    )
    op.create_table(
        "item",
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("department", sa.String(100), nullable=False),
        sa.Column("zh", sa.String(1000), nullable=False),
        sa.Column("en", sa.String(1000), nullable=False),
        sa.Column("sensitivity", sa.String(16), nullable=False),
        sa.Column("validity_days", sa.Integer(), nullable=False),
        sa.Column("refresh", sa.String(16), nullable=False),
        sa.Column("refresh_days", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(16), nullable=False),
        sa.Column("applicable", sa.Boolean(), nullable=False),
        sa.Column("source_zh", sa.String(1000), nullable=False),
        sa.Column("source_en", sa.String(1000), nullable=False),
        sa.Column("purposes", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("successor", sa.String(200), nullable=True),
        sa.Column("newest", sa.String(200), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("attribute_words", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_item"),
        sa.ForeignKeyConstraint(["department"], ["department.name"], name="fk_item_department_department"),
        sa.ForeignKeyConstraint(["successor"], ["item.name"], name="fk_item_successor_item"),
        sa.ForeignKeyConstraint(["newest"], ["schema.name"], name="fk_item_newest_schema"),
        sa.CheckConstraint("state in ('active', 'deprecated')", name="ck_item_state"),
    )
    op.create_table(
        "code_list",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("owner", sa.String(100), nullable=False),
        sa.Column("code_system", sa.String(200), nullable=False),
        sa.Column("zh", sa.String(1000), nullable=False),
        sa.Column("en", sa.String(1000), nullable=False),
        sa.Column("codes", sa.LargeBinary(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_code_list"),
        sa.ForeignKeyConstraint(["owner"], ["department.name"], name="fk_code_list_owner_department"),
        sa.UniqueConstraint("owner", "code_system", name="uq_code_list_owner_code_system"),
    )
    op.add_column("issuer_key", sa.Column("state_outbox", _SERIAL, nullable=True))


def downgrade() -> None:
    op.drop_column("issuer_key", "state_outbox")
    op.drop_table("code_list")
    op.drop_table("item")
    op.drop_table("purpose")
