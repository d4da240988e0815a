"""Setting passwords: who may, which ones, what it ends, and what is left of it."""

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from namak.evidence.administrative_act import AdministrativeAct
from server.domain.caller import Holder
from server.domain.logins import Login, skeleton
from server.domain.refusals import (
    InvalidFields,
    PasswordWrong,
    RequestIdReused,
    ResourceNotPermitted,
    SignatureRequired,
    SignInLocked,
    SignInMethodNotOffered,
)
from server.domain.sessions import Ending
from server.jurisdictions.am import AM
from server.usecases.passwords import PasswordDesk, SetPassword
from server.usecases.sessions import ListSessions
from server.usecases.sign_in import ByPassword, SignedIn, StartSignIn
from server.usecases.sign_in_proofs import CompleteSignIn
from tests.unit.usecases.sign_in_world import LOGIN, PASSWORD, SignInWorld, at
from tests.unit.usecases.world import ANI, BOB, START

NEW = "quite another password"


def desk(scene: SignInWorld) -> PasswordDesk:
    return PasswordDesk(
        uow=scene.uow,
        clock=scene.clock,
        entropy=scene.entropy,
        administration=scene.administration,
        passwords=scene.passwords,
        profile=scene.profile,
    )


def own(scene: SignInWorld, person: str = ANI) -> Holder:
    """Returns a holder with their own certificate."""
    return scene.world.holder(person)


def asked(by: Holder, password: str = NEW, *, request_id: str = "1", login: str | None = None) -> SetPassword:
    return SetPassword(by, request_id, login, password)


def give_login(scene: SignInWorld, login: str = LOGIN, person: str = ANI) -> None:
    """Gives a login out as an approved application does: without a password."""
    scene.uow.committed.logins[skeleton(login)] = Login(login, person, "", START)


async def test_the_first_password_is_set_with_ones_own_certificate_and_signs_in() -> None:
    scene = SignInWorld()
    give_login(scene)
    with pytest.raises(PasswordWrong):
        await scene.by_password("any at all")

    assert await desk(scene).set_password(asked(own(scene))) == LOGIN

    assert (await scene.by_password(NEW)).session.person_number == ANI


async def test_a_session_that_a_signature_began_sets_it_and_goes_on() -> None:
    scene = SignInWorld()
    give_login(scene)
    session = (await scene.sign_in()).session

    await desk(scene).set_password(asked(at(scene.portal, session)))

    usable = await scene.sessions.list_sessions(ListSessions(own(scene), ANI, False, 9, ""))
    assert [each.id for each in usable.items] == [session.id]


async def test_a_password_sets_no_other_until_a_signature() -> None:
    scene = SignInWorld()
    scene.know_login()
    before = dict(scene.uow.committed.logins)
    holder = at(scene.portal, (await scene.by_password()).session)

    with pytest.raises(SignatureRequired):
        await desk(scene).set_password(asked(holder))
    assert scene.uow.committed.logins == before

    started = await scene.start(by=holder)
    assert isinstance(await scene.desk.complete(scene.proof(started, by=holder)), SignedIn)
    await desk(scene).set_password(asked(holder))
    usable = await scene.sessions.list_sessions(ListSessions(own(scene), ANI, False, 9, ""))
    assert len(usable.items) == 1


async def test_another_password_ends_what_the_former_one_began_and_the_former_is_wrong() -> None:
    scene = SignInWorld()
    scene.know_login()
    thief = (await scene.by_password()).session

    await desk(scene).set_password(asked(own(scene)))

    ended = scene.uow.committed.sessions[thief.id]
    assert (ended.ending, ended.ended_at) == (Ending.PASSWORD_SET, scene.clock.now())
    with pytest.raises(PasswordWrong):
        await scene.by_password(PASSWORD)
    assert isinstance(await scene.by_password(NEW), SignedIn)


async def test_a_sign_in_with_the_former_password_that_is_under_way_comes_to_nothing() -> None:
    scene = SignInWorld()
    scene.know_login()
    started = await scene.desk.start(StartSignIn(scene.portal, ByPassword(LOGIN), "hy", ends_others=False))
    compare = scene.passwords.verify

    async def verify(password_hash: str | None, password: str) -> bool:
        right = await compare(password_hash, password)
        scene.passwords.verify = compare  # type: ignore[method-assign]
        # Between the comparison and the session another password is set.
        await desk(scene).set_password(asked(own(scene)))
        return right

    scene.passwords.verify = verify  # type: ignore[method-assign]
    with pytest.raises(PasswordWrong):
        await scene.desk.complete(CompleteSignIn(scene.portal, started.sign_in.id, password=PASSWORD))

    assert not scene.uow.committed.sessions
    assert isinstance(await scene.by_password(NEW), SignedIn)


async def test_a_former_password_does_not_come_back_with_a_stronger_hash() -> None:
    scene = SignInWorld()
    scene.know_login()
    key = skeleton(LOGIN)
    known = scene.uow.committed.logins[key]
    old = known.password_hash.replace("new", "old")
    scene.uow.committed.logins[key] = replace(known, password_hash=old)
    started = await scene.desk.start(StartSignIn(scene.portal, ByPassword(LOGIN), "hy", ends_others=False))
    strengthen = scene.passwords.hash

    async def hashed(password: str) -> str:
        scene.passwords.hash = strengthen  # type: ignore[method-assign]
        await desk(scene).set_password(asked(own(scene)))
        return await strengthen(password)

    scene.passwords.hash = hashed  # type: ignore[method-assign]
    with pytest.raises(PasswordWrong):
        await scene.desk.complete(CompleteSignIn(scene.portal, started.sign_in.id, password=PASSWORD))

    assert scene.uow.committed.logins[key].password_hash == await strengthen(NEW)


async def test_it_opens_what_was_locked_at_every_portal() -> None:
    scene = SignInWorld()
    scene.know_login()
    scene.know_portals()
    for where in (scene.portal, scene.elsewhere):
        for _ in range(5):
            with pytest.raises(PasswordWrong):
                await scene.by_password("a guess", by=where)
        with pytest.raises(SignInLocked):
            await scene.by_password(by=where)

    await desk(scene).set_password(asked(own(scene)))

    session = (await scene.by_password(NEW, by=scene.elsewhere)).session
    assert session.portal_name == scene.elsewhere.name
    with pytest.raises(PasswordWrong):
        await scene.by_password("a guess")


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("short", "PASSWORD_TOO_SHORT"),
        (LOGIN * 2, "PASSWORD_IS_LOGIN"),
        ("123456789012", "PASSWORD_PREDICTABLE"),
        ("a b" * 100, "PASSWORD_TOO_LONG"),
    ],
)
async def test_a_bad_password_is_refused_by_name_and_changes_nothing(password: str, reason: str) -> None:
    scene = SignInWorld()
    give_login(scene)

    with pytest.raises(InvalidFields) as refused:
        await desk(scene).set_password(asked(own(scene), password))

    (problem,) = refused.value.problems
    assert (problem.field, problem.reason) == ("password", reason)
    assert password not in str(refused.value) + problem.text
    assert scene.uow.committed.logins[skeleton(LOGIN)].password_hash == ""
    assert not scene.uow.committed.queue


@pytest.mark.parametrize("login", [None, LOGIN, "nobodys"])
async def test_nobody_sets_the_password_of_somebody_elses_login(login: str | None) -> None:
    scene = SignInWorld()
    give_login(scene)

    with pytest.raises(ResourceNotPermitted):
        await desk(scene).set_password(asked(own(scene, BOB), login=login))


async def test_who_has_several_logins_says_which() -> None:
    scene = SignInWorld()
    give_login(scene)
    give_login(scene, "toolshed")

    with pytest.raises(InvalidFields) as refused:
        await desk(scene).set_password(asked(own(scene)))
    assert [each.field for each in refused.value.problems] == ["login"]

    assert await desk(scene).set_password(asked(own(scene), login="toolshed")) == "toolshed"
    assert scene.uow.committed.logins[skeleton(LOGIN)].password_hash == ""


async def test_where_there_are_no_passwords_none_is_set() -> None:
    scene = SignInWorld(profile=AM)
    give_login(scene)

    with pytest.raises(SignInMethodNotOffered):
        await desk(scene).set_password(asked(own(scene)))


async def test_the_act_says_that_a_password_was_set_and_nothing_of_it() -> None:
    scene = SignInWorld()
    give_login(scene)

    await desk(scene).set_password(asked(own(scene)))
    scene.clock.move(timedelta(seconds=1))
    await desk(scene).set_password(asked(own(scene), PASSWORD, request_id="2"))

    first, second = [AdministrativeAct.parse(fact.data).details for fact in scene.uow.committed.queue]
    assert (first.act, first.resource.kind, first.resource.identifier) == ("SetPassword", "LOGIN", LOGIN)
    assert first.actor.person == ANI
    assert first.before == {"password": "none"}
    assert second.before == {"password": "set"}
    assert first.after is not None
    assert second.after is not None
    assert first.after.keys() == second.after.keys() == {"password", "set_time"}
    kept = "".join(fact.data.decode() for fact in scene.uow.committed.queue)
    digests = [hashlib.sha256(each.encode()).hexdigest() for each in (NEW, PASSWORD)]
    assert not [each for each in (NEW, PASSWORD, *digests) if each in kept]


async def test_a_repetition_changes_nothing_while_the_password_stands() -> None:
    scene = SignInWorld()
    give_login(scene)
    await desk(scene).set_password(asked(own(scene)))
    stored = scene.uow.committed.logins[skeleton(LOGIN)]

    assert await desk(scene).set_password(asked(own(scene))) == LOGIN
    assert scene.uow.committed.logins[skeleton(LOGIN)] == stored
    assert len(scene.uow.committed.queue) == 1

    # With another password the request id stands for something else, and so it does once another was set.
    with pytest.raises(RequestIdReused):
        await desk(scene).set_password(asked(own(scene), PASSWORD))
    await desk(scene).set_password(asked(own(scene), PASSWORD, request_id="2"))
    with pytest.raises(RequestIdReused):
        await desk(scene).set_password(asked(own(scene)))


def test_no_password_is_in_what_a_request_looks_like() -> None:
    assert NEW not in repr(asked(own(SignInWorld())))
