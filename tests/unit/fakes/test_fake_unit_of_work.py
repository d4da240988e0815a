"""The fake unit of work keeps the contract, and fails where a test tells it to."""

import pytest

from server.domain.refusals import ServiceUnavailable
from tests.contracts import examples
from tests.contracts.unit_of_work_contract import UnitOfWorkContract
from tests.contracts.usage_contract import UsageContract
from tests.fakes.unit_of_work import FakeUnitOfWork, LostCommit


@pytest.fixture
def uow() -> FakeUnitOfWork:
    return FakeUnitOfWork()


class TestFakeUnitOfWork(UnitOfWorkContract):
    """The contract, in memory."""


class TestFakeUsage(UsageContract):
    """The contract of usage, in memory."""


@pytest.mark.parametrize("lost", LostCommit)
async def test_a_lost_commit_is_unavailable_whether_it_was_applied_or_not(
    uow: FakeUnitOfWork, lost: LostCommit
) -> None:
    organisation = examples.organisation()
    uow.next_commit = lost
    async with uow.writing() as tx:
        await tx.organisations.add(organisation)
        with pytest.raises(ServiceUnavailable):
            await tx.commit()
    async with uow.writing() as tx:
        applied = await tx.organisations.get(organisation.id) is not None
        await tx.commit()
    assert applied == (lost is LostCommit.APPLIED)


async def test_an_unavailable_one_opens_nothing(uow: FakeUnitOfWork) -> None:
    uow.unavailable = True
    with pytest.raises(ServiceUnavailable):
        async with uow.reading():
            raise AssertionError("it opened")
    assert uow.open_transactions == 0


async def test_a_writing_transaction_inside_another_is_an_error_and_no_endless_wait(
    uow: FakeUnitOfWork,
) -> None:
    async with uow.writing():
        with pytest.raises(RuntimeError, match="inside another"):
            async with uow.writing():
                raise AssertionError("it opened")
