"""Reflection: the server tells what it serves, so that grpcurl, buf curl and the like need no proto files."""

from collections.abc import Iterable

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from grpc_reflection.v1alpha import reflection, reflection_pb2

VERSIONS = ("grpc.reflection.v1", "grpc.reflection.v1alpha")
"""The packages under which tools look for it. Their messages are alike on the wire, so one servicer serves
both; the library knows the older one only.
"""

METHODS = tuple(f"/{version}.ServerReflection/ServerReflectionInfo" for version in VERSIONS)
"""Its rpc by both names. Callers: whoever has a bound or a personal certificate, and no stranger."""


def add_reflection(server: grpc.aio.Server, services: Iterable[ServiceDescriptor]) -> None:
    """Puts reflection about the services on a server; of itself it does not tell."""
    servicer = reflection.aio.ReflectionServicer([service.full_name for service in services])
    handler = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    for version in VERSIONS:
        name = f"{version}.ServerReflection"
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(name, {"ServerReflectionInfo": handler}),)
        )
