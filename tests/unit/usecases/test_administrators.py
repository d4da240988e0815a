"""The register of administrators (ADMIN-1)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from server.domain.refusals import InvalidPageToken, NotFound, RequestIdReused, ResourceNotPermitted
from server.usecases.administrators import DisableAdministrator, EnableAdministrator, ListAdministrators
from tests.unit.usecases.registers import ANI, BOB, NOBODYS, START, Registers


@pytest.fixture
def registers() -> Registers:
    return Registers()


def enabling(registers: Registers, request_id: str = "1", person_number: str = ANI) -> EnableAdministrator:
    return EnableAdministrator(registers.operator, request_id, registers.src.id, person_number, "Անի")


def disabling(registers: Registers, request_id: str = "2", person_number: str = ANI) -> DisableAdministrator:
    return DisableAdministrator(registers.operator, request_id, registers.src.id, person_number)


async def test_enables_a_person_and_disables_them_with_an_act_each(registers: Registers) -> None:
    enabled = await registers.administrators.enable_administrator(enabling(registers))
    assert enabled.enabled
    registers.clock.move(timedelta(hours=1))
    disabled = await registers.administrators.disable_administrator(disabling(registers))
    assert disabled == replace(enabled, disabled_at=START + timedelta(hours=1))
    first, second = registers.acts_so_far()
    assert (first.act, first.before) == ("EnableAdministrator", None)
    assert first.after == {"display_name": "Անի", "enabled": "true"}
    assert second.after == {"display_name": "Անի", "enabled": "false"}
    assert (second.resource.kind, second.resource.identifier) == ("ADMINISTRATOR", ANI)
    assert second.organisation == "11223344"


async def test_enabling_again_changes_the_name_or_nothing(registers: Registers) -> None:
    first = await registers.administrators.enable_administrator(enabling(registers))
    registers.clock.move(timedelta(hours=1))
    assert await registers.administrators.enable_administrator(enabling(registers, "2")) == first
    assert len(registers.acts_so_far()) == 1
    renamed = replace(enabling(registers, "3"), name="Անի Ս.")
    assert (await registers.administrators.enable_administrator(renamed)) == replace(first, name="Անի Ս.")
    assert len(registers.acts_so_far()) == 2
    with pytest.raises(RequestIdReused):
        await registers.administrators.enable_administrator(replace(renamed, name="Other"))


async def test_repeating_an_enabling_does_not_bring_the_right_back(registers: Registers) -> None:
    await registers.administrators.enable_administrator(enabling(registers))
    disabled = await registers.administrators.disable_administrator(disabling(registers))
    assert await registers.administrators.enable_administrator(enabling(registers)) == disabled
    assert await registers.administrators.disable_administrator(disabling(registers, "3")) == disabled
    assert len(registers.acts_so_far()) == 2


async def test_what_is_not_there_is_not_found(registers: Registers) -> None:
    for attempt in (
        registers.administrators.enable_administrator(replace(enabling(registers), organisation_id=NOBODYS)),
        registers.administrators.disable_administrator(
            replace(disabling(registers), organisation_id=NOBODYS)
        ),
        registers.administrators.disable_administrator(disabling(registers)),
    ):
        with pytest.raises(NotFound):
            await attempt
    assert registers.acts_so_far() == []


async def test_an_administrator_enables_nobody_for_another_organisation(registers: Registers) -> None:
    ani = await registers.enabled(registers.src)
    await registers.enabled(registers.other, BOB)
    for organisation_id in (registers.other.id, NOBODYS):
        command = replace(
            enabling(registers, "3", BOB), by=ani, organisation_id=organisation_id, name="renamed"
        )
        with pytest.raises(ResourceNotPermitted):
            await registers.administrators.enable_administrator(command)
    assert len(registers.acts_so_far()) == 2


async def test_lists_by_number_in_pages_disabled_ones_only_when_asked(registers: Registers) -> None:
    numbers = [ANI, BOB, "5001950017"]
    for number in numbers:
        await registers.enabled(registers.src, number)
    await registers.administrators.disable_administrator(disabling(registers, "d", BOB))
    ani = await registers.enabled(registers.other, ANI)
    command = ListAdministrators(registers.operator, registers.src.id, False, 1, "")

    async def listed(with_disabled: bool) -> list[str]:
        found, token = [], None
        while token != "":
            page = await registers.administrators.list_administrators(
                replace(command, with_disabled=with_disabled, page_token=token or "")
            )
            found += [each.person_number for each in page.items]
            token = page.next_page_token
        return found

    assert await listed(False) == [ANI, "5001950017"]
    assert await listed(True) == numbers
    own = await registers.administrators.list_administrators(
        replace(command, by=ani, organisation_id=registers.other.id)
    )
    assert [each.person_number for each in own.items] == [ANI]
    with pytest.raises(ResourceNotPermitted):
        await registers.administrators.list_administrators(replace(command, by=ani))
    with pytest.raises(NotFound):
        await registers.administrators.list_administrators(replace(command, organisation_id=NOBODYS))
    page = await registers.administrators.list_administrators(command)
    with pytest.raises(InvalidPageToken):
        await registers.administrators.list_administrators(
            replace(command, with_disabled=True, page_token=page.next_page_token)
        )
