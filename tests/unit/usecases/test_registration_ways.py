"""Which ways to a mailbox are open to whom is the jurisdiction's data (POST-3, BOX-3, BOX-4)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from server.domain.mailboxes import HolderKind
from server.domain.profile import Profile, Registration, RegistrationWay
from server.domain.refusals import AgreementNotCurrent, RegistrationWayClosed
from server.jurisdictions.am import AM
from server.jurisdictions.az import AZ
from server.jurisdictions.kz import KZ
from server.usecases.application_commands import Form, SubmitApplication
from server.usecases.applications import ApplicationDesk
from server.usecases.mailbox_import import ImportBlock, MailboxImport
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

BY_REGISTER = (RegistrationWay.CARD_REGISTER,)
BY_APPLICATION = (RegistrationWay.APPLICATION,)


def with_rules(rules: Registration) -> Profile:
    """Returns the profile of which the numbers in this file are, with other rules of registration."""
    return replace(KZ, registration=rules)


def desk(world: RegistrationWorld, profile: Profile) -> ApplicationDesk:
    return ApplicationDesk(
        administration=world.administration,
        clock=world.clock,
        entropy=world.entropy,
        profile=profile,
        signatures=world.signatures,
        registers=world.registers,
    )


async def imported(world: RegistrationWorld, profile: Profile) -> int:
    imports = MailboxImport(
        administration=world.administration, clock=world.clock, entropy=world.entropy, profile=profile
    )
    return (await imports.open_block(ImportBlock(world.operator, 1, [AIGUL.encode()]))).opened


@pytest.mark.parametrize("profile", [AM, AZ], ids=lambda profile: profile.code)
async def test_where_cards_open_mailboxes_no_person_applies_but_an_entity_does(profile: Profile) -> None:
    world = RegistrationWorld()
    applications = desk(world, with_rules(profile.registration))
    persons, entitys = Form(aiguls_data(), "", "", "kk"), replace(companys_form(), agreement_version="")

    with pytest.raises(RegistrationWayClosed) as refused:
        await applications.prepare(world.aigul, "1", persons)
    assert refused.value.metadata == {
        "holder_kind": HolderKind.PERSON.value,
        "way": "application",
        "open_ways": "card-register",
    }
    signed = SubmitApplication(world.aigul, "1", persons, b"never looked at")
    with pytest.raises(RegistrationWayClosed):
        await applications.submit(signed)
    with pytest.raises(RegistrationWayClosed):
        await applications.submit(SubmitApplication(world.clerk, "paper", *on_paper(persons, AIGUL)))
    assert world.uow.committed.applications == {}

    text = await applications.prepare(world.bolat, "1", entitys)
    cms = world.signatures.sign(text, BOLAT, COMPANY)
    came = await applications.submit(SubmitApplication(world.bolat, "1", entitys, cms))
    assert came.application.data.number == COMPANY
    assert await imported(world, with_rules(profile.registration)) == 1


async def test_where_people_apply_none_come_from_the_register_of_cards() -> None:
    world = RegistrationWorld()
    with pytest.raises(RegistrationWayClosed) as refused:
        await imported(world, KZ)
    assert refused.value.metadata["open_ways"] == "application"
    assert world.uow.committed.mailboxes == {}


async def test_several_ways_may_be_open_and_none() -> None:
    world = RegistrationWorld()
    both = Registration(
        BY_REGISTER + BY_APPLICATION, (), agreement=False, login=False, signatories_every=timedelta(days=1)
    )
    await desk(world, with_rules(both)).prepare(world.aigul, "1", Form(aiguls_data(), "", "", "kk"))
    assert await imported(world, with_rules(both)) == 1
    with pytest.raises(RegistrationWayClosed) as refused:
        await desk(world, with_rules(both)).prepare(world.bolat, "1", companys_form())
    assert refused.value.metadata["open_ways"] == "none"


async def test_where_an_agreement_is_asked_for_nobody_applies_before_one_is_published() -> None:
    world = RegistrationWorld()
    with pytest.raises(AgreementNotCurrent) as refused:
        await world.desk.prepare(world.aigul, "1", aiguls_form(version=""))
    assert refused.value.metadata == {"version": "", "current_version": ""}


async def test_where_none_is_asked_for_a_published_one_is_not_joined() -> None:
    world = RegistrationWorld()
    await world.publish()
    rules = Registration(
        BY_APPLICATION, BY_APPLICATION, agreement=False, login=True, signatories_every=timedelta(days=1)
    )
    applications = desk(world, with_rules(rules))
    await applications.prepare(world.aigul, "1", aiguls_form(version=""))
    with pytest.raises(AgreementNotCurrent):
        await applications.prepare(world.aigul, "1", aiguls_form(version="1"))
