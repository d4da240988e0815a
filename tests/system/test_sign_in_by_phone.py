"""A holder signs in at a portal with the phone: the whole server, and a mobile-id service beside it."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
import pytest_asyncio

from namak.v1 import identity_pb2 as pb
from namak.v1 import identity_pb2_grpc
from server.dev.pki import Identity
from server.dev.world import World
from server.domain.mobile_identity import MobileKey
from tests.fakes.sim import Sim
from tests.mobile_id_server import NAME, RELYING_PARTY, MobileIdServer, internal_error
from tests.postgres import copied_database, database_called
from tests.system.conftest import new_world
from tests.system.post import Post, der, running_post
from tests.system.refusing import refused
from tests.unit.evidence_documents.pki import Card

pytestmark = pytest.mark.asyncio(loop_scope="module")

_numbers = itertools.count(1)


@dataclass
class Scene:
    """A post that asks a mobile-id service, and a portal."""

    post: Post
    service: MobileIdServer
    portal: identity_pb2_grpc.IdentityServiceStub

    async def sim(self) -> Sim:
        """Gives a new citizen a phone, whose SIM has the keys of their card."""
        citizen = await self.post.citizen()
        number = next(_numbers)
        cards = {
            MobileKey.AUTHENTICATION: _card(citizen.card.authentication),
            MobileKey.SIGNATURE: _card(citizen.card.signing),
        }
        return self.service.know(Sim(f"+99450{number:07d}", citizen.person.personal_number, cards))

    async def start(self, sim: Sim) -> pb.StartSignInResponse:
        """Asks for a sign-in with the phone."""
        who = pb.MobileIdSignIn(phone_number=sim.phone, person_number=sim.person_number)
        return await self.portal.StartSignIn(pb.StartSignInRequest(mobile_id=who, language="az"))

    async def complete(self, begun: pb.StartSignInResponse, code: str) -> pb.CompleteSignInResponse:
        """Enters the code, and waits for the phone."""
        request = pb.CompleteSignInRequest(sign_in_id=begun.sign_in_id, verification_code=code)
        return await self.portal.CompleteSignIn(request, timeout=60)


def _card(identity: Identity) -> Card:
    assert identity.key is not None
    return Card(identity.key, identity.certificate, ())


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Azerbaijan, where people sign in with phones."""
    return new_world(tmp_path_factory.mktemp("az"), "az")


@pytest.fixture(scope="module")
def own_database_url(world: World, postgres_url: str, template_database: str) -> Iterator[str]:
    with copied_database(postgres_url, database_called(postgres_url, template_database)) as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(
    world: World, own_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Scene]:
    place: Path = await asyncio.to_thread(tmp_path_factory.mktemp, "mobile-id")
    service = MobileIdServer()
    (place / "uuid").write_text(f"{RELYING_PARTY}\n", "utf-8")
    async with service.running(place) as authorities:
        environment = {
            "NAMAK_MOBILE_ID_URL": service.url,
            "NAMAK_MOBILE_ID_AUTHORITIES": str(authorities),
            "NAMAK_MOBILE_ID_RELYING_PARTY_FILE": str(place / "uuid"),
            "NAMAK_MOBILE_ID_RELYING_PARTY_NAME": NAME,
            "NAMAK_MOBILE_ID_LANGUAGES": "ENG,AZE",
        }
        async with running_post(world, own_database_url, place / "checkpoint.note", environment) as post:
            portal = post.pki.machine("portal", organisation="Portal", common_name="portal")
            operator = identity_pb2_grpc.IdentityServiceStub(await post.channel(post.world.operator))
            await operator.BindPortal(
                pb.BindPortalRequest(
                    request_id="bind-portal", display_name="portal.az", certificate=der(portal)
                )
            )
            yield Scene(post, service, identity_pb2_grpc.IdentityServiceStub(await post.channel(portal)))


async def test_the_right_pin_and_the_code_from_the_phone_begin_a_session(scene: Scene) -> None:
    sim = await scene.sim()
    begun = await scene.start(sim)
    question = await sim.shown()
    assert (begun.verification_code, begun.verification_code_required) == ("", True)
    assert (question.text, question.language) == ("Rəsmi poçta giriş", "AZE")
    waiting = asyncio.create_task(scene.complete(begun, question.code))
    await scene.service.until(lambda: bool(scene.service.asked("authentication/session")))
    await sim.enter_right()

    signed_in = (await waiting).signed_in

    assert signed_in.session.holder == sim.person_number
    assert signed_in.session.method == pb.SIGN_IN_METHOD_MOBILE_ID
    assert signed_in.session.assurance == pb.ASSURANCE_SIGNATURE
    assert len(signed_in.session_token) == 43


async def test_each_failure_of_the_phone_is_told_and_ends_the_sign_in(scene: Scene) -> None:
    sim = await scene.sim()
    for pin, outcome in (("0", "WRONG_PIN"), ("0", "WRONG_PIN"), ("0", "PIN_BLOCKED")):
        begun = await scene.start(sim)
        code = (await sim.shown()).code
        await sim.enter(pin)
        refusal = await refused(
            scene.complete(begun, code), grpc.StatusCode.FAILED_PRECONDITION, "MOBILE_ID_FAILED"
        )
        assert outcome in refusal.text
        await refused(scene.complete(begun, code), grpc.StatusCode.FAILED_PRECONDITION, "CHALLENGE_USED")


async def test_another_code_than_the_phone_s_ends_the_sign_in_before_the_phone_is_heard(scene: Scene) -> None:
    sim = await scene.sim()
    begun = await scene.start(sim)
    wrong = f"{(int((await sim.shown()).code) + 1) % 8192:04d}"
    await sim.enter_right()

    await refused(scene.complete(begun, wrong), grpc.StatusCode.INVALID_ARGUMENT, "VERIFICATION_CODE_WRONG")


async def test_pin2_s_key_signs_nobody_in(scene: Scene) -> None:
    sim = await scene.sim()
    sim.signs_with = MobileKey.SIGNATURE
    begun = await scene.start(sim)
    code = (await sim.shown()).code
    await sim.enter_right()

    refusal = await refused(
        scene.complete(begun, code), grpc.StatusCode.FAILED_PRECONDITION, "MOBILE_ID_FAILED"
    )

    assert "WRONG_KEY" in refusal.text


async def test_a_certificate_that_no_citizen_root_vouches_for_signs_nobody_in(scene: Scene) -> None:
    sim = await scene.sim()
    forged = scene.post.pki.machine(
        "forged",
        organisation="x",
        common_name="x",
        serial_number=f"{scene.post.profile.naming.prefix}{sim.person_number}",
    )
    sim.cards[MobileKey.AUTHENTICATION] = _card(forged)
    begun = await scene.start(sim)
    code = (await sim.shown()).code
    await sim.enter_right()

    await refused(
        scene.complete(begun, code), grpc.StatusCode.INVALID_ARGUMENT, "SIGNING_CERTIFICATE_UNTRUSTED"
    )


async def test_a_service_in_trouble_is_unavailable_and_the_sign_in_goes_on_after_it(scene: Scene) -> None:
    sim = await scene.sim()
    begun = await scene.start(sim)
    code = (await sim.shown()).code
    await sim.enter_right()
    scene.service.always = internal_error
    try:
        await refused(scene.complete(begun, code), grpc.StatusCode.UNAVAILABLE, "SERVICE_UNAVAILABLE")
    finally:
        scene.service.always = None

    assert (await scene.complete(begun, code)).HasField("signed_in")
