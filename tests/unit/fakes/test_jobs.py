"""Jobs in memory keep the contract."""

from dataclasses import replace

import pytest

from server.domain.jobs import JobState
from tests.contracts.job_contract import JobContract, Kill
from tests.fakes.unit_of_work import FakeUnitOfWork


@pytest.fixture
def uow() -> FakeUnitOfWork:
    return FakeUnitOfWork()


@pytest.fixture
def kill(uow: FakeUnitOfWork) -> Kill:
    async def dies(job_id: int) -> None:
        jobs = uow.committed.jobs
        jobs[job_id] = replace(jobs[job_id], state=JobState.DEAD, attempts=3)

    return dies


class TestFakeJobs(JobContract):
    """The contract, in memory."""
