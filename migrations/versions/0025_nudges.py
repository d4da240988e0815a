"""Nudges of ladders' steps to holders' own addresses.

Additive: the release before knows of none, and its ladders have nothing that carries such a step out.
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the table."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    text, time, number = sa.Text(), sa.DateTime(timezone=True), sa.BigInteger()
    op.create_table(
        "ladder_nudges",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("mailbox_id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("step", text, nullable=False),
        sa.Column("target_id", sa.Uuid(), nullable=False),
        sa.Column("kind", text, nullable=False),
        sa.Column("asked_at", time, nullable=False),
        sa.Column("attempt", number, nullable=False),
        sa.Column("state", text, nullable=False),
        sa.Column("segments", number, nullable=False),
        sa.Column("why", text, nullable=False),
        sa.Column("result_at", time),
        sa.CheckConstraint("kind IN ('EMAIL', 'PHONE')", name=op.f("ck_ladder_nudges_kind")),
        sa.CheckConstraint(
            "state IN ('WAITING', 'SENT', 'DELIVERED', 'FAILED', 'SKIPPED')",
            name=op.f("ck_ladder_nudges_state"),
        ),
        sa.CheckConstraint(
            "(state = 'WAITING') = (result_at IS NULL)", name=op.f("ck_ladder_nudges_result_at")
        ),
        sa.ForeignKeyConstraint(
            ["mailbox_id", "delivery_id"],
            ["deliveries.mailbox_id", "deliveries.id"],
            name=op.f("fk_ladder_nudges_mailbox_id_delivery_id_deliveries"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ladder_nudges")),
        sa.UniqueConstraint("delivery_id", "step", "target_id", "attempt", name="uq_ladder_nudges_attempt"),
    )
    op.create_index(op.f("ix_ladder_nudges_asked_at"), "ladder_nudges", ["asked_at"])


def downgrade() -> None:
    """Refused: the release before runs on this schema too."""
    raise NotImplementedError
