"""What the register of print houses must do, whatever keeps it."""

import hashlib
from dataclasses import replace

from server.domain.print_houses import PrintHouseState, RegisteredPrintHouse
from server.domain.senders import BindingRole, CertificateBinding
from server.usecases.ports import Transaction, UnitOfWork
from tests.contracts import examples
from tests.contracts.examples import NOON, at


def house() -> RegisteredPrintHouse:
    return RegisteredPrintHouse(examples.new_id(), f"house {examples.number()}", NOON)


async def added(tx: Transaction) -> RegisteredPrintHouse:
    made = house()
    assert await tx.print_houses.add(made)
    return made


def binding(owner: RegisteredPrintHouse, seconds: float = 0) -> tuple[CertificateBinding, bytes]:
    certificate = f"print house certificate {examples.number()}".encode()
    bound = CertificateBinding(
        certificate_sha256=hashlib.sha256(certificate).digest(),
        role=BindingRole.PRINT_HOUSE,
        organisation_id=None,
        sender_address_id=None,
        expires_at=at(86400),
        bound_at=at(seconds),
        revoked_at=None,
        print_house_id=owner.id,
    )
    return bound, certificate


class PrintHouseContract:
    """Subclasses give the fixture `uow`. Other tests' rows may be there too."""

    async def test_a_name_is_added_once(self, uow: UnitOfWork) -> None:
        first = house()
        async with uow.writing() as tx:
            assert await tx.print_houses.add(first)
            second = replace(first, id=examples.new_id(), registered_at=at(5))
            assert not await tx.print_houses.add(second)
            assert await tx.print_houses.get(first.id) == first == await tx.print_houses.lock(first.id)
            assert await tx.print_houses.get(second.id) is None

    async def test_its_state_is_kept(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            before = await added(tx)
            after = replace(before, state=PrintHouseState.SUSPENDED)
            await tx.print_houses.put(after)
            assert await tx.print_houses.get(before.id) == after

    async def test_lists_the_last_registered_first_from_a_place_on(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            houses = [await added(tx) for _ in range(4)]
            newest = await tx.print_houses.list_newest(before=None, limit=3)
            older = await tx.print_houses.list_newest(before=newest[-1].id, limit=1)
        assert list(newest) == houses[:0:-1]
        assert list(older) == houses[:1]

    async def test_its_certificates_are_told_and_revoked_and_nobody_elses(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            ours, theirs = await added(tx), await added(tx)
            (old, old_der), (new, new_der) = binding(ours), binding(ours, 5)
            other, other_der = binding(theirs)
            for bound, der in ((old, old_der), (new, new_der), (other, other_der)):
                assert await tx.bindings.add(bound, der)
            await tx.bindings.revoke(old.certificate_sha256, at(9))
            before = replace(old, revoked_at=at(9))
            found = await tx.print_houses.certificates([ours.id, theirs.id, examples.new_id()])
            assert found == {ours.id: [new, before], theirs.id: [other]}
            assert await tx.print_houses.revoke_certificates(ours.id, at(20)) == [new]
            assert await tx.bindings.get(new.certificate_sha256) == replace(new, revoked_at=at(20))
            assert await tx.bindings.get(old.certificate_sha256) == before
            assert await tx.bindings.get(other.certificate_sha256) == other
