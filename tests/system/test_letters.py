"""Two-way letters in Kazakhstan: an agency writes to a person, the person replies, and receipts prove it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from grpc import StatusCode

from namak.client import compose_part
from namak.errors import NotPermitted
from namak.evidence.document import EvidenceDocument
from namak.evidence.report import Verdict
from namak.v1 import delivery_pb2
from scripts.story.post import namak
from server.dev.world import World
from server.domain.deliveries import Delivery, MessageFilter
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork
from tests import forking, numbers
from tests.system.conftest import new_world
from tests.system.post import RECEIPTS, Agency, Citizen, Post, running_post
from tests.system.receipts import events_of, receipts_of, saved, verified
from tests.system.refusing import refused
from tests.system.test_commands import run

pytestmark = pytest.mark.asyncio(loop_scope="module")

PARTS = [compose_part("answer.txt", "Жауап".encode())]
NOBODYS = "0192f0c3-4d5e-7a6b-8c9d-0e1f2a3b4c5d"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return new_world(tmp_path_factory.mktemp("kz"), "kz")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def post(
    world: World, module_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Post]:
    guard = await asyncio.to_thread(tmp_path_factory.mktemp, "guard")
    async with running_post(world, module_database_url, guard / "checkpoint.note") as running:
        yield running


class Ground:
    """An agency with a mailbox of its own, and their database."""

    def __init__(self, post: Post, agency: Agency, uow: SqlUnitOfWork) -> None:
        self.post = post
        self.agency = agency
        self.uow = uow
        self.address = ""

    async def open_box(self) -> None:
        """Opens the agency's mailbox, whose signatory is taken to have confirmed its profile."""
        async with self.uow.reading() as tx:
            organisation = await tx.organisations.get(UUID(self.agency.organisation_id))
        assert organisation is not None
        self.address = f"{organisation.code}@{self.post.profile.mailbox_domain}"
        await (await self.post.operator()).admin.open_mailbox(self.address)
        async with self.uow.writing() as tx:
            box = await tx.mailboxes.named(self.address)
            assert box is not None
            await tx.mailboxes.confirm(box.id, datetime.now(UTC))
            await tx.commit()

    async def notice(self, to: Citizen) -> str:
        """Has the agency write to somebody."""
        accepted = await self.agency.client.deliveries.submit(self.agency.letter(to.address))
        return accepted.delivery.delivery_id

    async def came_from(self, sender: str) -> Sequence[Delivery]:
        """Returns what lies in the agency's mailbox from this sender."""
        wanted = MessageFilter(sender=sender)
        async with self.uow.reading() as tx:
            box = await tx.mailboxes.named(self.address)
            assert box is not None
            found = await tx.deliveries.list_in_mailbox(box.id, "", wanted, before=None, limit=9)
        return [each.delivery for each in found]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ground(post: Post) -> AsyncIterator[Ground]:
    database = Database(post.database_url, pool_size=2)
    ground = Ground(post, await post.agency(), SqlUnitOfWork(database))
    await ground.open_box()
    yield ground
    await database.dispose()


async def test_a_person_replies_and_the_agencys_mailbox_has_it_with_evidence_that_verifies(
    ground: Ground, tmp_path: Path
) -> None:
    citizen = await ground.post.citizen()
    notice = await ground.notice(citizen)

    taken = await citizen.client.letters.send(
        subject="Жауап", parts=PARTS, in_reply_to=notice, max_receipt_wait=RECEIPTS
    )

    letter = taken.delivery
    assert (letter.sender, letter.recipient) == (citizen.address, ground.address)
    assert letter.in_reply_to == notice
    assert len(taken.receipts) == len(taken.evidence) == 2
    (came,) = await ground.came_from(citizen.address)
    assert (str(came.id), str(came.in_reply_to)) == (letter.delivery_id, notice)
    for fact in taken.evidence:
        sender = EvidenceDocument.parse(fact.document).sender
        number = citizen.person.personal_number
        assert (sender.identifier, sender.organisation_code) == (citizen.address, number)
        assert sender.organisation_name == f"{citizen.person.given_name} {citizen.person.surname}"
    assert await events_of(citizen.client, letter.delivery_id) == [
        "SubmissionAcceptance",
        "ContentConsignment",
    ]
    receipts = await receipts_of(citizen.client, letter.delivery_id)
    assert verified(ground.post.world, receipts).verdict is Verdict.VALID
    verify: list[str | Path] = ["verify", *saved(tmp_path, receipts)]
    verify += ["--log-policy", ground.post.world.log_policy]
    run = await asyncio.to_thread(forking.run, "namak.cli", *verify)
    assert run.returncode == 0, run.stdout


async def test_no_organisation_lists_or_pays_for_letters(ground: Ground) -> None:
    citizen, agency = await ground.post.citizen(), ground.agency.client
    today = datetime.now(ZoneInfo(ground.post.profile.time_zone)).date()
    days = (today - timedelta(days=1), today + timedelta(days=1))
    notice = await ground.notice(citizen)
    before = (await agency.billing.usage(*days)).total
    letter = (await citizen.client.letters.send(subject="1", parts=PARTS, in_reply_to=notice)).delivery

    listed = {each.delivery_id async for each in agency.deliveries.list()}
    assert notice in listed
    assert letter.delivery_id not in listed
    with pytest.raises(NotPermitted):
        await agency.deliveries.get(letter.delivery_id)
    with pytest.raises(NotPermitted):
        _ = [fact async for fact in agency.evidence.facts(letter.delivery_id)]
    assert (await agency.billing.usage(*days)).total == before
    mine = [each.delivery_id async for each in citizen.client.letters.list()]
    assert mine == [letter.delivery_id]


async def test_what_is_refused_and_why(ground: Ground) -> None:
    citizen, other = await ground.post.citizen(), await ground.post.citizen()
    theirs = await ground.notice(other)
    letters = citizen.client.letters
    wrong = f"{numbers.entity('kz', 900)}@{ground.post.profile.mailbox_domain}"
    to_person = await refused(
        letters.send(subject="1", parts=PARTS, recipient=other.address),
        StatusCode.PERMISSION_DENIED,
        "RECIPIENT_NOT_OFFICIAL",
    )
    assert to_person.evidence_id
    receipt = await citizen.client.evidence.receipt(to_person.evidence_id)
    assert receipt.evidence_id == to_person.evidence_id
    unknown = await refused(
        letters.send(subject="1", parts=PARTS, recipient=wrong), StatusCode.NOT_FOUND, "MAILBOX_UNKNOWN"
    )
    assert unknown.evidence_id
    told = [
        await refused(
            letters.send(subject="1", parts=PARTS, in_reply_to=each),
            StatusCode.PERMISSION_DENIED,
            "RESOURCE_NOT_PERMITTED",
        )
        for each in (theirs, NOBODYS)
    ]
    assert str(told[0]) == str(told[1])


async def test_a_person_who_has_not_confirmed_their_profile_writes_nothing(ground: Ground) -> None:
    citizen = await ground.post.citizen(mailbox=False)
    await (await ground.post.operator()).admin.open_mailbox(citizen.address)
    problem = await refused(
        citizen.client.letters.send(subject="1", parts=PARTS, recipient=ground.address),
        StatusCode.FAILED_PRECONDITION,
        "PROFILE_NOT_CONFIRMED",
    )
    assert problem.evidence_id


async def test_two_replies_with_one_request_id_at_once_are_one_letter(ground: Ground) -> None:
    citizen = await ground.post.citizen()
    notice = await ground.notice(citizen)
    second = await ground.post.client(
        citizen.card.authentication, address=(await ground.post.second()).address
    )
    taken = await asyncio.gather(
        *(
            each.letters.send(subject="1", parts=PARTS, in_reply_to=notice, request_id="once")
            for each in (citizen.client, second)
        )
    )
    assert taken[0].delivery.delivery_id == taken[1].delivery.delivery_id
    assert [fact.document for fact in taken[0].evidence] == [fact.document for fact in taken[1].evidence]
    await refused(
        citizen.client.letters.send(subject="another", parts=PARTS, in_reply_to=notice, request_id="once"),
        StatusCode.INVALID_ARGUMENT,
        "REQUEST_ID_REUSED",
    )


async def test_a_letter_is_withdrawn_by_who_wrote_it(ground: Ground) -> None:
    citizen, other = await ground.post.citizen(), await ground.post.citizen()
    letter = (await citizen.client.letters.send(subject="1", parts=PARTS, recipient=ground.address)).delivery
    await refused(
        other.client.letters.withdraw(letter.delivery_id),
        StatusCode.PERMISSION_DENIED,
        "RESOURCE_NOT_PERMITTED",
    )
    done = await citizen.client.letters.withdraw(letter.delivery_id)
    assert done.letter.state == delivery_pb2.DELIVERY_STATE_WITHDRAWN
    now = await citizen.client.letters.get(letter.delivery_id)
    assert now.state == delivery_pb2.DELIVERY_STATE_WITHDRAWN


async def test_the_commands_write_reply_list_and_withdraw(ground: Ground, tmp_path: Path) -> None:
    citizen = await ground.post.citizen()
    notice = await ground.notice(citizen)
    config = ground.post.world.write_client(
        "writer", citizen.card.authentication, ground.post.address, signs=True
    )
    letter, receipts = tmp_path / "сұрақ.txt", tmp_path / "receipts"
    letter.write_text("Қашан?", encoding="utf-8")

    asked = ("--subject", "Сұрақ", str(letter), "-o", str(receipts))
    written = await run(config, "write", ground.address, *asked, "--request-id", "w-1")
    again = await run(config, "write", ground.address, *asked, "--request-id", "w-1")
    assert written["delivery"]["delivery_id"] == again["delivery"]["delivery_id"]
    assert len(written["receipts"]) == 2
    replied = await run(config, "reply", notice, *asked)
    assert replied["delivery"]["in_reply_to"] == notice
    assert (await run(config, "verify", str(receipts)))["verdict"] == "VALID"
    reply_id = replied["delivery"]["delivery_id"]
    gone = await run(config, "letters", "withdraw", reply_id, "--yes", "-o", str(receipts))
    assert gone["delivery"]["state"] == "WITHDRAWN"
    listed = (await run(config, "letters", "list"))["letters"]
    assert [(each["delivery_id"], each["state"]) for each in listed] == [
        (reply_id, "WITHDRAWN"),
        (written["delivery"]["delivery_id"], "CONSIGNED"),
    ]
    code, output = await namak("write", citizen.address, *asked, config=config)
    assert code != 0
    assert "RECIPIENT_NOT_OFFICIAL" in output
