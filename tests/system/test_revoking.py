"""Rights that end: seen within a second on open connections, by a replica that nobody told."""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import grpc
import pytest
import structlog
from grpc import StatusCode

from namak.v1 import (
    delivery_pb2,
    delivery_pb2_grpc,
    evidence_pb2,
    evidence_pb2_grpc,
    mailbox_pb2,
    mailbox_pb2_grpc,
    sender_admin_pb2,
)
from tests.system.post import Agency, Post, der
from tests.system.refusing import refusal_of, refused

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROMISED_SECONDS = 1.0
# A receiver that takes in little more than it reads, as one behind a slow line does.
SLOW_LINE = (("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 64 * 1024))


async def assert_refused_within_a_second(
    call: Callable[[], Awaitable[object]], status: StatusCode, reason: str
) -> None:
    """Repeats a call, right after its caller's rights ended, until it is refused.

    A call that began a second after that, or later, must not be answered. How long an answer takes does not
    matter, so a slow machine does not either.
    """
    ended = time.monotonic()
    while True:
        began = time.monotonic()
        try:
            await call()
        except grpc.aio.AioRpcError:
            break
        assert began - ended < PROMISED_SECONDS
    # From now on it stays so.
    for _ in range(3):
        refusal = await refusal_of(call())
        assert (refusal.status, refusal.reason) == (status, reason)


async def test_a_revoked_binding_is_refused_within_a_second_by_the_other_replica(post: Post) -> None:
    agency, replica = await post.agency(), await post.second()
    channel = await post.channel(agency.identity, address=replica.address)
    stub = delivery_pb2_grpc.DeliveryServiceStub(channel)
    admin = (await post.operator()).admin
    await stub.ListDeliveries(delivery_pb2.ListDeliveriesRequest(), timeout=60)

    await admin.revoke_certificate(agency.identity.sha256)

    await assert_refused_within_a_second(
        lambda: stub.ListDeliveries(delivery_pb2.ListDeliveriesRequest(), timeout=60),
        StatusCode.UNAUTHENTICATED,
        "CERTIFICATE_REVOKED",
    )
    assert channel.get_state() is grpc.ChannelConnectivity.READY


async def test_a_new_binding_counts_within_a_second_on_the_other_replica(post: Post) -> None:
    agency, replica = await post.agency(), await post.second()
    renewed = post.pki.machine("renewed", organisation="SRC", common_name="renewed")
    stub = delivery_pb2_grpc.DeliveryServiceStub(await post.channel(renewed, address=replica.address))
    admin = (await post.operator()).admin
    await refused(
        stub.ListDeliveries(delivery_pb2.ListDeliveriesRequest(), timeout=60),
        StatusCode.UNAUTHENTICATED,
        "CERTIFICATE_UNBOUND",
    )

    await admin.bind_certificate(agency.organisation_id, der(renewed))

    bound = time.monotonic()
    while True:
        began = time.monotonic()
        try:
            await stub.ListDeliveries(delivery_pb2.ListDeliveriesRequest(), timeout=60)
            break
        except grpc.aio.AioRpcError:
            assert began - bound < PROMISED_SECONDS
    # The former one goes on beside it: certificates are rotated without a gap.
    assert [delivery async for delivery in agency.client.deliveries.list()] == []


async def test_a_revoked_card_is_refused_within_a_second_by_every_replica(post: Post) -> None:
    citizen = await post.citizen()
    stubs = [
        mailbox_pb2_grpc.MailboxServiceStub(
            await post.channel(citizen.card.authentication, address=server.address)
        )
        for server in (post.servers[0], await post.second())
    ]
    for stub in stubs:
        await stub.GetMailbox(mailbox_pb2.GetMailboxRequest(), timeout=60)

    await asyncio.to_thread(post.pki.revoke, citizen.card.authentication)

    for stub in stubs:
        await assert_refused_within_a_second(
            partial(stub.GetMailbox, mailbox_pb2.GetMailboxRequest(), timeout=60),
            StatusCode.UNAUTHENTICATED,
            "CERTIFICATE_REVOKED",
        )


@pytest.mark.parametrize("what", ["address", "contract"])
async def test_a_suspension_counts_from_the_next_submission_on_the_other_replica(
    post: Post, what: str
) -> None:
    agency, citizen, replica = await post.agency(), await post.citizen(), await post.second()
    client = await post.client(agency.identity, address=replica.address)
    admin = (await post.operator()).admin
    await client.deliveries.submit(agency.letter(citizen.address))

    if what == "address":
        await admin.suspend_sender_address(agency.sender_id)
    else:
        await admin.set_contract_state(agency.organisation_id, sender_admin_pb2.CONTRACT_STATE_SUSPENDED)

    async with post.records.grow_by_a_refusal():
        await refused(
            client.deliveries.submit(agency.letter(citizen.address)),
            StatusCode.FAILED_PRECONDITION,
            "SENDER_SUSPENDED" if what == "address" else "CONTRACT_NOT_IN_FORCE",
        )


async def test_a_slow_readers_download_ends_on_the_other_replica_when_the_card_is_revoked(
    post: Post, agency: Agency
) -> None:
    citizen, replica = await post.citizen(), await post.second()
    content = bytes(3 * 1024 * 1024)
    accepted = await agency.client.deliveries.submit(agency.letter(citizen.address, content=content))
    delivery_id = accepted.delivery.delivery_id
    await citizen.client.mailbox.open(delivery_id)
    channel = await post.channel(citizen.card.authentication, address=replica.address, options=SLOW_LINE)
    with structlog.testing.capture_logs() as lines:
        call: Any = mailbox_pb2_grpc.MailboxServiceStub(channel).DownloadContent(
            mailbox_pb2.DownloadContentRequest(delivery_id=delivery_id, part_number=1), timeout=60
        )
        first = await call.read()
        assert first.part.size == len(content)

        await asyncio.to_thread(post.pki.revoke, citizen.card.authentication)

        await stream_ended(lines, "DownloadContent")
    await assert_cut_short(call, len(content))


async def test_a_slow_readers_stream_ends_on_the_other_replica_when_the_binding_is_revoked(
    post: Post,
) -> None:
    agency, replica = await post.agency(), await post.second()
    # Served by its digest without a look at what it is: a large one, so that it takes its time.
    content = bytes(3 * 1024 * 1024)
    await post.records.rows(
        "INSERT INTO revocation_lists (digest, der) VALUES (sha256(:der), :der)", der=content
    )
    digest = evidence_pb2.Digest(
        algorithm=evidence_pb2.Digest.ALGORITHM_SHA256, value=hashlib.sha256(content).digest()
    )
    channel = await post.channel(agency.identity, address=replica.address, options=SLOW_LINE)
    admin = (await post.operator()).admin
    with structlog.testing.capture_logs() as lines:
        call: Any = evidence_pb2_grpc.EvidenceServiceStub(channel).GetRevocationList(
            evidence_pb2.GetRevocationListRequest(digest=digest), timeout=60
        )
        assert (await call.read()).chunk

        await admin.revoke_certificate(agency.identity.sha256)

        await stream_ended(lines, "GetRevocationList")
    await assert_cut_short(call, len(content))


async def test_a_holder_waits_while_no_fresh_list_tells_who_is_revoked(post: Post) -> None:
    citizen = await post.citizen()
    stub = mailbox_pb2_grpc.MailboxServiceStub(await post.channel(citizen.card.authentication))
    past = datetime.now(UTC) - timedelta(minutes=1)
    await stub.GetMailbox(mailbox_pb2.GetMailboxRequest(), timeout=60)

    try:
        await asyncio.to_thread(post.pki.write_crls, this_update=past - timedelta(hours=1), next_update=past)
        code = await outcome_becomes(stub, StatusCode.UNAVAILABLE)
        refusal = await refusal_of(stub.GetMailbox(mailbox_pb2.GetMailboxRequest(), timeout=60))
    finally:
        await asyncio.to_thread(post.pki.write_crls)

    assert (code, refusal.reason) == (StatusCode.UNAVAILABLE, "REVOCATION_STATUS_UNKNOWN")
    assert await outcome_becomes(stub, StatusCode.OK) is StatusCode.OK


async def outcome_becomes(stub: mailbox_pb2_grpc.MailboxServiceStub, wanted: StatusCode) -> StatusCode:
    """Repeats a call until it ends in the wanted way, and returns that."""
    async with asyncio.timeout(60):
        while True:
            call: Any = stub.GetMailbox(mailbox_pb2.GetMailboxRequest(), timeout=60)
            code: StatusCode = await call.code()
            if code is wanted:
                return code
            await asyncio.sleep(0.02)


async def stream_ended(lines: list[Any], method: str) -> None:
    """Waits until a stream has ended, and asserts that its certificate was the reason."""

    def ended() -> list[Any]:
        return [line for line in lines if str(line.get("method", "")).endswith(f"/{method}")]

    async with asyncio.timeout(60):
        while not ended():  # noqa: ASYNC110 - log lines have no event of their own
            await asyncio.sleep(0.01)
    assert [line["reason"] for line in ended()] == ["CERTIFICATE_REVOKED"]


async def assert_cut_short(call: Any, size: int) -> None:
    """Asserts that what was on its way to a reader who had stopped is little, and no more comes."""
    sizes: list[int] = []
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await read_on(call, sizes)
    assert refusal.value.code() in {StatusCode.UNAUTHENTICATED, StatusCode.CANCELLED}
    assert sum(sizes) < size / 2


async def read_on(call: Any, sizes: list[int]) -> None:
    """Reads a stream on to its end, and notes the sizes of what came."""
    while reply := await call.read():
        sizes.append(len(reply.chunk))
