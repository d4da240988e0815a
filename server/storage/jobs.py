"""Jobs in the tables of Procrastinate, through its own functions on our own connection."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text

from server.domain.jobs import Arguments, Backlog, Job, JobFailure, JobKind, JobState, StoredJob
from server.storage.statements import Statements

# Procrastinate's words for our states, and ours for its.
_STATUS: Final[Mapping[JobState, str]] = {
    JobState.WAITING: "todo",
    JobState.RUNNING: "doing",
    JobState.DEAD: "failed",
    JobState.GIVEN_UP: "cancelled",
}
_STATES: Final = {status: state for state, status in _STATUS.items()} | {"aborted": JobState.DEAD}

_DEFER = text("""
    SELECT jobs.procrastinate_defer_jobs_v1(array_agg(
        ROW(kind, kind, 0, NULL, NULL, arguments::jsonb, not_before)::jobs.procrastinate_job_to_defer_v1
        ORDER BY ordinal
    ))
    FROM unnest(CAST(:kinds AS text[]), CAST(:arguments AS text[]), CAST(:times AS timestamptz[]))
        WITH ORDINALITY AS given (kind, arguments, not_before, ordinal)
""")
_FAILED = text("""
    INSERT INTO jobs.failures (job_id, attempt, at, reason)
    SELECT id, :attempt, :at, :reason FROM jobs.procrastinate_jobs WHERE id = :job
    ON CONFLICT (job_id) DO UPDATE SET attempt = excluded.attempt, at = excluded.at, reason = excluded.reason
""")
_SHOWN = """
    SELECT j.id, j.task_name, j.args, j.status::text AS status, j.attempts, j.scheduled_at,
        (SELECT e.at FROM jobs.procrastinate_events e WHERE e.job_id = j.id ORDER BY e.id LIMIT 1) AS
        deferred_at, f.attempt AS failed_attempt, f.at AS failed_at, f.reason
    FROM jobs.procrastinate_jobs j LEFT JOIN jobs.failures f ON f.job_id = j.id
"""
_GET = text(_SHOWN + " WHERE j.id = :job")
_LISTED = text(
    _SHOWN
    + """
    WHERE j.status = ANY (CAST(CAST(:statuses AS text[]) AS jobs.procrastinate_job_status[]))
        AND (CAST(:kind AS text) IS NULL OR j.task_name = :kind) AND j.id > :after
    ORDER BY j.id LIMIT :limit
"""
)
_BACKLOGS = text("""
    SELECT j.task_name,
        count(*) FILTER (WHERE j.status = 'todo' AND coalesce(j.scheduled_at <= :now, true)) AS due,
        count(*) FILTER (WHERE j.status = 'todo' AND j.scheduled_at > :now) AS later,
        count(*) FILTER (WHERE j.status = 'doing') AS running,
        count(*) FILTER (WHERE j.status IN ('failed', 'aborted')) AS dead,
        min(coalesce(j.scheduled_at, e.at))
            FILTER (WHERE j.status = 'todo' AND coalesce(j.scheduled_at <= :now, true)) AS oldest,
        min(j.scheduled_at) FILTER (WHERE j.status = 'todo' AND j.scheduled_at > :now) AS next_due
    FROM jobs.procrastinate_jobs j
        LEFT JOIN LATERAL (
            SELECT at FROM jobs.procrastinate_events WHERE job_id = j.id ORDER BY id LIMIT 1
        ) e ON j.status = 'todo' AND j.scheduled_at IS NULL
    WHERE j.status IN ('todo', 'doing', 'failed', 'aborted')
    GROUP BY j.task_name ORDER BY j.task_name
""")
_DEAD = text("""
    SELECT id FROM jobs.procrastinate_jobs WHERE id = :job AND status IN ('failed', 'aborted') FOR UPDATE
""")
_REVIVE = text("""
    UPDATE jobs.procrastinate_jobs SET status = 'todo', attempts = 0, scheduled_at = :now, worker_id = NULL
    WHERE id = :job
""")
_GIVE_UP = text("UPDATE jobs.procrastinate_jobs SET status = 'cancelled' WHERE id = :job")
# Both by Procrastinate's own functions, under the lock on the job: of two who look at once one takes it.
_TAKE_OVER = text("""
    WITH gone AS (
        SELECT j.id, j.attempts + 1 >= limits.attempts AS is_last
        FROM jobs.procrastinate_jobs j
            JOIN unnest(CAST(:kinds AS text[]), CAST(:attempts AS integer[])) AS limits (kind, attempts)
                ON limits.kind = j.task_name
            LEFT JOIN jobs.procrastinate_workers w ON w.id = j.worker_id
        WHERE j.status = 'doing' AND (w.id IS NULL OR w.last_heartbeat < now() - CAST(:silent AS interval))
        FOR UPDATE OF j SKIP LOCKED
    )
    SELECT CASE WHEN is_last THEN CAST(jobs.procrastinate_finish_job_v1(id, 'failed', false) AS text)
        ELSE CAST(jobs.procrastinate_retry_job_v2(id, now(), NULL, NULL, NULL) AS text) END
    FROM gone
""")


class SqlJobs:
    """Jobs, inside one transaction."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def defer(self, jobs: Sequence[Job]) -> None:
        """Has jobs done once the transaction is committed."""
        if jobs:
            values = {
                "kinds": [each.kind.name for each in jobs],
                "arguments": [_written(each.arguments) for each in jobs],
                "times": [each.not_before for each in jobs],
            }
            await self._statements.run(_DEFER, values)

    async def failed(self, job_id: int, failure: JobFailure) -> None:
        """Notes why an attempt failed."""
        values = {"job": job_id, "attempt": failure.attempt, "at": failure.at, "reason": failure.reason}
        await self._statements.run(_FAILED, values)

    async def get(self, job_id: int) -> StoredJob | None:
        """Returns a job."""
        row = await self._statements.first(_GET, {"job": job_id})
        return _job(row) if row else None

    async def listed(
        self, states: Collection[JobState], kind: str | None, *, after: int, limit: int
    ) -> Sequence[StoredJob]:
        """Lists jobs by number."""
        statuses = [status for status, state in _STATES.items() if state in states]
        values = {"statuses": statuses, "kind": kind, "after": after, "limit": limit}
        return [_job(row) for row in await self._statements.rows(_LISTED, values)]

    async def backlogs(self, now: datetime) -> Sequence[Backlog]:
        """Counts by kind."""
        rows = await self._statements.rows(_BACKLOGS, {"now": now})
        return [
            Backlog(row.task_name, row.due, row.later, row.running, row.dead, row.oldest, row.next_due)
            for row in rows
        ]

    async def revive(self, job_id: int, now: datetime) -> bool:
        """Has a dead letter tried again."""
        if await self._statements.first(_DEAD, {"job": job_id}) is None:
            return False
        await self._statements.run(_REVIVE, {"job": job_id, "now": now})
        return True

    async def give_up(self, job_id: int) -> bool:
        """Marks a dead letter as given up."""
        if await self._statements.first(_DEAD, {"job": job_id}) is None:
            return False
        await self._statements.run(_GIVE_UP, {"job": job_id})
        return True

    async def take_over(self, kinds: Sequence[JobKind], *, silent: timedelta) -> int:
        """Takes jobs from workers that are gone."""
        values = {
            "kinds": [kind.name for kind in kinds],
            "attempts": [kind.retries.attempts for kind in kinds],
            "silent": silent,
        }
        return len(await self._statements.rows(_TAKE_OVER, values))


def _written(arguments: Arguments) -> str:
    return json.dumps({name: str(v) if isinstance(v, UUID) else v for name, v in arguments.items()})


def arguments_read(stored: Mapping[str, Any]) -> Arguments:
    """Returns the arguments of a job as they were given."""
    return {name: UUID(value) if isinstance(value, str) else int(value) for name, value in stored.items()}


def _job(row: Row[Any]) -> StoredJob:
    stored = json.loads(row.args) if isinstance(row.args, str) else row.args
    failure = None if row.failed_at is None else JobFailure(row.failed_attempt, row.failed_at, row.reason)
    return StoredJob(
        id=row.id,
        kind=row.task_name,
        arguments=arguments_read(stored),
        state=_STATES[row.status],
        attempts=row.attempts,
        due=row.scheduled_at,
        deferred_at=row.deferred_at,
        failure=failure,
    )
