"""What the list of administrators and that of administrative acts must do."""

import asyncio
from dataclasses import replace
from uuid import UUID

import pytest

from namak.evidence.administrative_act import ActorKind
from server.domain.administration import Administrator
from server.domain.ids import first_id
from server.domain.senders import Organisation
from server.storage.failures import StorageFault
from server.usecases.ports import UnitOfWork
from server.usecases.records import ActFilter, ListedAct
from tests.contracts import examples


def _person() -> str:
    return f"{examples.number():010}"


def _act(organisation_id: UUID | None, seconds: float = 0) -> ListedAct:
    return ListedAct(
        # Lists by time look among the identifiers of that time.
        evidence_id=UUID(int=first_id(examples.NOON).int + examples.number()),
        organisation_id=organisation_id,
        act="UpdateSenderAddress",
        actor_kind=ActorKind.ADMINISTRATOR,
        person_number=_person(),
        resource_kind="SENDER_ADDRESS",
        resource=str(examples.new_id()),
        recorded_at=examples.at(seconds),
    )


async def _added(uow: UnitOfWork) -> Organisation:
    organisation = examples.organisation()
    async with uow.writing() as tx:
        await tx.organisations.add(organisation)
        await tx.commit()
    return organisation


class AdministratorContract:
    """Who may act for organisations."""

    async def test_an_administrator_is_enabled_disabled_and_enabled_again(self, uow: UnitOfWork) -> None:
        owner, person = await _added(uow), _person()
        async with uow.writing() as tx:
            enabled = await tx.administrators.enable(owner.id, person, "Անի", examples.at(1))
            assert enabled == Administrator(owner.id, person, "Անի", examples.at(1), None)
            assert await tx.administrators.get(owner.id, person) == enabled
            assert await tx.administrators.organisations_of([person]) == {person: {owner.id}}
            await tx.administrators.disable(owner.id, person, examples.at(2))
            await tx.administrators.disable(owner.id, person, examples.at(3))
            disabled = replace(enabled, disabled_at=examples.at(2))
            assert await tx.administrators.get(owner.id, person, shared=True) == disabled
            assert await tx.administrators.lock(owner.id, person) == disabled
            assert await tx.administrators.organisations_of([person]) == {person: frozenset()}
            again = await tx.administrators.enable(owner.id, person, "Անի Ս.", examples.at(4))
            assert again == Administrator(owner.id, person, "Անի Ս.", examples.at(4), None)
            await tx.commit()
        async with uow.reading() as tx:
            assert await tx.administrators.get(owner.id, person) == again

    async def test_who_is_enabled_keeps_the_time_and_gets_the_new_name(self, uow: UnitOfWork) -> None:
        owner, person = await _added(uow), _person()
        async with uow.writing() as tx:
            await tx.administrators.enable(owner.id, person, "Անի", examples.at(1))
            again = await tx.administrators.enable(owner.id, person, "Անի Ս.", examples.at(2))
            assert again == Administrator(owner.id, person, "Անի Ս.", examples.at(1), None)

    async def test_a_clock_that_is_behind_disables_no_earlier_than_enabled(self, uow: UnitOfWork) -> None:
        owner, person = await _added(uow), _person()
        async with uow.writing() as tx:
            await tx.administrators.enable(owner.id, person, "Անի", examples.at(5))
            await tx.administrators.disable(owner.id, person, examples.at(1))
            found = await tx.administrators.get(owner.id, person)
            assert found is not None
            assert found.disabled_at == examples.at(5)

    async def test_who_never_was_one_is_not_disabled(self, uow: UnitOfWork) -> None:
        owner = await _added(uow)
        async with uow.writing() as tx:
            assert await tx.administrators.get(owner.id, "1") is None
            with pytest.raises(LookupError):
                await tx.administrators.disable(owner.id, "1", examples.at(1))

    async def test_an_unknown_organisation_has_no_administrators(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            with pytest.raises(StorageFault) as raised:
                await tx.administrators.enable(examples.new_id(), _person(), "Անի", examples.at(1))
            assert raised.value.constraint == "fk_administrators_organisation_id_organisations"

    async def test_a_person_administers_several_organisations_and_lists_are_of_one(
        self, uow: UnitOfWork
    ) -> None:
        owner, other = await _added(uow), await _added(uow)
        first, second, third = sorted(_person() for _ in range(3))
        async with uow.writing() as tx:
            for person in (third, first, second):
                await tx.administrators.enable(owner.id, person, person, examples.at(1))
            await tx.administrators.enable(other.id, first, first, examples.at(1))
            await tx.administrators.disable(owner.id, second, examples.at(2))
            assert await tx.administrators.organisations_of([first, second, "nobody"]) == {
                first: {owner.id, other.id},
                second: frozenset(),
                "nobody": frozenset(),
            }

            async def listed(after: str | None, limit: int, disabled: bool) -> list[str]:
                found = await tx.administrators.list_of(owner.id, after=after, limit=limit, disabled=disabled)
                return [each.person_number for each in found]

            assert await listed(None, 9, True) == [first, second, third]
            assert await listed(None, 9, False) == [first, third]
            assert await listed(None, 1, False) == [first]
            assert await listed(first, 9, True) == [second, third]

    async def test_disabling_waits_for_who_acts_at_the_moment(self, uow: UnitOfWork) -> None:
        owner, person = await _added(uow), _person()
        order: list[str] = []
        acting = asyncio.Event()
        async with uow.writing() as tx:
            await tx.administrators.enable(owner.id, person, "Անի", examples.at(1))
            await tx.commit()

        async def act() -> None:
            async with uow.writing() as tx:
                await tx.administrators.get(owner.id, person, shared=True)
                acting.set()
                # Many turns, in which the other one gets as far as it can.
                for _ in range(20):
                    await tx.administrators.get(owner.id, person)
                order.append("acted")
                await tx.commit()

        async def disable() -> None:
            await acting.wait()
            async with uow.writing() as tx:
                await tx.administrators.disable(owner.id, person, examples.at(2))
                order.append("disabled")
                await tx.commit()

        await asyncio.gather(act(), disable())
        assert order == ["acted", "disabled"]


class AdministrativeActContract:
    """The list of administrative acts."""

    async def test_an_act_is_listed_as_it_was_added(self, uow: UnitOfWork) -> None:
        acts = [_act(examples.new_id()), _act(None)]
        acts[1] = replace(acts[1], actor_kind=ActorKind.COMMAND_LINE, person_number=None)
        async with uow.writing() as tx:
            for act in acts:
                await tx.administrative_acts.add(act)
            await tx.commit()
        async with uow.reading() as tx:
            for act in acts:
                wanted = ActFilter(resource=act.resource)
                assert act in await tx.administrative_acts.list_newest(wanted, before=None, limit=50)

    async def test_an_act_is_listed_once(self, uow: UnitOfWork) -> None:
        act = _act(examples.new_id())
        async with uow.writing() as tx:
            await tx.administrative_acts.add(act)
            with pytest.raises(StorageFault) as raised:
                await tx.administrative_acts.add(act)
            assert raised.value.constraint == "pk_administrative_acts"

    async def test_acts_are_listed_newest_first_by_what_is_asked_for(self, uow: UnitOfWork) -> None:
        owner = examples.new_id()
        first, second, third = (_act(owner, seconds) for seconds in (1, 2, 3))
        second = replace(second, act="DeleteSenderAddress")
        foreign = _act(examples.new_id(), 2)
        async with uow.writing() as tx:
            for act in (first, foreign, second, third):
                await tx.administrative_acts.add(act)

            async def listed(
                wanted: ActFilter, before: UUID | None = None, limit: int = 9
            ) -> list[ListedAct]:
                return list(await tx.administrative_acts.list_newest(wanted, before=before, limit=limit))

            of_owner = ActFilter(organisation_id=owner)
            assert await listed(of_owner) == [third, second, first]
            assert await listed(of_owner, limit=2) == [third, second]
            assert await listed(of_owner, before=third.evidence_id) == [second, first]
            assert await listed(replace(of_owner, act="DeleteSenderAddress")) == [second]
            assert await listed(ActFilter(resource=foreign.resource)) == [foreign]
            assert await listed(replace(of_owner, resource=foreign.resource)) == []
            assert await listed(ActFilter(person_number=first.person_number)) == [first]
            assert await listed(replace(of_owner, since=examples.at(2))) == [third, second]
            assert await listed(replace(of_owner, until=examples.at(2))) == [first]
            everything = await listed(ActFilter(), limit=4)
            assert everything == [foreign, third, second, first]
