"""RFC 3161 timestamps over checkpoints.

Additive: the release before it works on the schema after it.
"""

import sqlalchemy as sa
from alembic import op

from server.storage.insert_only import attach

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes a table only."""
    op.create_table(
        "log_timestamps",
        sa.Column("origin", sa.Text(), primary_key=True),
        sa.Column("authority", sa.Text(), primary_key=True),
        sa.Column("size", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("note_digest", sa.LargeBinary(), primary_key=True),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("gen_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("size > 0", name="size"),
        sa.CheckConstraint("octet_length(note_digest) = 32", name="note_digest"),
        comment="RFC 3161 tokens (DER) over the notes of checkpoints: over the witnessed ones where there are"
        " witnesses. Insert-only.",
    )
    for statement in attach("log_timestamps"):
        op.execute(statement)


def downgrade() -> None:
    """Refused: evidence is never taken back, and the release before runs on this schema too."""
    raise NotImplementedError
