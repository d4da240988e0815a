"""Sessions after they began: holders see and end their own, the operator ends anybody's with evidence."""

import ipaddress
from dataclasses import replace
from datetime import timedelta

import pytest

from namak.evidence.administrative_act import AdministrativeAct
from server.domain.caller import Connection, Operator
from server.domain.refusals import InvalidPageToken, NotFound, RequestIdReused, ResourceNotPermitted
from server.domain.sessions import Ending
from server.usecases.sessions import ListSessions, SignOut, TerminateSession
from tests.unit.usecases.sign_in_world import SignInWorld, at
from tests.unit.usecases.world import ANI, BOB

OPERATOR = Operator(Connection(bytes(32), ipaddress.ip_address("127.0.0.1")))


async def test_a_holder_sees_the_session_of_the_call() -> None:
    scene = SignInWorld()
    session = (await scene.sign_in()).session

    assert await scene.sessions.get_session(at(scene.portal, session)) == session
    with pytest.raises(ResourceNotPermitted):
        await scene.sessions.get_session(scene.world.holder(ANI))


async def test_signing_out_ends_the_session_of_the_call_and_makes_room() -> None:
    scene = SignInWorld()
    holder = at(scene.portal, (await scene.sign_in()).session)

    ended = await scene.sessions.sign_out(SignOut(holder, None))

    assert (ended.ended_at, ended.ending) == (scene.clock.now(), Ending.SIGNED_OUT)
    await scene.sign_in()


async def test_a_holder_ends_their_own_session_from_elsewhere_and_nobody_elses() -> None:
    scene = SignInWorld()
    session = (await scene.sign_in()).session

    for stranger in (scene.world.holder(BOB), at(scene.portal, replace(session, person_number=BOB))):
        with pytest.raises(ResourceNotPermitted):
            await scene.sessions.sign_out(SignOut(stranger, session.id))
    ended = await scene.sessions.sign_out(SignOut(scene.world.holder(ANI), session.id))

    assert ended.ending is Ending.SIGNED_OUT


async def test_signing_out_again_changes_nothing() -> None:
    scene = SignInWorld()
    session = (await scene.sign_in()).session
    first = await scene.sessions.sign_out(SignOut(scene.world.holder(ANI), session.id))
    scene.clock.move(timedelta(minutes=1))

    assert await scene.sessions.sign_out(SignOut(scene.world.holder(ANI), session.id)) == first


async def test_who_has_no_session_has_none_to_sign_out_of() -> None:
    scene = SignInWorld()

    with pytest.raises(ResourceNotPermitted):
        await scene.sessions.sign_out(SignOut(scene.world.holder(ANI), None))


async def test_lists_a_persons_sessions_newest_first_page_by_page() -> None:
    scene = SignInWorld()
    sessions = [(await scene.sign_in(ends_others=True)).session for _ in range(3)]
    await scene.sign_in(scene.signatures.card(BOB))

    first = await scene.sessions.list_sessions(ListSessions(OPERATOR, ANI, True, 2, ""))
    second = await scene.sessions.list_sessions(ListSessions(OPERATOR, ANI, True, 2, first.next_page_token))
    usable = await scene.sessions.list_sessions(ListSessions(OPERATOR, ANI, False, 2, ""))

    listed = [each.id for each in (*first.items, *second.items)]
    assert listed == [each.id for each in reversed(sessions)]
    assert second.next_page_token == ""
    assert [each.id for each in usable.items] == [sessions[-1].id]
    with pytest.raises(InvalidPageToken):
        await scene.sessions.list_sessions(ListSessions(OPERATOR, BOB, True, 2, first.next_page_token))


async def test_a_holder_lists_their_own_sessions_and_nobody_elses() -> None:
    scene = SignInWorld()
    session = (await scene.sign_in()).session
    ani, bob = scene.world.holder(ANI), scene.world.holder(BOB)

    for named in (None, ANI):
        page = await scene.sessions.list_sessions(ListSessions(ani, named, False, 2, ""))
        assert [each.id for each in page.items] == [session.id]
    with pytest.raises(ResourceNotPermitted):
        await scene.sessions.list_sessions(ListSessions(bob, ANI, False, 2, ""))


async def test_the_operator_ends_a_session_with_evidence_that_does_not_name_its_holder() -> None:
    scene = SignInWorld()
    session = (await scene.sign_in()).session

    ended = await scene.sessions.terminate(TerminateSession(OPERATOR, "1", session.id))

    assert ended.ending is Ending.TERMINATED
    (fact,) = scene.uow.committed.queue
    details = AdministrativeAct.parse(fact.data).details
    assert (details.act, details.resource.identifier) == ("TerminateSession", str(session.id))
    assert details.after is not None
    assert details.after["ending"] == "TERMINATED"
    assert ANI.encode() not in fact.data


async def test_ending_a_session_again_records_nothing_more() -> None:
    scene = SignInWorld()
    session = (await scene.sign_in()).session
    first = await scene.sessions.terminate(TerminateSession(OPERATOR, "1", session.id))

    assert await scene.sessions.terminate(TerminateSession(OPERATOR, "1", session.id)) == first
    assert await scene.sessions.terminate(TerminateSession(OPERATOR, "2", session.id)) == first
    assert len(scene.uow.committed.queue) == 1
    with pytest.raises(RequestIdReused):
        await scene.sessions.terminate(TerminateSession(OPERATOR, "1", scene.entropy.new_id()))
    with pytest.raises(NotFound):
        await scene.sessions.terminate(TerminateSession(OPERATOR, "3", scene.entropy.new_id()))
