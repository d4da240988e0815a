"""What opens each shard of the log.

Additive: the release before it works on the schema after it. What it announces has no opening, and what opens
a shard it logs like any other evidence.
"""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds a column only."""
    op.add_column("log_shards", sa.Column("opening", sa.Uuid()))


def downgrade() -> None:
    """Refused: the release before runs on this schema too."""
    raise NotImplementedError
