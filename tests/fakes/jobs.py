"""Jobs in memory. They are kept and shown; nobody runs them but the test."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from server.domain.jobs import Backlog, Job, JobFailure, JobKind, JobState, StoredJob
from tests.fakes.state import State


class FakeJobs:
    """Jobs of one transaction."""

    def __init__(self, state: State) -> None:
        self._jobs = state.jobs

    async def defer(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            number = max(self._jobs, default=0) + 1
            self._jobs[number] = StoredJob(
                number, job.kind.name, job.arguments, JobState.WAITING, 0, job.not_before, datetime.now(UTC)
            )

    async def failed(self, job_id: int, failure: JobFailure) -> None:
        if job_id in self._jobs:
            self._jobs[job_id] = replace(self._jobs[job_id], failure=failure)

    async def get(self, job_id: int) -> StoredJob | None:
        return self._jobs.get(job_id)

    async def listed(
        self, states: Collection[JobState], kind: str | None, *, after: int, limit: int
    ) -> Sequence[StoredJob]:
        found = [
            job
            for number, job in sorted(self._jobs.items())
            if number > after and job.state in states and kind in (None, job.kind)
        ]
        return found[:limit]

    async def backlogs(self, now: datetime) -> Sequence[Backlog]:
        jobs = [job for job in self._jobs.values() if job.state is not JobState.GIVEN_UP]
        found = []
        for kind in sorted({job.kind for job in jobs}):
            mine = [job for job in jobs if job.kind == kind]
            waiting = [job for job in mine if job.state is JobState.WAITING]
            due = [job for job in waiting if job.due is None or job.due <= now]
            found.append(
                Backlog(
                    kind,
                    due=len(due),
                    later=len(waiting) - len(due),
                    running=sum(job.state is JobState.RUNNING for job in mine),
                    dead=sum(job.state is JobState.DEAD for job in mine),
                    oldest=min((job.due or job.deferred_at for job in due), default=None),
                    next=min(
                        (job.due for job in waiting if job.due is not None and job.due > now), default=None
                    ),
                )
            )
        return found

    async def revive(self, job_id: int, now: datetime) -> bool:
        if (job := self._dead(job_id)) is None:
            return False
        self._jobs[job_id] = replace(job, state=JobState.WAITING, attempts=0, due=now)
        return True

    async def give_up(self, job_id: int) -> bool:
        if (job := self._dead(job_id)) is None:
            return False
        self._jobs[job_id] = replace(job, state=JobState.GIVEN_UP)
        return True

    async def take_over(self, kinds: Sequence[JobKind], *, silent: timedelta) -> int:
        limits = {kind.name: kind.retries.attempts for kind in kinds}
        gone = [job for job in self._jobs.values() if job.state is JobState.RUNNING and job.kind in limits]
        for job in gone:
            state = JobState.DEAD if job.attempts + 1 >= limits[job.kind] else JobState.WAITING
            self._jobs[job.id] = replace(job, state=state, attempts=job.attempts + 1)
        return len(gone)

    def _dead(self, job_id: int) -> StoredJob | None:
        job = self._jobs.get(job_id)
        return job if job is not None and job.state is JobState.DEAD else None
