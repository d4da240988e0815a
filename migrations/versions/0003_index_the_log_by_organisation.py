"""Index the log by organisation.

Runs while the release before is serving, and while the log goes on: the index is built beside the writers.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_INDEX = "ix_log_entries_organisation_id_origin_leaf_index"


def upgrade() -> None:
    """Index the log by organisation."""
    with op.get_context().autocommit_block():
        # One that was interrupted stays behind, invalid.
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {_INDEX}")
        op.execute(f"CREATE INDEX CONCURRENTLY {_INDEX} ON log_entries (organisation_id, origin, leaf_index)")


def downgrade() -> None:
    """Refused: evidence is never taken back, and the release before runs on this schema too."""
    raise NotImplementedError
