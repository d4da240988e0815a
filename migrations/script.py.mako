"""${message}.

Before it is merged: it must run while the release before it is serving. Add in one release, use in the next, remove in the one
after. No default that rewrites a table, no constraint without NOT VALID on a table with rows, no index without CONCURRENTLY (in
`op.get_context().autocommit_block()`, as a migration of its own). A table whose rows are evidence gets its triggers (insert_only).
"""
from alembic import op
import sqlalchemy as sa
${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    """${message}."""
    # Those who wait behind our lock must not wait long: rather fail, and be run again.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """Refused: evidence is never taken back, and the release before runs on this schema too."""
    raise NotImplementedError
