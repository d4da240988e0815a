"""Applications for a mailbox, from the signature to the open mailbox."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from namak.evidence.registration import commitment
from server.domain.applications import ApplicationState, Channel
from server.domain.mailboxes import HolderKind, MailboxState
from server.domain.refusals import (
    AgreementNotCurrent,
    AlreadyRegistered,
    ApplicationDecided,
    InvalidPageToken,
    NotFound,
    RequestIdReused,
    ResourceNotPermitted,
    SignatureInvalid,
    SignerNotApplicant,
    SigningCertificateExpired,
)
from server.domain.state_records import PersonRecord, PersonState
from server.usecases.application_commands import (
    CheckApplication,
    DecideApplication,
    ListApplications,
    SubmitApplication,
)
from server.usecases.registration_ports import ApplicationFilter, SignedBy
from tests.unit.usecases.registration_world import (
    AIGUL,
    AIGUL_ADDRESS,
    BOLAT,
    COMPANY,
    COMPANY_ADDRESS,
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


async def test_an_application_that_the_register_confirms_is_approved_and_opens_a_mailbox(
    world: RegistrationWorld,
) -> None:
    came = await world.received()
    assert came.application.state is ApplicationState.CHECKED
    assert came.mailbox is None

    done = await world.desk.decide(approval(world))

    assert done.application.state is ApplicationState.APPROVED
    assert done.mailbox is not None
    assert (done.mailbox.address, done.mailbox.state) == (AIGUL_ADDRESS, MailboxState.OPEN)
    assert done.mailbox.confirmed_at is None
    assert world.uow.committed.holders[done.mailbox.id].data == aiguls_data()
    (login,) = world.uow.committed.logins.values()
    assert (login.login, login.person_number, login.password_hash) == ("aigul", AIGUL, "")
    accepted = world.uow.committed.acceptances[done.mailbox.id, "1"]
    assert (accepted.person_number, accepted.accepted_at) == (AIGUL, came.application.received_at)


async def test_every_step_is_evidence_without_personal_data(world: RegistrationWorld) -> None:
    done = await world.approved()

    acts = world.acts_so_far()[1:]
    told = [(act.act, act.actor.kind.value, act.resource.kind) for act in acts]
    assert told == [
        ("SubmitApplication", "HOLDER", "APPLICATION"),
        ("CheckApplication", "SERVER", "APPLICATION"),
        ("ApproveApplication", "CLERK", "APPLICATION"),
        ("ApproveApplication", "CLERK", "MAILBOX"),
        ("ApproveApplication", "CLERK", "HOLDER"),
    ]
    application, data = done.application, done.application.data
    assert acts[0].after is not None
    assert acts[0].after["text_commitment"] == commitment(application.salt, application.text).hex()
    for fact in world.uow.committed.queue:
        written = fact.data.decode()
        for said in (data.name, data.residence, data.identity_document, data.mobile_phone, "aigul"):
            assert said not in written
    assert world.wakes == 4


async def test_an_application_is_the_same_when_it_is_submitted_again(world: RegistrationWorld) -> None:
    command = await world.signed(aiguls_form())
    first = await world.desk.submit(command)
    # Signed anew: many keys sign differently each time.
    again = await world.desk.submit(await world.signed(aiguls_form()))
    assert again == first
    await world.desk.decide(approval(world))
    assert (await world.desk.submit(command)).application.state is ApplicationState.APPROVED
    assert len(world.uow.committed.applications) == 1


async def test_an_application_is_answered_again_when_the_certificate_has_ended(
    world: RegistrationWorld,
) -> None:
    command = await world.signed(aiguls_form())
    first = await world.desk.submit(command)

    async def ended(cms: bytes, text: bytes, at: datetime) -> SignedBy:
        raise SigningCertificateExpired

    world.signatures.signatory = ended  # type: ignore[method-assign]
    assert await world.desk.submit(command) == first
    with pytest.raises(SigningCertificateExpired):
        await world.desk.submit(await world.signed(aiguls_form(), request_id="another"))


async def test_another_application_under_the_same_request_id_is_refused(world: RegistrationWorld) -> None:
    await world.received()
    with pytest.raises(RequestIdReused):
        await world.desk.submit(await world.signed(aiguls_form("another")))


async def test_a_signature_over_other_data_is_refused(world: RegistrationWorld) -> None:
    command = await world.signed(aiguls_form())
    moved = replace(aiguls_data(), residence="Астана")
    for form in (replace(command.form, data=moved), replace(command.form, login="another")):
        with pytest.raises(SignatureInvalid):
            await world.desk.submit(replace(command, form=form))
    with pytest.raises(SignatureInvalid):
        await world.desk.submit(replace(command, request_id="another"))
    assert world.uow.committed.applications == {}


async def test_an_application_for_somebody_elses_number_is_refused(world: RegistrationWorld) -> None:
    # Bolat signs, with his own key, an application in Aigul's name; and then has it signed by Aigul.
    with pytest.raises(SignerNotApplicant):
        await world.desk.submit(await world.signed(aiguls_form(), world.bolat))
    with pytest.raises(SignerNotApplicant):
        await world.desk.submit(await world.signed(aiguls_form(), world.bolat, person=AIGUL))
    assert world.uow.committed.applications == {}
    assert {request_id for _, request_id in world.uow.committed.claims} == {"publish-1"}


async def test_an_entitys_application_needs_a_certificate_that_names_the_entity(
    world: RegistrationWorld,
) -> None:
    for entity in (None, "200240099999"):
        with pytest.raises(SignerNotApplicant):
            await world.desk.submit(await world.signed(companys_form(), world.bolat, entity=entity))

    came = await world.desk.submit(await world.signed(companys_form(), world.bolat, entity=COMPANY))
    done = await world.desk.decide(DecideApplication(world.operator, "1", came.application.id))

    assert done.mailbox is not None
    assert (done.mailbox.address, done.mailbox.holder_kind) == (COMPANY_ADDRESS, HolderKind.ENTITY)
    assert world.uow.committed.holders[done.mailbox.id].signatory_number == BOLAT


async def test_an_application_on_paper_is_entered_by_a_clerk_with_its_scan(world: RegistrationWorld) -> None:
    form, paper = on_paper(aiguls_form(), AIGUL)
    came = await world.desk.submit(SubmitApplication(world.clerk, "paper", form, paper))
    application = came.application
    assert (application.channel, application.state) == (Channel.PAPER, ApplicationState.CHECKED)
    assert (application.cms, application.signer_number) == (None, AIGUL)
    # Only who looks at the whole of it is sent the scan, which may have megabytes.
    assert application.scan is None
    assert (await world.desk.whole(world.clerk, application.id)).application.scan == paper.scan
    assert world.acts_so_far()[1].actor.kind == "CLERK"


async def test_a_user_agreement_that_is_not_in_force_is_refused(world: RegistrationWorld) -> None:
    command = await world.signed(aiguls_form())
    await world.publish("2")
    with pytest.raises(AgreementNotCurrent) as refused:
        await world.desk.submit(command)
    assert refused.value.metadata["current_version"] == "2"
    with pytest.raises(AgreementNotCurrent):
        await world.desk.prepare(world.aigul, "1", aiguls_form(version=""))
    with pytest.raises(NotFound):
        await world.desk.prepare(world.aigul, "1", aiguls_form(version="9"))


@pytest.mark.parametrize("login", ["aigul", "a1gul", "aigu1", "a.igul"])
async def test_a_login_that_is_in_use_or_looks_like_it_is_refused(
    world: RegistrationWorld, login: str
) -> None:
    await world.approved()
    form, paper = on_paper(replace(aiguls_form(login), data=replace(aiguls_data(), number=BOLAT)), BOLAT)
    with pytest.raises(AlreadyRegistered) as refused:
        await world.desk.submit(SubmitApplication(world.clerk, "paper", form, paper))
    assert refused.value.metadata == {"resource": "login", "name": login}


async def test_a_login_that_was_given_away_meanwhile_leaves_the_application_undecided(
    world: RegistrationWorld,
) -> None:
    await world.received()
    form, paper = on_paper(replace(aiguls_form("a1gul"), data=replace(aiguls_data(), number=BOLAT)), BOLAT)
    form = replace(form, data=replace(form.data, name="Болат Ахметұлы"))
    other = await world.desk.submit(SubmitApplication(world.clerk, "paper", form, paper))
    await world.desk.decide(DecideApplication(world.clerk, "1", other.application.id))
    (mine,) = [each for each in world.uow.committed.applications.values() if each.data.number == AIGUL]
    with pytest.raises(AlreadyRegistered):
        await world.desk.decide(DecideApplication(world.clerk, "2", mine.id))
    assert len(world.uow.committed.mailboxes) == 1
    assert world.uow.committed.applications[mine.id].state is ApplicationState.CHECKED


async def test_who_has_a_mailbox_or_an_application_under_way_can_not_apply(world: RegistrationWorld) -> None:
    await world.received()
    with pytest.raises(AlreadyRegistered):
        await world.desk.submit(await world.signed(aiguls_form("another"), request_id="2"))
    await world.desk.decide(approval(world))
    with pytest.raises(AlreadyRegistered) as refused:
        await world.desk.submit(await world.signed(aiguls_form("another"), request_id="3"))
    assert refused.value.metadata["name"] == AIGUL_ADDRESS


async def test_of_two_who_approve_at_once_exactly_one_does(world: RegistrationWorld) -> None:
    await world.received()
    outcomes = await asyncio.gather(
        *(world.desk.decide(approval(world, request_id=f"approve-{number}")) for number in range(4)),
        return_exceptions=True,
    )
    decided = [each for each in outcomes if isinstance(each, ApplicationDecided)]
    assert len(decided) == 3
    assert len(world.uow.committed.mailboxes) == 1
    assert [act.act for act in world.acts_so_far()].count("ApproveApplication") == 3


async def test_a_refused_application_tells_why_and_leaves_room_for_another(world: RegistrationWorld) -> None:
    came = await world.received()
    refusal = DecideApplication(world.clerk, "refuse", came.application.id, "The scan can't be read")
    refused = await world.desk.decide(refusal)
    assert refused.application.state is ApplicationState.REFUSED
    assert refused.application.refusal_reason == "The scan can't be read"
    assert await world.desk.decide(refusal) == refused
    with pytest.raises(ApplicationDecided):
        await world.desk.decide(approval(world))
    assert "scan" not in world.uow.committed.queue[-1].data.decode()
    again = await world.desk.submit(await world.signed(aiguls_form(), request_id="again"))
    assert again.application.state is ApplicationState.CHECKED


async def test_two_people_may_give_their_requests_the_same_identifier(world: RegistrationWorld) -> None:
    hers = await world.received()
    his = await world.desk.submit(await world.signed(companys_form(), world.bolat, entity=COMPANY))
    assert his.application.id != hers.application.id


async def test_a_decided_application_stays_as_it_is_whatever_the_register_says_later(
    world: RegistrationWorld,
) -> None:
    done = await world.approved()
    acts = len(world.acts_so_far())
    world.registers.show_person(PersonRecord(AIGUL, "Айгүл Серікқызы", PersonState.DEAD, None, ""))
    again = CheckApplication(world.clerk, "again", done.application.id)
    assert await world.desk.check_again(again) == done
    assert await world.desk.standing(world.clerk, done.application.id) == done
    assert len(world.acts_so_far()) == acts


async def test_a_check_that_is_repeated_keeps_what_was_said_the_first_time(world: RegistrationWorld) -> None:
    came = await world.received()
    other = await world.desk.submit(await world.signed(companys_form(), world.bolat, entity=COMPANY))
    world.registers.show_person(PersonRecord(AIGUL, "Айгүл Серікқызы", PersonState.DEAD, None, ""))
    check = CheckApplication(world.clerk, "check", came.application.id)
    dead = await world.desk.check_again(check)
    assert dead.application.state is ApplicationState.CONTRADICTED
    asked = world.acts_so_far()[-1]
    assert (asked.act, asked.request_id, asked.actor.kind) == ("CheckApplication", "check", "CLERK")
    acts = len(world.acts_so_far())
    world.registers.show_person(PersonRecord(AIGUL, "Айгүл Серікқызы", PersonState.ALIVE, None, ""))
    assert await world.desk.check_again(check) == dead
    assert len(world.acts_so_far()) == acts
    with pytest.raises(RequestIdReused):
        await world.desk.check_again(replace(check, application_id=other.application.id))
    anew = await world.desk.check_again(replace(check, request_id="check-2"))
    assert anew.application.state is ApplicationState.CHECKED


async def test_a_holder_sees_what_they_signed_and_nothing_else(world: RegistrationWorld) -> None:
    came = await world.received()
    asked = came.application.id
    assert await world.desk.standing(world.aigul, asked) == came
    assert await world.desk.standing(world.clerk, asked) == came
    with pytest.raises(ResourceNotPermitted):
        await world.desk.standing(world.bolat, asked)
    everything = ApplicationFilter()
    for who, expected in (
        (world.aigul, [came.application]),
        (world.bolat, []),
        (world.clerk, [came.application]),
    ):
        page = await world.desk.list_applications(ListApplications(who, everything, 10, ""))
        assert page.items == expected
    with pytest.raises(InvalidPageToken):
        await world.desk.list_applications(ListApplications(world.clerk, everything, 10, "x"))


async def test_an_application_that_is_not_there_is_not_found(world: RegistrationWorld) -> None:
    nothing = world.entropy.new_id()
    with pytest.raises(NotFound):
        await world.desk.check_again(CheckApplication(world.clerk, "1", nothing))
    with pytest.raises(NotFound):
        await world.desk.decide(DecideApplication(world.clerk, "1", nothing))
    with pytest.raises(ResourceNotPermitted):
        await world.desk.standing(world.aigul, nothing)


async def test_no_register_is_asked_and_no_signature_checked_inside_a_transaction(
    world: RegistrationWorld,
) -> None:
    asked: list[int] = []
    person, signatory = world.registers.person, world.signatures.signatory

    async def watched(number: str, *, no_older_than: timedelta = timedelta.max):  # type: ignore[no-untyped-def]
        asked.append(world.uow.open_here)
        return await person(number, no_older_than=no_older_than)

    async def judged(*arguments):  # type: ignore[no-untyped-def]
        asked.append(world.uow.open_here)
        return await signatory(*arguments)

    world.registers.person = watched  # type: ignore[method-assign]
    world.signatures.signatory = judged  # type: ignore[method-assign]
    await world.approved()
    assert asked == [0, 0]
