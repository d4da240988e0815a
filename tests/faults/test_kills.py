"""A server that is killed dead between any two steps: nothing is lost, nothing doubled, one tree signed."""

import asyncio
import random
import signal

import pytest

from server.transparency.steps import Step
from tests.faults.scene import Scene, eventually

pytestmark = [pytest.mark.faults, pytest.mark.hsm]


@pytest.mark.parametrize("step", list(Step))
async def test_a_leader_killed_after_a_step_loses_nothing(step: Step, scene: Scene) -> None:
    await scene.start("one", "two")
    async with scene.sending(f"kill-{step.name}"):
        await scene.more_answers(8)
        victim = await scene.strike(step, signal.SIGKILL, occurrence=2)
        await scene.more_answers(12)
    assert victim.dead
    (survivor,) = [replica for replica in scene.replicas if replica is not victim]
    # Answers may come before anybody leads again; receipts, which are looked at below, may not.
    await eventually(lambda: survivor.leads)
    await scene.repeat_everything()
    account = await scene.balance()
    acts = len(account.rows["acts"])
    assert acts + len(scene.told.accepted) * 2 + len(scene.told.refused) == account.size


@pytest.mark.parametrize("seed", [2026, 19522])
async def test_leaders_killed_at_any_moment_lose_nothing(seed: int, scene: Scene) -> None:
    moments = random.Random(seed)
    await scene.start("one", "two")
    async with scene.sending(f"any-{seed}", systems=4):
        await scene.more_answers(moments.randrange(5, 25))
        await eventually(lambda: any(replica.leads for replica in scene.replicas))
        (leader,) = [replica for replica in scene.replicas if replica.leads]
        # Anywhere within a few rounds of the log, not at one of its steps.
        await asyncio.sleep(moments.uniform(0, 0.3))
        await leader.process.kill()
        scene.note_guard()
        await scene.more_answers(12)
    await scene.repeat_everything()
    await scene.balance()


async def test_one_of_two_dead_servers_that_comes_back_goes_on_where_they_stopped(scene: Scene) -> None:
    _, _ = await scene.start("one", "two")
    async with scene.sending("both"):
        await scene.more_answers(8)
        first = await scene.strike(Step.SIGNED, signal.SIGKILL)
        (second,) = [replica for replica in scene.replicas if replica is not first]
        await second.process.kill()
        scene.note_guard()
        await scene.start(first.name)
        scene.replicas[:] = scene.replicas[2:]
        await scene.more_answers(8)
    await scene.repeat_everything()
    await scene.balance()
