"""What jobs are, whatever keeps them."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from server.domain.jobs import Arguments, Backoff, Job, JobFailure, JobKind, JobState, StoredJob
from server.usecases.ports import UnitOfWork
from tests.contracts import examples
from tests.contracts.examples import NOON

BACKOFF = Backoff(attempts=3, first=timedelta(seconds=1), factor=2, longest=timedelta(minutes=1))
Kill = Callable[[int], Awaitable[None]]
"""Makes a waiting job a dead letter, as a worker does."""


def kind() -> JobKind:
    """A kind of its own, so that nobody else's jobs are counted."""
    return JobKind(f"test.kind-{examples.number()}", "does it", "does it again", BACKOFF)


async def deferred(uow: UnitOfWork, *jobs: Job) -> list[StoredJob]:
    async with uow.writing() as tx:
        await tx.jobs.defer(jobs)
        await tx.commit()
    async with uow.reading() as tx:
        return list(await tx.jobs.listed([JobState.WAITING], jobs[0].kind.name, after=0, limit=100))


class JobContract:
    """Jobs are there once their transaction is committed; dead letters are the operator's."""

    async def test_jobs_come_about_with_the_transaction_that_causes_them_in_order(
        self, uow: UnitOfWork
    ) -> None:
        mine, later = kind(), NOON + timedelta(days=9000)
        about: Arguments = {"delivery": examples.new_id(), "step": 7}

        first, second = await deferred(uow, Job(mine, about), Job(mine, {}, not_before=later))

        assert (first.kind, first.arguments, first.due, first.attempts) == (mine.name, about, None, 0)
        assert (second.arguments, second.due, second.state) == ({}, later, JobState.WAITING)
        assert first.id < second.id
        async with uow.reading() as tx:
            assert await tx.jobs.get(first.id) == first
            assert await tx.jobs.get(second.id + 1_000_000) is None

    async def test_a_transaction_that_is_rolled_back_leaves_no_job(self, uow: UnitOfWork) -> None:
        mine = kind()
        async with uow.writing() as tx:
            await tx.jobs.defer([Job(mine, {})])
            assert len(await tx.jobs.listed([JobState.WAITING], mine.name, after=0, limit=9)) == 1

        async with uow.reading() as tx:
            assert await tx.jobs.listed(list(JobState), mine.name, after=0, limit=9) == []

    async def test_lists_go_on_behind_a_number(self, uow: UnitOfWork) -> None:
        mine = kind()
        jobs = await deferred(uow, *(Job(mine, {"n": n}) for n in range(5)))

        async with uow.reading() as tx:
            page = await tx.jobs.listed([JobState.WAITING], mine.name, after=jobs[1].id, limit=2)
            none = await tx.jobs.listed([JobState.DEAD], mine.name, after=0, limit=9)
        assert (list(page), list(none)) == (jobs[2:4], [])

    async def test_a_backlog_tells_what_is_due_and_since_when(self, uow: UnitOfWork) -> None:
        mine, now = kind(), datetime.now(UTC)
        old, future = now - timedelta(hours=2), now + timedelta(hours=2)
        await deferred(uow, Job(mine, {}), Job(mine, {}, old), Job(mine, {}, future))

        async with uow.reading() as tx:
            (backlog,) = [each for each in await tx.jobs.backlogs(now) if each.kind == mine.name]
            then = [each for each in await tx.jobs.backlogs(future) if each.kind == mine.name]
        assert (backlog.later, backlog.running, backlog.dead, backlog.oldest) == (1, 0, 0, old)
        assert (then[0].due, then[0].later) == (3, 0)
        assert (backlog.next, then[0].next) == (future, None)

    async def test_an_operator_sees_why_a_dead_letter_failed_and_has_it_tried_again(
        self, uow: UnitOfWork, kill: Kill
    ) -> None:
        mine = kind()
        (job,) = await deferred(uow, Job(mine, {"n": 1}))
        failures = [JobFailure(1, NOON, "GREY"), JobFailure(2, NOON + timedelta(hours=1), "REFUSED")]
        for failure in failures:
            async with uow.writing() as tx:
                await tx.jobs.failed(job.id, failure)
                await tx.jobs.failed(job.id + 1_000_000, failure)
                await tx.commit()
        await kill(job.id)

        async with uow.writing() as tx:
            (dead,) = await tx.jobs.listed([JobState.DEAD], mine.name, after=0, limit=9)
            revived = await tx.jobs.revive(job.id, NOON)
            again = await tx.jobs.revive(job.id, NOON)
            await tx.commit()

        assert replace(dead, attempts=0) == replace(job, state=JobState.DEAD, failure=failures[1])
        assert (revived, again) == (True, False)
        async with uow.reading() as tx:
            assert await tx.jobs.get(job.id) == replace(job, due=NOON, failure=failures[1])

    async def test_what_is_given_up_is_never_tried_again(self, uow: UnitOfWork, kill: Kill) -> None:
        mine = kind()
        job, waiting = await deferred(uow, Job(mine, {}), Job(mine, {}))
        await kill(job.id)
        async with uow.writing() as tx:
            assert not await tx.jobs.give_up(waiting.id)
            assert await tx.jobs.give_up(job.id)
            assert not await tx.jobs.give_up(job.id)
            assert not await tx.jobs.revive(job.id, NOON)
            await tx.commit()

        async with uow.reading() as tx:
            (given_up,) = await tx.jobs.listed([JobState.GIVEN_UP], mine.name, after=0, limit=9)
        assert given_up.id == job.id
