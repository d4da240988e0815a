"""One attempt at a job: what a failure means, by the kind's own rules."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import structlog
from procrastinate import App, BaseRetryStrategy, JobContext, RetryDecision
from procrastinate.jobs import Job as LibraryJob

from server.domain.jobs import JobFailed, JobFailure, JobKind, RunningJob
from server.domain.refusals import Refused
from server.storage.jobs import arguments_read
from server.usecases.job_ports import JobHandler
from server.usecases.ports import Clock, UnitOfWork

_log = structlog.get_logger(__name__)

DEFECT: Final = "DEFECT"
"""Why an attempt failed where nobody foresaw it: the log of the worker holds the trace."""


class _Again(Exception):
    """Try the job again after this time."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__()
        self.wait = wait


class _Dead(Exception):
    """Leave the job to the operator."""


class _Rules(BaseRetryStrategy):
    """Has done what `Trials` decided."""

    def get_retry_decision(
        self,
        *,
        exception: BaseException,
        job: LibraryJob,  # noqa: ARG002
    ) -> RetryDecision | None:
        """Says when the job is tried again; None: never."""
        if isinstance(exception, _Again):
            # By the machine's clock, as the database has it, which says when a job is due.
            return RetryDecision(retry_in={"microseconds": exception.wait // timedelta(microseconds=1)})
        if isinstance(exception, asyncio.CancelledError):
            # Interrupted at the end of the worker's grace; another one takes it at once.
            return RetryDecision(retry_in={"seconds": 0})
        return None


class Trials:
    """Makes tasks of Procrastinate of kinds and their handlers."""

    def __init__(self, uow: UnitOfWork, clock: Clock, draw: Callable[[], float]) -> None:
        self._uow = uow
        self._clock = clock
        self._draw = draw

    def register(self, app: App, kind: JobKind, handler: JobHandler) -> None:
        """Has an app's workers do jobs of this kind by this handler."""

        async def attempt(context: JobContext, /, **stored: Any) -> None:
            job = context.job
            assert job.id is not None
            tried = job.attempts + 1
            is_last = tried >= kind.retries.attempts
            try:
                await handler(RunningJob(job.id, arguments_read(stored), tried, is_last))
            except JobFailed as failed:
                await self._fail(kind, job.id, tried, failed)
            except Refused as refused:
                await self._fail(kind, job.id, tried, JobFailed(refused.reason.value))
            except Exception:  # noqa: BLE001 - an operator is told, and it is tried again
                _log.exception("a job met an unexpected error", kind=kind.name, job=job.id)
                await self._fail(kind, job.id, tried, JobFailed(DEFECT))

        app.task(name=kind.name, queue=kind.name, pass_context=True, retry=_Rules())(attempt)

    async def _fail(self, kind: JobKind, job_id: int, tried: int, failed: JobFailed) -> None:
        now = self._clock.now()
        wait = None if failed.for_good else kind.retries.wait(tried, self._draw())
        await self._note(job_id, JobFailure(tried, now, failed.reason))
        if wait is None:
            _log.error("a job is a dead letter", kind=kind.name, job=job_id, reason=failed.reason)
            raise _Dead from None
        wait = max(wait, failed.wait or timedelta(0))
        _log.info(
            "a job is tried again later",
            kind=kind.name,
            job=job_id,
            reason=failed.reason,
            attempt=tried,
            seconds=round(wait.total_seconds()),
        )
        raise _Again(wait) from None

    async def _note(self, job_id: int, failure: JobFailure) -> None:
        try:
            async with self._uow.writing() as tx:
                await tx.jobs.failed(job_id, failure)
                await tx.commit()
        except Refused as refused:
            # That the job is tried again matters more than that operators are told why.
            _log.warning("why a job failed was not noted", job=job_id, reason=refused.reason.value)
        except Exception:  # noqa: BLE001 - nor may a defect here make of it a dead letter that nobody is told of
            _log.exception("why a job failed was not noted", job=job_id)
