"""Streams of replies: their form, readers who stop, callers who lose their rights meanwhile."""

import asyncio
import hashlib
from typing import Any

import grpc
import pytest
import structlog
from structlog.typing import EventDict

from namak.v1 import evidence_pb2, evidence_pb2_grpc, mailbox_pb2, mailbox_pb2_grpc
from server.dev.pki import Person
from server.interceptors.streams import StreamLimits
from tests.rpc.desk_samples import KNOWN_DELIVERY, REVOCATION_LIST
from tests.rpc.edge import Edge, World, error_info, started_edge
from tests.rpc.serving import Gate
from tests.waiting import until

REQUEST = mailbox_pb2.DownloadContentRequest(delivery_id=str(KNOWN_DELIVERY), part_number=1)
LARGE = bytes(3 * 1024 * 1024)
# A receiver that takes in little more than it reads, as one behind a slow line does.
SMALL_WINDOW = (("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 64 * 1024))


def calls_in(logs: list[EventDict]) -> list[EventDict]:
    """Returns the lines about calls; none of them tells of a fault."""
    lines = [line for line in logs if line["event"].startswith("call ")]
    assert all(line["event"] == "call finished" for line in lines)
    return lines


async def read_on(call: Any, sizes: list[int]) -> None:
    """Reads a stream on to its end, and notes the sizes of what came."""
    while reply := await call.read():
        sizes.append(len(reply.chunk))


async def test_describes_a_part_first_and_then_sends_its_content_in_chunks(edge: Edge) -> None:
    edge.desks.content = bytes(range(256)) * 1000
    stub = mailbox_pb2_grpc.MailboxServiceStub(edge.channel(edge.world.citizen))

    first, *others = [reply async for reply in stub.DownloadContent(REQUEST, timeout=60)]

    assert first.part.size == len(edge.desks.content)
    assert first.part.digest.value == hashlib.sha256(edge.desks.content).digest()
    assert all(len(other.chunk) <= 64 * 1024 for other in others)
    assert b"".join(other.chunk for other in others) == edge.desks.content


async def test_streams_a_revocation_list_to_a_stranger(edge: Edge) -> None:
    stub = evidence_pb2_grpc.EvidenceServiceStub(edge.channel(edge.world.stranger))
    request = evidence_pb2.GetRevocationListRequest(
        digest=evidence_pb2.Digest(
            algorithm=evidence_pb2.Digest.ALGORITHM_SHA256, value=hashlib.sha256(REVOCATION_LIST).digest()
        )
    )

    chunks = [reply.chunk async for reply in stub.GetRevocationList(request, timeout=60)]

    assert b"".join(chunks) == REVOCATION_LIST


async def test_ends_a_waiting_stream_when_its_certificate_is_revoked(world: World) -> None:
    async with started_edge(world) as edge:
        card = world.pki.authentication_certificate("revoked-while-waiting", Person("5001950015", "A", "B"))
        edge.desks.gate = gate = Gate()
        stub = mailbox_pb2_grpc.MailboxServiceStub(edge.channel(card))
        call = stub.DownloadContent(REQUEST, timeout=60)
        await gate.entered.wait()

        world.pki.revoke(card)

        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await call.read()
        assert ended.value.code() is grpc.StatusCode.UNAUTHENTICATED
        assert error_info(ended.value).reason == "CERTIFICATE_REVOKED"
        assert gate.left.is_set()


async def test_ends_a_senders_stream_when_its_networks_are_taken_away(edge: Edge) -> None:
    edge.desks.gate = gate = Gate()
    stub = evidence_pb2_grpc.EvidenceServiceStub(edge.channel(edge.world.agency))
    digest = evidence_pb2.Digest(algorithm=evidence_pb2.Digest.ALGORITHM_SHA256, value=bytes(32))
    call = stub.GetRevocationList(evidence_pb2.GetRevocationListRequest(digest=digest), timeout=60)
    await gate.entered.wait()

    edge.register.addresses.clear()

    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await call.read()
    assert error_info(ended.value).reason == "NETWORK_NOT_PERMITTED"
    assert gate.left.is_set()


async def test_ends_a_stream_whose_certificate_is_revoked_though_its_reader_has_stopped(world: World) -> None:
    async with started_edge(world) as edge:
        edge.desks.content = LARGE
        card = world.pki.authentication_certificate("revoked-while-stopped", Person("5001950015", "A", "B"))
        stub = mailbox_pb2_grpc.MailboxServiceStub(edge.channel(card, options=SMALL_WINDOW))
        with structlog.testing.capture_logs() as logs:
            call = stub.DownloadContent(REQUEST, timeout=60)
            await call.read()

            world.pki.revoke(card)

            await until(lambda: calls_in(logs))
        (line,) = calls_in(logs)
        assert line["reason"] == "CERTIFICATE_REVOKED"
        # The status would wait behind what nobody reads: the stream is reset instead, and no more content
        # leaves.
        sizes: list[int] = []
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await read_on(call, sizes)
        assert ended.value.code() in {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.CANCELLED}
        assert sum(sizes) < len(LARGE) / 2


async def test_ends_a_stream_whose_reader_stops(world: World) -> None:
    async with started_edge(world, stream_limits=StreamLimits(send=0.2)) as edge:
        edge.desks.content = LARGE
        stub = mailbox_pb2_grpc.MailboxServiceStub(edge.channel(world.citizen, options=SMALL_WINDOW))
        with structlog.testing.capture_logs() as logs:
            call = stub.DownloadContent(REQUEST, timeout=60)
            await call.read()

            await until(lambda: calls_in(logs))
        (line,) = calls_in(logs)
        assert line["reason"] == "READER_TOO_SLOW"
        call.cancel()


async def test_closes_a_stream_that_its_client_cancels(edge: Edge) -> None:
    edge.desks.content = LARGE
    stub = mailbox_pb2_grpc.MailboxServiceStub(edge.channel(edge.world.citizen, options=SMALL_WINDOW))
    with structlog.testing.capture_logs() as logs:
        call = stub.DownloadContent(REQUEST, timeout=60)
        await call.read()

        call.cancel()

        await until(lambda: calls_in(logs))
    assert [line["status"] for line in calls_in(logs)] == ["CANCELLED"]


async def test_serves_others_while_a_reader_has_stopped(edge: Edge) -> None:
    edge.desks.content = LARGE
    stub = mailbox_pb2_grpc.MailboxServiceStub(edge.channel(edge.world.citizen, options=SMALL_WINDOW))
    stopped = stub.DownloadContent(REQUEST, timeout=60)
    await stopped.read()

    async def read_whole() -> int:
        return sum([len(reply.chunk) async for reply in stub.DownloadContent(REQUEST, timeout=60)])

    assert set(await asyncio.gather(read_whole(), read_whole())) == {len(LARGE)}
    stopped.cancel()
