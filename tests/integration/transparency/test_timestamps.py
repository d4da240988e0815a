"""The running log on a real database has its checkpoints stamped by a real authority."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from namak.evidence.timestamp import REPLY_TYPE, TimestampTrust
from server.gateways.timestamps import HttpTimestampAuthorities
from server.storage.log import log_storage
from server.transparency.service import TransparencyService
from server.transparency.timestamp_link import TimestampAuthority, TimestampTerms
from server.transparency.timestamp_ports import LogTimestamp
from server.transparency.witness_link import WitnessTerms
from tests.integration.timestamps.authority import OPENSSL, OpensslAuthority
from tests.integration.transparency.conftest import ORIGIN, PATIENCE_SECONDS, WallClock, World, eventually
from tests.integration.transparency.test_witnessed import witnesses

needs_openssl = pytest.mark.skipif(OPENSSL is None, reason="there is no openssl")


@contextlib.asynccontextmanager
async def stamped_by(authority: OpensslAuthority) -> AsyncIterator[TimestampTerms]:
    async def answer(request: web.Request) -> web.Response:
        reply = await asyncio.to_thread(authority.reply, await request.read())
        return web.Response(body=reply, content_type=REPLY_TYPE)

    application = web.Application()
    application.router.add_post("/tsa", answer)
    client = HttpTimestampAuthorities(seconds=PATIENCE_SECONDS)
    trust = TimestampTrust.from_pem(authority.roots.read_bytes())
    async with TestServer(application) as server:
        known = TimestampAuthority("court", str(server.make_url("/tsa")), trust)
        yield TimestampTerms((known,), client, interval=0.02, retry_first=0.02, retry_longest=0.1)
        await client.close()


async def the_stamped_note(
    world: World, timestamps: TimestampTerms, witnessing: WitnessTerms | None
) -> tuple[LogTimestamp, bytes]:
    """Runs the log until all of it is stamped; returns the last token and the note that it should be over."""
    storage = log_storage(world.ledger.url)
    service = TransparencyService(
        [world.shard()], storage, clock=WallClock(), witnesses=witnessing, timestamps=timestamps
    )
    await service.start()
    try:
        facts = await world.ledger.record(5)
        await service.log.receipts(facts, wait_seconds=PATIENCE_SECONDS)

        async def stamped() -> bool:
            kept = (await storage.timestamps.newest(ORIGIN)).get("court")
            return kept is not None and kept.size == 5

        await eventually(stamped)
        kept = (await storage.timestamps.newest(ORIGIN))["court"]
        trees = storage.reader if witnessing is None else storage.witnessed
        return kept, (await trees.newest([ORIGIN]))[ORIGIN].note
    finally:
        await service.stop(5.0)


@needs_openssl
async def test_witnessed_notes_are_stamped_where_there_are_witnesses(world: World, tmp_path: Path) -> None:
    authority = OpensslAuthority.made(tmp_path / "tsa")
    async with stamped_by(authority) as timestamps, witnesses(world, tmp_path / "w") as (witnessing, _):
        kept, note = await the_stamped_note(world, timestamps, witnessing)
    assert note.count("\n— ".encode()) == 3
    assert authority.verifies(kept.token, note)


@needs_openssl
async def test_without_witnesses_the_logs_own_notes_are_stamped(world: World, tmp_path: Path) -> None:
    authority = OpensslAuthority.made(tmp_path / "tsa")
    async with stamped_by(authority) as timestamps:
        kept, note = await the_stamped_note(world, timestamps, None)
    assert authority.verifies(kept.token, note)


async def test_what_is_kept_of_timestamps(database_url: str) -> None:
    storage = log_storage(database_url)
    at = datetime.now(UTC)

    def timestamp(size: int, authority: str, token: bytes, origin: str = ORIGIN) -> LogTimestamp:
        return LogTimestamp(origin, size, authority, bytes(32), token, at, at)

    try:
        assert await storage.timestamps.newest(ORIGIN) == {}
        for size in (5, 20, 9):
            for name in ("a", "b", "c"):
                await storage.timestamps.keep(timestamp(size, name, b"%d" % size))
        await storage.timestamps.keep(timestamp(20, "a", b"another"))
        await storage.timestamps.keep(timestamp(99, "a", b"other", "other/1"))
        assert await storage.timestamps.newest(ORIGIN) == {
            name: timestamp(20, name, b"20") for name in ("a", "b", "c")
        }
    finally:
        await storage.reader.close()
