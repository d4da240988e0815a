"""Sign-ins and sessions on PostgreSQL keep the contract."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from server.storage.database import Database
from server.storage.unit_of_work import SqlTransaction, SqlUnitOfWork
from tests.contracts.portal_contract import PortalsContract
from tests.contracts.session_contract import SignInTablesContract
from tests.contracts.sign_in_contract import sign_in


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


async def test_only_what_may_be_lost_is_not_waited_for_to_be_on_disk(module_database_url: str) -> None:
    database = Database(module_database_url, pool_size=1)
    uow = SqlUnitOfWork(database)
    waits: list[str] = []
    for may_be_lost in (False, True, False):
        async with uow.writing() as tx:
            await tx.sign_ins.add(sign_in(), may_be_lost=may_be_lost)
            assert isinstance(tx, SqlTransaction)
            waits.append((await tx._statements.rows(text("SHOW synchronous_commit")))[0][0])
            await tx.commit()
    await database.dispose()

    assert waits == ["on", "off", "on"]
