"""What a caller is told when a call fails, and what stays in the server's own log."""

import asyncio

import grpc
import pytest
import structlog
from structlog.typing import EventDict

from namak.v1 import (
    delivery_pb2,
    delivery_pb2_grpc,
    evidence_pb2,
    evidence_pb2_grpc,
    mailbox_pb2,
    mailbox_pb2_grpc,
    sender_admin_pb2,
    sender_admin_pb2_grpc,
)
from server.domain.refusals import ServiceUnavailable, TooManyRefusals
from server.interceptors.deadline import TimeLimit
from tests.rpc.edge import CITIZEN, Edge, World, bad_request, error_info, retry_info, started_edge
from tests.rpc.serving import Gate
from tests.waiting import until

LIST = delivery_pb2.ListDeliveriesRequest()
SECRET = "row of 5001950015 with its subject"


def lines(logs: list[EventDict], event: str) -> list[EventDict]:
    return [line for line in logs if line["event"] == event]


async def test_hides_what_went_wrong_inside_and_says_what_to_quote(edge: Edge) -> None:
    edge.desks.fault = RuntimeError(SECRET)
    stub = delivery_pb2_grpc.DeliveryServiceStub(edge.channel(edge.world.agency))

    with structlog.testing.capture_logs() as logs, pytest.raises(grpc.aio.AioRpcError) as failed:
        await stub.ListDeliveries(LIST, timeout=60)

    error = failed.value
    request_id = dict(error.trailing_metadata())["x-request-id"]
    assert error.code() is grpc.StatusCode.INTERNAL
    assert error.details() == f"internal error; quote request {request_id}"
    assert error_info(error).reason == "INTERNAL"
    assert SECRET not in repr(error)
    (fault,) = lines(logs, "call failed")
    assert fault["call_id"] == request_id
    assert fault["errors"] == ["RuntimeError"]
    assert any("desks.py" in frame for frame in fault["frames"])
    assert SECRET not in repr(logs)


async def test_a_call_whose_inside_was_cancelled_is_answered_all_the_same(edge: Edge) -> None:
    edge.desks.fault = asyncio.CancelledError()
    stub = delivery_pb2_grpc.DeliveryServiceStub(edge.channel(edge.world.agency))

    with structlog.testing.capture_logs() as logs, pytest.raises(grpc.aio.AioRpcError) as failed:
        await stub.ListDeliveries(LIST, timeout=60)

    assert failed.value.code() is grpc.StatusCode.INTERNAL
    assert error_info(failed.value).reason == "INTERNAL"
    (fault,) = lines(logs, "call failed")
    assert fault["errors"] == ["CancelledError"]


async def test_tells_a_fault_in_a_stream_the_same_way(edge: Edge) -> None:
    edge.desks.fault = RuntimeError(SECRET)
    stub = evidence_pb2_grpc.EvidenceServiceStub(edge.channel(edge.world.stranger))
    digest = evidence_pb2.Digest(algorithm=evidence_pb2.Digest.ALGORITHM_SHA256, value=bytes(32))
    call = stub.GetRevocationList(evidence_pb2.GetRevocationListRequest(digest=digest), timeout=60)

    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await call.read()

    assert failed.value.code() is grpc.StatusCode.INTERNAL
    assert SECRET not in repr(failed.value)


async def test_gives_every_reply_an_identifier_of_our_own(edge: Edge) -> None:
    stub = delivery_pb2_grpc.DeliveryServiceStub(edge.channel(edge.world.agency))
    call = stub.ListDeliveries(LIST, timeout=60, metadata=(("x-request-id", "mine"),))

    await call

    trailing = dict(await call.trailing_metadata())
    assert len(trailing["x-request-id"]) == 32


async def test_says_when_to_come_back_after_too_many_refusals(edge: Edge) -> None:
    edge.desks.fault = TooManyRefusals(600, 17)
    stub = delivery_pb2_grpc.DeliveryServiceStub(edge.channel(edge.world.agency))

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.ListDeliveries(LIST, timeout=60)

    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert dict(error_info(refused.value).metadata) == {"limit_per_minute": "600"}
    assert retry_info(refused.value).retry_delay.seconds == 17


async def test_says_that_repeating_helps_when_something_does_not_answer(edge: Edge) -> None:
    edge.desks.fault = ServiceUnavailable("database")
    stub = delivery_pb2_grpc.DeliveryServiceStub(edge.channel(edge.world.agency))

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.ListDeliveries(LIST, timeout=60)

    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    info = error_info(refused.value)
    assert (info.reason, info.domain, dict(info.metadata)) == (
        "SERVICE_UNAVAILABLE",
        "namak.v1",
        {"component": "database"},
    )
    assert retry_info(refused.value).retry_delay.seconds == 1


async def test_lists_every_wrong_field_with_its_path(edge: Edge) -> None:
    stub = sender_admin_pb2_grpc.SenderAdminServiceStub(edge.channel(edge.world.operator))
    request = sender_admin_pb2.RegisterSenderAddressRequest(
        request_id="bad id",
        organisation_id="not-a-uuid",
        address="someone@gmail.com",
        networks=["127.0.0.1/32", "10.0.0.0/8", "0.0.0.0/0"],
    )

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.RegisterSenderAddress(request, timeout=60)

    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    found = {each.field: each.reason for each in bad_request(refused.value).field_violations}
    assert found == {
        "request_id": "REQUEST_ID_MALFORMED",
        "organisation_id": "NOT_A_UUID",
        "address": "FOREIGN_DOMAIN",
        "networks[1]": "NETWORK_TOO_WIDE",
        "networks[2]": "NETWORK_TOO_WIDE",
    }
    assert edge.desks.commands == []


async def test_keeps_very_many_problems_within_what_trailers_hold(edge: Edge) -> None:
    stub = sender_admin_pb2_grpc.SenderAdminServiceStub(edge.channel(edge.world.operator))
    request = sender_admin_pb2.RegisterSenderAddressRequest(address="ա" * 3000, networks=["x" * 500] * 64)

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.RegisterSenderAddress(request, timeout=60)

    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    listed = len(bad_request(refused.value).field_violations)
    left_out = int(error_info(refused.value).metadata["violations_left_out"])
    assert listed > 0
    # request_id, organisation_id, address and 64 networks
    assert listed + left_out == 67


async def test_ends_a_call_that_has_no_deadline(world: World) -> None:
    async with started_edge(world, unary=TimeLimit(default=0.5, most=60)) as edge:
        edge.desks.gate = gate = Gate()
        stub = delivery_pb2_grpc.DeliveryServiceStub(edge.channel(world.agency))

        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await stub.ListDeliveries(LIST)

        assert ended.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert error_info(ended.value).reason == "DEADLINE_EXCEEDED"
        assert gate.left.is_set()


async def test_cuts_a_deadline_that_is_too_far_away(world: World) -> None:
    async with started_edge(world, unary=TimeLimit(default=0.01, most=0.05)) as edge:
        edge.desks.gate = Gate()
        stub = delivery_pb2_grpc.DeliveryServiceStub(edge.channel(world.agency))

        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await stub.ListDeliveries(LIST, timeout=3600)

        assert error_info(ended.value).reason == "DEADLINE_EXCEEDED"


async def test_leaves_the_use_case_when_the_client_cancels(edge: Edge) -> None:
    edge.desks.gate = gate = Gate()
    stub = delivery_pb2_grpc.DeliveryServiceStub(edge.channel(edge.world.agency))
    with structlog.testing.capture_logs() as logs:
        call = stub.ListDeliveries(LIST, timeout=60)
        await gate.entered.wait()

        call.cancel()

        async with asyncio.timeout(60):
            await gate.left.wait()
        await until(lambda: lines(logs, "call finished"))
    assert [line["status"] for line in lines(logs, "call finished")] == ["CANCELLED"]
    assert lines(logs, "call failed") == []


async def test_cancelling_one_call_leaves_its_neighbours_alone(edge: Edge) -> None:
    edge.desks.gate = gate = Gate()
    stub = delivery_pb2_grpc.DeliveryServiceStub(edge.channel(edge.world.agency))
    cancelled, neighbour = (stub.ListDeliveries(LIST, timeout=60) for _ in range(2))
    await until(lambda: len(edge.desks.callers) == 2)

    cancelled.cancel()
    gate.leave.set()

    assert (await neighbour).deliveries


async def test_logs_a_call_of_a_machine_with_its_organisation(edge: Edge) -> None:
    stub = delivery_pb2_grpc.DeliveryServiceStub(edge.channel(edge.world.agency))
    with structlog.testing.capture_logs() as logs:
        call = stub.ListDeliveries(LIST, timeout=60)
        await call
        await until(lambda: lines(logs, "call finished"))

    (line,) = lines(logs, "call finished")
    assert line["duration_ms"] >= 0
    assert {key: line[key] for key in sorted(line.keys() - {"duration_ms", "event", "log_level"})} == {
        "call_id": dict(await call.trailing_metadata())["x-request-id"],
        "caller": "sender",
        "client_address": "127.0.0.1",
        "method": "/namak.v1.DeliveryService/ListDeliveries",
        "organisation_id": "0192f0c3-0000-7000-8000-00000000000a",
        "reason": "",
        "status": "OK",
    }


async def test_logs_a_clerks_desk_with_its_address(edge: Edge) -> None:
    stub = evidence_pb2_grpc.EvidenceServiceStub(edge.channel(edge.world.clerk))
    with structlog.testing.capture_logs() as logs:
        await stub.GetCheckpoint(evidence_pb2.GetCheckpointRequest(), timeout=60)
        await until(lambda: lines(logs, "call finished"))

    (line,) = lines(logs, "call finished")
    assert (line["caller"], line["client_address"]) == ("clerk", "127.0.0.1")


async def test_logs_a_holders_call_without_anything_personal(edge: Edge) -> None:
    stub = mailbox_pb2_grpc.MailboxServiceStub(edge.channel(edge.world.citizen))
    with structlog.testing.capture_logs() as logs:
        await stub.GetMailbox(mailbox_pb2.GetMailboxRequest(), timeout=60)
        await until(lambda: lines(logs, "call finished"))

    (line,) = lines(logs, "call finished")
    assert line["caller"] == "holder"
    text = repr(logs)
    assert CITIZEN not in text
    assert "127.0.0.1" not in text
    assert edge.world.citizen.sha256.hex() not in text


async def test_logs_why_a_call_was_refused(edge: Edge) -> None:
    stub = delivery_pb2_grpc.DeliveryServiceStub(edge.channel(edge.world.citizen))
    with structlog.testing.capture_logs() as logs:
        with pytest.raises(grpc.aio.AioRpcError):
            await stub.ListDeliveries(LIST, timeout=60)
        await until(lambda: lines(logs, "call finished"))

    (line,) = lines(logs, "call finished")
    assert (line["status"], line["reason"]) == ("PERMISSION_DENIED", "ROLE_NOT_PERMITTED")
