"""Index the log's timestamps by tree: the first stamped one over a leaf is asked for.

Runs while the release before is serving, and while the log is stamped: the index is built beside the writers.
"""

from alembic import op

revision = "0031"
down_revision = "0029"
branch_labels = None
depends_on = None

_INDEX = "ix_log_timestamps_origin_size_note_digest"


def upgrade() -> None:
    """Index the timestamps by tree."""
    with op.get_context().autocommit_block():
        # One that was interrupted stays behind, invalid.
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {_INDEX}")
        op.execute(f"CREATE INDEX CONCURRENTLY {_INDEX} ON log_timestamps (origin, size, note_digest)")


def downgrade() -> None:
    """Refused: evidence is never taken back, and the release before runs on this schema too."""
    raise NotImplementedError
