"""Wires the log in public as C2SP tlog-tiles has it, in a process of its own."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from server import bootstrap
from server.bootstrap_machine import SystemClock
from server.config import Settings
from server.storage import migrate
from server.storage.log import log_storage
from server.tiles.listener import TilesListener
from server.tiles.published import PublishedTiles
from server.transparency.ports import LogStorage
from server.transparency.successions import Successions


@asynccontextmanager
async def reading_log(settings: Settings) -> AsyncIterator[LogStorage]:
    """Reads the log in the database until left. Raises `bootstrap.SchemaOutdated`."""
    async with bootstrap.database_url(settings) as url:
        if await migrate.is_behind(url):
            raise bootstrap.SchemaOutdated(
                "the database lacks tables of this release; run: namak-server migrate"
            )
        storage = log_storage(url)
        try:
            yield storage
        finally:
            await storage.reader.close()


def published_tiles(storage: LogStorage, origin: str) -> PublishedTiles:
    """Returns what is published of a shard."""
    successions = Successions(storage.reader, storage.witnessed, storage.announcements)
    return PublishedTiles(origin, storage.reader, storage.witnessed, SystemClock(), successions)


def tiles_listener(
    settings: Settings, storage: LogStorage, *, answered: Callable[[str, int], None] | None = None
) -> TilesListener:
    """Returns who hands the settings' shards out over HTTP, the next one as soon as it is opened. `answered`:
    see `TilesListener`.

    Raises ValueError: two of them would stand at the same paths.
    """
    log = settings.log
    origins = [log.origin, *(shard.origin for shard in log.former)]
    if log.next is not None:
        origins.append(log.next.origin)
    shards = (published_tiles(storage, origin) for origin in origins)
    return TilesListener(shards, settings.log.http_listen, answered=answered)
