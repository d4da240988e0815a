"""The fake unit of work keeps the contract of ladders."""

import pytest

from tests.contracts.ladder_contract import LadderContract
from tests.fakes.unit_of_work import FakeUnitOfWork


@pytest.fixture
def uow() -> FakeUnitOfWork:
    return FakeUnitOfWork()


class TestFakeLadders(LadderContract):
    """The contract, in memory."""
