"""Holders at portals, as the door knows them: by a session's token, with the certificate it was issued to."""

import asyncio
from typing import Any

import grpc
import pytest
import structlog

from namak.v1 import evidence_pb2, evidence_pb2_grpc, identity_pb2, identity_pb2_grpc, mailbox_pb2_grpc
from namak.v1 import mailbox_pb2 as pb
from server.domain.caller import Assurance, Holder, Portal, ViaPortal
from server.domain.sessions import Ending, session_token
from tests.rpc.edge import ADMINISTRATOR, CITIZEN, Edge, World, error_info, started_edge
from tests.rpc.serving import Gate
from tests.rpc.test_streams import REQUEST, calls_in
from tests.waiting import until

GET = pb.GetMailboxRequest()


def carrying(token: str, *more: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    return (("namak-session", token), *more)


async def refusal(call: Any) -> str:
    """Returns why a call was refused; empty when it was not."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return str(error_info(error).reason)
    return ""


async def test_takes_a_portal_with_a_session_for_its_holder_and_remembers_the_portal(edge: Edge) -> None:
    token = edge.register.begin_session(edge.world.portal.sha256, CITIZEN)
    stub = mailbox_pb2_grpc.MailboxServiceStub(edge.channel(edge.world.portal))

    await stub.GetMailbox(GET, timeout=60, metadata=carrying(token))

    (caller,) = edge.desks.callers
    (session,) = edge.register.sessions.values()
    assert isinstance(caller, Holder)
    assert (caller.person_number, caller.administers) == (CITIZEN, frozenset())
    assert caller.via == ViaPortal("e-citizen.am", session.id, Assurance.SIGNATURE)
    assert caller.connection.certificate_sha256 == edge.world.portal.sha256


async def test_takes_a_portal_without_a_session_for_the_portal(edge: Edge) -> None:
    stub = identity_pb2_grpc.IdentityServiceStub(edge.channel(edge.world.portal))
    request = identity_pb2.StartSignInRequest(
        certificate=identity_pb2.CertificateSignIn(certificate=b"certificate")
    )

    await stub.StartSignIn(request, timeout=60)

    (caller,) = edge.desks.callers
    assert isinstance(caller, Portal)
    assert caller.name == "e-citizen.am"


async def test_an_administrators_session_at_a_portal_administers_nothing(edge: Edge) -> None:
    token = edge.register.begin_session(edge.world.portal.sha256, ADMINISTRATOR)
    stub = mailbox_pb2_grpc.MailboxServiceStub(edge.channel(edge.world.portal))

    await stub.GetMailbox(GET, timeout=60, metadata=carrying(token))

    (caller,) = edge.desks.callers
    assert isinstance(caller, Holder)
    assert caller.administers == frozenset()


async def test_several_tokens_in_one_call_are_none(edge: Edge) -> None:
    token = edge.register.begin_session(edge.world.portal.sha256, CITIZEN)
    stub = mailbox_pb2_grpc.MailboxServiceStub(edge.channel(edge.world.portal))

    call = stub.GetMailbox(GET, timeout=60, metadata=(*carrying(token), *carrying(token)))

    assert await refusal(call) == "SESSION_UNKNOWN"


async def test_a_foreign_token_and_a_guessed_one_get_the_same_answer(edge: Edge) -> None:
    foreign = edge.register.begin_session(edge.world.other_portal.sha256, CITIZEN)
    stub = mailbox_pb2_grpc.MailboxServiceStub(edge.channel(edge.world.portal))
    answers = []
    for token in (foreign, session_token(bytes(range(32)))):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.GetMailbox(GET, timeout=60, metadata=carrying(token))
        assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
        answers.append((refused.value.details(), dict(error_info(refused.value).metadata)))

    assert answers[0] == answers[1]
    assert edge.desks.callers == []


async def test_an_ended_session_is_refused_at_once_and_says_how_it_ended(edge: Edge) -> None:
    token = edge.register.begin_session(edge.world.portal.sha256, CITIZEN)
    stub = mailbox_pb2_grpc.MailboxServiceStub(edge.channel(edge.world.portal))
    await stub.GetMailbox(GET, timeout=60, metadata=carrying(token))

    edge.register.end_session(token, Ending.TERMINATED)

    async def call_on() -> grpc.aio.AioRpcError:
        while True:
            try:
                await stub.GetMailbox(GET, timeout=60, metadata=carrying(token))
            except grpc.aio.AioRpcError as error:
                return error

    info = error_info(await asyncio.wait_for(call_on(), 60))
    assert (info.reason, info.metadata["ending"]) == ("SESSION_ENDED", "TERMINATED")


@pytest.mark.parametrize("how", ["ended", "portal revoked"])
async def test_ends_a_waiting_stream_when_its_session_ends(world: World, how: str) -> None:
    async with started_edge(world) as edge:
        token = edge.register.begin_session(world.portal.sha256, CITIZEN)
        edge.desks.gate = gate = Gate()
        stub = mailbox_pb2_grpc.MailboxServiceStub(edge.channel(world.portal))
        call = stub.DownloadContent(REQUEST, timeout=60, metadata=carrying(token))
        await gate.entered.wait()

        if how == "ended":
            edge.register.end_session(token)
        else:
            edge.register.revoke(world.portal.sha256)

        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await call.read()
        assert ended.value.code() is grpc.StatusCode.UNAUTHENTICATED
        expected = "SESSION_ENDED" if how == "ended" else "CERTIFICATE_REVOKED"
        assert error_info(ended.value).reason == expected
        assert gate.left.is_set()


async def test_another_holders_stream_on_the_same_connection_goes_on(edge: Edge) -> None:
    token = edge.register.begin_session(edge.world.portal.sha256, CITIZEN)
    other = edge.register.begin_session(edge.world.portal.sha256, ADMINISTRATOR)
    edge.desks.gate = gate = Gate()
    stub = mailbox_pb2_grpc.MailboxServiceStub(edge.channel(edge.world.portal))
    ending, going_on = (
        stub.DownloadContent(REQUEST, timeout=60, metadata=carrying(each)) for each in (token, other)
    )
    await until(lambda: len(edge.desks.callers) == 2)

    edge.register.end_session(token)
    with pytest.raises(grpc.aio.AioRpcError):
        await ending.read()
    gate.leave.set()

    first, *_ = [reply async for reply in going_on]
    assert first.part.size == len(edge.desks.content)


async def test_the_log_line_names_the_portal_and_neither_the_holder_nor_the_session(edge: Edge) -> None:
    token = edge.register.begin_session(edge.world.portal.sha256, CITIZEN)
    channel = edge.channel(edge.world.portal)
    with structlog.testing.capture_logs() as logs:
        await mailbox_pb2_grpc.MailboxServiceStub(channel).GetMailbox(
            GET, timeout=60, metadata=carrying(token)
        )
        await evidence_pb2_grpc.EvidenceServiceStub(channel).GetCheckpoint(
            evidence_pb2.GetCheckpointRequest(), timeout=60
        )
        await until(lambda: len(calls_in(logs)) == 2)

    holder, portal = calls_in(logs)
    assert (holder["caller"], holder["via_portal"]) == ("holder", "e-citizen.am")
    assert "client_address" not in holder
    assert (portal["caller"], portal["portal"]) == ("portal", "e-citizen.am")
    (session,) = edge.register.sessions.values()
    for secret in (CITIZEN, token, str(session.id)):
        assert secret not in repr(logs)


async def test_a_session_is_remembered_as_long_as_a_certificate_is(edge: Edge) -> None:
    token = edge.register.begin_session(edge.world.portal.sha256, CITIZEN)
    stub = mailbox_pb2_grpc.MailboxServiceStub(edge.channel(edge.world.portal))
    await stub.GetMailbox(GET, timeout=60, metadata=carrying(token))
    before = edge.register.readings

    calls = [stub.GetMailbox(GET, timeout=60, metadata=carrying(token)) for _ in range(50)]
    await asyncio.gather(*calls)

    assert edge.register.readings - before < 50
