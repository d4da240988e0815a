"""When deliveries are looked at again, and the steps of their ladders that were taken (LADDER-1).

Additive: the release before it works on the schema after it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds two tables; the release before leaves them alone, and accepts under no policy that needs them."""
    text, time = sa.Text(), sa.DateTime(timezone=True)
    op.create_table(
        "ladder_wakes",
        sa.Column("mailbox_id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("wake_at", time, nullable=False),
        sa.PrimaryKeyConstraint("mailbox_id", "delivery_id", name=op.f("pk_ladder_wakes")),
    )
    op.create_index(op.f("ix_ladder_wakes_wake_at_delivery_id"), "ladder_wakes", ["wake_at", "delivery_id"])
    op.create_table(
        "ladder_steps",
        sa.Column("mailbox_id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("step", text, nullable=False),
        sa.Column("action", text, nullable=False),
        sa.Column("due_at", time, nullable=False),
        sa.Column("taken_at", time, nullable=False),
        sa.Column("state", text, nullable=False),
        sa.Column("reason", text, nullable=True),
        sa.CheckConstraint("action IN ('nudge', 'letter', 'notice')", name=op.f("ck_ladder_steps_action")),
        sa.CheckConstraint("state IN ('ORDERED', 'FAILED')", name=op.f("ck_ladder_steps_state")),
        sa.CheckConstraint("(state = 'FAILED') = (reason IS NOT NULL)", name=op.f("ck_ladder_steps_reason")),
        sa.PrimaryKeyConstraint("mailbox_id", "delivery_id", "step", name=op.f("pk_ladder_steps")),
    )
    op.create_index(
        "ix_ladder_steps_failed",
        "ladder_steps",
        ["taken_at"],
        postgresql_where=sa.text("state = 'FAILED'"),
    )


def downgrade() -> None:
    """Refused: evidence is never taken back, and the release before runs on this schema too."""
    raise NotImplementedError
