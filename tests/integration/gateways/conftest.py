"""The mobile-id service on loopback, and a client of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.gateways.mobile_id import MobileId, MobileIdSettings
from tests.fakes.clock import HeldClock
from tests.fakes.sim import Sim, new_sim
from tests.integration.gateways.mobile_id import ISSUER, Pauses, client_of, settings_for, somebody_else
from tests.mobile_id_server import MobileIdServer


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock()


@pytest.fixture
async def service() -> MobileIdServer:
    return MobileIdServer()


@pytest.fixture
async def settings(service: MobileIdServer, tmp_path: Path) -> AsyncIterator[MobileIdSettings]:
    async with service.running(tmp_path) as authorities:
        yield settings_for(service, authorities)


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
async def identity(settings: MobileIdSettings, clock: HeldClock, pauses: Pauses) -> AsyncIterator[MobileId]:
    async with client_of(settings, clock, pause=pauses) as client:
        yield client


@pytest.fixture
def sim(service: MobileIdServer) -> Sim:
    return service.know(new_sim(ISSUER))


@pytest.fixture
def stranger() -> Sim:
    return somebody_else()
