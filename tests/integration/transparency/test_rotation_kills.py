"""A leader dies while it goes over to another shard: nothing is lost, doubled, or signed twice."""

import asyncio
import os
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from server.transparency.settings import Pace
from server.transparency.shard import Shard
from server.transparency.steps import Step
from server.transparency.troubles import Trouble
from tests import forking
from tests.integration.transparency.conftest import ORIGIN, PATIENCE_SECONDS, eventually
from tests.integration.transparency.ledger import Ledger
from tests.integration.transparency.rotating import LATER, NEXT, RotatingWorld
from tests.integration.transparency.test_forks import copied


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> RotatingWorld:
    return RotatingWorld(Ledger(database_url), tmp_path)


async def killed(world: RotatingWorld, step: Step, which: int) -> None:
    """Runs a replica until it kills itself."""
    key = world.directory / "key"
    key.write_bytes(world.secret)
    theirs, ours = os.pipe()
    module = "tests.integration.transparency.rotation_process"
    process = forking.start(
        module, world.ledger.url, world.directory, key, step.value, str(which), given=theirs
    )
    os.close(theirs)
    try:
        assert await asyncio.to_thread(process.wait, PATIENCE_SECONDS) == -signal.SIGKILL
    finally:
        process.kill()
        await asyncio.to_thread(process.wait)
        os.close(ours)


@pytest.mark.parametrize("which", [1, 2], ids=["the last tree", "the next shard's first"])
@pytest.mark.parametrize("step", list(Step))
async def test_another_leader_goes_over_after_one_was_killed(
    step: Step, which: int, world: RotatingWorld
) -> None:
    await world.begin()
    await world.ledger.record(3)
    await world.announce()
    await world.ledger.record(3)
    # The first tree that it makes is the old shard's last one.
    await killed(world, step, which)
    more = await world.ledger.record(2)
    async with world.replica(*world.shards(ORIGIN, NEXT)) as service:
        receipts = await service.log.receipts(world.ledger.recorded, wait_seconds=PATIENCE_SECONDS)
    assert receipts.keys() == world.ledger.recorded.keys()
    world.verify(receipts)
    assert {receipts[each].origin for each in more} == {NEXT}
    await world.check_line(ORIGIN, NEXT)
    frozen = await world.ledger.rows("SELECT size FROM log_checkpoints WHERE origin = $1", ORIGIN)
    assert [row["size"] for row in frozen] == [4]


@pytest.mark.parametrize("step", list(Step))
async def test_a_quiet_log_begins_its_next_shard_though_a_leader_was_killed(
    step: Step, world: RotatingWorld
) -> None:
    """Nothing but the announcement and the opening: each has its leaf, once, and all is published."""
    await world.begin()
    announced = await world.announce()
    async with world.rotation() as (rotation, _):
        await killed(world, step, 2)
        again = await rotation.announce(world.asked(ORIGIN, NEXT))
    assert (again.announcement, again.opening) == (announced.announcement, announced.opening)
    async with world.replica(*world.shards(ORIGIN, NEXT)) as service:
        receipts = await service.log.receipts(world.ledger.recorded, wait_seconds=PATIENCE_SECONDS)
    world.verify(receipts)
    places = {each: (receipts[each].origin, receipts[each].leaf_index) for each in receipts}
    assert places == {announced.announcement: (ORIGIN, 0), announced.opening: (NEXT, 0)}
    await world.check_line(ORIGIN, NEXT)


async def test_leaders_that_die_again_and_again_over_several_rotations_lose_nothing(
    world: RotatingWorld,
) -> None:
    """Each time at another step, with facts and announcements between."""
    line = [ORIGIN, NEXT, LATER]
    await world.begin()
    for number, step in enumerate(Step):
        await world.ledger.record(2)
        if number in (1, 3):
            await world.announce(line[number // 2], line[number // 2 + 1])
        await world.ledger.record(2)
        died = asyncio.Event()

        async def on_step(reached: Step, fatal: Step = step, died: asyncio.Event = died) -> None:
            if reached is fatal:
                died.set()
                # As good as dead: it does nothing more, and is ended.
                await asyncio.Event().wait()

        async with world.replica(*world.shards(*line), on_step=on_step, drain=0.0):
            await asyncio.wait_for(died.wait(), PATIENCE_SECONDS)
    async with world.replica(*world.shards(*line)) as service:
        receipts = await service.log.receipts(world.ledger.recorded, wait_seconds=PATIENCE_SECONDS)
    assert receipts.keys() == world.ledger.recorded.keys()
    await world.check_line(*line)


async def test_a_database_put_back_to_before_the_rotation_is_refused(world: RotatingWorld) -> None:
    """The old shard's guard is ahead of it; and where that is gone, so is the new one's."""
    async with world.replica(*world.shards(ORIGIN, NEXT)) as service:
        facts = await world.ledger.record(3)
        await service.log.receipts(facts, wait_seconds=PATIENCE_SECONDS)
    async with copied(world.ledger) as backup:
        await world.announce()
        async with world.replica(*world.shards(ORIGIN, NEXT)) as service:
            more = await world.ledger.record(3)
            assert len(await service.log.receipts(more, wait_seconds=PATIENCE_SECONDS)) == 3
        restored = RotatingWorld(backup, world.directory, world.secret)
        shards = restored.shards(ORIGIN, NEXT)
        await refuses(restored, shards, Trouble.FORK_REFUSED)
        restored.guard_of(ORIGIN).unlink()
        # The new shard was never announced in this database, and its guard knows that it was signed.
        await refuses(restored, shards, Trouble.FORK_REFUSED, Trouble.GUARD_MISSING)
        await refuses(restored, restored.shards(NEXT), Trouble.ORIGIN_UNKNOWN)


async def refuses(world: RotatingWorld, shards: Sequence[Shard], *troubles: Trouble) -> None:
    """Asserts that nothing is integrated."""
    former = [world.verifier(ORIGIN)] if len(shards) == 1 else []
    signed = world.journal.read_bytes()
    async with world.replica(*shards, former=former, pace=Pace(retry_longest=0.2)) as service:
        await world.ledger.record(1)
        service.log.wake()
        await eventually(lambda: any(each.kind in troubles for each in service.status.troubles))
    assert await world.ledger.value("SELECT sum(integrated_size) FROM log_heads") == 3
    assert world.journal.read_bytes() == signed
