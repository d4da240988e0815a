"""The register of organisations and their contracts."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from server.domain.administration import etag_of, organisation_snapshot
from server.domain.refusals import (
    AlreadyRegistered,
    EtagMismatch,
    InvalidFields,
    InvalidPageToken,
    NotFound,
    RequestIdReused,
    ResourceNotPermitted,
)
from server.domain.senders import ContractState
from server.usecases.organisations import (
    ListOrganisations,
    OrganisationView,
    RegisterOrganisation,
    SetContractState,
    UpdateOrganisation,
)
from tests.unit.usecases.registers import ANI, NOBODYS, Registers


@pytest.fixture
def registers() -> Registers:
    return Registers()


async def registered(registers: Registers, request_id: str = "o", code: str = "55667788") -> OrganisationView:
    return await registers.organisations.register_organisation(
        RegisterOrganisation(registers.operator, request_id, code, "Committee")
    )


def listing(registers: Registers, size: int = 50, token: str = "") -> ListOrganisations:
    return ListOrganisations(registers.operator, None, None, size, token)


async def test_registers_an_organisation_without_a_contract(registers: Registers) -> None:
    view = await registered(registers)
    assert view.contract_state is ContractState.NONE
    assert registers.uow.committed.organisations[view.organisation.id] == view.organisation
    (act,) = registers.acts_so_far()
    assert (act.act, act.organisation, act.before) == ("RegisterOrganisation", "55667788", None)


async def test_repeating_a_registration_gives_the_organisation_as_it_now_is(registers: Registers) -> None:
    view = await registered(registers)
    changed = await registers.organisations.set_contract_state(
        SetContractState(registers.operator, "c", view.organisation.id, ContractState.IN_FORCE)
    )
    assert changed.contract_state is ContractState.IN_FORCE
    assert await registered(registers) == changed


async def test_a_refused_request_leaves_its_id_free(registers: Registers) -> None:
    await registered(registers, "1")
    with pytest.raises(AlreadyRegistered):
        await registered(registers, "2")
    await registered(registers, "2", "22446688")
    with pytest.raises(RequestIdReused):
        await registered(registers, "2", "22446689")


async def test_repeating_an_old_change_does_not_bring_it_back(registers: Registers) -> None:
    states = [("1", ContractState.SUSPENDED), ("2", ContractState.ENDED), ("1", ContractState.SUSPENDED)]
    seen = [
        await registers.organisations.set_contract_state(
            SetContractState(registers.operator, request_id, registers.src.id, state)
        )
        for request_id, state in states
    ]
    assert seen[-1].contract_state is ContractState.ENDED


async def test_a_contract_that_was_is_never_undone(registers: Registers) -> None:
    with pytest.raises(InvalidFields):
        await registers.organisations.set_contract_state(
            SetContractState(registers.operator, "1", registers.src.id, ContractState.NONE)
        )


# The clock says 2026-11-21 23:42 UTC, and that is the 22nd in Yerevan.
@pytest.mark.parametrize(
    ("state", "ends_on", "reason"),
    [
        (ContractState.IN_FORCE, date(2026, 11, 21), "DAY_OVER"),
        (ContractState.SUSPENDED, date(2026, 11, 21), "DAY_OVER"),
        (ContractState.ENDED, date(2027, 1, 1), "NOT_PERMITTED"),
    ],
)
async def test_a_last_day_that_makes_no_sense_is_a_wrong_field(
    registers: Registers, state: ContractState, ends_on: date, reason: str
) -> None:
    with pytest.raises(InvalidFields) as wrong:
        await registers.organisations.set_contract_state(
            SetContractState(registers.operator, "1", registers.src.id, state, ends_on)
        )
    assert [(each.field, each.reason) for each in wrong.value.problems] == [("contract_end_date", reason)]


async def test_a_repeated_request_gets_its_answer_also_after_the_last_day(registers: Registers) -> None:
    command = SetContractState(
        registers.operator, "1", registers.src.id, ContractState.IN_FORCE, date(2026, 11, 22)
    )
    await registers.organisations.set_contract_state(command)
    registers.clock.move(timedelta(days=1))
    assert (await registers.organisations.set_contract_state(command)).contract_state is ContractState.ENDED


async def test_a_contract_ends_with_its_last_local_day(registers: Registers) -> None:
    view = await registers.organisations.set_contract_state(
        SetContractState(
            registers.operator, "1", registers.src.id, ContractState.IN_FORCE, date(2026, 11, 22)
        )
    )
    assert view.contract_state is ContractState.IN_FORCE
    registers.clock.time = datetime(2026, 11, 22, 19, 59, 59, 999999, tzinfo=UTC)
    view = await registers.organisations.get_organisation(registers.operator, registers.src.id)
    assert view.contract_state is ContractState.IN_FORCE
    registers.clock.time = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
    view = await registers.organisations.get_organisation(registers.operator, registers.src.id)
    assert view.contract_state is ContractState.ENDED
    (act,) = registers.acts_so_far()
    assert act.after is not None
    assert act.after["contract_end_date"] == "2026-11-22"


async def test_leaving_the_last_day_out_takes_it_back(registers: Registers) -> None:
    for request_id, ends_on in (("1", date(2026, 12, 31)), ("2", None)):
        view = await registers.organisations.set_contract_state(
            SetContractState(
                registers.operator, request_id, registers.src.id, ContractState.IN_FORCE, ends_on
            )
        )
        assert view.organisation.contract_ends_on == ends_on
    assert len(registers.acts_so_far()) == 2


async def test_renames_and_the_etag_tells_one_state_from_another(registers: Registers) -> None:
    etag = etag_of(organisation_snapshot(registers.src))
    command = UpdateOrganisation(registers.operator, "1", registers.src.id, "Tax Service", etag)
    view = await registers.organisations.update_organisation(command)
    assert view.organisation == replace(registers.src, name="Tax Service")
    assert etag_of(organisation_snapshot(view.organisation)) != etag
    # The same request again is no stale one.
    assert await registers.organisations.update_organisation(command) == view
    with pytest.raises(EtagMismatch):
        await registers.organisations.update_organisation(replace(command, request_id="2", name="Other"))
    unchecked = replace(command, request_id="3", name="Other", etag="")
    assert (await registers.organisations.update_organisation(unchecked)).organisation.name == "Other"


async def test_what_is_not_there_is_not_found(registers: Registers) -> None:
    operator = registers.operator
    for attempt in (
        registers.organisations.set_contract_state(
            SetContractState(operator, "1", NOBODYS, ContractState.ENDED)
        ),
        registers.organisations.update_organisation(UpdateOrganisation(operator, "1", NOBODYS, "x", "")),
        registers.organisations.get_organisation(operator, NOBODYS),
    ):
        with pytest.raises(NotFound):
            await attempt
    assert not registers.uow.committed.claims


async def test_an_administrator_sees_their_own_organisation_and_no_other(registers: Registers) -> None:
    ani = await registers.enabled(registers.src)
    view = await registers.organisations.get_organisation(ani, registers.src.id)
    assert view.organisation == registers.src
    for organisation_id in (registers.other.id, NOBODYS):
        with pytest.raises(ResourceNotPermitted):
            await registers.organisations.get_organisation(ani, organisation_id)


async def test_the_operator_lists_all_by_code_in_pages(registers: Registers) -> None:
    third = (await registered(registers)).organisation
    page = await registers.organisations.list_organisations(listing(registers, 2))
    assert [view.organisation for view in page.items] == [registers.src, third]
    rest = await registers.organisations.list_organisations(listing(registers, 2, page.next_page_token))
    assert [view.organisation for view in rest.items] == [registers.other]
    assert rest.next_page_token == ""


async def test_lists_by_the_state_that_counts_today_and_by_code(registers: Registers) -> None:
    await registers.organisations.set_contract_state(
        SetContractState(
            registers.operator, "1", registers.src.id, ContractState.IN_FORCE, date(2026, 11, 22)
        )
    )
    registers.clock.move(timedelta(days=1))
    all_of = listing(registers)
    ended = await registers.organisations.list_organisations(
        replace(all_of, contract_state=ContractState.ENDED)
    )
    assert [view.organisation.code for view in ended.items] == ["11223344"]
    assert [view.contract_state for view in ended.items] == [ContractState.ENDED]
    named = await registers.organisations.list_organisations(replace(all_of, code="99887766"))
    assert [view.organisation for view in named.items] == [registers.other]
    page = await registers.organisations.list_organisations(replace(all_of, page_size=1))
    with pytest.raises(InvalidPageToken):
        await registers.organisations.list_organisations(
            replace(all_of, code="99887766", page_token=page.next_page_token)
        )


async def test_a_person_lists_what_they_administer_now(registers: Registers) -> None:
    from tests.unit.usecases.world import World

    holder = World().holder(ANI)
    command = replace(listing(registers), caller=holder)
    assert (await registers.organisations.list_organisations(command)).items == []
    await registers.enabled(registers.other)
    page = await registers.organisations.list_organisations(command)
    assert [view.organisation for view in page.items] == [registers.other]
