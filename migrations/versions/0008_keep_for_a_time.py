"""Find what is to be forgotten, and the open sessions of a portal's certificate.

Runs while the release before is serving, and while people sign in: all is done beside the writers.
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_INDEXES = {
    "ix_sign_ins_proved": "sign_ins (expires_at) WHERE proof IS NOT NULL",
    "ix_sessions_expires_at": "sessions (expires_at)",
    "ix_sessions_open_at_portal": "sessions (portal_sha256) WHERE ended_at IS NULL",
    "ix_phone_confirmations_signed": "phone_confirmations (expires_at) WHERE cms IS NOT NULL",
}


def upgrade() -> None:
    """Find what is to be forgotten, and the open sessions of a portal's certificate."""
    with op.get_context().autocommit_block():
        for name, on in _INDEXES.items():
            # One that was interrupted stays behind, invalid.
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {on}")


def downgrade() -> None:
    """Refused: evidence is never taken back, and the release before runs on this schema too."""
    raise NotImplementedError
