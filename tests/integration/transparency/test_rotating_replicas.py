"""Two replicas serve while the log goes over to another shard, and nobody notices."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from namak.evidence.note import vkey
from namak.evidence.tlog_policy import TlogPolicy
from namak.evidence.tlog_proof import TlogProof
from server.domain.caller import Sender
from server.storage.fact_reader import PostgresFactReader
from server.transparency.service import TransparencyService
from server.transparency.settings import Pace
from server.usecases.following import Follow, Following
from server.usecases.log_ports import LogCursor
from server.usecases.log_queries import AskConsistency, AskTile, LogQueries
from tests.fakes.unit_of_work import FakeUnitOfWork
from tests.integration.transparency.conftest import ORIGIN, PATIENCE_SECONDS, WallClock, eventually
from tests.integration.transparency.correspondence import Correspondence
from tests.integration.transparency.ledger import Ledger
from tests.integration.transparency.rotating import LATER, NEXT, RotatingWorld
from tests.unit.usecases.followed_post import CONNECTION

QUICK = Pace(follow_interval=0.05, follow_poll=0.1, receipt_poll=0.1, retry_longest=0.2)
AGENCY = uuid4()


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> RotatingWorld:
    return RotatingWorld(Ledger(database_url), tmp_path)


@contextlib.asynccontextmanager
async def following(world: RotatingWorld, service: TransparencyService) -> AsyncIterator[Following]:
    facts = PostgresFactReader(world.ledger.url, connections=2)
    try:
        yield Following(
            uow=FakeUnitOfWork(),
            clock=WallClock(),
            log=service.log,
            facts=facts,
            subscriptions=service.tail,
            idle_seconds=0.1,
        )
    finally:
        await facts.close()


async def follow(
    world: RotatingWorld, service: TransparencyService, begin: LogCursor, count: int
) -> list[tuple[str, int]]:
    """Follows an agency's facts until so many came; returns where they stand, in the order of coming."""
    places: list[tuple[str, int]] = []
    seen = set()
    async with following(world, service) as desk, asyncio.timeout(PATIENCE_SECONDS):
        asked = Follow(Sender(CONNECTION, AGENCY, None, ()), begin, with_receipts=True)
        async with contextlib.aclosing(desk.follow(asked)) as replies:
            async for reply in replies:
                for each in reply.facts:
                    assert each.receipt is not None
                    assert each.fact.id not in seen
                    seen.add(each.fact.id)
                    places.append((each.receipt.origin, each.leaf_index))
                if len(places) >= count:
                    return places
    raise AssertionError


async def test_streams_receipts_and_queries_go_on_through_rotations(world: RotatingWorld) -> None:
    letters = Correspondence(world.ledger)
    mailbox = await letters.mailbox("5001950015")
    line = [ORIGIN, NEXT, LATER]
    shards = world.shards(*line)
    policy = TlogPolicy.parse(
        "".join(f"log {vkey(each, world.key(each).public_key)}\n" for each in line).encode()
        + b"quorum none\n"
    )
    async with world.replica(*shards, pace=QUICK) as one, world.replica(*shards, pace=QUICK) as other:
        await eventually(lambda: one.status.leading or other.status.leading)
        streams = [
            asyncio.create_task(follow(world, service, LogCursor(ORIGIN, 0), 60)) for service in (one, other)
        ]
        for number in range(30):
            await letters.send(mailbox, AGENCY)
            if number in (9, 19):
                await world.announce(line[number // 10], line[number // 10 + 1])
            for service in (one, other):
                # Of the current shard, or of the last one while that has none yet.
                checkpoint = await service.log.checkpoint()
                if checkpoint is not None:
                    policy.check(checkpoint.note)
                    assert service.log.vkey_of(checkpoint.origin).startswith(f"{checkpoint.origin}+")
                assert not service.status.troubles
        told = await asyncio.gather(*streams)
        # Each stream brought each fact once, in the order of the log, over all three shards.
        assert told[0] == told[1] == sorted(told[0])
        assert [origin for origin in line if origin in {place[0] for place in told[0]}] == line
        for service in (one, other):
            receipts = await service.log.receipts(world.ledger.recorded, wait_seconds=PATIENCE_SECONDS)
            assert receipts.keys() == world.ledger.recorded.keys()
            for receipt in receipts.values():
                policy.check(TlogProof.parse(receipt.tlog_proof).checkpoint)
            world.verify(receipts)
            await shows_every_shard(service, world)
    await world.check_line(*line)


async def shows_every_shard(service: TransparencyService, world: RotatingWorld) -> None:
    """Asserts that everybody gets former shards' status, proofs and tiles as they get the current one's."""
    queries = LogQueries(service.public, NoOutage(), clock=WallClock())
    current, second, first = (await queries.status()).shards
    assert [each.origin for each in (first, second, current)] == [ORIGIN, NEXT, LATER]
    assert (first.successor, second.successor, current.successor) == (NEXT, LATER, None)
    assert first.frozen_at is not None
    assert (current.frozen_at, current.announcement) == (None, None)
    assert first.announcement in world.ledger.recorded
    assert [each.vkey for each in (first, second, current)] == [
        shard.vkey for shard in world.shards(ORIGIN, NEXT, LATER)
    ]
    for shard in (first, second):
        checkpoint = await service.log.checkpoint(shard.origin)
        assert checkpoint is not None
        assert checkpoint.size == shard.size
        proof = await queries.consistency(AskConsistency(shard.origin, 1, 0))
        assert proof.second_size == shard.size
        assert (await queries.tile(AskTile(shard.origin, 0, 0, shard.size))).data


class NoOutage:
    outage = None
    limit = None


async def test_whoever_comes_back_with_an_old_cursor_goes_on_over_the_former_shards(
    world: RotatingWorld,
) -> None:
    """Also where the former shard's key is gone, and settings name it by its verifier key."""
    letters = Correspondence(world.ledger)
    mailbox = await letters.mailbox("5001950015")
    async with world.replica(*world.shards(ORIGIN, NEXT), pace=QUICK) as service:
        await letters.send(mailbox, AGENCY)
        await follow(world, service, LogCursor(ORIGIN, 0), 2)
        await world.announce()
        await letters.send(mailbox, AGENCY)
        await eventually(lambda: published(world, 6))
    former = [world.verifier(ORIGIN)]
    async with world.replica(world.shard(origin=NEXT), former=former, pace=QUICK) as service:
        places = await follow(world, service, LogCursor(ORIGIN, 1), 3)
        assert places == [(ORIGIN, 1), (NEXT, 1), (NEXT, 2)]
        receipts = await service.log.receipts(world.ledger.recorded, wait_seconds=PATIENCE_SECONDS)
        world.verify(receipts)


async def published(world: RotatingWorld, size: int) -> bool:
    return bool(await world.ledger.value("SELECT sum(published_size) FROM log_heads") == size)


async def test_nobody_goes_on_to_a_shard_that_is_configured_and_not_announced(world: RotatingWorld) -> None:
    letters = Correspondence(world.ledger)
    mailbox = await letters.mailbox("5001950015")
    async with world.replica(*world.shards(ORIGIN, NEXT), pace=QUICK) as service:
        await letters.send(mailbox, AGENCY)
        await eventually(lambda: published(world, 2))
        stream = asyncio.create_task(follow(world, service, LogCursor(ORIGIN, 0), 4))
        await letters.send(mailbox, AGENCY)
        assert await stream == [(ORIGIN, index) for index in range(4)]
        assert service.tail.current == ORIGIN
        assert await service.tail.size(NEXT) is None
        assert await service.public.published(NEXT) is None
        assert [each.origin for each in await service.public.states()] == [ORIGIN]


async def test_settings_are_moved_replica_by_replica_and_each_leads_in_turn(world: RotatingWorld) -> None:
    """Old settings with the next key beside new ones with the former's: whoever leads goes on in one line."""
    await world.begin()
    await world.announce()
    facts = dict(world.ledger.recorded)
    for number in range(4):
        old = world.replica(*world.shards(ORIGIN, NEXT), pace=QUICK)
        new = world.replica(world.shard(origin=NEXT), former=[world.verifier(ORIGIN)], pace=QUICK)
        first, second = (old, new) if number % 2 == 0 else (new, old)
        async with first as leading:
            await eventually(partial(leads, leading))
            facts.update(await world.ledger.record(2))
            async with second as standing_by:
                for service in (leading, standing_by):
                    receipts = await service.log.receipts(facts, wait_seconds=PATIENCE_SECONDS)
                    assert receipts.keys() == facts.keys()
                    world.verify(receipts)
    await world.check_line(ORIGIN, NEXT)


async def test_a_replica_on_another_machine_has_guards_of_both_shards_and_takes_over(
    world: RotatingWorld,
) -> None:
    elsewhere = RotatingWorld(world.ledger, world.directory / "elsewhere", world.secret)
    async with world.replica(*world.shards(ORIGIN, NEXT), pace=QUICK) as first:
        await eventually(lambda: first.status.leading)
        async with elsewhere.replica(*elsewhere.shards(ORIGIN, NEXT), pace=QUICK) as second:
            elsewhere.directory.mkdir()
            await world.ledger.record(3)
            await eventually(lambda: guards(elsewhere, ORIGIN, 3))
            await world.announce()
            more = await world.ledger.record(4)
            await first.log.receipts(more, wait_seconds=PATIENCE_SECONDS)
            await eventually(lambda: guards(elsewhere, ORIGIN, 4))
            await eventually(lambda: guards(elsewhere, NEXT, 5))
            assert not second.status.troubles
            await first.stop(5.0)
            last = await world.ledger.record(2)
            assert len(await second.log.receipts(last, wait_seconds=PATIENCE_SECONDS)) == 2
    await elsewhere.check_line(ORIGIN, NEXT)


def leads(service: TransparencyService) -> bool:
    return service.status.leading


async def guards(world: RotatingWorld, origin: str, size: int) -> bool:
    tree = await world.guard(origin).read()
    return tree is not None and tree.checkpoint.size == size
