"""How many short messages each sender address has sent on its last day.

Additive: the release before counts none, so what it accepts meanwhile is not counted.
"""

import sqlalchemy as sa
from alembic import op

revision = "0025b"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the table."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "sender_sms_days",
        sa.Column("sender_address_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("texts", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("texts > 0", name=op.f("ck_sender_sms_days_texts")),
        sa.PrimaryKeyConstraint("sender_address_id", name=op.f("pk_sender_sms_days")),
    )


def downgrade() -> None:
    """Refused: the release before runs on this schema too."""
    raise NotImplementedError
