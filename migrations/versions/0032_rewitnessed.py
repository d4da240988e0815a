"""The newest cosignatures over a log that stands still.

Additive: the release before it works on the schema after it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes a table only."""
    op.create_table(
        "log_rewitnessed",
        sa.Column("origin", sa.Text(), primary_key=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.Column("witnessed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("size > 0", name="size"),
        comment="Of each shard that stands still the newest witnessed checkpoint, cosigned again and again"
        " for the time alone; the first cosignatures over each tree stay in log_witnessed.",
    )


def downgrade() -> None:
    """Refused: the release before runs on this schema too."""
    raise NotImplementedError
