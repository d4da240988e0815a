"""A blocking client, as an agency may use: the stub of pytest-grpc on the real asynchronous server."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest

from namak.v1 import delivery_pb2, delivery_pb2_grpc
from tests.rpc.edge import Edge, World, credentials, started_edge


@pytest.fixture(scope="module")
def grpc_server(world: World) -> Iterator[Edge]:
    """The edge in a thread with a loop of its own, in the place of pytest-grpc's synchronous server."""
    found: list[Edge] = []
    running, stop = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with started_edge(world) as edge:
            found.append(edge)
            running.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert running.wait(30), "the server did not start"
        yield found[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        loop.close()


@pytest.fixture(scope="module")
def grpc_addr(grpc_server: Edge) -> str:
    return grpc_server.address


@pytest.fixture(scope="module")
def grpc_channel(
    grpc_create_channel: Callable[[grpc.ChannelCredentials], grpc.Channel], world: World
) -> Iterator[grpc.Channel]:
    with grpc_create_channel(credentials(world, world.agency)) as channel:
        yield channel


@pytest.fixture(scope="module")
def grpc_stub_cls() -> type[delivery_pb2_grpc.DeliveryServiceStub]:
    return delivery_pb2_grpc.DeliveryServiceStub


def code_of(error: Any) -> grpc.StatusCode:
    code: grpc.StatusCode = error.code()
    return code


def test_lists_deliveries(grpc_stub: Any) -> None:
    reply = grpc_stub.ListDeliveries(delivery_pb2.ListDeliveriesRequest(), timeout=60)

    assert [each.sender for each in reply.deliveries] == ["notices@src.am"]


def test_tells_the_reason_of_a_refusal(grpc_stub: Any) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        grpc_stub.Submit(delivery_pb2.SubmitRequest(), timeout=60)

    assert code_of(refused.value) is grpc.StatusCode.INVALID_ARGUMENT


def test_refuses_another_role(
    grpc_create_channel: Callable[[grpc.ChannelCredentials], grpc.Channel], world: World
) -> None:
    with grpc_create_channel(credentials(world, world.citizen)) as channel:
        call: Any = channel.unary_unary("/namak.v1.DeliveryService/Submit")

        with pytest.raises(grpc.RpcError) as refused:
            call(b"", timeout=60)

    assert code_of(refused.value) is grpc.StatusCode.PERMISSION_DENIED
