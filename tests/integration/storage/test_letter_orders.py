"""Letters on paper on PostgreSQL keep the contract."""

from collections.abc import AsyncIterator

import pytest

from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork
from tests.contracts.letter_order_contract import LetterOrderContract
from tests.contracts.print_house_contract import PrintHouseContract


@pytest.fixture
async def uow(module_database_url: str) -> AsyncIterator[SqlUnitOfWork]:
    database = Database(module_database_url, pool_size=2)
    yield SqlUnitOfWork(database)
    await database.dispose()


class TestSqlLetterOrders(LetterOrderContract):
    """The contract, on PostgreSQL."""


class TestSqlPrintHouses(PrintHouseContract):
    """The contract of print houses, on PostgreSQL."""
