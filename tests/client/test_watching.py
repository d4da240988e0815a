"""Streams of facts in the library: however a stream ends, the next one goes on where it stopped."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import grpc
import grpc.aio
import pytest
from grpc_status import rpc_status

from namak.client import Client, Patience
from namak.client.watching import watched
from namak.errors import InvalidRequest, NotAuthenticated, TryLater, Unavailable
from namak.v1 import delivery_pb2, delivery_pb2_grpc, evidence_pb2, mailbox_pb2
from tests.client.authority import Authority, connection_for
from tests.client.refusing import Refusal, unavailable

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
End = Callable[[Context], Awaitable[None]]
ORIGIN = "log.e-citizen.am/2026"
QUICK = Patience(total=20.0, first_pause=0.001, longest_pause=0.002)
SOON_OVER = Patience(total=1.0, first_pause=0.02, longest_pause=0.02)


def refused(code: grpc.StatusCode, reason: str, retry_after: float | None = None) -> End:
    status = rpc_status.to_status(Refusal(code, reason, "no", retry_after=retry_after).status)

    async def end(context: Context) -> None:
        await context.abort_with_status(status)

    return end


async def ends(context: Context) -> None:
    """Ends as a stream of the server's that is simply over."""


async def hangs(context: Context) -> None:
    await asyncio.Event().wait()


async def drains(context: Context) -> None:
    await context.abort_with_status(rpc_status.to_status(unavailable().status))


class Post:
    """A post whose streams give so many facts each from the cursor on, and then end as it is told."""

    def __init__(self, *streams: tuple[int, End]) -> None:
        self.streams = deque(streams)
        self.asked: list[tuple[str, int] | None] = []

    async def _follow(self, request: Any, context: Context) -> AsyncIterator[tuple[list[Any], Any]]:
        asked = (request.cursor.origin, request.cursor.index) if request.HasField("cursor") else None
        self.asked.append(asked)
        count, end = self.streams.popleft()
        first = asked[1] if asked else 100
        for index in range(first, first + count):
            fact = delivery_pb2.DeliveryFact(delivery_id="d", leaf_index=index)
            yield [fact], evidence_pb2.LogCursor(origin=ORIGIN, index=index + 1)
        await end(context)

    async def deliveries(
        self, request: delivery_pb2.WatchDeliveriesRequest, context: Context
    ) -> AsyncIterator[delivery_pb2.WatchDeliveriesResponse]:
        async for facts, cursor in self._follow(request, context):
            yield delivery_pb2.WatchDeliveriesResponse(facts=facts, cursor=cursor)

    async def mailbox(
        self, request: mailbox_pb2.WatchMailboxRequest, context: Context
    ) -> AsyncIterator[mailbox_pb2.WatchMailboxResponse]:
        async for facts, cursor in self._follow(request, context):
            yield mailbox_pb2.WatchMailboxResponse(facts=facts, cursor=cursor)

    def add_to(self, server: grpc.aio.Server) -> None:
        methods = (
            ("DeliveryService", "WatchDeliveries", self.deliveries, delivery_pb2.WatchDeliveriesRequest),
            ("MailboxService", "WatchMailbox", self.mailbox, mailbox_pb2.WatchMailboxRequest),
        )
        for service, method, behaviour, request in methods:
            handler: Any = grpc.unary_stream_rpc_method_handler(
                behaviour, request.FromString, lambda reply: reply.SerializeToString()
            )
            handlers = grpc.method_handlers_generic_handler(f"namak.v1.{service}", {method: handler})
            server.add_generic_rpc_handlers((handlers,))


@asynccontextmanager
async def client_of(
    post: Post, authority: Authority, directory: Path, patience: Patience = QUICK
) -> AsyncIterator[Client]:
    identity = authority.issue("localhost")
    server = grpc.aio.server()
    post.add_to(server)
    credentials = grpc.ssl_server_credentials(
        [(identity.key, identity.certificate)], authority.certificate, require_client_auth=True
    )
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    connection = connection_for(authority.issue("agency"), authority, f"127.0.0.1:{port}", directory)
    try:
        async with Client(connection, patience=patience) as client:
            yield client
    finally:
        await server.stop(None)


async def taken(replies: AsyncIterator[Any], count: int) -> list[int]:
    """Returns the leaves of the first so many facts."""
    found: list[int] = []
    async with asyncio.timeout(60):
        async for reply in replies:
            found += [fact.leaf_index for fact in reply.facts]
            assert reply.cursor.index == found[-1] + 1
            if len(found) >= count:
                break
    return found


INTERRUPTIONS = {
    "the server goes away": drains,
    "the stream is over": ends,
    "the server's time limit": refused(grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED"),
    "the reader was too slow": refused(grpc.StatusCode.RESOURCE_EXHAUSTED, "READER_TOO_SLOW"),
    "too many follow": refused(grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", retry_after=0.01),
}


@pytest.mark.parametrize("end", INTERRUPTIONS.values(), ids=INTERRUPTIONS)
async def test_goes_on_at_the_last_cursor_after_an_interruption(
    end: End, authority: Authority, tmp_path: Path
) -> None:
    post = Post((2, end), (0, end), (3, end), (9, hangs))
    async with client_of(post, authority, tmp_path) as client:
        found = await taken(client.deliveries.watch(), 7)
    assert found == [100, 101, 102, 103, 104, 105, 106]
    assert post.asked == [None, (ORIGIN, 102), (ORIGIN, 102), (ORIGIN, 105)]


async def test_a_holder_goes_on_from_a_cursor_of_before(authority: Authority, tmp_path: Path) -> None:
    post = Post((2, drains), (2, hangs))
    async with client_of(post, authority, tmp_path) as client:
        cursor = evidence_pb2.LogCursor(origin=ORIGIN, index=7)
        assert await taken(client.mailbox.watch(cursor), 4) == [7, 8, 9, 10]
    assert post.asked == [(ORIGIN, 7), (ORIGIN, 9)]


async def test_a_stream_that_says_nothing_is_given_up_and_opened_again(
    authority: Authority, tmp_path: Path
) -> None:
    # On a busy machine one may say nothing for so long even before its first fact.
    post = Post(*[(1, hangs)] * 1000)
    async with client_of(post, authority, tmp_path) as client:
        stub: Any = delivery_pb2_grpc.DeliveryServiceStub(client.deliveries._link.channel())

        def request(cursor: evidence_pb2.LogCursor | None) -> delivery_pb2.WatchDeliveriesRequest:
            return delivery_pb2.WatchDeliveriesRequest(cursor=cursor)

        replies = watched(client.deliveries._link, stub.WatchDeliveries, request, None, silence=0.3)
        assert await taken(replies, 2) == [100, 101]


@pytest.mark.parametrize(
    ("end", "kind"),
    [
        (refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_CURSOR"), InvalidRequest),
        (refused(grpc.StatusCode.UNAUTHENTICATED, "CERTIFICATE_REVOKED"), NotAuthenticated),
    ],
)
async def test_tells_what_ends_it_for_good(
    end: End, kind: type[Exception], authority: Authority, tmp_path: Path
) -> None:
    post = Post((1, end))
    async with client_of(post, authority, tmp_path) as client:
        with pytest.raises(kind):
            await taken(client.deliveries.watch(), 2)
    assert len(post.asked) == 1


@pytest.mark.parametrize(
    ("end", "kind"),
    [(drains, Unavailable), (refused(grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED"), TryLater)],
)
async def test_gives_up_when_nothing_comes_for_too_long(
    end: End, kind: type[Exception], authority: Authority, tmp_path: Path
) -> None:
    post = Post((1, end), *[(0, end)] * 1000)
    async with client_of(post, authority, tmp_path, SOON_OVER) as client:
        with pytest.raises(kind):
            await taken(client.deliveries.watch(), 2)
    assert 1 < len(post.asked) < 1000


async def test_who_stops_watching_ends_the_stream(authority: Authority, tmp_path: Path) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def until_left(context: Context) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with client_of(Post((1, until_left)), authority, tmp_path) as client:
        async with asyncio.timeout(60):
            async with aclosing(client.deliveries.watch()) as replies:
                await anext(replies)
                # A call that is left before it waits never gets there.
                await begun.wait()
            await ended.wait()
