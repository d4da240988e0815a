"""A leader that freezes, as a paused virtual machine does: another takes over, and thawing does no harm."""

import signal

import pytest

from server.transparency.steps import Step
from tests.faults.account import Account
from tests.faults.agency import Agency
from tests.faults.register import PERSON
from tests.faults.scene import Replica, Scene, assert_gets_receipts, eventually

pytestmark = [pytest.mark.faults, pytest.mark.hsm]


@pytest.mark.parametrize("step", [Step.INTEGRATED_IN_TRANSACTION, Step.SIGNED])
async def test_another_takes_over_from_a_leader_frozen_at_a_step(step: Step, scene: Scene) -> None:
    await scene.start("one", "two")
    async with scene.sending(f"freeze-{step.name}", systems=1):
        await scene.more_answers(4)
        frozen = await scene.strike(step, signal.SIGSTOP, occurrence=2)
        await assert_taken_over(scene, frozen)
    await assert_thaws_without_harm(scene, frozen)
    await scene.repeat_everything()
    await scene.balance()


async def test_another_takes_over_from_a_leader_frozen_under_load(scene: Scene) -> None:
    await scene.start("one", "two")
    async with scene.sending("freeze", systems=4):
        await scene.more_answers(10)
        await eventually(lambda: any(replica.leads for replica in scene.replicas))
        (leader,) = [replica for replica in scene.replicas if replica.leads]
        leader.process.freeze()
        await eventually(lambda: leader.frozen)
        await assert_taken_over(scene, leader)
        leader.process.thaw()
        await assert_gives_receipt(scene, leader, "thawed")
        await scene.more_answers(4)
    await scene.repeat_everything()
    await scene.balance()


async def assert_taken_over(scene: Scene, frozen: Replica) -> None:
    """Asserts that the other one leads and gives receipts in bounded time."""
    (other,) = [replica for replica in scene.replicas if replica is not frozen]
    await assert_gives_receipt(scene, other, "meanwhile")
    assert other.leads
    assert frozen.frozen
    scene.note_guard()


async def assert_thaws_without_harm(scene: Scene, frozen: Replica) -> None:
    """Asserts that a thawed leader, which goes on where it stopped, changes nothing, and serves again."""
    async with Account.opened(scene.url, scene.world) as account:
        await eventually(account.drained)
    guard = scene.guard.read_bytes()
    frozen.process.thaw()
    await eventually(lambda: not frozen.leads)
    assert scene.guard.read_bytes() == guard
    await assert_gives_receipt(scene, frozen, "thawed")
    assert not frozen.dead


async def assert_gives_receipt(scene: Scene, replica: Replica, name: str) -> None:
    """Asserts that a letter submitted through this replica is accepted and its receipts come, all in time."""
    agency = Agency(name, [replica], scene.told)
    letter = agency.letter(PERSON)
    await assert_gets_receipts(agency, letter)
    assert letter.request_id in scene.told.accepted
