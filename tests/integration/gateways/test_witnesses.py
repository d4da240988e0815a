"""Witnesses over HTTP: whatever a server does, the answer comes in time and is bounded."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from namak.evidence.tlog_witness import MAX_ANSWER_BYTES
from server.gateways.witnesses import HttpWitnesses
from server.usecases.witness_ports import WitnessAnswer, WitnessUnreached

SECONDS = 30.0
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def witness(handler: Handler, *, seconds: float = SECONDS) -> AsyncIterator[tuple[HttpWitnesses, str]]:
    application = web.Application()
    application.router.add_post("/add-checkpoint", handler)
    client = HttpWitnesses(seconds=seconds)
    try:
        async with TestServer(application) as server:
            yield client, str(server.make_url("/"))
            await client.close()
    finally:
        await client.close()


async def test_the_answer_is_what_the_witness_said() -> None:
    async def answer(request: web.Request) -> web.Response:
        assert await request.read() == b"question"
        headers = {"Content-Type": "Text/X.Tlog.Size; charset=us-ascii"}
        return web.Response(status=409, body=b"7\n", headers=headers)

    async with witness(answer) as (client, url):
        for address in (url, url.rstrip("/")):
            said = await client.add_checkpoint(address, b"question")
            assert said == WitnessAnswer(409, "text/x.tlog.size", b"7\n")


async def test_one_that_does_not_answer_in_time_is_not_waited_for() -> None:
    gone = asyncio.Event()

    async def never(request: web.Request) -> web.Response:
        await gone.wait()
        return web.Response()

    async with witness(never, seconds=0.05) as (client, url):
        with pytest.raises(WitnessUnreached, match="timed out"):
            await client.add_checkpoint(url, b"")
        gone.set()


async def test_one_that_never_ends_is_cut_off() -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(MAX_ANSWER_BYTES // 1024 + 1):
            await response.write(bytes(1024))
        return response

    async with witness(endless) as (client, url):
        with pytest.raises(WitnessUnreached, match="too long"):
            await client.add_checkpoint(url, b"")


async def test_redirections_are_not_followed() -> None:
    async def elsewhere(request: web.Request) -> web.Response:
        raise web.HTTPFound("http://127.0.0.1:1/add-checkpoint")

    async with witness(elsewhere) as (client, url):
        assert (await client.add_checkpoint(url, b"")).status == 302


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://", "ftp://127.0.0.1/", "http://[::1"])
async def test_one_that_is_not_there_is_told_by_its_kind(url: str) -> None:
    client = HttpWitnesses(seconds=SECONDS)
    with pytest.raises(WitnessUnreached) as unreached:
        await client.add_checkpoint(url, b"")
    await client.close()
    assert unreached.value.cause.isidentifier()


async def test_a_certificate_that_leads_nowhere_is_refused(tmp_path: object) -> None:
    with pytest.raises(OSError, match="No such file"):
        HttpWitnesses(seconds=SECONDS, authorities=tmp_path / "none.pem")  # type: ignore[operator]
