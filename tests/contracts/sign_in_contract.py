"""What sign-ins are, whatever keeps them: used once, and then ending old sessions."""

import asyncio
import hashlib
from dataclasses import replace
from datetime import timedelta

from namak.evidence.sign_in import Purpose
from server.domain.caller import Assurance
from server.domain.sessions import Ending, Method, OldSessions, Proof, Session, SignIn
from server.usecases.ports import UnitOfWork
from tests.contracts import examples
from tests.contracts.examples import NOON, at


def digest() -> bytes:
    """Returns a digest that was never returned before."""
    return hashlib.sha256(str(examples.number()).encode()).digest()


def sign_in() -> SignIn:
    return SignIn(
        id=examples.new_id(),
        purpose=Purpose.SIGN_IN,
        method=Method.CERTIFICATE,
        text="Մուտք\n".encode(),
        portal_sha256=digest(),
        portal_name="e-citizen.am",
        ends_others=True,
        issued_at=NOON,
        expires_at=at(300),
        person_number=f"{examples.number():010}",
        certificate_sha256=digest(),
    )


def session(person_number: str | None = None) -> Session:
    return Session(
        id=examples.new_id(),
        sign_in_id=examples.new_id(),
        person_number=person_number or f"{examples.number():010}",
        portal_sha256=digest(),
        portal_name="e-citizen.am",
        method=Method.MOBILE_ID,
        assurance=Assurance.SIGNATURE,
        started_at=NOON,
        expires_at=at(600),
    )


class SignInContract:
    """Sign-ins are used once."""

    async def test_a_sign_in_comes_back_as_it_was_started(self, uow: UnitOfWork) -> None:
        card = sign_in()
        password = replace(
            sign_in(),
            method=Method.PASSWORD,
            text=b"",
            person_number=None,
            certificate_sha256=None,
            login="a",
        )
        step_up = replace(sign_in(), purpose=Purpose.STEP_UP, session_id=examples.new_id(), mobile="{}")
        async with uow.writing() as tx:
            for each in (card, password, step_up):
                await tx.sign_ins.add(each)
            for each in (card, password, step_up):
                assert await tx.sign_ins.get(each.id) == each
            assert await tx.sign_ins.get(examples.new_id()) is None

    async def test_a_sign_in_is_used_once(self, uow: UnitOfWork) -> None:
        started = sign_in()
        async with uow.writing() as tx:
            await tx.sign_ins.add(started)
            assert await tx.sign_ins.use(started.id, at(1), Proof(b"cms"))
            assert not await tx.sign_ins.use(started.id, at(2), Proof(b"another"))
            assert not await tx.sign_ins.use(examples.new_id(), at(2), None)
            assert await tx.sign_ins.get(started.id) == replace(started, used_at=at(1))

    async def test_of_two_that_use_a_sign_in_at_the_same_moment_one_does(self, uow: UnitOfWork) -> None:
        started = sign_in()
        async with uow.writing() as tx:
            await tx.sign_ins.add(started)
            await tx.commit()

        async def use() -> bool:
            async with uow.writing() as tx:
                used = await tx.sign_ins.use(started.id, at(1), None)
                await tx.commit()
            return used

        assert sorted(await asyncio.gather(use(), use())) == [False, True]

    async def test_one_that_may_be_lost_is_seen_by_all_once_committed(self, uow: UnitOfWork) -> None:
        started = replace(sign_in(), mobile="{}", login="a")
        async with uow.writing() as tx:
            await tx.sign_ins.add(started, may_be_lost=True)
            await tx.commit()
        async with uow.reading() as tx:
            assert await tx.sign_ins.get(started.id) == started

    async def test_using_a_sign_in_ends_old_sessions_of_its_holder_alone(self, uow: UnitOfWork) -> None:
        started, again = sign_in(), sign_in()
        expired, open_, other = (session(), session(), session())
        open_ = replace(open_, person_number=expired.person_number, expires_at=at(6000))
        async with uow.writing() as tx:
            for each in (started, again):
                await tx.sign_ins.add(each)
            for begun in (expired, open_, other):
                assert await tx.sessions.begin(begun, digest(), most=2)
            some = OldSessions(expired.person_number, all_of_them=False)
            everything = replace(some, all_of_them=True)
            assert await tx.sign_ins.use(started.id, at(700), Proof(b"cms"), ending=some)
            over = replace(expired, ended_at=expired.expires_at, ending=Ending.EXPIRED)
            assert await tx.sessions.get(expired.id) == over
            assert await tx.sessions.get(open_.id) == open_
            # What was used before ends nothing any more.
            assert not await tx.sign_ins.use(started.id, at(800), Proof(b"cms"), ending=everything)
            assert await tx.sessions.get(open_.id) == open_
            assert await tx.sign_ins.use(again.id, at(900), Proof(b"cms"), ending=everything)
            replaced = replace(open_, ended_at=at(900), ending=Ending.REPLACED)
            assert await tx.sessions.get(open_.id) == replaced
            assert await tx.sessions.get(other.id) == other

    async def test_what_expired_unproved_is_forgotten_and_proofs_are_kept(self, uow: UnitOfWork) -> None:
        before = NOON - timedelta(days=30)
        old = replace(sign_in(), issued_at=before - timedelta(minutes=5), expires_at=before)
        failed, proved = replace(old, id=examples.new_id()), replace(old, id=examples.new_id())
        fresh = sign_in()
        async with uow.writing() as tx:
            for each in (old, failed, proved, fresh):
                await tx.sign_ins.add(each)
            await tx.sign_ins.use(failed.id, before, None)
            await tx.sign_ins.use(proved.id, before, Proof(b"signature", b"certificate"))
            assert await tx.sign_ins.forget(before + timedelta(days=1), limit=1) == 1
            assert await tx.sign_ins.forget(before + timedelta(days=1), limit=100) >= 1
            assert await tx.sign_ins.get(old.id) is None
            assert await tx.sign_ins.get(failed.id) is None
            assert await tx.sign_ins.get(proved.id) is not None
            assert await tx.sign_ins.get(fresh.id) == fresh
