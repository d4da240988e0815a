"""A checkpoint is cosigned anew while nothing follows it: its times tell that there is nothing newer."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from tests.unit.transparency.test_witnessing import ORIGIN, World


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody tells of anything new: what is old by now is found by looking."""
    monkeypatch.setattr("server.transparency.witnessing._IDLE_SECONDS", 0.01)


async def test_a_log_that_stands_still_is_cosigned_anew_beside_the_first_cosignatures() -> None:
    world = World("2")
    async with world.running(renewal=0.01):
        await world.stored(world.grow())
        first = world.store.trees[ORIGIN, 3]
        await world.until(lambda: ORIGIN in world.store.renewed)
        once = world.store.renewed[ORIGIN]
        await world.until(lambda: world.store.renewed[ORIGIN] != once)
        again = world.store.renewed[ORIGIN]
        # It goes on from there as from any other.
        await world.stored(world.grow())
        await world.until(lambda: world.store.renewed[ORIGIN].size == 6)
    assert world.store.trees[ORIGIN, 3] == first
    assert (once.size, again.size) == (3, 3)
    assert again.witnessed_at > once.witnessed_at > first.witnessed_at
    for tree in (once, again, world.store.renewed[ORIGIN]):
        checked = world.policy(world.key.vkey).check(tree.note)
        assert checked.quorum_met
        assert checked.checkpoint.size == tree.size


async def test_it_is_cosigned_anew_only_when_the_newest_cosignatures_are_old() -> None:
    world = World("2")
    async with world.running(renewal=3600.0):
        await world.stored(world.grow())
    kept = world.store.trees[ORIGIN, 3]
    asked = sum(len(each.asked) for each in world.witnesses.values())
    # Neither by this leader nor by the next one.
    async with world.running(renewal=3600.0):
        for _ in range(5):
            world.published.arrive()
            await asyncio.sleep(0.002)
        assert sum(len(each.asked) for each in world.witnesses.values()) == asked
        assert world.store.renewed == {}
    world.store.trees[ORIGIN, 3] = replace(kept, witnessed_at=kept.witnessed_at - timedelta(hours=1))
    async with world.running(renewal=3600.0):
        await world.until(lambda: ORIGIN in world.store.renewed)
        renewed = world.store.renewed[ORIGIN]
        for _ in range(5):
            world.published.arrive()
            await asyncio.sleep(0.002)
        assert world.store.renewed[ORIGIN] == renewed


async def test_what_can_not_be_cosigned_anew_is_told_and_stays_as_it_was() -> None:
    world = World("all")
    with capture_logs() as logs:
        async with world.running(renewal=0.01):
            await world.stored(world.grow())
            world["b"].away = True
            await world.until(lambda: any(line.get("trouble") == "QUORUM_UNMET" for line in logs))
            kept = dict(world.store.renewed)
            world["b"].away = False
            await world.until(lambda: world.store.renewed != kept)
    assert world.store.renewed[ORIGIN].size == 3
