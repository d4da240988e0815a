"""Where deliveries came from that came in by mail, and which senders get receipts so.

Additive: the release before leaves the mark as it is by default.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the table and the mark."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column(
        "deliveries",
        sa.Column("receipts_by_mail", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    text = sa.Text()
    op.create_table(
        "mail_origins",
        sa.Column("mailbox_id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", text),
        sa.Column("dkim", text),
        sa.Column("dkim_domain", text),
        sa.Column("spf", text),
        sa.Column("spf_domain", text),
        sa.CheckConstraint("num_nulls(dkim, dkim_domain, spf, spf_domain) IN (0, 4)", name="checks"),
        sa.ForeignKeyConstraint(["mailbox_id", "delivery_id"], ["deliveries.mailbox_id", "deliveries.id"]),
        sa.PrimaryKeyConstraint("mailbox_id", "delivery_id"),
    )


def downgrade() -> None:
    """Refused: evidence is never taken back, and the release before runs on this schema too."""
    raise NotImplementedError
