"""Delegations at the edge: what is handed in and given back, and streams of delegates whose right ends."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from namak.evidence.delegation import Right
from namak.v1 import delegation_pb2 as pb
from namak.v1 import delegation_pb2_grpc, evidence_pb2, evidence_pb2_grpc, mailbox_pb2, mailbox_pb2_grpc
from server.usecases.delegations import GrantDelegation, ListDelegations, RevokeDelegation
from server.usecases.evidence import GetReceipt, ListFacts
from server.usecases.mailboxes import ListLinks, ListMessages
from server.usecases.reading import ConfirmReading, IssueStatement, OpenMessage, ReadPart
from tests.rpc.desk_samples import KNOWN_DELIVERY
from tests.rpc.edge import Edge, bad_request, error_info
from tests.waiting import until

THEIRS = "12345678@e-citizen.am"
EXPIRE = datetime(2027, 1, 1, tzinfo=UTC)


def stamp(time: datetime) -> Timestamp:
    made = Timestamp()
    made.FromDatetime(time)
    return made


def problems(refused: grpc.aio.AioRpcError) -> set[str]:
    """Returns the fields that are said to be wrong."""
    return {problem.field for problem in bad_request(refused).field_violations}


def desk(edge: Edge, who: str = "citizen") -> delegation_pb2_grpc.DelegationServiceStub:
    return delegation_pb2_grpc.DelegationServiceStub(edge.channel(getattr(edge.world, who)))


async def test_hands_in_a_grant_as_it_came(edge: Edge) -> None:
    request = pb.GrantDelegationRequest(
        request_id="r-1",
        mailbox=THEIRS,
        delegate="5001950016",
        right=pb.DELEGATED_RIGHT_READ_AND_CONFIRM,
        expire_time=stamp(EXPIRE),
    )

    granted = (await desk(edge).GrantDelegation(request, timeout=60)).delegation

    (command,) = edge.desks.commands
    assert isinstance(command, GrantDelegation)
    assert (command.request_id, command.mailbox, command.delegate) == ("r-1", THEIRS, "5001950016")
    assert (command.right, command.start, command.expire) == (Right.READ_AND_CONFIRM, None, EXPIRE)
    assert (granted.mailbox, granted.delegate, granted.right) == (
        THEIRS,
        "5001950016",
        pb.DELEGATED_RIGHT_READ_AND_CONFIRM,
    )
    assert not granted.HasField("revoke_time")
    assert granted.revoke_evidence_id == ""


async def test_tells_all_that_is_wrong_with_a_grant(edge: Edge) -> None:
    request = pb.GrantDelegationRequest(mailbox="nobody", delegate="1", right=pb.DELEGATED_RIGHT_UNSPECIFIED)

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await desk(edge).GrantDelegation(request, timeout=60)

    assert problems(refused.value) == {"request_id", "mailbox", "delegate", "right", "expire_time"}
    assert edge.desks.commands == []


async def test_hands_in_a_revocation_and_gives_back_what_came_of_it(edge: Edge) -> None:
    request = pb.RevokeDelegationRequest(request_id="r-2", delegation_id=str(KNOWN_DELIVERY))

    revoked = (await desk(edge).RevokeDelegation(request, timeout=60)).delegation

    (command,) = edge.desks.commands
    assert isinstance(command, RevokeDelegation)
    assert command.delegation_id == KNOWN_DELIVERY
    assert revoked.HasField("revoke_time")
    assert UUID(revoked.revoke_evidence_id) == KNOWN_DELIVERY


async def test_lists_for_holders_and_for_the_operator_each_in_their_own_way(edge: Edge) -> None:
    reply = await desk(edge).ListDelegations(pb.ListDelegationsRequest(received=True), timeout=60)
    assert (len(reply.delegations), reply.next_page_token) == (1, "second")
    await desk(edge, "operator").ListDelegations(pb.ListDelegationsRequest(mailbox=THEIRS), timeout=60)

    own, named = edge.desks.commands
    assert isinstance(own, ListDelegations)
    assert own.received
    assert isinstance(named, ListDelegations)
    assert (named.mailbox, named.received) == (THEIRS, False)

    for who, request, field in (
        ("citizen", pb.ListDelegationsRequest(received=True, mailbox=THEIRS), "mailbox"),
        ("operator", pb.ListDelegationsRequest(), "mailbox"),
        ("operator", pb.ListDelegationsRequest(mailbox=THEIRS, received=True), "received"),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await desk(edge, who).ListDelegations(request, timeout=60)
        assert field in problems(refused.value)


async def test_every_call_in_a_mailbox_names_the_one_that_it_is_for(edge: Edge) -> None:
    channel = edge.channel(edge.world.citizen)
    mailbox = mailbox_pb2_grpc.MailboxServiceStub(channel)
    evidence = evidence_pb2_grpc.EvidenceServiceStub(channel)
    message = {"delivery_id": str(KNOWN_DELIVERY), "mailbox": "12345678@E-CITIZEN.am"}
    got = await mailbox.GetMailbox(mailbox_pb2.GetMailboxRequest(mailbox=THEIRS), timeout=60)
    assert got.mailbox.address == THEIRS
    await mailbox.ListMessages(mailbox_pb2.ListMessagesRequest(mailbox=THEIRS), timeout=60)
    await mailbox.OpenMessage(mailbox_pb2.OpenMessageRequest(**message), timeout=60)
    request = mailbox_pb2.DownloadContentRequest(part_number=1, **message)
    assert [reply async for reply in mailbox.DownloadContent(request, timeout=60)]
    await mailbox.IssueStatement(mailbox_pb2.IssueStatementRequest(**message), timeout=60)
    signed = mailbox_pb2.ConfirmReadingRequest(
        statement_id=str(KNOWN_DELIVERY), cms_signature=b"x", **message
    )
    await mailbox.ConfirmReading(signed, timeout=60)
    await mailbox.ListMailboxLinks(mailbox_pb2.ListMailboxLinksRequest(mailbox=THEIRS), timeout=60)
    await evidence.ListFacts(
        evidence_pb2.ListFactsRequest(delivery_id=message["delivery_id"], mailbox=message["mailbox"]),
        timeout=60,
    )
    await evidence.GetReceipt(
        evidence_pb2.GetReceiptRequest(evidence_id=str(KNOWN_DELIVERY), mailbox=THEIRS), timeout=60
    )

    _, *commands = edge.desks.commands
    kinds = (
        ListMessages,
        OpenMessage,
        ReadPart,
        IssueStatement,
        ConfirmReading,
        ListLinks,
        ListFacts,
        GetReceipt,
    )
    assert [type(command) for command in commands] == list(kinds)
    for command in commands:
        assert isinstance(command, kinds)
        assert command.mailbox == THEIRS


async def test_senders_name_no_mailbox(edge: Edge) -> None:
    stub = evidence_pb2_grpc.EvidenceServiceStub(edge.channel(edge.world.agency))
    request = evidence_pb2.ListFactsRequest(delivery_id=str(KNOWN_DELIVERY), mailbox=THEIRS)

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.ListFacts(request, timeout=60)

    assert problems(refused.value) == {"mailbox"}


async def test_a_stream_ends_when_the_right_to_it_ends(edge: Edge) -> None:
    stub = mailbox_pb2_grpc.MailboxServiceStub(edge.channel(edge.world.citizen))
    stream = stub.WatchMailbox(mailbox_pb2.WatchMailboxRequest(mailbox=THEIRS), timeout=60)
    await stream.read()
    await until(lambda: THEIRS in edge.desks.rechecked)

    edge.desks.revoked.add(THEIRS)

    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await _read_on(stream)
    assert ended.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert error_info(ended.value).reason == "RESOURCE_NOT_PERMITTED"


async def _read_on(stream: Any) -> None:
    while await stream.read() is not grpc.aio.EOF:
        pass
