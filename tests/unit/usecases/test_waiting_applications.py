"""Applications that wait for the state's registers are asked about again."""

from dataclasses import replace
from datetime import timedelta

import pytest

from server.domain.applications import ApplicationState
from server.domain.state_records import EntityAnswer, Fault, PersonAnswer, Unavailable
from server.usecases import applications
from server.usecases.application_commands import SubmitApplication
from tests.unit.usecases.registration_world import (
    AIGUL,
    BOLAT,
    COMPANY,
    RegistrationWorld,
    aiguls_data,
    aiguls_form,
    companys_form,
    on_paper,
)


async def test_one_bad_record_and_a_silent_register_hold_up_nobody_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = RegistrationWorld()
    await world.publish()
    monkeypatch.setattr(applications, "_AT_ONCE", 1)
    world.registers.fall_silent()
    company = await world.desk.submit(await world.signed(companys_form(), world.bolat, entity=COMPANY))
    aigul = await world.received()
    form, paper = on_paper(replace(aiguls_form(), data=replace(aiguls_data(), number=BOLAT)), BOLAT)
    bolat = await world.desk.submit(
        SubmitApplication(world.clerk, "paper", replace(form, login="bolat"), paper)
    )
    world.registers.come_back()
    person = world.registers.person

    async def bad_for_aigul(number: str, *, no_older_than: timedelta = timedelta.max) -> PersonAnswer:
        if number == AIGUL:
            return Unavailable(Fault.MALFORMED, timedelta(seconds=30))
        return await person(number, no_older_than=no_older_than)

    async def silent(code: str, *, no_older_than: timedelta = timedelta.max) -> EntityAnswer:
        return Unavailable(Fault.NOT_CONFIGURED, timedelta(hours=1))

    monkeypatch.setattr(world.registers, "person", bad_for_aigul)
    monkeypatch.setattr(world.registers, "entity", silent)
    await world.desk.check_unanswered()
    states = {each.id: each.state for each in world.uow.committed.applications.values()}
    assert states == {
        company.application.id: ApplicationState.WAITING,
        aigul.application.id: ApplicationState.WAITING,
        bolat.application.id: ApplicationState.CONTRADICTED,
    }
