"""Reflection: what it tells, and to whom, under both of its names."""

import asyncio
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pb2
from grpc_reflection.v1alpha import reflection_pb2

from server.grpc_server import SERVICES
from server.services.reflection import METHODS
from tests.rpc.edge import Edge, error_info
from tests.rpc.test_access_matrix import CERTIFICATES

REFUSED = {"stranger": "CERTIFICATE_UNBOUND"}
LIST = reflection_pb2.ServerReflectionRequest(list_services="")

pytestmark = pytest.mark.parametrize("method", METHODS)


def opened(channel: Any, method: str) -> Any:
    return channel.stream_stream(
        method,
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )(timeout=60)


async def told(channel: Any, method: str, request: reflection_pb2.ServerReflectionRequest) -> Any:
    call = opened(channel, method)
    await call.write(request)
    await call.done_writing()
    answer = await call.read()
    assert await call.read() is grpc.aio.EOF
    return answer


@pytest.mark.parametrize("certificate", sorted(CERTIFICATES))
async def test_tells_the_services_to_every_bound_or_personal_certificate(
    edge: Edge, certificate: str, method: str
) -> None:
    channel = edge.channel(getattr(edge.world, certificate))
    kind = CERTIFICATES[certificate]
    refusal = kind if kind.isupper() else REFUSED.get(kind)

    if refusal is None:
        answer = await told(channel, method, LIST)
        names = {service.name for service in answer.list_services_response.service}
        assert names == {service.full_name for service in SERVICES}
    else:
        # Nothing is written: a refusal that comes meanwhile gets lost in the library when its writing fails.
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await opened(channel, method).read()
        assert error_info(refused.value).reason == refusal


@pytest.mark.parametrize("symbol", ["DeliveryService", "DeliveryService.Submit", "Submission"])
async def test_describes_a_symbol_with_all_that_its_file_imports(
    edge: Edge, method: str, symbol: str
) -> None:
    request = reflection_pb2.ServerReflectionRequest(file_containing_symbol=f"namak.v1.{symbol}")

    answer = await told(edge.channel(edge.world.citizen), method, request)

    files = {
        file.name: file
        for file in map(
            descriptor_pb2.FileDescriptorProto.FromString,
            answer.file_descriptor_response.file_descriptor_proto,
        )
    }
    assert [service.name for service in files["namak/v1/delivery.proto"].service] == ["DeliveryService"]
    assert {needed for file in files.values() for needed in file.dependency} <= set(files)


@pytest.mark.parametrize("symbol", ["namak.v1.NoSuchService", "namak.v1.DeliveryService.NoSuchRpc", "", "."])
async def test_says_that_it_does_not_know_a_symbol(edge: Edge, method: str, symbol: str) -> None:
    request = reflection_pb2.ServerReflectionRequest(file_containing_symbol=symbol)

    answer = await told(edge.channel(edge.world.citizen), method, request)

    assert answer.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]


async def test_ends_when_its_callers_binding_is_revoked(edge: Edge, method: str) -> None:
    call = opened(edge.channel(edge.world.agency), method)
    await call.write(LIST)
    assert await call.read() is not grpc.aio.EOF

    edge.register.revoke(edge.world.agency.sha256)

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await asyncio.wait_for(call.read(), 60)
    assert error_info(refused.value).reason == "CERTIFICATE_REVOKED"
