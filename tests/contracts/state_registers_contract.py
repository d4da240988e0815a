"""What whoever asks the state's registers can rely on, of the client and of the fake alike."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Protocol

from server.domain.state_records import (
    EntityRecord,
    EntityState,
    Found,
    IdentityDocument,
    NotFound,
    PersonRecord,
    PersonState,
    RegistrationCertificate,
    Signatory,
    Unavailable,
)
from server.usecases.state_registers import StateRegisters

ANI = PersonRecord(
    number="5001950015",
    name="Անի Գրիգորյան",
    state=PersonState.ALIVE,
    document=IdentityDocument("id-card", "004512345", date(2034, 5, 1)),
    address="ք. Երևան, Աբովյան փ. 1, բն. 2",
)
COMPANY = EntityRecord(
    code="22335588",
    name="«Նամակ» ՍՊԸ",
    state=EntityState.REGISTERED,
    registration=RegistrationCertificate("264.110.1", date(2019, 3, 14)),
    address="ք. Երևան, Մաշտոցի պող. 10",
    signatories=(Signatory("5001950015", "Անի Գրիգորյան"), Signatory("2509850022", "Արամ Պետրոսյան")),
)
ANEW = timedelta(0)
HOUR = timedelta(hours=1)


class Scene(Protocol):
    """The registers, and the hands that change what stands in them."""

    @property
    def registers(self) -> StateRegisters: ...

    def show_person(self, record: PersonRecord) -> None: ...

    def show_entity(self, record: EntityRecord) -> None: ...

    def fall_silent(self) -> None:
        """From now on the registers answer nothing."""
        ...

    def come_back(self) -> None: ...

    def grow_older(self, by: timedelta) -> None:
        """Time passes."""
        ...


class StateRegistersContract:
    """The class of tests; `scene` is the implementation's fixture."""

    async def test_a_person_is_found_with_everything_that_is_registered(self, scene: Scene) -> None:
        scene.show_person(ANI)

        answer = await scene.registers.person(ANI.number)

        assert isinstance(answer, Found)
        assert answer.record == ANI
        assert timedelta(0) <= answer.age < timedelta(minutes=1)

    async def test_a_dead_person_without_papers_is_found_as_such(self, scene: Scene) -> None:
        dead = replace(ANI, state=PersonState.DEAD, document=None, address="")
        scene.show_person(dead)

        answer = await scene.registers.person(ANI.number)

        assert isinstance(answer, Found)
        assert answer.record == dead

    async def test_an_entity_is_found_with_its_signatories(self, scene: Scene) -> None:
        scene.show_entity(COMPANY)

        answer = await scene.registers.entity(COMPANY.code)

        assert isinstance(answer, Found)
        assert answer.record == COMPANY

    async def test_an_entity_that_ended_without_signatories_is_found_as_such(self, scene: Scene) -> None:
        ended = replace(COMPANY, state=EntityState.ENDED, registration=None, signatories=())
        scene.show_entity(ended)

        answer = await scene.registers.entity(COMPANY.code)

        assert isinstance(answer, Found)
        assert answer.record == ended

    async def test_who_is_not_registered_is_not_found(self, scene: Scene) -> None:
        scene.show_person(ANI)

        assert await scene.registers.person("2509850022") == NotFound()
        assert await scene.registers.entity(ANI.number) == NotFound()

    async def test_who_is_registered_a_moment_later_is_found_at_once(self, scene: Scene) -> None:
        assert await scene.registers.person(ANI.number) == NotFound()

        scene.show_person(ANI)

        assert isinstance(await scene.registers.person(ANI.number), Found)

    async def test_a_register_that_is_silent_is_told_apart_from_one_that_has_no_record(
        self, scene: Scene
    ) -> None:
        scene.fall_silent()

        for answer in (await scene.registers.person(ANI.number), await scene.registers.entity(COMPANY.code)):
            assert isinstance(answer, Unavailable)
            assert answer.retry_after > timedelta(0)

    async def test_an_answer_is_kept_and_says_how_old_it_is(self, scene: Scene) -> None:
        scene.show_person(ANI)
        await scene.registers.person(ANI.number)

        scene.grow_older(HOUR)
        scene.fall_silent()
        answer = await scene.registers.person(ANI.number)

        assert isinstance(answer, Found)
        assert HOUR <= answer.age < HOUR + timedelta(minutes=1)

    async def test_a_kept_answer_that_is_too_old_for_the_caller_is_not_given(self, scene: Scene) -> None:
        scene.show_entity(COMPANY)
        await scene.registers.entity(COMPANY.code)
        scene.grow_older(HOUR)
        scene.fall_silent()

        answer = await scene.registers.entity(COMPANY.code, no_older_than=HOUR / 2)

        assert isinstance(answer, Unavailable)

    async def test_who_asks_anew_learns_of_a_change_and_so_does_everybody_after(self, scene: Scene) -> None:
        scene.show_person(ANI)
        await scene.registers.person(ANI.number)
        dead = replace(ANI, state=PersonState.DEAD)
        scene.show_person(dead)

        kept = await scene.registers.person(ANI.number)
        anew = await scene.registers.person(ANI.number, no_older_than=ANEW)
        after = await scene.registers.person(ANI.number)

        assert isinstance(kept, Found)
        assert isinstance(anew, Found)
        assert isinstance(after, Found)
        assert [kept.record, anew.record, after.record] == [ANI, dead, dead]

    async def test_registers_that_come_back_are_asked_again(self, scene: Scene) -> None:
        scene.show_person(ANI)
        scene.fall_silent()
        await scene.registers.person(ANI.number)

        scene.come_back()

        assert isinstance(await scene.registers.person(ANI.number), Found)

    async def test_nothing_of_a_record_is_printed(self, scene: Scene) -> None:
        scene.show_person(ANI)
        scene.show_entity(COMPANY)

        printed = repr([await scene.registers.person(ANI.number), await scene.registers.entity(COMPANY.code)])

        personal = (ANI.number, ANI.name, COMPANY.code, COMPANY.name, "004512345")
        assert [value for value in personal if value in printed] == []
