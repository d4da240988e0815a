"""Reflection: the server tells what it serves, so that grpcurl, buf curl and the like need no proto files."""

from collections.abc import Iterable
from typing import Any

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import FileDescriptor, ServiceDescriptor
from grpc_reflection.v1alpha import reflection, reflection_pb2

VERSIONS = ("grpc.reflection.v1", "grpc.reflection.v1alpha")
"""The packages under which tools look for it. Their messages are alike on the wire, so one servicer serves
both; the library knows the older one only.
"""

METHODS = tuple(f"/{version}.ServerReflection/ServerReflectionInfo" for version in VERSIONS)
"""Its rpc by both names. Callers: whoever has a bound or a personal certificate, and no stranger."""


class _Pool:
    """The loaded descriptors, in which also methods are symbols, as tools expect."""

    def __init__(self) -> None:
        self._pool: Any = descriptor_pool.Default()

    def FindFileContainingSymbol(self, symbol: str) -> FileDescriptor:
        try:
            file: FileDescriptor = self._pool.FindFileContainingSymbol(symbol)
        except KeyError:
            file = self._pool.FindMethodByName(symbol).containing_service.file
        return file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)


def add_reflection(server: grpc.aio.Server, services: Iterable[ServiceDescriptor]) -> None:
    """Puts reflection about the services on a server; of itself it does not tell."""
    names = [service.full_name for service in services]
    servicer = reflection.aio.ReflectionServicer(names, pool=_Pool())
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
