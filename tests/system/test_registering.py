"""A user's way in Kazakhstan: application, state register, mailbox, confirmed profile, letter."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from grpc import StatusCode

from namak.v1 import registration_pb2 as pb
from namak.v1.registration_pb2_grpc import RegistrationServiceStub
from server import bootstrap, config
from server.dev.pki import Card, Identity, Person
from server.dev.world import World
from server.domain.administration import CommandLine
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork
from tests import numbers
from tests.register_server import PERSONS, RegisterServer, person, registers_serving
from tests.system.conftest import new_world
from tests.system.post import Post, der, running_post, signed
from tests.system.refusing import refused

pytestmark = pytest.mark.asyncio(loop_scope="module")

AIGUL, BOLAT = numbers.iin(11), numbers.iin(12)
NAME = "Айгүл Серікқызы"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return new_world(tmp_path_factory.mktemp("kz"), "kz")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def registers() -> AsyncIterator[RegisterServer]:
    async with registers_serving() as serving:
        serving.show(PERSONS, person(AIGUL, name=NAME.upper()))
        yield serving


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def post(
    world: World,
    registers: RegisterServer,
    module_database_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Post]:
    """A running post that asks the register of persons."""
    guard = await asyncio.to_thread(tmp_path_factory.mktemp, "guard")
    more = f'\n[registers.persons]\nurl = "{registers.url(PERSONS)}"\n'
    async with running_post(
        world, module_database_url, guard / "checkpoint.note", more_settings=more
    ) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clerk(post: Post) -> RegistrationServiceStub:
    """A clerk's desk, bound as the server's command does."""
    identity = post.pki.machine("clerk", organisation="Post", common_name="desk-1")
    database = Database(post.database_url, pool_size=2)
    try:
        settings = config.load(post.world.write_settings("clerk", database_url=post.database_url), {})
        admin = bootstrap.sender_admin(settings, SqlUnitOfWork(database))
        await admin.certificates.bind_clerk(der(identity), CommandLine())
    finally:
        await database.dispose()
    return await post.registration(identity)


def card_of(post: Post, label: str, number: str) -> Card:
    naming = post.profile.naming
    return post.pki.card(label, Person(number, "Айгүл", "Серікқызы", "KZ", naming))


def form(number: str = AIGUL) -> pb.ApplicationForm:
    return pb.ApplicationForm(
        natural_person=pb.NaturalPerson(
            full_name=NAME,
            number=number,
            identity_document="жеке куәлік 012345678, ІІМ, 2020-01-01",
            residence="Алматы, Абай даңғылы 1",
            mobile_phone="+77010000001",
        ),
        login="Aigul",
        agreement_version="1",
        language="ru",
    )


async def application(
    stub: RegistrationServiceStub, signing: Identity, what: pb.ApplicationForm, request_id: str
) -> pb.SubmitApplicationRequest:
    """Returns an application, signed by whoever signs."""
    asked = pb.PrepareApplicationRequest(request_id=request_id, form=what)
    text = (await stub.PrepareApplication(asked)).application_text
    assert what.natural_person.number in text.decode()
    return pb.SubmitApplicationRequest(request_id=request_id, form=what, cms_signature=signed(signing, text))


async def test_an_applicant_comes_to_a_confirmed_mailbox_that_receives_a_letter(
    post: Post, registers: RegisterServer, clerk: RegistrationServiceStub
) -> None:
    operator = await post.registration(post.world.operator)
    agreement = pb.PublishUserAgreementRequest(
        request_id="agreement-1", version="1", texts=[pb.UserAgreementText(language="kk", text="Келісім")]
    )
    await operator.PublishUserAgreement(agreement)
    card = card_of(post, "aigul", AIGUL)
    aigul = await post.registration(card.authentication)
    agency = await post.agency()
    address = f"{AIGUL}@{post.profile.mailbox_domain}"

    # The register is down: the application waits, and nobody approves it.
    registers.is_silent = True
    request = await application(aigul, card.signing, form(), "apply")
    came = (await aigul.SubmitApplication(request)).application
    assert came.state == pb.APPLICATION_STATE_WAITING
    approve = pb.ApproveApplicationRequest(request_id="approve", application_id=came.application_id)
    await refused(clerk.ApproveApplication(approve), StatusCode.FAILED_PRECONDITION, "APPLICATION_WAITING")

    # It answers again, and the clerk opens the mailbox.
    registers.is_silent = False
    check = pb.CheckApplicationRequest(request_id="check", application_id=came.application_id)
    assert (await clerk.CheckApplication(check)).application.state == pb.APPLICATION_STATE_CHECKED
    done = await clerk.ApproveApplication(approve)
    assert done.mailbox.address == done.application.mailbox_address == address
    assert done.application.form.login == "aigul"

    # Letters reach it only once the profile is confirmed; the refusal is evidence, and stays.
    early = agency.letter(address, request_id="early")
    first, again = [
        await refused(
            agency.client.deliveries.submit(early), StatusCode.FAILED_PRECONDITION, "MAILBOX_NOT_CONFIRMED"
        )
        for _ in range(2)
    ]
    assert first.evidence_id
    assert first.evidence_id == again.evidence_id
    seen = await aigul.GetHolderProfile(pb.GetHolderProfileRequest())
    assert seen.profile.agreement_version == "1"
    confirm = pb.ConfirmProfileRequest(
        request_id="confirm", cms_signature=signed(card.signing, seen.confirmation_text)
    )
    confirmed = (await aigul.ConfirmProfile(confirm)).profile
    assert confirmed.confirmed_as_is

    await agency.client.deliveries.submit(agency.letter(address, request_id="late"))
    holder = await post.client(card.authentication)
    messages = [message async for message in holder.mailbox.messages()]
    assert [message.sender for message in messages] == [agency.sender]


async def test_an_application_in_somebody_elses_name_is_refused(
    post: Post, clerk: RegistrationServiceStub
) -> None:
    card = card_of(post, "bolat", BOLAT)
    bolat = await post.registration(card.authentication)
    request = await application(bolat, card.signing, form(numbers.iin(13)), "theft")
    await refused(bolat.SubmitApplication(request), StatusCode.PERMISSION_DENIED, "SIGNER_NOT_APPLICANT")
    other = await application(bolat, card.signing, form(BOLAT), "changed")
    other.form.natural_person.residence = "Астана"
    await refused(bolat.SubmitApplication(other), StatusCode.INVALID_ARGUMENT, "SIGNATURE_INVALID")
