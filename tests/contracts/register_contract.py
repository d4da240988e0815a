"""What the register of organisations and that of certificate bindings must do."""

import asyncio
from dataclasses import replace
from datetime import date, datetime

import pytest

from server.domain.senders import BindingRole, CertificateBinding, ContractState, Organisation
from server.usecases.ports import UnitOfWork
from server.usecases.records import BindingFilter, OrganisationFilter
from tests.contracts import examples


class OrganisationContract:
    """Organisations and their contracts."""

    async def test_an_organisation_s_code_is_in_use_once(self, uow: UnitOfWork) -> None:
        organisation = examples.organisation()
        same_code = replace(organisation, id=examples.new_id(), name="Another")
        async with uow.writing() as tx:
            assert await tx.organisations.add(organisation)
            assert not await tx.organisations.add(same_code)
            assert await tx.organisations.get(same_code.id) is None

    async def test_an_organisation_changes_its_name_and_its_contract(self, uow: UnitOfWork) -> None:
        organisation = replace(examples.organisation(), contract_ends_on=date(2027, 1, 31))
        async with uow.writing() as tx:
            await tx.organisations.add(organisation)
            assert await tx.organisations.get(organisation.id) == organisation
            changed = replace(organisation, name="Պետական եկամուտների կոմիտե", contract_ends_on=None)
            changed = replace(changed, contract_state=ContractState.SUSPENDED)
            changed = replace(changed, notification_policies=("am-2025@2", "am-2015@1"))
            await tx.organisations.change(replace(changed, code="other", registered_at=examples.at(9)))
            assert await tx.organisations.get(organisation.id) == changed
            assert await tx.organisations.lock(organisation.id) == changed
            assert await tx.organisations.lock(examples.new_id()) is None
            with pytest.raises(LookupError):
                await tx.organisations.change(replace(changed, id=examples.new_id()))

    async def test_organisations_are_listed_by_code(self, uow: UnitOfWork) -> None:
        first, second, third = sorted(
            (examples.organisation() for _ in range(3)), key=lambda organisation: organisation.code
        )
        first = replace(first, contract_ends_on=date(2026, 11, 21))
        second = replace(second, contract_ends_on=date(2026, 11, 22))
        third = replace(third, contract_state=ContractState.SUSPENDED)
        ours = OrganisationFilter(frozenset({first.id, second.id, third.id}))
        today = date(2026, 11, 22)
        async with uow.writing() as tx:
            for each in (third, first, second, examples.organisation()):
                await tx.organisations.add(each)

            async def listed(
                wanted: OrganisationFilter, after: str | None = None, limit: int = 9
            ) -> list[Organisation]:
                return list(await tx.organisations.list_by_code(wanted, today, after=after, limit=limit))

            assert await listed(ours) == [first, second, third]
            assert await listed(ours, limit=2) == [first, second]
            assert await listed(ours, after=first.code) == [second, third]
            assert await listed(replace(ours, contract_state=ContractState.ENDED)) == [first]
            assert await listed(replace(ours, contract_state=ContractState.IN_FORCE)) == [second]
            assert await listed(replace(ours, contract_state=ContractState.SUSPENDED)) == [third]
            assert await listed(OrganisationFilter(code=second.code)) == [second]
            assert await listed(OrganisationFilter(organisation_ids=frozenset())) == []

    async def test_who_changes_a_locked_organisation_waits(self, uow: UnitOfWork) -> None:
        organisation = examples.organisation()
        async with uow.writing() as tx:
            await tx.organisations.add(organisation)
            await tx.commit()

        async def rename(name: str) -> None:
            async with uow.writing() as tx:
                found = await tx.organisations.lock(organisation.id)
                assert found is not None
                await tx.organisations.change(replace(found, name=f"{found.name} {name}"))
                await tx.commit()

        await asyncio.gather(*(rename("x") for _ in range(3)))
        async with uow.reading() as tx:
            found = await tx.organisations.get(organisation.id)
            assert found is not None
            assert found.name == f"{organisation.name} x x x"


class BindingContract:
    """What machine certificates stand for."""

    async def test_a_certificate_is_bound_once(self, uow: UnitOfWork) -> None:
        owner = examples.organisation()
        address = examples.address(owner)
        bindings = [examples.binding(None), examples.binding(owner), examples.binding(owner, address)]
        async with uow.writing() as tx:
            await tx.organisations.add(owner)
            await tx.sender_addresses.add(address)
            for binding, certificate in bindings:
                assert await tx.bindings.add(binding, certificate)
                assert not await tx.bindings.add(replace(binding, bound_at=examples.at(5)), certificate)
                assert await tx.bindings.get(binding.certificate_sha256) == binding
            assert await tx.bindings.get(bytes(32)) is None

    async def test_a_binding_keeps_the_time_of_its_first_revocation(self, uow: UnitOfWork) -> None:
        binding, certificate = examples.binding(None)
        async with uow.writing() as tx:
            await tx.bindings.add(binding, certificate)
            await tx.bindings.revoke(binding.certificate_sha256, examples.at(1))
            await tx.bindings.revoke(binding.certificate_sha256, examples.at(2))
            revoked = replace(binding, revoked_at=examples.at(1))
            assert await tx.bindings.get(binding.certificate_sha256) == revoked
            assert not await tx.bindings.add(binding, certificate)
            with pytest.raises(LookupError):
                await tx.bindings.revoke(bytes(32), examples.at(1))

    async def test_portals_are_those_that_are_bound_and_not_revoked(self, uow: UnitOfWork) -> None:
        bound = [
            (replace(one, role=BindingRole.PORTAL, portal_name="portal.am"), der)
            for one, der in (examples.binding(None) for _ in range(3))
        ]
        async with uow.writing() as tx:
            operator, certificate = examples.binding(None)
            await tx.bindings.add(operator, certificate)
            for each, der in bound:
                await tx.bindings.add(each, der)
            first, second, revoked = [each.certificate_sha256 for each, _ in bound]
            await tx.bindings.revoke(revoked, examples.at(1))
            found = await tx.bindings.portals()
            assert found == sorted(found)
            assert {first, second} <= set(found)
            assert not {revoked, operator.certificate_sha256} & set(found)

    async def test_bindings_are_listed_newest_first(self, uow: UnitOfWork) -> None:
        owner, other = examples.organisation(), examples.organisation()
        address = examples.address(owner)
        made = [
            examples.binding(owner),
            examples.binding(owner, address),
            examples.binding(owner),
            examples.binding(other),
        ]
        made = [
            (replace(one, bound_at=examples.at(number // 2), expires_at=examples.at(100 * number + 100)), der)
            for number, (one, der) in enumerate(made)
        ]
        async with uow.writing() as tx:
            for each in (owner, other):
                await tx.organisations.add(each)
            await tx.sender_addresses.add(address)
            for binding, certificate in made:
                assert await tx.bindings.add(binding, certificate)
            early, narrowed, late = (binding for binding, _ in made[:3])

            async def listed(
                wanted: BindingFilter, before: tuple[datetime, bytes] | None = None, limit: int = 9
            ) -> list[CertificateBinding]:
                return list(await tx.bindings.list_newest(wanted, before=before, limit=limit))

            ours = BindingFilter(owner.id)
            at_once = sorted((early, narrowed), key=lambda each: each.certificate_sha256, reverse=True)
            assert await listed(ours) == [late, *at_once]
            assert await listed(ours, limit=2) == [late, at_once[0]]
            place = (at_once[0].bound_at, at_once[0].certificate_sha256)
            assert await listed(ours, before=place) == [at_once[1]]
            assert await listed(replace(ours, sender_address_id=address.id)) == [narrowed]
            assert await listed(replace(ours, active_at=examples.at(200))) == [late]
            assert await listed(replace(ours, expiring_until=examples.at(100))) == [early]
            await tx.bindings.revoke(late.certificate_sha256, examples.at(5))
            assert await listed(replace(ours, active_at=examples.at(200))) == []
            assert await tx.bindings.lock(early.certificate_sha256) == early
            assert await tx.bindings.lock(bytes(32)) is None
