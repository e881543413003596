"""what waits for a block in rows of its own, whose room is used again"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "outbox_content",
        sa.Column("outbox", _SERIAL, nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.Column("holder_note", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("outbox", name="pk_outbox_content"),
        sa.ForeignKeyConstraint(["outbox"], ["outbox.id"], name="fk_outbox_content_outbox_outbox"),
    )
    op.execute(
        "insert into outbox_content (outbox, entry, holder_note) "
        "select id, entry, holder_note from outbox where entry_index is null"
    )
    op.drop_index("ix_outbox_pending", table_name="outbox")
    op.drop_column("outbox", "entry")
    op.drop_column("outbox", "holder_note")


def downgrade() -> None:
    op.add_column("outbox", sa.Column("entry", sa.LargeBinary(), nullable=False, server_default=""))
    op.add_column("outbox", sa.Column("holder_note", sa.LargeBinary(), nullable=True))
    op.execute(
        "update outbox set "
        "entry = (select entry from outbox_content where outbox_content.outbox = outbox.id), "
        "holder_note = (select holder_note from outbox_content where outbox_content.outbox = outbox.id) "
        "where id in (select outbox from outbox_content)"
    )
    op.create_index("ix_outbox_pending", "outbox", ["id"], sqlite_where=sa.text("entry_index IS NULL"))
    op.drop_table("outbox_content")
