"""Withdrawing, filters and the operator's acts on mailboxes, on the wire."""

from datetime import UTC, datetime
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from namak.v1 import delivery_pb2, delivery_pb2_grpc, mailbox_pb2, mailbox_pb2_grpc
from server.domain.deliveries import DeliveryFilter, DeliveryState, MessageFilter
from server.domain.mailboxes import MailboxState
from server.domain.refusals import (
    DeliveryNotified,
    DeliveryWithdrawn,
    MessageOpened,
    Refused,
    RequestIdReused,
)
from server.usecases.delivery import ListDeliveries
from server.usecases.mailbox_register import SetMailboxState
from server.usecases.mailboxes import ListMessages
from server.usecases.withdrawal import WithdrawDelivery
from tests.rpc.desk_samples import CLOSED_NUMBER, KNOWN_DELIVERY, NOBODYS_NUMBER, NOW
from tests.rpc.edge import Edge, bad_request, error_info

UNKNOWN = "0192f0c3-0000-7000-8000-0000000000ff"
START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)


def sender(edge: Edge) -> delivery_pb2_grpc.DeliveryServiceStub:
    return delivery_pb2_grpc.DeliveryServiceStub(edge.channel(edge.world.agency))


def holder(edge: Edge) -> mailbox_pb2_grpc.MailboxServiceStub:
    return mailbox_pb2_grpc.MailboxServiceStub(edge.channel(edge.world.citizen))


def operator(edge: Edge) -> mailbox_pb2_grpc.MailboxServiceStub:
    return mailbox_pb2_grpc.MailboxServiceStub(edge.channel(edge.world.operator))


def stamp(time: datetime) -> Timestamp:
    message = Timestamp()
    message.FromDatetime(time)
    return message


def withdrawal(delivery_id: str = str(KNOWN_DELIVERY), **fields: Any) -> delivery_pb2.WithdrawDeliveryRequest:
    return delivery_pb2.WithdrawDeliveryRequest(request_id="w-1", delivery_id=delivery_id, **fields)


async def test_withdraws_and_gives_evidence_and_receipt(edge: Edge) -> None:
    reply = await sender(edge).WithdrawDelivery(withdrawal(), timeout=60)

    (command,) = edge.desks.commands
    assert isinstance(command, WithdrawDelivery)
    assert (command.request_id, command.delivery_id) == ("w-1", KNOWN_DELIVERY)
    assert command.receipt_wait_seconds == 5
    assert reply.delivery.state == delivery_pb2.DELIVERY_STATE_WITHDRAWN
    assert reply.delivery.withdrawal_time.ToDatetime(UTC) == NOW
    assert reply.evidence.event.endswith("/Withdrawn")
    assert reply.receipt.evidence_id == reply.evidence.evidence_id


async def test_does_not_wait_for_a_receipt_that_was_not_asked_for(edge: Edge) -> None:
    reply = await sender(edge).WithdrawDelivery(withdrawal(max_receipt_wait=Duration()), timeout=60)

    assert not reply.HasField("receipt")


@pytest.mark.parametrize(
    ("refusal", "status", "reason"),
    [
        (MessageOpened(KNOWN_DELIVERY), grpc.StatusCode.FAILED_PRECONDITION, "MESSAGE_OPENED"),
        (DeliveryNotified(KNOWN_DELIVERY), grpc.StatusCode.FAILED_PRECONDITION, "DELIVERY_NOTIFIED"),
        (DeliveryWithdrawn(KNOWN_DELIVERY), grpc.StatusCode.FAILED_PRECONDITION, "DELIVERY_WITHDRAWN"),
        (RequestIdReused("w-1"), grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_ID_REUSED"),
    ],
)
async def test_says_why_it_does_not_withdraw(
    edge: Edge, refusal: Refused, status: grpc.StatusCode, reason: str
) -> None:
    edge.desks.fault = refusal

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await sender(edge).WithdrawDelivery(withdrawal(), timeout=60)

    assert refused.value.code() is status
    assert error_info(refused.value).reason == reason


async def test_a_delivery_that_is_not_the_caller_s_is_not_permitted(edge: Edge) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await sender(edge).WithdrawDelivery(withdrawal(UNKNOWN), timeout=60)

    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert error_info(refused.value).reason == "RESOURCE_NOT_PERMITTED"


async def test_all_wrong_fields_of_a_withdrawal_are_told_at_once(edge: Edge) -> None:
    request = delivery_pb2.WithdrawDeliveryRequest(
        request_id="ö", delivery_id="x", max_receipt_wait=Duration(seconds=-1)
    )

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await sender(edge).WithdrawDelivery(request, timeout=60)

    fields = {violation.field for violation in bad_request(refused.value).field_violations}
    assert fields == {"request_id", "delivery_id", "max_receipt_wait"}
    assert edge.desks.commands == []


async def test_hands_the_filters_of_deliveries_on_in_canonical_form(edge: Edge) -> None:
    request = delivery_pb2.ListDeliveriesRequest(
        sender="Notices@SRC.am",
        recipient="5001950015@ECITIZEN.am",
        states=[delivery_pb2.DELIVERY_STATE_WITHDRAWN, delivery_pb2.DELIVERY_STATE_CONSIGNED],
        start_time=stamp(START),
        end_time=Timestamp(seconds=int(END.timestamp()), nanos=1),
        request_id="r-1",
    )

    await sender(edge).ListDeliveries(request, timeout=60)

    (command,) = edge.desks.commands
    assert isinstance(command, ListDeliveries)
    assert command.wanted == DeliveryFilter(
        sender="notices@src.am",
        recipient="5001950015@e-citizen.am",
        states=frozenset({DeliveryState.WITHDRAWN, DeliveryState.CONSIGNED}),
        submitted_from=START,
        submitted_before=END.replace(microsecond=1),
        request_id="r-1",
    )


async def test_no_filters_ask_for_all(edge: Edge) -> None:
    await sender(edge).ListDeliveries(delivery_pb2.ListDeliveriesRequest(), timeout=60)
    await holder(edge).ListMessages(mailbox_pb2.ListMessagesRequest(), timeout=60)

    deliveries, messages = edge.desks.commands
    assert isinstance(deliveries, ListDeliveries)
    assert isinstance(messages, ListMessages)
    assert (deliveries.wanted, messages.wanted) == (DeliveryFilter(), MessageFilter())


async def test_wrong_filters_of_deliveries_are_wrong_fields(edge: Edge) -> None:
    request = delivery_pb2.ListDeliveriesRequest(
        page_size=-1,
        sender="x@gmail.com",
        recipient="x",
        states=[delivery_pb2.DELIVERY_STATE_CONSIGNED, delivery_pb2.DELIVERY_STATE_UNSPECIFIED],
        start_time=Timestamp(seconds=2**62),
        end_time=Timestamp(nanos=-1),
        request_id="no spaces",
    )

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await sender(edge).ListDeliveries(request, timeout=60)

    found = {violation.field: violation.reason for violation in bad_request(refused.value).field_violations}
    assert found == {
        "page_size": "NEGATIVE",
        "sender": "FOREIGN_DOMAIN",
        "recipient": "ADDRESS_MALFORMED",
        "states[1]": "NOT_A_STATE",
        "start_time": "TIME_MALFORMED",
        "end_time": "TIME_MALFORMED",
        "request_id": "REQUEST_ID_MALFORMED",
    }


async def test_the_first_and_the_last_time_that_there_is_are_times(edge: Edge) -> None:
    request = mailbox_pb2.ListMessagesRequest(
        start_time=Timestamp(seconds=-62135596800),
        end_time=Timestamp(seconds=253402300799, nanos=999_999_999),
    )

    await holder(edge).ListMessages(request, timeout=60)

    (command,) = edge.desks.commands
    assert isinstance(command, ListMessages)
    assert command.wanted.consigned_from == datetime.min.replace(tzinfo=UTC)
    assert command.wanted.consigned_before == datetime.max.replace(tzinfo=UTC)


async def test_hands_the_filters_of_messages_on(edge: Edge) -> None:
    request = mailbox_pb2.ListMessagesRequest(
        unopened_only=True,
        unconfirmed_only=True,
        sender="Notices@src.am",
        start_time=stamp(START),
        end_time=stamp(END),
    )

    await holder(edge).ListMessages(request, timeout=60)

    (command,) = edge.desks.commands
    assert isinstance(command, ListMessages)
    assert command.wanted == MessageFilter(True, True, "notices@src.am", START, END)


async def test_a_wrong_sender_of_messages_is_a_wrong_field(edge: Edge) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await holder(edge).ListMessages(mailbox_pb2.ListMessagesRequest(sender="@"), timeout=60)

    (violation,) = bad_request(refused.value).field_violations
    assert violation.field == "sender"


async def test_lists_links_with_their_consignments_and_the_head(edge: Edge) -> None:
    reply = await holder(edge).ListMailboxLinks(mailbox_pb2.ListMailboxLinksRequest(), timeout=60)

    (link,) = reply.links
    assert (link.sequence, link.delivery_id) == (1, str(KNOWN_DELIVERY))
    assert (link.nonce, link.previous_link, link.link) == (bytes([1] * 32), bytes(32), bytes([2] * 32))
    assert link.consignment.event.endswith("/ContentConsignment")
    assert (reply.head_sequence, reply.head_link, reply.next_page_token) == (7, bytes([3] * 32), "second")


async def test_a_negative_page_size_of_links_is_a_wrong_field(edge: Edge) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await holder(edge).ListMailboxLinks(mailbox_pb2.ListMailboxLinksRequest(page_size=-1), timeout=60)

    assert error_info(refused.value).reason == "INVALID_FIELDS"


async def test_tells_senders_less_of_an_address_than_the_operator(edge: Edge) -> None:
    request = mailbox_pb2.ResolveAddressRequest(address="5001950015@ECITIZEN.am")
    as_sender = mailbox_pb2_grpc.MailboxServiceStub(edge.channel(edge.world.agency))

    told = await as_sender.ResolveAddress(request, timeout=60)
    told_operator = await operator(edge).ResolveAddress(request, timeout=60)

    assert told.address == told_operator.address == "5001950015@e-citizen.am"
    assert told.state == mailbox_pb2.MAILBOX_STATE_SUSPENDED
    assert told.holder_kind == mailbox_pb2.HOLDER_KIND_PERSON
    assert (told.mailbox_id, bool(told_operator.mailbox_id)) == ("", True)


@pytest.mark.parametrize(
    ("address", "reason"),
    [("x", "INVALID_FIELDS"), (f"{NOBODYS_NUMBER}@e-citizen.am", "MAILBOX_UNKNOWN")],
)
async def test_resolves_no_address_that_means_nothing(edge: Edge, address: str, reason: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await operator(edge).ResolveAddress(mailbox_pb2.ResolveAddressRequest(address=address), timeout=60)

    assert error_info(refused.value).reason == reason


async def test_suspends_resumes_and_closes(edge: Edge) -> None:
    stub = operator(edge)
    fields = {"request_id": "1", "address": "5001950015@ECITIZEN.am"}

    suspended = await stub.SuspendMailbox(mailbox_pb2.SuspendMailboxRequest(**fields), timeout=60)
    resumed = await stub.ResumeMailbox(mailbox_pb2.ResumeMailboxRequest(**fields), timeout=60)
    closed = await stub.CloseMailbox(mailbox_pb2.CloseMailboxRequest(**fields), timeout=60)

    states = [reply.mailbox.state for reply in (suspended, resumed, closed)]
    assert states == [
        mailbox_pb2.MAILBOX_STATE_SUSPENDED,
        mailbox_pb2.MAILBOX_STATE_OPEN,
        mailbox_pb2.MAILBOX_STATE_CLOSED,
    ]
    commands = [command for command in edge.desks.commands if isinstance(command, SetMailboxState)]
    assert [command.state for command in commands] == [
        MailboxState.SUSPENDED,
        MailboxState.OPEN,
        MailboxState.CLOSED,
    ]
    assert {(command.request_id, command.address) for command in commands} == {
        ("1", "5001950015@e-citizen.am")
    }


@pytest.mark.parametrize(
    ("request_id", "address", "reason"),
    [
        ("", "5001950015@e-citizen.am", "INVALID_FIELDS"),
        ("1", "x", "INVALID_FIELDS"),
        ("1", f"{NOBODYS_NUMBER}@e-citizen.am", "MAILBOX_UNKNOWN"),
        ("1", f"{CLOSED_NUMBER}@e-citizen.am", "MAILBOX_CLOSED"),
    ],
)
async def test_says_why_a_mailbox_keeps_its_state(
    edge: Edge, request_id: str, address: str, reason: str
) -> None:
    request = mailbox_pb2.ResumeMailboxRequest(request_id=request_id, address=address)

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await operator(edge).ResumeMailbox(request, timeout=60)

    assert error_info(refused.value).reason == reason
