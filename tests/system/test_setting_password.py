"""A user's password in Kazakhstan: none with the login, set by a signature, and good for little by itself."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
import structlog
from cryptography.hazmat.primitives.serialization import Encoding

from namak.client import Client, Holder
from namak.client.signers import FileSigner
from namak.errors import InvalidRequest, NamakError, NotPermitted, WrongState
from namak.evidence.administrative_act import AdministrativeAct
from namak.v1 import identity_pb2
from namak.v1 import registration_pb2 as pb
from namak.v1.registration_pb2_grpc import RegistrationServiceStub
from server.dev.pki import Card, Person
from server.dev.world import World
from tests import numbers
from tests.register_server import PERSONS, person, registers_serving
from tests.system.conftest import new_world
from tests.system.post import Post, der, running_post, signed

pytestmark = pytest.mark.asyncio(loop_scope="module")

PASSWORD, ANOTHER = "жаңбырлы күнгі шай", "another one than that"
LOGIN = "aruzhan"


@dataclass
class User:
    """Somebody whose application was approved, with a confirmed profile."""

    card: Card
    number: str
    address: str
    client: Client

    @property
    def signer(self) -> FileSigner:
        own = self.card.authentication
        assert own.key is not None
        return FileSigner(own.key, der(own), tuple(each.public_bytes(Encoding.DER) for each in own.chain))


@dataclass
class Scene:
    """A post in Kazakhstan, a portal's client at it, and a user."""

    post: Post
    portal: Client
    user: User

    async def enter(self, password: str) -> identity_pb2.SignedIn:
        started = await self.portal.identity.start_by_password(LOGIN.upper())
        entered = await self.portal.identity.complete(started.sign_in_id, password=password)
        assert entered is not None
        return entered


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return new_world(tmp_path_factory.mktemp("kz"), "kz")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(
    world: World, module_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Scene]:
    number = numbers.iin(21)
    guard = await asyncio.to_thread(tmp_path_factory.mktemp, "guard")
    async with registers_serving() as registers:
        registers.show(PERSONS, person(number, name="АРУЖАН СЕРІК"))
        more = f'\n[registers.persons]\nurl = "{registers.url(PERSONS)}"\n'
        async with running_post(
            world, module_database_url, guard / "checkpoint.note", more_settings=more
        ) as post:
            machine = post.pki.machine("portal", organisation="Portal", common_name="portal")
            await (await post.operator()).identity.bind_portal("portal.kz", der(machine))
            yield Scene(post, await post.client(machine), await applied(post, number))


async def applied(post: Post, number: str) -> User:
    """Has somebody apply, be approved, and confirm their profile."""
    operator = await post.registration(post.world.operator)
    texts = [pb.UserAgreementText(language="kk", text="Келісім")]
    await operator.PublishUserAgreement(
        pb.PublishUserAgreementRequest(request_id="agreement", version="1", texts=texts)
    )
    card = post.pki.card("aruzhan", Person(number, "Аружан", "Серік", "KZ", post.profile.naming))
    stub = await post.registration(card.authentication)
    form = pb.ApplicationForm(
        natural_person=pb.NaturalPerson(
            full_name="Аружан Серік",
            number=number,
            identity_document="жеке куәлік 012345679, ІІМ, 2020-01-01",
            residence="Алматы, Абай даңғылы 2",
            mobile_phone="+77010000002",
        ),
        login=LOGIN,
        agreement_version="1",
        language="kk",
    )
    asked = pb.PrepareApplicationRequest(request_id="apply", form=form)
    text = (await stub.PrepareApplication(asked)).application_text
    came = await stub.SubmitApplication(
        pb.SubmitApplicationRequest(request_id="apply", form=form, cms_signature=signed(card.signing, text))
    )
    approved = await operator.ApproveApplication(
        pb.ApproveApplicationRequest(request_id="approve", application_id=came.application.application_id)
    )
    await confirm_profile(stub, card)
    address = approved.mailbox.address
    return User(card, number, address, await post.client(card.authentication))


async def confirm_profile(stub: RegistrationServiceStub, card: Card) -> None:
    seen = await stub.GetHolderProfile(pb.GetHolderProfileRequest())
    assert seen.profile.login == LOGIN
    await stub.ConfirmProfile(
        pb.ConfirmProfileRequest(
            request_id="confirm", cms_signature=signed(card.signing, seen.confirmation_text)
        )
    )


async def refusal_in_the_end(client: Holder) -> NamakError:
    """Returns the refusal of a client whose session ended; every replica knows of it within a second."""
    async with asyncio.timeout(60):
        while True:
            try:
                await client.mailbox.get()
            except NamakError as refusal:
                return refusal


async def test_a_password_is_set_by_a_signature_and_opens_letters_only_with_another(scene: Scene) -> None:
    post, portal, user = scene.post, scene.portal, scene.user
    agency = await post.agency()
    accepted = await agency.client.deliveries.submit(agency.letter(user.address))

    # The login came with the application, and no password did.
    for guess in ("password", LOGIN, PASSWORD):
        with pytest.raises(NotPermitted) as wrong:
            await scene.enter(guess)
        assert wrong.value.reason == "PASSWORD_WRONG"

    signed_in = await portal.identity.sign_in(user.signer)
    holder = portal.in_session(signed_in.session_token)
    for bad in ("short", LOGIN * 2, "123456789012"):
        with pytest.raises(InvalidRequest) as refusal:
            await holder.identity.set_password(bad)
        assert [each.field for each in refusal.value.violations] == ["password"]
        assert bad not in str(refusal.value)
    with structlog.testing.capture_logs() as lines:
        assert await holder.identity.set_password(PASSWORD) == LOGIN
    assert "call finished" in str(lines)
    assert PASSWORD not in str(lines)
    assert LOGIN not in str(lines)
    await holder.identity.sign_out()

    entered = await scene.enter(PASSWORD)
    assert entered.session.assurance == identity_pb2.ASSURANCE_PASSWORD
    reader = portal.in_session(entered.session_token)
    (listed,) = [each async for each in reader.mailbox.messages()]
    with pytest.raises(WrongState) as closed:
        await reader.mailbox.open(listed.delivery_id)
    assert closed.value.reason == "SIGNATURE_REQUIRED"
    with pytest.raises(WrongState) as unsigned:
        await reader.identity.set_password(ANOTHER)
    assert unsigned.value.reason == "SIGNATURE_REQUIRED"

    await reader.identity.sign_in(user.signer)
    opened = await reader.mailbox.open(listed.delivery_id)
    assert opened.message.delivery_id == accepted.delivery.delivery_id
    await reader.identity.sign_out()


async def test_another_password_by_ones_own_certificate_ends_the_session_of_the_former(scene: Scene) -> None:
    post, user = scene.post, scene.user
    await user.client.identity.set_password(PASSWORD)
    entered = await scene.enter(PASSWORD)

    await user.client.identity.set_password(ANOTHER, login=LOGIN.upper(), request_id="another")

    reader = scene.portal.in_session(entered.session_token)
    ended = await refusal_in_the_end(reader)
    assert (ended.reason, ended.metadata["ending"]) == ("SESSION_ENDED", "PASSWORD_SET")
    with pytest.raises(NotPermitted):
        await scene.enter(PASSWORD)
    again = await scene.enter(ANOTHER)
    await scene.portal.in_session(again.session_token).identity.sign_out()

    # What is left of it is evidence, and names no password.
    operator = await post.operator()
    found = [
        act
        async for act in operator.admin.administrative_acts(person_number=user.number)
        if act.act == "SetPassword"
    ]
    assert found
    details = AdministrativeAct.parse(found[0].evidence.document).details
    assert (details.resource.kind, details.resource.identifier) == ("LOGIN", LOGIN)
    assert details.after is not None
    assert details.after.keys() == {"password", "set_time"}


async def test_who_has_no_login_sets_no_password(scene: Scene) -> None:
    citizen = await scene.post.citizen()

    with pytest.raises(NotPermitted) as refusal:
        await citizen.client.identity.set_password(PASSWORD)
    assert refusal.value.reason == "RESOURCE_NOT_PERMITTED"
    with pytest.raises(NotPermitted):
        await citizen.client.identity.set_password(PASSWORD, login=LOGIN)
