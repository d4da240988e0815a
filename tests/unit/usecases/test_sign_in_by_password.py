"""Passwords: which logins there are is told to nobody, and lists of passwords get nowhere."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from server.domain.caller import Assurance
from server.domain.refusals import (
    Overloaded,
    PasswordWrong,
    SessionActive,
    SignatureRequired,
    SignInLocked,
)
from server.domain.refusals import SignInMethodNotOffered as NotOffered
from server.domain.sessions import Method
from server.usecases.reading import ConfirmReading, IssueStatement, OpenMessage, ReadPart
from server.usecases.sessions import SignOut
from server.usecases.sign_in import ByPassword, SignedIn, StartSignIn
from server.usecases.sign_in_proofs import CompleteSignIn
from server.usecases.tries import EVERYWHERE
from tests.unit.usecases.sign_in_world import LOGIN, PASSWORD, SignInWorld, at, portal

WRONG = 5
LOCKED_FOR = timedelta(minutes=15)


async def guess(scene: SignInWorld, password: str, **where: object) -> str:
    """Tries a password; returns what came of it."""
    try:
        await scene.by_password(password, **where)  # type: ignore[arg-type]
    except (PasswordWrong, SignInLocked) as refused:
        return type(refused).__name__
    return "SignedIn"


@pytest.mark.parametrize("login", ["aida.k", "AIDA.K", "Aida.k"])
async def test_a_login_counts_in_whichever_case(login: str) -> None:
    scene = SignInWorld()
    scene.know_login()

    signed_in = await scene.by_password(login=login)

    assert signed_in.session.method is Method.PASSWORD
    assert signed_in.session.assurance is Assurance.PASSWORD


@pytest.mark.parametrize(
    "login",
    [
        "nobody",
        "alda.k",  # a look-alike
        "aida-k",
        "аida.k",  # with a Cyrillic letter
        "aida.k ",
        "a" * 100,
        "' OR 1=1 --",
    ],
)
async def test_any_other_login_is_answered_like_a_wrong_password(login: str) -> None:
    scene = SignInWorld()
    scene.know_login()
    with pytest.raises(PasswordWrong) as wrong:
        await scene.by_password("not the password")

    with pytest.raises(PasswordWrong) as unknown:
        await scene.by_password(login=login)

    assert str(unknown.value) == str(wrong.value)
    # And it took the same work.
    assert scene.passwords.tried == 2


@pytest.mark.parametrize("login", [LOGIN, "nobody"])
async def test_after_too_many_wrong_passwords_a_login_is_locked_whether_it_exists_or_not(login: str) -> None:
    scene = SignInWorld()
    scene.know_login()

    found = [await guess(scene, f"guess {number}", login=login) for number in range(WRONG + 2)]

    assert found == ["PasswordWrong"] * WRONG + ["SignInLocked"] * 2
    assert scene.passwords.tried == WRONG
    assert await guess(scene, PASSWORD, login=login) == "SignInLocked"


async def test_a_lock_ends_by_itself_and_says_when() -> None:
    scene = SignInWorld()
    scene.know_login()
    for number in range(WRONG):
        await guess(scene, f"guess {number}")
    scene.clock.move(timedelta(minutes=10))
    with pytest.raises(SignInLocked) as locked:
        await scene.by_password()
    assert locked.value.retry_after_seconds == 5 * 60

    scene.clock.move(timedelta(minutes=5))

    assert await guess(scene, PASSWORD) == "SignedIn"


async def test_guesses_at_the_same_moment_are_no_more_than_those_one_after_the_other() -> None:
    scene = SignInWorld()
    scene.know_login()

    found = await asyncio.gather(*(guess(scene, f"guess {number}") for number in range(40)))

    assert sorted(found) == ["PasswordWrong"] * WRONG + ["SignInLocked"] * (40 - WRONG)


async def test_the_right_password_in_between_begins_the_count_anew() -> None:
    scene = SignInWorld()
    scene.know_login()
    for number in range(WRONG - 1):
        await guess(scene, f"guess {number}")
    first = await scene.by_password()
    holder = at(scene.portal, first.session)
    await scene.sessions.sign_out(SignOut(holder, None))

    found = [await guess(scene, f"guess {number}") for number in range(WRONG)]

    assert found == ["PasswordWrong"] * WRONG


async def test_who_fails_at_one_portal_locks_nobody_out_of_another() -> None:
    scene = SignInWorld()
    scene.know_login()
    for number in range(WRONG + 1):
        await guess(scene, f"guess {number}", by=scene.elsewhere)

    assert await guess(scene, PASSWORD) == "SignedIn"


async def test_a_list_that_is_tried_at_many_portals_gets_nowhere_either() -> None:
    scene = SignInWorld()
    scene.know_login()
    for number in range(EVERYWHERE):
        for count in range(WRONG):
            await guess(scene, f"guess {count}", by=portal(f"portal {number}"))

    assert await guess(scene, PASSWORD) == "SignInLocked"


async def test_two_other_portals_lock_a_login_everywhere_for_as_long_as_one_locks_it_there() -> None:
    scene = SignInWorld()
    scene.know_login()
    for number in range(EVERYWHERE):
        for count in range(WRONG):
            await guess(scene, f"guess {count}", by=portal(f"portal {number % 2}"))
        scene.clock.move(LOCKED_FOR / 2 + timedelta(seconds=1))

    assert await guess(scene, PASSWORD) == "SignInLocked"
    scene.clock.move(LOCKED_FOR / 2)
    assert await guess(scene, PASSWORD) == "SignedIn"


@pytest.mark.parametrize("password", [PASSWORD, "wrong"])
async def test_a_password_that_there_was_no_room_to_compare_is_no_wrong_one(password: str) -> None:
    scene = SignInWorld()
    scene.know_login()
    scene.passwords.room = False
    for _ in range(WRONG + 1):
        with pytest.raises(Overloaded):
            await scene.by_password(password)

    scene.passwords.room = True
    found = [await guess(scene, f"guess {number}") for number in range(WRONG + 1)]

    assert found == ["PasswordWrong"] * WRONG + ["SignInLocked"]


async def test_where_there_is_no_room_for_a_stronger_hash_a_right_password_signs_in_all_the_same() -> None:
    scene = SignInWorld()
    scene.know_login()
    (key,) = scene.uow.committed.logins
    known = scene.uow.committed.logins[key]
    old = replace(known, password_hash=known.password_hash.replace("new", "old"))
    scene.uow.committed.logins[key] = old
    scene.passwords.room_to_hash = False

    assert await guess(scene, PASSWORD) == "SignedIn"
    assert scene.uow.committed.logins[key] == old


async def test_a_look_alike_is_counted_with_what_it_looks_like() -> None:
    scene = SignInWorld()
    scene.know_login()
    for login in ("aida.k", "a.ida.k", "alda.k", "a1da.k", "aida-k"):
        await guess(scene, "a guess", login=login)

    assert await guess(scene, PASSWORD) == "SignInLocked"


async def test_an_older_hash_is_replaced_when_its_password_comes() -> None:
    scene = SignInWorld()
    scene.know_login()
    (key,) = scene.uow.committed.logins
    known = scene.uow.committed.logins[key]
    old = known.password_hash.replace("new", "old")
    scene.uow.committed.logins[key] = replace(known, password_hash=old)

    await scene.by_password()

    assert scene.uow.committed.logins[key] == known


async def test_a_password_ends_no_other_session() -> None:
    scene = SignInWorld()
    scene.know_login()
    await scene.sign_in()

    with pytest.raises(SessionActive):
        await scene.by_password()
    with pytest.raises(NotOffered):
        await scene.desk.start(StartSignIn(scene.portal, ByPassword(LOGIN), "hy", ends_others=True))


async def test_with_a_password_official_letters_are_listed_and_not_opened_until_a_signature() -> None:
    scene = SignInWorld()
    scene.know_login()
    delivery = await scene.world.delivered()
    session = (await scene.by_password()).session
    holder, reading = at(scene.portal, session), scene.world.reading

    refused = [
        reading.open_message(OpenMessage(holder, delivery.id)),
        reading.read_part(ReadPart(holder, delivery.id, 1)),
        reading.issue_statement(IssueStatement(holder, delivery.id)),
        reading.confirm_reading(ConfirmReading(holder, delivery.id, delivery.id, b"cms")),
    ]
    for attempt in refused:
        with pytest.raises(SignatureRequired):
            await attempt

    started = await scene.start(by=holder)
    assert isinstance(await scene.desk.complete(scene.proof(started, by=holder)), SignedIn)
    # What the door remembers still says password; the session says better.
    opened = await reading.open_message(OpenMessage(holder, delivery.id))
    assert opened.message.delivery.id == delivery.id


def test_no_password_is_in_what_a_request_looks_like() -> None:
    scene = SignInWorld()

    shown = repr(CompleteSignIn(scene.portal, scene.entropy.new_id(), password=PASSWORD))

    assert PASSWORD not in shown
