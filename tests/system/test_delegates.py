"""An entity's signatory and its staff, and people who read for others: the whole server on two replicas."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import pytest
import pytest_asyncio
from google.type.date_pb2 import Date

from namak.client import Client
from namak.client.confirmation import check_statement
from namak.client.receipts import save_receipts
from namak.errors import AlreadyRegistered, NamakError, NotPermitted
from namak.evidence.report import Verdict
from namak.v1 import mailbox_pb2, mailbox_pb2_grpc
from namak.v1 import registration_pb2 as pb
from namak.v1.registration_pb2_grpc import RegistrationServiceStub
from server import bootstrap, config
from server.dev.world import World
from server.domain.administration import CommandLine
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork
from tests import numbers
from tests.register_server import ENTITIES, RegisterServer, registers_serving
from tests.register_server import entity as entity_record
from tests.rpc.edge import error_info
from tests.system.post import Agency, Citizen, Post, der, running_post, signed
from tests.system.receipts import events_of, verified

pytestmark = pytest.mark.asyncio(loop_scope="module")

CODE = numbers.entity("am", 90_001)
ENTITY = f"{CODE}@e-citizen.am"
NAME = "«Նամակ» ՍՊԸ"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def registers() -> AsyncIterator[RegisterServer]:
    async with registers_serving() as serving:
        yield serving


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def post(
    world: World,
    registers: RegisterServer,
    module_database_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Post]:
    """A running post that asks the register of entities."""
    guard = await asyncio.to_thread(tmp_path_factory.mktemp, "guard")
    more = f'\n[registers.entities]\nurl = "{registers.url(ENTITIES)}"\n'
    async with running_post(
        world, module_database_url, guard / "checkpoint.note", more_settings=more
    ) as running:
        yield running


@dataclass(frozen=True)
class Company:
    """An entity whose mailbox was opened for its registered signatory."""

    director: Citizen
    address: str = ENTITY


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def company(post: Post, registers: RegisterServer) -> Company:
    """Registers the entity as its signatory would: on paper, at a clerk's desk."""
    director = await post.citizen()
    signatory = {"number": director.person.personal_number, "name": "Արամ Պետրոսյան"}
    registers.show(ENTITIES, entity_record(CODE, name=NAME, signatories=[signatory]))
    clerk = await clerk_of(post)
    form = pb.ApplicationForm(
        legal_entity=pb.LegalEntity(
            full_name=NAME,
            number=CODE,
            registration_number="264.110.1",
            registration_date=Date(year=2019, month=3, day=14),
            legal_address="ք. Երևան, Մաշտոցի պող. 10",
            actual_address="ք. Երևան, Մաշտոցի պող. 10",
            mobile_phone="+37491000001",
        ),
        language="hy",
    )
    paper = pb.PaperApplication(
        scan=b"%PDF-1.7 scan",
        media_type="application/pdf",
        signatory_number=director.person.personal_number,
    )
    came = await clerk.SubmitApplication(
        pb.SubmitApplicationRequest(request_id="company", form=form, paper=paper)
    )
    done = await clerk.ApproveApplication(
        pb.ApproveApplicationRequest(request_id="open", application_id=came.application.application_id)
    )
    assert done.mailbox.address == ENTITY
    return Company(director)


async def clerk_of(post: Post) -> RegistrationServiceStub:
    identity = post.pki.machine("clerk-of-delegates", organisation="Post", common_name="desk-1")
    database = Database(post.database_url, pool_size=2)
    try:
        settings = config.load(post.world.write_settings("delegates", database_url=post.database_url), {})
        admin = bootstrap.sender_admin(settings, SqlUnitOfWork(database))
        await admin.certificates.bind_clerk(der(identity), CommandLine())
    finally:
        await database.dispose()
    return await post.registration(identity)


def in_days(days: float) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


async def confirm(citizen: Citizen, delivery_id: str, mailbox: str) -> None:
    """Opens a message in somebody's mailbox, and confirms its reading as the client does."""
    calls = citizen.client.mailbox.of(mailbox)
    opened = await calls.open(delivery_id)
    issued = await calls.issue_statement(delivery_id)
    statement = check_statement(issued, opened)
    assert statement.recipient == mailbox
    assert f"on behalf of: {mailbox}\n" in issued.statement.decode()
    await calls.confirm(delivery_id, issued.statement_id, signed(citizen.card.signing, issued.statement))


def without(receipts: Mapping[str, bytes], *names: str) -> dict[str, bytes]:
    return {name: receipt for name, receipt in receipts.items() if name not in names}


async def all_receipts(client: Client, delivery_id: str) -> dict[str, bytes]:
    """Returns the receipts of all that a caller sees of a delivery, the acts' too."""
    found = {}
    async for fact in client.evidence.facts(delivery_id):
        name = f"{fact.event.rpartition('/')[2]}-{fact.evidence_id}"
        found[name] = (await client.evidence.receipt(fact.evidence_id)).tlog_proof
    return found


async def until_refused(citizen: Citizen, mailbox: str) -> None:
    """Calls on until the mailbox is refused."""
    async with asyncio.timeout(60):
        while True:
            try:
                await citizen.client.mailbox.of(mailbox).get()
            except NotPermitted:
                return


async def test_staff_that_the_signatory_named_opens_and_confirms_and_a_stranger_can_judge_it(
    post: Post, agency: Agency, company: Company, tmp_path: Path
) -> None:
    staff, director = await post.citizen(mailbox=False), company.director
    accepted = await agency.client.deliveries.submit(agency.letter(company.address))
    delivery_id = accepted.delivery.delivery_id
    granted = await director.client.delegations.grant(
        staff.person.personal_number, expire=in_days(30), confirm=True, mailbox=company.address
    )

    listed = [each async for each in staff.client.mailbox.of(company.address).messages()]
    assert [message.delivery_id for message in listed] == [delivery_id]
    await confirm(staff, delivery_id, company.address)

    saved_receipts = [
        each async for each in save_receipts(agency.client.evidence, delivery_id, tmp_path / "sender")
    ]
    receipts = {each.path.name: each.path.read_bytes() for each in saved_receipts}
    report = verified(post.world, receipts)
    assert report.verdict is Verdict.VALID, report
    names = await events_of(agency.client, delivery_id)
    assert names.count("AdministrativeAct") == 2
    assert "NotificationEffected" in names
    # Without the acts the signature proves nothing; with one of them neither.
    acts = sorted(name for name in receipts if "AdministrativeAct" in name)
    for missing in (acts, acts[:1], acts[1:]):
        assert verified(post.world, without(receipts, *missing)).verdict is Verdict.INVALID
    # The sender does not see from the opening who it was.
    opening = next(data for name, data in receipts.items() if "ContentAccessTracking" in name)
    assert staff.person.personal_number.encode() not in opening
    # The delegate and the entity get the receipt of what was granted, and nobody else does.
    for client in (staff.client.evidence, director.client.evidence.of(company.address)):
        assert (await client.receipt(granted.grant_evidence_id)).tlog_proof
    bystander = await post.citizen()
    with pytest.raises(NotPermitted):
        await bystander.client.evidence.receipt(granted.grant_evidence_id)


async def test_the_signatory_confirms_for_the_entity(post: Post, agency: Agency, company: Company) -> None:
    accepted = await agency.client.deliveries.submit(agency.letter(company.address))
    delivery_id = accepted.delivery.delivery_id

    await confirm(company.director, delivery_id, company.address)

    receipts = await all_receipts(agency.client, delivery_id)
    assert verified(post.world, receipts).verdict is Verdict.VALID
    links = await company.director.client.mailbox.of(company.address).links()
    assert links.head_sequence >= 1


async def test_revoked_staff_is_refused_on_every_replica_and_its_streams_end(
    post: Post, agency: Agency, company: Company
) -> None:
    staff, director = await post.citizen(mailbox=False), company.director
    granted = await director.client.delegations.grant(
        staff.person.personal_number, expire=in_days(1), confirm=True, mailbox=company.address
    )
    second = await post.second()
    streams = []
    for server in (post.servers[0], second):
        channel = await post.channel(staff.card.authentication, address=server.address)
        request = mailbox_pb2.WatchMailboxRequest(mailbox=company.address)
        stream = mailbox_pb2_grpc.MailboxServiceStub(channel).WatchMailbox(request)
        await stream.read()
        streams.append(stream)

    revoked = await director.client.delegations.revoke(granted.delegation_id)

    with pytest.raises(NotPermitted):
        await staff.client.mailbox.of(company.address).get()
    assert await asyncio.gather(*map(ending_of, streams)) == ["RESOURCE_NOT_PERMITTED"] * 2
    assert (await director.client.evidence.of(company.address).receipt(revoked.revoke_evidence_id)).tlog_proof


async def ending_of(stream: Any) -> str:
    async def read_on() -> None:
        while await stream.read() is not grpc.aio.EOF:
            pass

    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await asyncio.wait_for(read_on(), 60)
    assert ended.value.code() is grpc.StatusCode.PERMISSION_DENIED
    return str(error_info(ended.value).reason)


async def test_a_right_that_runs_out_ends_by_itself_and_its_stream_with_it(
    post: Post, citizen: Citizen
) -> None:
    reader = await post.citizen(mailbox=False)
    await citizen.client.delegations.grant(
        reader.person.personal_number, expire=datetime.now(UTC) + timedelta(seconds=5)
    )
    channel = await post.channel(reader.card.authentication)
    request = mailbox_pb2.WatchMailboxRequest(mailbox=citizen.address)
    stream = mailbox_pb2_grpc.MailboxServiceStub(channel).WatchMailbox(request)
    await stream.read()

    assert await ending_of(stream) == "RESOURCE_NOT_PERMITTED"
    await until_refused(reader, citizen.address)
    # What is over stands in nobody's way.
    again = await citizen.client.delegations.grant(reader.person.personal_number, expire=in_days(1))
    assert not again.HasField("revoke_time")


async def test_a_delegate_of_one_mailbox_is_a_stranger_to_every_other(
    post: Post, agency: Agency, citizen: Citizen, company: Company
) -> None:
    reader = await post.citizen(mailbox=False)
    await citizen.client.delegations.grant(reader.person.personal_number, expire=in_days(1), confirm=True)
    theirs = (await agency.client.deliveries.submit(agency.letter(company.address))).delivery.delivery_id
    nobodys = "5001959999@e-citizen.am"

    refusals = []
    for mailbox in (company.address, nobodys):
        for call in (
            reader.client.mailbox.of(mailbox).get(),
            reader.client.mailbox.of(mailbox).open(theirs),
            reader.client.delegations.grant("5001950016", expire=in_days(1), mailbox=mailbox),
        ):
            with pytest.raises(NotPermitted) as refusal:
                await call
            refusals.append((refusal.value.reason, str(refusal.value)))
    # What is foreign and what is not there get the same answers.
    assert refusals[:3] == refusals[3:]
    # And one call acts in one mailbox: what lies in another is not found through it.
    with pytest.raises(NotPermitted):
        await reader.client.mailbox.of(citizen.address).open(theirs)
    # Nor may a delegate pass the right on.
    with pytest.raises(NotPermitted):
        await reader.client.delegations.grant("5001950016", expire=in_days(1), mailbox=citizen.address)


async def test_of_grants_and_of_revocations_at_once_on_two_replicas_one_counts(post: Post) -> None:
    holder, reader = await post.citizen(), await post.citizen(mailbox=False)
    second = await post.second()
    elsewhere = await post.client(holder.card.authentication, address=second.address)

    async def grant(client: Client) -> str:
        try:
            granted = await client.delegations.grant(reader.person.personal_number, expire=in_days(1))
        except AlreadyRegistered as refusal:
            return refusal.reason
        return granted.delegation_id

    outcomes = await asyncio.gather(*map(grant, [holder.client, elsewhere] * 3))
    (delegation_id,) = [each for each in outcomes if each != "ALREADY_REGISTERED"]
    revoked = await asyncio.gather(
        *(client.delegations.revoke(delegation_id) for client in (holder.client, elsewhere))
    )
    assert revoked[0].revoke_evidence_id == revoked[1].revoke_evidence_id != ""


async def test_a_reader_may_not_confirm(post: Post, agency: Agency, citizen: Citizen) -> None:
    reader = await post.citizen(mailbox=False)
    await citizen.client.delegations.grant(reader.person.personal_number, expire=in_days(1))
    accepted = await agency.client.deliveries.submit(agency.letter(citizen.address))
    calls = reader.client.mailbox.of(citizen.address)
    await calls.open(accepted.delivery.delivery_id)

    with pytest.raises(NotPermitted):
        await calls.issue_statement(accepted.delivery.delivery_id)
    received = [each async for each in reader.client.delegations.received()]
    assert [each.mailbox for each in received] == [citizen.address]
    with pytest.raises(NamakError):
        await calls.confirm(accepted.delivery.delivery_id, str(uuid4()), b"cms")


async def test_a_new_director_comes_in_and_the_former_goes_out_and_what_was_signed_stays_good(
    post: Post, agency: Agency, company: Company, registers: RegisterServer, tmp_path: Path
) -> None:
    former, new = company.director, await post.citizen(mailbox=False)
    accepted = await agency.client.deliveries.submit(agency.letter(company.address))
    delivery_id = accepted.delivery.delivery_id
    await confirm(former, delivery_id, company.address)
    operator = await post.operator()
    named = [{"number": each.person.personal_number, "name": "Արամ Պետրոսյան"} for each in (former, new)]
    try:
        registers.show(ENTITIES, entity_record(CODE, name=NAME, signatories=named))
        both = await operator.admin.refresh_signatories(company.address)
        assert {each.person_number for each in both.signatories} == {each["number"] for each in named}
        for director in (former, new):
            assert [each async for each in director.client.mailbox.of(company.address).messages()]

        registers.show(ENTITIES, entity_record(CODE, name=NAME, signatories=named[1:]))
        left = await (await clerk_of(post)).RefreshSignatories(
            pb.RefreshSignatoriesRequest(request_id="leaves", address=company.address)
        )
        assert [each.person_number for each in left.signatories] == [named[1]["number"]]
        with pytest.raises(NotPermitted):
            _ = [each async for each in former.client.mailbox.of(company.address).messages()]
        assert [each async for each in new.client.mailbox.of(company.address).messages()]
    finally:
        registers.show(ENTITIES, entity_record(CODE, name=NAME, signatories=named[:1]))
        await operator.admin.refresh_signatories(company.address)

    receipts = {
        each.path.name: each.path.read_bytes()
        async for each in save_receipts(agency.client.evidence, delivery_id, tmp_path / "sender")
    }
    report = verified(post.world, receipts)
    assert report.verdict is Verdict.VALID, report
