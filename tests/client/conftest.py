"""An office behind its counter, and connections of those who call there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from namak.client import Connection
from tests.client.authority import Authority, connection_for
from tests.client.counter import open_counter
from tests.client.office import Office


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.fixture
def address(office: Office, authority: Authority) -> Iterator[str]:
    with open_counter(office, authority) as address:
        yield address


@pytest.fixture
def agency(authority: Authority, address: str, tmp_path: Path) -> Connection:
    return connection_for(authority.issue("agency"), authority, address, tmp_path / "agency")


@pytest.fixture
def citizen(authority: Authority, address: str, tmp_path: Path) -> Connection:
    return connection_for(authority.issue("citizen"), authority, address, tmp_path / "citizen")


@pytest.fixture
def operator(authority: Authority, address: str, tmp_path: Path) -> Connection:
    return connection_for(authority.issue("operator"), authority, address, tmp_path / "operator")
