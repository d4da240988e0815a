"""Jobs: Procrastinate's tables in a schema of their own, and why attempts failed.

Additive: the release before it works on the schema after it.
"""

from alembic import op

from server.storage import job_schema

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Replays Procrastinate's own steps, up to those of its release 3.4, which 3.10 still has."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    op.execute("CREATE SCHEMA jobs")
    job_schema.replay(op.get_bind(), through="03.04.00_50_post_add_retry_failed_job_procedure.sql")
    op.execute(
        """
        CREATE TABLE jobs.failures (
            job_id bigint PRIMARY KEY REFERENCES jobs.procrastinate_jobs ON DELETE CASCADE,
            attempt integer NOT NULL,
            at timestamp with time zone NOT NULL,
            reason text NOT NULL
        )
        """
    )
    # Operators page through what is dead, and count what waits, by kind; what is done is deleted.
    op.execute(
        "CREATE INDEX ix_jobs_dead ON jobs.procrastinate_jobs (id) WHERE status IN ('failed', 'cancelled')"
    )


def downgrade() -> None:
    """Refused: evidence is never taken back, and the release before runs on this schema too."""
    raise NotImplementedError
