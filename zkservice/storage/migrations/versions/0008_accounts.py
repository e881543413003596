"""accounts, what is delivered to them, applications, appointments"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("mark", sa.LargeBinary(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("public_key", sa.LargeBinary(32), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_account"),
        sa.UniqueConstraint("mark", name="uq_account_mark"),
        sa.CheckConstraint("kind in ('person', 'company')", name=op.f("ck_account_kind")),
    )
    op.create_table(
        "registration",
        sa.Column("code_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("department", sa.String(100), nullable=False),
        sa.Column("mark", sa.LargeBinary(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("account", sa.String(60)),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code_hash", name="pk_registration"),
        sa.ForeignKeyConstraint(
            ["department"], ["department.name"], name="fk_registration_department_department"
        ),
        sa.ForeignKeyConstraint(["account"], ["account.name"], name="fk_registration_account_account"),
        sa.CheckConstraint("state in ('open', 'used', 'void')", name=op.f("ck_registration_state")),
        sa.CheckConstraint("(account is null) = (state <> 'used')", name=op.f("ck_registration_account")),
    )
    op.create_index(
        "ix_registration_mark",
        "registration",
        ["mark"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "delivery",
        sa.Column("offer", sa.String(32), nullable=False),
        sa.Column("account", sa.String(60), nullable=False),
        sa.Column("replaces", sa.String(32)),
        sa.PrimaryKeyConstraint("offer", name="pk_delivery"),
        sa.ForeignKeyConstraint(["offer"], ["offer.id"], name="fk_delivery_offer_offer"),
        sa.ForeignKeyConstraint(["account"], ["account.name"], name="fk_delivery_account_account"),
        sa.ForeignKeyConstraint(["replaces"], ["offer.id"], name="fk_delivery_replaces_offer"),
    )
    op.create_index("ix_delivery_account", "delivery", ["account", "offer"])
    op.create_table(
        "arrival",
        sa.Column("id", _SERIAL, nullable=False, autoincrement=True),
        sa.Column("account", sa.String(60), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("about", sa.String(120), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_arrival"),
        sa.ForeignKeyConstraint(["account"], ["account.name"], name="fk_arrival_account_account"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_arrival_account", "arrival", ["account", "id"])
    op.create_index("ix_arrival_created", "arrival", ["created"])
    op.create_table(
        "application",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("account", sa.String(60), nullable=False),
        sa.Column("beneficiary", sa.String(60), nullable=False),
        sa.Column("department", sa.String(100), nullable=False),
        sa.Column("schema", sa.String(200), nullable=False),
        sa.Column("request_id", sa.String(36), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("sealed", sa.LargeBinary()),
        sa.Column("decision", sa.LargeBinary(32)),
        sa.Column("offer", sa.String(32)),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("decided", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_application"),
        sa.ForeignKeyConstraint(["account"], ["account.name"], name="fk_application_account_account"),
        sa.ForeignKeyConstraint(["beneficiary"], ["account.name"], name="fk_application_beneficiary_account"),
        sa.ForeignKeyConstraint(
            ["department"], ["department.name"], name="fk_application_department_department"
        ),
        sa.ForeignKeyConstraint(["schema"], ["schema.name"], name="fk_application_schema_schema"),
        sa.ForeignKeyConstraint(["offer"], ["offer.id"], name="fk_application_offer_offer"),
        sa.UniqueConstraint("account", "request_id", "place", name="uq_application_account_request_id_place"),
        sa.CheckConstraint(
            "state in ('open', 'approved', 'refused', 'cancelled')", name=op.f("ck_application_state")
        ),
        sa.CheckConstraint("(offer is not null) = (state = 'approved')", name=op.f("ck_application_offer")),
        sa.CheckConstraint("(decided is null) = (state = 'open')", name=op.f("ck_application_decided")),
        sa.CheckConstraint(
            "(sealed is not null) = (state in ('open', 'refused'))", name=op.f("ck_application_sealed")
        ),
    )
    op.create_index("ix_application_queue", "application", ["department", "state", "id"])
    op.create_index("ix_application_account", "application", ["account", "id"])
    op.create_table(
        "appointment",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("company", sa.String(60), nullable=False),
        sa.Column("agent", sa.String(60), nullable=False),
        sa.Column("request_id", sa.String(36), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("ended", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_appointment"),
        sa.ForeignKeyConstraint(["company"], ["account.name"], name="fk_appointment_company_account"),
        sa.ForeignKeyConstraint(["agent"], ["account.name"], name="fk_appointment_agent_account"),
        sa.UniqueConstraint("company", "request_id", name="uq_appointment_company_request_id"),
    )
    op.create_index("ix_appointment_company", "appointment", ["company", "id"])
    op.create_index("ix_appointment_until", "appointment", ["ended", "until"])
    op.create_table(
        "appointment_part",
        sa.Column("application", sa.String(32), nullable=False),
        sa.Column("appointment", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("application", name="pk_appointment_part"),
        sa.ForeignKeyConstraint(
            ["application"], ["application.id"], name="fk_appointment_part_application_application"
        ),
        sa.ForeignKeyConstraint(
            ["appointment"], ["appointment.id"], name="fk_appointment_part_appointment_appointment"
        ),
    )
    op.create_index("ix_appointment_part_appointment", "appointment_part", ["appointment"])


def downgrade() -> None:
    for each in ("appointment_part", "appointment", "application", "arrival", "delivery", "registration"):
        op.drop_table(each)
    op.drop_table("account")
