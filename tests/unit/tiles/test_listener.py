"""The log over HTTP: what it answers at which path, and what caches may do with it."""

import asyncio
import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest
from yarl import URL

from server.tiles.listener import TilesListener
from server.tiles.published import PublishedTiles, ShownCheckpoint
from tests.fakes.clock import HeldClock
from tests.fakes.grown_log import GrownLog
from tests.unit.tiles import reading
from tests.waiting import until

IMMUTABLE = "public, max-age=31536000, immutable"


@pytest.fixture
def former() -> GrownLog:
    return GrownLog(origin="log.example.am/archive/2025")


@pytest.fixture
async def reader(log: GrownLog, former: GrownLog, clock: HeldClock) -> AsyncIterator[aiohttp.ClientSession]:
    shards = [PublishedTiles(each.origin, each, each.witnessed, clock) for each in (log, former)]
    listener = TilesListener(shards, "127.0.0.1:0")
    await listener.open()
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{listener.port}") as session:
            yield session
    finally:
        await listener.close()


async def fetched(reader: aiohttp.ClientSession, path: str) -> bytes | None:
    async with reader.get(URL(path, encoded=True)) as answer:
        assert answer.status in (200, 404)
        return await answer.read() if answer.status == 200 else None


async def test_each_shard_is_there_as_the_specification_has_it(
    reader: aiohttp.ClientSession, log: GrownLog, former: GrownLog
) -> None:
    log.grow(600)
    former.grow(257)
    for each, prefix in ((log, "/2026/"), (former, "/archive/2025/")):
        size = len(each.entries_)
        files = {path: await fetched(reader, prefix + path) for path, *_ in reading.files_of(size)}
        files["checkpoint"] = await fetched(reader, prefix + "checkpoint")
        assert reading.whole(files.get, each.verifier) == each.entries_


async def test_types_and_caching_are_told(reader: aiohttp.ClientSession, log: GrownLog) -> None:
    log.grow(300)
    async with reader.get("/2026/checkpoint") as answer:
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert answer.headers["Cache-Control"] == "no-cache"
        tag = answer.headers["ETag"]
    async with reader.get("/2026/checkpoint", headers={"If-None-Match": f'"x", W/{tag}'}) as answer:
        assert (answer.status, answer.headers["ETag"], await answer.read()) == (304, tag, b"")
    log.grow(1)
    async with reader.get("/2026/checkpoint", headers={"If-None-Match": tag}) as answer:
        assert answer.status == 200

    for path in ("tile/0/000", "tile/1/000.p/1", "tile/entries/001.p/45"):
        async with reader.get(f"/2026/{path}") as answer:
            assert answer.headers["Content-Type"] == "application/octet-stream"
            assert answer.headers["Cache-Control"] == IMMUTABLE
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            tag, length = answer.headers["ETag"], len(await answer.read())
        async with reader.head(f"/2026/{path}") as answer:
            assert (answer.status, answer.headers["Content-Length"]) == (200, str(length))
            assert await answer.read() == b""
        async with reader.get(f"/2026/{path}", headers={"If-None-Match": tag}) as answer:
            assert answer.status == 304


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/",
            "/2026",
            "/2026/",
            "/2026/checkpoint/",
            "/2026/Checkpoint",
            "//2026/checkpoint",
            "/checkpoint",
        ),
        *("/2026/%63heckpoint", "/2026/checkpoint?x=1", "/2026/x/../checkpoint", "/2025/checkpoint"),
        *("/2026/tile/0/000?", "/2026/tile/0/%30%30%30", "/2026/tile//0/000", "/2026/tile/00/000"),
        *("/2026/tile/0/000.p/256", "/2026/tile/0/001.p/045", "/2026/tile/0/000.p/0", "/2026/tile/0/001"),
        *("/2026/tile/0/001.p/46", "/2026/tile/1/000.p/2", "/2026/tile/1/000", "/2026/tile/2/000.p/1"),
        *("/2026/tile/0/x999/x999/x999/999", "/2026/tile/entries/001", "/2026/tile/entries/001.p/46"),
        *(
            "/archive/2025/checkpoint",
            "/archive/2025/tile/0/000.p/1",
            "/2026/.partials",
            "/2026/" + "x" * 4000,
        ),
    ],
)
async def test_what_is_not_there_is_not_found_and_not_kept(
    reader: aiohttp.ClientSession, log: GrownLog, path: str
) -> None:
    log.grow(301)
    log.add([bytes(32)])
    # As it is: other clients make other paths of some of these.
    port = reader._base_url.port if reader._base_url is not None else None
    incoming, outgoing = await asyncio.open_connection("127.0.0.1", port)
    outgoing.write(f"GET {path} HTTP/1.1\r\nHost: log\r\nConnection: close\r\n\r\n".encode())
    head, _, body = (await incoming.read()).partition(b"\r\n\r\n")
    outgoing.close()
    assert head.startswith(b"HTTP/1.1 404 ")
    assert b"Cache-Control: no-store\r\n" in head
    assert body == b""


async def test_nothing_is_changed_from_outside(reader: aiohttp.ClientSession, log: GrownLog) -> None:
    log.grow(1)
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        async with reader.request(method, "/2026/checkpoint") as answer:
            assert answer.status == 405
            assert set(answer.headers["Allow"].split(",")) == {"GET", "HEAD"}


async def test_a_database_that_is_away_is_told_as_such_and_nothing_else_of_it(
    reader: aiohttp.ClientSession, log: GrownLog
) -> None:
    log.grow(1)
    log.away = True
    async with reader.get("/2026/checkpoint") as answer:
        assert (answer.status, answer.headers["Retry-After"], await answer.read()) == (503, "5", b"")
        assert answer.headers["Cache-Control"] == "no-store"
    log.away = False
    assert await fetched(reader, "/2026/checkpoint") == log.note


async def test_a_slower_answer_with_a_smaller_tree_does_not_take_back_what_was_shown(
    log: GrownLog, clock: HeldClock
) -> None:
    asked: list[int] = []
    held = [asyncio.Event(), asyncio.Event()]

    class Held(PublishedTiles):
        async def checkpoint(self, *, at_least: int = 0) -> ShownCheckpoint | None:
            asked.append(at_least)
            found = await super().checkpoint(at_least=at_least)
            if len(asked) <= len(held):
                await held[len(asked) - 1].wait()
            return found

    listener = TilesListener([Held(log.origin, log, log.witnessed, clock)], "127.0.0.1:0")
    await listener.open()
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{listener.port}") as session:
            log.grow(3)
            slow = asyncio.create_task(fetched(session, "/2026/checkpoint"))
            await until(lambda: len(asked) == 1)
            log.grow(2)
            fast = asyncio.create_task(fetched(session, "/2026/checkpoint"))
            await until(lambda: len(asked) == 2)
            held[1].set()
            assert await fast == log.note
            held[0].set()
            await slow
            await fetched(session, "/2026/checkpoint")
    finally:
        await listener.close()
    assert asked == [0, 0, 5]


def test_two_shards_at_the_same_paths_are_refused(log: GrownLog, clock: HeldClock) -> None:
    other = GrownLog(origin="elsewhere.example.am/2026")
    shards = [PublishedTiles(each.origin, each, each.witnessed, clock) for each in (log, other)]
    with pytest.raises(ValueError, match="same paths"):
        TilesListener(shards, "127.0.0.1:0")


async def test_an_address_that_is_taken_is_told(log: GrownLog, clock: HeldClock) -> None:
    shards = [PublishedTiles(log.origin, log, log.witnessed, clock)]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        listener = TilesListener(shards, address)
        with pytest.raises(OSError, match=f"can't listen on {address}: another program does"):
            await listener.open()
        await listener.close()
