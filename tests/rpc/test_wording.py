"""What a person is told beside the developer's message, in the language that the call asks for."""

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from namak.client import Client, Connection
from namak.errors import NamakError
from namak.evidence.statement import SENTENCE
from namak.v1 import delivery_pb2, delivery_pb2_grpc, mailbox_pb2, mailbox_pb2_grpc
from server.domain.refusals import MailboxUnknown
from tests.rpc.edge import Edge

LIST = delivery_pb2.ListDeliveriesRequest()
RECIPIENT = "5001950015@e-citizen.am"


async def told(edge: Edge, *metadata: tuple[str, str]) -> tuple[str, str, str]:
    """Returns the language and the text for people, and the developer's message."""
    stub = delivery_pb2_grpc.DeliveryServiceStub(edge.channel(edge.world.agency))
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await stub.ListDeliveries(LIST, timeout=60, metadata=metadata)
    status = rpc_status.from_call(failed.value)
    message = error_details_pb2.LocalizedMessage()
    (detail,) = [each for each in status.details if each.Is(message.DESCRIPTOR)]
    detail.Unpack(message)
    return message.locale, message.message, status.message


@pytest.mark.parametrize(
    ("wish", "language", "text"),
    [
        ("ru-RU, en;q=0.5", "ru", f"Почтового ящика с адресом {RECIPIENT} нет."),
        ("en", "en", f"There is no mailbox with the address {RECIPIENT}."),
        ("kk", "hy", f"{RECIPIENT} հասցեով փոստարկղ չկա։"),
        ("not a language at all", "hy", f"{RECIPIENT} հասցեով փոստարկղ չկա։"),
    ],
)
async def test_a_refusal_is_told_in_the_language_asked_for_among_the_jurisdiction_s(
    wish: str, language: str, text: str, edge: Edge
) -> None:
    edge.desks.fault = MailboxUnknown(RECIPIENT)

    assert await told(edge, ("accept-language", wish)) == (
        language,
        text,
        f"no mailbox has the address {RECIPIENT}",
    )


async def test_without_a_wish_the_jurisdiction_s_first_language_is_spoken(edge: Edge) -> None:
    edge.desks.fault = MailboxUnknown(RECIPIENT)

    language, _, _ = await told(edge)

    assert language == "hy"


async def test_a_fault_of_ours_is_told_in_the_language_and_betrays_nothing(edge: Edge) -> None:
    edge.desks.fault = RuntimeError(RECIPIENT)

    language, text, _ = await told(edge, ("accept-language", "ru"))

    assert (language, text) == (
        "ru",
        "Произошла внутренняя ошибка. Обратитесь к оператору и назовите номер запроса.",
    )


async def test_a_statement_comes_with_what_it_says_in_the_language_asked_for(edge: Edge) -> None:
    stub = mailbox_pb2_grpc.MailboxServiceStub(edge.channel(edge.world.citizen))
    request = mailbox_pb2.IssueStatementRequest(delivery_id="0192f0c3-0000-7000-8000-00000000000d")

    told = {
        wish: await stub.IssueStatement(request, timeout=60, metadata=(("accept-language", wish),))
        for wish in ("ru", "en", "kk")
    }

    assert {wish: reply.translation_language for wish, reply in told.items()} == {
        "ru": "ru",
        "en": "en",
        "kk": "hy",
    }
    assert told["en"].translation == "I certify that I have read and accepted the content of the letter"
    assert told["kk"].translation == SENTENCE
    assert len({reply.statement for reply in told.values()}) == 1


@pytest.mark.parametrize(("lang", "language"), [("ru", "ru"), (None, "hy")])
async def test_the_library_asks_for_its_language_and_hands_on_what_is_told(
    lang: str | None, language: str, edge: Edge
) -> None:
    edge.desks.fault = MailboxUnknown(RECIPIENT)
    world = edge.world
    assert world.agency.key_path is not None
    connection = Connection(
        address=edge.address,
        ca=world.pki.server_root_path,
        certificate=world.agency.cert_path,
        key=world.agency.key_path,
        lang=lang,
    )
    async with Client(connection) as post:
        with pytest.raises(NamakError) as refused:
            await post.deliveries.get("0192f0c3-0000-7000-8000-00000000000d")

    assert refused.value.told_language == language
    assert RECIPIENT in refused.value.told
    assert str(refused.value) == f"no mailbox has the address {RECIPIENT}"
