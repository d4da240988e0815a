"""The unit of work on PostgreSQL keeps the contract."""

from collections.abc import AsyncIterator

import pytest

from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork
from tests.contracts.unit_of_work_contract import UnitOfWorkContract
from tests.contracts.usage_contract import UsageContract


@pytest.fixture
async def uow(module_database_url: str) -> AsyncIterator[SqlUnitOfWork]:
    database = Database(module_database_url, pool_size=3)
    yield SqlUnitOfWork(database)
    assert database.connections_in_use == 0
    await database.dispose()


class TestSqlUnitOfWork(UnitOfWorkContract):
    """The contract, on PostgreSQL."""


class TestSqlUsage(UsageContract):
    """The contract of usage, on PostgreSQL."""
