"""Workers on PostgreSQL: jobs are done, tried again, left to operators, taken over."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog
from procrastinate.worker import Worker
from sqlalchemy import NullPool, text
from sqlalchemy.ext.asyncio import create_async_engine

from server.domain.jobs import Backoff, Job, JobFailed, JobKind, JobState, RunningJob, StoredJob
from server.domain.refusals import ServiceUnavailable
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork
from server.usecases.job_ports import JobHandler
from server.workers.workers import Workers, WorkerSettings
from tests import forking
from tests.contracts import examples

BACKOFF = Backoff(3, timedelta(milliseconds=10), 1, timedelta(milliseconds=10))
QUICK = WorkerSettings(
    concurrency=4,
    grace=timedelta(seconds=20),
    poll=timedelta(milliseconds=20),
    heartbeat=timedelta(milliseconds=200),
    silent=timedelta(seconds=30),
    pause=timedelta(milliseconds=20),
)
DEADLINE = 60.0


class Clock:
    def now(self) -> datetime:
        return datetime.now(UTC)


def kind() -> JobKind:
    return JobKind(f"test.kind-{examples.number()}", "does it", "does it again", BACKOFF)


@pytest.fixture
async def uow(module_database_url: str) -> AsyncIterator[SqlUnitOfWork]:
    database = Database(module_database_url, pool_size=6)
    yield SqlUnitOfWork(database)
    await database.dispose()


Working = Callable[..., contextlib.AbstractAsyncContextManager[Workers]]


@pytest.fixture
def working(module_database_url: str, uow: SqlUnitOfWork) -> Working:
    @contextlib.asynccontextmanager
    async def run(
        handlers: Mapping[JobKind, JobHandler], settings: WorkerSettings = QUICK
    ) -> AsyncIterator[Workers]:
        workers = Workers(module_database_url, handlers, uow, Clock(), settings)
        task = asyncio.create_task(workers.run())
        try:
            yield workers
        finally:
            workers.stop()
            await asyncio.wait_for(task, DEADLINE)

    return run


async def defer(uow: SqlUnitOfWork, *jobs: Job) -> None:
    async with uow.writing() as tx:
        await tx.jobs.defer(jobs)
        await tx.commit()


async def of(uow: SqlUnitOfWork, mine: JobKind, *states: JobState) -> list[StoredJob]:
    async with uow.reading() as tx:
        return list(await tx.jobs.listed(states or list(JobState), mine.name, after=0, limit=1000))


async def until(condition: Callable[[], Coroutine[Any, Any, bool]]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not await condition():  # noqa: ASYNC110 - the database has no event of its own
            await asyncio.sleep(0.01)


async def test_jobs_are_done_several_at_once_and_are_gone(uow: SqlUnitOfWork, working: Working) -> None:
    mine, other = kind(), kind()
    done: list[object] = []
    at_once = asyncio.Barrier(4)

    async def handler(job: RunningJob) -> None:
        await at_once.wait()
        done.append(job.arguments["n"])

    await defer(uow, *(Job(mine, {"n": n}) for n in range(8)), Job(other, {}))
    async with working({mine: handler}):
        await until(lambda: _none(uow, mine))
    assert sorted(map(str, done)) == [str(n) for n in range(8)]
    # Another release's kind is left to its workers.
    assert [job.state for job in await of(uow, other)] == [JobState.WAITING]


async def test_what_fails_is_tried_again_and_becomes_a_dead_letter_after_its_last_attempt(
    uow: SqlUnitOfWork, working: Working
) -> None:
    greylisted, hopeless, refused, broken, away = (kind() for _ in range(5))
    attempts: list[tuple[int, bool]] = []

    async def grey(job: RunningJob) -> None:
        attempts.append((job.attempt, job.is_last))
        if job.attempt < 3:
            raise JobFailed("GREYLISTED", wait=timedelta(milliseconds=1))

    async def fails(job: RunningJob) -> None:
        raise JobFailed("BUSY")

    async def refuses(job: RunningJob) -> None:
        raise JobFailed("NO_SUCH_MAILBOX", for_good=True)

    async def breaks(job: RunningJob) -> None:
        raise LookupError("secret content")

    async def answers_not(job: RunningJob) -> None:
        raise ServiceUnavailable("mail")

    handlers = {greylisted: grey, hopeless: fails, refused: refuses, broken: breaks, away: answers_not}
    await defer(uow, *(Job(each, {}) for each in handlers))
    async with working(handlers):
        await until(lambda: _none(uow, greylisted))
        for each in list(handlers)[1:]:
            await until(lambda each=each: _dead(uow, each))  # type: ignore[misc]

    assert attempts == [(1, False), (2, False), (3, True)]
    ends = {}
    for each in (hopeless, refused, broken, away):
        (job,) = await of(uow, each)
        assert job.failure is not None
        ends[each] = (job.failure.reason, job.failure.attempt, job.attempts)
    assert list(ends.values()) == [
        ("BUSY", 3, 3),
        ("NO_SUCH_MAILBOX", 1, 1),
        ("DEFECT", 3, 3),
        ("SERVICE_UNAVAILABLE", 3, 3),
    ]


async def test_a_dead_letter_that_an_operator_revives_is_tried_as_often_as_a_new_job(
    uow: SqlUnitOfWork, working: Working
) -> None:
    mine, seen = kind(), list[int]()

    async def fails(job: RunningJob) -> None:
        seen.append(job.attempt)
        raise JobFailed("BUSY")

    await defer(uow, Job(mine, {}))
    async with working({mine: fails}):
        await until(lambda: _dead(uow, mine))
        (job,) = await of(uow, mine)
        async with uow.writing() as tx:
            assert await tx.jobs.revive(job.id, Clock().now())
            await tx.commit()
        await until(lambda: _equals(seen, [1, 2, 3, 1, 2, 3]))
        await until(lambda: _dead(uow, mine))


async def test_a_job_waits_for_its_time(uow: SqlUnitOfWork, working: Working) -> None:
    mine, done = kind(), list[Any]()

    async def handler(job: RunningJob) -> None:
        done.append(job.arguments["n"])

    soon = Clock().now() + timedelta(milliseconds=300)
    await defer(
        uow,
        Job(mine, {"n": 1}, soon),
        Job(mine, {"n": 2}, soon + timedelta(days=1)),
        Job(mine, {"n": 3}),
    )
    async with working({mine: handler}):
        await until(lambda: _equals(sorted(done), [1, 3]))
    assert [job.arguments["n"] for job in await of(uow, mine, JobState.WAITING)] == [2]


async def test_stopping_finishes_what_is_under_way_and_takes_nothing_new(
    uow: SqlUnitOfWork, working: Working
) -> None:
    mine, begun, may_end = kind(), asyncio.Event(), asyncio.Event()

    async def handler(job: RunningJob) -> None:
        begun.set()
        await may_end.wait()

    await defer(uow, Job(mine, {"n": 1}))
    async with working({mine: handler}, replace(QUICK, concurrency=1)) as workers:
        await asyncio.wait_for(begun.wait(), DEADLINE)
        workers.stop()
        await defer(uow, Job(mine, {"n": 2}))
        may_end.set()
    assert [job.arguments["n"] for job in await of(uow, mine)] == [2]


async def test_what_takes_longer_than_the_grace_is_interrupted_and_waits_again(
    uow: SqlUnitOfWork, module_database_url: str
) -> None:
    mine, begun = kind(), asyncio.Event()

    async def handler(job: RunningJob) -> None:
        begun.set()
        await asyncio.Event().wait()

    await defer(uow, Job(mine, {}))
    hasty = replace(QUICK, grace=timedelta(0))
    workers = Workers(module_database_url, {mine: handler}, uow, Clock(), hasty)
    task = asyncio.create_task(workers.run())
    await asyncio.wait_for(begun.wait(), DEADLINE)
    workers.stop()
    await asyncio.wait_for(task, DEADLINE)
    assert [job.state for job in await of(uow, mine)] == [JobState.WAITING]


async def test_workers_go_on_after_the_database_has_ended_their_connections(
    uow: SqlUnitOfWork, working: Working, module_database_url: str
) -> None:
    mine, done = kind(), list[Any]()

    async def handler(job: RunningJob) -> None:
        done.append(job.arguments["n"])

    engine = create_async_engine(module_database_url, poolclass=NullPool)
    async with working({mine: handler}):
        await defer(uow, Job(mine, {"n": 1}))
        await until(lambda: _equals(done, [1]))
        async with engine.connect() as connection:
            ended = await connection.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = :name"),
                {"name": "namak-jobs"},
            )
            assert ended.all()
        await defer(uow, Job(mine, {"n": 2}))
        await until(lambda: _equals(done, [1, 2]))
    await engine.dispose()


async def test_workers_begin_again_after_a_defect(
    uow: SqlUnitOfWork, working: Working, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, done, broken = kind(), list[Any](), asyncio.Event()
    fetched = Worker.run

    async def breaks_once(self: Worker) -> None:
        if not broken.is_set():
            broken.set()
            raise TypeError("a defect")
        await fetched(self)  # type: ignore[no-untyped-call]

    async def handler(job: RunningJob) -> None:
        done.append(job.arguments["n"])

    monkeypatch.setattr(Worker, "run", breaks_once)
    with structlog.testing.capture_logs() as logs:
        async with working({mine: handler}):
            await defer(uow, Job(mine, {"n": 1}))
            await until(lambda: _equals(done, [1]))

    assert broken.is_set()
    assert [line["log_level"] for line in logs if line["event"] == "the workers stopped"] == ["error"]


async def test_jobs_of_a_killed_worker_are_taken_over(
    uow: SqlUnitOfWork, working: Working, module_database_url: str
) -> None:
    mine, last = kind(), kind()
    once = replace(last, retries=replace(BACKOFF, attempts=1))
    seen = list[int]()

    async def handler(job: RunningJob) -> None:
        seen.append(job.attempt)

    await defer(uow, Job(mine, {}), Job(once, {}))
    ours, theirs = os.pipe()
    module = "tests.integration.workers.stuck_worker"
    process = forking.start(module, module_database_url, mine.name, once.name, out=theirs)
    os.close(theirs)
    with os.fdopen(ours, "rb") as said:
        for _ in range(2):
            assert await asyncio.wait_for(asyncio.to_thread(said.readline), DEADLINE) == b"begun\n"
    process.kill()
    await asyncio.to_thread(process.wait)

    async with working({mine: handler, once: handler}, replace(QUICK, silent=timedelta(seconds=2))):
        await until(lambda: _none(uow, mine))
        await until(lambda: _dead(uow, once))
    # The attempt that the killed worker had begun counts.
    assert seen == [2]


async def _none(uow: SqlUnitOfWork, mine: JobKind) -> bool:
    return not await of(uow, mine)


async def _dead(uow: SqlUnitOfWork, mine: JobKind) -> bool:
    return [job.state for job in await of(uow, mine)] == [JobState.DEAD]


async def _equals(found: list[Any], wanted: list[Any]) -> bool:
    return found == wanted
