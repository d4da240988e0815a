"""Jobs as the operator looks after them, from the command line."""

from collections.abc import Collection, Sequence

import structlog

from server.domain.jobs import Backlog, JobState, StoredJob
from server.usecases.ports import Clock, UnitOfWork

_log = structlog.get_logger(__name__)


class JobDesk:
    """Shows jobs, and decides about dead letters. Each decision leaves a line in the log."""

    def __init__(self, *, uow: UnitOfWork, clock: Clock) -> None:
        self._uow = uow
        self._clock = clock

    async def backlogs(self) -> Sequence[Backlog]:
        """Returns what there is of each kind. Raises `ServiceUnavailable`."""
        async with self._uow.reading() as tx:
            return await tx.jobs.backlogs(self._clock.now())

    async def listed(
        self, states: Collection[JobState], kind: str | None, *, after: int, limit: int
    ) -> Sequence[StoredJob]:
        """Lists jobs by number. Raises `ServiceUnavailable`."""
        async with self._uow.reading() as tx:
            return await tx.jobs.listed(states, kind, after=after, limit=limit)

    async def get(self, job_id: int) -> StoredJob | None:
        """Returns a job. Raises `ServiceUnavailable`."""
        async with self._uow.reading() as tx:
            return await tx.jobs.get(job_id)

    async def retry(self, job_ids: Collection[int]) -> Sequence[int]:
        """Has dead letters tried again; returns those of the numbers that are none. Raises
        `ServiceUnavailable`.
        """
        async with self._uow.writing() as tx:
            now = self._clock.now()
            others = [each for each in sorted(set(job_ids)) if not await tx.jobs.revive(each, now)]
            await tx.commit()
        _log.info("dead letters are tried again", jobs=sorted(set(job_ids) - set(others)))
        return others

    async def discard(self, job_ids: Collection[int]) -> Sequence[int]:
        """Gives dead letters up; returns those of the numbers that are none. Raises `ServiceUnavailable`."""
        async with self._uow.writing() as tx:
            others = [each for each in sorted(set(job_ids)) if not await tx.jobs.give_up(each)]
            await tx.commit()
        _log.info("dead letters were given up", jobs=sorted(set(job_ids) - set(others)))
        return others
