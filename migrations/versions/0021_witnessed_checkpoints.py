"""Checkpoints that the quorum of witnesses cosigned.

Additive: the release before it works on the schema after it.
"""

import sqlalchemy as sa
from alembic import op

from server.storage.insert_only import attach

revision = "0021"
down_revision = "0016a"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes a table only."""
    op.create_table(
        "log_witnessed",
        sa.Column("origin", sa.Text(), primary_key=True),
        sa.Column("size", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.Column("witnessed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("size > 0", name="size"),
        comment="Published checkpoints that the quorum of witnesses cosigned: the note with the log's"
        " signature and theirs. Insert-only.",
    )
    for statement in attach("log_witnessed"):
        op.execute(statement)


def downgrade() -> None:
    """Refused: evidence is never taken back, and the release before runs on this schema too."""
    raise NotImplementedError
