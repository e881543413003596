"""offers of the composite form, holders, published tables, regulators, openings"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "composite_offer",
        sa.Column("offer", sa.String(length=32), nullable=False),
        sa.Column("terms", sa.LargeBinary(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=True),
        sa.Column("person", sa.LargeBinary(length=32), nullable=True),
        sa.Column("replaces", sa.LargeBinary(length=32), nullable=True),
        sa.Column("claim_digest", sa.LargeBinary(length=32), nullable=True),
        sa.Column("handle", sa.LargeBinary(length=32), nullable=True),
        sa.Column("sealed_handle", sa.LargeBinary(), nullable=True),
        sa.Column("accumulator", sa.String(length=200), nullable=True),
        sa.CheckConstraint(
            "(person is null) = (request is not null)", name=op.f("ck_composite_offer_identified")
        ),
        sa.CheckConstraint(
            "(handle is null) = (claim_digest is null)", name=op.f("ck_composite_offer_claimed")
        ),
        sa.CheckConstraint(
            "(handle is null) = (sealed_handle is null)", name=op.f("ck_composite_offer_handle")
        ),
        sa.ForeignKeyConstraint(["offer"], ["offer.id"], name=op.f("fk_composite_offer_offer_offer")),
        sa.ForeignKeyConstraint(
            ["accumulator"], ["accumulator.name"], name=op.f("fk_composite_offer_accumulator_accumulator")
        ),
        sa.PrimaryKeyConstraint("offer", name=op.f("pk_composite_offer")),
        sa.UniqueConstraint("handle", name=op.f("uq_composite_offer_handle")),
    )
    op.create_table(
        "holder",
        sa.Column("department", sa.String(length=100), nullable=False),
        sa.Column("pseudonym", sa.LargeBinary(length=32), nullable=False),
        sa.Column("person", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("replaced", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["department"], ["department.name"], name=op.f("fk_holder_department_department")
        ),
        sa.PrimaryKeyConstraint("department", "pseudonym", name=op.f("pk_holder")),
    )
    op.create_index(
        "ix_holder_person",
        "holder",
        ["department", "person"],
        unique=True,
        sqlite_where=sa.text("replaced IS NULL"),
        postgresql_where=sa.text("replaced IS NULL"),
    )
    op.create_table(
        "published_table",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("owner", sa.String(length=100), nullable=False),
        sa.Column("suite", sa.String(length=200), nullable=False),
        sa.Column("code_system", sa.String(length=200), nullable=False),
        sa.Column("codes", sa.LargeBinary(), nullable=False),
        sa.Column("octets", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(length=96), nullable=False),
        sa.Column("outbox", _SERIAL, nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["outbox"], ["outbox.id"], name=op.f("fk_published_table_outbox_outbox")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_published_table")),
        sa.UniqueConstraint("public_key", name=op.f("uq_published_table_public_key")),
    )
    op.create_index(op.f("ix_published_table_owner"), "published_table", ["owner"], unique=False)
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
        sa.ForeignKeyConstraint(["outbox"], ["outbox.id"], name=op.f("fk_regulator_outbox_outbox")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_regulator")),
        sa.UniqueConstraint("digest", name=op.f("uq_regulator_digest")),
    )
    op.create_table(
        "opening",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("outbox", _SERIAL, nullable=False),
        sa.ForeignKeyConstraint(["outbox"], ["outbox.id"], name=op.f("fk_opening_outbox_outbox")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_opening")),
    )


def downgrade() -> None:
    op.drop_table("opening")
    op.drop_table("regulator")
    op.drop_index(op.f("ix_published_table_owner"), table_name="published_table")
    op.drop_table("published_table")
    op.drop_index(
        "ix_holder_person",
        table_name="holder",
        sqlite_where=sa.text("replaced IS NULL"),
        postgresql_where=sa.text("replaced IS NULL"),
    )
    op.drop_table("holder")
    op.drop_table("composite_offer")
