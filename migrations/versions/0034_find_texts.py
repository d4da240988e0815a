"""Find short messages.

The recount of what was billed asks for the evidence of all of them, and went through all evidence for it. The
index holds nothing else, so a submission costs no more. It is built beside the writers, while the release
before is serving.
"""

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

_INDEX = "ix_evidence_texts"


def upgrade() -> None:
    """Find short messages."""
    with op.get_context().autocommit_block():
        # One that was interrupted stays behind, invalid.
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {_INDEX}")
        op.execute(
            f"CREATE INDEX CONCURRENTLY {_INDEX} ON evidence (id) "
            "WHERE event = 'https://namak.am/event/SmsAccepted'"
        )


def downgrade() -> None:
    """Refused: evidence is never taken back, and the release before runs on this schema too."""
    raise NotImplementedError
