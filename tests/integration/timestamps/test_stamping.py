"""Checkpoints are stamped by real authorities over HTTP, whatever single ones do."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from structlog.testing import capture_logs

from namak.evidence.timestamp import MAX_REPLY_BYTES, REPLY_TYPE, TimestampTrust, timestamp_request
from server.domain.refusals import ServiceUnavailable
from server.gateways.timestamps import HttpTimestampAuthorities
from server.transparency.news import News
from server.transparency.timestamp_link import TimestampAuthority, TimestampTerms
from server.transparency.timestamp_ports import LogTimestamp
from server.transparency.timestamping import Timestamping
from tests.integration.timestamps.authority import OPENSSL, OpensslAuthority

pytestmark = pytest.mark.skipif(OPENSSL is None, reason="there is no openssl")
ORIGIN, SECONDS = "log.example/2026", 60.0
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> OpensslAuthority:
    """One that sends its chain along, the root first, which is not the order of DER."""
    return OpensslAuthority.made(tmp_path_factory.mktemp("tsa") / "good", chain=("root", "between"))


class Clock:
    """The machine's clock, put forth."""

    def __init__(self, ahead: timedelta) -> None:
        self.ahead = ahead

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class World:
    """A log that grows, those who stamp it, and what was stored."""

    authority: OpensslAuthority
    note: tuple[int, bytes] | None = None
    news: News = field(default_factory=News)
    kept: list[LogTimestamp] = field(default_factory=list)
    leading: bool = True
    away: int = 0
    ahead: timedelta = timedelta()
    seconds: float = SECONDS
    ended: int | None = None
    looked: int = 0
    turns: int = 0

    async def newest(self, origin: str) -> Mapping[str, LogTimestamp]:
        return {each.authority: each for each in self.kept}

    async def keep(self, timestamp: LogTimestamp) -> None:
        if self.away:
            self.away -= 1
            raise ServiceUnavailable("database")
        self.kept.append(timestamp)

    def grow(self, size: int) -> None:
        self.note = (size, b"note %d\n" % size)
        self.news.arrive()

    async def good(self, request: web.Request) -> web.Response:
        query = await request.read()
        assert request.content_type == "application/timestamp-query"
        reply = await asyncio.to_thread(self.authority.reply, query)
        return web.Response(body=reply, content_type=REPLY_TYPE)

    @contextlib.asynccontextmanager
    async def running(self, **handlers: Handler) -> AsyncIterator[None]:
        application = web.Application()
        for name, handler in handlers.items():
            application.router.add_post(f"/{name}", handler)
        trust = TimestampTrust.from_pem(self.authority.roots.read_bytes())
        client = HttpTimestampAuthorities(seconds=self.seconds)

        async def newest() -> tuple[int, bytes] | None:
            self.looked += 1
            return self.note

        def leading() -> bool:
            self.turns += 1
            return self.leading

        async with TestServer(application) as server:
            terms = TimestampTerms(
                tuple(TimestampAuthority(name, str(server.make_url(f"/{name}")), trust) for name in handlers),
                client,
                *(0.005, 0.005, 0.02),
            )
            stamping = Timestamping(
                *(ORIGIN, terms, newest, self, Clock(self.ahead)),
                news=self.news,
                leading=leading,
                ended=lambda: self.ended,
            )
            task = asyncio.create_task(stamping.run())
            try:
                yield
                assert not task.done(), task.result()
            finally:
                task.cancel()
                await asyncio.wait([task])
                await client.close()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(SECONDS):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.002)

    def sizes(self, authority: str) -> list[int]:
        return [each.size for each in self.kept if each.authority == authority]


async def test_each_new_checkpoint_is_stamped_by_every_authority(authority: OpensslAuthority) -> None:
    world = World(authority)
    async with world.running(one=world.good):
        world.grow(3)
        await world.until(lambda: world.sizes("one") == [3])
        world.grow(8)
        await world.until(lambda: world.sizes("one") == [3, 8])
    for timestamp, size in zip(world.kept, (3, 8), strict=True):
        assert authority.verifies(timestamp.token, b"note %d\n" % size)
        assert abs(timestamp.gen_time - timestamp.stored_at) < timedelta(minutes=1)
        assert timestamp.origin == ORIGIN


async def test_a_token_is_stored_when_the_database_answers_again_and_not_bought_twice(
    authority: OpensslAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.transparency.timestamping._LOOK_SECONDS", 0.01)
    world, bought = World(authority, away=3), []

    async def counting(request: web.Request) -> web.Response:
        bought.append(request)
        return await world.good(request)

    async with world.running(one=counting):
        world.grow(3)
        await world.until(lambda: world.sizes("one") == [3])
    assert (world.away, len(bought)) == (0, 1)


async def test_only_a_leader_asks_and_what_is_stamped_is_not_asked_about_again(
    authority: OpensslAuthority,
) -> None:
    world, asked = World(authority, leading=False), []

    async def counting(request: web.Request) -> web.Response:
        asked.append(world.leading)
        return await world.good(request)

    async with world.running(one=counting):
        world.grow(3)
        world.grow(4)
        await asyncio.sleep(0)
        world.leading = True
        world.news.arrive()
        await world.until(lambda: world.sizes("one") == [4])
    # Another leader, the same storage.
    async with world.running(one=counting):
        world.grow(4)
        world.grow(5)
        await world.until(lambda: world.sizes("one") == [4, 5])
    assert asked == [True, True]


async def test_a_shard_that_ended_and_is_stamped_to_its_end_is_looked_at_no_more(
    authority: OpensslAuthority,
) -> None:
    world = World(authority)
    async with world.running(one=world.good):
        world.grow(3)
        await world.until(lambda: world.sizes("one") == [3])
        world.ended = 3
        # What is under way may still look once.
        turn = world.turns + 2
        world.news.arrive()
        await world.until(lambda: world.turns >= turn - 1)
        world.news.arrive()
        await world.until(lambda: world.turns >= turn)
        looked = world.looked
        for number in range(1, 5):
            world.news.arrive()
            await world.until(partial(has_turned, world, turn + number))
        assert world.looked == looked


def has_turned(world: World, times: int) -> bool:
    return world.turns >= times


async def _elsewhere(request: web.Request) -> web.StreamResponse:
    raise web.HTTPTemporaryRedirect("/good")


async def _never(request: web.Request) -> web.StreamResponse:
    await asyncio.get_running_loop().create_future()
    return web.Response()


async def _endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(3 * MAX_REPLY_BYTES // 1024):
        await response.write(bytes(1024))
    return response


def _answering(status: int, body: bytes, media_type: str = REPLY_TYPE) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=body, content_type=media_type)

    return answer


def _to_another(authority: OpensslAuthority, note: bytes) -> Handler:
    """One that answers whatever it is asked as if it had been asked about a note, with a nonce of its own."""
    return _answering(200, authority.reply(timestamp_request(note, 5)))


BAD: Mapping[str, tuple[Callable[[OpensslAuthority], Handler], str, str]] = {
    "endless": (lambda _: _endless, "AUTHORITY_UNREACHED", "too long"),
    "busy": (lambda _: _answering(503, b""), "AUTHORITY_UNREACHED", "status 503"),
    "redirect": (lambda _: _elsewhere, "AUTHORITY_REFUSES", "status 307"),
    "absent": (lambda _: _answering(404, b""), "AUTHORITY_REFUSES", "status 404"),
    "page": (lambda _: _answering(200, b"<p>", "text/html"), "AUTHORITY_WRONG", "another media type"),
    "garbage": (lambda _: _answering(200, b"\x30\x80" * 500), "AUTHORITY_WRONG", "no TimeStampResp"),
    "rejects": (
        lambda _: _answering(200, bytes.fromhex("30053003020102")),
        "AUTHORITY_REFUSES",
        "status is rejection",
    ),
    "nonce": (lambda real: _to_another(real, b"note 3\n"), "AUTHORITY_WRONG", "Nonce mismatch"),
    "stranger": (
        lambda real: _strange(real.directory.with_name("stranger")),
        "AUTHORITY_WRONG",
        "does not verify",
    ),
}


def _strange(directory: Path) -> Handler:
    stranger = OpensslAuthority.made(directory)

    async def answer(request: web.Request) -> web.StreamResponse:
        reply = await asyncio.to_thread(stranger.reply, await request.read())
        return web.Response(body=reply, content_type=REPLY_TYPE)

    return answer


async def test_bad_authorities_are_told_of_and_hold_up_nobody(authority: OpensslAuthority) -> None:
    world = World(authority)
    handlers = {name: made(authority) for name, (made, _, _) in BAD.items()}
    with capture_logs() as logs:
        async with world.running(good=world.good, never=_never, **handlers):
            world.grow(3)
            await world.until(lambda: world.sizes("good") == [3])

            def told() -> dict[Any, tuple[str, str]]:
                return {
                    line["authority"]: (line["trouble"], line["cause"])
                    for line in logs
                    if "authority" in line
                }

            await world.until(lambda: told().keys() == BAD.keys())
            world.grow(9)
            await world.until(lambda: world.sizes("good") == [3, 9])
    assert {each.authority for each in world.kept} == {"good"}
    for name, (trouble, cause) in told().items():
        assert trouble == BAD[name][1], name
        assert BAD[name][2] in cause, name
    # Said once, however often they are asked.
    assert len([line for line in logs if line.get("authority") == "garbage"]) == 1


async def test_one_that_does_not_answer_in_time_is_told_of_as_that(authority: OpensslAuthority) -> None:
    world = World(authority, seconds=0.05)
    with capture_logs() as logs:
        async with world.running(never=_never):
            world.grow(3)
            await world.until(lambda: any("trouble" in line for line in logs))
    told = next(line for line in logs if "trouble" in line)
    assert (told["authority"], told["trouble"], told["cause"]) == (
        "never",
        "AUTHORITY_UNREACHED",
        "timed out",
    )


@pytest.mark.parametrize("ahead", [timedelta(minutes=5), timedelta(minutes=-5)])
async def test_a_token_of_another_time_than_ours_is_not_used(
    ahead: timedelta, authority: OpensslAuthority
) -> None:
    world = World(authority, ahead=ahead)
    with capture_logs() as logs:
        async with world.running(one=world.good):
            world.grow(3)
            await world.until(lambda: bool(logs))
    assert world.kept == []
    assert (logs[0]["trouble"], logs[0]["cause"]) == ("AUTHORITY_WRONG", "its clock differs from ours")
    assert abs(logs[0]["seconds"] + ahead.total_seconds()) < 60


async def test_one_that_mends_is_used_again(authority: OpensslAuthority) -> None:
    world, broken = World(authority), asyncio.Event()

    async def mending(request: web.Request) -> web.StreamResponse:
        if not broken.is_set():
            broken.set()
            return web.Response(status=500)
        return await world.good(request)

    with capture_logs() as logs:
        async with world.running(one=mending):
            world.grow(3)
            await world.until(lambda: world.sizes("one") == [3])
    assert [line["event"] for line in logs] == [
        "a time-stamping authority does not answer",
        "the trouble is over",
    ]
