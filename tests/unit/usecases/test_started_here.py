"""What a process remembers of the sign-ins that it started; the database alone tells what was used."""

from dataclasses import replace
from datetime import timedelta

import pytest

from server.domain.refusals import ChallengeExpired, ChallengeUsed, ResourceNotPermitted, SignatureInvalid
from server.domain.sessions import CHALLENGE_LIFE, Method
from server.usecases.sign_in import SignedIn
from server.usecases.sign_in_proofs import CompleteSignIn
from server.usecases.started_here import StartedHere
from tests.unit.usecases.sign_in_world import SignInWorld


async def test_what_another_replica_completed_is_refused_where_it_was_started() -> None:
    scene = SignInWorld()
    started = await scene.start()
    await scene.new_desk().complete(scene.proof(started))

    for _ in range(2):
        with pytest.raises(ChallengeUsed):
            await scene.desk.complete(scene.proof(started))
    assert len(scene.uow.committed.sessions) == 1


async def test_a_proof_that_was_wrong_leaves_the_right_one_to_come() -> None:
    scene = SignInWorld()
    started = await scene.start()
    wrong = scene.signatures.sign(scene.card, b"something else")
    with pytest.raises(SignatureInvalid):
        await scene.desk.complete(CompleteSignIn(scene.portal, started.sign_in.id, cms=wrong))

    assert isinstance(await scene.desk.complete(scene.proof(started)), SignedIn)


async def test_what_the_database_lost_signs_nobody_in() -> None:
    scene = SignInWorld()
    started = await scene.start()
    del scene.uow.committed.sign_ins[started.sign_in.id]

    with pytest.raises(ChallengeUsed):
        await scene.desk.complete(scene.proof(started))
    with pytest.raises(ResourceNotPermitted):
        await scene.desk.complete(scene.proof(started))
    assert scene.uow.committed.sessions == {}


async def test_what_is_remembered_expires_like_what_is_read() -> None:
    scene = SignInWorld()
    started = await scene.start()
    scene.clock.move(CHALLENGE_LIFE)

    with pytest.raises(ChallengeExpired):
        await scene.desk.complete(scene.proof(started))


async def test_certificates_only_and_no_more_than_so_many_are_remembered() -> None:
    scene = SignInWorld()
    first, second, third = [(await scene.start()).sign_in for _ in range(3)]
    now = scene.clock.now()
    kept = StartedHere(most=2)

    for each in (first, second, third):
        kept.keep(each)
    kept.keep(replace(first, method=Method.PASSWORD))

    assert [kept.get(each.id, now) for each in (first, second, third)] == [None, second, third]
    assert kept.get(third.id, third.expires_at) is None
    assert kept.get(third.id, now - timedelta(minutes=1)) is None
    kept.forget(second.id)
    assert kept.get(second.id, now) is None
