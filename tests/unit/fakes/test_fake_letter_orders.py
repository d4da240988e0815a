"""The fake unit of work keeps the contract of letters on paper."""

import pytest

from tests.contracts.letter_order_contract import LetterOrderContract
from tests.contracts.print_house_contract import PrintHouseContract
from tests.fakes.unit_of_work import FakeUnitOfWork


@pytest.fixture
def uow() -> FakeUnitOfWork:
    return FakeUnitOfWork()


class TestFakeLetterOrders(LetterOrderContract):
    """The contract, in memory."""


class TestFakePrintHouses(PrintHouseContract):
    """The contract of print houses, in memory."""
