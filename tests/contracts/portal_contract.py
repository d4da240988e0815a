"""What the register of portals must do, whatever keeps it."""

import hashlib
from dataclasses import replace

from server.domain.portals import RegisteredPortal
from server.domain.senders import BindingRole, CertificateBinding
from server.domain.sessions import Ending
from server.usecases.ports import UnitOfWork
from tests.contracts import examples
from tests.contracts.examples import NOON, at
from tests.contracts.sign_in_contract import digest, session


def name() -> str:
    return f"portal {examples.number()}"


def binding(portal: str, seconds: float = 0) -> tuple[CertificateBinding, bytes]:
    """Returns a binding under this name, bound so long after noon, with its certificate."""
    certificate = f"portal certificate {examples.number()}".encode()
    bound = CertificateBinding(
        certificate_sha256=hashlib.sha256(certificate).digest(),
        role=BindingRole.PORTAL,
        organisation_id=None,
        sender_address_id=None,
        expires_at=at(86400),
        bound_at=at(seconds),
        revoked_at=None,
        portal_name=portal,
    )
    return bound, certificate


class PortalsContract:
    """Subclasses give the fixture `uow`. Other tests' rows may be there too."""

    async def test_a_name_is_entered_once(self, uow: UnitOfWork) -> None:
        first = RegisteredPortal(examples.new_id(), name(), NOON)
        async with uow.writing() as tx:
            await tx.portals.enter(first)
            second = replace(first, id=examples.new_id(), registered_at=at(5))
            await tx.portals.enter(second)

            assert await tx.portals.get(first.id) == first
            assert await tx.portals.get(second.id) is None

    async def test_lists_the_last_registered_first_from_a_place_on(self, uow: UnitOfWork) -> None:
        portals = [RegisteredPortal(examples.new_id(), name(), at(-each)) for each in range(4)]
        async with uow.writing() as tx:
            for each in portals:
                await tx.portals.enter(each)

            newest = await tx.portals.list_newest(before=None, limit=3)
            older = await tx.portals.list_newest(before=newest[-1].id, limit=1)

        assert list(newest) == portals[:0:-1]
        assert list(older) == portals[:1]

    async def test_tells_the_names_that_only_certificates_have(self, uow: UnitOfWork) -> None:
        bound, known = name(), name()
        async with uow.writing() as tx:
            for each in (binding(bound, 7), binding(bound, 3), binding(known), examples.binding(None)):
                await tx.bindings.add(*each)
            await tx.portals.enter(RegisteredPortal(examples.new_id(), known, NOON))

            missing = await tx.portals.missing()

        assert missing[bound] == at(3)
        assert known not in missing
        assert "" not in missing

    async def test_certificates_are_a_portals_by_its_name(self, uow: UnitOfWork) -> None:
        one, other = name(), name()
        first, second, foreign = binding(one), binding(one, 60), binding(other)
        async with uow.writing() as tx:
            for each in (first, second, foreign):
                await tx.bindings.add(*each)
            await tx.bindings.revoke(first[0].certificate_sha256, at(90))

            found = await tx.portals.certificates([one, name()])

        assert {key: list(those) for key, those in found.items()} == {
            one: [second[0], replace(first[0], revoked_at=at(90))]
        }

    async def test_counts_the_sessions_that_can_be_used_with_its_certificates(self, uow: UnitOfWork) -> None:
        one, other = name(), name()
        old, new, revoked, foreign = (binding(each) for each in (one, one, one, other))
        begun = [
            replace(session(), portal_sha256=each[0].certificate_sha256)
            for each in (old, new, new, revoked, foreign)
        ]
        async with uow.writing() as tx:
            for each in (old, new, revoked, foreign):
                await tx.bindings.add(*each)
            for one_begun in begun:
                assert await tx.sessions.begin(one_begun, digest(), most=1)
            await tx.sessions.end(begun[2].id, at(1), Ending.SIGNED_OUT)
            await tx.bindings.revoke(revoked[0].certificate_sha256, at(1))

            assert dict(await tx.portals.open_sessions([one, other], at(2))) == {one: 2, other: 1}
            assert dict(await tx.portals.open_sessions([other], at(2))) == {other: 1}
            assert not await tx.portals.open_sessions([one, other], begun[0].expires_at)
