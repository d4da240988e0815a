"""A log, and what is published of it."""

import pytest

from server.tiles.published import PublishedTiles
from tests.fakes.clock import HeldClock
from tests.fakes.grown_log import GrownLog


@pytest.fixture
def log() -> GrownLog:
    return GrownLog()


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock()


@pytest.fixture
def published(log: GrownLog, clock: HeldClock) -> PublishedTiles:
    return PublishedTiles(log.origin, log, log.witnessed, clock)
