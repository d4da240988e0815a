"""Withdrawing, filters, closing and the completeness of a mailbox, through everything that there is."""

import asyncio
from datetime import UTC, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from namak.client.completeness import prove_chain
from namak.errors import NamakError
from namak.evidence.mailbox_chain import ChainHead, Flaw
from namak.evidence.note import vkey
from namak.evidence.report import Verdict
from namak.evidence.tlog_policy import TlogPolicy
from namak.evidence.verify import Trust
from namak.v1 import delivery_pb2, mailbox_pb2, mailbox_pb2_grpc
from server.dev.world import World
from tests.system.post import Agency, Post
from tests.system.receipts import events_of, receipts_of, trust, verified

STRANGE_LOG = vkey("log.e-citizen.am/2026", Ed25519PrivateKey.generate().public_key().public_bytes_raw())

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def reason_of(call: object) -> str:
    with pytest.raises(NamakError) as refused:
        await call  # type: ignore[misc]
    return refused.value.reason


async def test_a_withdrawn_message_can_t_be_opened_and_both_sides_can_prove_it(
    post: Post, agency: Agency, world: World
) -> None:
    citizen = await post.citizen()
    deliveries, mailbox = agency.client.deliveries, citizen.client.mailbox
    delivery_id = (await deliveries.submit(agency.letter(citizen.address))).delivery.delivery_id

    reply = await deliveries.withdraw(delivery_id, request_id="w-1")
    again = await deliveries.withdraw(delivery_id, request_id="w-1")

    assert reply.delivery.state == delivery_pb2.DELIVERY_STATE_WITHDRAWN
    assert again.evidence == reply.evidence
    assert await reason_of(mailbox.open(delivery_id)) == "DELIVERY_WITHDRAWN"
    assert await reason_of(mailbox.issue_statement(delivery_id)) == "DELIVERY_WITHDRAWN"
    assert await reason_of(mailbox.require_opened(delivery_id)) == "DELIVERY_WITHDRAWN"
    assert await reason_of(deliveries.withdraw(delivery_id)) == "DELIVERY_WITHDRAWN"
    (message,) = [each async for each in mailbox.messages()]
    assert message.state == delivery_pb2.DELIVERY_STATE_WITHDRAWN
    assert message.withdrawal_time == reply.delivery.withdrawal_time
    assert await events_of(citizen.client, delivery_id) == ["ContentConsignment", "Withdrawn"]
    for client in (agency.client, citizen.client):
        report = verified(world, await receipts_of(client, delivery_id))
        assert report.verdict is Verdict.VALID
    stated = [
        each.delivery_id async for each in deliveries.list(states=[delivery_pb2.DELIVERY_STATE_WITHDRAWN])
    ]
    assert delivery_id in stated


async def test_what_was_opened_or_is_another_s_stays(post: Post, agency: Agency) -> None:
    citizen, other = await post.citizen(), await post.agency()
    delivery_id = (await agency.client.deliveries.submit(agency.letter(citizen.address))).delivery.delivery_id
    assert await reason_of(other.client.deliveries.withdraw(delivery_id)) == "RESOURCE_NOT_PERMITTED"
    await citizen.client.mailbox.open(delivery_id)

    assert await reason_of(agency.client.deliveries.withdraw(delivery_id)) == "MESSAGE_OPENED"


async def test_lists_are_narrowed(post: Post, agency: Agency) -> None:
    citizen = await post.citizen()
    deliveries, mailbox = agency.client.deliveries, citizen.client.mailbox
    ids = [
        (await deliveries.submit(agency.letter(citizen.address, request_id=f"filter-{number}"))).delivery
        for number in range(3)
    ]
    await mailbox.open(ids[0].delivery_id)
    second = ids[1].submission_time.ToDatetime(UTC)

    unopened = [each.delivery_id async for each in mailbox.messages(unopened_only=True, page_size=1)]
    of_citizen = [each.delivery_id async for each in deliveries.list(recipient=citizen.address, page_size=2)]
    later = [each.delivery_id async for each in mailbox.messages(start=second)]
    earlier = [each.delivery_id async for each in deliveries.list(recipient=citizen.address, end=second)]
    by_request = [each.delivery_id async for each in deliveries.list(request_id="filter-1")]

    assert unopened == [ids[2].delivery_id, ids[1].delivery_id]
    assert of_citizen == [each.delivery_id for each in reversed(ids)]
    assert by_request == [ids[1].delivery_id]
    assert later == unopened
    assert earlier == [ids[0].delivery_id]


async def test_a_holder_proves_the_mailbox_complete_and_sees_what_is_missing(
    post: Post, agency: Agency, world: World
) -> None:
    citizen = await post.citizen()
    mailbox, evidence = citizen.client.mailbox, citizen.client.evidence
    await asyncio.gather(*(agency.client.deliveries.submit(agency.letter(citizen.address)) for _ in range(5)))

    proof = await mailbox.prove(trust(world))

    assert proof.is_complete
    assert proof.chain.head.sequence == proof.chain.links == 5
    await agency.client.deliveries.submit(agency.letter(citizen.address))
    assert (await mailbox.prove(trust(world), known=[proof.chain.head])).is_complete
    found = await mailbox.links()
    head = ChainHead(found.head_sequence, found.head_link)
    without_third = [each for each in found.links if each.sequence != 3]
    cheated = await prove_chain(citizen.address, without_third, head, trust(world), evidence)
    assert {finding.flaw for finding in cheated.chain.findings} == {Flaw.GAP}
    assert cheated.unproven == ()
    strangers = Trust(TlogPolicy.parse(f"log {STRANGE_LOG}\nquorum none\n".encode()), [])
    untrusted = await mailbox.prove(strangers)
    assert untrusted.chain.is_complete
    assert [each.sequence for each in untrusted.unproven] == [1, 2, 3, 4, 5, 6]


async def test_a_mailbox_that_is_closed_receives_never_again(post: Post, agency: Agency) -> None:
    citizen = await post.citizen()
    stub = mailbox_pb2_grpc.MailboxServiceStub(await post.channel(post.world.operator))
    delivery_id = (await agency.client.deliveries.submit(agency.letter(citizen.address))).delivery.delivery_id

    suspend = mailbox_pb2.SuspendMailboxRequest(request_id="s", address=citizen.address)
    await stub.SuspendMailbox(suspend, timeout=60)
    assert (
        await reason_of(agency.client.deliveries.submit(agency.letter(citizen.address)))
        == "MAILBOX_SUSPENDED"
    )
    resume = mailbox_pb2.ResumeMailboxRequest(request_id="r", address=citizen.address)
    await stub.ResumeMailbox(resume, timeout=60)
    await agency.client.deliveries.submit(agency.letter(citizen.address))
    close = mailbox_pb2.CloseMailboxRequest(request_id="c", address=citizen.address)
    closed = await stub.CloseMailbox(close, timeout=60)

    assert closed.mailbox.state == mailbox_pb2.MAILBOX_STATE_CLOSED
    assert (
        await reason_of(agency.client.deliveries.submit(agency.letter(citizen.address))) == "MAILBOX_CLOSED"
    )
    assert (await citizen.client.mailbox.open(delivery_id)).message.delivery_id == delivery_id
    told = await stub.ResolveAddress(mailbox_pb2.ResolveAddressRequest(address=citizen.address), timeout=60)
    assert told.state == mailbox_pb2.MAILBOX_STATE_CLOSED


async def test_nothing_slips_in_after_a_mailbox_was_closed(post: Post, agency: Agency) -> None:
    citizen = await post.citizen()
    stub = mailbox_pb2_grpc.MailboxServiceStub(await post.channel(post.world.operator))

    async def send() -> str:
        """Sends until it is refused; returns why."""
        while True:
            try:
                await agency.client.deliveries.submit(
                    agency.letter(citizen.address), max_receipt_wait=timedelta(0)
                )
            except NamakError as refused:
                return refused.reason

    senders = [asyncio.create_task(send()) for _ in range(4)]
    close = mailbox_pb2.CloseMailboxRequest(request_id="close-now", address=citizen.address)
    await stub.CloseMailbox(close, timeout=60)
    count = len((await citizen.client.mailbox.links()).links)

    assert await asyncio.gather(*senders) == ["MAILBOX_CLOSED"] * 4
    assert len((await citizen.client.mailbox.links()).links) == count
