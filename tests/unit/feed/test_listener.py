"""The feed over HTTP: what it answers, to whom, and how little where nothing has changed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, timedelta
from email.utils import format_datetime
from uuid import UUID

import aiohttp
import pytest

from server.feed.listener import FeedListener
from server.gateways.public_feed import PublicFeed
from server.usecases.notice_feed import NoticeFeed
from server.usecases.notice_ports import NoticeTrouble
from tests.contracts import examples
from tests.contracts.notice_place_contract import DOCUMENT, NoticePlaceContract
from tests.fakes.unit_of_work import FakeUnitOfWork
from tests.unit.feed import reading
from tests.unit.feed.conftest import FeedWorld


@asynccontextmanager
async def listening(world: FeedWorld) -> AsyncIterator[aiohttp.ClientSession]:
    listener = FeedListener(world.pages, world.clock, "127.0.0.1:0")
    await listener.open()
    try:
        async with aiohttp.ClientSession(
            f"http://127.0.0.1:{listener.port}", auto_decompress=False
        ) as session:
            yield session
    finally:
        await listener.close()


@pytest.fixture
async def reader(world: FeedWorld) -> AsyncIterator[aiohttp.ClientSession]:
    async with listening(world) as session:
        yield session


class WatchedFeed:
    """The feed as a place, and what a reader gets there over HTTP."""

    def __init__(self, world: FeedWorld, reader: aiohttp.ClientSession) -> None:
        self._reader = reader
        self.feed = NoticeFeed(uow=world.uow, clock=world.clock, url=str(reader._base_url).rstrip("/"))
        public = PublicFeed(self.feed, authorities=None, connect_seconds=60, seconds=60)
        self.publish, self.withdraw = public.publish, public.withdraw

    async def public(self, notice_id: UUID) -> bytes | None:
        """Returns what can be read."""
        async with self._reader.get(f"/{notice_id}.json") as answer:
            return await answer.read() if answer.status == 200 else None


class TestNoticeFeed(NoticePlaceContract):
    """The contract of places, on the post's own feed."""

    @pytest.fixture
    def place(self, world: FeedWorld, reader: aiohttp.ClientSession) -> WatchedFeed:
        return WatchedFeed(world, reader)


async def test_nothing_counts_as_published_or_gone_before_anybody_can_see_that_it_is(
    world: FeedWorld, reader: aiohttp.ClientSession, unused_tcp_port: int
) -> None:
    place, notice_id = WatchedFeed(world, reader), examples.new_id()
    # The listener shows another feed than the one that is written to: an export that nobody runs, say.
    elsewhere = NoticeFeed(uow=FakeUnitOfWork(), clock=world.clock, url=str(reader._base_url).rstrip("/"))
    public = PublicFeed(elsewhere, authorities=None, connect_seconds=60, seconds=60)
    with pytest.raises(NoticeTrouble, match="NOT_READABLE"):
        await public.publish(notice_id, DOCUMENT)
    await place.publish(notice_id, DOCUMENT)
    await public.publish(notice_id, DOCUMENT)
    # An earlier one is there: that it is the right one must not be said, for evidence holds its digest.
    with pytest.raises(NoticeTrouble, match="NOT_READABLE"):
        await public.publish(notice_id, DOCUMENT + b" ")
    with pytest.raises(NoticeTrouble, match="STILL_READABLE"):
        await public.withdraw(notice_id)
    await place.withdraw(notice_id)
    await public.withdraw(notice_id)

    world.uow.unavailable = True
    with pytest.raises(NoticeTrouble, match="NOT_READABLE"):
        await public.publish(notice_id, DOCUMENT)
    nobody = NoticeFeed(uow=FakeUnitOfWork(), clock=world.clock, url=f"http://127.0.0.1:{unused_tcp_port}")
    with pytest.raises(NoticeTrouble, match="UNREACHABLE"):
        await PublicFeed(nobody, authorities=None, connect_seconds=5, seconds=5).publish(notice_id, DOCUMENT)


async def status(reader: aiohttp.ClientSession, path: str, **headers: str) -> int:
    async with reader.get(path, headers=headers) as answer:
        await answer.read()
        return answer.status


async def test_each_form_is_of_its_type_and_does_nothing_in_a_browser(
    world: FeedWorld, reader: aiohttp.ClientSession
) -> None:
    notice = await world.publish()
    types = {
        "/hy.atom": "application/atom+xml; charset=utf-8",
        "/hy.json": "application/feed+json; charset=utf-8",
        "/hy.html": "text/html; charset=utf-8",
        f"/{notice}.json": "application/json; charset=utf-8",
    }
    for path, media_type in types.items():
        async with reader.get(path) as answer:
            assert answer.headers["Content-Type"] == media_type
            assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["X-Robots-Tag"] == "noindex, noarchive"
            assert await answer.read() == await world.read(path[1:])


async def test_at_the_root_a_reader_gets_their_language(reader: aiohttp.ClientSession) -> None:
    for wish, language in (("ru-RU,en;q=0.5", "ru"), ("de", "hy"), ("", "hy")):
        async with reader.get("/", headers={"Accept-Language": wish}) as answer:
            assert f'<html lang="{language}">' in await answer.text()
            assert answer.headers["Vary"] == "Accept-Language"


async def test_who_has_it_already_is_told_so_by_tag_or_time(
    world: FeedWorld, reader: aiohttp.ClientSession
) -> None:
    await world.publish()
    world.clock.move(timedelta(minutes=1))
    async with reader.get("/hy.atom") as answer:
        tag, changed = answer.headers["ETag"], answer.headers["Last-Modified"]

    for headers in (
        {"If-None-Match": tag},
        {"If-None-Match": f'"other", W/{tag}'},
        {"If-None-Match": "*"},
        {"If-Modified-Since": changed},
        {"If-Modified-Since": format_datetime(world.clock.now().astimezone(UTC), usegmt=True)},
    ):
        async with reader.get("/hy.atom", headers=headers) as answer:
            assert (answer.status, await answer.read()) == (304, b"")
            assert answer.headers["ETag"] == tag
    assert (
        await status(reader, "/hy.atom", **{"If-None-Match": '"other"', "If-Modified-Since": changed}) == 200
    )
    assert await status(reader, "/hy.atom", **{"If-Modified-Since": "nonsense"}) == 200


async def test_whatever_changed_is_told_to_who_asks_by_time_on_every_page(
    world: FeedWorld, reader: aiohttp.ClientSession
) -> None:
    oldest, *_ = [await world.publish() for _ in range(7)]
    feed = reading.atom(await world.read("hy.atom"))
    older = str(feed.link("next")).rpartition("/")[2]
    oldest_page = str(reading.atom(await world.read(older)).link("next")).rpartition("/")[2]
    world.clock.move(timedelta(minutes=1))
    async with reader.get(f"/{oldest_page}") as answer:
        assert oldest.urn in await answer.text()
        changed = answer.headers["Last-Modified"]

    await world.feed.withdraw(oldest)
    world.clock.move(timedelta(minutes=1))
    async with reader.get(f"/{oldest_page}", headers={"If-Modified-Since": changed}) as answer:
        assert answer.status == 200
        assert oldest.urn not in await answer.text()


async def test_within_the_second_of_a_change_no_time_is_given(
    world: FeedWorld, reader: aiohttp.ClientSession
) -> None:
    await world.publish()
    async with reader.get("/hy.atom") as answer:
        assert "Last-Modified" not in answer.headers
        assert "ETag" in answer.headers


async def test_what_is_gone_is_gone_and_what_never_was_is_not_found(
    world: FeedWorld, reader: aiohttp.ClientSession
) -> None:
    notice = await world.publish()
    await world.feed.withdraw(notice)
    assert await status(reader, f"/{notice}.json") == 410
    for path in ("/no", "/de.atom", "/..%2fhy.atom", "/hy.atom/", "/hy/atom", "/" + "x" * 5000, "/%00.json"):
        assert await status(reader, path) == 404


async def test_nothing_can_be_written_or_asked_otherwise(
    world: FeedWorld, reader: aiohttp.ClientSession
) -> None:
    notice = await world.publish()
    for method in ("PUT", "POST", "DELETE", "PATCH", "OPTIONS", "TRACE"):
        async with reader.request(method, f"/{notice}.json") as answer:
            assert answer.status == 405
    async with reader.head("/hy.atom") as answer:
        assert (answer.status, await answer.read()) == (200, b"")
        assert int(answer.headers["Content-Length"]) == len(await world.read("hy.atom"))
    assert await status(reader, f"/{notice}.json") == 200


async def test_while_the_database_is_away_readers_are_told_to_come_back(
    world: FeedWorld, reader: aiohttp.ClientSession
) -> None:
    world.uow.unavailable = True
    async with reader.get("/hy.atom") as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "30")
        assert answer.headers["Cache-Control"] == "no-store"


async def test_a_defect_tells_a_stranger_nothing(
    world: FeedWorld, reader: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(world.feed, "page", broken)
    async with reader.get("/hy.atom") as answer:
        assert (answer.status, await answer.read()) == (500, b"")
