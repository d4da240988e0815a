"""Strangers who take their time, or many connections, of what hands files out over HTTP."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from server.http_bounds import Bounds
from server.http_files import HttpListener
from tests.waiting import until

BIG = 16 * 1024 * 1024
"""More than the buffers of two sockets hold."""

GET = b"GET / HTTP/1.1\r\nHost: log\r\n\r\n"


async def small(_: web.Request) -> web.Response:
    return web.Response(text="here")


async def big(_: web.Request) -> web.Response:
    return web.Response(body=bytes(BIG))


@contextlib.asynccontextmanager
async def listening(bounds: Bounds) -> AsyncIterator[int]:
    application = web.Application()
    application.router.add_get("/", small)
    application.router.add_get("/big", big)
    listener = HttpListener(application, "127.0.0.1:0", bounds)
    await listener.open()
    try:
        yield listener.port
    finally:
        await listener.close()


async def status(port: int) -> int:
    """Returns the status that a connection of one's own gets."""
    incoming, outgoing = await asyncio.open_connection("127.0.0.1", port)
    outgoing.write(GET)
    try:
        line = await incoming.readline()
    except ConnectionError:
        # It was closed over the request, which nobody read.
        return 503
    finally:
        outgoing.close()
    return int(line.split()[1])


async def answer(incoming: asyncio.StreamReader) -> bytes:
    head = await incoming.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    return await incoming.readexactly(4)


@pytest.mark.parametrize("asked_before", [False, True])
async def test_a_request_whose_head_drips_is_ended(asked_before: bool) -> None:
    async with listening(Bounds(head_seconds=1.0)) as port, asyncio.timeout(60):
        incoming, outgoing = await asyncio.open_connection("127.0.0.1", port)
        if asked_before:
            outgoing.write(GET)
            assert await answer(incoming) == b"here"
        outgoing.write(GET[:-2])
        ended = asyncio.ensure_future(incoming.read())
        while not ended.done():
            with contextlib.suppress(ConnectionError):
                outgoing.write(b"X-More: x\r\n")
                await outgoing.drain()
            await asyncio.wait([ended], timeout=0.02)
        with contextlib.suppress(ConnectionError):
            assert await ended == b""
        outgoing.close()
        assert await status(port) == 200


async def test_a_connection_that_says_nothing_is_ended() -> None:
    async with listening(Bounds(head_seconds=0.1)) as port, asyncio.timeout(60):
        incoming, outgoing = await asyncio.open_connection("127.0.0.1", port)
        assert await incoming.read() == b""
        outgoing.close()


async def test_there_are_no_more_connections_than_may_be() -> None:
    async with listening(Bounds(connections=2)) as port, asyncio.timeout(60):
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        for incoming, outgoing in held:
            outgoing.write(GET)
            assert await answer(incoming) == b"here"
        incoming, outgoing = await asyncio.open_connection("127.0.0.1", port)
        assert (await incoming.read()).startswith(b"HTTP/1.1 503 ")
        outgoing.close()
        # Those that are let in are served all the while, and leave their places.
        incoming, outgoing = held[0]
        outgoing.write(GET)
        assert await answer(incoming) == b"here"
        outgoing.close()

        async def has_room() -> bool:
            return await status(port) == 200

        await until(has_room)
        held[1][1].close()


@pytest.mark.parametrize("ended", [True, False])
async def test_who_leaves_an_answer_lying_is_cut_off(ended: bool) -> None:
    bounds = Bounds(connections=1, sending_seconds=0.2 if ended else 3600)
    async with listening(bounds) as port, asyncio.timeout(60):
        lazy = socket.create_connection(("127.0.0.1", port))
        lazy.sendall(GET.replace(b"/ ", b"/big ", 1))

        async def has_room() -> bool:
            return await status(port) == 200

        if ended:
            await until(has_room)
        else:
            assert not await has_room()
        lazy.close()


async def test_who_takes_an_answer_that_lay_for_a_moment_is_not_cut_off_later() -> None:
    async with listening(Bounds(sending_seconds=1.0)) as port, asyncio.timeout(60):
        incoming, outgoing = await asyncio.open_connection("127.0.0.1", port)
        outgoing.write(GET.replace(b"/ ", b"/big ", 1))
        await incoming.readuntil(b"\r\n\r\n")
        assert len(await incoming.readexactly(BIG)) == BIG
        loop = asyncio.get_running_loop()
        later = loop.time() + 1.5

        async def is_answered_later() -> bool:
            outgoing.write(GET)
            assert await answer(incoming) == b"here"
            return loop.time() > later

        await until(is_answered_later)
        outgoing.close()
