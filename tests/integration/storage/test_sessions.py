"""Sign-ins and sessions on PostgreSQL keep the contract."""

from collections.abc import AsyncIterator

import pytest

from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork
from tests.contracts.portal_contract import PortalsContract
from tests.contracts.session_contract import SignInTablesContract


@pytest.fixture
async def uow(module_database_url: str) -> AsyncIterator[SqlUnitOfWork]:
    database = Database(module_database_url, pool_size=5)
    yield SqlUnitOfWork(database)
    assert database.connections_in_use == 0
    await database.dispose()


class TestSqlSignIns(SignInTablesContract):
    """The contract, on PostgreSQL."""


class TestSqlPortals(PortalsContract):
    """The portals' contract, on PostgreSQL."""
