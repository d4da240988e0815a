"""What nobody completed goes faster than it can come: it is forgotten whole, and there is a limit to it."""

from datetime import timedelta

import pytest

from server.domain.refusals import Overloaded
from server.domain.sessions import TryLimit
from server.usecases.forgetting import AFTER, AT_ONCE, EVERY
from server.usecases.sign_in import ByPassword, StartSignIn
from server.usecases.tries import STARTS_PER_MINUTE, Starts
from tests.fakes.state import State
from tests.fakes.unit_of_work import LostCommit
from tests.unit.usecases.sign_in_world import LOGIN, SignInWorld
from tests.unit.usecases.world import START

LIMIT = TryLimit(5, timedelta(minutes=15))


async def leave_tries(scene: SignInWorld, count: int) -> None:
    """Counts so many tries of things that nobody tries again."""
    async with scene.uow.writing() as tx:
        for number in range(count):
            await tx.tries.take(number.to_bytes(32, "big"), LIMIT, scene.clock.now())
        await tx.commit()


@pytest.mark.parametrize("count", [AT_ONCE - 1, AT_ONCE, 6 * AT_ONCE + 1])
async def test_all_that_is_old_goes_at_one_go(count: int) -> None:
    scene = SignInWorld()
    await leave_tries(scene, count)
    scene.clock.move(AFTER + EVERY)

    await scene.start()

    assert scene.uow.committed.tries == {}


async def test_sign_ins_are_forgotten_beside_tries() -> None:
    scene = SignInWorld()
    await leave_tries(scene, AT_ONCE)
    for _ in range(AT_ONCE + 1):
        await scene.start()
    scene.clock.move(AFTER * 2)

    fresh = await scene.start()

    assert (list(scene.uow.committed.sign_ins), scene.uow.committed.tries) == ([fresh.sign_in.id], {})


async def test_what_is_too_much_for_one_go_goes_with_the_next_sign_in() -> None:
    scene = SignInWorld()
    await leave_tries(scene, 20 * AT_ONCE + 5)
    scene.clock.move(AFTER + EVERY)
    await scene.start()
    assert len(scene.uow.committed.tries) == 5

    await scene.start()

    assert scene.uow.committed.tries == {}


async def test_who_starts_meanwhile_is_not_told_that_forgetting_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = SignInWorld()
    await leave_tries(scene, 1)
    scene.clock.move(AFTER + EVERY)
    commits = 0

    async def second_is_lost(state: State) -> None:
        nonlocal commits
        commits += 1
        if commits == 2:
            scene.uow.next_commit = LostCommit.DROPPED

    monkeypatch.setattr(scene.uow, "before_commit", second_is_lost)

    started = await scene.start()

    assert (list(scene.uow.committed.sign_ins), commits) == ([started.sign_in.id], 2)
    await scene.start()
    assert scene.uow.committed.tries == {}


async def test_a_portal_that_starts_too_many_is_told_when_to_go_on_and_others_go_on() -> None:
    scene = SignInWorld()
    scene.desk = scene.new_desk(starts=Starts(3))
    scene.clock.move(timedelta(seconds=20))
    for _ in range(2):
        await scene.start()
    by_password = StartSignIn(scene.portal, ByPassword(LOGIN), "hy", ends_others=False)
    await scene.desk.start(by_password)

    with pytest.raises(Overloaded) as refused:
        await scene.start()
    with pytest.raises(Overloaded):
        await scene.desk.start(by_password)
    assert refused.value.retry_after_seconds == 60 - (START + timedelta(seconds=20)).second
    assert len(scene.uow.committed.sign_ins) == 3
    await scene.start(by=scene.elsewhere)
    scene.clock.move(timedelta(seconds=refused.value.retry_after_seconds))
    await scene.start()


def test_the_limit_is_above_200_sign_ins_in_a_second_and_below_what_is_forgotten_at_one_go() -> None:
    assert 200 * 60 < STARTS_PER_MINUTE <= 20 * AT_ONCE
