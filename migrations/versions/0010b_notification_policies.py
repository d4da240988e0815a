"""The notification policies that contracts permit (LADDER-2).

Additive: the release before it works on the schema after it, and permits its usual policy alone.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010b"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds a column with a default that is no rewrite of the table."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column(
        "organisations",
        sa.Column("notification_policies", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
    )


def downgrade() -> None:
    """Refused: evidence is never taken back, and the release before runs on this schema too."""
    raise NotImplementedError
