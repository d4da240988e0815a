"""What mail servers say of copies that came back, and how many failed in a row.

Additive: the release before it works on the schema after it, and leaves both as they are.
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025a"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Columns with defaults: no row is rewritten."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column(
        "forwarding_targets", sa.Column("last_diagnostic", sa.Text(), nullable=False, server_default="")
    )
    op.add_column(
        "forwarding_targets",
        sa.Column("last_in_a_row", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
    )


def downgrade() -> None:
    """Refused: evidence is never taken back, and the release before runs on this schema too."""
    raise NotImplementedError
