"""The log's shards: which there are, which came after which, and where each one ends.

Additive: the release before it works on the schema after it, and can't append to a shard that is frozen.
"""

import sqlalchemy as sa
from alembic import op

from server.storage.insert_only import attach

revision = "0030"
down_revision = "0031"
branch_labels = None
depends_on = None

_REFUSE = """
CREATE FUNCTION refuse_thaw() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'shard % of the log is frozen, or its successor announced', OLD.origin
    USING ERRCODE = 'restrict_violation';
END
$$
"""
_TRIGGER = """
CREATE TRIGGER refuse_thaw BEFORE UPDATE ON log_heads FOR EACH ROW WHEN (
    (OLD.frozen_at IS NOT NULL AND
        (NEW.integrated_size, NEW.root, NEW.frozen_at)
        IS DISTINCT FROM (OLD.integrated_size, OLD.root, OLD.frozen_at))
    OR (OLD.successor IS NOT NULL AND
        (NEW.successor, NEW.announcement) IS DISTINCT FROM (OLD.successor, OLD.announcement))
) EXECUTE FUNCTION refuse_thaw()
"""


def upgrade() -> None:
    """Makes a table, and columns that are empty."""
    op.create_table(
        "log_shards",
        sa.Column("origin", sa.Text(), primary_key=True),
        sa.Column("position", sa.Integer(), nullable=False, unique=True),
        sa.Column("vkey", sa.Text(), nullable=False, unique=True),
        sa.Column("predecessor", sa.Text(), unique=True),
        sa.Column("announcement", sa.Uuid()),
        sa.Column("announced_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("position > 0", name="position"),
        sa.CheckConstraint("(position = 1) = (predecessor IS NULL)", name="predecessor"),
        sa.CheckConstraint("(announcement IS NULL) = (announced_at IS NULL)", name="announced"),
        comment="The log's shards in their order, with their verifier keys; what announced one is evidence,"
        " and the last leaf of the one before it. Insert-only.",
    )
    for statement in attach("log_shards"):
        op.execute(statement)
    op.add_column("log_heads", sa.Column("successor", sa.Text()))
    op.add_column("log_heads", sa.Column("announcement", sa.Uuid()))
    op.add_column("log_heads", sa.Column("frozen_at", sa.DateTime(timezone=True)))
    op.create_check_constraint("frozen", "log_heads", "frozen_at IS NULL OR successor IS NOT NULL")
    op.execute(_REFUSE)
    op.execute(_TRIGGER)
    # In a session that replays replication too.
    op.execute("ALTER TABLE log_heads ENABLE ALWAYS TRIGGER refuse_thaw")


def downgrade() -> None:
    """Refused: evidence is never taken back, and the release before runs on this schema too."""
    raise NotImplementedError
