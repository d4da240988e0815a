"""What holders and everybody else read, on the wire: mailboxes, messages, facts, receipts, checkpoints."""

import hashlib

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from namak.v1 import (
    delivery_pb2,
    evidence_pb2,
    evidence_pb2_grpc,
    mailbox_pb2_grpc,
    sender_admin_pb2,
    sender_admin_pb2_grpc,
)
from namak.v1 import mailbox_pb2 as pb
from server.domain.caller import Operator
from server.usecases.evidence import GetReceipt
from server.usecases.mailbox_register import OpenMailbox
from server.usecases.mailboxes import ListMessages
from server.usecases.reading import ConfirmReading
from tests.rpc.desk_samples import KNOWN_DELIVERY
from tests.rpc.edge import CITIZEN, Edge, World, bad_request, error_info

UNKNOWN = "0192f0c3-0000-7000-8000-0000000000ff"


def holder(edge: Edge) -> mailbox_pb2_grpc.MailboxServiceStub:
    return mailbox_pb2_grpc.MailboxServiceStub(edge.channel(edge.world.citizen))


def evidence(edge: Edge) -> evidence_pb2_grpc.EvidenceServiceStub:
    return evidence_pb2_grpc.EvidenceServiceStub(edge.channel(edge.world.citizen))


async def test_opens_a_mailbox_under_the_canonical_address(edge: Edge) -> None:
    stub = mailbox_pb2_grpc.MailboxServiceStub(edge.channel(edge.world.operator))
    request = pb.OpenMailboxRequest(request_id="1", address="5001950015@ECITIZEN.am")

    mailbox = (await stub.OpenMailbox(request, timeout=60)).mailbox

    (command,) = edge.desks.commands
    assert isinstance(command, OpenMailbox)
    assert isinstance(command.by, Operator)
    assert (command.request_id, command.address) == ("1", "5001950015@e-citizen.am")
    assert (mailbox.holder_kind, mailbox.state) == (pb.HOLDER_KIND_PERSON, pb.MAILBOX_STATE_OPEN)


async def test_gives_a_holder_the_own_mailbox(edge: Edge) -> None:
    response = await holder(edge).GetMailbox(pb.GetMailboxRequest(), timeout=60)

    assert response.mailbox.address == f"{CITIZEN}@e-citizen.am"


async def test_leads_from_page_to_page(edge: Edge) -> None:
    stub = holder(edge)

    first = await stub.ListMessages(pb.ListMessagesRequest(page_size=1000), timeout=60)
    second = await stub.ListMessages(pb.ListMessagesRequest(page_token=first.next_page_token), timeout=60)

    assert (first.next_page_token, second.next_page_token) == ("second", "")
    sizes = [command.page_size for command in edge.desks.commands if isinstance(command, ListMessages)]
    assert sizes == [200, 50]


async def test_refuses_a_negative_page_size(edge: Edge) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await holder(edge).ListMessages(pb.ListMessagesRequest(page_size=-1), timeout=60)

    (violation,) = bad_request(refused.value).field_violations
    assert (violation.field, violation.reason) == ("page_size", "NEGATIVE")


async def test_refuses_a_page_token_of_another_query(edge: Edge) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await holder(edge).ListMessages(pb.ListMessagesRequest(page_token="another"), timeout=60)

    assert error_info(refused.value).reason == "INVALID_PAGE_TOKEN"


async def test_shows_no_content_in_a_list(edge: Edge) -> None:
    edge.desks.content = b"what only an opened message shows"

    response = await holder(edge).ListMessages(pb.ListMessagesRequest(), timeout=60)

    (message,) = response.messages
    assert (message.sender, message.subject) == ("notices@src.am", "Notice")
    assert message.state == delivery_pb2.DELIVERY_STATE_CONSIGNED
    assert not message.HasField("opening_time")
    assert edge.desks.content not in response.SerializeToString()


async def test_describes_the_parts_of_an_opened_message(edge: Edge) -> None:
    request = pb.OpenMessageRequest(delivery_id=str(KNOWN_DELIVERY))

    response = await holder(edge).OpenMessage(request, timeout=60)

    (part,) = response.parts
    assert part.digest.value == hashlib.sha256(edge.desks.content).digest()
    assert response.evidence.document


async def test_answers_the_same_for_what_is_anothers_and_what_does_not_exist(edge: Edge) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await holder(edge).OpenMessage(pb.OpenMessageRequest(delivery_id=UNKNOWN), timeout=60)

    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert error_info(refused.value).reason == "RESOURCE_NOT_PERMITTED"


async def test_refuses_parts_that_no_message_has(edge: Edge) -> None:
    for number in (0, -1, 21):
        request = pb.DownloadContentRequest(delivery_id=str(KNOWN_DELIVERY), part_number=number)
        call = holder(edge).DownloadContent(request, timeout=60)

        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call.read()

        (violation,) = bad_request(refused.value).field_violations
        assert violation.field == "part_number"


async def test_hands_in_a_confirmation_as_it_came(edge: Edge) -> None:
    request = pb.ConfirmReadingRequest(
        delivery_id=str(KNOWN_DELIVERY), statement_id=UNKNOWN, cms_signature=b"\x30\x00"
    )

    await holder(edge).ConfirmReading(request, timeout=60)

    (command,) = edge.desks.commands
    assert isinstance(command, ConfirmReading)
    assert (str(command.statement_id), command.cms) == (UNKNOWN, b"\x30\x00")


async def test_refuses_a_signature_that_is_too_large(edge: Edge) -> None:
    request = pb.ConfirmReadingRequest(
        delivery_id=str(KNOWN_DELIVERY), statement_id=UNKNOWN, cms_signature=bytes(32 * 1024 + 1)
    )

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await holder(edge).ConfirmReading(request, timeout=60)

    (violation,) = bad_request(refused.value).field_violations
    assert (violation.field, violation.reason) == ("cms_signature", "TOO_LARGE")


async def test_waits_for_a_receipt_within_the_limit_and_the_deadline(edge: Edge) -> None:
    stub = evidence(edge)

    for max_wait, timeout in ((None, 3600), (None, 4), (Duration(), 10), (Duration(seconds=2), 10)):
        request = evidence_pb2.GetReceiptRequest(
            evidence_id=UNKNOWN,
            max_wait=max_wait,
            require_witnessed=timeout == 4,
            require_timestamped=timeout == 3600,
        )
        response = await stub.GetReceipt(request, timeout=timeout)
        assert not response.HasField("receipt")

    asked = [command for command in edge.desks.commands if isinstance(command, GetReceipt)]
    assert [command.wait_seconds for command in asked] == [30.0, 30.0, 0.0, 2.0]
    assert [command.witnessed for command in asked] == [False, True, False, False]
    assert [command.timestamped for command in asked] == [True, False, False, False]
    assert asked[1].reply_by < asked[2].reply_by < asked[0].reply_by


async def test_gives_everybody_the_newest_checkpoint(world: World, edge: Edge) -> None:
    stub = evidence_pb2_grpc.EvidenceServiceStub(edge.channel(world.stranger))

    response = await stub.GetCheckpoint(evidence_pb2.GetCheckpointRequest(), timeout=60)

    assert (response.checkpoint, response.log_vkey) == (b"note", "vkey")
    assert response.witnessed_checkpoint == b"witnessed note"
    assert response.successor_receipt == b"successor's receipt"
    assert edge.desks.commands == [None]


async def test_says_not_found_for_a_list_that_no_evidence_names(edge: Edge) -> None:
    digest = evidence_pb2.Digest(algorithm=evidence_pb2.Digest.ALGORITHM_SHA256, value=bytes(32))
    call = evidence(edge).GetRevocationList(evidence_pb2.GetRevocationListRequest(digest=digest), timeout=60)

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call.read()

    assert refused.value.code() is grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize(
    ("state", "accepted"),
    [("UNSPECIFIED", False), ("NONE", False), ("IN_FORCE", True), ("SUSPENDED", True), ("ENDED", True)],
)
async def test_sets_a_contract_to_a_state_and_never_back_to_none(
    edge: Edge, state: str, accepted: bool
) -> None:
    stub = sender_admin_pb2_grpc.SenderAdminServiceStub(edge.channel(edge.world.operator))
    value = sender_admin_pb2.ContractState.Value(f"CONTRACT_STATE_{state}")
    request = sender_admin_pb2.SetContractStateRequest(
        request_id="1", organisation_id=UNKNOWN, contract_state=value
    )
    call = stub.SetContractState(request, timeout=60)

    assert (await call.code() is grpc.StatusCode.OK) == accepted
    assert bool(edge.desks.commands) == accepted
    if accepted:
        assert (await call).organisation.contract_state == value


async def test_suspends_and_resumes_the_address_that_was_named(edge: Edge) -> None:
    stub = sender_admin_pb2_grpc.SenderAdminServiceStub(edge.channel(edge.world.operator))

    suspended = await stub.SuspendSenderAddress(
        sender_admin_pb2.SuspendSenderAddressRequest(request_id="1", sender_address_id=UNKNOWN), timeout=60
    )
    resumed = await stub.ResumeSenderAddress(
        sender_admin_pb2.ResumeSenderAddressRequest(request_id="2", sender_address_id=UNKNOWN), timeout=60
    )

    assert (suspended.sender_address.suspended, resumed.sender_address.suspended) == (True, False)
    assert suspended.sender_address.sender_address_id == UNKNOWN
