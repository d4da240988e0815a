"""The fake unit of work keeps the contract of sign-ins and sessions."""

import pytest

from tests.contracts.portal_contract import PortalsContract
from tests.contracts.session_contract import SignInTablesContract
from tests.fakes.unit_of_work import FakeUnitOfWork


@pytest.fixture
def uow() -> FakeUnitOfWork:
    return FakeUnitOfWork()


class TestFakeSignIns(SignInTablesContract):
    """The contract, in memory."""


class TestFakePortals(PortalsContract):
    """The portals' contract, in memory."""
