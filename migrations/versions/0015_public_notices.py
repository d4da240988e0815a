"""Public notices, and the post's own feed of them.

Additive: the release before does not know them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    text, time, octets, number = sa.Text(), sa.DateTime(timezone=True), sa.LargeBinary(), sa.BigInteger()
    op.create_table(
        "notices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("mailbox_id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("step", text, nullable=False),
        sa.Column("asked_at", time, nullable=False),
        sa.Column("state", text, nullable=False),
        sa.Column("reason", text),
        sa.Column("job_id", number),
        sa.Column("document", octets),
        sa.Column("place", text),
        sa.Column("deadline", time),
        sa.Column("published_at", time),
        sa.Column("ending", text),
        sa.Column("ended_at", time),
        sa.CheckConstraint(
            "state IN ('WAITING', 'PUBLISHED', 'WITHDRAWING', 'WITHDRAWN', 'NOT_NEEDED', 'FAILED')",
            name="state",
        ),
        sa.CheckConstraint("ending IN ('OVER', 'NOTIFIED', 'WITHDRAWN', 'OPERATOR')", name="ending"),
        sa.CheckConstraint(
            "state <> 'PUBLISHED' OR num_nulls(document, place, deadline, published_at) = 0",
            name="published",
        ),
        sa.CheckConstraint("(ended_at IS NULL) OR (ending IS NOT NULL)", name="ended_at"),
        sa.ForeignKeyConstraint(
            ["mailbox_id", "delivery_id"],
            ["deliveries.mailbox_id", "deliveries.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("mailbox_id", "delivery_id", "step"),
    )
    op.create_index("ix_notices_state_id", "notices", ["state", "id"])
    op.create_index(
        "ix_notices_published", "notices", ["deadline"], postgresql_where=sa.text("state = 'PUBLISHED'")
    )
    op.execute("CREATE SEQUENCE notice_entry_numbers AS bigint")
    op.create_table(
        "notice_entries",
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("document", octets),
        sa.Column(
            "number", number, server_default=sa.text("nextval('notice_entry_numbers')"), nullable=False
        ),
        sa.Column("published_at", time, nullable=False),
        sa.Column("changed_at", time, nullable=False),
        sa.PrimaryKeyConstraint("notice_id"),
    )
    op.create_index("ix_notice_entries_number", "notice_entries", ["number"], unique=True)
    op.create_index(
        "ix_notice_entries_withdrawn",
        "notice_entries",
        ["changed_at"],
        postgresql_where=sa.text("document IS NULL"),
    )


def downgrade() -> None:
    """Refused: evidence is never taken back, and the release before runs on this schema too."""
    raise NotImplementedError
