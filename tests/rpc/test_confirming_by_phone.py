"""Confirmations by phone on the wire."""

import grpc
import pytest

from namak.v1 import mailbox_pb2 as pb
from namak.v1 import mailbox_pb2_grpc
from server.usecases.phone_confirmation import CompleteConfirmationByPhone, StartConfirmationByPhone
from tests.rpc.desk_samples import KNOWN_DELIVERY
from tests.rpc.edge import CITIZEN, Edge, bad_request
from tests.rpc.phone_desk import CODE, COMPARED

CONFIRMATION = "0192f0c3-0000-7000-8000-0000000000ff"


def holder(edge: Edge) -> mailbox_pb2_grpc.MailboxServiceStub:
    return mailbox_pb2_grpc.MailboxServiceStub(edge.channel(edge.world.citizen))


async def violations(edge: Edge, method: str, request: object) -> list[tuple[str, str]]:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await getattr(holder(edge), method)(request, timeout=60)
    return [(each.field, each.reason) for each in bad_request(refused.value).field_violations]


@pytest.mark.parametrize(
    ("asked", "shown"), [("az", "az"), ("ru-RU", "ru"), ("KK", "kk"), ("de", "hy"), ("", "hy")]
)
async def test_starts_for_the_caller_in_a_language_that_phones_have_words_in(
    edge: Edge, asked: str, shown: str
) -> None:
    request = pb.StartConfirmationByPhoneRequest(
        delivery_id=str(KNOWN_DELIVERY),
        phone_number="+37455000001",
        language=asked,
        mailbox="22335588@ECITIZEN.am",
    )

    started = await holder(edge).StartConfirmationByPhone(request, timeout=60)

    command = edge.desks.commands[-1]
    assert isinstance(command, StartConfirmationByPhone)
    assert (command.holder.person_number, command.delivery_id) == (CITIZEN, KNOWN_DELIVERY)
    assert (command.phone, command.language) == ("+37455000001", shown)
    assert command.mailbox == "22335588@e-citizen.am"
    assert (started.statement, started.translation_language) == (b"statement", "hy")
    assert (started.verification_code, started.verification_code_required) == ("", True)
    assert started.confirmation_id
    assert started.statement_id


async def test_shows_the_digits_where_they_are_compared(edge: Edge) -> None:
    request = pb.StartConfirmationByPhoneRequest(delivery_id=str(COMPARED), phone_number="+37455000001")

    started = await holder(edge).StartConfirmationByPhone(request, timeout=60)

    assert (started.verification_code, started.verification_code_required) == (CODE, False)


async def test_tells_what_is_wrong_with_a_start(edge: Edge) -> None:
    request = pb.StartConfirmationByPhoneRequest(delivery_id="x", phone_number="055 000001")

    assert await violations(edge, "StartConfirmationByPhone", request) == [
        ("delivery_id", "NOT_A_UUID"),
        ("phone_number", "PHONE_MALFORMED"),
    ]


async def test_hands_in_the_digits_and_waits_no_longer_than_the_call(edge: Edge) -> None:
    request = pb.CompleteConfirmationByPhoneRequest(confirmation_id=CONFIRMATION, verification_code=CODE)

    reply = await holder(edge).CompleteConfirmationByPhone(request, timeout=20)

    command = edge.desks.commands[-1]
    assert isinstance(command, CompleteConfirmationByPhone)
    assert (str(command.confirmation_id), command.code, command.mailbox) == (CONFIRMATION, CODE, None)
    assert 0 < command.wait.total_seconds() < 20
    assert reply.confirmed.message.delivery_id
    assert len(reply.confirmed.evidence) == 1
    assert CODE not in repr(command)


async def test_says_that_the_phone_has_not_answered(edge: Edge) -> None:
    request = pb.CompleteConfirmationByPhoneRequest(confirmation_id=CONFIRMATION)

    reply = await holder(edge).CompleteConfirmationByPhone(request, timeout=60)

    assert reply.WhichOneof("outcome") == "pending"
    assert reply.pending.HasField("expire_time")


async def test_tells_what_is_wrong_with_a_completion(edge: Edge) -> None:
    request = pb.CompleteConfirmationByPhoneRequest(confirmation_id="", verification_code="1" * 17)

    assert await violations(edge, "CompleteConfirmationByPhone", request) == [
        ("confirmation_id", "NOT_A_UUID"),
        ("verification_code", "TOO_LONG"),
    ]
