"""What is over is forgotten after the periods of the profile, in small steps, and nothing before."""

from dataclasses import fields, replace
from datetime import timedelta
from uuid import UUID

import pytest

from server.domain.forwarding import CODE_PERIOD
from server.domain.profile import Retention
from server.domain.refusals import Overloaded, ServiceUnavailable
from server.domain.sessions import Ending, TryLimit
from server.jurisdictions import PROFILES
from server.usecases.forgetting import AT_ONCE, ROUNDS, Forgetting
from server.usecases.portal_sessions import PortalSessions
from server.usecases.sessions import SignOut
from server.usecases.sign_in import ByPassword, StartSignIn
from server.usecases.tries import STARTS_PER_MINUTE, Starts
from tests.fakes.state import State
from tests.fakes.unit_of_work import LostCommit
from tests.unit.usecases import sign_in_world
from tests.unit.usecases.sign_in_world import LOGIN, SignInWorld
from tests.unit.usecases.world import START

LIMIT = TryLimit(5, timedelta(minutes=15))
KEPT = Retention(
    unproved=timedelta(days=1),
    tries=timedelta(days=2),
    sessions=timedelta(days=30),
    proofs=timedelta(days=60),
)


def forgetting(scene: SignInWorld, kept: Retention = KEPT) -> Forgetting:
    return Forgetting(uow=scene.uow, clock=scene.clock, retention=kept)


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
    scene.clock.move(KEPT.tries)
    assert await forgetting(scene).work_off()
    assert len(scene.uow.committed.tries) == count

    scene.clock.move(timedelta(seconds=1))

    assert await forgetting(scene).work_off()
    assert scene.uow.committed.tries == {}


async def test_each_period_is_that_of_its_own() -> None:
    scene = SignInWorld()
    idle = (await scene.start()).sign_in
    entered = await scene.sign_in()
    await scene.sessions.sign_out(SignOut(sign_in_world.at(scene.portal, entered.session), None))
    kept = scene.uow.committed
    assert (set(kept.sign_ins), set(kept.sessions)) == (
        {idle.id, entered.session.sign_in_id},
        {entered.session.id},
    )

    scene.clock.move(KEPT.unproved + timedelta(hours=1))
    await forgetting(scene).work_off()
    kept = scene.uow.committed
    assert (set(kept.sign_ins), set(kept.proofs)) == ({entered.session.sign_in_id},) * 2
    assert set(kept.sessions) == {entered.session.id}

    scene.clock.move(KEPT.sessions)
    await forgetting(scene).work_off()
    kept = scene.uow.committed
    assert (kept.sessions, kept.tokens) == ({}, {})
    assert set(kept.proofs) == {entered.session.sign_in_id}

    scene.clock.move(KEPT.proofs)
    await forgetting(scene).work_off()
    kept = scene.uow.committed
    assert (kept.sign_ins, kept.proofs) == ({}, {})


async def test_a_session_that_can_be_used_is_not_forgotten() -> None:
    scene = SignInWorld()
    entered = await scene.sign_in()
    nothing = Retention(timedelta(0), timedelta(0), timedelta(0), timedelta(0))
    scene.clock.move(scene.profile.sessions.length)
    await forgetting(scene, nothing).work_off()
    assert set(scene.uow.committed.sessions) == {entered.session.id}


async def test_what_is_too_much_for_one_go_goes_with_the_next() -> None:
    scene = SignInWorld()
    await leave_tries(scene, ROUNDS * AT_ONCE + 5)
    scene.clock.move(KEPT.tries * 2)
    assert not await forgetting(scene).work_off()
    assert len(scene.uow.committed.tries) == 5

    assert await forgetting(scene).work_off()

    assert scene.uow.committed.tries == {}


async def test_where_the_database_fails_the_next_time_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = SignInWorld()
    await leave_tries(scene, 2 * AT_ONCE)
    scene.clock.move(KEPT.tries * 2)
    forgot = 0

    async def second_batch_is_lost(state: State) -> None:
        nonlocal forgot
        forgot += 1
        if len(state.tries) == 0:
            scene.uow.next_commit = LostCommit.DROPPED

    monkeypatch.setattr(scene.uow, "before_commit", second_batch_is_lost)
    with pytest.raises(ServiceUnavailable):
        await forgetting(scene).work_off()
    assert len(scene.uow.committed.tries) == AT_ONCE
    monkeypatch.undo()

    assert await forgetting(scene).work_off()
    assert scene.uow.committed.tries == {}


@pytest.mark.parametrize("code", list(PROFILES))
def test_every_profile_keeps_things_for_a_time_and_counts_longer_than_locks_hold(code: str) -> None:
    profile = PROFILES[code]
    kept = profile.retention
    assert all(getattr(kept, each.name) > timedelta(0) for each in fields(kept))
    assert kept.proofs >= kept.sessions >= kept.unproved
    if profile.sign_in.passwords is not None:
        assert kept.tries > profile.sign_in.passwords.locked_for


async def test_sessions_of_a_revoked_portal_end_and_their_holders_sign_in_elsewhere() -> None:
    scene = SignInWorld()
    scene.know_portals()
    entered = await scene.sign_in()
    ending = PortalSessions(uow=scene.uow, clock=scene.clock)
    await ending.work_off()
    assert scene.uow.committed.sessions[entered.session.id].ended_at is None
    digest = scene.portal.connection.certificate_sha256
    bindings = scene.uow.committed.bindings
    bindings[digest] = replace(bindings[digest], revoked_at=scene.clock.now())

    await ending.work_off()

    ended = scene.uow.committed.sessions[entered.session.id]
    assert (ended.ended_at, ended.ending) == (scene.clock.now(), Ending.TERMINATED)
    await scene.sign_in(by=scene.elsewhere)


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
    assert 200 * 60 < STARTS_PER_MINUTE <= ROUNDS * AT_ONCE


async def test_codes_that_were_asked_for_are_forgotten_after_the_day_for_which_they_are_counted() -> None:
    scene = SignInWorld()
    start = scene.clock.now()
    codes = scene.uow.committed.forwarding_codes
    codes.append((UUID(int=1), "ani@example.am", start))
    scene.clock.move(CODE_PERIOD)
    await forgetting(scene).work_off()
    kept = list(scene.uow.committed.forwarding_codes)
    scene.clock.move(timedelta(seconds=1))
    await forgetting(scene).work_off()

    assert kept == [(UUID(int=1), "ani@example.am", start)]
    assert scene.uow.committed.forwarding_codes == []
