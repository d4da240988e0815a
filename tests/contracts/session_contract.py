"""What sign-ins, sessions, logins and counts of tries are, whatever keeps them."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from server.domain.caller import Assurance
from server.domain.logins import Login
from server.domain.mailboxes import MailboxHead
from server.domain.sessions import Ending, Method, Session, TryLimit
from server.domain.sign_in_effects import OutstandingSignIn, SignedInMailbox
from server.storage.failures import StorageFault
from server.usecases.ports import UnitOfWork
from tests.contracts import examples
from tests.contracts.examples import NOON, at
from tests.contracts.sign_in_contract import SignInContract, digest, session

TWICE = TryLimit(2, timedelta(minutes=5))


def login(name: str | None = None) -> Login:
    return Login(name or f"citizen{examples.number()}x", "5001950015", "$argon2id$", NOON)


class SessionContract:
    """Sessions: a bounded number for each holder."""

    async def test_a_session_is_found_by_its_token_and_by_its_identifier(self, uow: UnitOfWork) -> None:
        begun, token = session(), digest()
        async with uow.writing() as tx:
            assert await tx.sessions.begin(begun, token, most=1)
            assert await tx.sessions.of_tokens([token, digest()]) == {token: begun}
            assert await tx.sessions.get(begun.id) == begun
            assert await tx.sessions.lock(begun.id) == begun
            assert await tx.sessions.get(examples.new_id()) is None
            assert await tx.sessions.lock(examples.new_id()) is None
            assert await tx.sessions.active(begun.person_number, at(599)) == [begun]
            assert await tx.sessions.active(begun.person_number, at(600)) == []

    async def test_a_holder_has_as_many_sessions_as_are_permitted(self, uow: UnitOfWork) -> None:
        first = session()
        second, third = session(first.person_number), session(first.person_number)
        async with uow.writing() as tx:
            assert await tx.sessions.begin(first, digest(), most=2)
            assert await tx.sessions.begin(second, digest(), most=2)
            assert not await tx.sessions.begin(third, digest(), most=2)
            await tx.sessions.end(first.id, at(1), Ending.SIGNED_OUT)
            assert await tx.sessions.begin(third, digest(), most=2)
            assert await tx.sessions.active(first.person_number, at(2)) == [second, third]

    async def test_what_has_expired_makes_room_once_it_is_marked(self, uow: UnitOfWork) -> None:
        old = session()
        new = replace(session(old.person_number), started_at=at(600), expires_at=at(1200))
        async with uow.writing() as tx:
            assert await tx.sessions.begin(old, digest(), most=1)
            await tx.sessions.end_old(old.person_number, at(599), all_of_them=False)
            assert not await tx.sessions.begin(new, digest(), most=1)
            await tx.sessions.end_old(old.person_number, at(601), all_of_them=True)
            assert await tx.sessions.begin(new, digest(), most=1)
            expired = replace(old, ended_at=at(600), ending=Ending.EXPIRED)
            assert await tx.sessions.get(old.id) == expired

    async def test_others_are_ended_when_they_are_meant(self, uow: UnitOfWork) -> None:
        old, neighbour = session(), session()
        async with uow.writing() as tx:
            assert await tx.sessions.begin(old, digest(), most=1)
            assert await tx.sessions.begin(neighbour, digest(), most=1)
            await tx.sessions.end_old(old.person_number, at(5), all_of_them=True)
            assert await tx.sessions.get(old.id) == replace(old, ended_at=at(5), ending=Ending.REPLACED)
            assert await tx.sessions.get(neighbour.id) == neighbour

    async def test_what_has_ended_stays_as_it_ended(self, uow: UnitOfWork) -> None:
        ended, expired = session(), session()
        async with uow.writing() as tx:
            await tx.sessions.begin(ended, digest(), most=1)
            await tx.sessions.begin(expired, digest(), most=1)
            await tx.sessions.end(ended.id, at(5), Ending.SIGNED_OUT)
            await tx.sessions.end(ended.id, at(6), Ending.TERMINATED)
            await tx.sessions.end(expired.id, at(601), Ending.PASSWORD_SET)
            assert not await tx.sessions.raise_assurance(ended.id, at(7))
            assert not await tx.sessions.raise_assurance(expired.id, at(601))
            assert await tx.sessions.get(ended.id) == replace(ended, ended_at=at(5), ending=Ending.SIGNED_OUT)
            assert await tx.sessions.get(expired.id) == expired

    async def test_a_session_that_began_with_a_password_is_raised(self, uow: UnitOfWork) -> None:
        begun = replace(session(), method=Method.PASSWORD, assurance=Assurance.PASSWORD)
        async with uow.writing() as tx:
            await tx.sessions.begin(begun, digest(), most=1)
            assert await tx.sessions.raise_assurance(begun.id, at(1))
            assert await tx.sessions.get(begun.id) == replace(begun, assurance=Assurance.SIGNATURE)

    async def test_a_holders_sessions_are_listed_newest_first(self, uow: UnitOfWork) -> None:
        first = session()
        second, third = session(first.person_number), session(first.person_number)
        async with uow.writing() as tx:
            for each in (first, second, third, session()):
                await tx.sessions.begin(each, digest(), most=3)
            await tx.sessions.end(second.id, at(1), Ending.SIGNED_OUT)
            person = first.person_number
            all_of_them = await tx.sessions.list_newest(person, active_at=None, before=None, limit=9)
            assert [each.id for each in all_of_them] == [third.id, second.id, first.id]
            active = await tx.sessions.list_newest(person, active_at=at(2), before=None, limit=9)
            assert active == [third, first]
            assert await tx.sessions.list_newest(person, active_at=at(600), before=None, limit=9) == []
            next_page = await tx.sessions.list_newest(person, active_at=None, before=third.id, limit=1)
            assert [each.id for each in next_page] == [second.id]

    async def test_of_two_that_begin_at_the_same_moment_one_does(self, uow: UnitOfWork) -> None:
        async def begin(begun: Session) -> bool:
            async with uow.writing() as tx:
                did = await tx.sessions.begin(begun, digest(), most=1)
                await tx.commit()
            return did

        for _ in range(20):
            one = session()
            another = session(one.person_number)
            assert sorted(await asyncio.gather(begin(one), begin(another))) == [False, True]
            async with uow.reading() as tx:
                assert len(await tx.sessions.active(one.person_number, at(1))) == 1


class LoginContract:
    """Logins: one for each skeleton."""

    async def test_a_login_is_given_out_once_however_it_is_written(self, uow: UnitOfWork) -> None:
        name = f"aida{examples.number()}x"
        alike = name.replace("i", "l")
        async with uow.writing() as tx:
            assert await tx.logins.add(login(name))
            assert not await tx.logins.add(login(name))
            assert not await tx.logins.add(login(alike))
            assert not await tx.logins.add(login(name.replace("d", "d.")))
            assert await tx.logins.named(name) == login(name)
            assert await tx.logins.named(alike) is None

    async def test_a_password_is_changed(self, uow: UnitOfWork) -> None:
        known = login()
        async with uow.writing() as tx:
            await tx.logins.add(known)
            await tx.logins.set_password(known.login, "$another$")
            assert await tx.logins.named(known.login) == replace(known, password_hash="$another$")

    async def test_a_login_is_locked_by_its_name(self, uow: UnitOfWork) -> None:
        known = login()
        async with uow.writing() as tx:
            await tx.logins.add(known)
            assert await tx.logins.lock(known.login) == known
            assert await tx.logins.lock(f"{known.login}.x") is None

    async def test_a_persons_logins_are_listed_by_name(self, uow: UnitOfWork) -> None:
        person = f"{examples.number():010}"
        first, second = [
            replace(login(f"{letter}{examples.number()}x"), person_number=person) for letter in "ab"
        ]
        async with uow.writing() as tx:
            for each in (second, first, login()):
                await tx.logins.add(each)
            assert await tx.logins.of_person(person) == [first, second]
            assert await tx.logins.of_person(f"{examples.number():010}") == []


class TriesContract:
    """Counts of tries, and the pause after too many."""

    async def test_after_too_many_tries_there_is_none_until_the_pause_is_over(self, uow: UnitOfWork) -> None:
        key, other = digest(), digest()
        async with uow.writing() as tx:
            assert await tx.tries.take(key, TWICE, at(0)) is None
            assert await tx.tries.take(key, TWICE, at(10)) is None
            assert await tx.tries.take(key, TWICE, at(20)) == at(310)
            assert await tx.tries.take(key, TWICE, at(309)) == at(310)
            assert await tx.tries.take(other, TWICE, at(20)) is None
            assert await tx.tries.take(key, TWICE, at(310)) is None
            assert await tx.tries.take(key, TWICE, at(311)) is None
            assert await tx.tries.take(key, TWICE, at(312)) == at(611)

    async def test_a_success_clears_the_count(self, uow: UnitOfWork) -> None:
        key = digest()
        async with uow.writing() as tx:
            for _ in range(5):
                assert await tx.tries.take(key, TWICE, NOON) is None
                await tx.tries.clear([key, digest()])

    async def test_a_try_that_is_given_back_can_be_taken_again_and_no_more_than_were_taken(
        self, uow: UnitOfWork
    ) -> None:
        key = digest()
        async with uow.writing() as tx:
            await tx.tries.give_back([key, digest()])
            for _ in range(3):
                assert await tx.tries.take(key, TWICE, NOON) is None
                await tx.tries.give_back([key])
            await tx.tries.give_back([key, key])
            assert await tx.tries.take(key, TWICE, NOON) is None
            assert await tx.tries.take(key, TWICE, NOON) is None
            assert await tx.tries.take(key, TWICE, NOON) is not None

    async def test_tries_at_the_same_moment_are_all_counted(self, uow: UnitOfWork) -> None:
        key = digest()

        async def take() -> bool:
            async with uow.writing() as tx:
                taken = await tx.tries.take(key, TryLimit(3, timedelta(minutes=1)), NOON) is None
                await tx.commit()
            return taken

        assert sorted(await asyncio.gather(*(take() for _ in range(10)))) == [False] * 7 + [True] * 3

    async def test_old_counts_are_forgotten(self, uow: UnitOfWork) -> None:
        old, fresh = digest(), digest()
        long_ago = NOON - timedelta(days=30)
        async with uow.writing() as tx:
            await tx.tries.take(old, TWICE, long_ago)
            await tx.tries.take(fresh, TWICE, NOON)
            assert await tx.tries.forget(NOON - timedelta(days=1), limit=100) >= 1
            assert await tx.tries.forget(NOON - timedelta(days=1), limit=100) == 0


class OpenDeliveryContract:
    """The deliveries on which a sign-in may have an effect."""

    async def test_finds_what_lies_unnotified_under_the_policies_that_ask(self, uow: UnitOfWork) -> None:
        owner = examples.organisation()
        address, mine, theirs = examples.address(owner), examples.mailbox(), examples.mailbox()
        parts = [examples.part()]
        asked = [
            replace(examples.delivery(mine, address, n, parts), notification_policy="p@1") for n in (1, 2)
        ]
        notified = replace(examples.delivery(mine, address, 3, parts), notification_policy="p@1")
        not_asked = examples.delivery(mine, address, 4, parts)
        foreign = replace(examples.delivery(theirs, address, 1, parts), notification_policy="p@1")
        async with uow.writing() as tx:
            await tx.organisations.add(owner)
            await tx.sender_addresses.add(address)
            for mailbox in (mine, theirs):
                await tx.mailboxes.add(mailbox)
            await tx.deliveries.add([(each, parts) for each in (*asked, notified, not_asked, foreign)])
            await tx.deliveries.set_notified(mine.id, notified.id, at(1))
            lock = tx.open_deliveries.lock_consigned
            assert await lock(mine.id, {"p@1", "q@1"}, after=0, up_to=9, limit=3) == (asked, 9)
            assert await lock(mine.id, {"p@1"}, after=0, up_to=9, limit=1) == (asked[:1], 1)
            assert await lock(mine.id, {"p@1"}, after=1, up_to=9, limit=2) == (asked[1:], 9)
            assert await lock(mine.id, {"p@1"}, after=0, up_to=1, limit=2) == (asked[:1], 1)
            assert await lock(mine.id, frozenset(), after=0, up_to=9, limit=2) == ([], 9)
            assert await lock(examples.new_id(), {"p@1"}, after=0, up_to=9, limit=2) == ([], 9)


class OutstandingSignInContract:
    """Sign-ins that are to be recorded of more deliveries."""

    async def test_each_mailbox_has_its_turn_with_its_oldest(self, uow: UnitOfWork) -> None:
        first, second = examples.mailbox(), examples.mailbox()
        old, new, other = [
            OutstandingSignIn(examples.new_id(), mailbox.id, at(seconds), 3, 9)
            for mailbox, seconds in ((first, -90), (first, -80), (second, -70))
        ]
        async with uow.writing() as tx:
            for mailbox in (first, second):
                await tx.mailboxes.add(mailbox)
            marks = tx.outstanding_sign_ins
            assert await marks.mailbox_of(f"{examples.number():010}") is None
            unmarked = SignedInMailbox(first.id, 0, has_outstanding=False)
            assert await marks.mailbox_of(first.holder_number) == unmarked
            for each in (other, new, old):
                await marks.add(each)
            assert await marks.mailbox_of(first.holder_number) == replace(unmarked, has_outstanding=True)
            assert await marks.take([]) == old
            assert await marks.take([old.sign_in_id]) == other
            await marks.advance(old.sign_in_id, 8, at(-1))
            assert await marks.take([]) == other
            await marks.finish(other.sign_in_id)
            assert await marks.take([]) == replace(old, after=8)
            await marks.finish(old.sign_in_id)
            assert await marks.take([]) == new
            assert await marks.mailbox_of(first.holder_number) == replace(unmarked, has_outstanding=True)
            cleared = SignedInMailbox(second.id, 0, has_outstanding=False)
            assert await marks.mailbox_of(second.holder_number) == cleared

    async def test_a_mailbox_is_known_with_the_end_of_its_chain(self, uow: UnitOfWork) -> None:
        mailbox = examples.mailbox()
        async with uow.writing() as tx:
            await tx.mailboxes.add(mailbox)
            await tx.mailboxes.advance({mailbox.id: MailboxHead(7, bytes(32))}, [])
            known = await tx.outstanding_sign_ins.mailbox_of(mailbox.holder_number)
            assert known == SignedInMailbox(mailbox.id, 7, has_outstanding=False)

    async def test_one_with_nothing_left_is_none(self, uow: UnitOfWork) -> None:
        mailbox = examples.mailbox()
        async with uow.writing() as tx:
            await tx.mailboxes.add(mailbox)
            with pytest.raises(StorageFault) as raised:
                await tx.outstanding_sign_ins.add(
                    OutstandingSignIn(examples.new_id(), mailbox.id, NOON, 9, 9)
                )
            assert raised.value.constraint == "ck_outstanding_sign_ins_after"


class SignInTablesContract(
    SignInContract,
    SessionContract,
    LoginContract,
    TriesContract,
    OpenDeliveryContract,
    OutstandingSignInContract,
):
    """All of it."""
