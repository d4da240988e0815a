"""What use cases ask of whoever keeps jobs, and those who run them of use cases."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from server.domain.jobs import Backlog, Job, JobFailure, JobKind, JobState, RunningJob, StoredJob


class Jobs(Protocol):
    """Jobs, inside the transaction that causes them."""

    async def defer(self, jobs: Sequence[Job]) -> None:
        """Has jobs done, by whichever worker takes them, once the transaction is committed. One that is
        rolled back leaves none. With none it does nothing.
        """
        ...

    async def failed(self, job_id: int, failure: JobFailure) -> None:
        """Notes why an attempt failed, for operators; the last one stays. Of a job that is gone, nothing."""
        ...

    async def get(self, job_id: int) -> StoredJob | None: ...

    async def listed(
        self, states: Collection[JobState], kind: str | None, *, after: int, limit: int
    ) -> Sequence[StoredJob]:
        """Lists jobs in these states, of one kind or all, by ascending number from after the given one."""
        ...

    async def backlogs(self, now: datetime) -> Sequence[Backlog]:
        """Returns what there is of each kind that there is anything of, by name."""
        ...

    async def revive(self, job_id: int, now: datetime) -> bool:
        """Has a dead letter tried again at once, as often as a new job; False when it is no dead letter."""
        ...

    async def give_up(self, job_id: int) -> bool:
        """Marks a dead letter as given up by the operator; False when it is no dead letter."""
        ...

    async def take_over(self, kinds: Sequence[JobKind], *, silent: timedelta) -> int:
        """Takes jobs from workers that have given no sign of life for so long: each waits again at once, or
        is a dead letter after its last attempt. Returns how many. At the same moment one caller takes each
        job.
        """
        ...


class JobTransaction(Protocol):
    """The part of a transaction that deals with jobs."""

    @property
    def jobs(self) -> Jobs: ...


class JobHandler(Protocol):
    """Does the jobs of one kind."""

    async def __call__(self, job: RunningJob) -> None:
        """Does a job; it may have been done before, whole or in part.

        Raises:
            JobFailed: it could not be done; says whether to try again.
            Refused: so, and it is tried again.
        """
        ...
