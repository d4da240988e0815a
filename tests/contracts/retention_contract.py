"""What is deleted of signing in once its time is over, whatever keeps it."""

from dataclasses import replace
from datetime import timedelta

from server.domain.senders import BindingRole
from server.domain.sessions import Ending, Proof
from server.domain.sign_in_effects import OutstandingSignIn
from server.usecases.ports import UnitOfWork
from tests.contracts import examples
from tests.contracts.examples import NOON, at
from tests.contracts.sign_in_contract import digest, session, sign_in


class RetentionContract:
    """Old proofs and sessions are deleted, a bounded number at once; sessions of revoked portals end."""

    async def test_a_proof_is_forgotten_with_its_sign_in_once_nothing_of_it_is_outstanding(
        self, uow: UnitOfWork
    ) -> None:
        before = NOON - timedelta(days=9000)
        old = replace(sign_in(), issued_at=before - timedelta(minutes=5), expires_at=before)
        outstanding, failed = replace(old, id=examples.new_id()), replace(old, id=examples.new_id())
        fresh, mailbox = sign_in(), examples.mailbox()
        async with uow.writing() as tx:
            await tx.mailboxes.add(mailbox)
            for each in (old, outstanding, failed, fresh):
                await tx.sign_ins.add(each)
                proof = None if each is failed else Proof(b"signature", b"certificate")
                await tx.sign_ins.use(each.id, before, proof)
            await tx.outstanding_sign_ins.add(
                OutstandingSignIn(outstanding.id, mailbox.id, before, after=0, up_to=1)
            )
            assert await tx.sign_ins.forget_proved(before + timedelta(days=1), limit=1) == 1
            assert await tx.sign_ins.forget_proved(before + timedelta(days=1), limit=100) == 0
            assert await tx.sign_ins.get(old.id) is None
            for each in (outstanding, failed, fresh):
                assert await tx.sign_ins.get(each.id) is not None

    async def test_old_sessions_are_forgotten_however_they_ended(self, uow: UnitOfWork) -> None:
        long_ago = NOON - timedelta(days=9000)
        old = replace(session(), started_at=long_ago, expires_at=long_ago + timedelta(minutes=500))
        ended = replace(old, id=examples.new_id(), person_number=f"{examples.number():010}")
        young = session()
        async with uow.writing() as tx:
            for each in (old, ended, young):
                assert await tx.sessions.begin(each, digest(), most=1)
            await tx.sessions.end(ended.id, long_ago + timedelta(minutes=1), Ending.SIGNED_OUT)
            assert await tx.sessions.forget(old.expires_at, limit=100) == 0
            assert await tx.sessions.forget(old.expires_at + timedelta(minutes=1), limit=1) == 1
            assert await tx.sessions.forget(old.expires_at + timedelta(minutes=1), limit=100) == 1
            assert await tx.sessions.get(old.id) is None
            assert await tx.sessions.get(ended.id) is None
            assert await tx.sessions.get(young.id) == young

    async def test_sessions_end_with_the_portals_certificate(self, uow: UnitOfWork) -> None:
        bound, der = examples.binding(None)
        portal = replace(bound, role=BindingRole.PORTAL, portal_name="portal.am")
        other_bound, other_der = examples.binding(None)
        other = replace(other_bound, role=BindingRole.PORTAL, portal_name="portal.am")
        first, second, expired = (
            replace(
                session(), person_number=f"{examples.number():010}", portal_sha256=portal.certificate_sha256
            )
            for _ in range(3)
        )
        expired = replace(expired, expires_at=at(5))
        kept = replace(session(), portal_sha256=other.certificate_sha256)
        async with uow.writing() as tx:
            assert await tx.bindings.add(portal, der)
            assert await tx.bindings.add(other, other_der)
            for each in (first, second, expired, kept):
                assert await tx.sessions.begin(each, digest(), most=1)
            assert await tx.sessions.end_of_revoked_portals(at(10), limit=100) == 0
            await tx.bindings.revoke(portal.certificate_sha256, at(9))
            assert await tx.sessions.end_of_revoked_portals(at(10), limit=2) == 2
            assert await tx.sessions.end_of_revoked_portals(at(10), limit=100) == 1
            assert await tx.sessions.end_of_revoked_portals(at(10), limit=100) == 0
            for each in (first, second):
                assert await tx.sessions.get(each.id) == replace(
                    each, ended_at=at(10), ending=Ending.TERMINATED
                )
            assert await tx.sessions.get(expired.id) == replace(
                expired, ended_at=at(5), ending=Ending.EXPIRED
            )
            assert await tx.sessions.get(kept.id) == kept
