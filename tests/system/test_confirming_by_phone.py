"""A holder confirms a reading with the phone: the whole server, and a mobile-id service beside it."""

import asyncio
import itertools
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
import pytest_asyncio

from namak.client import Client
from namak.client.confirmation import check_statement
from namak.errors import NamakError
from namak.evidence.verify import Verdict
from namak.v1 import mailbox_pb2 as pb
from namak.v1 import mailbox_pb2_grpc
from server import bootstrap
from server.dev.pki import Identity
from server.dev.world import World
from server.domain.mobile_identity import MobileKey
from tests import forking
from tests.fakes.sim import Sim
from tests.mobile_id_server import NAME, RELYING_PARTY, MobileIdServer, internal_error
from tests.postgres import copied_database, database_called
from tests.system.conftest import new_world
from tests.system.post import Agency, Citizen, Post, running_post
from tests.system.receipts import events_of, receipts_of, saved, verified
from tests.system.refusing import refused
from tests.unit.evidence_documents.pki import Card

pytestmark = pytest.mark.asyncio(loop_scope="module")

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Reader:
    """A citizen with a phone, and a letter that they have opened."""

    citizen: Citizen
    sim: Sim
    delivery_id: str
    opened: pb.OpenMessageResponse

    @property
    def client(self) -> Client:
        return self.citizen.client

    async def start(self) -> pb.StartConfirmationByPhoneResponse:
        """Has the phone ring; the statement is checked as before any signature."""
        started = await self.client.mailbox.start_confirmation_by_phone(
            self.delivery_id, self.sim.phone, language="az"
        )
        check_statement(started, self.opened)
        return started

    async def complete(
        self, started: pb.StartConfirmationByPhoneResponse, code: str, *, client: Client | None = None
    ) -> pb.ReadingConfirmedByPhone:
        """Enters the digits, and waits for the phone."""
        mailbox = (client or self.client).mailbox
        while True:
            confirmed = await mailbox.complete_confirmation_by_phone(
                started.confirmation_id, verification_code=code, within=20
            )
            if confirmed is not None:
                return confirmed


@dataclass
class Scene:
    """A post of two replicas that ask a mobile-id service, and an agency."""

    post: Post
    service: MobileIdServer
    agency: Agency
    second: bootstrap.Server

    async def reader(self) -> Reader:
        """Gives a new citizen a phone, whose SIM has the keys of their card, and a letter, opened."""
        citizen = await self.post.citizen()
        cards = {
            MobileKey.AUTHENTICATION: _card(citizen.card.authentication),
            MobileKey.SIGNATURE: _card(citizen.card.signing),
        }
        phone = f"+99455{next(_numbers):07d}"
        sim = self.service.know(Sim(phone, citizen.person.personal_number, cards))
        accepted = await self.agency.client.deliveries.submit(self.agency.letter(citizen.address))
        delivery_id = accepted.delivery.delivery_id
        return Reader(citizen, sim, delivery_id, await citizen.client.mailbox.open(delivery_id))

    async def elsewhere(self, reader: Reader) -> Client:
        """Returns the citizen's connection to the second replica."""
        return await self.post.client(reader.citizen.card.authentication, address=self.second.address)

    async def once(
        self,
        reader: Reader,
        started: pb.StartConfirmationByPhoneResponse,
        code: str,
        address: str,
        wait: float,
    ) -> pb.CompleteConfirmationByPhoneResponse:
        """Asks one replica for the outcome, once, for so many seconds."""
        channel = await self.post.channel(reader.citizen.card.authentication, address=address)
        request = pb.CompleteConfirmationByPhoneRequest(
            confirmation_id=started.confirmation_id, verification_code=code
        )
        return await mailbox_pb2_grpc.MailboxServiceStub(channel).CompleteConfirmationByPhone(
            request, timeout=wait
        )


def _card(identity: Identity) -> Card:
    assert identity.key is not None
    return Card(identity.key, identity.certificate, ())


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Azerbaijan, where people sign with phones."""
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
            second = await post.start(environment)
            yield Scene(post, service, await post.agency(), second)


async def test_pin2_confirms_and_strangers_are_convinced(scene: Scene, tmp_path: Path) -> None:
    reader = await scene.reader()
    started = await reader.start()
    question = await reader.sim.shown()
    assert (started.verification_code, started.verification_code_required) == ("", True)
    assert (question.key, question.language) == (MobileKey.SIGNATURE, "AZE")
    assert question.text == "Rəsmi məktubun oxunmasını təsdiq etmək"
    waiting = asyncio.create_task(reader.complete(started, question.code))
    await scene.service.until(lambda: bool(scene.service.asked("signature/session")))
    await reader.sim.enter_right()

    confirmed = await waiting

    assert confirmed.message.HasField("confirmation_time")
    assert [fact.event.rpartition("/")[2] for fact in confirmed.evidence][:1] == ["ReadingConfirmed"]
    receipts = await receipts_of(scene.agency.client, reader.delivery_id)
    assert "ReadingConfirmed" in receipts
    report = verified(scene.post.world, receipts)
    assert report.verdict is Verdict.VALID, report
    await _command_accepts(scene, saved(tmp_path, receipts))


async def _command_accepts(scene: Scene, files: list[Path]) -> None:
    world = scene.post.world
    trusted = ("--log-policy", world.log_policy, "--citizen-roots", world.pki.citizen_roots_path)
    run = await asyncio.to_thread(forking.run, "namak.cli", "verify", *files, *trusted)
    assert run.returncode == 0, run.stdout + run.stderr


async def test_pending_at_one_replica_done_at_the_other_and_the_same_evidence_at_both(scene: Scene) -> None:
    reader = await scene.reader()
    other = await scene.elsewhere(reader)
    started = await reader.start()
    code = (await reader.sim.shown()).code
    for address in (scene.post.address, scene.second.address):
        assert (await scene.once(reader, started, code, address, 4)).HasField("pending")
    await reader.sim.enter_right()

    async with scene.post.records.grow_by(confirmations=1, evidence=2):
        replies = await asyncio.gather(
            *(reader.complete(started, code, client=client) for client in [reader.client, other] * 3)
        )
        again = await reader.complete(started, "")

    assert [reply for reply in replies if reply != again] == []
    assert (await events_of(scene.agency.client, reader.delivery_id)).count("ReadingConfirmed") == 1
    assert len(reader.sim.asked) == 1


async def test_wrong_pins_count_down_and_each_question_fails_for_good(scene: Scene) -> None:
    reader = await scene.reader()
    other = await scene.elsewhere(reader)
    for pin, outcome in (("0", "WRONG_PIN, tries left: 2"), ("0", "WRONG_PIN"), ("0", "PIN_BLOCKED")):
        started = await reader.start()
        code = (await reader.sim.shown()).code
        await reader.sim.enter(pin)
        for client in (None, other):
            refusal = await refused(
                reader.complete(started, code, client=client),
                grpc.StatusCode.FAILED_PRECONDITION,
                "MOBILE_ID_FAILED",
            )
            assert outcome in refusal.text


async def test_what_the_service_says_before_it_rings_is_told(scene: Scene) -> None:
    reader = await scene.reader()
    reader.sim.refusal = "NOT_MID_CLIENT"

    refusal = await refused(reader.start(), grpc.StatusCode.FAILED_PRECONDITION, "MOBILE_ID_FAILED")

    assert "UNKNOWN_NUMBER" in refusal.text


async def test_other_digits_end_it_before_the_phone_is_heard(scene: Scene) -> None:
    reader = await scene.reader()
    started = await reader.start()
    code = (await reader.sim.shown()).code
    await reader.sim.enter_right()

    for entered in (f"{(int(code) + 1) % 8192:04d}", code):
        await refused(
            reader.complete(started, entered), grpc.StatusCode.INVALID_ARGUMENT, "VERIFICATION_CODE_WRONG"
        )
    assert "ReadingConfirmed" not in await events_of(scene.agency.client, reader.delivery_id)


@pytest.mark.parametrize("trick", ["pin1 s key", "another digest", "cancelled"])
async def test_what_the_phone_does_not_sign_rightly_confirms_nothing(scene: Scene, trick: str) -> None:
    reader = await scene.reader()
    started = await reader.start()
    code = (await reader.sim.shown()).code
    if trick == "pin1 s key":
        reader.sim.signs_with = MobileKey.AUTHENTICATION
    elif trick == "another digest":
        reader.sim.signs_instead = bytes(32)
    await (reader.sim.cancel() if trick == "cancelled" else reader.sim.enter_right())

    refusal = await refused(
        reader.complete(started, code), grpc.StatusCode.FAILED_PRECONDITION, "MOBILE_ID_FAILED"
    )

    assert ("CANCELLED" if trick == "cancelled" else "SIGNATURE_INVALID") in refusal.text
    assert "ReadingConfirmed" not in await events_of(scene.agency.client, reader.delivery_id)


async def test_nobody_else_completes_it_nor_learns_of_it(scene: Scene) -> None:
    reader, stranger = await scene.reader(), await scene.reader()
    started = await reader.start()
    code = (await reader.sim.shown()).code
    await reader.sim.enter_right()

    await refused(
        stranger.complete(started, code), grpc.StatusCode.PERMISSION_DENIED, "RESOURCE_NOT_PERMITTED"
    )

    assert (await reader.complete(started, code)).evidence


async def test_somebody_else_s_phone_does_not_ring(scene: Scene) -> None:
    reader, stranger = await scene.reader(), await scene.reader()

    with pytest.raises(NamakError):
        await reader.client.mailbox.start_confirmation_by_phone(reader.delivery_id, stranger.sim.phone)

    assert stranger.sim.asked == []


async def test_a_service_in_trouble_is_unavailable_and_it_goes_on_after_that(scene: Scene) -> None:
    reader = await scene.reader()
    started = await reader.start()
    code = (await reader.sim.shown()).code
    await reader.sim.enter_right()
    scene.service.always = internal_error
    try:
        asked = scene.once(reader, started, code, scene.post.address, 10)
        await refused(asked, grpc.StatusCode.UNAVAILABLE, "SERVICE_UNAVAILABLE")
    finally:
        scene.service.always = None

    assert (await reader.complete(started, code)).evidence


async def test_a_certificate_revoked_meanwhile_confirms_nothing(scene: Scene) -> None:
    reader = await scene.reader()
    started = await reader.start()
    code = (await reader.sim.shown()).code
    await scene.post.revoke_personal(reader.citizen.card.signing)
    await reader.sim.enter_right()

    await refused(
        reader.complete(started, code), grpc.StatusCode.INVALID_ARGUMENT, "SIGNING_CERTIFICATE_REVOKED"
    )


async def test_the_command_rings_asks_for_the_digits_and_saves_what_verifies(
    scene: Scene, tmp_path: Path
) -> None:
    reader, world = await scene.reader(), scene.post.world
    config = world.write_client("reader", reader.citizen.card.authentication, scene.post.address)
    command = ("--config", config, "confirm", reader.delivery_id, "--phone", reader.sim.phone, "--yes")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "namak.cli", *map(str, command), "-o", str(tmp_path)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    code = (await reader.sim.shown()).code
    await reader.sim.enter_right()

    said, _ = await process.communicate(f"{code}\n".encode())

    assert process.returncode == 0, said.decode()
    files = await asyncio.to_thread(lambda: sorted(tmp_path.iterdir()))
    assert any("ReadingConfirmed" in file.name for file in files)
    await _command_accepts(scene, files)
