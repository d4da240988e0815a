"""Streams of senders who are known by host names: their own name servers say when that is looked up."""

import asyncio
import hashlib
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import grpc
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from namak.v1 import evidence_pb2, evidence_pb2_grpc
from server.domain.caller import Sender
from server.domain.refusals import NetworkNotPermitted
from tests.rpc.edge import Edge, World, error_info, started_edge
from tests.rpc.serving import Gate

DIGEST = evidence_pb2.Digest(algorithm=evidence_pb2.Digest.ALGORITHM_SHA256, value=bytes(32))
REQUEST = evidence_pb2.GetRevocationListRequest(digest=DIGEST)


class Place:
    """Lets a sender in at once; whoever looks again waits until the test says where the sender is now."""

    def __init__(self) -> None:
        self.looks = 0
        self.again = asyncio.Event()
        self.moved = asyncio.Event()

    async def check(self, caller: Sender) -> None:
        self.looks += 1
        if self.looks > 1:
            self.again.set()
            await self.moved.wait()
            raise NetworkNotPermitted(str(caller.connection.address))


async def waiting_stream(edge: Edge, place: Place) -> Any:
    """Returns a stream that has nothing to send, of a sender whose host name is being looked up again."""
    edge.register.addresses[:] = [
        replace(each, networks=(ip_network("8.8.8.8/32"),), host_names=("mail.src.am",))
        for each in edge.register.addresses
    ]
    edge.desks.gate = gate = Gate()
    stub = evidence_pb2_grpc.EvidenceServiceStub(edge.channel(edge.world.agency))
    call = stub.GetRevocationList(REQUEST, timeout=60)
    await gate.entered.wait()
    await place.again.wait()
    return call


async def reason_of_end(call: Any) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await call.read()
    return str(error_info(ended.value).reason)


async def test_a_name_server_that_does_not_answer_puts_off_no_revocation(world: World) -> None:
    place = Place()
    async with started_edge(world, place=place) as edge:
        call = await waiting_stream(edge, place)
        der = edge.world.agency.certificate.public_bytes(Encoding.DER)
        edge.register.revoke(hashlib.sha256(der).digest())
        assert await reason_of_end(call) == "CERTIFICATE_REVOKED"
        assert place.looks == 2


async def test_a_sender_whose_host_name_leads_elsewhere_loses_the_stream(world: World) -> None:
    place = Place()
    async with started_edge(world, place=place) as edge:
        call = await waiting_stream(edge, place)
        place.moved.set()
        assert await reason_of_end(call) == "NETWORK_NOT_PERMITTED"
