"""Calls that end in the middle, by their deadline or because the client gave up: nothing is lost, nothing is
half done, and neighbours notice nothing.

To be in the middle for certain, a call is made to wait for a lock that the test holds.
"""

import asyncio

import grpc
import pytest
from grpc import StatusCode

from namak.v1 import delivery_pb2, delivery_pb2_grpc, mailbox_pb2, mailbox_pb2_grpc
from tests.system.post import Agency, Citizen, Post, opened, signed
from tests.system.receipts import events_of
from tests.system.refusing import refused

pytestmark = pytest.mark.asyncio(loop_scope="module")

HEAD = "SELECT 1 FROM mailbox_heads h JOIN mailboxes m ON m.id = h.mailbox_id WHERE m.address = :a FOR UPDATE"
DELIVERY = "SELECT 1 FROM deliveries WHERE id = CAST(:id AS uuid) FOR UPDATE"
ACCEPTED = {"claims": 1, "deliveries": 1, "parts": 1, "mailbox_links": 1, "evidence": 2}


async def deliveries(post: Post, agency: Agency) -> delivery_pb2_grpc.DeliveryServiceStub:
    return delivery_pb2_grpc.DeliveryServiceStub(await post.channel(agency.identity))


async def accepted_once(post: Post, agency: Agency, letter: delivery_pb2.Submission) -> None:
    """Asserts that repeating a submission finds it accepted, in the log once, and gets one answer."""
    first = await agency.client.deliveries.submit(letter)
    async with post.records.grow_by():
        again = await agency.client.deliveries.submit(letter)
    assert again.evidence == first.evidence
    await post.records.all_logged()


@pytest.mark.parametrize("end", ["cancelled", "deadline"])
async def test_a_submission_that_ends_in_the_middle_is_accepted_all_the_same_and_its_neighbour_too(
    post: Post, agency: Agency, end: str
) -> None:
    citizen, neighbour = await post.citizen(), await post.citizen()
    stub = await deliveries(post, agency)
    letter = agency.letter(citizen.address)

    async with post.records.grow_by(**{name: 2 * count for name, count in ACCEPTED.items()}):
        async with post.records.holding(HEAD, a=citizen.address):
            # So long that it is waiting for the lock by then, on whatever machine.
            call = stub.Submit(
                delivery_pb2.SubmitRequest(submission=letter), timeout=5.0 if end == "deadline" else 30
            )
            waiting = asyncio.ensure_future(call)
            await post.records.somebody_waits()
            beside = await stub.Submit(
                delivery_pb2.SubmitRequest(submission=agency.letter(neighbour.address)), timeout=60
            )
            if end == "cancelled":
                call.cancel()
                await asyncio.wait([waiting])
                assert await call.code() is StatusCode.CANCELLED
            else:
                await asyncio.wait([waiting])
                assert await call.code() is StatusCode.DEADLINE_EXCEEDED
            assert len(beside.accepted.evidence) == 2
        await accepted_once(post, agency, letter)


async def test_a_cancelled_batch_is_accepted_whole(post: Post, agency: Agency) -> None:
    citizens = [await post.citizen() for _ in range(2)]
    stub = await deliveries(post, agency)
    letters = [agency.letter(citizen.address) for citizen in citizens * 2]

    async with post.records.grow_by(**{name: 4 * count for name, count in ACCEPTED.items()}):
        async with post.records.holding(HEAD, a=citizens[0].address):
            call = stub.BatchSubmit(delivery_pb2.BatchSubmitRequest(submissions=letters), timeout=60)
            waiting = asyncio.ensure_future(call)
            await post.records.somebody_waits()
            call.cancel()
            await asyncio.wait([waiting])
        outcomes = await agency.client.deliveries.submit_many(letters)

    assert [outcome.error for outcome in outcomes] == [None] * 4


async def test_a_deadline_that_has_passed_in_the_client_asks_nothing_of_the_server(
    post: Post, agency: Agency, citizen: Citizen
) -> None:
    stub = await deliveries(post, agency)

    async with post.records.grow_by():
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await stub.Submit(
                delivery_pb2.SubmitRequest(submission=agency.letter(citizen.address)), timeout=0
            )

    assert refusal.value.code() is StatusCode.DEADLINE_EXCEEDED


async def test_an_opening_that_is_cancelled_is_one_access_or_none(post: Post, agency: Agency) -> None:
    citizen = await post.citizen()
    accepted = await agency.client.deliveries.submit(agency.letter(citizen.address))
    delivery_id = accepted.delivery.delivery_id
    stub = mailbox_pb2_grpc.MailboxServiceStub(await post.channel(citizen.card.authentication))

    async with post.records.grow_by(openings=1, evidence=1):
        async with post.records.holding(DELIVERY, id=delivery_id):
            call = stub.OpenMessage(mailbox_pb2.OpenMessageRequest(delivery_id=delivery_id), timeout=60)
            waiting = asyncio.ensure_future(call)
            await post.records.somebody_waits()
            call.cancel()
            await asyncio.wait([waiting])
        reply = await citizen.client.mailbox.open(delivery_id)

    assert reply.evidence.document
    assert await events_of(citizen.client, delivery_id) == ["ContentConsignment", "ContentAccessTracking"]


async def test_a_confirmation_that_is_cancelled_is_whole_when_it_is_repeated(
    post: Post, agency: Agency, citizen: Citizen
) -> None:
    act = await opened(agency, citizen)
    cms = signed(citizen.card.signing, act.statement)
    stub = mailbox_pb2_grpc.MailboxServiceStub(await post.channel(citizen.card.authentication))
    request = mailbox_pb2.ConfirmReadingRequest(
        delivery_id=act.delivery_id, statement_id=act.statement_id, cms_signature=cms
    )

    async with post.records.grow_by(confirmations=1, evidence=2):
        async with post.records.holding(DELIVERY, id=act.delivery_id):
            call = stub.ConfirmReading(request, timeout=60)
            waiting = asyncio.ensure_future(call)
            await post.records.somebody_waits()
            call.cancel()
            await asyncio.wait([waiting])
        confirmed = await citizen.client.mailbox.confirm(act.delivery_id, act.statement_id, cms)

    assert len(confirmed.evidence) == 2


async def test_a_page_token_belongs_to_its_query(post: Post, agency: Agency) -> None:
    citizen, other = await post.citizen(), await post.citizen()
    sent = [
        (await agency.client.deliveries.submit(agency.letter(address))).delivery.delivery_id
        for address in [citizen.address, citizen.address, other.address, other.address]
    ]
    of_agency = await deliveries(post, agency)
    of_citizen = mailbox_pb2_grpc.MailboxServiceStub(await post.channel(citizen.card.authentication))
    of_other = mailbox_pb2_grpc.MailboxServiceStub(await post.channel(other.card.authentication))
    page = await of_citizen.ListMessages(mailbox_pb2.ListMessagesRequest(page_size=1), timeout=60)
    token = page.next_page_token

    rest = await of_citizen.ListMessages(
        mailbox_pb2.ListMessagesRequest(page_size=1, page_token=token), timeout=60
    )
    assert [message.delivery_id for message in (*page.messages, *rest.messages)] == [sent[1], sent[0]]
    assert rest.next_page_token == ""
    for wrong in (
        of_other.ListMessages(mailbox_pb2.ListMessagesRequest(page_token=token), timeout=60),
        of_agency.ListDeliveries(delivery_pb2.ListDeliveriesRequest(page_token=token), timeout=60),
        of_citizen.ListMessages(mailbox_pb2.ListMessagesRequest(page_token=token[:-1]), timeout=60),
        of_citizen.ListMessages(mailbox_pb2.ListMessagesRequest(page_token="!"), timeout=60),
    ):
        await refused(wrong, StatusCode.INVALID_ARGUMENT, "INVALID_PAGE_TOKEN")
