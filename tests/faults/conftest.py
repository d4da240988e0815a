"""A world for all faults, a registered database to copy, and a scene for each test."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from server.dev.world import World
from tests.faults.register import register
from tests.faults.scene import Scene
from tests.postgres import copied_database, database_called, finish


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Authorities, certificates and tokens that all tests share."""
    return World.create(tmp_path_factory.mktemp("faults"))


@pytest.fixture(scope="session")
def registered_database(postgres_url: str, template_database: str, world: World) -> Iterator[str]:
    """The URL of a database in which the agency and the mailboxes are registered; nobody is connected."""
    with copied_database(postgres_url, database_called(postgres_url, template_database)) as url:
        finish(register(url, world))
        yield url


@pytest.fixture
def database_url(postgres_url: str, registered_database: str) -> Iterator[str]:
    """The URL of a fresh registered database, dropped after the test."""
    with copied_database(postgres_url, registered_database) as url:
        yield url


@pytest.fixture
async def scene(world: World, database_url: str, tmp_path: Path) -> AsyncIterator[Scene]:
    """A post without any replica as yet."""
    scene = Scene(world, database_url, tmp_path)
    try:
        yield scene
    finally:
        await scene.close()
