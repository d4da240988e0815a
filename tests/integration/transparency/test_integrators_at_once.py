"""Two integrators at once, should both ever believe that they lead: what one commits the other never does.

The lock keeps all but one of them out. These tests leave it away.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from namak.evidence.tiles import extend
from namak.evidence.tree import leaf_hash
from server.storage.log import log_storage
from server.transparency.integrator import Integrated, integrate
from server.transparency.ports import Head, HeadMoved, LeaderSession
from server.transparency.publisher import publish
from server.transparency.settings import Pace
from server.transparency.steps import OnStep, Step, unobserved
from tests.integration.transparency.conftest import ORIGIN, WallClock, World, eventually
from tests.integration.transparency.signers import signed_roots

WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND application_name = 'namak log leader' AND wait_event_type = 'Lock'"
)
CLOCK = WallClock()


@contextlib.asynccontextmanager
async def sessions(world: World, count: int) -> AsyncIterator[list[LeaderSession]]:
    """Opens connections as leaders have them, none of which holds the lock."""
    # The database ends those that are silent for so long.
    storage = log_storage(world.ledger.url, pace=Pace(silence=30))
    opened = [await storage.sessions.open() for _ in range(count)]
    try:
        yield opened
    finally:
        for session in opened:
            await session.close()


async def integrated(
    session: LeaderSession, on_step: OnStep = unobserved, *, limit: int = 1000
) -> Integrated | None:
    return await integrate(session, ORIGIN, limit=limit, clock=CLOCK, on_step=on_step)


class Held:
    """Holds an integrator up in its transaction."""

    def __init__(self, *, fails: bool) -> None:
        self.reached = asyncio.Event()
        self.released = asyncio.Event()
        self._fails = fails

    async def on_step(self, step: Step) -> None:
        if step is Step.INTEGRATED_IN_TRANSACTION:
            self.reached.set()
            await self.released.wait()
            if self._fails:
                raise InterruptedError


@pytest.mark.parametrize("fails", [False, True], ids=["it commits", "it fails"])
@pytest.mark.parametrize("begun", [False, True], ids=["new shard", "grown shard"])
async def test_the_second_waits_for_the_firsts_transaction(world: World, fails: bool, begun: bool) -> None:
    async with sessions(world, 2) as (first, second):
        before = 0
        if begun:
            await world.ledger.record(before := 3)
            await integrated(first)
        await world.ledger.record(5)
        held = Held(fails=fails)
        slow = asyncio.create_task(integrated(first, held.on_step))
        await held.reached.wait()
        other = asyncio.create_task(integrated(second))
        await eventually(lambda: waits(world))
        assert not other.done()
        held.released.set()
        done = await asyncio.gather(slow, other, return_exceptions=True)

    committed = [each for each in done if isinstance(each, Integrated)]
    assert [(each.entries, each.head.integrated_size) for each in committed] == [(5, before + 5)]
    assert isinstance(done[0], InterruptedError) == fails
    assert await world.ledger.check(ORIGIN) == before + 5
    assert await world.ledger.value("SELECT count(*) FROM log_queue") == 0


async def waits(world: World) -> bool:
    return bool(await world.ledger.value(WAITING))


async def test_what_was_read_before_the_other_committed_can_not_be_written(world: World) -> None:
    await world.ledger.record(5)
    async with sessions(world, 2) as (first, second):
        assert await integrated(first, limit=3) is not None
        async with second.integration() as late:
            entries = await late.take(10)
            grown = extend({}, 0, [leaf_hash(each.entry) for each in entries])
            with pytest.raises(HeadMoved):
                await late.append(Head(ORIGIN, 0, bytes(32), 0), entries, grown, CLOCK.now())
    assert await world.ledger.check(ORIGIN) == 3
    # What it had taken waits as before.
    assert await world.ledger.value("SELECT count(*) FROM log_queue") == 2


async def test_of_two_that_publish_one_tree_one_does(world: World) -> None:
    await world.ledger.record(5)
    async with sessions(world, 2) as (first, second):
        done = await integrated(first)
        assert done is not None
        ended = await asyncio.gather(
            *(
                publish(session, world.shard(), done.head, clock=CLOCK, on_step=unobserved)
                for session in (first, second)
            ),
            return_exceptions=True,
        )
        assert sorted(type(each).__name__ for each in ended) in (
            ["HeadMoved", "NoneType"],
            ["GuardMoved", "NoneType"],
        )
        with pytest.raises(HeadMoved):
            await second.publish(done.head, b"another note", CLOCK.now())
    await world.ledger.check_complete(ORIGIN)
    (row,) = await world.ledger.rows("SELECT size, note FROM log_checkpoints")
    assert row["size"] == 5
    assert row["note"] != b"another note"
    assert {size: len(roots) for size, roots in signed_roots(world.journal, ORIGIN).items()} == {5: 1}


async def test_many_at_once_give_each_leaf_one_place(world: World) -> None:
    async with sessions(world, 4) as opened:

        async def all_of(session: LeaderSession) -> int:
            found = 0
            while (done := await integrated(session, limit=7)) is not None:
                found += done.entries
            return found

        await world.ledger.record(150)
        moved = await asyncio.gather(*map(all_of, opened))
    assert sum(moved) == 150
    assert await world.ledger.check(ORIGIN) == 150
    assert await world.ledger.value("SELECT count(*) FROM log_queue") == 0
