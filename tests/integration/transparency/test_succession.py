"""A shard that ended is shown with what leads to the next one: as a file, over HTTP, to calls."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from namak.evidence.administrative_act import AdministrativeAct
from namak.evidence.succession import SUCCESSOR_FILE, succession
from namak.evidence.tlog_policy import TlogPolicy
from server.bootstrap_tiles import published_tiles
from server.domain.caller import Connection, Operator
from server.storage.log import log_storage
from server.tiles.listener import TilesListener
from tests.integration.transparency.conftest import ORIGIN, eventually
from tests.integration.transparency.exporting import export
from tests.integration.transparency.ledger import Ledger
from tests.integration.transparency.rotating import NEXT, RotatingWorld
from tests.unit.usecases.followed_post import CONNECTION


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> RotatingWorld:
    return RotatingWorld(Ledger(database_url), tmp_path)


@asynccontextmanager
async def fetching(world: RotatingWorld) -> AsyncIterator[Callable[[str], Awaitable[bytes | None]]]:
    """Hands both shards out over HTTP; yields what fetches a path."""
    storage = log_storage(world.ledger.url)
    listener = TilesListener([published_tiles(storage, each) for each in (ORIGIN, NEXT)], "127.0.0.1:0")
    await listener.open()
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{listener.port}") as session:

            async def fetched(path: str) -> bytes | None:
                async with session.get(path) as answer:
                    assert answer.status in (200, 404)
                    if answer.status == 200:
                        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
                        assert answer.headers["Cache-Control"] == "no-cache"
                    return await answer.read() if answer.status == 200 else None

            yield fetched
    finally:
        await listener.close()
        await storage.reader.close()


async def published(world: RotatingWorld, size: int) -> bool:
    return bool(await world.ledger.value("SELECT sum(published_size) FROM log_heads") == size)


async def test_everybody_is_shown_what_leads_to_the_next_shard_once_the_old_one_is_complete(
    world: RotatingWorld,
) -> None:
    paths = [f"/{origin.partition('/')[2]}/{SUCCESSOR_FILE}" for origin in (ORIGIN, NEXT)]
    directory, verifier = world.directory / "log", world.verifier(ORIGIN)
    async with world.replica(*world.shards(ORIGIN, NEXT)) as service, fetching(world) as fetched:
        await world.ledger.record(300)
        await eventually(lambda: published(world, 300))
        await export(world.ledger.url, verifier, directory)
        assert [await fetched(path) for path in paths] == [None, None]
        assert not (directory / SUCCESSOR_FILE).exists()
        assert await service.witnessed.successor(ORIGIN) is None

        announced = await world.announce()
        await world.ledger.record(4)
        await eventually(lambda: published(world, 306))
        found = await fetched(paths[0])
        assert found is not None
        assert await service.witnessed.successor(ORIGIN) == found
        assert [await service.witnessed.successor(origin) for origin in (NEXT, "none/1")] == [None, None]
        assert await fetched(paths[1]) is None
        for _ in range(2):
            await export(world.ledger.url, verifier, directory)
            assert (directory / SUCCESSOR_FILE).read_bytes() == found
            (directory / SUCCESSOR_FILE).write_bytes(b"damaged")
        await export(world.ledger.url, world.verifier(NEXT), world.directory / "next")
        assert not (world.directory / "next" / SUCCESSOR_FILE).exists()

    policy = TlogPolicy.parse(f"log {world.shard().vkey}\nquorum none\n".encode())
    proven = succession(found, policy)
    assert (proven.tree.origin, proven.tree.size) == (ORIGIN, 301)
    assert proven.verifier == world.verifier(NEXT)
    assert proven.announced_at == announced.announced_at


async def test_an_announcement_that_names_its_caller_is_given_to_nobody(world: RotatingWorld) -> None:
    await world.begin()
    async with world.rotation() as (rotation, _):
        # As no command of ours does it; of the right to do so nothing is asked here.
        by = Operator(Connection(bytes(32), CONNECTION.address))
        command = world.asked(ORIGIN, NEXT)
        await rotation.announce(type(command)(by, None, ORIGIN, NEXT, command.vkey))
    document = await world.ledger.value("SELECT document FROM evidence JOIN log_heads ON announcement = id")
    assert AdministrativeAct.parse(document).details.acted_from is not None
    async with world.replica(*world.shards(ORIGIN, NEXT)) as service, fetching(world) as fetched:
        await eventually(lambda: published(world, 2))
        assert await service.witnessed.successor(ORIGIN) is None
        assert await fetched(f"/2026/{SUCCESSOR_FILE}") is None
