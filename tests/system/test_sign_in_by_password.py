"""A holder signs in with login and password, and steps up with the card: the whole server, in Kazakhstan."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.serialization import Encoding

from namak.client import Client
from namak.client.signers import FileSigner
from namak.errors import NamakError, NotPermitted, TryLater, WrongState
from namak.v1 import identity_pb2 as pb
from server.dev.world import World
from server.domain.logins import Login
from server.gateways.argon2_passwords import Argon2Passwords
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork
from tests.postgres import copied_database, database_called
from tests.system.conftest import new_world
from tests.system.post import Citizen, Post, der, running_post

pytestmark = pytest.mark.asyncio(loop_scope="module")

PASSWORD = "a long enough password"


@dataclass
class Scene:
    """A post, and a portal's client at it."""

    post: Post
    portal: Client
    uow: SqlUnitOfWork

    async def with_login(self, login: str) -> Citizen:
        """Gives a new citizen a login."""
        citizen = await self.post.citizen()
        kept = await Argon2Passwords().hash(PASSWORD)
        async with self.uow.writing() as tx:
            number = citizen.person.personal_number
            assert await tx.logins.add(Login(login, number, kept, datetime.now(UTC)))
            await tx.commit()
        return citizen

    async def enter(self, login: str, password: str = PASSWORD) -> pb.SignedIn:
        """Signs in by password."""
        started = await self.portal.identity.start_by_password(login)
        signed_in = await self.portal.identity.complete(started.sign_in_id, password=password)
        assert signed_in is not None
        return signed_in


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return new_world(tmp_path_factory.mktemp("kz"), "kz")


@pytest.fixture(scope="module")
def own_database_url(postgres_url: str, template_database: str) -> Iterator[str]:
    with copied_database(postgres_url, database_called(postgres_url, template_database)) as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(
    world: World, own_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Scene]:
    guard = await asyncio.to_thread(tmp_path_factory.mktemp, "guard")
    async with running_post(world, own_database_url, guard / "checkpoint.note") as post:
        portal = post.pki.machine("portal", organisation="Portal", common_name="portal")
        await (await post.operator()).identity.bind_portal("portal.kz", der(portal))
        database = Database(own_database_url, pool_size=2)
        try:
            yield Scene(post, await post.client(portal), SqlUnitOfWork(database))
        finally:
            await database.dispose()


async def test_a_password_lists_letters_and_a_signature_opens_them(scene: Scene) -> None:
    citizen, agency = await scene.with_login("aida.k"), await scene.post.agency()
    accepted = await agency.client.deliveries.submit(agency.letter(citizen.address))
    entered = await scene.enter("AIDA.K")
    holder = scene.portal.in_session(entered.session_token)

    assert entered.session.assurance == pb.ASSURANCE_PASSWORD
    (listed,) = [message async for message in holder.mailbox.messages()]
    with pytest.raises(WrongState) as refusal:
        await holder.mailbox.open(listed.delivery_id)
    assert refusal.value.reason == "SIGNATURE_REQUIRED"

    own = citizen.card.authentication
    assert own.key is not None
    chain = tuple(each.public_bytes(Encoding.DER) for each in own.chain)
    raised = await holder.identity.sign_in(FileSigner(own.key, der(own), chain))
    assert (raised.session.assurance, raised.session_token) == (pb.ASSURANCE_SIGNATURE, "")
    opened = await holder.mailbox.open(accepted.delivery.delivery_id)
    assert opened.message.delivery_id == listed.delivery_id


async def test_somebody_elses_card_raises_nothing(scene: Scene) -> None:
    await scene.with_login("bolat.m")
    holder = scene.portal.in_session((await scene.enter("bolat.m")).session_token)
    other = (await scene.post.citizen()).card.authentication

    with pytest.raises(NamakError) as refusal:
        await holder.identity.start_by_certificate(der(other))
    assert refusal.value.reason == "SIGNER_NOT_EXPECTED"


async def test_wrong_passwords_and_unknown_logins_are_answered_alike_and_then_locked(scene: Scene) -> None:
    await scene.with_login("dana.s")
    for login in ("dana.s", "nobody.at.all"):
        answers = []
        for _ in range(5):
            with pytest.raises(NotPermitted) as wrong:
                await scene.enter(login, "a guess")
            answers.append((wrong.value.reason, wrong.value.message))
        assert len(set(answers)) == 1
        assert answers[0][0] == "PASSWORD_WRONG"
        started = await scene.portal.identity.start_by_password(login)
        with pytest.raises(TryLater) as locked:
            await scene.portal.identity.complete(started.sign_in_id, password=PASSWORD)
        assert locked.value.reason == "SIGN_IN_LOCKED"
        assert locked.value.retry_delay is not None
        assert locked.value.retry_delay > 60
