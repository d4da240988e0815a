"""Fixtures of the edge."""

from collections.abc import AsyncIterator

import pytest

from tests.rpc.edge import Edge, World, started_edge


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World.make(tmp_path_factory.mktemp("pki"))


@pytest.fixture
async def edge(world: World) -> AsyncIterator[Edge]:
    async with started_edge(world) as edge:
        yield edge
