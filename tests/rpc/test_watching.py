"""Streams of facts at the edge: cursors in and out, and how such a stream ends."""

import asyncio
from typing import Any

import grpc
import pytest
import structlog

from namak.v1 import (
    delivery_pb2,
    delivery_pb2_grpc,
    evidence_pb2,
    evidence_pb2_grpc,
    mailbox_pb2,
    mailbox_pb2_grpc,
)
from server.dev.pki import Person
from server.interceptors.streams import StreamLimits
from server.usecases.following import BEGINNING, Follow
from server.usecases.log_ports import LogCursor
from server.usecases.log_queries import AskConsistency, AskTile
from tests.rpc.edge import Edge, World, bad_request, error_info, started_edge
from tests.rpc.serving import Gate
from tests.rpc.test_streams import REQUEST, SMALL_WINDOW, calls_in
from tests.waiting import until

ORIGIN = "log.e-citizen.am/2026"
WATCH = delivery_pb2.WatchDeliveriesRequest()
MIB = 1024 * 1024


def deliveries(channel: grpc.aio.Channel) -> Any:
    return delivery_pb2_grpc.DeliveryServiceStub(channel)


def evidence(edge: Edge) -> Any:
    return evidence_pb2_grpc.EvidenceServiceStub(edge.channel(edge.world.stranger))


async def test_hands_in_the_cursor_and_gives_back_facts_with_theirs(edge: Edge) -> None:
    edge.desks.followed_bytes = 10
    request = delivery_pb2.WatchDeliveriesRequest(
        cursor=evidence_pb2.LogCursor(origin=ORIGIN, index=5), with_receipts=True
    )
    call = deliveries(edge.channel(edge.world.agency)).WatchDeliveries(request, timeout=60)

    first, second = await call.read(), await call.read()
    call.cancel()

    assert (list(first.facts), first.cursor) == ([], request.cursor)
    (fact,) = second.facts
    assert (fact.leaf_index, second.cursor.index) == (5, 6)
    assert fact.evidence.document == bytes(10)
    assert (fact.receipt.tlog_proof, fact.receipt.leaf_index) == (b"receipt", 5)
    (command,) = edge.desks.commands
    assert isinstance(command, Follow)
    assert (command.cursor, command.with_receipts) == (LogCursor(ORIGIN, 5), True)


async def test_a_cursor_that_names_no_shard_is_where_the_log_begins(edge: Edge) -> None:
    request = delivery_pb2.WatchDeliveriesRequest(cursor=evidence_pb2.LogCursor())
    call = deliveries(edge.channel(edge.world.agency)).WatchDeliveries(request, timeout=60)
    await call.read()
    call.cancel()
    (command,) = edge.desks.commands
    assert isinstance(command, Follow)
    assert command.cursor == BEGINNING


async def test_a_holder_watches_without_a_cursor(edge: Edge) -> None:
    edge.desks.followed_bytes = 10
    stub: Any = mailbox_pb2_grpc.MailboxServiceStub(edge.channel(edge.world.citizen))
    call = stub.WatchMailbox(mailbox_pb2.WatchMailboxRequest(), timeout=60)

    first, second = await call.read(), await call.read()
    call.cancel()

    assert first.cursor == evidence_pb2.LogCursor(origin=ORIGIN, index=0)
    assert second.facts[0].HasField("evidence")
    assert not second.facts[0].HasField("receipt")
    (command,) = edge.desks.commands
    assert isinstance(command, Follow)
    assert command.cursor is None


@pytest.mark.parametrize(
    ("cursor", "wrong"),
    [
        (evidence_pb2.LogCursor(origin=ORIGIN, index=-1), {"cursor.index": "NEGATIVE"}),
        (evidence_pb2.LogCursor(index=1), {"cursor.origin": "EMPTY"}),
        (evidence_pb2.LogCursor(index=-1), {"cursor.origin": "EMPTY", "cursor.index": "NEGATIVE"}),
        (evidence_pb2.LogCursor(origin="a\0b"), {"cursor.origin": "CONTROL_CHARACTER"}),
        (evidence_pb2.LogCursor(origin="x" * 256), {"cursor.origin": "TOO_LONG"}),
        (
            evidence_pb2.LogCursor(origin="\n", index=-(2**63)),
            {"cursor.origin": "EMPTY", "cursor.index": "NEGATIVE"},
        ),
    ],
)
async def test_refuses_a_cursor_that_is_garbage(
    edge: Edge, cursor: evidence_pb2.LogCursor, wrong: dict[str, str]
) -> None:
    request = delivery_pb2.WatchDeliveriesRequest(cursor=cursor)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await deliveries(edge.channel(edge.world.agency)).WatchDeliveries(request, timeout=60).read()
    assert error_info(refused.value).reason == "INVALID_FIELDS"
    found = {each.field: each.reason for each in bad_request(refused.value).field_violations}
    assert found == wrong
    assert edge.desks.commands == []


async def test_cuts_off_a_reader_who_stops_and_reads_no_further_ahead(world: World) -> None:
    async with started_edge(world, stream_limits=StreamLimits(send=0.3)) as edge:
        edge.desks.followed_bytes = MIB
        stub = deliveries(edge.channel(world.agency, options=SMALL_WINDOW))
        with structlog.testing.capture_logs() as logs:
            call = stub.WatchDeliveries(WATCH, timeout=60)
            await call.read()

            await until(lambda: calls_in(logs))
        (line,) = calls_in(logs)
        assert line["reason"] == "READER_TOO_SLOW"
        # What the transport took on, and one that waited.
        assert edge.desks.replies_taken < 20
        call.cancel()


async def test_ends_when_the_binding_is_revoked(edge: Edge) -> None:
    call = deliveries(edge.channel(edge.world.agency)).WatchDeliveries(WATCH, timeout=60)
    await call.read()

    edge.register.revoke(edge.world.agency.sha256)

    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await call.read()
    assert ended.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert error_info(ended.value).reason == "CERTIFICATE_REVOKED"


async def test_ends_when_the_holders_card_is_revoked(edge: Edge) -> None:
    card = edge.world.pki.authentication_certificate("revoked-while-watching", Person("5001950015", "A", "B"))
    stub: Any = mailbox_pb2_grpc.MailboxServiceStub(edge.channel(card))
    call = stub.WatchMailbox(mailbox_pb2.WatchMailboxRequest(), timeout=60)
    await call.read()

    edge.world.pki.revoke(card)

    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await call.read()
    assert error_info(ended.value).reason == "CERTIFICATE_REVOKED"


async def test_a_server_that_stops_ends_watching_at_once_and_lets_downloads_finish(world: World) -> None:
    # The drain is longer than the test may take: who waited for it would fail.
    async with started_edge(world, drain=60.0) as edge:
        watching = deliveries(edge.channel(world.agency)).WatchDeliveries(WATCH, timeout=50)
        await watching.read()
        edge.desks.gate = gate = Gate()
        stub: Any = mailbox_pb2_grpc.MailboxServiceStub(edge.channel(world.citizen))
        download = stub.DownloadContent(REQUEST, timeout=50)
        await gate.entered.wait()

        stopping = asyncio.create_task(edge.server.stop())

        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await watching.read()
        assert ended.value.code() is grpc.StatusCode.UNAVAILABLE
        assert error_info(ended.value).reason == "SERVICE_UNAVAILABLE"
        gate.leave.set()
        assert b"".join([reply.chunk async for reply in download]) == edge.desks.content
        async with asyncio.timeout(60):
            await stopping


async def test_anybody_asks_for_a_consistency_proof(edge: Edge) -> None:
    request = evidence_pb2.GetConsistencyProofRequest(first_size=3, second_size=7)
    reply = await evidence(edge).GetConsistencyProof(request, timeout=60)
    assert (reply.origin, reply.second_size, list(reply.hashes)) == (ORIGIN, 7, [bytes(32)])
    assert edge.desks.commands == [AskConsistency("", 3, 7)]


async def test_anybody_asks_for_tiles_of_hashes_and_of_entries(edge: Edge) -> None:
    stub = evidence(edge)
    await stub.GetTile(evidence_pb2.GetTileRequest(level=0, index=3, width=17), timeout=60)
    await stub.GetTile(evidence_pb2.GetTileRequest(origin=ORIGIN, level=5), timeout=60)
    await stub.GetTile(evidence_pb2.GetTileRequest(entries=True, index=1), timeout=60)
    assert edge.desks.commands == [
        AskTile("", 0, 3, 17),
        AskTile(ORIGIN, 5, 0, 256),
        AskTile("", None, 1, 256),
    ]


async def test_anybody_asks_how_the_log_is(edge: Edge) -> None:
    reply = await evidence(edge).GetLogStatus(evidence_pb2.GetLogStatusRequest(), timeout=60)
    shard, ended = reply.shards
    assert (shard.successor, shard.announcement_evidence_id, shard.HasField("freeze_time")) == ("", "", False)
    assert ended.successor == "log.e-citizen.am/2027"
    assert ended.announcement_evidence_id == "00000000-0000-0000-0000-000000000007"
    assert ended.freeze_time == shard.publish_time
    assert (shard.given_up_evidence_id, shard.relogged_entries) == ("", 0)
    assert ended.given_up_evidence_id == "00000000-0000-0000-0000-000000000008"
    assert ended.relogged_entries == 3
    assert (shard.origin, shard.log_vkey, shard.tree_size, shard.root_hash) == (ORIGIN, "vkey", 7, bytes(32))
    assert (shard.pending_entries, shard.healthy, shard.HasField("publish_time")) == (2, True, True)
    assert (shard.witnessed_tree_size, shard.unwitnessed_entries) == (4, 5)
    assert shard.publish_time == shard.witness_time == shard.oldest_unwitnessed_time
    assert (reply.debt_limit.seconds, reply.outage_begin_time) == (4 * 3600, shard.publish_time)
    assert [(each.authority, each.tree_size, each.trouble) for each in shard.timestamping] == [
        ("a", 3, evidence_pb2.TimestampingState.TROUBLE_UNSPECIFIED),
        ("b", 0, evidence_pb2.TimestampingState.TROUBLE_REFUSES),
    ]
    assert [each.HasField("gen_time") for each in shard.timestamping] == [True, False]


async def test_anybody_asks_who_witnesses_the_log_and_what_it_waits_for(edge: Edge) -> None:
    reply = await evidence(edge).GetLogStatus(evidence_pb2.GetLogStatusRequest(), timeout=60)
    shard, other = reply.shards
    assert reply.leading
    assert shard.state == evidence_pb2.LogShard.STATE_WAITS_FOR_WITNESSES
    assert (shard.witnesses_needed, shard.witnesses_cosigned) == (2, 1)
    well, *troubled = shard.witnessing
    assert (well.witness, well.tree_size, well.trouble) == ("court/w", 4, 0)
    assert (well.cosign_time, well.HasField("trouble_begin_time")) == (shard.publish_time, False)
    kinds = evidence_pb2.WitnessingState.Trouble
    assert [kinds.Name(each.trouble) for each in troubled] == [
        f"TROUBLE_{each.witness.removesuffix('/w')}" for each in troubled
    ]
    assert {each.trouble for each in troubled} == set(kinds.values()) - {0}
    assert {each.trouble_begin_time.seconds for each in troubled} == {shard.publish_time.seconds}
    assert not any(each.HasField("cosign_time") for each in troubled)
    assert other.state == evidence_pb2.LogShard.STATE_WELL


@pytest.mark.parametrize(
    ("request_", "wrong"),
    [
        (evidence_pb2.GetTileRequest(), {"kind"}),
        (evidence_pb2.GetTileRequest(entries=False), {"entries"}),
        (evidence_pb2.GetTileRequest(level=-1, index=-1, width=-1), {"level", "index", "width"}),
        (evidence_pb2.GetTileRequest(level=6, width=256), {"level", "width"}),
        (evidence_pb2.GetTileRequest(level=0, origin="a\0"), {"origin"}),
        (
            evidence_pb2.GetConsistencyProofRequest(first_size=-1, second_size=-1),
            {"first_size", "second_size"},
        ),
        (evidence_pb2.GetConsistencyProofRequest(origin="a\nb"), {"origin"}),
    ],
)
async def test_refuses_questions_about_the_log_that_are_garbage(
    edge: Edge, request_: Any, wrong: set[str]
) -> None:
    stub = evidence(edge)
    method = stub.GetTile if isinstance(request_, evidence_pb2.GetTileRequest) else stub.GetConsistencyProof
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await method(request_, timeout=60)
    assert {each.field for each in bad_request(refused.value).field_violations} == wrong
    assert edge.desks.commands == []
