"""Applications, and what the state's registers say of them or leave unsaid."""

from dataclasses import replace
from datetime import timedelta

import pytest

from server.domain.applications import ApplicationState, Finding
from server.domain.refusals import ApplicationContradicted, ApplicationWaiting
from server.domain.state_records import EntityRecord, EntityState, PersonRecord, PersonState
from server.usecases.application_commands import SubmitApplication
from tests.unit.usecases.registration_world import (
    AIGUL,
    BOLAT,
    COMPANY,
    RegistrationWorld,
    aiguls_data,
    aiguls_form,
    approval,
    companys_form,
    on_paper,
)


@pytest.fixture
async def world() -> RegistrationWorld:
    made = RegistrationWorld()
    await made.publish()
    return made


async def test_an_application_waits_while_the_register_is_down_and_is_not_approved(
    world: RegistrationWorld,
) -> None:
    world.registers.fall_silent()
    came = await world.received()
    assert came.application.state is ApplicationState.WAITING
    with pytest.raises(ApplicationWaiting):
        await world.desk.decide(approval(world))
    assert world.uow.committed.mailboxes == {}
    assert world.uow.committed.logins == {}

    world.registers.come_back()
    await world.desk.check_unanswered()

    assert (await world.desk.standing(world.clerk, came.application.id)).application.state is (
        ApplicationState.CHECKED
    )
    # The refusal left the request id free.
    assert (await world.desk.decide(approval(world))).mailbox is not None


async def test_a_register_that_is_down_is_not_asked_about_all_that_wait(world: RegistrationWorld) -> None:
    world.registers.fall_silent()
    await world.received()
    form, paper = on_paper(replace(aiguls_form(), data=replace(aiguls_data(), number=BOLAT)), BOLAT)
    await world.desk.submit(SubmitApplication(world.clerk, "paper", replace(form, login="bolat"), paper))
    asked: list[str] = []
    person = world.registers.person

    async def counted(number: str, *, no_older_than: timedelta = timedelta.max):  # type: ignore[no-untyped-def]
        asked.append(number)
        return await person(number, no_older_than=no_older_than)

    world.registers.person = counted  # type: ignore[method-assign]
    await world.desk.check_unanswered()
    assert len(asked) == 1
    world.registers.come_back()
    await world.desk.check_unanswered()
    assert len(asked) == 3


async def test_approving_asks_a_register_that_answers_again_by_itself(world: RegistrationWorld) -> None:
    world.registers.fall_silent()
    await world.received()
    world.registers.come_back()
    assert (await world.desk.decide(approval(world))).mailbox is not None


async def test_what_the_register_said_holds_for_a_day(world: RegistrationWorld) -> None:
    await world.received()
    world.registers.fall_silent()
    world.clock.move(timedelta(days=1, seconds=1))
    world.registers.grow_older(timedelta(days=1, seconds=1))
    with pytest.raises(ApplicationWaiting):
        await world.desk.decide(approval(world))
    world.registers.come_back()
    world.registers.show_person(PersonRecord(AIGUL, "Айгүл Серікқызы", PersonState.DEAD, None, ""))
    with pytest.raises(ApplicationContradicted) as refused:
        await world.desk.decide(approval(world))
    assert refused.value.metadata["findings"] == "ENDED"


@pytest.mark.parametrize(
    ("record", "finding"),
    [
        (PersonRecord(AIGUL, "Айгүл Болатқызы", PersonState.ALIVE, None, ""), Finding.NAME_DIFFERS),
        (PersonRecord(AIGUL, "Айгүл Серікқызы", PersonState.DEAD, None, ""), Finding.ENDED),
    ],
)
async def test_an_application_that_the_register_contradicts_is_not_approved(
    world: RegistrationWorld, record: PersonRecord, finding: Finding
) -> None:
    world.registers.show_person(record)
    came = await world.received()
    assert (came.application.state, came.application.findings) == (ApplicationState.CONTRADICTED, (finding,))
    with pytest.raises(ApplicationContradicted):
        await world.desk.decide(approval(world))
    assert world.uow.committed.mailboxes == {}


async def test_a_number_that_the_register_does_not_have_is_a_finding(world: RegistrationWorld) -> None:
    nobody = "900101450012"
    form, paper = on_paper(replace(aiguls_form(), data=replace(aiguls_data(), number=nobody)), nobody)
    came = await world.desk.submit(SubmitApplication(world.clerk, "paper", form, paper))
    assert came.application.findings == (Finding.NOT_REGISTERED,)


async def test_a_company_that_ended_or_has_another_signatory_is_contradicted(
    world: RegistrationWorld,
) -> None:
    world.registers.show_entity(
        EntityRecord(COMPANY, "«Болат» ЖШС", EntityState.ENDED, None, "", signatories=())
    )
    came = await world.desk.submit(await world.signed(companys_form(), world.bolat, entity=COMPANY))
    assert set(came.application.findings) == {Finding.ENDED, Finding.SIGNER_NOT_SIGNATORY}
