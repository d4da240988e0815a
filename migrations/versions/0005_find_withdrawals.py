"""Find withdrawals.

The recount of what was billed asks for all of them; they are rare, so the index is small. It is built beside
the writers, while the release before is serving.
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_INDEX = "ix_evidence_withdrawals"


def upgrade() -> None:
    """Find withdrawals."""
    with op.get_context().autocommit_block():
        # One that was interrupted stays behind, invalid.
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {_INDEX}")
        op.execute(
            f"CREATE INDEX CONCURRENTLY {_INDEX} ON evidence (id) "
            "WHERE event = 'https://namak.am/event/Withdrawn'"
        )


def downgrade() -> None:
    """Refused: evidence is never taken back, and the release before runs on this schema too."""
    raise NotImplementedError
