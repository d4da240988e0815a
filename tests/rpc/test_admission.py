"""How many calls are served at once, whose they are, and calls whose request never comes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable

import grpc
import pytest

from namak.v1 import delivery_pb2, delivery_pb2_grpc, evidence_pb2, evidence_pb2_grpc
from tests.rpc.edge import Edge, World, error_info, retry_info, started_edge
from tests.rpc.serving import Gate
from tests.waiting import until

LIST = delivery_pb2.ListDeliveriesRequest()
CHECKPOINT = evidence_pb2.GetCheckpointRequest()


def deliveries(edge: Edge, name: str) -> delivery_pb2_grpc.DeliveryServiceStub:
    return delivery_pb2_grpc.DeliveryServiceStub(edge.channel(getattr(edge.world, name)))


def log(edge: Edge, name: str) -> evidence_pb2_grpc.EvidenceServiceStub:
    return evidence_pb2_grpc.EvidenceServiceStub(edge.channel(getattr(edge.world, name)))


async def refusal(call: Awaitable[object]) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return refused.value


def without_a_request(edge: Edge, name: str) -> grpc.aio.StreamUnaryCall[bytes, bytes]:
    """Begins a call that sends its headers, and never a message."""

    async def never() -> AsyncIterator[bytes]:
        await asyncio.Event().wait()
        yield b""

    channel = edge.channel(getattr(edge.world, name))
    method: grpc.aio.StreamUnaryMultiCallable[bytes, bytes] = channel.stream_unary(
        "/namak.v1.EvidenceService/GetCheckpoint"
    )
    return method(never())


async def test_one_organisation_never_takes_the_last_places(world: World) -> None:
    async with started_edge(world, max_concurrent_calls=4) as edge:
        edge.desks.gate = gate = Gate()
        agency, colleague = deliveries(edge, "agency"), deliveries(edge, "agency_address")
        under_way = [asyncio.ensure_future(agency.ListDeliveries(LIST, timeout=60)) for _ in range(2)]
        await until(lambda: len(edge.desks.callers) == 2)

        refused = await refusal(colleague.ListDeliveries(LIST, timeout=60))

        assert refused.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert error_info(refused).reason == "OVERLOADED"
        assert retry_info(refused).retry_delay.seconds >= 1
        assert len(edge.desks.callers) == 2
        neighbour = asyncio.ensure_future(log(edge, "stranger").GetCheckpoint(CHECKPOINT, timeout=60))
        await until(lambda: len(edge.desks.commands) == 3)
        gate.leave.set()
        assert all([(await call).deliveries for call in under_way])
        await neighbour
        assert (await colleague.ListDeliveries(LIST, timeout=60)).deliveries


async def test_a_call_that_its_client_gives_up_leaves_its_place(world: World) -> None:
    async with started_edge(world, max_concurrent_calls=1) as edge:
        edge.desks.gate = gate = Gate()
        agency = deliveries(edge, "agency")
        given_up = agency.ListDeliveries(LIST, timeout=60)
        await gate.entered.wait()
        assert (await refusal(agency.ListDeliveries(LIST, timeout=60))).code() is (
            grpc.StatusCode.RESOURCE_EXHAUSTED
        )

        given_up.cancel()
        await until(gate.left.is_set)
        edge.desks.gate = None

        assert (await agency.ListDeliveries(LIST, timeout=60)).deliveries


async def test_streams_that_follow_the_log_take_no_places(world: World) -> None:
    async with started_edge(world, max_concurrent_calls=1) as edge:
        agency = deliveries(edge, "agency")
        streams = []
        for _ in range(3):
            stream = agency.WatchDeliveries(delivery_pb2.WatchDeliveriesRequest())
            await stream.read()
            streams.append(stream)

        assert (await agency.ListDeliveries(LIST, timeout=60)).deliveries
        for stream in streams:
            stream.cancel()


async def test_calls_without_a_request_take_no_places(world: World) -> None:
    async with started_edge(world, max_concurrent_calls=1) as edge:
        silent = [without_a_request(edge, "stranger") for _ in range(5)]
        await asyncio.gather(*(call.wait_for_connection() for call in silent))

        await log(edge, "stranger").GetCheckpoint(CHECKPOINT, timeout=60)

        assert not any(call.done() for call in silent)


async def test_more_open_calls_than_the_server_holds_are_refused_without_a_reason(world: World) -> None:
    async with started_edge(world, max_open_calls=2) as edge:
        edge.desks.gate = gate = Gate()
        agency = deliveries(edge, "agency")
        under_way = [asyncio.ensure_future(agency.ListDeliveries(LIST, timeout=60)) for _ in range(2)]
        await until(lambda: len(edge.desks.callers) == 2)

        refused = await refusal(agency.ListDeliveries(LIST, timeout=60))

        assert refused.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert error_info(refused).reason == ""
        gate.leave.set()
        await asyncio.gather(*under_way)
