"""A gazette on loopback that takes notices over HTTP: true, failing for days, slow, endless, or elsewhere."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

from aiohttp import web

Behaviour = Callable[[web.Request], Awaitable[web.StreamResponse]]
"""How to answer instead of truly."""


def with_status(status: int, **headers: str) -> Behaviour:
    """Returns a behaviour that answers with a status."""

    async def behaviour(_request: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, headers=named)

    return behaviour


async def hanging_up(request: web.Request) -> web.StreamResponse:
    """Breaks the connection off without an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def endless(request: web.Request) -> web.StreamResponse:
    """Says that it is done, and then talks until nobody listens any more."""
    response = web.StreamResponse()
    await response.prepare(request)
    with contextlib.suppress(ConnectionError):
        while True:
            await response.write(b" " * 65536)
    return response


class GazetteServer:
    """What stands in the gazette.

    Attributes:
        entries: what is public, by identifier.
        behaviour: how every question is answered, instead of truly.
        late: the behaviour is for answers alone: what is asked for is done before.
        asked: methods and paths, in their order.
        headers: those of the newest question.
        token: what callers must bring, if anything.
        location: the Location of an answer to what was published, if any.
        release: questions wait for it; it is set, unless a test clears it.
    """

    def __init__(self) -> None:
        self.port = 0
        self.scheme = "http"
        self.entries: dict[UUID, bytes] = {}
        self.behaviour: Behaviour | None = None
        self.late = False
        self.asked: list[tuple[str, str]] = []
        self.headers: dict[str, str] = {}
        self.token = ""
        self.location = ""
        self.release = asyncio.Event()
        self.release.set()

    @property
    def url(self) -> str:
        """Below which notices are."""
        return f"{self.scheme}://127.0.0.1:{self.port}/notices"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answers one question."""
        self.asked.append((request.method, request.path))
        self.headers = dict(request.headers)
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.Response(status=401)
        if self.behaviour is not None and not self.late:
            return await self.behaviour(request)
        await self.release.wait()
        answer = await self._do(request, UUID(request.match_info["id"]))
        return answer if self.behaviour is None else await self.behaviour(request)

    async def _do(self, request: web.Request, notice_id: UUID) -> web.StreamResponse:
        if request.method == "PUT":
            status = 200 if notice_id in self.entries else 201
            self.entries[notice_id] = await request.read()
            return web.Response(status=status, headers={"Location": self.location} if self.location else {})
        if request.method == "DELETE":
            return web.Response(status=204 if self.entries.pop(notice_id, None) is not None else 404)
        found = self.entries.get(notice_id)
        return web.Response(status=404) if found is None else web.Response(body=found)


@contextlib.asynccontextmanager
async def gazette_serving(context: ssl.SSLContext | None = None) -> AsyncIterator[GazetteServer]:
    """Yields a gazette that answers on a free port of 127.0.0.1."""
    server = GazetteServer()
    server.scheme = "https" if context else "http"
    application = web.Application()
    application.router.add_route("*", "/notices/{id}", server.answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    addresses: Sequence[Any] = runner.addresses
    server.port = addresses[0][1]
    try:
        yield server
    finally:
        server.release.set()
        await runner.cleanup()
