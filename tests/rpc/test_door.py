"""Who a caller is taken for, and that nothing but the connection decides it."""

import asyncio

import grpc
import pytest

from namak.v1 import (
    delivery_pb2,
    delivery_pb2_grpc,
    evidence_pb2,
    evidence_pb2_grpc,
    mailbox_pb2,
    mailbox_pb2_grpc,
)
from server.dev.pki import Person
from server.dev.relay import Relay
from server.domain.caller import Holder, Sender
from tests.rpc.edge import CITIZEN, ORGANISATION, Edge, World, error_info
from tests.waiting import until

LIST = delivery_pb2.ListDeliveriesRequest()
FORGED = (
    ("x-forwarded-for", "127.0.0.9"),
    ("forwarded", "for=127.0.0.9"),
    ("x-real-ip", "127.0.0.9"),
    ("x-client-cert", "operator"),
    ("x-forwarded-client-cert", "Subject=operator"),
    ("x-caller", "OPERATOR"),
    ("authorization", "Bearer operator"),
)


async def reason_of_listing(stub: delivery_pb2_grpc.DeliveryServiceStub) -> str:
    """Returns why listing deliveries is refused; empty when it is not."""
    try:
        await stub.ListDeliveries(LIST, timeout=60)
    except grpc.aio.AioRpcError as error:
        return str(error_info(error).reason)
    return ""


async def test_takes_a_bound_certificate_for_its_organisation(edge: Edge) -> None:
    stub = delivery_pb2_grpc.DeliveryServiceStub(edge.channel(edge.world.agency))

    await stub.ListDeliveries(LIST, timeout=60)

    (caller,) = edge.desks.callers
    assert isinstance(caller, Sender)
    assert (caller.organisation_id, caller.sender_address_id) == (ORGANISATION, None)
    assert caller.connection.certificate_sha256 == edge.world.agency.sha256
    assert str(caller.connection.address) == "127.0.0.1"


async def test_takes_a_certificate_bound_to_one_address_for_that_address(edge: Edge) -> None:
    stub = delivery_pb2_grpc.DeliveryServiceStub(edge.channel(edge.world.agency_address))

    await stub.ListDeliveries(LIST, timeout=60)

    (caller,) = edge.desks.callers
    assert isinstance(caller, Sender)
    assert caller.sender_address_id == edge.register.addresses[0].id


async def test_takes_a_citizens_certificate_for_the_person(edge: Edge) -> None:
    stub = mailbox_pb2_grpc.MailboxServiceStub(edge.channel(edge.world.citizen))

    await stub.GetMailbox(mailbox_pb2.GetMailboxRequest(), timeout=60)

    (caller,) = edge.desks.callers
    assert isinstance(caller, Holder)
    assert caller.person_number == CITIZEN


async def test_forged_metadata_makes_nobody_of_a_stranger(edge: Edge) -> None:
    stub = delivery_pb2_grpc.DeliveryServiceStub(edge.channel(edge.world.stranger))

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.ListDeliveries(LIST, timeout=60, metadata=FORGED)

    assert error_info(refused.value).reason == "CERTIFICATE_UNBOUND"


async def test_forged_metadata_moves_nobody_into_a_network(edge: Edge) -> None:
    stub = delivery_pb2_grpc.DeliveryServiceStub(edge.channel(edge.world.agency_elsewhere))

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.ListDeliveries(LIST, timeout=60, metadata=FORGED)

    info = error_info(refused.value)
    assert info.reason == "NETWORK_NOT_PERMITTED"
    assert info.metadata["client_address"] == "127.0.0.1"


async def test_forged_metadata_moves_nobody_out_of_a_network(edge: Edge) -> None:
    stub = delivery_pb2_grpc.DeliveryServiceStub(edge.channel(edge.world.agency))

    await stub.ListDeliveries(LIST, timeout=60, metadata=FORGED)

    assert [str(caller.connection.address) for caller in edge.desks.callers] == ["127.0.0.1"]


async def test_admits_from_any_network_of_the_organisation(edge: Edge) -> None:
    async with Relay(edge.address, source="127.0.0.2") as relay:
        stub = delivery_pb2_grpc.DeliveryServiceStub(edge.channel(edge.world.agency, address=relay.address))

        assert await reason_of_listing(stub) == ""

    assert [str(caller.connection.address) for caller in edge.desks.callers] == ["127.0.0.2"]


async def test_refuses_from_outside_the_organisations_networks(edge: Edge) -> None:
    async with Relay(edge.address, source="127.0.0.3") as relay:
        stub = delivery_pb2_grpc.DeliveryServiceStub(edge.channel(edge.world.agency, address=relay.address))

        assert await reason_of_listing(stub) == "NETWORK_NOT_PERMITTED"

    assert edge.desks.callers == []


async def test_sees_a_revoked_binding_on_an_open_connection(edge: Edge) -> None:
    stub = delivery_pb2_grpc.DeliveryServiceStub(edge.channel(edge.world.agency))
    assert await reason_of_listing(stub) == ""

    edge.register.revoke(edge.world.agency.sha256)

    async def refusal() -> str:
        while not (reason := await reason_of_listing(stub)):
            pass
        return reason

    assert await asyncio.wait_for(refusal(), 60) == "CERTIFICATE_REVOKED"


async def test_sees_a_revoked_personal_certificate_on_an_open_connection(world: World, edge: Edge) -> None:
    card = world.pki.authentication_certificate("revoked-between-calls", Person(CITIZEN, "A", "B"))
    stub = evidence_pb2_grpc.EvidenceServiceStub(edge.channel(card))
    request = evidence_pb2.GetCheckpointRequest()
    await stub.GetCheckpoint(request, timeout=60)

    world.pki.revoke(card)

    async def call_on() -> None:
        while True:
            await stub.GetCheckpoint(request, timeout=60)

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await asyncio.wait_for(call_on(), 60)
    # Nobody at all, not even a stranger.
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert error_info(refused.value).reason == "CERTIFICATE_REVOKED"


async def test_answers_unavailable_while_the_register_is_out_of_order_and_recovers(edge: Edge) -> None:
    stub = delivery_pb2_grpc.DeliveryServiceStub(edge.channel(edge.world.agency))
    edge.register.out_of_order = True

    assert await reason_of_listing(stub) == "SERVICE_UNAVAILABLE"

    edge.register.out_of_order = False
    assert await reason_of_listing(stub) == ""


async def test_concurrent_calls_share_one_look_into_the_register(edge: Edge) -> None:
    stub = delivery_pb2_grpc.DeliveryServiceStub(edge.channel(edge.world.agency))
    before = edge.register.readings

    reasons = await asyncio.gather(*(reason_of_listing(stub) for _ in range(50)))

    assert set(reasons) == {""}
    assert edge.register.readings - before < 50
    await until(lambda: len(edge.desks.callers) == 50)
