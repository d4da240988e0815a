"""Jobs whose failures can't even be noted, and workers that have nothing to do."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
import structlog
from procrastinate import App
from procrastinate.testing import InMemoryConnector

from server.domain.jobs import Backoff, JobFailed, JobKind, RunningJob
from server.domain.refusals import ServiceUnavailable
from server.storage.failures import StorageFault
from server.usecases.ports import UnitOfWork
from server.workers.trials import Trials
from server.workers.workers import Workers, WorkerSettings

NOON = datetime(2126, 11, 2, 12, tzinfo=UTC)
KIND = JobKind("test.kind", "does it", "does it again", Backoff(3, timedelta(hours=1), 1, timedelta(hours=1)))
DEADLINE = 60.0


class Clock:
    def now(self) -> datetime:
        return NOON


class Faulty:
    """A unit of work that begins no transaction."""

    def __init__(self, fault: Exception) -> None:
        self._fault = fault

    def writing(self) -> None:
        raise self._fault


async def _fails(job: RunningJob) -> None:
    raise JobFailed("BUSY")


@pytest.mark.parametrize(
    "fault", [StorageFault("DataError", "22001", None), ServiceUnavailable("database"), LookupError("x")]
)
async def test_a_job_whose_failure_can_t_be_noted_is_tried_again_all_the_same(fault: Exception) -> None:
    connector = InMemoryConnector()
    app = App(connector=connector)
    Trials(cast(UnitOfWork, Faulty(fault)), Clock(), lambda: 0.5).register(app, KIND, _fails)

    before = datetime.now(UTC)
    async with app.open_async():
        await app.tasks[KIND.name].defer_async()
        with structlog.testing.capture_logs() as lines:
            await app.run_worker_async(wait=False, install_signal_handlers=False)

    ((_, job),) = connector.jobs.items()
    assert (job["status"], job["attempts"]) == ("todo", 1)
    # By the machine's clock, which the database goes by, whatever a dev world's says.
    assert job["scheduled_at"] > before
    told = [line["event"] for line in lines]
    assert told == ["why a job failed was not noted", "a job is tried again later"]


async def test_workers_without_anything_to_do_work_until_they_are_stopped() -> None:
    workers = Workers("postgresql://nobody@localhost/", {}, cast(UnitOfWork, None), Clock(), WorkerSettings())
    before = workers.is_working
    task = asyncio.create_task(workers.run())
    await asyncio.sleep(0)
    meanwhile = workers.is_working
    workers.stop()
    await asyncio.wait_for(task, DEADLINE)

    assert (before, meanwhile, workers.is_working) == (False, True, False)
